package lab_test

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"net/netip"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/hostkin/hostkin/internal/lab"
	"github.com/hostkin/hostkin/scanner"
	"github.com/hostkin/hostkin/scanner/conversation"
	"github.com/hostkin/hostkin/scanner/probes"
	"github.com/hostkin/hostkin/scanner/record"
	"github.com/hostkin/hostkin/scanner/targets"
	"github.com/hostkin/hostkin/scanner/transport"
)

const (
	brief     = 2 * time.Second // of a connection to a host that keeps silent
	patience  = time.Minute     // of the others: they end it, however busy the machine, or the probe is stuck
	maxMemory = 200 << 20
)

// size is how many hosts are scanned by how many workers. The race detector
// makes everything ten times as slow.
func size() (hosts, workers int) {
	if raceEnabled {
		return 200, 32
	}
	return 1000, 256
}

// figures is what the scanning process says of itself.
type figures struct {
	Resident uint64 // VmHWM, bytes: the most that it ever had
	Runtime  uint64 // MemStats.Sys, bytes: without the race detector's own, never shrinks
	Stats    transport.Stats
}

// TestHostileScan scans a thousand hostile hosts with all probes, in a process
// of its own so that its memory is the scanner's alone.
func TestHostileScan(t *testing.T) {
	if runtime.GOOS != "linux" {
		t.Skip("only Linux has all of 127.0.0.0/8")
	}
	if file := os.Getenv("HOSTKIN_TEST_SCAN"); file != "" {
		scanInto(t, file)
		return
	}
	if testing.Short() {
		t.Skip("takes half a minute")
	}
	hosts, _ := size()
	town, err := lab.StartHostile(hosts)
	if err != nil {
		t.Fatal(err)
	}
	defer town.Close()
	seen, cost := scanInAnotherProcess(t, town)
	if len(seen) != hosts {
		t.Errorf("%d of %d hosts were observed", len(seen), hosts)
	}
	wrong := map[question]map[record.Status]int{}
	for at, kind := range town.Kinds {
		judge(t, kind, seen[at], wrong)
	}
	for q, c := range wrong {
		for status, n := range c {
			t.Errorf("%s: %s on %d ended as %s (%d hosts)", q.kind, q.probe, q.port, status, n)
		}
	}
	t.Logf("peak memory %d MB (runtime %d MB), %d connections, %d MB received, statuses %v",
		cost.Resident>>20, cost.Runtime>>20, cost.Stats.Connections, cost.Stats.Received>>20, cost.Stats.ByStatus)
	if cost.Runtime > maxMemory || cost.Resident > maxMemory && !raceEnabled {
		t.Errorf("peak memory %d MB, of that the Go runtime's %d MB", cost.Resident>>20, cost.Runtime>>20)
	}
	if limit := cost.Stats.Connections * (transport.DefaultBytes + 1); cost.Stats.Received > limit {
		t.Errorf("%d bytes received over %d connections", cost.Stats.Received, cost.Stats.Connections)
	}
	if cost.Stats.Open != 0 || cost.Stats.Starved != 0 {
		t.Errorf("connections left open or not made: %+v", cost.Stats)
	}
}

type question struct {
	kind, probe string
	port        uint16
}

// judge compares what was seen of one host with what its kind does, and counts
// what is wrong.
func judge(t *testing.T, kind string, seen []record.Observation, wrong map[question]map[record.Status]int) {
	asked := map[string]bool{}
	overTLS := slices.ContainsFunc(seen, func(o record.Observation) bool { return o.Probe == "tls" && o.Status == record.OK })
	for _, o := range seen {
		asked[o.Probe] = true
		want := expected()[kind].of(o.Probe, o.Port, overTLS)
		switch {
		case slices.Contains(want, o.Status):
		case want == nil && o.Status != record.OK && o.Status != record.Timeout:
		case mute(kind) && o.Status == record.Timeout:
		default:
			q := question{kind, o.Probe, o.Port}
			if wrong[q] == nil {
				wrong[q] = map[record.Status]int{}
			}
			wrong[q][o.Status]++
		}
	}
	for _, probe := range []string{"tcp", "ssh", "tls", "http"} {
		if !asked[probe] {
			t.Errorf("%s: %s was not asked", kind, probe)
		}
	}
}

