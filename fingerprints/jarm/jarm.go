// Package jarm computes JARM, the TLS server fingerprint of
// https://github.com/salesforce/jarm, from the answers to its ten hellos.
//
// The value is 62 hex digits: for each hello the suite chosen, as a 1-based
// index into the 69 sorted ones (two digits), and the version as a letter; then
// the first 32 digits of the SHA-256 of all ALPN choices and extension numbers.
package jarm

import (
	"crypto/sha256"
	"encoding/binary"
	"encoding/hex"
	"strings"

	"golang.org/x/crypto/cryptobyte"

	"github.com/hostkin/hostkin/scanner/record"
)

// Kind of the fingerprint.
const Kind = "jarm"

const count = 10

// Of is the JARM of ten answers. A hello that was refused (an alert, FIN, RST
// or an answer that is no ServerHello) counts as an empty component, as it does
// in the reference; one that got no answer at all (silence, a connection that
// could not be made, or none) makes the value partial. ok is false when nothing
// is known: a JARM of zeros says only that there is no TLS, or a strict SNI.
func Of(j *record.JARM) (value string, partial, ok bool) {
	if j == nil || len(j.Answers) == 0 || len(j.Answers) > count {
		return "", false, false
	}
	var head, tail strings.Builder
	for i := range count {
		var a record.JARMAnswer // an answer that is not there is unknown
		if i < len(j.Answers) {
			a = j.Answers[i]
		}
		switch a.Status {
		case record.OK:
		case record.Alert, record.Closed, record.Reset, record.Malformed:
			a.ServerHello = nil
		default:
			a.ServerHello, partial = nil, true
		}
		h, parsed := parse(a.ServerHello)
		if !parsed {
			head.WriteString("000")
			continue
		}
		ok = true
		head.WriteString(hex.EncodeToString([]byte{suiteIndex(h.suite)}))
		head.WriteByte(versionLetter(h.version))
		tail.WriteString(h.alpn)
		tail.WriteString(h.extensions)
	}
	if !ok {
		return "", partial, false
	}
	sum := sha256.Sum256([]byte(tail.String()))
	return head.String() + hex.EncodeToString(sum[:16]), partial, true
}

// hello is what JARM takes of a ServerHello.
type hello struct {
	version, suite uint16
	alpn           string // protocol chosen
	extensions     string // numbers in hex, joined by '-'
}

// parse reads a ServerHello message with its 4-byte header (RFC 8446 section 4.1.3).
func parse(msg []byte) (h hello, ok bool) {
	s := cryptobyte.String(msg)
	var body, id, block cryptobyte.String
	var kind, compression uint8
	if !s.ReadUint8(&kind) || kind != 2 || !s.ReadUint24LengthPrefixed(&body) ||
		!body.ReadUint16(&h.version) || !body.Skip(32) || !body.ReadUint8LengthPrefixed(&id) ||
		!body.ReadUint16(&h.suite) || !body.ReadUint8(&compression) {
		return h, false
	}
	if body.Empty() {
		return h, true
	}
	if !body.ReadUint16LengthPrefixed(&block) {
		return h, false
	}
	var numbers []string
	var alpn bool
	for !block.Empty() {
		var number uint16
		var data cryptobyte.String
		if !block.ReadUint16(&number) || !block.ReadUint16LengthPrefixed(&data) {
			return h, false
		}
		numbers = append(numbers, hex.EncodeToString(binary.BigEndian.AppendUint16(nil, number)))
		if number == 16 && !alpn { // after two lengths; the reference takes the first
			alpn = true
			h.alpn = string(data[min(3, len(data)):])
		}
	}
	h.extensions = strings.Join(numbers, "-")
	return h, true
}

// versionLetter maps the minor version's low digit, 0 to 5.
func versionLetter(version uint16) byte {
	if minor := version & 0xf; minor < 6 {
		return "abcdef"[minor]
	}
	return '0'
}

// suiteIndex is the place of a suite in the reference's list, counted from 1;
// one more than the last (0x46) if it is not there.
func suiteIndex(suite uint16) byte {
	list := sorted()
	for i, s := range list {
		if s == suite {
			return byte(i + 1)
		}
	}
	return byte(len(list) + 1)
}

// sorted are the suites that JARM offers, by number but those of TLS 1.3 last.
func sorted() [69]uint16 {
	return [69]uint16{
		0x0004, 0x0005, 0x0007, 0x000a, 0x0016, 0x002f, 0x0033, 0x0035, 0x0039, 0x003c, 0x003d, 0x0041, 0x0045, 0x0067,
		0x006b, 0x0084, 0x0088, 0x009a, 0x009c, 0x009d, 0x009e, 0x009f, 0x00ba, 0x00be, 0x00c0, 0x00c4, 0xc007, 0xc008,
		0xc009, 0xc00a, 0xc011, 0xc012, 0xc013, 0xc014, 0xc023, 0xc024, 0xc027, 0xc028, 0xc02b, 0xc02c, 0xc02f, 0xc030,
		0xc060, 0xc061, 0xc072, 0xc073, 0xc076, 0xc077, 0xc09c, 0xc09d, 0xc09e, 0xc09f, 0xc0a0, 0xc0a1, 0xc0a2, 0xc0a3,
		0xc0ac, 0xc0ad, 0xc0ae, 0xc0af, 0xcc13, 0xcc14, 0xcca8, 0xcca9, 0x1301, 0x1302, 0x1303, 0x1304, 0x1305,
	}
}
