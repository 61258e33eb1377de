package scanner

import (
	"fmt"
	"io"
	"net"
	"net/netip"
	"os"
	"regexp"
	"runtime"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/hostkin/hostkin/internal/livetest"
	"github.com/hostkin/hostkin/scanner/conversation"
	"github.com/hostkin/hostkin/scanner/probes"
	"github.com/hostkin/hostkin/scanner/record"
	"github.com/hostkin/hostkin/scanner/targets"
	"github.com/hostkin/hostkin/scanner/transport"
)

// hostile are servers that do harm to a careless client, with the status that
// reading from them until the end must have.
func hostile() []struct {
	name   string
	status record.Status
	serve  func(c net.Conn)
} {
	spam := []byte(strings.Repeat("A", 4096))
	return []struct {
		name   string
		status record.Status
		serve  func(c net.Conn)
	}{
		{"tarpit", record.Timeout, func(c net.Conn) {
			for {
				if _, err := c.Write([]byte("S")); err != nil {
					return
				}
				c.SetReadDeadline(time.Now().Add(10 * time.Second))
				if _, err := c.Read(make([]byte, 1)); err == io.EOF {
					return
				}
			}
		}},
		{"endless banner", record.Truncated, func(c net.Conn) {
			for {
				if _, err := c.Write(spam); err != nil {
					return
				}
			}
		}},
		{"reset after accept", record.Reset, func(c net.Conn) { c.(*net.TCPConn).SetLinger(0) }},
		{"half-open", record.Timeout, untilClosed},
	}
}

// reader is a probe that reads until the end and keeps nothing.
type reader struct{ fake }

func (r reader) Start(at record.Endpoint, seen record.Answer) conversation.Run {
	return &readerRun{fakeRun{fake: fake{name: "read"}, to: at.AddrPort(), left: 1}}
}

type readerRun struct{ fakeRun }

func (r *readerRun) Next(x *conversation.Exchange) bool {
	if !r.fakeRun.Next(x) {
		return false
	}
	x.Conv = forgetful{}
	return true
}

func (r *readerRun) Ended(x *conversation.Exchange)    { r.status = x.Status }
func (r *readerRun) Fold(*record.Answer) record.Status { return r.status }
func (forgetful) Open() conversation.Step              { return conversation.Step{} }
func (forgetful) Feed([]byte) conversation.Step        { return conversation.Step{} }
func (forgetful) Quiet() conversation.Step             { return conversation.Step{} }
func (forgetful) End(why record.Status) record.Status  { return why }

type forgetful struct{}

// A thousand hostile hosts, 256 at once, by all probes: every connection ends
// within its deadline with the right status, in little memory.
func TestThousandHostileHosts(t *testing.T) {
	hosts, limit, timeout := 1000, uint64(200<<20), 1500*time.Millisecond
	if raceEnabled {
		hosts, limit, timeout = 100, 1<<30, 4*time.Second // the detector is slow and has memory of its own
	}
	kinds := hostile()
	var list []targets.Target
	kind := map[netip.Addr]int{}
	port := livetest.Listen(t, "127.91.0.1:0", kinds[0].serve).Port()
	kind[netip.MustParseAddr("127.91.0.1")] = 0
	for i := range hosts - 1 {
		ip := netip.AddrFrom4([4]byte{127, 91, byte(1 + i/250), byte(1 + i%250)})
		kind[ip] = i % len(kinds)
		livetest.Listen(t, netip.AddrPortFrom(ip, port).String(), kinds[i%len(kinds)].serve)
	}
	for ip := range kind {
		list = append(list, targets.Target{Host: record.Host{IP: ip}})
	}

	plan := Plan{Ports: []Port{{Number: port}}, Probes: probes.All(probes.Options{})}
	peak := watchMemory()
	tr := transport.New(transport.Config{PerHost: 4, Timeout: timeout, Bytes: 256 << 10})
	got, log, err := collected(t, t.Context(), Config{
		Transport: tr,
		Next: func(host targets.Target, seen []record.Observation) []Ask {
			if len(seen) == 0 {
				return []Ask{{port, reader{fake{name: "read"}}}}
			}
			if o := seen[len(seen)-1]; o.Probe == "read" {
				return []Ask{{port, detector{}}}
			}
			return plan.Next(host, seen)
		},
	}, func(yield func(targets.Target) bool) {
		for _, host := range list {
			if !yield(host) {
				return
			}
		}
	})
	heap, rss := peak()
	if err != nil || log != "" {
		t.Errorf("%v, log %s", err, log)
	}
	t.Logf("%d hosts, %d connections: peak heap %d MiB, RSS %d MiB", hosts, tr.Stats().Connections, heap>>20, rss>>20)
	if heap > limit || rss > limit {
		t.Errorf("heap %d, RSS %d; limit %d", heap, rss, limit)
	}

	count := map[string]int{}
	for _, o := range got {
		k := kinds[kind[o.Host.IP]]
		count[fmt.Sprintf("%s: %s %s", k.name, o.Probe, o.Status)]++
		if o.Probe == "read" && o.Status != k.status {
			t.Errorf("%s at %v: %q, want %q", k.name, o.Host.IP, o.Status, k.status)
		}
		if max := float64(o.Connections+1)*1000*timeout.Seconds() + 5000; o.Ms > max {
			t.Errorf("%s: %s took %v ms for %d connections", k.name, o.Probe, o.Ms, o.Connections)
		}
	}
	t.Log(count)
	for _, want := range []string{"half-open: read timeout", "half-open: http timeout", "tarpit: detect malformed", "endless banner: detect malformed", "reset after accept: http reset"} {
		if count[want] < hosts/8 {
			t.Errorf("%d of %q", count[want], want)
		}
	}
	if s := tr.Stats(); s.Open != 0 || s.Starved != 0 {
		t.Errorf("stats %+v", s)
	}
}

// watchMemory samples the heap and the resident set until the result is called.
func watchMemory() func() (heap, rss uint64) {
	runtime.GC()
	stop := make(chan struct{})
	var heap, rss uint64
	var done sync.WaitGroup
	done.Go(func() {
		for {
			var m runtime.MemStats
			runtime.ReadMemStats(&m)
			heap = max(heap, m.HeapSys-m.HeapReleased)
			rss = max(rss, resident())
			select {
			case <-stop:
				return
			case <-time.After(20 * time.Millisecond):
			}
		}
	})
	return func() (uint64, uint64) {
		close(stop)
		done.Wait()
		return heap, rss
	}
}

// resident is the memory of this process, 0 where there is no /proc.
func resident() uint64 {
	status, err := os.ReadFile("/proc/self/status")
	if err != nil {
		return 0
	}
	m := regexp.MustCompile(`(?m)^VmRSS:\s+(\d+) kB`).FindSubmatch(status)
	if m == nil {
		return 0
	}
	kb, _ := strconv.ParseUint(string(m[1]), 10, 64)
	return kb << 10
}
