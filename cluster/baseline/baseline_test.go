package baseline

import (
	"bytes"
	"fmt"
	"math"
	"slices"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/hostkin/hostkin/fingerprints"
)

var day = time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)

// build is a baseline of 1000 hosts, or the end of the test.
func build(t testing.TB, least int, counts ...Count) *Baseline {
	t.Helper()
	answered := map[fingerprints.Kind]int{"jarm": 900, "ssh.banner": 420, "http.title": 0}
	b, err := Build(1000, day, answered, slices.Values(counts), least)
	if err != nil {
		t.Fatal(err)
	}
	return b
}

func TestWhatIsListed(t *testing.T) {
	b := build(t, 2, Count{"jarm", "a", 7}, Count{"jarm", "b", 1}, Count{"ssh.banner", "a", 420}, Count{"jarm", "c", 2})
	if b.Hosts() != 1000 || b.Least() != 2 || !b.Date().Equal(day) || b.Values() != 3 {
		t.Errorf("%d hosts, least %d, %v, %d values", b.Hosts(), b.Least(), b.Date(), b.Values())
	}
	for _, want := range []struct {
		kind     fingerprints.Kind
		value    string
		n        float64
		listed   bool
		answered float64
	}{
		{"jarm", "a", 7, true, 900},
		{"jarm", "b", 0, false, 900}, // on fewer than least
		{"jarm", "c", 2, true, 900},
		{"ssh.banner", "a", 420, true, 420}, // kept as 431, but never more than answered
		{"ssh.banner", "c", 0, false, 420},  // another kind's value
		{"http.title", "a", 0, false, 0},    // nobody answered
	} {
		n, listed := b.Holders(want.kind, want.value)
		if math.Abs(n-want.n) > 8 || n > want.answered || listed != want.listed || b.Answered(want.kind) != want.answered {
			t.Errorf("%s=%s: %v, %v of %v; want %+v", want.kind, want.value, n, listed, b.Answered(want.kind), want)
		}
	}
	want := []Kind{{"jarm", 1, 900, 2, true}, {"ssh.banner", 1, 420, 1, true}}
	if diff := cmp.Diff(want, b.Kinds()); diff != "" {
		t.Error(diff)
	}
}

func TestSmallCountsAreExactAndLargeOnesClose(t *testing.T) {
	for n := uint64(1); n < 1<<31; n += 1 + n/500 {
		got := decode(encode(n))
		if n <= 11 && got != n || math.Abs(float64(got)/float64(n)-1) > .08 {
			t.Errorf("%d is kept as %d", n, got)
		}
	}
	for code := range math.MaxUint8 + 1 {
		n := leastOf(code)
		if int(encode(n)) < code || n > 1 && int(encode(n-1)) >= code {
			t.Errorf("%d is not the smallest count of code %d", n, code)
		}
	}
	if n := decode(encode(maxHosts)); n < 1<<31 {
		t.Errorf("2^40 is kept as %d", n)
	}
}

func TestOrderDoesNotMatter(t *testing.T) {
	var counts []Count
	for i := range 500 {
		counts = append(counts, Count{"jarm", fmt.Sprint(i), 1 + i})
	}
	one := file(t, build(t, 3, counts...))
	slices.Reverse(counts)
	if other := file(t, build(t, 3, counts...)); !bytes.Equal(one, other) {
		t.Error("the same counts in another order make another file")
	}
	a, b, c := build(t, 2, counts[:200]...), build(t, 5, counts[100:]...), build(t, 1, counts[150:300]...)
	b.date++
	if !bytes.Equal(file(t, merge(t, a, b, c)), file(t, merge(t, c, a, b))) {
		t.Error("the same parts in another order make another file")
	}
}

