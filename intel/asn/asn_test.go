package asn

import (
	"errors"
	"fmt"
	"math/rand/v2"
	"net/netip"
	"slices"
	"strings"
	"testing"
)

// read is the table of one text, which must be without a fault.
func read(t *testing.T, texts ...string) *Table {
	t.Helper()
	var b Builder
	for _, text := range texts {
		if err := b.Read("table", strings.NewReader(text)); err != nil {
			t.Fatal(err)
		}
	}
	if n, faults := b.Faults(); n > 0 {
		t.Fatal(errors.Join(faults...))
	}
	return b.Table()
}

func check(t *testing.T, table *Table, want map[string]uint32) {
	t.Helper()
	for ip, as := range want {
		if got, ok := table.Lookup(netip.MustParseAddr(ip)); got != as || ok != (as != 0) {
			t.Errorf("%s: AS%d %v, want AS%d", ip, got, ok, as)
		}
	}
}

func TestFormats(t *testing.T) {
	for name, text := range map[string]string{
		"iptoasn": "192.0.2.0\t192.0.2.255\t64500\tXX\tEXAMPLE-NET - Example, Inc.\n198.51.100.0\t198.51.100.255\t0\tNone\tNot routed\n2001:db8::\t2001:db8:ffff:ffff:ffff:ffff:ffff:ffff\t64501\tXX\tSIX",
		"ranges":  "192.0.2.0,192.0.2.255,64500,\"EXAMPLE-NET - Example, Inc.\"\r\n2001:db8::,2001:db8:ffff:ffff:ffff:ffff:ffff:ffff,64501,SIX\r\n",
		"IPinfo":  "start_ip,end_ip,asn,name,domain\n192.0.2.0,192.0.2.255,AS64500,\"EXAMPLE-NET - Example, Inc.\",example.com\n2001:db8::,2001:db8:ffff:ffff:ffff:ffff:ffff:ffff,AS64501,SIX,example.net\n",
		"MaxMind": "\xef\xbb\xbfnetwork,autonomous_system_number,autonomous_system_organization\n192.0.2.0/24,64500,\"EXAMPLE-NET - Example, Inc.\"\n2001:db8::/32,64501,SIX\n",
		"pyasn":   "; prefixes\n# of a day\n\n192.0.2.0/24\t64500\tEXAMPLE-NET - Example, Inc.\n2001:db8::/32\t64501\tSIX\n",
		"mapped":  "::ffff:192.0.2.0/120,as64500,\"EXAMPLE-NET - Example, Inc.\"\n2001:db8::1/32,64501,SIX\n",
	} {
		t.Run(name, func(t *testing.T) {
			table := read(t, text)
			check(t, table, map[string]uint32{
				"192.0.2.0": 64500, "192.0.2.255": 64500, "::ffff:192.0.2.9": 64500,
				"192.0.1.255": 0, "192.0.3.0": 0, "198.51.100.7": 0, "0.0.0.0": 0, "255.255.255.255": 0,
				"2001:db8::": 64501, "2001:db8:ffff:ffff:ffff:ffff:ffff:ffff": 64501, "fe80::1%eth0": 0,
				"2001:db7:ffff:ffff:ffff:ffff:ffff:ffff": 0, "2001:db9::": 0, "::": 0, "ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff": 0,
			})
			if got := table.Name(64500); got != "EXAMPLE-NET - Example, Inc." {
				t.Errorf("AS64500 is %q", got)
			}
			if got := table.Name(64501); got != "SIX" {
				t.Errorf("AS64501 is %q", got)
			}
			if table.Name(1) != "" {
				t.Error("AS1 has a name")
			}
		})
	}
	if as, ok := new(Table).Lookup(netip.Addr{}); ok || as != 0 {
		t.Error("no address has an AS")
	}
}

