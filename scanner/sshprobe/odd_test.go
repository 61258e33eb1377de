package sshprobe

import (
	"bytes"
	"net/netip"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/hostkin/hostkin/internal/livetest"
	"github.com/hostkin/hostkin/scanner/conversation"
	"github.com/hostkin/hostkin/scanner/conversation/conversationtest"
	"github.com/hostkin/hostkin/scanner/record"
)

const (
	differ  = "Protocol major versions differ.\r\n"
	invalid = "Invalid SSH identification string.\r\n"
)

// taken is how a server took a question: the end of its reply.
type taken struct {
	status record.Status
	last   string
}

// oddServers and what each says to the two questions. ProFTPD was recorded
// once: its package and that of vsftpd exclude each other.
func oddServers() map[string]struct {
	start         func(*testing.T) netip.AddrPort
	version, http taken
} {
	python := func(module, script string) func(*testing.T) netip.AddrPort {
		return func(t *testing.T) netip.AddrPort { return startPython(t, module, script) }
	}
	const kexInit = "\x00" // ends in padding that nobody knows
	return map[string]struct {
		start         func(*testing.T) netip.AddrPort
		version, http taken
	}{
		"openssh":  {func(t *testing.T) netip.AddrPort { return startSSHD(t, "127.0.0.1", []string{"ed25519"}) }, taken{record.Closed, differ}, taken{record.Closed, invalid}},
		"dropbear": {func(t *testing.T) netip.AddrPort { return startDropbear(t, []string{"rsa", "ecdsa", "ed25519"}) }, taken{record.Closed, kexInit}, taken{record.Closed, kexInit}},
		"xcrypto":  {func(t *testing.T) netip.AddrPort { addr, _ := startGo(t, ""); return addr }, taken{record.Timeout, kexInit}, taken{record.Timeout, ""}},
		"tinyssh":  {startTiny, taken{record.Timeout, kexInit}, taken{record.Closed, ""}},
		"paramiko": {python("paramiko", paramikoServer), taken{record.Closed, ""}, taken{record.Closed, ""}},
		"asyncssh": {python("asyncssh", asyncServer), taken{record.Closed, ""}, taken{record.Closed, ""}},
		"conch":    {python("twisted.conch", conchServer), taken{record.Closed, "bad version 9.9"}, taken{record.Closed, "bad packet length 1195725856"}},
		"erlang":   {startErlang, taken{record.Closed, "Protocol version not supported"}, taken{record.Closed, "Protocol mismatch."}},
		"proftpd":  {nil, taken{record.Closed, "Protocol mismatch.\n"}, taken{record.Closed, "Protocol mismatch.\n"}},
	}
}

func TestEveryServerTakesOddQuestionsInItsOwnWay(t *testing.T) {
	for name, server := range oddServers() {
		if server.start == nil {
			continue
		}
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			addr := server.start(t)
			a, status, said := probe(t, Probe{Odd: true}, addr, record.Answer{})
			if status != record.OK || len(a.SSH.HostKeys) == 0 || len(a.SSH.Odd) != 2 {
				t.Fatalf("%s, %+v", status, a.SSH)
			}
			for i, want := range []taken{server.version, server.http} {
				got := a.SSH.Odd[i]
				if got.Sent != questions()[i].name || got.Status != want.status || !bytes.Contains(got.Reply, []byte(want.last)) || want.last == "" && len(got.Reply) > 0 {
					t.Errorf("%s: %s %q", got.Sent, got.Status, got.Reply)
				}
			}
			livetest.Keep(t, filepath.Join("testdata/odd", name+".json"), said[len(said)-2:])
			livetest.Keep(t, filepath.Join("../../fingerprints/ssh/testdata/odd", name+".json"), &record.SSH{Banner: a.SSH.Banner, Odd: a.SSH.Odd})

			again, status, said := probe(t, Probe{Odd: true}, addr, a)
			if len(said) != 0 || again.SSH != nil || status != record.OK {
				t.Errorf("asked again: %s, %d connections, %+v", status, len(said), again.SSH)
			}
		})
	}
}

