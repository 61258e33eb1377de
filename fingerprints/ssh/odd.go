package ssh

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"strings"
	"unicode"
	"unicode/utf8"

	"github.com/hostkin/hostkin/fingerprints/value"
	"github.com/hostkin/hostkin/scanner/record"
)

// maxItems bounds what is told of one reply.
const maxItems = 16

// oddText is how a server took one question:
//
//	version: 'Protocol major versions differ.\r\n' closed
//	version: KEXINIT DISCONNECT(8,'bad version #.#') closed
//	http: open
//
// what it said, of binary packets the message only, for they hold random
// bytes, of text the template, for it may hold our own address; then whether
// it closed, reset or waited on. "" is unknown: the reply was cut short.
func oddText(o record.SSHOdd) string {
	end := ""
	switch o.Status {
	case record.Closed:
		end = "closed"
	case record.Reset:
		end = "reset"
	case record.Timeout:
		end = "open"
	}
	items, whole := replyItems(o.Reply)
	if o.Sent != "version" && o.Sent != "http" || end == "" || !whole {
		return ""
	}
	return o.Sent + ": " + strings.Join(append(items, end), " ")
}

// replyItems tells packets (RFC 4253 section 6) and text apart: the length of
// a packet begins with a zero byte, which no text has. whole is false if the
// last packet is cut.
func replyItems(b []byte) (items []string, whole bool) {
	for len(b) > 0 && len(items) < maxItems {
		if b[0] != 0 {
			end := bytes.IndexByte(b, 0)
			if end < 0 {
				end = len(b)
			}
			if !isText(b[:end]) {
				return append(items, "binary"), true
			}
			items = append(items, quoted(b[:end]))
			b = b[end:]
			continue
		}
		if len(b) < 5 {
			return nil, false
		}
		length, padding := int(binary.BigEndian.Uint32(b)), int(b[4])
		if length < padding+2 { // padding_length itself and a message number
			return append(items, "binary"), true
		}
		if len(b)-4 < length {
			return nil, false
		}
		items = append(items, message(b[5:4+length-padding]))
		b = b[4+length:]
	}
	if len(b) > 0 {
		items = append(items, "...")
	}
	return items, true
}

func isText(b []byte) bool {
	for len(b) > 0 {
		r, n := utf8.DecodeRune(b)
		if r == utf8.RuneError && n == 1 || unicode.IsControl(r) && !strings.ContainsRune("\t\r\n\x1b", r) {
			return false
		}
		b = b[n:]
	}
	return true
}

func quoted(text []byte) string {
	return "'" + value.Escaped(value.Template(string(text)), `\'`) + "'"
}

// message names the message of a payload (RFC 4250 section 4.1); of a
// disconnect also reason code and description (RFC 4253 section 11.1).
func message(payload []byte) string {
	switch payload[0] {
	case 1:
		if len(payload) < 9 {
			return "DISCONNECT"
		}
		reason, n := binary.BigEndian.Uint32(payload[1:]), binary.BigEndian.Uint32(payload[5:])
		text := payload[9:]
		if uint64(n) > uint64(len(text)) || !isText(text[:n]) {
			return fmt.Sprintf("DISCONNECT(%d)", reason)
		}
		return fmt.Sprintf("DISCONNECT(%d,%s)", reason, quoted(text[:n]))
	case 2:
		return "IGNORE"
	case 3:
		return "UNIMPLEMENTED"
	case 4:
		return "DEBUG"
	case 20:
		return "KEXINIT"
	}
	return fmt.Sprintf("MSG(%d)", payload[0])
}
