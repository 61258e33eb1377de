package tlsprobe

import (
	"net/netip"
	"slices"
	"strings"

	"github.com/hostkin/hostkin/scanner/record"
	"github.com/hostkin/hostkin/scanner/tlsprobe/wire"
)

// The five hellos of tls.server, in the order of what they tell: each of them
// splits servers that those before it did not.
const (
	helloC = "c" // TLS 1.2, everything on offer, elliptic curves and the weakest suites first
	helloA = "a" // TLS 1.3 with GREASE (RFC 8701); its flight is decrypted
	helloD = "d" // TLS 1.2 without what servers prefer, few extensions, a name that nobody has
	helloE = "e" // TLS 1.1
	helloB = "b" // TLS 1.3 only and no key share: which of the rarer groups does the server ask for?
)

// helloS is A without ALPN, for a service that turns its connection into TLS:
// one that minds ALPN refuses who does not name its own protocol (RFC 9325
// section 3.7). It is no part of tls.server.
const helloS = "s"

// letters are the five, in the order in which they are asked.
func letters() [5]string { return [5]string{helloC, helloA, helloD, helloE, helloB} }

// build is the hello of a letter.
func (k *keys) build(letter, sni string) wire.ClientHello {
	switch letter {
	case helloA, helloS:
		return k.hello13(letter, sni, 0, nil)
	case helloD:
		return k.helloD()
	case helloE:
		return k.helloE(sni)
	case helloB:
		return k.helloB(sni)
	}
	return k.helloC(sni)
}

func (k *keys) helloC(sni string) wire.ClientHello {
	return wire.ClientHello{
		RecordVersion: 0x0301, Version: 0x0303, Random: k.random, SessionID: k.session,
		Suites: slices.Concat(slices.DeleteFunc(oldSuites(), notECDHE), slices.DeleteFunc(oldSuites(), ecdhe)),
		Extensions: append(names(sni), []record.Extension{
			{Type: wire.ExtExtendedMaster},
			{Type: wire.ExtEncryptThenMAC},
			{Type: wire.ExtRenegotiation, Data: []byte{0}},
			{Type: wire.ExtSupportedGroups, Data: wire.List16(2, groupP521, groupP384, groupP256, groupX25519)},
			{Type: wire.ExtPointFormats, Data: []byte{3, 0, 1, 2}},
			{Type: wire.ExtSessionTicket},
			wire.ALPN("zz/9", "http/1.1"),
			{Type: wire.ExtStatusRequest, Data: []byte{1, 0, 0, 0, 0}},
			{Type: wire.ExtSCT},
			{Type: wire.ExtHeartbeat, Data: []byte{1}},
			{Type: wire.ExtSignatureAlgorithms, Data: wire.List16(2, schemes()...)},
			{Type: wire.ExtMaxFragmentLength, Data: []byte{4}}, // 4096 bytes
		}...),
	}
}

// hello13 is A or S, see helloA.
func (k *keys) hello13(letter, sni string, group uint16, cookie []byte) wire.ClientHello {
	h := k.helloA(sni, group, cookie)
	if letter == helloS {
		h.Extensions = slices.DeleteFunc(h.Extensions, func(e record.Extension) bool { return e.Type == wire.ExtALPN })
	}
	return h
}

