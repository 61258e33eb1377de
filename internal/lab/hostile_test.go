package lab

import (
	"bytes"
	"compress/gzip"
	"crypto/tls"
	"errors"
	"io"
	"net"
	"net/netip"
	"runtime"
	"strings"
	"testing"
	"time"
)

// prompts is what a client of each protocol says first.
func prompts() map[string]string {
	hello := "\x16\x03\x01\x00\x04\x01\x00\x00\x00" // enough for those that do not read it
	return map[string]string{"ssh": "SSH-2.0-test\r\n", "tls": hello, "http": "GET / HTTP/1.1\r\nHost: x\r\n\r\n", "": ""}
}

func TestHostileServersEndWithTheirClientAndOnClose(t *testing.T) {
	kinds, err := Hostile()
	if err != nil {
		t.Fatal(err)
	}
	before := runtime.NumGoroutine()
	for _, kind := range kinds {
		l, err := kind.Listen(netip.MustParseAddrPort("127.0.0.1:0"))
		if err != nil {
			t.Fatal(err)
		}
		var stay []net.Conn
		for protocol, prompt := range prompts() {
			for range 2 {
				conn, err := net.Dial("tcp", l.Addr.String())
				if isReset(err) {
					continue // it came with the handshake
				}
				if err != nil {
					t.Fatal(err)
				}
				_, _ = io.WriteString(conn, prompt) // some have gone already
				_ = conn.SetReadDeadline(time.Now().Add(10 * time.Millisecond))
				_, _ = conn.Read(make([]byte, 1))
				stay = append(stay, conn)
				if protocol != "" {
					conn.Close()
				}
			}
		}
		done := make(chan error, 1)
		go func() { done <- l.Close() }()
		select {
		case err := <-done:
			if err != nil {
				t.Errorf("%s: %v", kind.Name, err)
			}
		case <-time.After(stuck):
			t.Fatalf("%s: Close hangs", kind.Name)
		}
		for _, conn := range stay {
			conn.Close()
		}
	}
	nothingRuns(t, before)
}

// stuck is longer than anything takes on the busiest machine: only a fault is
// waited for so long.
const stuck = time.Minute

// nothingRuns waits until there are no more goroutines than before.
func nothingRuns(t *testing.T, before int) {
	t.Helper()
	for end := time.Now().Add(stuck); runtime.NumGoroutine() > before && time.Now().Before(end); {
		time.Sleep(time.Millisecond)
	}
	if after := runtime.NumGoroutine(); after > before {
		t.Errorf("%d goroutines before, %d after", before, after)
	}
}

// ask connects to the named kind, says prompt, and returns the first limit
// bytes that come. silence: after least bytes it does not wait long for more.
// The error is what ended it.
func ask(t *testing.T, kinds []HostileServer, name, prompt string, least, limit int64, silence bool, wrap func(net.Conn) net.Conn) ([]byte, error) {
	t.Helper()
	for _, kind := range kinds {
		if kind.Name != name {
			continue
		}
		l, err := kind.Listen(netip.MustParseAddrPort("127.0.0.1:0"))
		if err != nil {
			t.Fatal(err)
		}
		defer l.Close()
		conn, err := net.Dial("tcp", l.Addr.String())
		if isReset(err) {
			return nil, err
		}
		if err != nil {
			t.Fatal(err)
		}
		defer conn.Close()
		_ = conn.SetDeadline(time.Now().Add(stuck))
		if wrap != nil {
			conn = wrap(conn)
		}
		_, _ = io.WriteString(conn, prompt)
		var b bytes.Buffer
		if _, err := io.CopyN(&b, conn, least); err != nil {
			return b.Bytes(), err
		}
		if silence {
			_ = conn.SetDeadline(time.Now().Add(100 * time.Millisecond))
		}
		_, err = io.Copy(&b, io.LimitReader(conn, limit-least))
		return b.Bytes(), err
	}
	t.Fatalf("no hostile server is called %q", name)
	return nil, nil
}

