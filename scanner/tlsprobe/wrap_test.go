package tlsprobe_test

import (
	"crypto/tls"
	"io"
	"net"
	"net/netip"
	"runtime"
	"strings"
	"testing"
	"testing/cryptotest"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/hostkin/hostkin/internal/livetest"
	"github.com/hostkin/hostkin/scanner/conversation"
	"github.com/hostkin/hostkin/scanner/conversation/conversationtest"
	"github.com/hostkin/hostkin/scanner/record"
	"github.com/hostkin/hostkin/scanner/tlsprobe"
)

// talk is an inner conversation that follows a script: it sends first, then
// does what do says until it has seen until.
type talk struct {
	first conversation.Step
	until string // then Done

	got    string
	events []string // what happened, byte counts apart
}

func (c *talk) Open() conversation.Step {
	c.events = append(c.events, "open")
	return c.first
}

func (c *talk) Feed(in []byte) conversation.Step {
	c.got += string(in)
	if c.until != "" && strings.HasSuffix(c.got, c.until) {
		return conversation.Step{Do: conversation.Done}
	}
	return conversation.Step{Gap: c.first.Gap}
}

func (c *talk) Quiet() conversation.Step {
	c.events = append(c.events, "quiet")
	return conversation.Step{Send: []byte("still there?\n")}
}

func (c *talk) End(why record.Status) record.Status {
	c.events = append(c.events, "end "+string(why))
	return why
}

// bytewise feeds a conversation byte by byte.
type bytewise struct{ conversation.Conversation }

func (b bytewise) Feed(in []byte) (all conversation.Step) {
	var sent []byte
	for i := range in {
		one := []byte{in[i]}
		s := b.Conversation.Feed(one)
		one[0] = 0xDB
		sent = append(sent, s.Send...)
		all.Gap = s.Gap
		if s.Do != conversation.More {
			all.Do = s.Do
		}
		if s.Do == conversation.Done {
			break
		}
	}
	all.Send = sent
	return all
}

// serve runs handle on each connection of a TLS server.
func serve(t *testing.T, config *tls.Config, handle func(*tls.Conn)) netip.AddrPort {
	t.Helper()
	cert, key := livetest.Certificate(t, "ec")
	pair, err := tls.LoadX509KeyPair(cert, key)
	if err != nil {
		t.Fatal(err)
	}
	config.Certificates = []tls.Certificate{pair}
	return livetest.Listen(t, "127.0.0.1:0", func(conn net.Conn) {
		conn.SetDeadline(time.Now().Add(5 * time.Second))
		handle(tls.Server(conn, config))
	})
}

// Each case is played whole and byte by byte, with every TLS version.
func TestWrap(t *testing.T) {
	long := strings.Repeat("0123456789abcdef", 5000) // several records
	for _, test := range []struct {
		name   string
		talk   talk
		handle func(*tls.Conn)
		got    string
		events []string
	}{
		{name: "answer, then done",
			talk:   talk{first: conversation.Step{Send: []byte("hello\n")}, until: "!"},
			handle: func(c *tls.Conn) { b := make([]byte, 6); io.ReadFull(c, b); io.WriteString(c, string(b)+long+"!") },
			got:    "hello\n" + long + "!", events: []string{"open", "end ok"}},
		{name: "server speaks first and closes",
			handle: func(c *tls.Conn) { io.WriteString(c, "banner"); c.Close() },
			got:    "banner", events: []string{"open", "end closed"}},
		{name: "server closes without close_notify",
			handle: func(c *tls.Conn) { io.WriteString(c, "banner"); c.NetConn().Close() },
			got:    "banner", events: []string{"open", "end closed"}},
		{name: "quiet, then an answer",
			talk: talk{first: conversation.Step{Gap: 50 * time.Millisecond}, until: "yes"},
			handle: func(c *tls.Conn) {
				b := make([]byte, 13)
				io.ReadFull(c, b)
				if string(b) == "still there?\n" {
					io.WriteString(c, "yes")
				}
			},
			got: "yes", events: []string{"open", "quiet", "end ok"}},
		{name: "half close",
			talk: talk{first: conversation.Step{Send: []byte("ask"), Do: conversation.HalfClose}},
			handle: func(c *tls.Conn) {
				b, err := io.ReadAll(c)
				if string(b) == "ask" && err == nil {
					io.WriteString(c, "told")
				}
				c.Close()
			},
			got: "told", events: []string{"open", "end closed"}},
		{name: "done at once",
			talk:   talk{first: conversation.Step{Send: []byte("bye"), Do: conversation.Done}},
			handle: func(c *tls.Conn) { io.ReadAll(c) },
			events: []string{"open", "end ok"}},
	} {
		t.Run(test.name, func(t *testing.T) {
			for version := uint16(tls.VersionTLS10); version <= tls.VersionTLS13; version++ {
				addr := serve(t, &tls.Config{MinVersion: version, MaxVersion: version}, test.handle)
				for name, cut := range map[string]func(conversation.Conversation) conversation.Conversation{
					"whole":        func(c conversation.Conversation) conversation.Conversation { return c },
					"byte by byte": func(c conversation.Conversation) conversation.Conversation { return bytewise{c} },
				} {
					inner := test.talk
					livetest.Drive(t, &conversation.Exchange{Addr: addr, Conv: cut(tlsprobe.Wrap(&inner, "name.example", nil))})
					if inner.got != test.got {
						t.Errorf("version %04x, %s: inner was fed %d bytes, want %d", version, name, len(inner.got), len(test.got))
					}
					if diff := cmp.Diff(test.events, inner.events); diff != "" {
						t.Errorf("version %04x, %s: -want +got\n%s", version, name, diff)
					}
				}
			}
		})
	}
}

