package main

import (
	"context"
	"crypto/ed25519"
	"crypto/rand"
	"crypto/rsa"
	"crypto/tls"
	"io"
	"log"
	"net"
	"net/http"
	"runtime"

	"golang.org/x/crypto/ssh"
)

// serveGo puts up servers of Go's own libraries, in this process, until ctx ends.
func (s *stage) serveGo(ctx context.Context) error {
	product := "go " + runtime.Version()[2:]
	hello := http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { io.WriteString(w, "Hello, world!\n") })
	handlers := []http.Handler{
		http.NotFoundHandler(), hello, http.FileServer(http.Dir(s.path("empty"))),
		http.RedirectHandler("/login", http.StatusFound), http.RedirectHandler("/ui/", http.StatusMovedPermanently),
	}
	for _, h := range handlers {
		if err := serveHTTP(ctx, at(s.place(product, plainPort), plainPort).String(), h, nil); err != nil {
			return err
		}
	}
	for _, pem := range s.certs {
		cert, err := tls.LoadX509KeyPair(pem, pem)
		if err != nil {
			return err
		}
		certs := []tls.Certificate{cert}
		for _, c := range []*tls.Config{
			{Certificates: certs},
			{Certificates: certs, NextProtos: []string{"http/1.1"}},
			{Certificates: certs, MinVersion: tls.VersionTLS13},
			{Certificates: certs, MaxVersion: tls.VersionTLS12},
			{Certificates: certs, CurvePreferences: []tls.CurveID{tls.X25519, tls.CurveP256}},
		} {
			if err := serveHTTP(ctx, at(s.place(product, tlsPort), tlsPort).String(), handlers[0], c); err != nil {
				return err
			}
		}
	}
	return s.serveGoSSH(ctx)
}

func serveHTTP(ctx context.Context, addr string, h http.Handler, c *tls.Config) error {
	l, err := net.Listen("tcp", addr)
	if err != nil {
		return err
	}
	server := &http.Server{Handler: h, TLSConfig: c, ErrorLog: log.New(io.Discard, "", 0)}
	context.AfterFunc(ctx, func() { server.Close() })
	go func() {
		if c == nil {
			server.Serve(l)
		} else {
			server.ServeTLS(l, "", "")
		}
	}()
	return nil
}

func (s *stage) serveGoSSH(ctx context.Context) error {
	_, edwards, err := ed25519.GenerateKey(rand.Reader)
	if err != nil {
		return err
	}
	rsaKey, err := rsa.GenerateKey(rand.Reader, 2048)
	if err != nil {
		return err
	}
	for _, keys := range [][]any{{edwards}, {rsaKey}, {rsaKey, edwards}} {
		config := &ssh.ServerConfig{NoClientAuth: true}
		for _, k := range keys {
			signer, err := ssh.NewSignerFromKey(k)
			if err != nil {
				return err
			}
			config.AddHostKey(signer)
		}
		l, err := net.Listen("tcp", at(s.place("x/crypto/ssh", sshPort), sshPort).String())
		if err != nil {
			return err
		}
		context.AfterFunc(ctx, func() { l.Close() })
		go func() {
			for {
				conn, err := l.Accept()
				if err != nil {
					return
				}
				go func() {
					defer conn.Close()
					_, _, _, _ = ssh.NewServerConn(conn, config)
				}()
			}
		}()
	}
	return nil
}
