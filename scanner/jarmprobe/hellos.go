package jarmprobe

import (
	"slices"

	"github.com/hostkin/hostkin/scanner/record"
	"github.com/hostkin/hostkin/scanner/tlsprobe/wire"
)

// Count is the number of Client Hellos.
const Count = 10

// hello describes one of the ten (jarm.py, main).
type hello struct {
	version  uint16                  // 0x0304: legacy version 1.2, record version 1.0
	order    func([]uint16) []uint16 // of the suites; nil: as listed
	grease   bool
	no13     bool     // leave out the suites of TLS 1.3
	rareALPN bool     // without h2 and http/1.1
	reverse  bool     // ALPN and versions in reverse
	versions []uint16 // of supported_versions; nil: no such extension
}

// hellos are the ten, in the order of the hash.
func hellos() [Count]hello {
	upTo12, upTo13 := []uint16{0x0301, 0x0302, 0x0303}, []uint16{0x0301, 0x0302, 0x0303, 0x0304}
	return [Count]hello{
		{version: 0x0303, reverse: true, versions: upTo12},
		{version: 0x0303, order: reverse, versions: upTo12},
		{version: 0x0303, order: topHalf},
		{version: 0x0303, order: bottomHalf, rareALPN: true},
		{version: 0x0303, order: middleOut, grease: true, rareALPN: true, reverse: true},
		{version: 0x0302},
		{version: 0x0304, reverse: true, versions: upTo13},
		{version: 0x0304, order: reverse, versions: upTo13},
		{version: 0x0304, no13: true, versions: upTo13},
		{version: 0x0304, order: middleOut, grease: true, reverse: true, versions: upTo13},
	}
}

// suites are the 69 of JARM, in its order.
func suites() []uint16 {
	return []uint16{
		0x0016, 0x0033, 0x0067, 0xc09e, 0xc0a2, 0x009e, 0x0039, 0x006b, 0xc09f, 0xc0a3, 0x009f, 0x0045, 0x00be, 0x0088,
		0x00c4, 0x009a, 0xc008, 0xc009, 0xc023, 0xc0ac, 0xc0ae, 0xc02b, 0xc00a, 0xc024, 0xc0ad, 0xc0af, 0xc02c, 0xc072,
		0xc073, 0xcca9, 0x1302, 0x1301, 0xcc14, 0xc007, 0xc012, 0xc013, 0xc027, 0xc02f, 0xc014, 0xc028, 0xc030, 0xc060,
		0xc061, 0xc076, 0xc077, 0xcca8, 0x1305, 0x1304, 0x1303, 0xcc13, 0xc011, 0x000a, 0x002f, 0x003c, 0xc09c, 0xc0a0,
		0x009c, 0x0035, 0x003d, 0xc09d, 0xc0a1, 0x009d, 0x0041, 0x00ba, 0x0084, 0x00c0, 0x0007, 0x0004, 0x0005,
	}
}

// alpns are weakest to strongest.
func alpns() []string {
	return []string{"http/0.9", "http/1.0", "http/1.1", "spdy/1", "spdy/2", "spdy/3", "h2", "h2c", "hq"}
}

// record builds the ClientHello record for a server name.
func (h hello) record(sni string, r *random) []byte {
	ch := wire.ClientHello{
		RecordVersion: h.version, Version: h.version,
		Random: r.bytes(32), SessionID: r.bytes(32), Suites: suites(),
	}
	if h.version == 0x0304 {
		ch.RecordVersion, ch.Version = 0x0301, 0x0303
	}
	if h.no13 {
		ch.Suites = slices.DeleteFunc(ch.Suites, func(s uint16) bool { return s>>8 == 0x13 })
	}
	if h.order != nil {
		ch.Suites = h.order(ch.Suites)
	}
	if h.grease {
		ch.Suites = append([]uint16{r.grease()}, ch.Suites...)
		ch.Extensions = append(ch.Extensions, record.Extension{Type: r.grease()})
	}
	ch.Extensions = append(ch.Extensions,
		wire.ServerName(sni),
		record.Extension{Type: wire.ExtExtendedMaster},
		record.Extension{Type: wire.ExtMaxFragmentLength, Data: []byte{1}},
		record.Extension{Type: wire.ExtRenegotiation, Data: []byte{0}},
		record.Extension{Type: wire.ExtSupportedGroups, Data: wire.List16(2, 29, 23, 24, 25)},
		record.Extension{Type: wire.ExtPointFormats, Data: []byte{1, 0}},
		record.Extension{Type: wire.ExtSessionTicket},
		h.alpn(),
		record.Extension{Type: wire.ExtSignatureAlgorithms,
			Data: wire.List16(2, 0x0403, 0x0804, 0x0401, 0x0503, 0x0805, 0x0501, 0x0806, 0x0601, 0x0201)},
		h.keyShare(r),
		record.Extension{Type: wire.ExtPSKModes, Data: []byte{1, 1}})
	if h.versions != nil {
		ch.Extensions = append(ch.Extensions, h.supportedVersions(r))
	}
	return ch.Record()
}

func (h hello) alpn() record.Extension {
	list := alpns()
	if h.rareALPN {
		list = slices.DeleteFunc(list, func(p string) bool { return p == "h2" || p == "http/1.1" })
	}
	if h.reverse {
		slices.Reverse(list)
	}
	return wire.ALPN(list...)
}

func (h hello) keyShare(r *random) record.Extension {
	x25519 := wire.KeyShare{Group: 29, Key: r.bytes(32)}
	if h.grease {
		return wire.KeyShares(wire.KeyShare{Group: r.grease(), Key: []byte{0}}, x25519)
	}
	return wire.KeyShares(x25519)
}

func (h hello) supportedVersions(r *random) record.Extension {
	list := slices.Clone(h.versions)
	if h.reverse {
		slices.Reverse(list)
	}
	if h.grease {
		list = append([]uint16{r.grease()}, list...)
	}
	return record.Extension{Type: wire.ExtSupportedVersions, Data: wire.List16(1, list...)}
}

func reverse(s []uint16) []uint16 {
	s = slices.Clone(s)
	slices.Reverse(s)
	return s
}

// bottomHalf is the second half, without the middle.
func bottomHalf(s []uint16) []uint16 { return s[(len(s)+1)/2:] }

// topHalf is the first half backwards, the middle first.
func topHalf(s []uint16) []uint16 { return reverse(s[:(len(s)+1)/2]) }

// middleOut goes from the middle outwards, the later half first.
func middleOut(s []uint16) []uint16 {
	middle := len(s) / 2
	out := make([]uint16, 0, len(s))
	if len(s)%2 == 0 {
		for i := range middle {
			out = append(out, s[middle+i], s[middle-1-i])
		}
		return out
	}
	out = append(out, s[middle])
	for i := 1; i <= middle; i++ {
		out = append(out, s[middle+i], s[middle-i])
	}
	return out
}
