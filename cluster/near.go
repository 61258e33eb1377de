package cluster

import (
	"cmp"
	"maps"
	"slices"

	"github.com/hostkin/hostkin/fingerprints"
	"github.com/hostkin/hostkin/fingerprints/http"
)

// Values of a kind with "near" count as one if they are at most that far apart.
// What is near a stock value is replaced by it; over a whole scan, each value is
// replaced by a leader near it. So what is shared, counted or stock is found by
// equality everywhere, but where a sieve compares two hosts.

// nearby finds values of one kind by nearness, in the order in which they were put in.
type nearby struct {
	within int
	list   []string
	shapes []http.Shape     // of list
	bands  map[uint64][]int // positions in list, ascending
}

func newNearby(within int) *nearby { return &nearby{within: within, bands: map[uint64][]int{}} }

func (n *nearby) put(v string) {
	shape, ok := http.ParseShape(v)
	if !ok {
		return
	}
	for _, band := range shape.Bands() {
		n.bands[band] = append(n.bands[band], len(n.list))
	}
	n.list, n.shapes = append(n.list, v), append(n.shapes, shape)
}

// first is the first value that v is near, or v itself and false.
func (n *nearby) first(v string) (string, bool) {
	shape, ok := http.ParseShape(v)
	if !ok || len(n.list) == 0 {
		return v, false
	}
	first := len(n.list)
	for _, band := range shape.Bands() {
		for _, i := range n.bands[band] {
			if i >= first {
				break
			}
			if shape.Distance(n.shapes[i]) <= n.within {
				first = i
			}
		}
	}
	if first == len(n.list) {
		return v, false
	}
	return n.list[first], true
}

// indexStock makes the stock values of near kinds findable, the smallest first.
func (t *Table) indexStock() {
	for kind, info := range t.kinds {
		if info.Near == 0 {
			continue
		}
		var values []string
		for f := range t.stock {
			if f.kind == kind {
				values = append(values, f.value)
			}
		}
		slices.Sort(values)
		t.near[kind] = newNearby(info.Near)
		for _, v := range values {
			t.near[kind].put(v)
		}
	}
}

// alike tells whether two values of a kind count as one.
func (t *Table) alike(kind fingerprints.Kind, a, b string) bool {
	if a == b || t.kinds[kind].Near == 0 {
		return a == b
	}
	d, ok := http.Distance(a, b)
	return ok && d <= t.kinds[kind].Near
}

// stockNear is the stock value that v is near, or v itself.
func (t *Table) stockNear(kind fingerprints.Kind, v string) string {
	if stock := t.near[kind]; stock != nil {
		v, _ = stock.first(v)
	}
	return v
}

// lead puts leaders in place of the values of near kinds of a scan. The value
// that most hosts hold leads first, of equal ones the smaller; a value joins the
// first leader that it is near, or leads itself.
func (x *Index) lead() {
	for kind, info := range x.kinds {
		if info.Near == 0 {
			continue
		}
		type holder struct {
			text string
			host hostID
		}
		held := map[string]int{}
		seen := map[holder]bool{}
		for _, w := range x.near {
			if h := (holder{w.text, w.host}); int(w.kind) == kind && !seen[h] {
				seen[h] = true
				held[w.text]++
			}
		}
		order := slices.SortedFunc(maps.Keys(held), func(a, b string) int {
			return cmp.Or(cmp.Compare(held[b], held[a]), cmp.Compare(a, b))
		})
		leaders := newNearby(info.Near)
		leader := map[string]string{}
		for _, v := range order {
			first, joins := leaders.first(v)
			if !joins {
				leaders.put(v)
			}
			leader[v] = first
		}
		for _, w := range x.near {
			if int(w.kind) == kind {
				x.row(w.host, w.port, w.kind, leader[w.text])
			}
		}
	}
	x.near = nil
}