func TestTopRaisesLeast(t *testing.T) {
	b := build(t, 2, Count{"jarm", "a", 300}, Count{"jarm", "b", 5}, Count{"ssh.banner", "c", 5}, Count{"ssh.banner", "d", 3}, Count{"jarm", "e", 2})
	for _, want := range []struct {
		values, kept int
		least        uint64
	}{{0, 5, 2}, {5, 5, 2}, {4, 4, 3}, {3, 3, 4}, {2, 1, 6}, {1, 1, 6}} { // two are on 5 hosts: both or none
		top := b.Top(want.values)
		if top.Values() != want.kept || top.Least() != want.least {
			t.Errorf("of the top %d: %d kept, least %d; want %+v", want.values, top.Values(), top.Least(), want)
		}
		if err := top.check(); err != nil {
			t.Error(err)
		}
	}
	crowd := build(t, 1, Count{"jarm", "a", 1}, Count{"jarm", "b", 1}).Top(1)
	if crowd.Values() != 0 || crowd.Least() != 2 || crowd.Answered("jarm") != 900 {
		t.Errorf("none can be kept: %d values, least %d", crowd.Values(), crowd.Least())
	}
}

func TestWhatCannotBeBuilt(t *testing.T) {
	for name, make := range map[string]func() (*Baseline, error){
		"no host": func() (*Baseline, error) { return Build(0, day, nil, slices.Values([]Count{}), 2) },
		"more answered than hosts": func() (*Baseline, error) {
			return Build(5, day, map[fingerprints.Kind]int{"jarm": 6}, slices.Values([]Count{}), 2)
		},
		"more holders than answered": func() (*Baseline, error) {
			return Build(5, day, map[fingerprints.Kind]int{"jarm": 3}, slices.Values([]Count{{"jarm", "a", 4}}), 2)
		},
		"before 1970": func() (*Baseline, error) { return Build(5, time.Unix(-1, 0), nil, slices.Values([]Count{}), 2) },
		"a name of a kind that could do harm": func() (*Baseline, error) {
			return Build(5, day, map[fingerprints.Kind]int{"\x1b[2J": 3}, slices.Values([]Count{}), 2)
		},
	} {
		if b, err := make(); err == nil {
			t.Errorf("%s: built %+v", name, b)
		}
	}
}

func TestMergeAddsCounts(t *testing.T) {
	later := build(t, 3, Count{"jarm", "a", 4}, Count{"jarm", "b", 9})
	later.date += 3600
	m := merge(t, build(t, 2, Count{"jarm", "a", 7}, Count{"ssh.banner", "c", 2}), later)
	if m.Hosts() != 2000 || m.Answered("jarm") != 1800 || !m.Date().Equal(day.Add(time.Hour)) {
		t.Errorf("%d hosts, %v answered, %v", m.Hosts(), m.Answered("jarm"), m.Date())
	}
	if m.Least() != 4 { // at most 1 and 2 hosts may hold what neither lists
		t.Errorf("least %d", m.Least())
	}
	for value, want := range map[string]float64{"a": 11, "b": 9, "c": 0} {
		if n, _ := m.Holders("jarm", value); n != want {
			t.Errorf("%v hosts with %s, want %v", n, value, want)
		}
	}
	if n, _ := m.Holders("ssh.banner", "c"); n != 2 {
		t.Errorf("%v hosts with c", n)
	}
	if _, _, err := Merge(); err == nil {
		t.Error("nothing was merged")
	}
}

func TestOfTwoVersionsTheNewestIsKept(t *testing.T) {
	old, today := build(t, 2, Count{"jarm", "a", 7}), build(t, 2, Count{"jarm", "a", 3}, Count{"ssh.banner", "b", 8})
	today.kinds[0].version = 2 // as if the definition of JARM had changed
	for _, list := range [][]*Baseline{{old, today}, {today, old}} {
		m, dropped, err := Merge(list...)
		if err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff([]Kind{{"jarm", 1, 900, 1, true}}, dropped); diff != "" {
			t.Error(diff)
		}
		want := []Kind{{"jarm", 2, 900, 1, false}, {"ssh.banner", 1, 840, 1, true}}
		if diff := cmp.Diff(want, m.Kinds()); diff != "" {
			t.Error(diff)
		}
		// version 2 is not today's: what it counts would be another thing
		if n, listed := m.Holders("jarm", "a"); listed || n != 0 || m.Answered("jarm") != 0 {
			t.Errorf("%v of %v hosts by values of another version", n, m.Answered("jarm"))
		}
	}
}

func merge(t *testing.T, list ...*Baseline) *Baseline {
	t.Helper()
	m, dropped, err := Merge(list...)
	if err != nil || len(dropped) > 0 {
		t.Fatal(dropped, err)
	}
	return m
}
