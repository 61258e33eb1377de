package main

import (
	"encoding/pem"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"
	"sync"

	"github.com/hostkin/hostkin/fingerprints"
	"github.com/hostkin/hostkin/scanner/record"
)

// certificates adds what the commonest ways of making a certificate make,
// whatever server then shows it. No server is needed for that: the
// fingerprints are of the certificate alone.
func (s *stage) certificates(l *list) error {
	keys := s.privateKeys()
	openssl := "openssl " + strings.TrimSpace(s.run("openssl", "version"))[len("OpenSSL "):]
	openssl = strings.Join(strings.Fields(openssl)[:2], " ") + " req"
	var todo []recipe
	for _, key := range keys {
		for _, days := range []string{"30", "90", "180", "365", "366", "397", "398", "500", "730", "825", "1000", "1024", "1095", "1825", "3650", "7300", "9999", "10000", "36500"} {
			for _, subject := range []string{
				"/CN=localhost",
				"/C=US/ST=State/L=City/O=Organization/OU=Unit/CN=localhost",
				"/C=US/ST=State/L=City/O=Organization/CN=localhost",
				"/C=US/ST=State/O=Organization/CN=localhost",
				"/C=US/O=Organization/CN=localhost",
				"/O=Organization/CN=localhost",
				"/C=AU/ST=Some-State/O=Internet Widgits Pty Ltd",
				"/C=XX/L=Default City/O=Default Company Ltd",
				"/C=US/ST=State/L=City/O=Organization/OU=Unit/CN=localhost/emailAddress=root@localhost",
				"/C=AU/ST=Some-State/O=Internet Widgits Pty Ltd/CN=localhost",
			} {
				todo = append(todo, recipe{product: openssl, args: []string{"req", "-x509", "-new", "-key", key, "-days", days, "-subj", subject}})
				if strings.HasSuffix(subject, "CN=localhost") && commonDays(days) {
					todo = append(todo, recipe{product: openssl, args: []string{"req", "-x509", "-new", "-key", key, "-days", days, "-subj", subject, "-addext", "subjectAltName=DNS:localhost"}})
				}
			}
		}
	}
	todo = append(todo, s.names(keys[0], openssl)...)
	todo = append(todo, s.twoSteps(keys)...)
	todo = append(todo, s.snakeoils()...)
	goMade, err := s.generateCert()
	if err != nil {
		return err
	}
	return s.cook(append(todo, goMade...), l)
}

func commonDays(days string) bool {
	switch days {
	case "90", "365", "730", "825", "3650", "36500":
		return true
	}
	return false
}

// recipe makes one certificate.
type recipe struct {
	product string
	args    []string // of openssl; -out FILE is added
	file    string   // made already, by something else
}

func (s *stage) privateKeys() []string {
	var keys []string
	for name, args := range map[string][]string{
		"rsa2048": {"genpkey", "-algorithm", "RSA", "-pkeyopt", "rsa_keygen_bits:2048"},
		"rsa4096": {"genpkey", "-algorithm", "RSA", "-pkeyopt", "rsa_keygen_bits:4096"},
		"p256":    {"ecparam", "-name", "prime256v1", "-genkey", "-noout"},
		"p384":    {"ecparam", "-name", "secp384r1", "-genkey", "-noout"},
	} {
		file := s.path("key-" + name)
		s.run("openssl", append(args, "-out", file)...)
		keys = append(keys, file)
	}
	return keys
}

// names are the subjects and alternative names that everybody writes.
func (s *stage) names(key, product string) []recipe {
	var list []recipe
	for _, name := range []string{
		"localhost", "localhost.localdomain", "example.com", "www.example.com", "*.example.com", "example.org", "example.net", "test", "test.com", "server", "server1",
		"192.0.2.1", "127.0.0.1", "0.0.0.0", "*", "debian", "ubuntu", "raspberrypi", "nginx", "apache", "haproxy", "default", "domain.com", "mydomain.com", "yourdomain.com", "www.yourdomain.com", "hostname", "myserver", "invalid", "selfsigned", "self-signed", "snakeoil", "host", "vps", "vps1", "mail", "web", "router", "openwrt", "root", "CA", "ca", "My CA", "Root CA", "proxmox", "docker", "kubernetes",
	} {
		san := "DNS:" + name
		if name[0] >= '0' && name[0] <= '9' {
			san = "IP:" + name
		}
		list = append(list, recipe{product: product, args: []string{"req", "-x509", "-new", "-key", key, "-days", "365", "-subj", "/CN=" + name, "-addext", "subjectAltName=" + san}})
	}
	for _, san := range []string{"DNS:localhost,IP:127.0.0.1", "DNS:localhost,IP:127.0.0.1,IP:::1", "IP:127.0.0.1,DNS:localhost", "DNS:example.com,DNS:www.example.com", "DNS:localhost,DNS:localhost.localdomain"} {
		list = append(list, recipe{product: product, args: []string{"req", "-x509", "-new", "-key", key, "-days", "365", "-subj", "/CN=localhost", "-addext", "subjectAltName=" + san}})
	}
	return list
}

