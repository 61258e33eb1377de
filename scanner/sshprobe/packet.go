package sshprobe

import (
	"encoding/binary"
	"errors"
	"strings"

	"github.com/hostkin/hostkin/scanner/record"
)

// Message numbers of RFC 4250 section 4.1.2, RFC 4253, RFC 5656 and RFC 4419.
const (
	msgDisconnect    = 1
	msgIgnore        = 2
	msgUnimplemented = 3
	msgDebug         = 4
	msgExtInfo       = 7
	msgKexInit       = 20
	msgKexdhInit     = 30 // ECDH_INIT and the hybrids' INIT too
	msgKexdhReply    = 31 // ECDH_REPLY and KEX_DH_GEX_GROUP too
	msgGexInit       = 32
	msgGexReply      = 33
	msgGexRequest    = 34
	lastKexMessage   = 49 // RFC 4250: 30 to 49 belong to the key exchange method
)

// maxPacket is the packet size that RFC 4253 section 6.1 asks implementations
// to accept; nothing before the end of a key exchange needs more.
const maxPacket = 35000

// maxNames bounds one name-list of a KEXINIT. The longest seen has some 40.
const maxNames = 512

var (
	errLength = errors.New("packet length out of bounds")
	errList   = errors.New("name-list out of bounds")
)

// packet takes the first unencrypted binary packet (RFC 4253 section 6) off b
// and returns its payload (part of b) and its size on the wire, or n = 0 if b
// does not hold all of it yet. A padding under 4 bytes and an unaligned length
// break the RFC but are read, since they tell servers apart.
func packet(b []byte) (payload []byte, n int, err error) {
	if len(b) < 5 {
		return nil, 0, nil
	}
	length, padding := binary.BigEndian.Uint32(b), uint32(b[4])
	if length > maxPacket-4 || length < padding+2 { // padding_length itself and a message number
		return nil, 0, errLength
	}
	n = 4 + int(length)
	if len(b) < n {
		return nil, 0, nil
	}
	return b[5 : n-int(padding)], n, nil
}

// frame makes a packet of a payload, padded to a multiple of 8 with zeros.
func frame(payload []byte) []byte {
	padding := 8 - (5+len(payload))%8
	if padding < 4 {
		padding += 8
	}
	out := binary.BigEndian.AppendUint32(make([]byte, 0, 5+len(payload)+padding), uint32(1+len(payload)+padding))
	out = append(out, byte(padding))
	out = append(out, payload...)
	return append(out, make([]byte, padding)...)
}

// cutString takes a string (RFC 4251 section 5: uint32 length, bytes) off b.
func cutString(b []byte) (s, rest []byte, ok bool) {
	if len(b) < 4 {
		return nil, nil, false
	}
	n := binary.BigEndian.Uint32(b)
	if uint64(n) > uint64(len(b)-4) {
		return nil, nil, false
	}
	return b[4 : 4+n], b[4+n:], true
}

func appendString[T string | []byte](b []byte, s T) []byte {
	return append(binary.BigEndian.AppendUint32(b, uint32(len(s))), s...)
}

// lists are the ten name-lists of a KEXINIT in wire order (RFC 4253 section 7.1).
func lists(k *record.KEXINIT) [10]*[]string {
	return [10]*[]string{&k.Kex, &k.HostKey, &k.EncC2S, &k.EncS2C, &k.MacC2S, &k.MacS2C,
		&k.CompC2S, &k.CompS2C, &k.LangC2S, &k.LangS2C}
}

// parseKexInit reads the payload of a KEXINIT. Names are printable US-ASCII
// (RFC 4250 section 4.6.1); anything else is refused, because a record could
// not hold it unchanged. Empty names and unknown ones are kept.
func parseKexInit(payload []byte) (*record.KEXINIT, error) {
	if len(payload) < 17 || payload[0] != msgKexInit {
		return nil, errList
	}
	k, rest := new(record.KEXINIT), payload[17:] // the cookie is random: not kept
	for _, list := range lists(k) {
		var s []byte
		var ok bool
		if s, rest, ok = cutString(rest); !ok || !printable(s) || strings.Count(string(s), ",") >= maxNames {
			return nil, errList
		}
		*list = []string{}
		if len(s) > 0 {
			*list = strings.Split(string(s), ",")
		}
	}
	if len(rest) < 1 {
		return nil, errList
	}
	k.FirstKexFollows = rest[0] != 0
	return k, nil
}

func printable(b []byte) bool {
	for _, c := range b {
		if c < 0x20 || c > 0x7e {
			return false
		}
	}
	return true
}

// kexInitPacket is our own KEXINIT. Its cookie is fixed: nothing is protected
// by this key exchange, and equal questions make answers comparable.
func kexInitPacket(k record.KEXINIT) []byte {
	payload := append(make([]byte, 0, 2<<10), msgKexInit)
	payload = append(payload, "hostkin\x00hostkin\x00"...)
	for _, list := range lists(&k) {
		payload = appendString(payload, strings.Join(*list, ","))
	}
	return frame(append(payload, 0, 0, 0, 0, 0)) // first_kex_packet_follows, reserved
}
