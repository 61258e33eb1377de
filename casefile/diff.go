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
	d := differ{was: map[string]bool{}, is: map[string]bool{}, moved: map[string]Change{}, left: map[string]bool{}, a: int32(a), b: int32(b)}
	if err := c.groups(ctx, fault, a, b, d.hosts); err != nil {
		return err
	}
	if err := d.tellHosts(emit); err != nil {
		return err
	}
	return c.groups(ctx, func(Fault) {}, a, b, func(g []Row) error { return d.values(g, emit) }) // faults are told already
}

// groups calls visit with the rows of each value in turn.
func (c *Case) groups(ctx context.Context, fault func(Fault), a, b int, visit func([]Row) error) error {
	rows, err := c.rows(ctx, fault, a, b)
	if err != nil {
		return err
	}
	defer rows.end()
	var group []Row
	for n := 0; ; n++ {
		row, err := rows.next()
		if err != nil && !errors.Is(err, io.EOF) {
			return err
		}
		if len(group) > 0 && (err != nil || row.Kind != group[0].Kind || row.Value != group[0].Value) {
			if err := errors.Join(visit(group), ctx.Err()); err != nil {
				return err
			}
			group = group[:0]
		}
		if err != nil {
			return ctx.Err()
		}
		if row.Partial == 0 {
			group = append(group, row)
		}
	}
}

type differ struct {
	a, b    int32
	was, is map[string]bool   // hosts of the passes
	moved   map[string]Change // by new host
	left    map[string]bool   // hosts that moved away
}

// hosts takes in one value's rows.
func (d *differ) hosts(group []Row) error {
	was, is := map[string]bool{}, map[string]bool{}
	for _, row := range group {
		if row.Pass == d.a {
			d.was[row.Host], was[row.Host] = true, true
		}
		if row.Pass == d.b {
			d.is[row.Host], is[row.Host] = true, true
		}
	}
	if !slices.Contains(identities(), group[0].Kind) {
		return nil
	}
	gone := slices.SortedFunc(without(was, is), compareHosts)
	if len(gone) == 0 {
		return nil
	}
	for host := range without(is, was) {
		if _, known := d.moved[host]; !known {
			d.moved[host] = Change{DiffSchema, Moved, host, slices.Clone(gone[:min(len(gone), maxFrom)]), 0, group[0].Kind, group[0].Value}
		}
		for _, h := range gone {
			d.left[h] = true
		}
	}
	return nil
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

// values tells what came and went of one value on hosts that are in both.
func (d *differ) values(group []Row, emit func(Change) error) error {
	type endpoint struct {
		host string
		port int32
	}
	passes := map[endpoint][2]bool{}
	for _, row := range group {
		e := endpoint{row.Host, row.Port}
		p := passes[e]
		passes[e] = [2]bool{p[0] || row.Pass == d.a, p[1] || row.Pass == d.b}
	}
	for _, row := range group { // in the order of the table
		e := endpoint{row.Host, row.Port}
		p := passes[e]
		delete(passes, e)
		if p[0] == p[1] || !d.was[row.Host] || !d.is[row.Host] {
			continue
		}
		what := Appeared
		if p[0] {
			what = Vanished
		}
		if err := emit(Change{DiffSchema, what, row.Host, nil, int(row.Port), row.Kind, row.Value}); err != nil {
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
