package lab

import (
	"bytes"
	"compress/gzip"
	"crypto/elliptic"
	"crypto/tls"
	"io"
	"math/rand/v2"
	"net"
	"strings"
	"time"
)

// HostileServer is a server that does harm to a careless client.
type HostileServer struct {
	Name string
	// Serve talks to one client until the client is gone or the connection is
	// closed by somebody else.
	Serve func(net.Conn)
}

const tarpitPause = 10 * time.Second

// Hostile lists all kinds. Those of HTTP speak TLS as well when the client
// begins with a ClientHello.
func Hostile() ([]HostileServer, error) {
	hostile := source{0x405711e}
	key := hostile.ecdsa("hostile", elliptic.P256())
	cert, err := (*authority)(nil).issue(hostile.snakeOil("hostile.example"), key)
	if err != nil {
		return nil, err
	}
	bomb, err := gzipBomb()
	if err != nil {
		return nil, err
	}
	overTLS := func(inner func(net.Conn)) func(net.Conn) { return maybeTLS(cert, inner) }
	return append(hostileMail(), []HostileServer{
		{"tarpit", tarpit},
		{"half-open", discard},
		{"reset after accept", resetAtOnce},
		{"close after accept", func(net.Conn) {}},
		{"garbage", garbage},
		{"endless banner", endless("SSH-2.0-", strings.Repeat("A", 4096))},
		{"endless lines before the banner", endless("", strings.Repeat("not yet\r\n", 500))},
		{"endless SSH packet", sshPacket("\xff\xff\xff\xff")},
		{"endless KEXINIT list", sshPacket("\x00\x00\x80\x00\x08\x14" + strings.Repeat("\x00", 16) + "\x7f\xff\xff\xff")},
		{"endless header", overTLS(afterRequest(endless("HTTP/1.1 200 OK\r\n", strings.Repeat("X-Filler: aaaaaaaaaaaaaaaa\r\n", 200))))},
		{"endless header line", overTLS(afterRequest(endless("HTTP/1.1 200 OK\r\nServer: ", strings.Repeat("x", 4096))))},
		{"endless body", overTLS(afterRequest(endless("HTTP/1.1 200 OK\r\nContent-Type: text/html\r\n\r\n<title>", strings.Repeat("y", 4096))))},
		{"endless chunks", overTLS(afterRequest(endless("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n", strings.Repeat("1\r\nz\r\n", 800))))},
		{"a chunk of 2^64-1 bytes", overTLS(afterRequest(endless("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nffffffffffffffff\r\n", strings.Repeat("z", 4096))))},
		{"endless 100 Continue", overTLS(afterRequest(endless("", strings.Repeat("HTTP/1.1 100 Continue\r\n\r\n", 200))))},
		{"gzip bomb", overTLS(afterRequest(once("HTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\nContent-Length: 10485760\r\n\r\n", bomb)))},
		{"2 GiB of TLS records", afterHello(twoGiB)},
		{"endless alerts", afterHello(endless("", strings.Repeat("\x15\x03\x03\x00\x02\x01\x5a", 500)))},
		{"endless empty records", afterHello(endless("", strings.Repeat("\x16\x03\x03\x00\x00", 800)))},
		{"record longer than TLS allows", afterHello(endless("\x16\x03\x03\xff\xff\x02\x00\xff\xfb\x03\x03", strings.Repeat("r", 4096)))},
		{"record shorter than its message", afterHello(once("\x16\x03\x03\x00\x04\x02\x00\x00\x00\x03\x03", []byte(strings.Repeat("s", 64))))},
		{"message longer than its record", afterHello(once(string(record(22, []byte{2, 0xff, 0xff, 0xff, 3, 3})), nil))},
		{"lengths that lie within ServerHello", afterHello(once(string(lyingHello()), nil))},
		{"a chain of a thousand certificates", afterHello(once(string(longChain(cert.Certificate[0], 1000)), nil))},
	}...), nil
}

// discard reads and answers nothing.
func discard(c net.Conn) { _, _ = io.Copy(io.Discard, c) }

// tarpit sends one byte of a banner every ten seconds.
func tarpit(c net.Conn) {
	for i := 0; ; i++ {
		if c.SetReadDeadline(time.Now().Add(tarpitPause)) != nil {
			return
		}
		if _, err := io.Copy(io.Discard, c); !isTimeout(err) { // the client is gone
			return
		}
		if _, err := c.Write([]byte{"SSH-2.0-OpenSSH_9.2p1 "[i%22]}); err != nil {
			return
		}
	}
}

