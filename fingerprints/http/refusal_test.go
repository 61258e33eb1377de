package http

import (
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/hostkin/hostkin/fingerprints/value"
	"github.com/hostkin/hostkin/scanner/record"
)

func TestRefusals(t *testing.T) {
	ended := func(s record.Status) *record.Page { return &record.Page{Path: "/", Status: s} }
	raw := func(body string) *record.Page {
		return &record.Page{Path: "/", Status: record.Malformed, Body: []byte(body)}
	}
	half := ok(400, "", "no")
	half.Status = record.Closed
	for name, test := range map[string]struct {
		page       *record.Page
		plain, odd string
	}{
		"FIN":             {ended(record.Closed), "closed", "lf:closed"},
		"RST":             {ended(record.Reset), "reset", "lf:closed"},
		"silence":         {ended(record.Timeout), "", ""},
		"refused":         {ended(record.Refused), "", ""},
		"an alert":        {raw("\x15\x03\x03\x00\x02\x02\x0a"), "alert 2 10", "lf:alert 2 10"},
		"half an alert":   {raw("\x15\x03\x03\x00\x02\x02"), "raw HASH", "lf:raw HASH"},
		"no head":         {raw("<p>Error"), "raw HASH", "lf:raw HASH"},
		"no body":         {ok(400, "", ""), "400 HASH -", "lf:400 HASH -"},
		"half a body":     {half, "", ""},
		"half a head":     {&record.Page{Status: record.Closed, Head: []byte("HTTP/1.1 4")}, "", ""},
		"half, and reset": {&record.Page{Status: record.Reset, Head: []byte("HTTP/1.1 4")}, "", ""},
	} {
		h := &record.HTTP{Plain: test.page, Odd: []record.Odd{{Request: "lf", Page: *test.page}}}
		plain, odd := one(t, h, PlainToTLS), one(t, h, ErrorPage)
		hash := value.SHA256(test.page.Body)[:16] // of no field names likewise
		plain, odd = strings.ReplaceAll(plain, hash, "HASH"), strings.ReplaceAll(odd, hash, "HASH")
		if plain != test.plain || odd != test.odd {
			t.Errorf("%s: %q and %q, want %q and %q", name, plain, odd, test.plain, test.odd)
		}
	}
}

// Each question has its value, and only those that were answered have one.
func TestOddAnswersFormASet(t *testing.T) {
	missing := ok(404, "A: b\r\n", "")
	h := &record.HTTP{Missing: missing, Odd: []record.Odd{
		{Request: "method", Page: *ok(501, "A: b\r\n", "")}, {Request: "version", Page: record.Page{Status: record.Timeout}},
		{Request: "lf", Page: record.Page{Status: record.Closed}},
	}}
	var got []string
	for _, p := range Of(h) {
		got = append(got, p.Kind+" "+p.Value)
	}
	want := []string{"http.error_page 404 559aead08264d579 -", "http.error_page method:501 559aead08264d579 -", "http.error_page lf:closed"}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}

// Eight servers, asked the same odd things: no two answer alike.
func TestOddAnswersTellServersApart(t *testing.T) {
	files, err := filepath.Glob("testdata/odd/*.json")
	if err != nil || len(files) < 8 {
		t.Fatalf("%d answers, %v", len(files), err)
	}
	seen := map[string]string{}
	for _, file := range files {
		var all []string
		for _, p := range Of(answer(t, file)) {
			if p.Kind == ErrorPage && strings.Contains(p.Value, ":") {
				all = append(all, p.Value)
			}
		}
		joined := strings.Join(all, ";")
		if len(all) < 2 || seen[joined] != "" {
			t.Errorf("%s and %q: %s", file, seen[joined], joined)
		}
		seen[joined] = file
	}
}

func FuzzRefusal(f *testing.F) {
	files, _ := filepath.Glob("testdata/odd/*.json")
	for _, file := range files {
		for _, odd := range answer(f, file).Odd {
			f.Add(odd.Head, odd.Body, odd.Code, string(odd.Status))
		}
	}
	f.Add([]byte(nil), []byte("\x15\x03\x01\x00\x02\x02\x46"), 0, "malformed")
	f.Fuzz(func(t *testing.T, head, body []byte, code int, status string) {
		page := record.Page{Path: "/", Status: record.Status(status), Code: code, Head: head, Body: body}
		h := &record.HTTP{Host: "203.0.113.9", Plain: &page, Odd: []record.Odd{{Request: "lf", Page: page}}}
		for _, p := range Of(h) {
			if len(p.Value) > value.Max || strings.IndexFunc(p.Value, func(r rune) bool { return r < ' ' || r > '~' }) >= 0 {
				t.Errorf("%s: %q", p.Kind, p.Value)
			}
			if again := Of(h); !slices.Contains(again, p) {
				t.Errorf("%v, then %v", p, again)
			}
		}
	})
}
