package tlsprobe

import (
	"bytes"
	"math/rand/v2"
	"path/filepath"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"github.com/hostkin/hostkin/internal/livetest"
	"github.com/hostkin/hostkin/scanner/conversation/conversationtest"
	"github.com/hostkin/hostkin/scanner/record"
)

// others are the keys of another run of the probe.
func others(t *testing.T, seed byte) *keys {
	k, err := newKeys(rand.NewChaCha8([32]byte{seed}))
	if err != nil {
		t.Fatal(err)
	}
	return k
}

// watch replays a transcript to one who watches.
func watch(t *testing.T, hello []byte, said conversationtest.Transcript) record.TLSAnswer {
	t.Helper()
	w, err := Watch(hello)
	if err != nil {
		t.Fatal(err)
	}
	w.Open()
	for i, turn := range said.Turns {
		if i > 0 {
			w.Quiet()
		}
		for piece := range bytes.Lines(turn) { // any cut will do
			w.Feed(piece)
		}
	}
	why := said.Then
	if !said.Abrupt {
		why = record.OK
	}
	w.End(why)
	got, _ := w.Answer()
	return got.TLSAnswer
}

// What is watched equals what is asked, but for what is encrypted. The hellos
// have another random value, other keys and a name.
func TestWatch(t *testing.T) {
	for _, file := range []string{"openssl", "nginx", "gnutls", "caddy", "openssl-13-retry-p384", "openssl-refuses"} {
		for i, said := range livetest.Transcripts(t, filepath.Join("testdata", file+".json")) {
			letter := letters()[i]
			c := newClient(testKeys(t), "", letter, false)
			conversationtest.Play(c, said, nil)
			want := c.out
			got := watch(t, padded(others(t, byte(i)).build(letter, "b.example")), said)
			if want.Version == 0x0304 {
				if got.Status != record.OK || got.Messages[len(got.Messages)-1] != 2 || !bytes.Equal(got.ServerHello, want.ServerHello) {
					t.Errorf("%s, %s: %+v", file, letter, got)
				}
				continue
			}
			if diff := cmp.Diff(want, got, cmpopts.EquateEmpty()); diff != "" {
				t.Errorf("%s, %s: -asked +watched\n%s", file, letter, diff)
			}
		}
	}
}

func TestWatchKnowsOwnHellos(t *testing.T) {
	k := testKeys(t)
	other := k.build(helloC, "")
	other.Suites = other.Suites[1:]
	compressing := bytes.Clone(padded(k.build(helloE, "")))
	for name, test := range map[string]struct {
		hello []byte
		want  string
		fails bool
	}{
		"other suites":    {hello: padded(other)},
		"after a retry":   {hello: padded(k.helloA("", groupP384, []byte("cookie")))},
		"two records":     {hello: append(padded(k.build(helloC, "")), 22), fails: true},
		"nothing":         {fails: true},
		"a ServerHello":   {hello: records(hello12), fails: true},
		"compression":     {hello: bytes.Replace(compressing, []byte{0, 5, 1, 0}, []byte{0, 5, 1, 1}, 1)},
		"a letter's name": {hello: padded(k.build(helloE, "a.name.long.enough.to.make.the.hello.longer.example")), want: "e"},
	} {
		w, err := Watch(test.hello)
		if (err != nil) != test.fails {
			t.Fatalf("%s: %v", name, err)
		}
		if err == nil && w.out.Hello != test.want {
			t.Errorf("%s: taken for %q", name, w.out.Hello)
		}
	}
}

// Of a connection whose stimulus was not seen, or that was not followed to
// the end, there is no reaction; a client that leaves finds it open.
func TestWatchEnds(t *testing.T) {
	flight12 := records(hello12, chain(1, 9), msg(14, nil))
	hello := padded(defaultKeys().build(helloD, ""))
	for name, test := range map[string]struct {
		second bool
		why    record.Status
		want   record.Status
		after  record.Status
	}{
		"the client leaves":                  {true, record.OK, record.OK, record.Timeout},
		"the capture ends":                   {true, record.Timeout, record.OK, ""},
		"the server leaves":                  {true, record.Closed, record.OK, record.Closed},
		"the client leaves before":           {false, record.OK, record.OK, ""},
		"the server leaves, without a cause": {false, record.Closed, record.Closed, ""},
	} {
		w, err := Watch(hello)
		if err != nil {
			t.Fatal(err)
		}
		w.Quiet() // too early: it means nothing
		w.Feed(flight12)
		if test.second {
			w.Quiet()
			w.Quiet() // nor does a third write
		}
		status := w.End(test.why)
		got, ok := w.Answer()
		var after record.Status
		if got.After != nil {
			after = got.After.End
		}
		if !ok || status != test.want || after != test.after || got.Hello != "d" || len(got.Certificates) != 1 {
			t.Errorf("%s: %q, after %q", name, status, after)
		}
	}
}

// A handshake of another protocol has no letter and no stimulus.
func TestHandshake(t *testing.T) {
	h := NewHandshake("a.example")
	_, sent := conversationtest.Play(h, said(records(hello12, chain(1, 9), msg(14, nil))), nil)
	if got, ok := h.Answer(); !ok || got.Hello != "" || got.SNI != "a.example" || got.Status != record.OK || got.After != nil || len(got.Certificates) != 1 {
		t.Errorf("%v %+v", ok, got)
	}
	if want := padded(defaultKeys().build(helloS, "a.example")); !bytes.Equal(sent, want) {
		t.Errorf("sent %x", sent)
	}
}

// FuzzWatch: any hello, any answer, any order of events.
func FuzzWatch(f *testing.F) {
	k := testKeys(f)
	for _, letter := range letters() {
		f.Add(padded(k.build(letter, "a.example")), records(hello12, chain(1, 9), msg(14, nil)), []byte{2, 21, 2, 10}, 9)
	}
	f.Add(padded(k.build(helloB, "")), records(retryMessage), records(retryMessage), 0)
	f.Fuzz(func(t *testing.T, hello, first, second []byte, how int) {
		w, err := Watch(hello)
		if err != nil {
			return
		}
		for _, in := range [][]byte{first, second} {
			if len(in) > 0 {
				w.Feed(in)
			}
			for range how & 3 {
				w.Quiet()
			}
			how >>= 2
		}
		all := record.Statuses()
		w.End(all[(how&0xff)%len(all)])
		if got, _ := w.Answer(); len(got.Messages) > maxMessages || len(got.Alerts) > maxAlerts {
			t.Errorf("kept too much: %+v", got)
		}
	})
}
