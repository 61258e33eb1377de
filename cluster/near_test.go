package cluster

import (
	"fmt"
	"math/bits"
	"math/rand/v2"
	"reflect"
	"testing"

	"github.com/hostkin/hostkin/fingerprints/http"
	"github.com/hostkin/hostkin/scanner/record"
)

const someShape = 0x0123456789abcdef // far from every stock value

// flip is someShape with other bits.
func flip(mask uint64) string { return fmt.Sprintf("%016x", someShape^mask) }

// shapes is a scan of 100 strangers with pages of their own; hosts 0 to 9 have
// a naming scheme in common and the given shapes, in turn.
func shapes(values ...string) *crowd {
	c := &crowd{}
	r := rand.New(rand.NewPCG(5, 6))
	for n := range 110 {
		value, subject := fmt.Sprintf("%016x", r.Uint64()), fmt.Sprintf("CN=own%d.example", n)
		if n < 10 {
			value, subject = values[n%len(values)], "CN=srv-#.provider.example"
		}
		c.set(n, 443, "http.body_shape", value)
		c.set(n, 443, "cert.subject", subject)
	}
	return c
}

func evidence(k Kin, kind string) (e Evidence, ok bool) {
	for _, e := range append(k.Evidence, k.Also...) {
		if string(e.Kind) == kind {
			return e, true
		}
	}
	return Evidence{}, false
}

func TestNearPagesAreOne(t *testing.T) {
	for name, test := range map[string]struct {
		values []string
		shared bool
	}{
		"equal":                            {[]string{flip(0)}, true},
		"near":                             {[]string{flip(0), flip(1 << 63), flip(0b11111)}, true},
		"far":                              {[]string{flip(0), flip(0b111111)}, false},
		"far from each other, one between": {[]string{flip(0b111), flip(0b111000), flip(0), flip(0)}, true},
	} {
		t.Run(name, func(t *testing.T) {
			kin := must(Kinship([]string{addrOf(0)}, shapes(test.values...).hosts(), Options{}))
			one := find(t, kin, 1)
			e, shared := evidence(one, "http.body_shape")
			if shared != test.shared || shared && (e.HeldBy != 10 || e.Bits < 4) {
				t.Errorf("shared: %v, %+v", shared, e)
			}
			differs := len(one.Against) > 0 && one.Against[0].Kind == "http.body_shape"
			if differs == test.shared {
				t.Errorf("against: %+v", one.Against)
			}
			if (one.Verdict == VerdictKin) != test.shared {
				t.Errorf("%s with %.2f bits", one.Verdict, one.Bits)
			}
			if stranger := find(t, kin, 50); stranger.Verdict != VerdictStranger {
				t.Errorf("a page of its own: %+v", stranger)
			}
		})
	}
}

func TestNearPagesInAnyOrder(t *testing.T) {
	c := &crowd{}
	r := rand.New(rand.NewPCG(7, 8))
	for n := range 300 { // chains of pages, each near the next
		var mask uint64
		for range 12 {
			mask |= 1 << r.IntN(12)
		}
		c.set(n, 443, "http.body_shape", flip(mask))
		c.set(n, 443, "cert.subject", fmt.Sprintf("CN=srv-#.%d.example", n%20))
	}
	want := must(Kinship([]string{addrOf(3)}, c.hosts(), Options{Hops: 2}))
	groups := must(indexed(c.hosts()).Groups(Options{}))
	for range 3 {
		r.Shuffle(len(c.prints), func(i, j int) { c.prints[i], c.prints[j] = c.prints[j], c.prints[i] })
		hosts := c.hosts()
		r.Shuffle(len(hosts), func(i, j int) { hosts[i], hosts[j] = hosts[j], hosts[i] })
		if got := must(Kinship([]string{addrOf(3)}, hosts, Options{Hops: 2})); !reflect.DeepEqual(got, want) {
			t.Fatal("another order gave another judgement")
		}
		if got := must(indexed(hosts).Groups(Options{})); !reflect.DeepEqual(got, groups) {
			t.Fatal("another order gave other groups")
		}
	}
}