// helloA has one key share, of X25519. After a HelloRetryRequest it has one of
// the group asked for (0: the same) and the cookie that came with it (RFC 8446
// section 4.1.2). Of certificate compression it offers zlib alone: the others
// would hide the certificate from us.
func (k *keys) helloA(sni string, group uint16, cookie []byte) wire.ClientHello {
	shares := []wire.KeyShare{{Group: k.grease.group, Key: []byte{0}}, {Group: groupX25519, Key: k.public(groupX25519)}}
	if group != 0 {
		shares = []wire.KeyShare{{Group: group, Key: k.public(group)}}
	}
	h := wire.ClientHello{
		RecordVersion: 0x0301, Version: 0x0303, Random: k.random, SessionID: k.session,
		Suites: append([]uint16{k.grease.suite, 0x1303, 0x1302, 0x1301, 0x1304, 0x1305}, oldSuites()...),
		Extensions: append([]record.Extension{{Type: k.grease.extension}}, append(names(sni), []record.Extension{
			{Type: wire.ExtExtendedMaster},
			{Type: wire.ExtRenegotiation, Data: []byte{0}},
			{Type: wire.ExtSupportedGroups, Data: wire.List16(2, k.grease.group, groupX25519, groupP256, groupP384, groupP521)},
			{Type: wire.ExtPointFormats, Data: []byte{1, 0}},
			{Type: wire.ExtSessionTicket},
			// A server that goes by the client's order takes the first it knows,
			// one that has h2 and goes by its own takes that.
			wire.ALPN("http/1.0", "h2", "http/1.1"),
			{Type: wire.ExtStatusRequest, Data: []byte{1, 0, 0, 0, 0}},
			{Type: wire.ExtSignatureAlgorithms, Data: wire.List16(2, schemes()...)},
			{Type: wire.ExtSCT},
			wire.KeyShares(shares...),
			{Type: wire.ExtPSKModes, Data: []byte{1, 1}},
			{Type: wire.ExtSupportedVersions, Data: wire.List16(1, k.grease.version, 0x0304, 0x0303, 0x0302, 0x0301)},
			{Type: wire.ExtCompressCertificate, Data: []byte{2, 0, wire.CompressionZlib}},
			{Type: wire.ExtRecordSizeLimit, Data: []byte{0x40, 1}}, // 2^14 + 1, RFC 8449 section 4
			{Type: wire.ExtHeartbeat, Data: []byte{1}},
		}...)...),
	}
	if len(cookie) > 0 {
		h.Extensions = append(h.Extensions, record.Extension{Type: wire.ExtCookie, Data: cookie})
	}
	return h
}

// nobody is the name in hello D: some servers acknowledge any, some refuse what
// they do not know (RFC 6066 section 3), some do not care. RFC 2606 keeps it
// from belonging to anybody. It is sent whether or not a host's name is known.
const nobody = "host.invalid"

// helloD is what is left when the suites that every server prefers are not
// there: has it DHE, of which group, and RSA key exchange? They come first, so
// that of two certificates it sees the RSA one, and of ECDHE_RSA those with CBC
// come last, for servers that have nothing else. It has no ALPN, for which half
// of the servers would refuse it.
func (k *keys) helloD() wire.ClientHello {
	suites, list := slices.DeleteFunc(oldSuites(), preferred), schemes()
	slices.Reverse(suites)
	suites = slices.Concat(slices.DeleteFunc(slices.Clone(suites), ecdhe), slices.DeleteFunc(suites, notECDHE))
	slices.Reverse(list)
	return wire.ClientHello{
		RecordVersion: 0x0301, Version: 0x0303, Random: k.random,
		Suites: append(suites, 0x00ff), // TLS_EMPTY_RENEGOTIATION_INFO_SCSV, RFC 5746
		Extensions: append(names(nobody), []record.Extension{
			{Type: wire.ExtSupportedGroups, Data: wire.List16(2, groupP521, groupP384, groupP256)},
			{Type: wire.ExtPointFormats, Data: []byte{1, 0}},
			{Type: wire.ExtSignatureAlgorithms, Data: wire.List16(2, list...)},
			{Type: wire.ExtRecordSizeLimit, Data: []byte{0x40, 0}},
			{Type: wire.ExtSupportedVersions, Data: wire.List16(1, 0x0303)},
		}...),
	}
}

// helloE does not say that it fell back (RFC 7507): a server of more than TLS
// 1.1 would refuse it for that and hide whether it still speaks TLS 1.1.
func (k *keys) helloE(sni string) wire.ClientHello {
	return wire.ClientHello{
		RecordVersion: 0x0301, Version: 0x0302, Random: k.random,
		Suites: []uint16{0xc014, 0xc00a, 0xc013, 0xc009, 0x0039, 0x0033, 0x0035, 0x002f, 0x000a, 0x0005},
		Extensions: append(names(sni), []record.Extension{
			{Type: wire.ExtRenegotiation, Data: []byte{0}},
			{Type: wire.ExtSupportedGroups, Data: wire.List16(2, groupP256, groupP384, groupP521)},
			{Type: wire.ExtPointFormats, Data: []byte{1, 0}},
			{Type: wire.ExtSessionTicket},
		}...),
	}
}

