package wire

import (
	"bytes"
	"slices"

	"github.com/hostkin/hostkin/scanner/record"
)

// IsGrease reports whether v is one of the sixteen reserved values of RFC 8701.
func IsGrease(v uint16) bool { return v&0x0f0f == 0x0a0a && v>>8 == v&0xff }

// Constant is the record of h without what a client draws anew or says of a
// host: random bytes, keys, server_name, padding, which values of GREASE. By it
// a hello is known again, whoever sent it.
func (h ClientHello) Constant() []byte {
	h.Random, h.SessionID = make([]byte, 32), make([]byte, len(h.SessionID))
	h.Suites = slices.Clone(h.Suites)
	for i, s := range h.Suites {
		h.Suites[i] = ungreased(s)
	}
	var kept []record.Extension
	for _, e := range h.Extensions {
		e.Type = ungreased(e.Type)
		switch e.Type {
		case ExtServerName, ExtPadding:
			continue
		case ExtKeyShare: // the lengths tell the groups' number
			e.Data = make([]byte, len(e.Data))
		case ExtSupportedGroups:
			e.Data = ungreasedList(2, e.Data)
		case ExtSupportedVersions:
			e.Data = ungreasedList(1, e.Data)
		}
		kept = append(kept, e)
	}
	h.Extensions = kept
	return h.Record()
}

// ungreased is v, or the first of the values of RFC 8701 for all of them.
func ungreased(v uint16) uint16 {
	if IsGrease(v) {
		return 0x0a0a
	}
	return v
}

// ungreasedList is a list of 16 bits after its length, of width bytes.
func ungreasedList(width int, list []byte) []byte {
	list = bytes.Clone(list)
	for i := width; i+1 < len(list); i += 2 {
		if IsGrease(uint16(list[i])<<8 | uint16(list[i+1])) {
			list[i], list[i+1] = 0x0a, 0x0a
		}
	}
	return list
}
