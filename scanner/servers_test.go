package scanner

import (
	"bufio"
	"crypto/ed25519"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"fmt"
	"io"
	"log"
	"math/big"
	"net"
	"net/http"
	"net/netip"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"golang.org/x/crypto/ssh"

	"github.com/hostkin/hostkin/internal/livetest"
	"github.com/hostkin/hostkin/scanner/probes"
	"github.com/hostkin/hostkin/scanner/record"
	"github.com/hostkin/hostkin/scanner/targets"
	"github.com/hostkin/hostkin/scanner/transport"
)

func itoa(port uint16) string { return strconv.Itoa(int(port)) }

func key(t *testing.T) ed25519.PrivateKey {
	t.Helper()
	_, k, err := ed25519.GenerateKey(nil)
	if err != nil {
		t.Fatal(err)
	}
	return k
}

// webServer serves pages, over TLS if it has a certificate.
func webServer(t *testing.T, overTLS bool) uint16 {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	s := &http.Server{
		Handler: http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			if r.URL.Path != "/" {
				w.WriteHeader(404)
			}
			io.WriteString(w, "<title>"+r.Proto+"</title>")
		}),
		ErrorLog: log.New(io.Discard, "", 0),
	}
	t.Cleanup(func() { s.Close() })
	port := l.Addr().(*net.TCPAddr).AddrPort().Port()
	if !overTLS {
		go s.Serve(l)
		return port
	}
	s.TLSConfig = &tls.Config{Certificates: []tls.Certificate{certificate(t)}, NextProtos: []string{"h2", "http/1.1"}}
	go s.ServeTLS(l, "", "")
	return port
}

func certificate(t *testing.T) tls.Certificate {
	t.Helper()
	k := key(t)
	template := &x509.Certificate{SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: "x"}, NotAfter: time.Now().Add(time.Hour)}
	der, err := x509.CreateCertificate(nil, template, template, k.Public(), k)
	if err != nil {
		t.Fatal(err)
	}
	return tls.Certificate{Certificate: [][]byte{der}, PrivateKey: k}
}

func sshServer(t *testing.T) uint16 {
	t.Helper()
	signer, err := ssh.NewSignerFromKey(key(t))
	if err != nil {
		t.Fatal(err)
	}
	c := &ssh.ServerConfig{NoClientAuth: true}
	c.AddHostKey(signer)
	return livetest.Listen(t, "127.0.0.1:0", func(conn net.Conn) { ssh.NewServerConn(conn, c) }).Port()
}

// mailServer speaks SMTP, and TLS after STARTTLS.
func mailServer(t *testing.T) uint16 {
	t.Helper()
	config := &tls.Config{Certificates: []tls.Certificate{certificate(t)}}
	return livetest.Listen(t, "127.0.0.1:0", func(c net.Conn) {
		fmt.Fprint(c, "220 mail.example.net ESMTP\r\n")
		for in := bufio.NewScanner(c); in.Scan(); {
			switch command, _, _ := strings.Cut(in.Text(), " "); command {
			case "EHLO":
				fmt.Fprint(c, "250-mail.example.net\r\n250 STARTTLS\r\n")
			case "STARTTLS":
				fmt.Fprint(c, "220 go\r\n")
				secure := tls.Server(c, config)
				secure.Handshake()
				untilClosed(secure)
				return
			default:
				fmt.Fprint(c, "502 no\r\n")
			}
		}
	}).Port()
}

