// Command cost measures what a host costs: CPU of the scanner process and
// connections, for a full scan, for expand with and without pruning, and for a
// bare loop that only connects, writes, reads and closes. All of them run as
// processes of their own against the same town of real servers in one run.
//
//	go run ./internal/bench/cost -rounds 3
package main

import (
	"bytes"
	"context"
	"encoding/json"
	"flag"
	"fmt"
	"io"
	"net"
	"net/netip"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"text/tabwriter"
	"time"

	"github.com/hostkin/hostkin/internal/town"
)

func main() {
	if len(os.Args) > 1 && os.Args[1] == "bare" {
		bare(os.Args[2:])
		return
	}
	rounds := flag.Int("rounds", 3, "how often each job runs; the median counts")
	seed := flag.Uint64("seed", 1, "which town")
	flag.Parse()
	if err := measure(*seed, *rounds); err != nil {
		fmt.Fprintln(os.Stderr, "cost:", err)
		os.Exit(1)
	}
}

// bare makes n connections to each of the addresses: a request line out, one
// read, reset. It is the floor that any scanner over Go's net pays.
func bare(args []string) {
	n, _ := strconv.Atoi(args[0])
	request, answer := []byte("GET / HTTP/1.0\r\n\r\n"), make([]byte, 4096)
	for range n {
		for _, to := range args[1:] {
			c, err := net.DialTimeout("tcp", to, time.Second)
			if err != nil {
				continue
			}
			_ = c.(*net.TCPConn).SetLinger(0)
			_, _ = c.Write(request)
			_ = c.SetReadDeadline(time.Now().Add(time.Second))
			_, _ = c.Read(answer)
			c.Close()
		}
	}
}

// job is one command to measure; count tells how many connections and hosts
// its output speaks of.
type job struct {
	name  string
	args  []string
	count func(out []byte) (connections, hosts int)

	cpu               []time.Duration
	rss               int64 // KiB, the largest
	connections, host int
}

func measure(seed uint64, rounds int) error {
	dir, err := os.MkdirTemp("", "hostkin-cost-")
	if err != nil {
		return err
	}
	defer os.RemoveAll(dir)
	hostkin := filepath.Join(dir, "hostkin")
	if out, err := exec.Command("go", "build", "-o", hostkin, "./cmd/hostkin").CombinedOutput(); err != nil {
		return fmt.Errorf("build: %w: %s", err, out)
	}
	t, err := town.Start(context.Background(), town.Options{Seed: seed})
	if err != nil {
		return err
	}
	defer t.Close()
	self, err := os.Executable()
	if err != nil {
		return err
	}
	common := []string{"--ports", t.PortSpec, "--silent", "--rate", "0"}
	from := firstGolden(t)
	jobs := []*job{
		{name: "scan, every probe", args: append([]string{hostkin, "scan", "--full", t.Within}, common...), count: observations},
		{name: "expand --full", args: append([]string{hostkin, "expand", "--full", "--json", from.String(), "--within", t.Within}, common...), count: kin},
		{name: "expand, pruned", args: append([]string{hostkin, "expand", "--json", from.String(), "--within", t.Within}, common...), count: kin},
		{name: "bare loop", args: append([]string{self, "bare", "10"}, webServers(t)...), count: func([]byte) (int, int) {
			return 10 * len(webServers(t)), len(webServers(t))
		}},
	}
	for range rounds {
		for _, j := range jobs {
			if err := j.run(); err != nil {
				return err
			}
		}
	}
	report(jobs, len(t.Truth))
	return nil
}

func (j *job) run() error {
	cmd := exec.Command(j.args[0], j.args[1:]...)
	var out bytes.Buffer
	cmd.Stdout, cmd.Stderr = &out, os.Stderr
	if err := cmd.Run(); err != nil {
		return fmt.Errorf("%s: %w", j.name, err)
	}
	j.cpu = append(j.cpu, cmd.ProcessState.UserTime()+cmd.ProcessState.SystemTime())
	j.rss = max(j.rss, peak(cmd.ProcessState))
	j.connections, j.host = j.count(out.Bytes())
	return nil
}

func report(jobs []*job, hosts int) {
	fmt.Printf("town of %d real servers on loopback, median of %d rounds\n\n", hosts, len(jobs[0].cpu))
	w := tabwriter.NewWriter(os.Stdout, 0, 0, 2, ' ', 0)
	fmt.Fprintln(w, "job\thosts\tconnections/host\tCPU s/1000 hosts\tµs/connection\tx bare loop\tpeak MiB")
	perConnection := func(j *job) float64 {
		return float64(median(j.cpu).Microseconds()) / float64(max(1, j.connections))
	}
	floor := perConnection(jobs[len(jobs)-1])
	for _, j := range jobs {
		n := float64(max(1, j.host))
		fmt.Fprintf(w, "%s\t%d\t%.1f\t%.2f\t%.0f\t%.1f\t%d\n", j.name, j.host, float64(j.connections)/n,
			median(j.cpu).Seconds()/n*1000, perConnection(j), perConnection(j)/floor, j.rss/1024)
	}
	w.Flush()
}

func median(d []time.Duration) time.Duration {
	d = slices.Sorted(slices.Values(d))
	return d[len(d)/2]
}

// lines decodes JSON Lines one by one.
func lines[T any](out []byte, each func(T)) {
	d := json.NewDecoder(bytes.NewReader(out))
	for {
		var v T
		if err := d.Decode(&v); err == io.EOF {
			return
		} else if err != nil {
			fmt.Fprintln(os.Stderr, "cost: a line that does not decode:", err)
			return
		}
		each(v)
	}
}

func observations(out []byte) (connections, hosts int) {
	type line struct {
		Host        struct{ IP string }
		Status      string
		Connections int
	}
	alive := map[string]bool{}
	lines(out, func(l line) {
		connections += l.Connections
		if l.Status == "ok" {
			alive[l.Host.IP] = true
		}
	})
	return connections, len(alive)
}

func kin(out []byte) (connections, hosts int) {
	type line struct{ Probes struct{ Connections int } }
	lines(out, func(l line) {
		connections += l.Probes.Connections
		hosts++
	})
	return connections, hosts
}

func firstGolden(t *town.Town) netip.Addr {
	var golden []netip.Addr
	for a, role := range t.Truth {
		if role.Kind == town.Golden {
			golden = append(golden, a)
		}
	}
	return slices.MinFunc(golden, netip.Addr.Compare)
}

// webServers are the plain HTTP servers of the town.
func webServers(t *town.Town) []string {
	port := t.PortSpec[strings.LastIndex(t.PortSpec, ",")+1 : strings.LastIndex(t.PortSpec, "/")]
	var out []string
	for a := range t.Truth {
		to := net.JoinHostPort(a.String(), port)
		if c, err := net.DialTimeout("tcp", to, time.Second); err == nil {
			c.Close()
			out = append(out, to)
		}
	}
	slices.Sort(out)
	return out
}