func TestWrapSendsNameAndALPN(t *testing.T) {
	for _, name := range []string{"", "name.example"} {
		seen := make(chan tls.ClientHelloInfo, 1)
		addr := serve(t, &tls.Config{GetConfigForClient: func(h *tls.ClientHelloInfo) (*tls.Config, error) {
			seen <- *h
			return nil, nil
		}, NextProtos: []string{"h2"}}, func(c *tls.Conn) { io.WriteString(c, "!"); c.Close() })
		livetest.Drive(t, &conversation.Exchange{Addr: addr, Conv: tlsprobe.Wrap(&talk{}, name, []string{"h2"})})
		h := <-seen
		if h.ServerName != name || len(h.SupportedProtos) != 1 || h.SupportedProtos[0] != "h2" {
			t.Errorf("sent name %q and protocols %q", h.ServerName, h.SupportedProtos)
		}
		for _, id := range h.SupportedCurves {
			if id == tls.X25519MLKEM768 {
				t.Error("sent an ML-KEM key share")
			}
		}
	}
}

func TestWrapHandshakeFailures(t *testing.T) {
	hello := func(said string) conversationtest.Transcript {
		return conversationtest.Transcript{Turns: [][]byte{[]byte(said)}}
	}
	for name, test := range map[string]struct {
		said conversationtest.Transcript
		want record.Status
	}{
		"alert":             {hello("\x15\x03\x03\x00\x02\x02\x28"), record.Alert},
		"not TLS":           {hello("HTTP/1.1 400 Bad Request\r\n\r\n"), record.Malformed},
		"closed at once":    {conversationtest.Transcript{}, record.Closed},
		"reset at once":     {conversationtest.Transcript{Then: record.Reset}, record.Reset},
		"silence":           {conversationtest.Transcript{Then: record.Timeout}, record.Timeout},
		"closed in between": {hello("\x16\x03\x03\x00\x50\x02\x00"), record.Closed},
	} {
		t.Run(name, func(t *testing.T) {
			events, status := conversationtest.CheckCuts(t, test.said, func() (conversation.Conversation, func() []string) {
				cryptotest.SetGlobalRandom(t, 1) // equal hellos
				inner := &talk{}
				return tlsprobe.Wrap(inner, "", nil), func() []string { return inner.events }
			})
			if status != test.want || len(events) != 1 || events[0] != "end "+string(test.want) {
				t.Errorf("status %q, inner saw %q; want %q and never open", status, events, test.want)
			}
		})
	}
}

// FIN is asked for once, however often inner is fed after.
func TestWrapHalfClosesOnce(t *testing.T) {
	addr := serve(t, &tls.Config{}, func(c *tls.Conn) {
		io.ReadAll(c)
		for range 5 {
			io.WriteString(c, "piece")
			time.Sleep(time.Millisecond)
		}
		c.Close()
	})
	counted := &counter{Conversation: tlsprobe.Wrap(&talk{first: conversation.Step{Do: conversation.HalfClose}}, "", nil)}
	livetest.Drive(t, &conversation.Exchange{Addr: addr, Conv: bytewise{counted}})
	if counted.halfCloses != 1 {
		t.Errorf("%d half-closes", counted.halfCloses)
	}
}

type counter struct {
	conversation.Conversation
	halfCloses int
}

func (c *counter) Feed(in []byte) conversation.Step {
	s := c.Conversation.Feed(in)
	if s.Do == conversation.HalfClose {
		c.halfCloses++
	}
	return s
}

// A real server's answer, recorded under a fixed source of randomness and cut
// in every way.
func TestWrapCuts(t *testing.T) {
	cert, key := livetest.Certificate(t, "rsa")
	for _, version := range []string{"-tls1_2", "-tls1_3"} {
		addr := livetest.OpenSSL(t, cert, key, "-www", version)
		start := func() (conversation.Conversation, func() talk) {
			cryptotest.SetGlobalRandom(t, 1)
			inner := &talk{first: conversation.Step{Send: []byte("GET / HTTP/1.0\r\n\r\n")}}
			return tlsprobe.Wrap(inner, "", nil), func() talk { return *inner }
		}
		conv, _ := start()
		said := livetest.Drive(t, &conversation.Exchange{Addr: addr, Conv: conv})
		got, status := conversationtest.CheckCuts(t, said, func() (conversation.Conversation, func() string) {
			conv, result := start()
			return conv, func() string { return result().got }
		})
		if !strings.HasPrefix(got, "HTTP/1.0 200 ok") || status != record.Closed {
			t.Errorf("%s: status %q, inner got %.60q", version, status, got)
		}
	}
}

// End stops the coroutine at any moment.
func TestWrapLeaksNothing(t *testing.T) {
	before := runtime.NumGoroutine()
	for range 100 {
		w := tlsprobe.Wrap(&talk{}, "", nil)
		w.Open()
		if got := w.End(record.Timeout); got != record.Timeout {
			t.Fatalf("verdict %q", got)
		}
		unopened := &talk{}
		if got := tlsprobe.Wrap(unopened, "", nil).End(record.Refused); got != record.Refused || len(unopened.events) != 1 {
			t.Fatalf("verdict %q, inner saw %q", got, unopened.events)
		}
	}
	runtime.Gosched()
	if after := runtime.NumGoroutine(); after > before+2 {
		t.Errorf("%d goroutines before, %d after", before, after)
	}
}
