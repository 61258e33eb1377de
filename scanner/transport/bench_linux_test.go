package transport_test

import (
	"bufio"
	"fmt"
	"io"
	"net"
	"net/netip"
	"os"
	"os/exec"
	"sync"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"github.com/hostkin/hostkin/scanner/conversation"
	"github.com/hostkin/hostkin/scanner/conversation/conversationtest"
	"github.com/hostkin/hostkin/scanner/transport"
)

// benchServer in the environment makes the test binary an echo server, so that
// its CPU time is not counted with the client's.
const benchServer = "HOSTKIN_BENCH_SERVER"

func TestMain(m *testing.M) {
	if os.Getenv(benchServer) != "" {
		serveBench()
		return
	}
	os.Exit(m.Run())
}

func serveBench() {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		fmt.Println(err)
		return
	}
	fmt.Println(l.Addr())
	go func() { // ends with the benchmark
		io.Copy(io.Discard, os.Stdin)
		l.Close()
	}()
	answer := make([]byte, 1200)
	for {
		c, err := l.Accept()
		if err != nil {
			return
		}
		go func() {
			defer c.Close()
			if _, err := c.Read(make([]byte, 1024)); err == nil {
				c.Write(answer)
				c.Read(answer[:1])
			}
		}()
	}
}

func startBench(b *testing.B) netip.AddrPort {
	b.Helper()
	c := exec.Command(os.Args[0])
	c.Env = append(os.Environ(), benchServer+"=1")
	in, err := c.StdinPipe()
	if err != nil {
		b.Fatal(err)
	}
	out, err := c.StdoutPipe()
	if err != nil {
		b.Fatal(err)
	}
	if err := c.Start(); err != nil {
		b.Fatal(err)
	}
	b.Cleanup(func() {
		in.Close()
		c.Wait()
	})
	line, _ := bufio.NewReader(out).ReadString('\n')
	to, err := netip.ParseAddrPort(line[:max(0, len(line)-1)])
	if err != nil {
		b.Fatalf("the server said %q", line)
	}
	return to
}

// cpu is the CPU time of this process, user and system.
func cpu() time.Duration {
	var u unix.Rusage
	_ = unix.Getrusage(unix.RUSAGE_SELF, &u)
	return time.Duration(u.Utime.Nano() + u.Stime.Nano())
}

// BenchmarkConnection compares one exchange (connect, 500 bytes there, 1,200
// back, close) with a bare loop that does the same over net and over its
// cheapest options. cpu-us/op is what counts; 64 are under way at once.
func BenchmarkConnection(b *testing.B) {
	to := startBench(b)
	hello := make([]byte, 500)
	for _, way := range []struct {
		name string
		one  func(end func())
	}{
		{"bare net", func(end func()) {
			go func() {
				defer end()
				c, err := net.Dial("tcp", to.String())
				if err != nil {
					b.Error(err)
					return
				}
				c.(*net.TCPConn).SetLinger(0)
				c.SetDeadline(time.Now().Add(5 * time.Second))
				c.Write(hello)
				c.Read(make([]byte, 4096))
				c.Close()
			}()
		}},
		{"transport", exchangeOver(b, transport.New(transport.Config{}), to, hello)},
		{"transport per host 64", exchangeOver(b, transport.New(transport.Config{PerHost: 64, Rate: 1e6}), to, hello)},
		{"transport over net", exchangeOver(b, transport.NewOverNet(transport.Config{}), to, hello)},
	} {
		b.Run(way.name, func(b *testing.B) {
			places := make(chan struct{}, 64)
			var all sync.WaitGroup
			b.ReportAllocs()
			begun := cpu()
			for b.Loop() {
				places <- struct{}{}
				all.Add(1)
				way.one(func() {
					<-places
					all.Done()
				})
			}
			all.Wait()
			b.ReportMetric(float64((cpu()-begun).Microseconds())/float64(b.N), "cpu-us/op")
		})
	}
}

func exchangeOver(b *testing.B, n *transport.Net, to netip.AddrPort, hello []byte) func(end func()) {
	ctx := b.Context()
	open := func() conversation.Step { return conversation.Step{Send: hello} }
	feed := func([]byte) conversation.Step { return conversation.Step{Do: conversation.Done} }
	return func(end func()) {
		n.Go(ctx, &conversation.Exchange{
			Addr:  to,
			Conv:  &conversationtest.Talk{OnOpen: open, OnFeed: feed},
			Ended: func(*conversation.Exchange) { end() },
		})
	}
}
