package tcp

import (
	"encoding/hex"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/hostkin/hostkin/fingerprints/value"
	"github.com/hostkin/hostkin/scanner/record"
)

// Handshake headers. The Linux ones were captured by tcpprobe from a network
// namespace of Linux 6.18 over an Ethernet pair; the others are laid out by hand
// after the TTLs, windows and option orders that those systems are known by.
const (
	linuxSYN = "4500003c79954000400698fec6124e01c6124e02" + "d9f41f4075ab678e00000000a002faf028570000" +
		"020405b40402080ac017372e000000000103030a"
	linux = "4500003c0000400040061294c6124e02c6124e01" + "1f40d9f466dbe73c75ab678fa012fe8828570000" +
		"020405b40402080a49f31d58c017372e0103030a"
	linuxIPv6 = "60008e3c00280640fd000078000000000000000000000002fd000078000000000000000000000001" +
		"1f40b4dcf242fe750e6f05aca012fb04fb220000" + "020405a00402080a581eac23ebc76f2b0103030a"
	windows = "450000341a2b400071060000 0a0000020a000001" + "01bb9c400000002000000011 8012ffff00000000" +
		"020405b40103030801010402"
	freebsd = "4500003c0000400036060000 0a0000020a000001" + "01bb9c400000002000000011 a012ffff00000000" +
		"020405b4010303060402080a0000000200000001"
	macos = "450000400000400040060000 0a0000020a000001" + "01bb9c400000002000000011 b012ffff00000000" +
		"020405b4010303060101080a00000002000000010402 0000"
	router = "4500002c00000000fe060000 0a0000020a000001" + "01bb9c400000002000000011 6012102000000000" + "02040218"
)

func unhex(tb testing.TB, s string) []byte {
	tb.Helper()
	b, err := hex.DecodeString(strings.ReplaceAll(s, " ", ""))
	if err != nil {
		tb.Fatal(err)
	}
	return b
}

func TestSYNACK(t *testing.T) {
	for name, c := range map[string]struct{ packet, want string }{
		"Linux":                  {linux, "64:df:65160:1460:10:mss,sackok,ts,nop,ws"},
		"Windows, 15 hops away":  {windows, "128:df:65535:1460:8:mss,nop,ws,nop,nop,sackok:id+"},
		"FreeBSD, 10 hops away":  {freebsd, "64:df:65535:1460:6:mss,nop,ws,sackok,ts"},
		"macOS":                  {macos, "64:df:65535:1460:6:mss,nop,ws,nop,nop,ts,sackok,eol+1"},
		"a router, 1 hop away":   {router, "255:-:4128:536:-:mss:id-"},
		"Linux over IPv6":        {linuxIPv6, "64:v6:64260:1440:10:mss,sackok,ts,nop,ws"},
		"options that are none":  {edit(t, router, 32, "50"), "255:-:4128:-:-:none:id-"},
		"ECN agreed":             {edit(t, linux, 33, "52"), "64:df:65160:1460:10:mss,sackok,ts,nop,ws:ecn"},
		"a router with an IP ID": {edit(t, router, 4, "1234"), "255:-:4128:536:-:mss"},
		"reserved bit of IP":     {edit(t, linux, 6, "c0"), "64:df:65160:1460:10:mss,sackok,ts,nop,ws:0+"},
		"reserved bit of TCP":    {edit(t, linux, 32, "a2"), "64:df:65160:1460:10:mss,sackok,ts,nop,ws:0+"},
		"PSH":                    {edit(t, linux, 33, "1a"), "64:df:65160:1460:10:mss,sackok,ts,nop,ws:pushf+"},
		"URG":                    {edit(t, linux, 33, "32000000000001"), "64:df:0:1460:10:mss,sackok,ts,nop,ws:urgf+"},
		"urgent pointer":         {edit(t, linux, 38, "0001"), "64:df:65160:1460:10:mss,sackok,ts,nop,ws:uptr+"},
		"all at once":            {edit(t, edit(t, linux, 4, "0001"), 33, "fa"), "64:df:65160:1460:10:mss,sackok,ts,nop,ws:id+,pushf+,urgf+,ecn,cwr"},
		"TTL 32":                 {edit(t, linux, 8, "20"), "32:df:65160:1460:10:mss,sackok,ts,nop,ws"},
		"TTL 0":                  {edit(t, linux, 8, "00"), "32:df:65160:1460:10:mss,sackok,ts,nop,ws"},
		"TTL 65":                 {edit(t, linux, 8, "41"), "128:df:65160:1460:10:mss,sackok,ts,nop,ws"},
		"TTL 255":                {edit(t, linux, 8, "ff"), "255:df:65160:1460:10:mss,sackok,ts,nop,ws"},
		"a SYN is no SYN-ACK":    {linuxSYN, ""},
		"no bytes":               {"", ""},
		"IP version 5":           {edit(t, linux, 0, "55"), ""},
		"IP header below 20":     {edit(t, linux, 0, "44"), ""},
		"UDP":                    {edit(t, linux, 9, "11"), ""},
		"cut in the IP header":   {cut(t, linux, 15), ""},
		"cut in the TCP header":  {cut(t, linux, 35), ""},
		"cut in the TCP options": {cut(t, linux, 59), ""},
		"TCP header below 20":    {edit(t, linux, 32, "40"), ""},
	} {
		t.Run(name, func(t *testing.T) {
			var want []value.Pair
			if c.want != "" {
				want = []value.Pair{{Kind: KindSYNACK, Value: c.want}}
			}
			if diff := cmp.Diff(want, Of(&record.TCP{SYNACK: unhex(t, c.packet)})); diff != "" {
				t.Errorf("-want +got:\n%s", diff)
			}
		})
	}
}

