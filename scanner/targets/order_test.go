package targets

import (
	"net/netip"
	"runtime"
	"slices"
	"testing"
)

func TestPermutationIsABijection(t *testing.T) {
	for n := range uint64(600) {
		for _, key := range []uint64{0, 1, 0xfeedface} {
			p := newPermutation(u128{lo: n}, key)
			seen := make([]bool, n)
			for i := range n {
				got := p.at(u128{lo: i})
				if got.hi != 0 || got.lo >= n || seen[got.lo] {
					t.Fatalf("n %d key %d: at(%d) = %v is out of range or there twice", n, key, i, got)
				}
				seen[got.lo] = true
			}
		}
	}
}

// TestPermutationOfLargeSpaces looks at widths whose halves meet the word
// size, where a wrong shift would fold values together.
func TestPermutationOfLargeSpaces(t *testing.T) {
	for _, n := range []u128{{lo: 1 << 63}, {0, ^uint64(0)}, {1, 0}, {1, 1}, {1 << 63, 0}, {^uint64(0), ^uint64(0)}} {
		p := newPermutation(n, 3)
		seen := map[u128]bool{}
		var or u128
		for i := range uint64(2000) {
			for _, at := range []u128{{lo: i}, n.sub(u128{lo: i + 1})} {
				got := p.at(at)
				if !got.less(n) || seen[got] {
					t.Fatalf("n %x: at(%x) = %x is out of range or there twice", n, at, got)
				}
				seen[got] = true
				or.hi, or.lo = or.hi|got.hi, or.lo|got.lo
			}
		}
		if or.len() < n.len()-1 {
			t.Errorf("n %x: no value uses the high bits", n)
		}
	}
}

func TestOrderDependsOnTheKeyOnly(t *testing.T) {
	order := func(s *Set, key uint64) []netip.Addr {
		var out []netip.Addr
		for target := range s.All(key) {
			out = append(out, target.Host.IP)
		}
		return out
	}
	a := mustParse(t, args("8.8.8.0/24", "9.9.9.0/24"), Source{}, Options{})
	b := mustParse(t, args("9.9.9.128-255", "9.9.9.0-200", "8.8.8.0/24"), Source{}, Options{})
	if !slices.Equal(order(a, 5), order(b, 5)) {
		t.Error("equal sets come in different orders")
	}
	if slices.Equal(order(a, 5), order(a, 6)) || slices.Equal(order(a, 0), order(a, 1)) {
		t.Error("different keys give one order")
	}
	if slices.IsSortedFunc(order(a, 0), netip.Addr.Compare) {
		t.Error("key 0 does not permute")
	}
}

// TestOrderSpreadsLoad: among the first 256 of a /16's addresses no /24 has
// many (a random order has about six in the fullest).
func TestOrderSpreadsLoad(t *testing.T) {
	s := mustParse(t, args("8.8.0.0/16"), Source{}, Options{})
	for key := range uint64(20) {
		nets, i := map[byte]int{}, 0
		for target := range s.All(key) {
			nets[target.Host.IP.As4()[2]]++
			if i++; i == 256 {
				break
			}
		}
		for net, n := range nets {
			if n > 12 {
				t.Errorf("key %d: %d of the first 256 are in 8.8.%d.0/24", key, n, net)
			}
		}
	}
}

// TestLazy: huge ranges cost nothing, neither to hold nor to walk.
func TestLazy(t *testing.T) {
	for _, arg := range []string{"1.0.0.0/8", "2600::/32", "2600::/64", "0.0.0.0/0", "::/0"} {
		var before, after runtime.MemStats
		runtime.ReadMemStats(&before)
		s := mustParse(t, args(arg), args("1.2.0.0/16", "2600:1::/48"), Options{})
		n := 0
		for target := range s.All(1) {
			if s.Allowed(target.Host.IP) != nil {
				t.Fatalf("%s yields %s, which is not allowed", arg, target.Host.IP)
			}
			if n++; n == 1000 {
				break
			}
		}
		runtime.ReadMemStats(&after)
		if used := after.TotalAlloc - before.TotalAlloc; n != 1000 || used > 256<<10 {
			t.Errorf("%s: %d targets, %d bytes allocated over all", arg, n, used)
		}
	}
	s := mustParse(t, args("1.0.0.0/8", "2600::/32"), Source{}, Options{})
	allocs := testing.AllocsPerRun(10, func() {
		n := 0
		for range s.All(1) {
			if n++; n == 1000 {
				return
			}
		}
	})
	if allocs > 10 {
		t.Errorf("%v allocations for 1000 targets", allocs)
	}
}

func BenchmarkAll(b *testing.B) {
	s := mustParse(b, args("0.0.0.0/0", "2600::/32"), Source{}, Options{})
	n := 0
	b.ReportAllocs()
	for range s.All(1) {
		if n++; n >= b.N {
			break
		}
	}
}

func BenchmarkAllowed(b *testing.B) {
	s := mustParse(b, args("8.8.8.8"), args("10.0.0.0/8"), Options{})
	a := netip.MustParseAddr("9.9.9.9")
	for b.Loop() {
		if s.Allowed(a) != nil {
			b.Fatal("not allowed")
		}
	}
}
