package scanner

import (
	"slices"
	"strings"
	"testing"

	"github.com/hostkin/hostkin/scanner/probes"
	"github.com/hostkin/hostkin/scanner/record"
	"github.com/hostkin/hostkin/scanner/targets"
)

// at is an observation of port; it connected unless the status says otherwise.
func at(port uint16, probe string, status record.Status, a record.Answer) record.Observation {
	return record.Observation{Port: port, Probe: probe, Status: status, Answer: a}
}

func tcp(port uint16) record.Observation { return at(port, "tcp", record.OK, record.Answer{}) }

func page(code int) *record.Page {
	return &record.Page{Status: record.OK, Code: code, Head: []byte("HTTP/1.1 ...")}
}

var (
	briefTLS  = record.Answer{TLS: &record.TLS{TLSAnswer: record.TLSAnswer{Hello: "c", Messages: []uint8{2}, Version: 0x303, ServerHello: []byte{2}}}}
	helloTLS  = record.Answer{TLS: &record.TLS{TLSAnswer: briefTLS.TLS.TLSAnswer, Others: []record.TLSAnswer{{Hello: "a"}, {Hello: "d"}, {Hello: "e"}, {Hello: "b"}}}}
	alertTLS  = record.Answer{TLS: &record.TLS{TLSAnswer: record.TLSAnswer{Alerts: []record.TLSAlert{{Level: 2, Code: 40}}}}}
	rawTLS    = record.Answer{TLS: &record.TLS{TLSAnswer: record.TLSAnswer{Raw: []byte("HTTP/1.1 400")}}}
	bannerSSH = record.Answer{SSH: &record.SSH{
		Banner: []byte("SSH-2.0-x\r\n"),
		KEXINIT: &record.KEXINIT{
			Kex: []string{"curve25519-sha256"}, HostKey: []string{"ssh-ed25519", "rsa-sha2-256"},
			EncC2S: []string{"aes128-ctr"}, EncS2C: []string{"aes128-ctr"}, MacC2S: []string{"hmac-sha2-256"}, MacS2C: []string{"hmac-sha2-256"},
			CompC2S: []string{"none"}, CompS2C: []string{"none"},
		},
		HostKeys: []record.HostKey{{Algorithm: "ssh-ed25519", Status: record.OK}},
	}}
	plainHTTP  = record.Answer{HTTP: &record.HTTP{Root: page(200)}}
	badRequest = record.Answer{HTTP: &record.HTTP{Root: page(400)}}
	allHTTP    = record.Answer{HTTP: &record.HTTP{Root: page(200), Favicon: page(404), Missing: page(404)}}
	overTLS    = record.Answer{HTTP: &record.HTTP{TLS: true, Root: page(200), Favicon: page(404), Missing: page(404)}}
)

func detected(protocol, banner string) record.Answer {
	return record.Answer{Detect: &record.Detect{Protocol: protocol, Banner: []byte(banner)}}
}

