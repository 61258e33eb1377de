package main

import (
	"bytes"
	"encoding/json"
	"regexp"
	"runtime"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/hostkin/hostkin/cluster"
	"github.com/hostkin/hostkin/internal/lab"
)

func TestDemoFindsTheProviderInTime(t *testing.T) {
	if runtime.GOOS != "linux" {
		t.Skip("only Linux has all of 127.0.0.0/8")
	}
	start := time.Now()
	var stdout, stderr bytes.Buffer
	if code := Main(t.Context(), []string{"demo"}, nil, &stdout, &stderr); code != exitDone {
		t.Fatalf("exit code %d: %s", code, &stderr)
	}
	if took := time.Since(start); took > slowness*20*time.Second {
		t.Errorf("took %v", took)
	}
	text := stdout.String()
	for _, must := range []string{"rank  host", "same SSH host key", "simulated", "kin: drifted", "kin: re-keyed", "no kin: near miss", "no kin: cdn"} {
		if !strings.Contains(text, must) {
			t.Errorf("%q is missing", must)
		}
	}
	figure := regexp.MustCompile(`precision (\S+): .*\n +recall +(\S+):`).FindStringSubmatch(text)
	if figure == nil {
		t.Fatalf("no score:\n%s", text)
	}
	precision, _ := strconv.ParseFloat(figure[1], 64)
	recall, _ := strconv.ParseFloat(figure[2], 64)
	if precision < .97 || recall < .85 {
		t.Errorf("precision %v, recall %v:\n%s", precision, recall, text)
	}
	if t.Failed() {
		t.Logf("%s%s", text, &stderr)
	}
}

// TestExpandSavedAndLive also shows that expand of what a scan saved comes to
// the verdicts of a full expand over the network.
func TestExpandSavedAndLive(t *testing.T) {
	if runtime.GOOS != "linux" || testing.Short() {
		t.Skip("needs Linux and some seconds")
	}
	town, err := lab.Demo(3)
	if err != nil {
		t.Fatal(err)
	}
	defer town.Close()
	verdicts := func(stdin []byte, args ...string) map[string]cluster.Verdict {
		var stdout, stderr bytes.Buffer
		if code := Main(t.Context(), args, bytes.NewReader(stdin), &stdout, &stderr); code != exitDone {
			t.Fatalf("%v: exit code %d: %s", args, code, &stderr)
		}
		all := map[string]cluster.Verdict{}
		for line := range bytes.Lines(stdout.Bytes()) {
			var k cluster.Kin
			if err := json.Unmarshal(line, &k); err != nil || k.Schema != "kin/1" {
				t.Fatalf("%v: %s: %v", args, line, err)
			}
			all[k.Host] = k.Verdict
		}
		return all
	}
	seed := town.Seed.String()
	live := verdicts(nil, "expand", seed, "--within", town.Within, "--ports", town.Ports, "--full", "--json", "--rate", "0")
	var saved, stderr bytes.Buffer
	if code := Main(t.Context(), []string{"scan", town.Within, "--ports", town.Ports, "--rate", "0"}, nil, &saved, &stderr); code != exitDone {
		t.Fatalf("scan: exit code %d: %s", code, &stderr)
	}
	if diff := cmp.Diff(live, verdicts(saved.Bytes(), "expand", seed, "--json", "--from", "-")); diff != "" {
		t.Errorf("live and saved differ: %s", diff)
	}
	if live[seed] != "" {
		t.Error("the seed is among its kin")
	}
	kin := 0
	for _, v := range live {
		if v == cluster.VerdictKin {
			kin++
		}
	}
	if kin < 5 {
		t.Errorf("only %d kin", kin)
	}
}
