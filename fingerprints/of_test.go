package fingerprints_test

import (
	"encoding/hex"
	"encoding/json"
	"net/netip"
	"os"
	"path/filepath"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/hostkin/hostkin/fingerprints"
	"github.com/hostkin/hostkin/scanner/record"
)

// recorded reads one of the algorithms' own test files.
func recorded(t *testing.T, file string, into any) {
	t.Helper()
	b, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	if err := json.Unmarshal(b, into); err != nil {
		t.Fatalf("%s: %v", file, err)
	}
}

// everything is one observation with an answer of each protocol: that of the
// algorithms' own tests, on a host that was given by name.
func everything(t *testing.T) record.Observation {
	t.Helper()
	o := record.Observation{Host: record.Host{IP: netip.MustParseAddr("203.0.113.9"), Name: "panel.example"}, Port: 443}
	der, err := os.ReadFile(filepath.Join("cert", "testdata", "rsa-self-signed.der"))
	if err != nil {
		t.Fatal(err)
	}
	o.TLS = &record.TLS{TLSAnswer: record.TLSAnswer{Certificates: [][]byte{der}}}
	recorded(t, "jarm/testdata/openssl.json", &o.Answer)
	recorded(t, "ssh/testdata/openssh.json", &o.SSH)
	recorded(t, "http/testdata/nginx-tls.json", &o.HTTP)
	recorded(t, "rdp/testdata/freerdp-nla.json", &o.RDP)
	recorded(t, "database/testdata/mariadb-default.json", &o.MySQL)
	recorded(t, "database/testdata/postgres-plain.json", &o.Postgres)
	o.Redis = &record.Redis{Reply: []byte("+PONG\r\n")}
	o.HTTP.Root.Body = []byte("<title>panel.example at 203.0.113.9</title>")
	synAck, err := hex.DecodeString("4500002c00000000fe0600000a0000020a000001" + "01bb9c400000002000000011601210200000000002040218") // RFC 791, RFC 9293
	if err != nil {
		t.Fatal(err)
	}
	o.TCP = &record.TCP{SYNACK: synAck, Info: &record.TCPInfo{SndMSS: 1448, SndWnd: 64240, Options: 7, SndWscale: 7}}
	o.SMTP = &record.Lines{Greeting: []byte("220 mx.provider.net ESMTP\r\n"),
		Replies: []record.Reply{{Command: "EHLO x", Status: record.OK, Text: []byte("250-mx.provider.net\r\n250 SIZE\r\n")}}}
	return o
}

func TestOf(t *testing.T) {
	o := everything(t)
	var kinds []fingerprints.Kind
	for _, f := range fingerprints.Of(o) {
		if f.Schema != fingerprints.Schema || f.Host != "203.0.113.9" || f.Port != 443 || f.Value == "" || f.Partial {
			t.Errorf("%+v", f)
		}
		if f.Kind == "http.title" && f.Value != "{host} at {host}" {
			t.Errorf("the host's name and address stay in the title: %q", f.Value)
		}
		kinds = append(kinds, f.Kind)
	}
	want := []fingerprints.Kind{
		"jarm",
		"cert.sha256", "cert.spki", "cert.serial_issuer", "cert.issuer", "cert.subject", "cert.organization", "cert.extensions", "cert.shape",
		"ssh.hassh_server", "ssh.hassh_normal", "ssh.kexinit", "ssh.banner", "ssh.software", "ssh.host_key", "ssh.host_key", "ssh.host_key",
		"http.header_order", "http.server", "http.title", "http.title_pattern", "http.favicon_mmh3", "http.favicon_sha256", "http.body_sha256", "http.error_page", "http.h2_settings", "http.plain_to_tls",
		"tcp.syn_ack",
		"smtp.greeting", "smtp.ehlo", "mail.domain",
		"rdp.negotiation", "rdp.ntlm_names", "rdp.ntlm_pattern", "rdp.ntlm_version",
		"mysql.greeting", "postgres.ssl", "postgres.error", "redis.reply",
	}
	if diff := cmp.Diff(want, kinds); diff != "" {
		t.Errorf("kinds (-want +got):\n%s", diff)
	}
}

// A hello that timed out makes a JARM partial, and nothing else.
func TestOfPartial(t *testing.T) {
	o := everything(t)
	o.JARM.Answers[3] = record.JARMAnswer{Status: record.Timeout}
	for _, f := range fingerprints.Of(o) {
		if f.Partial != (f.Kind == "jarm") {
			t.Errorf("%s: partial %v", f.Kind, f.Partial)
		}
	}
}

func TestOfNothing(t *testing.T) {
	if got := fingerprints.Of(record.Observation{Host: record.Host{IP: netip.MustParseAddr("203.0.113.9")}, Port: 443}); got != nil {
		t.Errorf("%+v", got)
	}
}
