package value

import (
	"strings"
	"testing"
	"testing/quick"
	"unicode"
	"unicode/utf8"
)

func TestText(t *testing.T) {
	for in, want := range map[string]string{
		"":                         "",
		"nginx/1.22.1":             "nginx/1.22.1",
		`"a" \b`:                   `"a" \\b`,
		"\x1b[31m\x00\r\n\t\x7f":   `\x1b[31m\x00\r\n\t\x7f`,
		"\u202eé日本\u0085":          `\u202eé日本\u0085`,
		"\xff\xc3":                 `\xff\xc3`,
		"\ufffd":                   "\ufffd", // as sent, and not what stands for a broken byte
		" spaces stay at the end ": " spaces stay at the end ",
		"\U000e0001":               `\U000e0001`,
	} {
		if got := Text(in); got != want {
			t.Errorf("%q: %q, want %q", in, got, want)
		}
	}
	if got := Escaped(`a,b\c`, ","); got != `a\,b\c` {
		t.Errorf("only a comma is special: %q", got)
	}
}

func TestLongValuesAreCutAndHashed(t *testing.T) {
	whole := strings.Repeat("a", Max)
	if got := Text(whole); got != whole {
		t.Errorf("%d bytes are %q", Max, got)
	}
	seen := map[string]bool{}
	for _, long := range []string{whole + "b", whole + "c", strings.Repeat("é", 400), "x" + strings.Repeat("é", 400), strings.Repeat("\x00", 200)} {
		got := Text(long)
		if len(got) > Max || len(got) < Max-3 || !utf8.ValidString(got) || !strings.HasSuffix(got, ":sha256:"+SHA256(long)) || seen[got] {
			t.Errorf("%d bytes: %q", len(got), got)
		}
		seen[got] = true
	}
}

// Whatever is sent, a value is printable and of bounded length.
func TestAnyBytes(t *testing.T) {
	fits := func(sent []byte) bool {
		got := Text(string(sent))
		return len(got) <= Max && strings.IndexFunc(got, func(r rune) bool { return !unicode.IsPrint(r) }) < 0
	}
	if err := quick.Check(fits, nil); err != nil {
		t.Error(err)
	}
}

func TestAdd(t *testing.T) {
	var l List
	l.Add("a.kind", "")
	l.Add("a.kind", "x")
	l.Add("b.kind", strings.Repeat("y", Max+1))
	if len(l) != 2 || l[0] != (Pair{"a.kind", "x"}) || l[1].Kind != "b.kind" || len(l[1].Value) != Max {
		t.Errorf("%q", l)
	}
}

func TestTemplate(t *testing.T) {
	for in, want := range map[string]string{
		"":                      "",
		"node12":                "node#",
		"deadbeef":              "deadbeef", // no digit: a word, for all we know
		"deadbee1":              "#",
		"xdeadbee1y":            "x#y",
		"a1b2c3d":               "a#b#c#d",
		"20240131":              "#",
		"vm-7f3a9c0e-4b1d":      "vm-#-#b#d",
		"10.0.0.12":             "#.#.#.#",
		"DEADBEEF00.host":       "#.host",
		"ü9":                    "ü#",
		"facade12 facade1234ab": "# #",
	} {
		if got := Template(in); got != want {
			t.Errorf("%q: %q, want %q", in, got, want)
		}
	}
}