// ends lists how the probes may end at a kind of server, on the port of their
// own protocol. jarm and tls differ where a ServerHello is enough for one.
type ends struct{ ssh, tls, jarm, http []record.Status }

// expected is the truth about the hostile servers. More than one status is
// right where it depends on which packet is faster.
func expected() map[string]ends {
	type s = []record.Status
	const (
		ok, silent, broken, cut = record.OK, record.Timeout, record.Malformed, record.Truncated
		closed, reset, alert    = record.Closed, record.Reset, record.Alert
	)
	gone := s{closed, reset}
	// Who waits for the client says something else to the banner that an SSH
	// client sends in the end.
	deaf := s{broken}
	http := func(how ...record.Status) ends { return ends{deaf, s{ok}, s{ok}, how} }
	mail := ends{s{broken}, s{broken}, s{broken}, s{broken}}
	return map[string]ends{
		"endless line of a greeting":          mail,
		"endless lines of a greeting":         mail,
		"endless list after a greeting":       mail,
		"text instead of TLS":                 mail,
		"upgrade and silence":                 mail,
		"tarpit":                              {s{silent}, s{silent}, s{silent}, s{silent}},
		"half-open":                           {s{silent}, s{silent}, s{silent}, s{silent}},
		"reset after accept":                  {s{reset}, s{reset}, s{reset}, s{reset}},
		"close after accept":                  {gone, gone, gone, gone},
		"garbage":                             {s{broken}, s{broken}, s{broken}, s{broken}},
		"endless banner":                      {s{broken, cut}, s{broken}, s{broken}, s{broken}},
		"endless lines before the banner":     {s{broken, cut}, s{broken}, s{broken}, s{broken}},
		"endless SSH packet":                  {s{broken}, s{broken}, s{broken}, s{broken}},
		"endless KEXINIT list":                {s{broken}, s{broken}, s{broken}, s{broken}},
		"endless header":                      http(cut),
		"endless header line":                 http(cut, broken),
		"endless body":                        http(ok, cut),
		"endless chunks":                      http(ok, cut),
		"a chunk of 2^64-1 bytes":             http(broken, cut),
		"endless 100 Continue":                http(broken, cut),
		"gzip bomb":                           http(ok, cut),
		"2 GiB of TLS records":                {deaf, s{cut}, s{ok}, s{broken}},
		"endless alerts":                      {deaf, s{broken, alert}, s{alert}, s{broken}},
		"endless empty records":               {deaf, s{broken, cut}, s{broken, cut}, s{broken}},
		"record longer than TLS allows":       {deaf, s{broken}, s{broken}, s{broken}},
		"record shorter than its message":     {deaf, s{broken}, s{broken}, s{broken}},
		"message longer than its record":      {deaf, s{silent, broken}, s{silent, broken}, s{broken}},
		"lengths that lie within ServerHello": {deaf, s{broken}, s{broken}, s{broken}},
		"a chain of a thousand certificates":  {deaf, s{ok, cut}, s{ok}, s{broken}},
	}
}

// mute says whether some client waits in vain for a kind of server. What such
// a host does say may come too late, so that a timeout is always right.
func mute(kind string) bool {
	return slices.Contains([]string{"tarpit", "half-open", "upgrade and silence", "message longer than its record"}, kind)
}

// of is how a probe may end on a port; nil says that anything but ok and a
// timeout is right, because the port is another protocol's.
func (e ends) of(probe string, port uint16, overTLS bool) []record.Status {
	switch {
	case probe == "tcp":
		return []record.Status{record.OK}
	case probe == "ssh" && port == 10022:
		return e.ssh
	case probe == "tls" && port == 10443:
		return e.tls
	case probe == "jarm" && port == 10443:
		return e.jarm
	case probe == "http" && (port == 10080 || port == 10443 && overTLS):
		return e.http
	}
	return nil
}

