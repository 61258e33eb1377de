package main

import (
	"bytes"
	"fmt"
	"io"
	"testing"

	"github.com/hostkin/hostkin/cluster"
	"github.com/hostkin/hostkin/fingerprints"
	"github.com/hostkin/hostkin/report"
)

// manyPrints is a scan of hosts with six fingerprints each, as lines.
func manyPrints(b *testing.B, hosts int) []byte {
	b.Helper()
	var out bytes.Buffer
	for h := range hosts {
		addr := fmt.Sprintf("10.%d.%d.%d", h>>16&255, h>>8&255, h&255)
		for port, f := range map[uint16]fingerprints.Fingerprint{
			22:   {Kind: "ssh.host_key", Value: fmt.Sprintf("SHA256:nFSbnFSVdnc/r/l2dX1DjBvjBp9y+EHz+MVj+%07d", h/3)},
			80:   {Kind: "http.header_order", Value: fmt.Sprintf("hhh:1:fcc8bf39937b50863a59c459e8c37ad29d2b2aca9d991a3314211cb5%04d", h%1000)},
			443:  {Kind: "jarm", Value: fmt.Sprintf("2ad2ad0002ad2ad22c42d42d00000061256d32ed7779c14686ad100544%04d", h%300)},
			8443: {Kind: "cert.issuer", Value: fmt.Sprintf("CN=R%d,O=Let's Encrypt,C=US", h%20)},
			8080: {Kind: "http.title", Value: fmt.Sprintf("Site of customer %d – willkommen", h/2)},
			2222: {Kind: "ssh.software", Value: "OpenSSH_9.6p1 Ubuntu-3ubuntu13.#"},
		} {
			f.Schema, f.Host, f.Port = fingerprints.Schema, addr, port
			if err := report.JSON(&out, f); err != nil {
				b.Fatal(err)
			}
		}
	}
	return out.Bytes()
}

// BenchmarkReadFingerprints reads lines and does nothing with them.
func BenchmarkReadFingerprints(b *testing.B) { benchmarkLines(b, func(line) {}) }

// BenchmarkIndexFingerprints gathers them, as cluster, explain and expand --from do.
func BenchmarkIndexFingerprints(b *testing.B) {
	table, err := cluster.Defaults()
	if err != nil {
		b.Fatal(err)
	}
	builder := cluster.NewBuilder(table)
	benchmarkLines(b, func(l line) { builder.Add(*l.fingerprint) })
}

func benchmarkLines(b *testing.B, use func(line)) {
	text := manyPrints(b, 20_000)
	b.SetBytes(int64(len(text)))
	n := 0
	for b.Loop() {
		for l := range quietApp(bytes.NewReader(text), io.Discard).newInput(nil).lines(b.Context()) {
			use(l)
			n++
		}
	}
	b.ReportMetric(float64(n)/b.Elapsed().Seconds(), "lines/s")
	b.ReportMetric(0, "ns/op")
}
