package wire

import (
	"strings"

	"golang.org/x/crypto/cryptobyte"
)

// ServerName is the host name in the server_name extension (RFC 6066 section
// 3), or "" where it is none: names are of printable ASCII.
func (h ClientHello) ServerName() string {
	data, _ := Find(h.Extensions, ExtServerName)
	s := cryptobyte.String(data)
	var list, host cryptobyte.String
	var kind uint8
	if !s.ReadUint16LengthPrefixed(&list) || !list.ReadUint8(&kind) || kind != 0 || !list.ReadUint16LengthPrefixed(&host) ||
		strings.ContainsFunc(string(host), func(c rune) bool { return c <= ' ' || c > '~' }) {
		return ""
	}
	return string(host)
}