// edit replaces the byte at offset at of a packet.
func edit(tb testing.TB, packet string, at int, value string) string {
	tb.Helper()
	b := unhex(tb, packet)
	copy(b[at:], unhex(tb, value))
	return hex.EncodeToString(b)
}

func cut(tb testing.TB, packet string, size int) string {
	tb.Helper()
	return hex.EncodeToString(unhex(tb, packet)[:size])
}

func TestOptionsOfHostileServers(t *testing.T) {
	for name, c := range map[string]struct {
		bytes string
		want  options
	}{
		"length 0":                  {"0200", options{"2,bad", "-", "-"}},
		"length 1":                  {"02040218 0301", options{"mss,3,bad", "536", "-"}},
		"length beyond the field":   {"0205b4", options{"2,bad", "-", "-"}},
		"kind without a length":     {"01 08", options{"nop,8,bad", "-", "-"}},
		"MSS of three bytes":        {"0203b4 01", options{"mss/3,nop", "-", "-"}},
		"window scale of two bytes": {"0302", options{"ws/2", "-", "-"}},
		"unknown kinds":             {"2202 fd04f989 1d02", options{"34,253,29", "-", "-"}},
		"data after the end":        {"00020405b4", options{"eol+4!", "-", "-"}},
		"padding":                   {"020405b4 00000000", options{"mss,eol+3", "1460", "-"}},
		"the last of two MSS":       {"020405b4 02040218", options{"mss,mss", "536", "-"}},
		"nothing":                   {"", options{"none", "-", "-"}},
	} {
		t.Run(name, func(t *testing.T) {
			if got := readOptions(unhex(t, c.bytes)); got != c.want {
				t.Errorf("got %+v, want %+v", got, c.want)
			}
		})
	}
}