// ending lets a transcript end in FIN or RST before silence could count:
// conversationtest.Play knows the other order only.
type ending struct{ *odd }

func (e ending) Open() conversation.Step          { return impatient(e.odd.Open()) }
func (e ending) Feed(in []byte) conversation.Step { return impatient(e.odd.Feed(in)) }

func impatient(s conversation.Step) conversation.Step {
	s.Gap = 0
	return s
}

// joined is a transcript in which everything comes at once: what is kept does
// not depend on what of it was under way when the question was sent.
func joined(said conversationtest.Transcript) conversationtest.Transcript {
	return conversationtest.Transcript{Turns: [][]byte{bytes.Join(said.Turns, nil)}, Then: said.Then}
}

func TestRecordedOddAnswersInPieces(t *testing.T) {
	for name, server := range oddServers() {
		for i, said := range livetest.Transcripts(t, filepath.Join("testdata/odd", name+".json")) {
			want := []taken{server.version, server.http}[i]
			start := func() (conversation.Conversation, func() record.SSHOdd) {
				o := &odd{question: questions()[i]}
				kept := func() record.SSHOdd {
					a, ok := o.answer()
					if !ok {
						t.Errorf("%s, %s: nothing is kept", name, o.name)
					}
					return a
				}
				if want.status == record.Timeout {
					return o, kept
				}
				return ending{o}, kept
			}
			got, status := conversationtest.CheckCuts(t, joined(said), start)
			if status != want.status || got.Status != status || !bytes.Contains(got.Reply, []byte(want.last)) {
				t.Errorf("%s, %s: %s %q", name, got.Sent, status, got.Reply)
			}
			conversationtest.CheckEndings(t, said, func() conversation.Conversation { return &odd{question: questions()[i]} })
		}
	}
}

func TestOddConversation(t *testing.T) {
	o := &odd{question: questions()[0]}
	if s := o.Open(); len(s.Send) != 0 || s.Gap != patience {
		t.Errorf("it does not wait for the server: %+v", s)
	}
	if s := o.Feed([]byte("hello\r\nSSH-2.0-x\r")); len(s.Send) != 0 {
		t.Errorf("asked in the middle of a line: %+v", s)
	}
	if s := o.Feed([]byte("\nrest")); string(s.Send) != "SSH-9.9-hostkin_1.0\r\n" || s.Gap != openAfter {
		t.Errorf("%+v", s)
	}
	if s := o.Feed([]byte(" of it")); len(s.Send) != 0 || s.Gap != openAfter {
		t.Errorf("asked twice: %+v", s)
	}
	if s := o.Quiet(); s.Do != conversation.Done || o.End(record.OK) != record.Timeout {
		t.Errorf("after silence: %+v, %s", s, o.status)
	}
	if a, ok := o.answer(); !ok || string(a.Reply) != "rest of it" || a.Sent != "version" {
		t.Errorf("%v %+v", ok, a)
	}
}

// What a server did not tell of itself is not kept.
func TestOddAnswersThatAreNone(t *testing.T) {
	for name, test := range map[string]struct {
		in   []string
		then record.Status
		kept bool
	}{
		"FIN":                     {[]string{"SSH-2.0-x\r\n"}, record.Closed, true},
		"RST":                     {[]string{"SSH-2.0-x\r\n"}, record.Reset, true},
		"our own deadline":        {[]string{"SSH-2.0-x\r\n"}, record.Timeout, false},
		"we were stopped":         {[]string{"SSH-2.0-x\r\n"}, record.Cancelled, false},
		"no identification":       {[]string{"Exceeded MaxStartups\r\n"}, record.Closed, false},
		"half an identification":  {[]string{"SSH-2.0-x"}, record.Closed, false},
		"nothing":                 {nil, record.Closed, false},
		"refused":                 {nil, record.Refused, false},
		"more than anybody needs": {[]string{"SSH-2.0-x\r\n", strings.Repeat("x", maxReply+1)}, record.OK, true},
		"an endless greeting":     {[]string{strings.Repeat("x", maxPreamble+1)}, record.OK, false},
	} {
		o := &odd{question: questions()[1]}
		if test.then != record.Refused {
			o.Open()
		}
		for _, in := range test.in {
			o.Feed([]byte(in))
		}
		o.End(test.then)
		if a, ok := o.answer(); ok != test.kept || len(a.Reply) > maxReply+1 {
			t.Errorf("%s: kept %v, %+v", name, ok, a)
		}
	}
}

