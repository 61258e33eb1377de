package main

import (
	"bytes"
	"path/filepath"
	"testing"

	"github.com/hostkin/hostkin/casefile"
	"github.com/hostkin/hostkin/internal/lab"
)

// BenchmarkCase scans the demo's town into a case and tells what an answering
// host costs in the log and in the table.
func BenchmarkCase(b *testing.B) {
	town, err := lab.Demo(1)
	if err != nil {
		b.Fatal(err)
	}
	defer town.Close()
	var logged, tabled float64
	for b.Loop() {
		dir := filepath.Join(b.TempDir(), "case")
		var out bytes.Buffer
		if code := Main(b.Context(), []string{"scan", town.Within, "--ports", town.Ports, "--rate", "0", "--case", dir}, nil, &out, &out); code != exitDone {
			b.Fatalf("exit code %d: %s", code, &out)
		}
		c, err := casefile.Open(dir)
		if err != nil {
			b.Fatal(err)
		}
		info, err := c.Info(b.Context(), func(f casefile.Fault) { b.Error(f) })
		if err != nil {
			b.Fatal(err)
		}
		hosts := float64(len(town.Truth))
		logged, tabled = float64(info.Passes[0].Bytes)/hosts, float64(info.TableBytes)/hosts
	}
	b.ReportMetric(logged, "log-B/host")
	b.ReportMetric(tabled, "table-B/host")
}
