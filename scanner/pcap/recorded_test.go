package pcap

import (
	"bytes"
	"compress/gzip"
	"fmt"
	"io"
	"os"
	"slices"
	"strings"
	"testing"

	gocmp "github.com/google/go-cmp/cmp"

	"github.com/hostkin/hostkin/fingerprints"
	"github.com/hostkin/hostkin/internal/livetest"
	"github.com/hostkin/hostkin/scanner/record"
)

// recordedScan is testdata: a scan and the capture of it.
type recordedScan struct {
	recording
	file    []byte
	packets []packet
}

func recorded(tb testing.TB) recordedScan {
	tb.Helper()
	packed, err := os.ReadFile("testdata/scan.pcap.gz")
	if err != nil {
		tb.Fatal(err)
	}
	z, err := gzip.NewReader(bytes.NewReader(packed))
	if err != nil {
		tb.Fatal(err)
	}
	file, err := io.ReadAll(z)
	if err != nil {
		tb.Fatal(err)
	}
	return recordedScan{livetest.Load[recording](tb, "testdata/scan.json"), file, packetsOf(tb, file)}
}

// TestARecordedCaptureGivesTheScansFingerprints is the live test with what was
// recorded then (HOSTKIN_RECORD=1).
func TestARecordedCaptureGivesTheScansFingerprints(t *testing.T) {
	r := recorded(t)
	compare(t, r.Scanned, watch(t, r.file), r.Ports)
}

// prints are the fingerprints of observations, but those of some kinds.
func prints(list []record.Observation, without ...fingerprints.Kind) (out []string) {
	for _, o := range list {
		for _, f := range fingerprints.Of(o) {
			if !slices.Contains(without, f.Kind) {
				out = append(out, fmt.Sprint(f))
			}
		}
	}
	return out
}

// TestTheRecordedCaptureDamaged: what is lost or comes in another way changes
// nothing but what it must.
func TestTheRecordedCaptureDamaged(t *testing.T) {
	r := recorded(t)
	whole := watch(t, r.file)
	synless := func(p packet) bool { return tcpOf(p)[13]&flagSYN != 0 }
	for name, c := range map[string]struct {
		packets func() []packet
		want    []string
	}{
		"everything twice": {func() []packet {
			k := talk{packets: r.packets}
			twice(&k)
			return k.packets
		}, prints(whole)},
		"a clock that stands still": {func() []packet {
			list := slices.Clone(r.packets)
			for i := range list {
				list[i].at = start
			}
			return list
		}, prints(whole)},
		"without handshakes: SSH between high ports is nobody's": {func() []packet { return slices.DeleteFunc(slices.Clone(r.packets), synless) },
			prints(slices.DeleteFunc(slices.Clone(whole), func(o record.Observation) bool { return o.Probe == "ssh" }), "tcp.syn_ack")},
		"two neighbours of one direction swapped, where there are": {func() []packet { return swapped(r.packets) }, prints(whole)},
	} {
		t.Run(name, func(t *testing.T) {
			if diff := gocmp.Diff(c.want, prints(watch(t, file(t, linkRaw, c.packets())))); diff != "" {
				t.Errorf("-want +got:\n%s", diff)
			}
		})
	}
}

func tcpOf(p packet) []byte { return p.ip[int(p.ip[0]&15)*4:] }

// swapped exchanges packets with data that follow each other in one direction.
func swapped(list []packet) []packet {
	list = slices.Clone(list)
	for i := 1; i < len(list); i++ {
		a, aKind := parse(list[i-1].ip)
		b, bKind := parse(list[i].ip)
		if aKind == isTCP && bKind == isTCP && a.src == b.src && a.dst == b.dst && len(a.payload) > 0 && len(b.payload) > 0 {
			list[i-1].ip, list[i].ip = list[i].ip, list[i-1].ip
			i++
		}
	}
	return list
}

// TestHalfOfEachConnection: where only what servers say was captured, all that
// does not depend on the question is there; where only what clients say,
// nothing is.
func TestHalfOfEachConnection(t *testing.T) {
	r := recorded(t)
	half := func(servers bool) []record.Observation {
		list := slices.DeleteFunc(slices.Clone(r.packets), func(p packet) bool {
			s, _ := parse(p.ip)
			for _, at := range r.Ports {
				if s.src == at {
					return !servers
				}
			}
			return servers
		})
		return watch(t, file(t, linkRaw, list))
	}
	if got := prints(half(false)); got != nil {
		t.Errorf("out of what clients say: %q", got)
	}
	var ssh []string
	for _, p := range prints(watch(t, r.file)) {
		if strings.Contains(p, " ssh.") {
			ssh = append(ssh, p)
		}
	}
	if diff := gocmp.Diff(ssh, prints(half(true))); diff != "" {
		t.Errorf("-want +got:\n%s", diff)
	}
}
