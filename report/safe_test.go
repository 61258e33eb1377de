package report

import (
	"bytes"
	"encoding/json"
	"strings"
	"testing"
	"unicode"
	"unicode/utf8"
)

func TestSafeShowsWhatATerminalWouldObeyOrHide(t *testing.T) {
	for _, c := range []struct{ name, in, want string }{
		{"plain", "nginx/1.24.0 (Ubuntu)", "nginx/1.24.0 (Ubuntu)"},
		{"letters of any script", "Добро пожаловать 東京", "Добро пожаловать 東京"},
		{"escape sequence", "\x1b[2J\x1b]0;pwned\a", `\x1b[2J\x1b]0;pwned\a`},
		{"C0 and DEL", "a\x00b\r\nc\td\x7f", `a\x00b\r\nc\td\x7f`},
		{"C1 as UTF-8 (CSI)", "a\u009b31mb", `a\u009b31mb`},
		{"C1 as a raw byte", "a\x9b31mb", `a\x9b31mb`},
		{"bidi override and isolate", "exe.\u202egpj\u2066", `exe.\u202egpj\u2066`},
		{"zero width and BOM", "a\u200bb\u200d\ufeff", `a\u200bb\u200d\ufeff`},
		{"line and paragraph separator", "a\u2028b\u2029", `a\u2028b\u2029`},
		{"no-break space", "a\u00a0b", `a\u00a0b`},
		{"invisible letters", "a\u3164b\u115f", `a\u3164b\u115f`},
		{"tag characters", "a\U000e0041", `a\U000e0041`},
		{"variation selector", "a\ufe0f", `a\ufe0f`},
		{"invalid UTF-8", "a\xff\xc3(", `a\xff\xc3(`},
		{"the replacement character itself", "a\ufffd", "a\ufffd"},
		{"an accent", "e\u0301", "e\u0301"},
		{"a leading mark", "\u0301e", `\u0301e`},
		{"piled marks", "e\u0301\u0301\u0301\u0301", "e\u0301\u0301\u0301" + `\u0301`},
	} {
		if got := Safe(c.in); got != c.want {
			t.Errorf("%s: Safe(%q) = %q, want %q", c.name, c.in, got, c.want)
		}
	}
}

func FuzzSafe(f *testing.F) {
	f.Add("plain")
	f.Add("\x1b[31m\u202e\x00\xff")
	f.Add("\u0301\u0301\u0301\u0301\U000e0041")
	f.Fuzz(func(t *testing.T, s string) {
		got := Safe(s)
		if !utf8.ValidString(got) {
			t.Fatalf("%q: not UTF-8: %q", s, got)
		}
		for _, r := range got {
			if unicode.IsControl(r) || unicode.Is(unicode.Cf, r) || unicode.Is(unicode.Bidi_Control, r) {
				t.Fatalf("%q: %U came through", s, r)
			}
		}
		if Safe(got) != got {
			t.Fatalf("%q: escaping twice changes it", s)
		}
	})
}

func FuzzJSONIsHarmlessAndTheSameValue(f *testing.F) {
	f.Add("plain <b>&</b>")
	f.Add("\x1b[31m\u202e\x00\u009b\U000e0041\u2028\x7f")
	f.Fuzz(func(t *testing.T, s string) {
		var b bytes.Buffer
		if err := JSON(&b, map[string]string{"v": s}); err != nil {
			t.Fatal(err)
		}
		line := b.String()
		for _, r := range strings.TrimSuffix(line, "\n") {
			if invisible(r) {
				t.Fatalf("%q: %U came through in %q", s, r, line)
			}
		}
		var back map[string]string
		if err := json.Unmarshal(b.Bytes(), &back); err != nil {
			t.Fatalf("%q: %v", line, err)
		}
		if want := strings.ToValidUTF8(s, "\ufffd"); utf8.ValidString(s) && back["v"] != want {
			t.Fatalf("%q came back as %q", s, back["v"])
		}
	})
}
