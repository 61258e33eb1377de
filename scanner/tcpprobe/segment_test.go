package tcpprobe

import (
	"bytes"
	"encoding/hex"
	"net/netip"
	"slices"
	"strings"
	"testing"
)

// Packets of a Linux 6 host, IP header on.
const (
	synIPv4 = "4500003c" + "1c464000" + "40060000" + "0a000001" + "0a000002" +
		"9c4001bb" + "00000010" + "00000000" + "a002faf0" + "00000000" +
		"020405b4" + "0402080a" + "00000001" + "00000000" + "01030307"
	synAckIPv4 = "4500003c" + "00004000" + "40060000" + "0a000002" + "0a000001" +
		"01bb9c40" + "00000020" + "00000011" + "a012fe88" + "00000000" +
		"020405b4" + "0402080a" + "00000002" + "00000001" + "01030307"
	synAckIPv4Options = "47000034" + "00004000" + "40060000" + "0a000002" + "0a000001" + "01010101" + "83040400" +
		"01bb9c40" + "00000020" + "00000011" + "6012fe88" + "00000000" + "020405b4"
	synAckIPv6 = "60000000" + "00180640" +
		"20010db8000000000000000000000002" + "20010db8000000000000000000000001" +
		"01bb9c40" + "00000020" + "00000011" + "6012fe88" + "00000000" + "020405a0"
)

func unhex(tb testing.TB, s string) []byte {
	tb.Helper()
	b, err := hex.DecodeString(strings.ReplaceAll(s, " ", ""))
	if err != nil {
		tb.Fatal(err)
	}
	return b
}

func TestParseReadsBothDirectionsAndFamilies(t *testing.T) {
	s, ok := parse(unhex(t, synIPv4))
	if !ok || s.answer || s.seq != 0x10 || s.src != netip.MustParseAddrPort("10.0.0.1:40000") || s.dst != netip.MustParseAddrPort("10.0.0.2:443") {
		t.Errorf("SYN: %+v, %v", s, ok)
	}
	// What follows the TCP header (padding of a short Ethernet frame, data of
	// a fast open) is not part of the headers.
	packet := append(unhex(t, synAckIPv4), 0xDB, 0xDB)
	s, ok = parse(packet)
	if !ok || !s.answer || s.ack != 0x11 || !bytes.Equal(s.headers, packet[:60]) {
		t.Errorf("SYN-ACK: %+v, %v", s, ok)
	}
	s, ok = parse(unhex(t, synAckIPv4Options))
	if !ok || !s.answer || s.src != netip.MustParseAddrPort("10.0.0.2:443") || len(s.headers) != 52 {
		t.Errorf("SYN-ACK with IPv4 options: %+v, %v", s, ok)
	}
	s, ok = parse(unhex(t, synAckIPv6))
	if !ok || !s.answer || s.src != netip.MustParseAddrPort("[2001:db8::2]:443") || len(s.headers) != 64 {
		t.Errorf("SYN-ACK over IPv6: %+v, %v", s, ok)
	}
}

func TestParseRefusesWhatIsNotAHandshake(t *testing.T) {
	edit := func(at int, value byte) []byte {
		b := unhex(t, synAckIPv4)
		b[at] = value
		return b
	}
	for name, packet := range map[string][]byte{
		"empty":                          {},
		"IP version 5":                   edit(0, 0x55),
		"IP header below 20 bytes":       edit(0, 0x44),
		"IP header beyond the packet":    unhex(t, synAckIPv4)[:19],
		"UDP":                            edit(9, 17),
		"second fragment":                edit(7, 1),
		"TCP header below 20 bytes":      edit(32, 0x40),
		"TCP header beyond the packet":   edit(32, 0xf0),
		"cut within the options":         unhex(t, synAckIPv4)[:59],
		"RST":                            edit(33, 0x14),
		"SYN and RST":                    edit(33, 0x16),
		"SYN and FIN":                    edit(33, 0x13),
		"plain ACK":                      edit(33, 0x10),
		"IPv6 with an extension header":  append(append(unhex(t, synAckIPv6)[:6], 0), unhex(t, synAckIPv6)[7:]...),
		"IPv4 options beyond the packet": unhex(t, synAckIPv4Options)[:27],
		"IPv4 options cut off TCP":       unhex(t, synAckIPv4Options)[:47],
		"a VLAN tag":                     append([]byte{0x81, 0, 0, 5}, unhex(t, synAckIPv4)...),
		"IPv6 cut within the IP header":  unhex(t, synAckIPv6)[:39],
		"IPv6 cut within the TCP header": unhex(t, synAckIPv6)[:59],
	} {
		if s, ok := parse(packet); ok {
			t.Errorf("%s: taken for %+v", name, s)
		}
	}
}

func FuzzParse(f *testing.F) {
	for _, s := range []string{synIPv4, synAckIPv4, synAckIPv4Options, synAckIPv6} {
		whole := unhex(f, s)
		f.Add(whole)
		f.Add(whole[:len(whole)-1])
		f.Add(append(whole, 0))
	}
	f.Add(slices.Insert(unhex(f, synAckIPv6), 40, 6, 0, 1, 4, 0, 0, 0, 0)) // destination options
	f.Add(append([]byte{0x81, 0, 0, 5}, unhex(f, synAckIPv4)...))          // a VLAN tag
	f.Fuzz(func(t *testing.T, packet []byte) {
		s, ok := parse(packet)
		if !ok {
			return
		}
		if len(s.headers) < 40 || len(s.headers) > 120 || !bytes.HasPrefix(packet, s.headers) {
			t.Errorf("headers %x of %x", s.headers, packet)
		}
		again, ok := parse(s.headers)
		if !ok || again.src != s.src || again.dst != s.dst || again.answer != s.answer {
			t.Errorf("the headers alone read as %+v, %v; the packet as %+v", again, ok, s)
		}
	})
}