// scanInAnotherProcess runs this test binary as the scanner.
func scanInAnotherProcess(t *testing.T, town *lab.HostileTown) (map[netip.Addr][]record.Observation, figures) {
	t.Helper()
	file := filepath.Join(t.TempDir(), "observations")
	cmd := exec.CommandContext(t.Context(), os.Args[0], "-test.run=^TestHostileScan$", "-test.v")
	var quiet []string
	for at, kind := range town.Kinds {
		if mute(kind) {
			quiet = append(quiet, at.String())
		}
	}
	cmd.Env = append(os.Environ(), "HOSTKIN_TEST_SCAN="+file, "HOSTKIN_TEST_WITHIN="+town.Within, "HOSTKIN_TEST_PORTS="+town.Ports,
		"HOSTKIN_TEST_SILENT="+strings.Join(quiet, " "))
	if out, err := cmd.CombinedOutput(); err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	content, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	seen := map[netip.Addr][]record.Observation{}
	var cost figures
	for line := range bytes.Lines(content) {
		if after, ok := bytes.CutPrefix(line, []byte("figures ")); ok {
			if err := json.Unmarshal(after, &cost); err != nil {
				t.Fatal(err)
			}
			continue
		}
		var o record.Observation
		if err := json.Unmarshal(line, &o); err != nil {
			t.Fatal(err)
		}
		if _, ok := town.Kinds[o.Host.IP]; ok {
			seen[o.Host.IP] = append(seen[o.Host.IP], o)
		}
	}
	if cost.Resident == 0 {
		t.Fatal("the scanner gave no figures")
	}
	return seen, cost
}

// hasty does not wait long for silent hosts.
type hasty struct {
	conversation.Transport
	mute []string // addresses
}

func (h hasty) Go(ctx context.Context, x *conversation.Exchange) {
	if slices.Contains(h.mute, x.Addr.Addr().Unmap().String()) {
		x.Limits.Timeout = brief
	}
	h.Transport.Go(ctx, x)
}

// scanInto is the scanner.
func scanInto(t *testing.T, file string) {
	out, err := os.Create(file)
	if err != nil {
		t.Fatal(err)
	}
	defer out.Close()
	buffered := bufio.NewWriter(out)
	lines := json.NewEncoder(buffered)
	set, err := targets.Parse(targets.Source{Args: []string{os.Getenv("HOSTKIN_TEST_WITHIN")}}, targets.Source{}, targets.Options{})
	if err != nil {
		t.Fatal(err)
	}
	ports, err := scanner.ParsePorts(os.Getenv("HOSTKIN_TEST_PORTS"))
	if err != nil {
		t.Fatal(err)
	}
	network := transport.New(transport.Config{Rate: 500, PerHost: 4, Timeout: patience, Guard: set.Allowed})
	plan := scanner.Plan{Ports: ports, Probes: probes.All(probes.Options{})}
	_, workers := size()
	err = scanner.Run(t.Context(), scanner.Config{
		Transport: hasty{network, strings.Fields(os.Getenv("HOSTKIN_TEST_SILENT"))},
		Next:      plan.Next,
		Workers:   workers,
		Emit: func(o record.Observation) {
			if err := lines.Encode(o); err != nil {
				t.Error(err)
			}
		},
	}, set.All(1))
	if err != nil {
		t.Error(err)
	}
	var memory runtime.MemStats
	runtime.ReadMemStats(&memory)
	cost, err := json.Marshal(figures{Resident: peakMemory(t), Runtime: memory.Sys, Stats: network.Stats()})
	if err != nil {
		t.Fatal(err)
	}
	fmt.Fprintf(buffered, "figures %s\n", cost)
	if err := buffered.Flush(); err != nil {
		t.Error(err)
	}
}

// peakMemory is the largest resident set that this process has had.
func peakMemory(t *testing.T) uint64 {
	t.Helper()
	status, err := os.ReadFile("/proc/self/status")
	if err != nil {
		t.Fatal(err)
	}
	for line := range strings.Lines(string(status)) {
		if fields := strings.Fields(line); len(fields) == 3 && fields[0] == "VmHWM:" {
			kilobytes, err := strconv.ParseUint(fields[1], 10, 64)
			if err != nil {
				t.Fatal(err)
			}
			return kilobytes << 10
		}
	}
	t.Fatal("no VmHWM")
	return 0
}
