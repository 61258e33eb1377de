package ssh

import (
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/google/go-cmp/cmp"

	"github.com/hostkin/hostkin/fingerprints/value"
	"github.com/hostkin/hostkin/scanner/record"
)

func TestBanner(t *testing.T) {
	for line, want := range map[string]string{
		"SSH-2.0-OpenSSH_9.2p1 Debian-2\r\n":      "OpenSSH_9.2p1 Debian-2",
		"SSH-2.0-x\n":                             `x\n`,
		"SSH-1.99-Cisco-1.25\n":                   `1.99-Cisco-1.25\n`,
		"SSH-2.0-a\x1b[31m\x00\u202e\"\\\xff\r\n": `a\x1b[31m\x00\u202e"\\\xff`,
		"SSH-2.0-trailing \r\n":                   "trailing ",
		"SSH-2.0-a\r\r\n":                         `a\r`,
		"SSH-2.0-tinyssh_20230101-1 0mYr0w20\r\n": "tinyssh_20230101-1 #",
		"SSH-2.0-unended":                         "",
		"":                                        "",
	} {
		if got := banner([]byte(line)); got != want {
			t.Errorf("%q: %q, want %q", line, got, want)
		}
	}
	long := banner([]byte("SSH-2.0-" + strings.Repeat("é", 400) + "\r\n"))
	other := banner([]byte("SSH-2.0-" + strings.Repeat("é", 400) + "x\r\n"))
	if len(long) > value.Max || !utf8.ValidString(long) || long == other {
		t.Errorf("%d bytes: %q", len(long), long)
	}
}

// Hosts of one release say the same, however far they are patched.
func TestSoftware(t *testing.T) {
	for line, want := range map[string]string{
		"SSH-2.0-OpenSSH_9.2p1 Debian-2+deb12u10\r\n":   "OpenSSH_9.2p1 Debian-2+deb12u#",
		"SSH-2.0-OpenSSH_9.2p1 Debian-2+deb12u3\r\n":    "OpenSSH_9.2p1 Debian-2+deb12u#",
		"SSH-2.0-OpenSSH_8.9p1 Ubuntu-3ubuntu0.13\r\n":  "OpenSSH_8.9p1 Ubuntu-3ubuntu0.#",
		"SSH-2.0-OpenSSH_9.6 FreeBSD-20240701\r\n":      "OpenSSH_9.6 FreeBSD-#",
		"SSH-2.0-dropbear_2022.83\r\n":                  "dropbear_2022.83",
		"SSH-2.0-OpenSSH_for_Windows_8.1\r\n":           "OpenSSH_for_Windows_8.1",
		"SSH-2.0-x bare metal\n":                        "x bare metal",
		"SSH-1.99-OpenSSH_3.9p1\n":                      "1.99-OpenSSH_3.9p1",
		"SSH-2.0-tinyssh_20230101-1 kxa7bce0\r\n":       "tinyssh_20230101-1 #",
		"SSH-2.0-OpenSSH_7.4 12\x1b[31m u 7 \u202e\r\n": `OpenSSH_7.4 12\x1b[31m u # \u202e`,
		"SSH-2.0-unended":                               "",
	} {
		if got := software([]byte(line)); got != want {
			t.Errorf("%q: %q, want %q", line, got, want)
		}
	}
}

func TestPreamble(t *testing.T) {
	said := func(lines ...string) *record.SSH {
		s := &record.SSH{Banner: []byte("SSH-2.0-x\r\n")}
		for _, l := range lines {
			s.Preamble = append(s.Preamble, []byte(l))
		}
		return s
	}
	want := []string{`Authorised users only, node #.\r\n\x1b[#mAll is logged.\n`}
	if diff := cmp.Diff(want, values(Of(said("Authorised users only, node 17.\r\n", "\x1b[1mAll is logged.\n")), Preamble)); diff != "" {
		t.Error(diff)
	}
	if got := values(Of(said()), Preamble); got != nil {
		t.Errorf("%q", got)
	}
	busy := said("Exceeded MaxStartups\r\n")
	busy.Banner = nil
	if got := values(Of(busy), Preamble); got != nil {
		t.Errorf("of a busy server: %q", got)
	}
}
