package casefile

import (
	"context"
	"errors"
	"fmt"
	"io"
	"maps"
	"net/netip"
	"slices"
)

// DiffSchema names the format of a Change.
const DiffSchema = "casediff/1"

// Change is a difference between two passes. A host without Kind appeared,
// vanished or moved as a whole; else one value of a host that is in both did.
type Change struct {
	Schema string   `json:"schema"`
	Change string   `json:"change"`          // Appeared, Vanished or Moved
	Host   string   `json:"host"`            // of the later pass; vanished: of the earlier
	From   []string `json:"from,omitempty"`  // moved: the hosts that held Value before and do not any more, up to 8
	Port   int      `json:"port,omitempty"`  //
	Kind   string   `json:"kind,omitempty"`  // moved: the identity that moved
	Value  string   `json:"value,omitempty"` //
}

// The changes.
const (
	Appeared = "appeared"
	Vanished = "vanished"
	Moved    = "moved"
)

// maxFrom bounds Change.From: a key that many hosts share tells little.
const maxFrom = 8

// identities are the kinds whose value is a secret key's: who holds it at
// another address is the same host, or a copy.
func identities() []string { return []string{"cert.spki", "ssh.host_key"} }

// Diff tells emit what changed from pass a to pass b: moved hosts first, then
// hosts that appeared or vanished, then values of hosts that are in both. A
// host is in a pass if it gave any fingerprint. Values that an answer was
// missing for are left out. Memory grows with the hosts, not with the values.
func (c *Case) Diff(ctx context.Context, a, b int, fault func(Fault), emit func(Change) error) error {
	d := differ{was: map[string]bool{}, is: map[string]bool{}, moved: map[string]Change{}, left: map[string]bool{}}
	if err := c.endpoints(ctx, fault, a, b, d.host); err != nil {
		return err
	}
	d.endOfKey()
	if err := d.tellHosts(emit); err != nil {
		return err
	}
	told := func(Fault) {} // by the first round
	return c.endpoints(ctx, told, a, b, func(row Row, was, is bool) error {
		if was == is || !d.was[row.Host] || !d.is[row.Host] {
			return nil
		}
		what := Appeared
		if was {
			what = Vanished
		}
		return emit(Change{DiffSchema, what, row.Host, nil, int(row.Port), row.Kind, row.Value})
	})
}

// endpoints calls visit for each value of each endpoint, in the order of the
// tables, and tells in which of the two passes it was.
func (c *Case) endpoints(ctx context.Context, fault func(Fault), a, b int, visit func(row Row, was, is bool) error) error {
	rows, err := c.rows(ctx, fault, a, b)
	if err != nil {
		return err
	}
	defer rows.end()
	var last Row
	var was, is bool
	for n := 0; ; n++ {
		row, err := rows.next()
		if err != nil && !errors.Is(err, io.EOF) {
			return err
		}
		if (was || is) && (err != nil || row.Kind != last.Kind || row.Value != last.Value || row.Host != last.Host || row.Port != last.Port) {
			if err := visit(last, was, is); err != nil {
				return err
			}
			was, is = false, false
		}
		if err != nil {
			return ctx.Err()
		}
		if n%rowsAtOnce == 0 && ctx.Err() != nil {
			return ctx.Err()
		}
		if row.Partial == 0 {
			last, was, is = row, was || row.Pass == int32(a), is || row.Pass == int32(b)
		}
	}
}

type differ struct {
	was, is map[string]bool   // hosts of the passes
	moved   map[string]Change // by new host
	left    map[string]bool   // hosts that moved away

	key           Row             // the identity under look
	keyWas, keyIs map[string]bool // its holders
}

// host takes in one value of one endpoint.
func (d *differ) host(row Row, was, is bool) error {
	if was {
		d.was[row.Host] = true
	}
	if is {
		d.is[row.Host] = true
	}
	if !slices.Contains(identities(), row.Kind) {
		return nil
	}
	if row.Kind != d.key.Kind || row.Value != d.key.Value {
		d.endOfKey()
		d.key, d.keyWas, d.keyIs = row, map[string]bool{}, map[string]bool{}
	}
	if was {
		d.keyWas[row.Host] = true
	}
	if is {
		d.keyIs[row.Host] = true
	}
	return nil
}

// endOfKey looks who gave a key away and who has it now.
func (d *differ) endOfKey() {
	gone := slices.SortedFunc(without(d.keyWas, d.keyIs), compareHosts)
	came := false
	for host := range without(d.keyIs, d.keyWas) {
		came = true
		if _, known := d.moved[host]; !known && len(gone) > 0 {
			d.moved[host] = Change{DiffSchema, Moved, host, slices.Clone(gone[:min(len(gone), maxFrom)]), 0, d.key.Kind, d.key.Value}
		}
	}
	for _, h := range gone {
		d.left[h] = d.left[h] || came
	}
}

// without yields what is in a and not in b.
func without(a, b map[string]bool) func(func(string) bool) {
	return func(yield func(string) bool) {
		for h := range a {
			if !b[h] && !yield(h) {
				return
			}
		}
	}
}

func compareHosts(a, b string) int {
	x, _ := netip.ParseAddr(a) // checked where rows are read
	y, _ := netip.ParseAddr(b)
	return x.Compare(y)
}

func (d *differ) tellHosts(emit func(Change) error) error {
	for _, host := range slices.SortedFunc(maps.Keys(d.moved), compareHosts) {
		if err := emit(d.moved[host]); err != nil {
			return err
		}
	}
	for _, host := range slices.SortedFunc(without(d.is, d.was), compareHosts) {
		if _, moved := d.moved[host]; moved {
			continue
		}
		if err := emit(Change{Schema: DiffSchema, Change: Appeared, Host: host}); err != nil {
			return err
		}
	}
	for _, host := range slices.SortedFunc(without(d.was, d.is), compareHosts) {
		if d.left[host] {
			continue
		}
		if err := emit(Change{Schema: DiffSchema, Change: Vanished, Host: host}); err != nil {
			return err
		}
	}
	return nil
}

// ErrNoPass is wrapped when a case does not have two passes to compare.
var ErrNoPass = errors.New("no such pass")

// PassesToCompare chooses the passes to compare: a and b, or the last two where they
// are 0.
func (i Info) PassesToCompare(a, b int) (PassInfo, PassInfo, error) {
	if n := len(i.Passes); a == 0 && b == 0 && n < 2 {
		return PassInfo{}, PassInfo{}, fmt.Errorf("%w: the case has %d; hostkin scan --case DIR --rescan makes another", ErrNoPass, n)
	}
	find := func(pass, fallback int) (PassInfo, error) {
		if pass == 0 {
			return i.Passes[max(len(i.Passes)-1-fallback, 0)], nil
		}
		for _, p := range i.Passes {
			if p.Pass == pass {
				return p, nil
			}
		}
		return PassInfo{}, fmt.Errorf("%w: %d; the case has %d", ErrNoPass, pass, len(i.Passes))
	}
	if len(i.Passes) == 0 {
		return PassInfo{}, PassInfo{}, fmt.Errorf("%w: the case is empty", ErrNoPass)
	}
	from, err := find(a, 1)
	to, err2 := find(b, 0)
	return from, to, errors.Join(err, err2)
}
