package main

import (
	"fmt"
	"io"
	"iter"
	"maps"
	"net/netip"
	"slices"
	"time"

	"github.com/hostkin/hostkin/report"
	"github.com/hostkin/hostkin/scanner"
	"github.com/hostkin/hostkin/scanner/probes"
	"github.com/hostkin/hostkin/scanner/targets"
	"github.com/hostkin/hostkin/scanner/transport"
)

// sampleSize is how many targets an estimate looks at one by one; the rest of
// a larger scan is taken to be like them.
const sampleSize = 1 << 17

// estimate is what a scan would cost.
type estimate struct {
	flags  *scanFlags
	probes []probes.Entry
	guess  bool // the ports are those of the seeds, not known yet: at least one a host

	hosts       uint64
	least, most float64                  // connections: nothing answers, everything answers
	nets        map[netip.Prefix]float64 // part of least in each network with a rate of its own
}

// add counts hosts, of which there are count, asked on ports.
func (e *estimate) add(hosts iter.Seq[targets.Target], count uint64, ports []scanner.Port) {
	if e.nets == nil {
		e.nets = map[netip.Prefix]float64{}
	}
	full := 0
	for _, p := range ports {
		full += e.cost(p)
	}
	var seen uint64
	var least, most float64
	for t := range hosts {
		if seen++; seen > sampleSize {
			seen = sampleSize
			break
		}
		few, many := len(ports)+len(t.Also), full+e.costs(t.Also)
		switch {
		case len(t.Ports) > 0:
			few, many = len(t.Ports), e.costs(t.Ports)
		case e.guess:
			few = 1 + len(t.Also)
		}
		least, most = least+float64(few), most+float64(many)
		if net, err := limitedNet(t.Host.IP); err == nil {
			e.nets[net] += float64(few)
		}
	}
	if seen > 0 {
		e.hosts += count
		e.least += least * float64(count) / float64(seen)
		e.most += most * float64(count) / float64(seen)
	}
}

// limitedNet is the network that --per-net slows down; loopback has none.
func limitedNet(ip netip.Addr) (netip.Prefix, error) {
	switch {
	case !ip.IsValid() || ip.IsLoopback():
		return netip.Prefix{}, fmt.Errorf("%s has no network", ip)
	case ip.Is4():
		return ip.Prefix(24)
	}
	return ip.Prefix(48)
}

// cost is the most connections that a port may take: every probe of what it is
// taken to speak, TLS with what stands behind it. Where nothing is usual, a
// look at what it speaks and then the dearest.
func (e *estimate) cost(p scanner.Port) int {
	sum := map[string]int{}
	for _, entry := range e.probes {
		sum[entry.Speaks] += entry.Cost
	}
	protocol, behind := p.Speaks()
	if protocol != "" {
		return sum[protocol] + sum[behind]
	}
	_, behind = scanner.Port{Number: p.Number, Hint: "tls"}.Speaks()
	sum["tls"] += sum[behind]
	return 1 + slices.Max(append(slices.Collect(maps.Values(sum)), 0))
}

func (e *estimate) costs(ports []uint16) (sum int) {
	for _, n := range ports {
		sum += e.cost(scanner.Port{Number: n})
	}
	return sum
}

// duration is the least time for so many connections within the rates, spread
// over the networks like the least ones.
func (e *estimate) duration(connections float64) time.Duration {
	var seconds float64
	if e.flags.rate > 0 {
		seconds = connections / e.flags.rate
	}
	if e.flags.perNet > 0 && e.least > 0 {
		for _, few := range e.nets {
			seconds = max(seconds, few*connections/e.least/e.flags.perNet)
		}
	}
	return time.Duration(min(seconds, 1e9) * float64(time.Second)).Round(time.Second / 10)
}

// silence is how long it takes when no host answers at all: each connection is
// given up as the transport does, so many at once to a host as it has ports or
// --per-host allows, and silent hosts hold no worker.
func (e *estimate) silence() time.Duration {
	hosts := float64(max(e.hosts, 1))
	each := max(e.least/hosts, 1)
	if e.flags.perHost > 0 {
		each = min(each, float64(e.flags.perHost))
	}
	atOnce := min(float64(e.flags.workers+e.flags.scouts()), hosts) * each
	patience := min(e.flags.timeout, transport.MostPatience).Seconds()
	waiting := time.Duration(min(e.least/atOnce*patience, 1e9) * float64(time.Second))
	return max(e.duration(e.least), waiting.Round(time.Second/10))
}

// write tells the estimate, as text or as one line of JSON ("dry-run/1").
func (e *estimate) write(w io.Writer, asJSON bool) error {
	quick, silent, full := e.duration(e.least), e.silence(), e.duration(e.most)
	slow := max(silent, full)
	if asJSON {
		type bounds struct {
			Least float64 `json:"least"`
			Most  float64 `json:"most"`
		}
		return report.JSON(w, struct {
			Schema      string `json:"schema"`
			Hosts       uint64 `json:"hosts"`
			Connections bounds `json:"connections"`
			Seconds     bounds `json:"seconds"`
			// Silent is for when no host answers; Seconds.Least, when all refuse.
			Silent float64 `json:"silent_seconds"`
		}{"dry-run/1", e.hosts, bounds{e.least, e.most}, bounds{quick.Seconds(), slow.Seconds()}, silent.Seconds()})
	}
	_, err := fmt.Fprintf(w, "hosts        %d\nconnections  %.0f if nothing answers, about %.0f if everything does\n"+
		"time         %v to %v at these limits: %v if all is refused, %v if all is silent, %v if everything answers at once\n"+
		"Nothing was sent.\n", e.hosts, e.least, e.most, quick, slow, quick, silent, full)
	return err
}