// Whatever the port, a server is asked what it speaks; nothing is asked twice.
func TestPlanOnServers(t *testing.T) {
	ssh, plain, secure := sshServer(t), webServer(t, false), webServer(t, true)
	mail := mailServer(t)
	unknown := livetest.Listen(t, "127.0.0.1:0", func(c net.Conn) {
		io.WriteString(c, "220 ready\r\n")
		untilClosed(c)
	}).Port()
	closed := livetest.Listen(t, "127.0.0.1:0", func(c net.Conn) { c.Read(make([]byte, 4096)) }).Port()
	all := []Port{{ssh, ""}, {plain, ""}, {secure, ""}, {mail, ""}, {unknown, ""}, {closed, ""}}
	for _, c := range []struct {
		name  string
		ports []Port
		brief bool
		want  map[uint16]string
	}{
		{"full", all, false, map[uint16]string{
			ssh:     "tcp:ok detect:ok ssh:ok",
			plain:   "tcp:ok detect:ok http:ok",
			secure:  "tcp:ok detect:ok tls:ok http:ok jarm:ok",
			mail:    "tcp:ok detect:ok smtp:ok",
			unknown: "tcp:ok detect:malformed",
			closed:  "tcp:ok detect:closed http:closed",
		}},
		{"brief", all, true, map[uint16]string{
			ssh:     "tcp:ok detect:ok ssh:ok",
			plain:   "tcp:ok detect:ok http:ok",
			secure:  "tcp:ok detect:ok tls:ok http:ok",
			mail:    "tcp:ok detect:ok smtp:ok",
			unknown: "tcp:ok detect:malformed",
			closed:  "tcp:ok detect:closed http:closed",
		}},
		{"right hints", []Port{{ssh, "ssh"}, {plain, "http"}, {secure, "tls"}, {mail, "smtp"}}, false, map[uint16]string{
			ssh:    "tcp:ok ssh:ok",
			plain:  "tcp:ok http:ok",
			secure: "tcp:ok tls:ok http:ok jarm:ok",
			mail:   "tcp:ok smtp:ok",
		}},
		{"wrong hints", []Port{{ssh, "http"}, {plain, "tls"}, {mail, "ftp"}}, false, map[uint16]string{
			mail:  "tcp:ok ftp:malformed",
			ssh:   "tcp:ok http:malformed",
			plain: "tcp:ok tls:malformed",
		}},
	} {
		got, log, err := collected(t, t.Context(), Config{
			Transport: transport.New(transport.Config{PerHost: 4, Timeout: 10 * time.Second}),
			Next:      Plan{Ports: c.ports, Probes: probes.All(probes.Options{}), Brief: c.brief}.Next,
		}, hostsAt("127.0.0.1"))
		if err != nil || log != "" {
			t.Errorf("%s: %v, log %s", c.name, err, log)
		}
		for port, want := range c.want {
			if s := statuses(got, port); s != want {
				t.Errorf("%s: port of %q: %q", c.name, want, s)
			}
		}
		for _, o := range got {
			if c.name == "full" && o.Port == secure && o.Probe == "http" && (!o.HTTP.TLS || o.HTTP.Root.Code != 200 || o.HTTP.H2 == nil) {
				t.Errorf("http over TLS: %+v", o.HTTP)
			}
			if c.brief && o.Probe == "http" && o.HTTP != nil && o.HTTP.Favicon != nil {
				t.Error("a brief look asked for the favicon")
			}
		}
	}
}

func statuses(list []record.Observation, port uint16) string {
	var out []string
	for _, o := range list {
		if o.Port == port {
			out = append(out, o.Probe+":"+string(o.Status))
		}
	}
	return strings.Join(out, " ")
}

// A full plan after a brief one asks for the rest only.
func TestFullAfterBrief(t *testing.T) {
	plain, secure := webServer(t, false), webServer(t, true)
	plan := Plan{Ports: []Port{{plain, "http"}, {secure, "tls"}}, Probes: probes.All(probes.Options{})}
	brief := plan
	brief.Brief = true
	got, _, err := collected(t, t.Context(), Config{
		Transport: transport.New(transport.Config{PerHost: 4, Timeout: 10 * time.Second}),
		Next: func(host targets.Target, seen []record.Observation) []Ask {
			if asks := brief.Next(host, seen); len(asks) > 0 {
				return asks
			}
			return plan.Next(host, seen)
		},
	}, hostsAt("127.0.0.1"))
	if err != nil {
		t.Error(err)
	}
	if s := statuses(got, plain); s != "tcp:ok http:ok http:ok" {
		t.Errorf("plain: %q", s)
	}
	if s := statuses(got, secure); s != "tcp:ok tls:ok http:ok tls:ok jarm:ok http:ok" {
		t.Errorf("secure: %q", s)
	}
	again := slices.IndexFunc(got, func(o record.Observation) bool { return o.Probe == "http" && o.HTTP.Favicon != nil })
	if again < 0 || got[again].HTTP.Root != nil {
		t.Error("the full look did not leave out what was known")
	}
	if !slices.ContainsFunc(got, func(o record.Observation) bool { return o.HTTP != nil && o.HTTP.H2 != nil }) {
		t.Error("HTTP/2 was not asked for")
	}
	var looks []int
	for _, o := range got {
		if o.Probe == "tls" {
			looks = append(looks, o.Connections, len(o.TLS.Others))
		}
	}
	if !slices.Equal(looks, []int{1, 0, 4, 4}) {
		t.Errorf("the looks at TLS have these connections and further answers: %d", looks)
	}
}