func TestOnlyAnswersToEqualSYNsCompare(t *testing.T) {
	const base = "64:df:65160:1460:10:mss,sackok,ts,nop,ws"
	noTimestamps := "450000341c46400040060000 0a0000010a000002" + "9c4001bb0000001000000000 8002faf000000000" + "020405b40101040201030307"
	for name, c := range map[string]struct{ syn, want string }{
		"SYN not captured":        {"", base},
		"the usual SYN":           {linuxSYN, base},
		"a SYN without ts":        {noTimestamps, base + ":syn=mss,nop,nop,sackok,nop,ws"},
		"a SYN that asks ECN":     {edit(t, linuxSYN, 33, "c2"), base + ":syn=mss,sackok,ts,nop,ws,ecn"},
		"a SYN that is no packet": {"00", base},
	} {
		t.Run(name, func(t *testing.T) {
			got := Of(&record.TCP{SYN: unhex(t, c.syn), SYNACK: unhex(t, linux)})
			if diff := cmp.Diff([]value.Pair{{Kind: KindSYNACK, Value: c.want}}, got); diff != "" {
				t.Errorf("-want +got:\n%s", diff)
			}
		})
	}
}

func TestInfo(t *testing.T) {
	for name, c := range map[string]struct {
		info record.TCPInfo
		want string
	}{
		"Linux":                    {record.TCPInfo{Options: 7, SndWscale: 7, SndMSS: 1448, SndWnd: 65160}, "2^16:1448:7:ts,sack,ws"},
		"a window of a power of 2": {record.TCPInfo{Options: 7, SndWscale: 7, SndMSS: 1448, SndWnd: 65536}, "2^16:1448:7:ts,sack,ws"},
		"one more":                 {record.TCPInfo{Options: 7, SndWscale: 7, SndMSS: 1448, SndWnd: 65537}, "2^17:1448:7:ts,sack,ws"},
		"a window of 1":            {record.TCPInfo{SndMSS: 536, SndWnd: 1}, "2^0:536:-:"},
		"no scaling":               {record.TCPInfo{Options: 2, SndWscale: 9, SndMSS: 1460, SndWnd: 8192}, "2^13:1460:-:sack"},
		"ECN":                      {record.TCPInfo{Options: 15, SndWscale: 0, SndMSS: 1448, SndWnd: 8192}, "2^13:1448:0:ts,sack,ws,ecn"},
		"bits of later":            {record.TCPInfo{Options: 0x37, SndWscale: 7, SndMSS: 1448, SndWnd: 65160}, "2^16:1448:7:ts,sack,ws"},
		"an old kernel":            {record.TCPInfo{Options: 7, SndWscale: 7, SndMSS: 1448}, "-:1448:7:ts,sack,ws"},
	} {
		t.Run(name, func(t *testing.T) {
			if diff := cmp.Diff([]value.Pair{{Kind: KindInfo, Value: c.want}}, Of(&record.TCP{Info: &c.info})); diff != "" {
				t.Errorf("-want +got:\n%s", diff)
			}
		})
	}
	if got := Of(&record.TCP{Info: &record.TCPInfo{}}); got != nil {
		t.Errorf("an empty TCP_INFO gives %v", got)
	}
	if got := Of(nil); got != nil {
		t.Errorf("nothing gives %v", got)
	}
}

func FuzzOf(f *testing.F) {
	for _, s := range []string{linux, windows, freebsd, macos, router, linuxIPv6, linuxSYN,
		edit(f, router, 20, "020400"), edit(f, linux, 0, "4f"), edit(f, linux, 32, "ff"), edit(f, linux, 40, "00"),
		edit(f, linux, 40, "fd00"), edit(f, linux, 40, "fdff"), strings.Repeat("01", 60)} {
		f.Add(unhex(f, linuxSYN), unhex(f, s), uint8(7), uint32(65160))
	}
	f.Fuzz(func(t *testing.T, syn, synAck []byte, options uint8, window uint32) {
		for _, p := range Of(&record.TCP{SYN: syn, SYNACK: synAck, Info: &record.TCPInfo{Options: options, SndWnd: window}}) {
			if p.Value == "" || len(p.Value) > 512 {
				t.Errorf("%s has %d bytes", p.Kind, len(p.Value))
			}
			for _, c := range []byte(p.Value) {
				if c < ' ' || c > '~' {
					t.Errorf("%s holds %q", p.Kind, p.Value)
				}
			}
		}
	})
}
