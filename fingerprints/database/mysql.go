package database

import (
	"bytes"
	"encoding/binary"
	"fmt"

	"github.com/hostkin/hostkin/fingerprints/value"
)

const (
	protocol9  = 9
	protocol10 = 10
	errPacket  = 0xff
)

// greeting reads, of HandshakeV10 (MySQL "Client/Server Protocol"), "10
// 5.5.5-10.11.6-MariaDB caps=81fff7fe ext=0000001d charset=2d status=0002
// auth=21 plugin=mysql_native_password": neither thread id nor challenge. A
// packet that ends early has the fields up to there; ext is MariaDB's, where
// MySQL has zeros.
func greeting(payload []byte) string {
	if len(payload) == 0 || payload[0] != protocol10 && payload[0] != protocol9 {
		return ""
	}
	version, rest, ended := bytes.Cut(payload[1:], []byte{0})
	if !ended {
		return ""
	}
	out := fmt.Sprintf("%d %s", payload[0], value.Escaped(string(version), `\ `))
	const fixed = 4 + 8 + 1 + 2 + 1 + 2 + 2 + 1 + 10 // thread id, challenge, filler, flags, set, status, flags, length, reserved
	if payload[0] == protocol9 || len(rest) < fixed {
		return out
	}
	f := rest[4+8+1 : fixed]
	out += fmt.Sprintf(" caps=%02x%02x%02x%02x", f[6], f[5], f[1], f[0])
	if ext := f[14:18]; !bytes.Equal(ext, make([]byte, 4)) {
		out += fmt.Sprintf(" ext=%08x", binary.LittleEndian.Uint32(ext))
	}
	out += fmt.Sprintf(" charset=%02x status=%04x auth=%d", f[2], binary.LittleEndian.Uint16(f[3:]), f[7])
	if second := max(13, int(f[7])-8); len(rest) > fixed+second {
		plugin, _, _ := bytes.Cut(rest[fixed+second:], []byte{0})
		out += " plugin=" + value.Escaped(string(plugin), `\ `)
	}
	return out
}

// mysqlError reads "1130 Host '{client}' is not allowed ...". Only the codes
// about a host begin with its name in quotes, whatever the language; the
// SQLSTATE, which none should have before a client has told what it knows, stays.
func mysqlError(payload []byte) string {
	if len(payload) < 3 || payload[0] != errPacket {
		return ""
	}
	const blocked, notAllowed = 1129, 1130
	code, text := binary.LittleEndian.Uint16(payload[1:]), payload[3:]
	if code == blocked || code == notAllowed {
		before, quoted, _ := bytes.Cut(text, []byte("'"))
		if _, after, ended := bytes.Cut(quoted, []byte("'")); ended {
			text = fmt.Appendf(nil, "%s'{client}'%s", before, after)
		}
	}
	return value.Text(fmt.Sprintf("%d %s", code, text))
}
