package tlsprobe

import (
	"net/netip"
	"strings"

	"github.com/hostkin/hostkin/scanner/record"
	"github.com/hostkin/hostkin/scanner/tlsprobe/wire"
)

// offeredSuites is strong to weak; the old ones are there so that old servers
// answer. No anonymous, NULL, export or single DES suites: what they would tell
// is not worth a server's alarm.
func offeredSuites() []uint16 {
	return append([]uint16{0x1302, 0x1303, 0x1301}, oldSuites()...)
}

// oldSuites are those of TLS 1.2 and below.
func oldSuites() []uint16 {
	return []uint16{
		0xc02c, 0xc030, 0xc02b, 0xc02f, 0xcca9, 0xcca8, 0xc0ad, 0xc0ac, // ECDHE, AEAD
		0xc024, 0xc028, 0xc023, 0xc027, 0xc00a, 0xc014, 0xc009, 0xc013, // ECDHE, AES-CBC
		0xc073, 0xc077, 0xc072, 0xc076, // ECDHE, Camellia
		0x009f, 0x009e, 0xccaa, 0xc09f, 0xc09e, 0x006b, 0x0067, 0x0039, 0x0033, 0x0088, 0x0045, // DHE
		0x00a3, 0x00a2, 0x006a, 0x0040, 0x0038, 0x0032, // DHE, DSS
		0x009d, 0x009c, 0xc09d, 0xc09c, 0x003d, 0x003c, 0x0035, 0x002f, 0x0084, 0x0041, 0x0096, // RSA
		0xc008, 0xc012, 0x0016, 0x000a, 0xc007, 0xc011, 0x0005, 0x0004, // 3DES, RC4
	}
}

// fullHello is the ClientHello record with everything on offer. After a
// HelloRetryRequest group is the one asked for (0: none) and cookie what it
// brought (RFC 8446 section 4.1.2).
func (k *keys) fullHello(sni string, group uint16, cookie []byte) ([]byte, error) {
	groups := []uint16{groupX25519, groupP256}
	if group != 0 {
		groups = []uint16{group}
	}
	var shares []wire.KeyShare
	for _, g := range groups {
		private, err := k.private(g)
		if err != nil {
			return nil, err
		}
		shares = append(shares, wire.KeyShare{Group: g, Key: private.PublicKey().Bytes()})
	}
	h := wire.ClientHello{
		RecordVersion: 0x0301, Version: 0x0303, Random: k.random, SessionID: k.session,
		Suites:     offeredSuites(),
		Extensions: append(names(sni), fullExtensions(shares)...),
	}
	if len(cookie) > 0 {
		h.Extensions = append(h.Extensions, record.Extension{Type: wire.ExtCookie, Data: cookie})
	}
	return padded(h), nil
}

func fullExtensions(shares []wire.KeyShare) []record.Extension {
	return []record.Extension{
		{Type: wire.ExtExtendedMaster},
		{Type: wire.ExtRenegotiation, Data: []byte{0}},
		{Type: wire.ExtSupportedGroups, Data: wire.List16(2, groupX25519, groupP256, groupP384, groupP521)},
		{Type: wire.ExtPointFormats, Data: []byte{1, 0}},
		{Type: wire.ExtSessionTicket},
		wire.ALPN("h2", "http/1.1"),
		{Type: wire.ExtStatusRequest, Data: []byte{1, 0, 0, 0, 0}},
		{Type: wire.ExtSignatureAlgorithms, Data: signatureAlgorithms()},
		{Type: wire.ExtSCT},
		wire.KeyShares(shares...),
		{Type: wire.ExtPSKModes, Data: []byte{1, 1}},
		{Type: wire.ExtSupportedVersions, Data: wire.List16(1, 0x0304, 0x0303, 0x0302, 0x0301)},
	}
}

// plainHello is what a client of about 2010 says: no TLS 1.3, no ALPN, few
// extensions. It is asked once when a server refuses fullHello.
func (k *keys) plainHello(sni string) []byte {
	return padded(wire.ClientHello{
		RecordVersion: 0x0301, Version: 0x0303, Random: k.random,
		Suites: append(oldSuites(), 0x00ff), // TLS_EMPTY_RENEGOTIATION_INFO_SCSV, RFC 5746
		Extensions: append(names(sni),
			record.Extension{Type: wire.ExtSupportedGroups, Data: wire.List16(2, groupX25519, groupP256, groupP384, groupP521)},
			record.Extension{Type: wire.ExtPointFormats, Data: []byte{1, 0}},
			record.Extension{Type: wire.ExtSignatureAlgorithms, Data: signatureAlgorithms()}),
	})
}

func signatureAlgorithms() []byte {
	return wire.List16(2, 0x0403, 0x0503, 0x0603, 0x0807, 0x0808, 0x0809, 0x080a, 0x080b, 0x0804, 0x0805, 0x0806,
		0x0401, 0x0501, 0x0601, 0x0303, 0x0301, 0x0203, 0x0201, 0x0402, 0x0202)
}

func names(sni string) []record.Extension {
	if sni == "" {
		return nil
	}
	return []record.Extension{wire.ServerName(sni)}
}

// padded builds the record of h, keeping it out of the 256 to 511 bytes that
// some load balancers choke on (RFC 7685 section 1).
func padded(h wire.ClientHello) []byte {
	b := h.Record()
	if n := len(b) - 5; n > 0xff && n < 0x200 {
		fill := make([]byte, max(0x200-n-4, 1))
		h.Extensions = append(h.Extensions, record.Extension{Type: wire.ExtPadding, Data: fill})
		b = h.Record()
	}
	return b
}

// serverName is the name to send as SNI, or "" (RFC 6066 section 3: no
// trailing dot, no address literal).
func serverName(name string) string {
	name = strings.TrimSuffix(name, ".")
	if _, err := netip.ParseAddr(name); err == nil || len(name) > 253 {
		return ""
	}
	return name
}
