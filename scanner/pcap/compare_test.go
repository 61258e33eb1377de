package pcap

import (
	"bytes"
	"cmp"
	"encoding/json"
	"fmt"
	"net/netip"
	"slices"
	"strings"
	"testing"

	gocmp "github.com/google/go-cmp/cmp"

	"github.com/hostkin/hostkin/fingerprints"
	"github.com/hostkin/hostkin/scanner/record"
)

// recording is a scan whose packets were captured.
type recording struct {
	Ports   map[string]netip.AddrPort
	Scanned []record.Observation
}

// invisible are the kinds of fingerprints that a capture of a scan does not
// show on a port: what is encrypted, that is all of HTTP over TLS and a TLS 1.3
// handshake after its ServerHello. The digest tls.server is partial for it.
func invisible(port string, f fingerprints.Fingerprint) bool {
	switch port {
	case "tls12":
		return strings.HasPrefix(string(f.Kind), "http.") && f.Kind != "http.plain_to_tls"
	case "tls13":
		return strings.HasPrefix(string(f.Kind), "http.") && f.Kind != "http.plain_to_tls" || f.Kind == "tls.server.a" || f.Kind == "tls.server"
	}
	return false
}

// watch reads a capture.
func watch(t *testing.T, file []byte) []record.Observation {
	t.Helper()
	var out []record.Observation
	w := New(Config{Emit: func(o record.Observation) { out = append(out, o) }})
	if err := w.Read(t.Context(), bytes.NewReader(file)); err != nil {
		t.Fatal(err)
	}
	w.Close()
	for _, o := range out {
		if _, err := json.Marshal(o); err != nil {
			t.Error(err)
		}
	}
	return out
}

func compare(t *testing.T, scanned, captured []record.Observation, ports map[string]netip.AddrPort) {
	t.Helper()
	for name, at := range ports {
		t.Run(name, func(t *testing.T) {
			of := func(list []record.Observation) (out []string) {
				for _, o := range list {
					if o.Port != at.Port() {
						continue
					}
					for _, f := range fingerprints.Of(o) {
						if !invisible(name, f) {
							out = append(out, fmt.Sprint(f.Kind, " ", f.Value, " ", f.Partial))
						}
					}
				}
				slices.SortFunc(out, cmp.Compare)
				return slices.Compact(out)
			}
			want, got := of(scanned), of(captured)
			if len(want) < 5 {
				t.Errorf("the scan itself has only %q", want)
			}
			if diff := gocmp.Diff(want, got); diff != "" {
				t.Errorf("-scan +capture:\n%s", diff)
			}
		})
	}
}