// Ports whose usual protocol is not what they speak, on their real numbers.
func TestPlanOnUsualPorts(t *testing.T) {
	const host = "127.94.94.94"
	serveOn(t, host, 8080, func() uint16 { return webServer(t, true) })
	serveOn(t, host, 8443, func() uint16 { return webServer(t, false) })
	serveOn(t, host, 2222, func() uint16 { return webServer(t, false) })
	serveOn(t, host, 8000, func() uint16 { return sshServer(t) })
	got, _, err := collected(t, t.Context(), Config{
		Transport: transport.New(transport.Config{PerHost: 4, Timeout: 10 * time.Second}),
		Next:      Plan{Ports: []Port{{8080, ""}, {8443, ""}, {2222, ""}, {8000, ""}}, Probes: probes.All(probes.Options{})}.Next,
	}, hostsAt(host))
	if err != nil {
		t.Error(err)
	}
	for port, want := range map[uint16]string{
		8080: "tcp:ok http:ok detect:ok tls:ok http:ok jarm:ok",
		8443: "tcp:ok tls:malformed detect:ok http:ok",
		2222: "tcp:ok ssh:malformed detect:ok http:ok",
		8000: "tcp:ok http:malformed detect:ok ssh:ok",
	} {
		if s := statuses(got, port); s != want {
			t.Errorf("port %d: %q, want %q", port, s, want)
		}
	}
}

// Mail and SSH where the other is usual: what the server says decides, and the
// TLS of an upgrade is not taken for a TLS port's.
func TestPlanOnMailPorts(t *testing.T) {
	const host = "127.94.94.95"
	serveOn(t, host, 25, func() uint16 { return sshServer(t) })
	serveOn(t, host, 22, func() uint16 { return mailServer(t) })
	serveOn(t, host, 587, func() uint16 { return mailServer(t) })
	serveOn(t, host, 2525, func() uint16 { return mailServer(t) })
	got, _, err := collected(t, t.Context(), Config{
		Transport: transport.New(transport.Config{PerHost: 4, Timeout: 10 * time.Second}),
		Next:      Plan{Ports: []Port{{25, ""}, {22, ""}, {587, ""}, {2525, ""}}, Probes: probes.All(probes.Options{})}.Next,
	}, hostsAt(host))
	if err != nil {
		t.Error(err)
	}
	for port, want := range map[uint16]string{
		25:   "tcp:ok smtp:malformed detect:ok ssh:ok",
		22:   "tcp:ok ssh:malformed detect:ok smtp:ok",
		587:  "tcp:ok smtp:ok",
		2525: "tcp:ok detect:ok smtp:ok",
	} {
		if s := statuses(got, port); s != want {
			t.Errorf("port %d: %q, want %q", port, s, want)
		}
	}
	for _, o := range got {
		if o.Probe == "smtp" && o.Status == record.OK && (o.TLS == nil || len(o.TLS.Certificates) != 1) {
			t.Errorf("port %d: no certificate: %+v", o.Port, o.TLS)
		}
	}
}

// serveOn forwards a fixed port of a loopback address to a server.
func serveOn(t *testing.T, host string, port uint16, start func() uint16) uint16 {
	t.Helper()
	free, err := net.Listen("tcp", net.JoinHostPort(host, itoa(port)))
	if err != nil {
		t.Skipf("somebody has the port: %v", err)
	}
	free.Close()
	behind := start()
	livetest.Proxy(t, net.JoinHostPort(host, itoa(port)), netip.AddrPortFrom(netip.MustParseAddr("127.0.0.1"), behind), livetest.Whole)
	return behind
}