func TestPlan(t *testing.T) {
	for _, c := range []struct {
		name  string
		ports string
		seen  []record.Observation
		brief string // asks of the brief plan, in order
		full  string // of the full one
	}{
		{"first looks, cheap ones first", "22,443,80,12345,10022/ssh", nil,
			"http:80 detect:12345 ssh:22 ssh:10022 tls:443", "http:80 detect:12345 ssh:22 ssh:10022 tls:443"},
		{"nobody there", "22,443", []record.Observation{at(22, "ssh", record.Refused, record.Answer{}), at(443, "tls", record.Timeout, record.Answer{})}, "", ""},
		{"ssh", "22", []record.Observation{tcp(22), at(22, "ssh", record.OK, bannerSSH)}, "", "ssh:22"},
		{"ssh twice", "22", []record.Observation{tcp(22), at(22, "ssh", record.OK, bannerSSH), at(22, "ssh", record.OK, record.Answer{})}, "", ""},
		{"tls", "443", []record.Observation{tcp(443), at(443, "tls", record.OK, helloTLS)}, "http:443", "http:443 jarm:443"},
		{"tls, http inside", "443", []record.Observation{tcp(443), at(443, "tls", record.OK, helloTLS), at(443, "http", record.OK, overTLS)}, "", "jarm:443"},
		{"tls in brief", "443", []record.Observation{tcp(443), at(443, "tls", record.OK, briefTLS)}, "http:443", "tls:443 jarm:443"},
		{"tls in brief, http inside", "443", []record.Observation{tcp(443), at(443, "tls", record.OK, briefTLS), at(443, "http", record.OK, record.Answer{HTTP: &record.HTTP{TLS: true, Root: page(200)}})}, "", "tls:443 jarm:443"},
		{"tls in brief, then the rest", "443", []record.Observation{tcp(443), at(443, "tls", record.OK, briefTLS), at(443, "http", record.OK, record.Answer{HTTP: &record.HTTP{TLS: true, Root: page(200)}}), at(443, "tls", record.OK, helloTLS), at(443, "jarm", record.OK, record.Answer{})}, "", "http:443"},
		{"tls, all", "443", []record.Observation{tcp(443), at(443, "tls", record.OK, helloTLS), at(443, "http", record.OK, overTLS), at(443, "jarm", record.OK, record.Answer{})}, "", ""},
		{"only an alert", "443", []record.Observation{tcp(443), at(443, "tls", record.Alert, alertTLS)}, "", "jarm:443"},
		{"http on 443", "443", []record.Observation{tcp(443), at(443, "tls", record.Malformed, rawTLS)}, "detect:443", "detect:443"},
		{"http on 443, detected", "443", []record.Observation{tcp(443), at(443, "tls", record.Malformed, rawTLS), at(443, "detect", record.OK, detected("http", ""))}, "http:443", "http:443"},
		{"http on 443, asked", "443", []record.Observation{tcp(443), at(443, "tls", record.Malformed, rawTLS), at(443, "detect", record.OK, detected("http", "")), at(443, "http", record.OK, allHTTP)}, "", ""},
		{"silence on 443", "443", []record.Observation{tcp(443), at(443, "tls", record.Timeout, record.Answer{})}, "detect:443", "detect:443"},
		{"ssh on 443", "443", []record.Observation{tcp(443), at(443, "tls", record.Malformed, rawTLS), at(443, "detect", record.OK, detected("ssh", "SSH-"))}, "ssh:443", "ssh:443"},
		{"http", "80", []record.Observation{tcp(80), at(80, "http", record.OK, plainHTTP)}, "", "http:80"},
		{"http, all", "80", []record.Observation{tcp(80), at(80, "http", record.OK, allHTTP)}, "", ""},
		{"http answers 400: TLS?", "8080", []record.Observation{tcp(8080), at(8080, "http", record.OK, badRequest)}, "detect:8080", "detect:8080"},
		{"it was TLS", "8080", []record.Observation{tcp(8080), at(8080, "http", record.OK, badRequest), at(8080, "detect", record.OK, detected("tls", ""))}, "tls:8080", "tls:8080"},
		{"it was TLS, asked", "8080", []record.Observation{tcp(8080), at(8080, "http", record.OK, badRequest), at(8080, "detect", record.OK, detected("tls", "")), at(8080, "tls", record.OK, helloTLS)}, "http:8080", "http:8080 jarm:8080"},
		{"it was not TLS", "8080", []record.Observation{tcp(8080), at(8080, "http", record.OK, badRequest), at(8080, "detect", record.OK, detected("http", ""))}, "", "http:8080"},
		{"http does not answer", "8080", []record.Observation{tcp(8080), at(8080, "http", record.Closed, record.Answer{})}, "detect:8080", "detect:8080"},
		{"nothing answers", "8080", []record.Observation{tcp(8080), at(8080, "http", record.Closed, record.Answer{}), at(8080, "detect", record.Closed, detected("", ""))}, "", ""},
		{"silent port: http", "12345", []record.Observation{tcp(12345), at(12345, "detect", record.Timeout, detected("", ""))}, "http:12345", "http:12345"},
		{"mail: nothing", "12345", []record.Observation{tcp(12345), at(12345, "detect", record.Malformed, detected("", "220 mail"))}, "", ""},
		{"unknown reply: nothing", "12345", []record.Observation{tcp(12345), at(12345, "detect", record.Malformed, record.Answer{Detect: &record.Detect{Reply: []byte("-ERR")}})}, "", ""},
		{"detect fails to connect", "12345", []record.Observation{at(12345, "detect", record.Refused, record.Answer{})}, "", ""},
		{"a hint decides", "80/tls", []record.Observation{tcp(80), at(80, "tls", record.Malformed, rawTLS)}, "", ""},
		{"a hint decides, refused in TLS", "80/tls", []record.Observation{tcp(80), at(80, "tls", record.Closed, record.Answer{})}, "", "jarm:80"},
		{"a hint decides, silence", "80/tls", []record.Observation{tcp(80), at(80, "tls", record.Timeout, record.Answer{})}, "", ""},
		{"a hint decides for http", "443/http", nil, "http:443", "http:443"},
		{"a hint decides for http, 400", "443/http", []record.Observation{tcp(443), at(443, "http", record.OK, badRequest)}, "", "http:443"},
		{"another port's answers do not count", "22", []record.Observation{tcp(443), at(443, "tls", record.OK, helloTLS)}, "ssh:22", "ssh:22"},
	} {
		ports, err := ParsePorts(c.ports)
		if err != nil {
			t.Fatal(err)
		}
		for mode, want := range map[bool]string{true: c.brief, false: c.full} {
			p := Plan{Ports: ports, Probes: probes.All(probes.Options{}), Brief: mode}
			if got := names(p.Next(targets.Target{}, c.seen)); got != want {
				t.Errorf("%s (brief: %v): %q, want %q", c.name, mode, got, want)
			}
		}
	}
}

func names(asks []Ask) string {
	var out []string
	for _, a := range asks {
		out = append(out, a.Probe.Name()+":"+itoa(a.Port))
	}
	return strings.Join(out, " ")
}

func TestPlanTakesTheTargetsPorts(t *testing.T) {
	p := Plan{Ports: []Port{{22, ""}, {10443, "tls"}}, Probes: probes.All(probes.Options{})}
	if got := names(p.Next(targets.Target{Ports: []uint16{10443, 80}}, nil)); got != "http:80 tls:10443" {
		t.Errorf("%q", got)
	}
	// A host named both with ports and without any is asked on all of them, on each once.
	if got := names(p.Next(targets.Target{Also: []uint16{80, 10443}}, nil)); got != "http:80 ssh:22 tls:10443" {
		t.Errorf("besides the plan's: %q", got)
	}
}

// A brief look, or the whole question, by what the mode says.
func TestPlanBriefProbes(t *testing.T) {
	entries := probes.All(probes.Options{})
	for _, brief := range []bool{true, false} {
		for _, a := range (Plan{Ports: []Port{{22, ""}, {80, ""}}, Probes: entries, Brief: brief}).Next(targets.Target{}, nil) {
			i := slices.IndexFunc(entries, func(e probes.Entry) bool { return e.Probe.Name() == a.Probe.Name() })
			want := entries[i].Probe
			if brief {
				want = entries[i].Brief
			}
			if a.Probe != want {
				t.Errorf("brief %v: %+v, want %+v", brief, a.Probe, want)
			}
		}
	}
}