// A bad line costs nothing but itself and is told with its place.
func TestBadLines(t *testing.T) {
	var b Builder
	err := b.Read("f.tsv", strings.NewReader(strings.Join([]string{
		"192.0.2.0,192.0.2.255,64500",
		"192.0.2.0,192.0.2.x,64500",
		"300.0.2.0/24,64500",
		"network,asn",
		"192.0.2.9,192.0.2.8,64500",
		"192.0.2.9,2001:db8::,64500",
		"10.0.0.0/8",
		`10.0.0.0,"10.0.0.9",ASX`,
		"10.0.0.0,10.0.0.9,4294967296",
		"10.0.0.0,10.0.0.9," + strings.Repeat("1", maxLine),
		"10.0.0.0",
		"198.51.100.0/24,64501",
	}, "\n")))
	if err != nil {
		t.Fatal(err)
	}
	want := []string{
		`f.tsv:2:11: "192.0.2.x" is no address`,
		`f.tsv:3:1: "300.0.2.0/24" is no prefix`,
		`f.tsv:4:1: "network" is no address`,
		`f.tsv:5:11: 192.0.2.9 to 192.0.2.8 is no range`,
		`f.tsv:6:11: 192.0.2.9 to 2001:db8:: is no range`,
		`f.tsv:7:1: no AS; want start,end,AS or prefix,AS`,
		`f.tsv:8:21: "ASX" is no AS number`,
		`f.tsv:9:19: "4294967296" is no AS number`,
		`f.tsv:10:1: longer than 16384 bytes`,
		`f.tsv:11:1: "" is no address`,
	}
	n, faults := b.Faults()
	for i, f := range faults {
		if i >= len(want) || f.Error() != want[i] {
			t.Errorf("%v, want %s", f, want[min(i, len(want)-1)])
		}
	}
	if n != len(want) || len(faults) != len(want) {
		t.Errorf("%d faults, %d told, want %d", n, len(faults), len(want))
	}
	check(t, b.Table(), map[string]uint32{"192.0.2.1": 64500, "198.51.100.1": 64501, "10.0.0.1": 0})
}

func TestFaultsAreCountedBeyondThoseTold(t *testing.T) {
	var b Builder
	err := b.Read("f", strings.NewReader("192.0.2.0/24,1\n"+strings.Repeat("x,y\n", 100)))
	if n, faults := b.Faults(); err != nil || n != 100 || len(faults) != toldFaults {
		t.Errorf("%d, %d told, %v", n, len(faults), err)
	}
}

func TestFilesThatAreNoTables(t *testing.T) {
	for name, text := range map[string]string{
		"":           "no line is a range",
		"a,b\nc,d":   "no line is a range",
		"\x00":       "neither text nor MMDB",
		"PK\x03\x00": "neither text nor MMDB",
	} {
		if err := new(Builder).Read("f", strings.NewReader(name)); err == nil || !strings.Contains(err.Error(), text) || !strings.Contains(err.Error(), "AS table f") {
			t.Errorf("%q: %v", name, err)
		}
	}
}

func TestTheNarrowerRangeCounts(t *testing.T) {
	lines := []string{
		"10.0.0.0/8,1", "10.1.0.0/16,2", "10.1.1.0/24,Not routed", "10.1.1.128/25,3",
		"10.1.1.128/25,4", "10.1.1.128/25,0", // as wide: the lower number, and anybody before nobody
		"10.255.255.0,11.0.0.255,5", "::/0,6", "0.0.0.0/0,7", "255.255.255.255/32,8",
	}
	want := map[string]uint32{
		"9.255.255.255": 7, "10.0.0.0": 1, "10.1.0.255": 2, "10.1.1.0": 0, "10.1.1.127": 0, "10.1.1.128": 3, "10.1.2.0": 2,
		"10.2.0.0": 1, "10.255.255.0": 5, "11.0.0.255": 5, "11.0.1.0": 7, "255.255.255.254": 7, "255.255.255.255": 8,
		"::": 6, "ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff": 6, "::ffff:10.0.0.1": 1,
	}
	check(t, read(t, strings.Join(lines, "\n")), want)
	slices.Reverse(lines)
	check(t, read(t, lines...), want) // each a file
}

// Random overlaps agree with a search through all ranges.
func TestOverlapsAgainstASlowSearch(t *testing.T) {
	r := rand.New(rand.NewPCG(1, 1))
	for range 300 {
		var b Builder
		var ranges [][3]int
		for range 1 + r.IntN(12) {
			from := r.IntN(64)
			one := [3]int{from, from + r.IntN(64-from), r.IntN(5)}
			ranges = append(ranges, one)
			ip := func(n int) netip.Addr { return netip.AddrFrom4([4]byte{255, 255, 255, byte(192 + n)}) }
			if err := b.add(ip(one[0]), ip(one[1]), uint32(one[2]), ""); err != nil {
				t.Fatal(err)
			}
		}
		table := b.Table()
		for n := range 64 {
			best := [3]int{0, 1 << 20, 0}
			for _, one := range ranges {
				width, least := one[1]-one[0], best[1]-best[0]
				if one[0] <= n && n <= one[1] && (width < least || width == least && one[2] != 0 && (best[2] == 0 || one[2] < best[2])) {
					best = one
				}
			}
			if got, _ := table.Lookup(netip.AddrFrom4([4]byte{255, 255, 255, byte(192 + n)})); got != uint32(best[2]) {
				t.Fatalf("%v: %d is AS%d, want AS%d", ranges, n, got, best[2])
			}
		}
		for i, as := range table.v4.as {
			if i > 0 && table.v4.as[i-1] == as {
				t.Fatalf("%v: two stretches side by side are one AS's: %v", ranges, table.v4)
			}
		}
	}
}