func TestOddRun(t *testing.T) {
	key := string(serverInit(func(k *record.KEXINIT) { k.HostKey = []string{"ssh-ed25519"} }))
	whole := conversationtest.Transcript{Turns: [][]byte{[]byte("SSH-2.0-x\r\n"), []byte(key), reply(blob)}}
	silent := conversationtest.Transcript{Turns: [][]byte{[]byte("SSH-2.0-x\r\n")}, Then: record.Timeout}
	busy := conversationtest.Transcript{Turns: [][]byte{[]byte("Not allowed at this time\r\n")}}
	open := func(name string) record.SSHOdd { return record.SSHOdd{Sent: name, Status: record.Timeout} }
	for name, test := range map[string]struct {
		probe       Probe
		answers     []conversationtest.Transcript
		connections int
		odd         []record.SSHOdd
	}{
		"both questions":   {Probe{Odd: true}, []conversationtest.Transcript{whole, silent, silent}, 3, []record.SSHOdd{open("version"), open("http")}},
		"not without Odd":  {Probe{}, []conversationtest.Transcript{whole, silent}, 1, nil},
		"not at first":     {Probe{Odd: true, First: true}, []conversationtest.Transcript{whole, silent}, 1, nil},
		"not what is not":  {Probe{Odd: true}, []conversationtest.Transcript{{Turns: [][]byte{[]byte("HTTP/1.1 400\r\n")}}}, 1, nil},
		"no second answer": {Probe{Odd: true}, []conversationtest.Transcript{whole, silent, busy}, 3, []record.SSHOdd{open("version")}},
		"none at all":      {Probe{Odd: true}, []conversationtest.Transcript{whole, busy, silent}, 2, nil},
	} {
		a, status, connections := play(test.probe, record.Answer{}, test.answers...)
		if connections != test.connections || (status == record.OK) != (name != "not what is not") {
			t.Errorf("%s: %s after %d connections", name, status, connections)
		}
		if diff := cmp.Diff(test.odd, a.SSH.Odd); diff != "" {
			t.Errorf("%s:\n%s", name, diff)
		}
	}
}

func TestOddAnswersThatAreKnownAreNotAskedAgain(t *testing.T) {
	k, err := parseKexInit(serverInit(func(k *record.KEXINIT) { k.HostKey = nil })[5:])
	if err != nil {
		t.Fatal(err)
	}
	seen := record.Answer{SSH: &record.SSH{KEXINIT: k}}
	if _, _, connections := play(Probe{Odd: true}, seen); connections != 1 {
		t.Errorf("%d connections, though nothing is known and the first was refused", connections)
	}
	seen.SSH.Odd = []record.SSHOdd{{Sent: "version", Status: record.Closed}}
	if _, _, connections := play(Probe{Odd: true}, seen); connections != 0 {
		t.Errorf("%d connections", connections)
	}
}

func FuzzOdd(f *testing.F) {
	files, _ := filepath.Glob("testdata/odd/*.json")
	for _, file := range files {
		for _, said := range livetest.Transcripts(f, file) {
			f.Add(bytes.Join(said.Turns, nil))
		}
	}
	f.Add([]byte("a\nb\nSSH-\n\x00"))
	f.Fuzz(func(t *testing.T, in []byte) {
		for _, q := range questions() {
			conversationtest.Fuzz(t, in, len(q.line), func() conversation.Conversation { return &odd{question: q} })
		}
	})
}