// helloB may name groups that we cannot do: no key is made for any of them.
// X25519 and P-256, which nearly all servers would ask for, are not among them. A
// server that refuses the ALPN does so here, where there is least to lose.
func (k *keys) helloB(sni string) wire.ClientHello {
	return wire.ClientHello{
		RecordVersion: 0x0301, Version: 0x0303, Random: k.random, SessionID: k.session,
		Suites: []uint16{0x1302, 0x1303, 0x1301}, // A has 1303 first
		Extensions: append(names(sni), []record.Extension{
			{Type: wire.ExtSupportedGroups, Data: wire.List16(2, groupX25519MLKEM768, groupP521, groupX448, groupFFDHE2048, groupP384)},
			{Type: wire.ExtSignatureAlgorithms, Data: wire.List16(2, schemes()...)},
			wire.KeyShares(),
			{Type: wire.ExtPSKModes, Data: []byte{1, 1}},
			{Type: wire.ExtSupportedVersions, Data: wire.List16(1, 0x0304)},
			wire.ALPN("zz/9"),
		}...),
	}
}

// oldSuites are JARM's 64 of TLS 1.2 and below, weak to strong. There are no
// anonymous, NULL, export or single DES suites: what they would tell is not
// worth a server's alarm.
func oldSuites() []uint16 {
	return []uint16{
		0x0004, 0x0005, 0xc007, 0xc011, 0x0007, 0x000a, 0x0016, 0xc008, 0xc012, // RC4, IDEA, 3DES
		0x002f, 0x0035, 0x003c, 0x003d, 0x0041, 0x0084, 0x00ba, 0x00c0, 0xc0a0, 0xc0a1, 0xc09c, 0xc09d, 0x009c, 0x009d, // RSA
		0x009a, 0x0033, 0x0039, 0x0067, 0x006b, 0x0045, 0x0088, 0x00be, 0x00c4, // DHE, SEED and CBC
		0xc0a2, 0xc0a3, 0xc09e, 0xc09f, 0x009e, 0x009f, // DHE, CCM and GCM
		0xc009, 0xc013, 0xc00a, 0xc014, 0xc023, 0xc027, 0xc024, 0xc028, 0xc072, 0xc076, 0xc073, 0xc077, // ECDHE, CBC
		0xc060, 0xc061, 0xc0ae, 0xc0af, 0xc0ac, 0xc0ad, 0xc02b, 0xc02f, 0xc02c, 0xc030, 0xcc13, 0xcc14, 0xcca8, 0xcca9, // ECDHE, AEAD
	}
}

// ecdhe reports whether one of oldSuites agrees on a key by elliptic curve.
func ecdhe(suite uint16) bool {
	return suite>>8 == 0xc0 && (suite < 0xc09c || suite > 0xc0a3) || suite>>8 == 0xcc
}

func notECDHE(suite uint16) bool { return !ecdhe(suite) }

// preferred are the suites with AEAD for an RSA certificate that servers have
// before DHE, whoever's order counts.
func preferred(suite uint16) bool {
	return slices.Contains([]uint16{0xc02f, 0xc030, 0xcc13, 0xcca8}, suite)
}

// schemes are the signature schemes on offer (RFC 8446 section 4.2.3 and RFC 5246 section 7.4.1.4.1).
func schemes() []uint16 {
	return []uint16{0x0403, 0x0503, 0x0603, 0x0807, 0x0808, 0x0809, 0x080a, 0x080b, 0x0804, 0x0805, 0x0806,
		0x0401, 0x0501, 0x0601, 0x0303, 0x0301, 0x0203, 0x0201, 0x0402, 0x0202}
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
