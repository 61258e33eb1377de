package main

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/spf13/pflag"
)

func TestTrailingFlagsTakeTheArgumentsAfterThem(t *testing.T) {
	for _, c := range []struct{ args, seeds, within, from string }{
		{"S", "S", "", ""},
		{"S --within A", "S", "A", ""},
		{"S --within A B C", "S", "A B C", ""},
		{"S T --within A --json B", "S T", "A B", ""},
		{"--within A S", "S", "A", ""},
		{"--within=A --json S T", "S T", "A", ""},
		{"S --from F G --within A B", "S", "A B", "F G"},
		{"S --within A --within B C", "S", "A B C", ""},
		{"--within A S --from F G", "S", "A", "F G"},
		{"S --within -", "S", "-", ""},
	} {
		flags := pflag.NewFlagSet("", pflag.ContinueOnError)
		var marks []mark
		within, from := trailing{flags: flags, marks: &marks}, trailing{flags: flags, marks: &marks}
		flags.Var(&within, "within", "")
		flags.Var(&from, "from", "")
		flags.Bool("json", false, "")
		if err := flags.Parse(strings.Fields(c.args)); err != nil {
			t.Fatal(err)
		}
		seeds := strings.Join(deal(flags.Args(), marks), " ")
		if diff := cmp.Diff([]string{c.seeds, c.within, c.from}, []string{seeds, within.String(), from.String()}); diff != "" {
			t.Errorf("%s: %s", c.args, diff)
		}
	}
}

func TestContact(t *testing.T) {
	for text, want := range map[string]string{
		"": "", "https://example.org/scan": "https://example.org/scan", "mailto:a@example.org": "mailto:a@example.org",
		"a@example.org": "mailto:a@example.org", "tel:+1-201-555-0123": "tel:+1-201-555-0123", "http://example.org": "http://example.org",
	} {
		if got, err := checkContact(text); got != want || err != nil {
			t.Errorf("%q: %q, %v", text, got, err)
		}
	}
	for _, text := range []string{"example", "ftp://x", "https://x/\r\nHost: y", "https://x/(", "javascript:1", "a b@example.org", "https://", "https://u@example.org/",
		"mailto:x", "tel:1", "tel:+", "https://example.org/" + strings.Repeat("x", 250)} {
		if got, err := checkContact(text); err == nil {
			t.Errorf("%q was accepted as %q", text, got)
		}
	}
}
