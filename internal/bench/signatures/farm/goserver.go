package farm

import (
	"crypto/tls"
	"crypto/x509"
	"encoding/json"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"os"
	"strconv"
	"strings"
)

// ServeGo runs the servers of Go's crypto/tls that a plan file names, for ever.
// It is a process of its own, so that what a scanner costs is not mixed with it.
func ServeGo(file string) error {
	b, err := os.ReadFile(file)
	if err != nil {
		return err
	}
	var sites []plan
	if err := json.Unmarshal(b, &sites); err != nil {
		return err
	}
	for _, site := range sites {
		c, err := site.goConfig()
		if err != nil {
			return err
		}
		l, err := net.Listen("tcp", net.JoinHostPort(site.Address, strconv.Itoa(int(site.Port))))
		if err != nil {
			return err
		}
		if site.Own == "tls" {
			go serveTLS(l, c)
			continue
		}
		server := &http.Server{Handler: http.NotFoundHandler(), TLSConfig: c, ErrorLog: slog.NewLogLogger(slog.DiscardHandler, slog.LevelError)}
		if site.Own == "http/1.1" {
			server.TLSNextProto = map[string]func(*http.Server, *tls.Conn, http.Handler){}
		}
		go server.ServeTLS(l, "", "")
	}
	select {}
}

// serveTLS is a server without HTTP, and so without ALPN.
func serveTLS(l net.Listener, c *tls.Config) {
	for {
		conn, err := l.Accept()
		if err != nil {
			return
		}
		go func() {
			defer conn.Close()
			_, _ = io.Copy(io.Discard, tls.Server(conn, c))
		}()
	}
}

func (p plan) goConfig() (*tls.Config, error) {
	c := &tls.Config{NextProtos: p.ALPN, SessionTicketsDisabled: p.NoTickets, MinVersion: goVersion(p.Min), MaxVersion: goVersion(p.Max)}
	for i := range p.Cert {
		cert, err := tls.LoadX509KeyPair(p.Cert[i], p.Key[i])
		if err != nil {
			return nil, err
		}
		c.Certificates = append(c.Certificates, cert)
	}
	if p.Ciphers != "" {
		for name := range strings.SplitSeq(p.Ciphers, ",") {
			id, err := goSuite(name)
			if err != nil {
				return nil, err
			}
			c.CipherSuites = append(c.CipherSuites, id)
		}
	}
	for name := range strings.FieldsSeq(p.Curves) {
		c.CurvePreferences = append(c.CurvePreferences, map[string]tls.CurveID{
			"x25519": tls.X25519, "p256": tls.CurveP256, "p384": tls.CurveP384, "p521": tls.CurveP521}[name])
	}
	if p.Ask != "" {
		pool := x509.NewCertPool()
		pem, err := os.ReadFile(p.CA)
		if err != nil {
			return nil, err
		}
		pool.AppendCertsFromPEM(pem)
		c.ClientCAs = pool
		c.ClientAuth = map[string]tls.ClientAuthType{"request": tls.VerifyClientCertIfGiven, "require": tls.RequireAndVerifyClientCert}[p.Ask]
	}
	if p.Strict {
		certs := c.Certificates
		c.Certificates = nil
		c.GetCertificate = func(h *tls.ClientHelloInfo) (*tls.Certificate, error) {
			if h.ServerName != p.Host {
				return nil, fmt.Errorf("no certificate for %q", h.ServerName)
			}
			return &certs[0], nil
		}
	}
	return c, nil
}

func goVersion(v string) uint16 {
	return map[string]uint16{"1.0": tls.VersionTLS10, "1.1": tls.VersionTLS11, "1.2": tls.VersionTLS12, "1.3": tls.VersionTLS13}[v]
}

func goSuite(name string) (uint16, error) {
	for _, s := range append(tls.CipherSuites(), tls.InsecureCipherSuites()...) {
		if s.Name == name {
			return s.ID, nil
		}
	}
	return 0, fmt.Errorf("crypto/tls has no suite %q", name)
}