func TestBounds(t *testing.T) {
	b := Builder{v4: make([]announced, maxRanges)}
	if err := b.Read("f", strings.NewReader("192.0.2.0/24,1")); err == nil || !strings.Contains(err.Error(), "more than 4194304 ranges") {
		t.Error(err)
	}
	long := strings.Repeat("n", maxNameSize-1)
	if got := read(t, "192.0.2.0/24,1,"+long+"éé").Name(1); got != long {
		t.Errorf("%q", got)
	}
	if got := read(t, "192.0.2.0/24,1,b\n192.0.3.0/24,1,a\n192.0.4.0/24,1,c").Name(1); got != "a" {
		t.Errorf("the name depends on the order: %q", got)
	}
}

func FuzzText(f *testing.F) {
	f.Add("192.0.2.0\t192.0.2.255\t64500\tXX\tEXAMPLE\n198.51.100.0\t198.51.100.255\t0\tNone\tNot routed")
	f.Add("network,asn\n192.0.2.0/24,AS64500,\"a \"\"b\"\", c\"\n\"2001:db8::\",2001:db8::1%1,1")
	f.Add("::ffff:1.2.3.4/95,1\n::ffff:0.0.0.0,::1,2\n0.0.0.0/0,\"")
	f.Add(",\n\t\n\"\n/,/\n#\n;")
	f.Fuzz(func(t *testing.T, text string) {
		var b Builder
		err := b.Read("f", strings.NewReader(text))
		n, faults := b.Faults()
		if len(faults) > toldFaults || n < len(faults) {
			t.Fatal(n, faults)
		}
		table := b.Table()
		if err != nil {
			return
		}
		for _, s := range []spans{table.v4, table.v6} {
			for i := range s.from {
				if i > 0 && (s.from[i-1].compare(s.from[i]) >= 0 || s.as[i-1] == s.as[i]) || i == 0 && s.as[0] == 0 {
					t.Fatalf("%v", s)
				}
			}
		}
		for _, r := range b.v4 {
			if r.from.compare(r.to) > 0 {
				t.Fatalf("%v", r)
			}
		}
	})
}

func BenchmarkLookup(b *testing.B) {
	r := rand.New(rand.NewPCG(1, 1))
	var build Builder
	for n := range 500_000 {
		ip := netip.AddrFrom4([4]byte{byte(n >> 11), byte(n >> 3), byte(n << 5), 0})
		from, to := ends(netip.PrefixFrom(ip, 19+r.IntN(6)))
		if err := build.add(from, to, 1+r.Uint32N(80_000), ""); err != nil {
			b.Fatal(err)
		}
	}
	table := build.Table()
	var ips []netip.Addr
	for range 1 << 16 {
		v := r.Uint32()
		ips = append(ips, netip.AddrFrom4([4]byte{byte(v >> 24), byte(v >> 16), byte(v >> 8), byte(v)}))
	}
	b.ReportMetric(float64(len(table.v4.from)), "stretches")
	for i := 0; b.Loop(); i++ {
		table.Lookup(ips[i&(1<<16-1)])
	}
}

func BenchmarkReadText(b *testing.B) {
	var text strings.Builder
	for n := range 100_000 {
		fmt.Fprintf(&text, "%d.%d.%d.0\t%d.%d.%d.255\t%d\tXX\tNAME-%d\n", n>>16, n>>8&255, n&255, n>>16, n>>8&255, n&255, n%50_000+1, n%50_000)
	}
	b.SetBytes(int64(text.Len()))
	for b.Loop() {
		var build Builder
		if err := build.Read("f", strings.NewReader(text.String())); err != nil {
			b.Fatal(err)
		}
		build.Table()
	}
}