// A value joins the first leader that it is near, and no two leaders are near.
func TestLeaders(t *testing.T) {
	table := must(Defaults())
	r := rand.New(rand.NewPCG(9, 10))
	c := &crowd{}
	for n := range 400 {
		var mask uint64
		for range r.IntN(8) {
			mask |= 1 << r.IntN(14)
		}
		c.set(n, 443, "http.body_shape", flip(mask))
	}
	c.set(400, 22, "ssh.kexinit", "a host without a page")
	hosts := c.hosts()
	x := NewIndex(table, hosts)
	var leaders []string
	total := 0
	for c := range x.Counts(1) {
		if c.Kind == "http.body_shape" {
			leaders = append(leaders, c.Value)
			total += c.Hosts
		}
	}
	if total != 400 || len(leaders) < 2 || len(leaders) > 200 {
		t.Errorf("%d leaders of %d hosts", len(leaders), total)
	}
	for _, h := range hosts[:400] {
		id, _ := x.find(h.Addr)
		own, leader := h.Prints[0].Value, x.profile(id).prints["http.body_shape"][0].Value
		if !table.alike("http.body_shape", own, leader) {
			t.Errorf("%s is not near its leader %s", own, leader)
		}
	}
	for i, a := range leaders {
		for _, b := range leaders[:i] {
			if table.alike("http.body_shape", a, b) {
				t.Errorf("leaders %s and %s are near", a, b)
			}
		}
	}
	if x.Answered()["http.body_shape"] != 400 {
		t.Errorf("answered: %v", x.Answered())
	}
}

func TestNearAStockPageIsStock(t *testing.T) {
	var stock uint64
	for f := range must(Defaults()).stock {
		if x := uint64(0); f.kind == "http.body_shape" && stock == 0 {
			if _, err := fmt.Sscanf(f.value, "%x", &x); err != nil {
				t.Fatal(err)
			}
			stock = x
		}
	}
	if stock == 0 {
		t.Fatal("no stock page has a shape")
	}
	for distance := range 8 {
		value := fmt.Sprintf("%016x", stock^(1<<distance-1))
		e, ok := evidence(find(t, must(Kinship([]string{addrOf(0)}, shapes(value).hosts(), Options{})), 1), "http.body_shape")
		if isStock := e.Bits <= 1; !ok || isStock != (distance <= http.MaxDistance) {
			t.Errorf("%d bits from a stock page: %+v", distance, e)
		}
	}
}

// A sieve has no scan to take leaders from.
func TestSieveSeesNearPages(t *testing.T) {
	look := func(value string) Outlook {
		c := &crowd{}
		c.set(0, 443, "http.body_shape", flip(0))
		c.set(0, 443, "http.header_order", "odd")
		c.set(0, 443, "http.error_page", "odd")
		c.set(1, 443, "http.body_shape", value)
		hosts := c.hosts()
		return must(NewSieve(hosts[:1], Options{})).Outlook(hosts[1], 256)
	}
	for distance := range 9 {
		mask := uint64(1)<<distance - 1
		want := Shut
		if bits.OnesCount64(mask) <= http.MaxDistance {
			want = Open
		}
		if got := look(flip(mask)); got != want {
			t.Errorf("%d bits apart: outlook %d, want %d", distance, got, want)
		}
	}
}

// The shells of applications that negative.yaml lists, as their tools make them.
func TestShellsOfApplicationsAreStock(t *testing.T) {
	table := must(Defaults())
	for name, body := range map[string]string{
		"Create React App": `<!doctype html><html lang="en"><head><meta charset="utf-8"/><link rel="icon" href="/favicon.ico"/><meta name="viewport" content="a"/><meta name="theme-color" content="a"/><meta name="description" content="a"/><link rel="apple-touch-icon" href="a"/><link rel="manifest" href="a"/><title>A</title><script defer="defer" src="a"></script><link href="a" rel="stylesheet"></head><body><noscript>a</noscript><div id="root"></div></body></html>`,
		"Vite":             `<!doctype html><html lang="en"><head><meta charset="UTF-8" /><link rel="icon" type="image/svg+xml" href="a" /><meta name="viewport" content="a" /><title>A</title><script type="module" crossorigin src="a"></script><link rel="stylesheet" crossorigin href="a"></head><body><div id="app"></div></body></html>`,
	} {
		page := &record.Page{Path: "/", Status: record.OK, Code: 200, Head: []byte("HTTP/1.1 200 OK\r\n\r\n"), Body: []byte(body)}
		found := false
		for _, p := range http.Of(&record.HTTP{Root: page}) {
			if p.Kind == http.BodyShape {
				found = true
				if _, known := table.near[http.BodyShape].first(p.Value); !known {
					t.Errorf("%s: %s is not known", name, p.Value)
				}
			}
		}
		if !found {
			t.Errorf("%s has no shape", name)
		}
	}
}

func BenchmarkLeaders(b *testing.B) {
	c := &crowd{}
	r := rand.New(rand.NewPCG(1, 1))
	for n := range 20000 {
		c.set(n, 443, "http.body_shape", fmt.Sprintf("%016x", r.Uint64()))
	}
	hosts, table := c.hosts(), must(Defaults())
	for b.Loop() {
		NewIndex(table, hosts)
	}
}