func isTimeout(err error) bool {
	fault, ok := err.(net.Error)
	return ok && fault.Timeout()
}

func resetAtOnce(c net.Conn) {
	if t, ok := c.(*net.TCPConn); ok {
		_ = t.SetLinger(0)
	}
}

// garbage is 64 KiB of noise, the same every time, and the end.
func garbage(c net.Conn) {
	noise := make([]byte, 64<<10)
	_, _ = io.ReadFull(rand.NewChaCha8([32]byte{'g'}), noise)
	_, _ = c.Write(noise)
	_ = c.SetReadDeadline(time.Now().Add(idle))
	_, _ = io.Copy(io.Discard, c)
}

// endless sends start and then again and again more. The kernel's buffer is
// kept small: it is filled for every client, read or not.
func endless(start, more string) func(net.Conn) {
	return func(c net.Conn) {
		if t, ok := c.(*net.TCPConn); ok {
			_ = t.SetWriteBuffer(16 << 10)
		}
		if _, err := io.WriteString(c, start); err != nil {
			return
		}
		for {
			if _, err := io.WriteString(c, more); err != nil {
				return
			}
		}
	}
}

// once sends start and more and then waits for the client to go.
func once(start string, more []byte) func(net.Conn) {
	return func(c net.Conn) {
		if _, err := io.WriteString(c, start); err != nil {
			return
		}
		if _, err := c.Write(more); err == nil {
			discard(c)
		}
	}
}

// sshPacket sends a good banner and a packet that begins with start and never
// ends (RFC 4253 section 6).
func sshPacket(start string) func(net.Conn) {
	return endless("SSH-2.0-OpenSSH_9.2p1\r\n"+start, strings.Repeat("\x00aaaaaaa", 512))
}

// afterRequest waits for the empty line of a request, or for anything that
// looks like the client having said all.
func afterRequest(then func(net.Conn)) func(net.Conn) {
	return func(c net.Conn) {
		if c.SetReadDeadline(time.Now().Add(idle)) != nil {
			return
		}
		var head []byte
		b := make([]byte, 4096)
		for len(head) < maxLine && !bytes.Contains(head, []byte("\r\n\r\n")) && !bytes.HasPrefix(head, []byte("SSH-")) && !bytes.HasPrefix(head, []byte{22}) {
			n, err := c.Read(b)
			if err != nil {
				return
			}
			head = append(head, b[:n]...)
		}
		then(c)
	}
}

// afterHello waits for the first bytes of the client.
func afterHello(then func(net.Conn)) func(net.Conn) {
	return func(c net.Conn) {
		if c.SetReadDeadline(time.Now().Add(idle)) != nil {
			return
		}
		if _, err := c.Read(make([]byte, 4096)); err == nil {
			then(c)
		}
	}
}

// maybeTLS serves inner over TLS to a client that begins with a ClientHello.
// Clients that wait for the server to begin wait in vain.
func maybeTLS(cert tls.Certificate, inner func(net.Conn)) func(net.Conn) {
	config := &tls.Config{Certificates: []tls.Certificate{cert}, MinVersion: tls.VersionTLS12}
	return func(c net.Conn) {
		first := make([]byte, 1)
		if c.SetDeadline(time.Now().Add(idle)) != nil {
			return
		}
		if _, err := io.ReadFull(c, first); err != nil {
			return
		}
		c = &unread{Conn: c, first: first}
		if first[0] == 22 {
			secure := tls.Server(c, config)
			if secure.Handshake() != nil {
				return
			}
			c = secure
		}
		if c.SetDeadline(time.Time{}) == nil {
			inner(c)
		}
	}
}

// unread is a connection with bytes put back.
type unread struct {
	net.Conn
	first []byte
}

func (u *unread) Read(b []byte) (int, error) {
	if len(u.first) > 0 {
		n := copy(b, u.first)
		u.first = u.first[n:]
		return n, nil
	}
	return u.Conn.Read(b)
}

// gzipBomb is 10 MiB that unpack to nearly 10 GiB of zeros: many members, as RFC 1952
// section 2.2 allows, and zeros up to the length.
func gzipBomb() ([]byte, error) {
	var member bytes.Buffer
	w, err := gzip.NewWriterLevel(&member, gzip.BestCompression)
	if err != nil {
		return nil, err
	}
	if _, err := w.Write(make([]byte, 1<<20)); err != nil {
		return nil, err
	}
	if err := w.Close(); err != nil {
		return nil, err
	}
	bomb := bytes.Repeat(member.Bytes(), (10<<20)/member.Len())
	return append(bomb, make([]byte, 10<<20-len(bomb))...), nil
}
