package http

import (
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/hostkin/hostkin/internal/livetest"
)

// design is a made-up template: rows of markup, of which some are a list whose
// length is data and some are there for some visitors only.
type design []row

type row struct {
	markup         string // with TEXT for what is data
	list, optional bool
}

func newDesign(r *rand.Rand, rows int) design {
	word := func() string { return letters(r) }
	kinds := []func() string{
		func() string { return "<p>TEXT</p>" }, func() string { return "<h2>TEXT</h2>" },
		func() string { return `<div class="` + word() + `">TEXT</div>` },
		func() string { return `<a href="TEXT">TEXT</a>` },
		func() string { return `<li><a class="` + word() + `" href="TEXT">TEXT</a></li>` },
		func() string { return `<form method="post"><input name="` + word() + `"><button>TEXT</button></form>` },
		func() string { return `<span id="TEXT">TEXT</span>` }, func() string { return `<img src="TEXT" alt="TEXT">` },
		func() string { return `<tr class="` + word() + `"><td>TEXT</td><td>TEXT</td></tr>` },
	}
	d := design{{markup: `<!doctype html><html lang="en"><head><meta charset="utf-8"><title>TEXT</title><link rel="stylesheet" href="TEXT"></head><body>`}}
	for range rows {
		k := kinds[r.IntN(len(kinds))]()
		d = append(d, row{markup: k})
	}
	d[1+r.IntN(rows)].list, d[1+r.IntN(rows)].list, d[1+r.IntN(rows)].optional = true, true, true
	return d
}

func letters(r *rand.Rand) string {
	b := make([]byte, 4+r.IntN(6))
	for i := range b {
		b[i] = byte('a' + r.IntN(26))
	}
	return string(b)
}

// page fills the design in. varies lets lists and optional parts differ too.
func (d design) page(r *rand.Rand, varies bool) []byte {
	var b strings.Builder
	for _, row := range d {
		n := 1
		if varies && row.list {
			n = 2 + r.IntN(30)
		}
		if varies && row.optional {
			n = r.IntN(2)
		}
		for range n {
			for part := range strings.SplitAfterSeq(row.markup, "TEXT") {
				b.WriteString(strings.Replace(part, "TEXT", fmt.Sprintf("w%x %d", r.Uint64(), r.IntN(1000)), 1))
			}
		}
	}
	return []byte(b.String())
}

// near is the share of pairs that are one template by their shapes.
type near struct{ near, all int }

func (n *near) count(a, b string) {
	n.all++
	if d, ok := Distance(a, b); ok && d <= MaxDistance {
		n.near++
	}
}

func (n near) share() float64 { return float64(n.near) / float64(n.all) }

// The measurements behind MaxDistance and the shingles. Pages of one design with
// other texts are equal; with two lists of other lengths and a part that is
// there for some only, most are near, the more the larger; those of two designs
// never are, and seldom even those that differ in one class of sixteen elements.
func TestShapeDistances(t *testing.T) {
	r := rand.New(rand.NewPCG(1, 2))
	for _, size := range []struct {
		rows int
		near float64 // share of pages of one design that differ in more than texts
	}{{10, .6}, {30, .8}, {100, .93}, {300, .99}} {
		var same, other near
		var shapes []string
		for range 40 {
			d := newDesign(r, size.rows)
			first := bodyShape(d.page(r, false))
			for range 4 {
				if again := bodyShape(d.page(r, false)); again != first || first == "" {
					t.Fatalf("other texts: %q, %q", first, again)
				}
				same.count(bodyShape(d.page(r, true)), bodyShape(d.page(r, true)))
			}
			for _, s := range shapes {
				other.count(first, s)
			}
			shapes = append(shapes, first)
		}
		if same.share() < size.near || other.near > 0 {
			t.Errorf("%d rows: near are %.3f of one design, want %.2f; %.5f of two, want none", size.rows, same.share(), size.near, other.share())
		}
	}
	var classes near
	login := func() string {
		page := `<html lang="en"><head><meta charset="utf-8"><title>a</title><link rel="icon" href="/"><style></style></head><body>` +
			`<div class="CLASS"><h2>a</h2><form method="post" action="/"><input name="user"><input type="password" name="password"><button>a</button></form><p>a</p><small>a</small></div>`
		return bodyShape([]byte(strings.ReplaceAll(page, "CLASS", letters(r))))
	}
	for range 4000 {
		classes.count(login(), login())
	}
	if classes.share() > .02 {
		t.Errorf("near are %.4f of those that differ in a class", classes.share())
	}
}

// Real pages of different origin are far apart, whatever they have in common.
func TestShapesOfRealPages(t *testing.T) {
	files, _ := filepath.Glob("/usr/share/doc/*/*.html")
	for _, dir := range []string{"nginx/html", "apache2/default-site", "lighttpd", "caddy"} {
		files = append(files, "/usr/share/"+dir+"/index.html")
	}
	shapes := map[string]string{}
	for _, f := range files {
		body, err := os.ReadFile(f)
		if err != nil && !strings.HasPrefix(f, "/usr/share/doc/") {
			livetest.Missing(t, err)
		}
		if s := bodyShape(body); s != "" {
			shapes[s] = f
		}
	}
	for a, x := range shapes {
		for b, y := range shapes {
			if d, _ := Distance(a, b); d < 2*MaxDistance && filepath.Dir(x) != filepath.Dir(y) {
				t.Errorf("%d bits between %s and %s", d, x, y)
			}
		}
	}
}

func TestPagesWithoutStructureHaveNoShape(t *testing.T) {
	nginx := "<html>\r\n<head><title>403 Forbidden</title></head>\r\n<body>\r\n<center><h1>403 Forbidden</h1></center>\r\n<hr><center>nginx/1.22.1</center>\r\n</body>\r\n</html>\r\n"
	for _, body := range []string{"", "hello", nginx, strings.Repeat("<p", 100), `{"a":"<b>"}`} {
		if got := bodyShape([]byte(body)); got != "" {
			t.Errorf("%.20q: %q", body, got)
		}
	}
}

func TestBandsOfNearShapesMeet(t *testing.T) {
	r := rand.New(rand.NewPCG(3, 4))
	for range 2000 {
		a := Shape(r.Uint64())
		b := a
		for range MaxDistance {
			b ^= 1 << r.IntN(64)
		}
		bands := b.Bands()
		if !slices.ContainsFunc(bands[:], func(band uint64) bool { own := a.Bands(); return slices.Contains(own[:], band) }) {
			t.Fatalf("%x and %x have no band in common", a, b)
		}
	}
}

func TestDistance(t *testing.T) {
	if d, ok := Distance("0123456789abcdef", "0123456789abcdee"); d != 1 || !ok {
		t.Errorf("%d, %v", d, ok)
	}
	for _, v := range []string{"", "123", "0123456789abcdeg", "+123456789abcdef", "0123456789abcdef0"} {
		if _, ok := Distance(v, "0123456789abcdef"); ok {
			t.Errorf("%q is no shape", v)
		}
	}
}

func FuzzBodyShape(f *testing.F) {
	f.Add([]byte(strings.Repeat("<div class='a b1'>", 20)))
	f.Add([]byte("<script><p></script><svg/><input type=text name=x>" + strings.Repeat("<a/>", 5000)))
	f.Fuzz(func(t *testing.T, body []byte) {
		shape := bodyShape(body)
		if _, ok := Distance(shape, shape); shape != "" && !ok {
			t.Errorf("%q", shape)
		}
		if again := bodyShape(body); again != shape {
			t.Errorf("%q, then %q", shape, again)
		}
	})
}
