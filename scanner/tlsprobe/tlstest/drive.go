// Package tlstest helps the tests of the TLS probes: it drives a probe over a
// plain socket, starts real TLS servers on loopback, and reads and writes
// recorded answers.
package tlstest

import (
	"bytes"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"net"
	"net/netip"
	"os"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/hostkin/hostkin/scanner/conversation"
	"github.com/hostkin/hostkin/scanner/conversation/conversationtest"
	"github.com/hostkin/hostkin/scanner/record"
)

// Ask runs a probe on an endpoint, one connection after the other, and returns
// what it folded and what the server said on each connection.
func Ask(tb testing.TB, p conversation.Probe, at record.Endpoint, seen record.Answer) (record.Answer, record.Status, []conversationtest.Transcript) {
	tb.Helper()
	run := p.Start(at, seen)
	var said []conversationtest.Transcript
	for {
		var x conversation.Exchange
		if !run.Next(&x) {
			break
		}
		said = append(said, Drive(&x))
		run.Ended(&x)
	}
	var a record.Answer
	status := run.Fold(&a)
	return a, status, said
}

// Drive makes one connection. It is the least that a transport can be.
func Drive(x *conversation.Exchange) (said conversationtest.Transcript) {
	conn, err := net.DialTimeout("tcp", x.Addr.String(), 5*time.Second)
	if err != nil {
		x.Status = x.Conv.End(record.Refused)
		return said
	}
	defer conn.Close()
	x.Connected = true
	why := record.OK
	end := time.Now().Add(10 * time.Second)
	buf := make([]byte, 16<<10)
	turn := -1
	for step := x.Conv.Open(); ; {
		if len(step.Send) > 0 {
			conn.Write(step.Send) // a failure shows when reading
			turn++
			said.Turns = append(said.Turns, nil)
		}
		if step.Do == conversation.Done {
			break
		}
		if step.Do == conversation.HalfClose {
			conn.(*net.TCPConn).CloseWrite()
		}
		deadline := end
		if step.Gap > 0 && step.Gap < time.Until(end) {
			deadline = time.Now().Add(step.Gap)
		}
		conn.SetReadDeadline(deadline)
		n, err := conn.Read(buf)
		switch {
		case n > 0:
			said.Turns[max(turn, 0)] = append(said.Turns[max(turn, 0)], buf[:n]...)
			x.Received += int64(n)
			step = x.Conv.Feed(buf[:n])
			continue
		case errors.Is(err, os.ErrDeadlineExceeded) && deadline != end:
			step = x.Conv.Quiet()
			continue
		case errors.Is(err, os.ErrDeadlineExceeded):
			why = record.Timeout
		case errors.Is(err, io.EOF):
			why = record.Closed
		case errors.Is(err, syscall.ECONNRESET):
			why = record.Reset
		}
		break
	}
	if why != record.OK {
		said.Then = why
	}
	x.Status = x.Conv.End(why)
	return said
}

// Endpoint is a port of 127.0.0.1, with a name to send as SNI or "".
func Endpoint(addr netip.AddrPort, name string) record.Endpoint {
	return record.Endpoint{Host: record.Host{IP: addr.Addr(), Name: name}, Port: addr.Port()}
}

// Write stores the transcripts of the connections of one run, with a comment
// that says where they come from.
func Write(tb testing.TB, file, comment string, said []conversationtest.Transcript) {
	tb.Helper()
	var b bytes.Buffer
	fmt.Fprintf(&b, "# %s\n", comment)
	for _, t := range said {
		b.WriteString("connection " + string(t.Then) + "\n")
		for _, turn := range t.Turns {
			b.WriteString("turn " + hex.EncodeToString(turn) + "\n")
		}
	}
	if err := os.WriteFile(file, b.Bytes(), 0o644); err != nil {
		tb.Fatal(err)
	}
}

// Read loads what Write stored.
func Read(tb testing.TB, file string) (said []conversationtest.Transcript) {
	tb.Helper()
	b, err := os.ReadFile(file)
	if err != nil {
		tb.Fatal(err)
	}
	for line := range strings.Lines(string(b)) {
		word, value, _ := strings.Cut(strings.TrimSuffix(line, "\n"), " ")
		switch word {
		case "connection":
			said = append(said, conversationtest.Transcript{Then: record.Status(value)})
		case "turn":
			turn, err := hex.DecodeString(value)
			if err != nil || len(said) == 0 {
				tb.Fatalf("%s: bad line %.40q", file, line)
			}
			last := &said[len(said)-1]
			last.Turns = append(last.Turns, turn)
		}
	}
	return said
}