func TestHostileServersDoWhatTheySay(t *testing.T) {
	kinds, err := Hostile()
	if err != nil {
		t.Fatal(err)
	}
	overTLS := func(c net.Conn) net.Conn { return tls.Client(c, &tls.Config{InsecureSkipVerify: true}) }
	p := prompts()
	const cap = 4 << 20
	for _, c := range []struct {
		name, prompt string
		wrap         func(net.Conn) net.Conn
		begins       string
		bytes        int64 // at least; 0: none at all
		silence      bool  // ends in our deadline
	}{
		{"tarpit", p["ssh"], nil, "", 0, true},
		{"half-open", p["http"], nil, "", 0, true},
		{"close after accept", "", nil, "", 0, false},
		{"garbage", "", nil, "", 64 << 10, true},
		{"endless banner", "", nil, "SSH-2.0-AAAA", cap, false},
		{"endless lines before the banner", "", nil, "not yet\r\n", cap, false},
		{"endless SSH packet", "", nil, "SSH-2.0-OpenSSH_9.2p1\r\n\xff\xff\xff\xff", cap, false},
		{"endless header", p["http"], nil, "HTTP/1.1 200 OK\r\nX-Filler", cap, false},
		{"endless header", p["http"], overTLS, "HTTP/1.1 200 OK\r\nX-Filler", cap, false},
		{"endless body", p["http"], overTLS, "HTTP/1.1 200 OK\r\n", cap, false},
		{"gzip bomb", p["http"], nil, "HTTP/1.1 200 OK\r\n", cap, false},
		{"2 GiB of TLS records", p["tls"], nil, "\x16\x03\x03\x00\x2a\x02\x00\x00\x26\x03\x03", cap, false},
		{"endless empty records", p["tls"], nil, "\x16\x03\x03\x00\x00\x16", cap, false},
		{"record longer than TLS allows", p["tls"], nil, "\x16\x03\x03\xff\xff", cap, false},
	} {
		got, err := ask(t, kinds, c.name, c.prompt, c.bytes, cap, c.silence, c.wrap)
		if !strings.HasPrefix(string(got), c.begins) || int64(len(got)) < c.bytes || c.bytes == 0 && len(got) > 0 {
			t.Errorf("%s: %d bytes that begin with %q", c.name, len(got), got[:min(len(got), 40)])
		}
		if isTimeout(err) != c.silence {
			t.Errorf("%s: ended with %v", c.name, err)
		}
	}
	if _, err := ask(t, kinds, "reset after accept", "", 0, 1, false, nil); !isReset(err) {
		t.Errorf("reset after accept: %v", err)
	}
	ask(t, kinds, "a chain of a thousand certificates", "", 0, 1, false, func(c net.Conn) net.Conn {
		client := tls.Client(c, &tls.Config{InsecureSkipVerify: true})
		// crypto/tls itself gives up over such a message; that is the point.
		if err := client.Handshake(); err == nil || !strings.Contains(err.Error(), "exceeds maximum") {
			t.Errorf("crypto/tls says %v", err)
		}
		return c
	})
}

func isReset(err error) bool {
	var fault *net.OpError
	return errors.As(err, &fault) && strings.Contains(err.Error(), "reset")
}

func TestGzipBombIsOne(t *testing.T) {
	bomb, err := gzipBomb()
	if err != nil {
		t.Fatal(err)
	}
	r, err := gzip.NewReader(bytes.NewReader(bomb))
	if err != nil {
		t.Fatal(err)
	}
	if n, err := io.Copy(io.Discard, io.LimitReader(r, 64<<20)); n != 64<<20 {
		t.Errorf("unpacks to %d bytes: %v", n, err)
	}
	if len(bomb) != 10<<20 {
		t.Errorf("%d bytes, Content-Length says 10485760", len(bomb))
	}
}