// twoSteps are certificates made out of requests, self-signed or signed by an
// own CA: openssl x509 -req adds no extensions by itself.
func (s *stage) twoSteps(keys []string) []recipe {
	extensions := s.write("extensions", "authorityKeyIdentifier=keyid,issuer\nbasicConstraints=CA:FALSE\nkeyUsage=digitalSignature,nonRepudiation,keyEncipherment,dataEncipherment\nsubjectAltName=DNS:localhost\n")
	ca := s.path("own-ca.pem")
	s.run("openssl", "req", "-x509", "-new", "-key", keys[0], "-days", "3650", "-subj", "/CN=localhost", "-out", ca)
	var list []recipe
	for i, key := range keys {
		for j, subject := range []string{"/CN=localhost", "/C=US/ST=State/L=City/O=Organization/OU=Unit/CN=localhost", "/C=US/ST=State/L=City/O=Organization/CN=localhost", "/C=AU/ST=Some-State/O=Internet Widgits Pty Ltd"} {
			request := s.path(fmt.Sprintf("request-%d-%d", i, j))
			s.run("openssl", "req", "-new", "-key", key, "-subj", subject, "-out", request)
			for _, days := range []string{"365", "500", "730", "825", "3650"} {
				base := []string{"x509", "-req", "-in", request, "-days", days}
				list = append(list,
					recipe{product: "openssl x509", args: append(base, "-signkey", key)},
					recipe{product: "openssl x509", args: append(base, "-CA", ca, "-CAkey", keys[0], "-set_serial", "1")},
					recipe{product: "openssl x509", args: append(base, "-CA", ca, "-CAkey", keys[0], "-set_serial", "0x1bf0be3e5cd5c5e9d1f2e3b6d4c5b6a7d8c9e0f1")},
					recipe{product: "openssl x509", args: append(base, "-CA", ca, "-CAkey", keys[0], "-set_serial", "0x1bf0be3e5cd5c5e9d1f2e3b6d4c5b6a7d8c9e0f1", "-extfile", extensions)})
			}
		}
	}
	return list
}

// snakeoils are those of Debian's ssl-cert for common host names.
func (s *stage) snakeoils() []recipe {
	var list []recipe
	for _, host := range []string{"localhost", "localhost.localdomain", "debian", "ubuntu", "vps", "server", "raspberrypi"} {
		conf := s.write("snakeoil-"+host, s.packaged("/usr/share/ssl-cert/ssleay.cnf", "@HostName@", host, "@SubjectAltName@", "DNS:"+host))
		for _, days := range []string{"3650", "365"} {
			list = append(list, recipe{product: s.version("ssl-cert"), args: []string{"req", "-config", conf, "-new", "-x509", "-days", days, "-nodes", "-sha256", "-newkey", "rsa:2048", "-keyout", s.path("snakeoil.key")}})
		}
	}
	return list
}

// generateCert are those of Go's crypto/tls/generate_cert.go.
func (s *stage) generateCert() ([]recipe, error) {
	root, err := exec.Command("go", "env", "GOROOT").Output()
	if err != nil {
		return nil, err
	}
	program := s.path("generate_cert")
	s.run("go", "build", "-o", program, filepath.Join(strings.TrimSpace(string(root)), "src/crypto/tls/generate_cert.go"))
	var list []recipe
	for i, args := range []string{"--host localhost", "--host localhost --ca", "--host 127.0.0.1", "--host localhost --ecdsa-curve P256", "--host localhost --ecdsa-curve P384", "--host localhost --ecdsa-curve P256 --ca", "--host localhost --ed25519", "--host localhost --rsa-bits 4096", "--host localhost --duration 87600h0m0s"} {
		dir := s.path(fmt.Sprintf("generated-%d", i))
		if err := os.Mkdir(dir, 0o755); err != nil {
			return nil, err
		}
		cmd := exec.Command(program, strings.Fields(args)...)
		cmd.Dir = dir
		if out, err := cmd.CombinedOutput(); err != nil {
			return nil, fmt.Errorf("generate_cert %s: %w\n%s", args, err, out)
		}
		list = append(list, recipe{product: "crypto/tls generate_cert", file: filepath.Join(dir, "cert.pem")})
	}
	return list, nil
}

// cook makes the certificates, some at once, and adds their fingerprints.
func (s *stage) cook(todo []recipe, l *list) error {
	if s.err != nil {
		return s.err
	}
	var mu sync.Mutex
	var failed error
	var wg sync.WaitGroup
	room := make(chan struct{}, runtime.GOMAXPROCS(0))
	for i, r := range todo {
		room <- struct{}{}
		wg.Go(func() {
			defer func() { <-room }()
			found, err := s.make(i, r)
			mu.Lock()
			defer mu.Unlock()
			if err != nil {
				failed = err
			}
			for _, f := range found {
				l.add(f, r.product)
			}
		})
	}
	wg.Wait()
	return failed
}

func (s *stage) make(i int, r recipe) ([]fingerprints.Fingerprint, error) {
	file := r.file
	if file == "" {
		file = s.path(fmt.Sprintf("made-%d.pem", i))
		if out, err := exec.Command("openssl", append(r.args[:len(r.args):len(r.args)], "-out", file)...).CombinedOutput(); err != nil {
			return nil, fmt.Errorf("openssl %s: %w\n%s", strings.Join(r.args, " "), err, out)
		}
	}
	text, err := os.ReadFile(file)
	if err != nil {
		return nil, err
	}
	block, _ := pem.Decode(text)
	if block == nil {
		return nil, fmt.Errorf("%s holds no PEM", file)
	}
	var o record.Observation
	o.TLS = &record.TLS{TLSAnswer: record.TLSAnswer{Certificates: [][]byte{block.Bytes}}}
	return fingerprints.Of(o), nil
}
