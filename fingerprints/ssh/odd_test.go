package ssh

import (
	"path/filepath"
	"strings"
	"testing"
	"unicode"

	"github.com/google/go-cmp/cmp"

	"github.com/hostkin/hostkin/fingerprints/value"
	"github.com/hostkin/hostkin/scanner/record"
)

// Nine servers, recorded by the tests of sshprobe.
func TestOddAnswersOfServers(t *testing.T) {
	seen := map[string]string{}
	for name, want := range map[string][]string{
		"openssh":  {`version: 'Protocol major versions differ.\r\n' closed`, `http: 'Invalid SSH identification string.\r\n' closed`},
		"dropbear": {"version: KEXINIT closed", "http: KEXINIT closed"},
		"xcrypto":  {"version: KEXINIT open", "http: open"},
		"tinyssh":  {"version: KEXINIT open", "http: closed"},
		"paramiko": {"version: closed", "http: closed"},
		"asyncssh": {"version: closed", "http: closed"},
		"conch":    {"version: KEXINIT DISCONNECT(8,'bad version #.#') closed", "http: KEXINIT DISCONNECT(2,'bad packet length #') closed"},
		"erlang":   {"version: DISCONNECT(8,'Protocol version not supported') closed", "http: 'Protocol mismatch.' closed"},
		"proftpd":  {`version: KEXINIT 'Protocol mismatch.\n' closed`, `http: KEXINIT 'Protocol mismatch.\n' closed`},
	} {
		got := values(Of(answer(t, filepath.Join("odd", name))), Odd)
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("%s (-want +got):\n%s", name, diff)
		}
		seen[strings.Join(got, "\n")] = name
	}
	if len(seen) != 8 { // the two in Python that close without a word
		t.Errorf("%d distinct", len(seen))
	}
}

func packet(payload string) string {
	const padding = "rand"
	return "\x00\x00\x00" + string(rune(1+len(payload)+len(padding))) + "\x04" + payload + padding
}

func TestOddText(t *testing.T) {
	kexInit := packet("\x14cookie")
	for name, test := range map[string]struct {
		status record.Status
		reply  string
		want   string
	}{
		"nothing":            {record.Closed, "", "http: closed"},
		"RST":                {record.Reset, "", "http: reset"},
		"stays":              {record.Timeout, "", "http: open"},
		"said too much":      {record.Truncated, "aaaa", ""},
		"our address":        {record.Closed, "192.0.2.1: no\r\n", `http: '#.#.#.#: no\r\n' closed`},
		"hostile":            {record.Closed, "\x1b[2J'\\\u202e", `http: '\x1b[#J\'\\\u202e' closed`},
		"random bytes":       {record.Closed, "\x8f\x12\xffabc", "http: binary closed"},
		"text, then random":  {record.Closed, "no\n\x8f", "http: binary closed"},
		"packets and text":   {record.Closed, kexInit + "no\n" + packet("\x02xx"), `http: KEXINIT 'no\n' IGNORE closed`},
		"a packet is cut":    {record.Closed, kexInit[:len(kexInit)-1], ""},
		"a header is cut":    {record.Closed, "\x00\x00", ""},
		"padding > packet":   {record.Closed, "\x00\x00\x00\x08\xff\x14345678", "http: binary closed"},
		"another cookie":     {record.Closed, packet("\x14biscui"), "http: KEXINIT closed"},
		"short disconnect":   {record.Closed, packet("\x01\x00\x00"), "http: DISCONNECT closed"},
		"description > rest": {record.Closed, packet("\x01\x00\x00\x00\x02\xff\xff\xff\xff"), "http: DISCONNECT(2) closed"},
		"binary description": {record.Closed, packet("\x01\x00\x00\x00\x02\x00\x00\x00\x01\x00"), "http: DISCONNECT(2) closed"},
		"unknown message":    {record.Closed, packet("\x63"), "http: MSG(99) closed"},
		"many": {record.Closed, strings.Repeat(packet("\x03"), 20),
			"http:" + strings.Repeat(" UNIMPLEMENTED", maxItems) + " ... closed"},
	} {
		if got := oddText(record.SSHOdd{Sent: "http", Status: test.status, Reply: []byte(test.reply)}); got != test.want {
			t.Errorf("%s: %q, want %q", name, got, test.want)
		}
	}
	if got := oddText(record.SSHOdd{Sent: "\x1b", Status: record.Closed}); got != "" {
		t.Errorf("a question that nobody asks: %q", got)
	}
}

func FuzzOf(f *testing.F) {
	f.Add([]byte("SSH-2.0-OpenSSH_9.2p1 Debian-2+deb12u10\r\n"), []byte("no\n"+packet("\x01\x00\x00\x00\x02\x00\x00\x00\x01a")))
	f.Add([]byte("SSH-2.0-tinyssh_1 a1\n"), []byte(packet("\x14")+"\x00\x00"))
	f.Fuzz(func(t *testing.T, banner, reply []byte) {
		s := &record.SSH{Preamble: [][]byte{reply}, Banner: banner, Odd: []record.SSHOdd{{Sent: "version", Status: record.Closed, Reply: reply}}}
		for _, p := range Of(s) {
			if p.Value == "" || len(p.Value) > value.Max || strings.IndexFunc(p.Value, func(r rune) bool { return !unicode.IsPrint(r) }) >= 0 {
				t.Errorf("%s is %q", p.Kind, p.Value)
			}
		}
	})
}
