package targets

import (
	"slices"
	"testing"
)

func parsed(t *testing.T, keep bool, exclude []string, args ...string) *Set {
	t.Helper()
	s, err := Parse(Source{Args: args}, Source{Args: exclude}, Options{KeepExcluded: keep})
	if err != nil {
		t.Fatal(err)
	}
	return s
}

func TestDigestTellsSetsApart(t *testing.T) {
	same := parsed(t, false, nil, "127.0.0.0/25", "127.0.0.128/25", "b.example.net", "a.example.net").Digest()
	if got := parsed(t, false, nil, "a.example.net", "127.0.0.0/24", "b.example.net").Digest(); got != same {
		t.Error("the same targets in other words have another digest")
	}
	seen := map[[32]byte][]string{}
	for _, args := range [][]string{nil, {"127.0.0.0/24"}, {"127.0.0.0/25"}, {"127.0.0.1:80"}, {"127.0.0.1:81"}, {"127.0.0.1"}, {"127.0.0.1", "127.0.0.1:80"},
		{"127.0.0.1-127.0.0.2"}, {"a.example.net"}, {"b.example.net"}, {"a.example.net:80"}, {"::1"}} {
		d := parsed(t, false, nil, args...).Digest()
		if before, there := seen[d]; there {
			t.Errorf("%v and %v have the same digest", before, args)
		}
		seen[d] = args
	}
}

func TestKeepExcludedChangesNothingButWhatIsAllowed(t *testing.T) {
	args := []string{"127.0.0.0/24", "127.0.1.1:80", "a.example.net"}
	plain := parsed(t, true, nil, args...)
	kept := parsed(t, true, []string{"127.0.0.8/29", "127.0.1.1", "a.example.net"}, args...)
	if plain.Digest() != kept.Digest() || plain.Count() != kept.Count() {
		t.Error("exclusions changed the targets")
	}
	refused := 0
	for target := range kept.All(7) {
		if target.Host.IP.IsValid() && kept.Allowed(target.Host.IP) != nil || !target.Host.IP.IsValid() && kept.AllowedName(target.Host.Name) != nil {
			refused++
		}
	}
	if refused != 10 {
		t.Errorf("%d targets are refused, want the 10 that are excluded", refused)
	}
}

func TestFromGoesOnWhereAllWas(t *testing.T) {
	s := parsed(t, false, nil, "127.0.0.0/24", "a.example.net")
	all := slices.Collect(s.All(9))
	for _, first := range []uint64{0, 1, 100, 256, 257, 300} {
		got := slices.Collect(s.From(9, first))
		want := all[min(int(first), len(all)):]
		if !slices.EqualFunc(got, want, func(a, b Target) bool { return a.Host == b.Host }) {
			t.Errorf("from %d: %d targets, want %d", first, len(got), len(want))
		}
	}
}
