package pcap

import (
	"crypto/ed25519"
	"crypto/sha256"
	"crypto/tls"
	"encoding/hex"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"slices"
	"testing"

	"golang.org/x/crypto/ssh"

	"github.com/hostkin/hostkin/fingerprints"
	"github.com/hostkin/hostkin/internal/livetest"
)

// TestOrdinaryClients: a browser's and an SSH client's connections show what
// their servers are too.
func TestOrdinaryClients(t *testing.T) {
	page := http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Server", "harbour")
		io.WriteString(w, "<title>of "+r.Host+"</title>")
	})
	plain, secure := httptest.NewServer(page), httptest.NewUnstartedServer(page)
	secure.TLS = &tls.Config{MaxVersion: tls.VersionTLS12}
	secure.StartTLS()
	defer plain.Close()
	defer secure.Close()
	_, key, err := ed25519.GenerateKey(nil)
	if err != nil {
		t.Fatal(err)
	}
	signer, err := ssh.NewSignerFromKey(key)
	if err != nil {
		t.Fatal(err)
	}
	sshServer := livetest.Listen(t, "127.0.0.1:0", func(conn net.Conn) {
		config := &ssh.ServerConfig{NoClientAuth: true, ServerVersion: "SSH-2.0-harbour"}
		config.AddHostKey(signer)
		_, _, _, _ = ssh.NewServerConn(conn, config)
	})
	addr := func(l net.Listener) netip.AddrPort { return l.Addr().(*net.TCPAddr).AddrPort() }
	stop := capture(t, addr(plain.Listener), addr(secure.Listener), sshServer)

	for _, url := range []string{plain.URL, plain.URL + "/elsewhere", secure.URL} {
		request, err := http.NewRequestWithContext(t.Context(), "GET", url+"/", nil)
		if err != nil {
			t.Fatal(err)
		}
		request.Host = "site.example"
		transport := secure.Client().Transport.(*http.Transport).Clone()
		transport.TLSClientConfig.ServerName, transport.TLSClientConfig.InsecureSkipVerify = "site.example", true
		r, err := (&http.Client{Transport: transport}).Do(request)
		if err != nil {
			t.Fatal(err)
		}
		io.Copy(io.Discard, r.Body)
		r.Body.Close()
		transport.CloseIdleConnections()
	}
	client, err := ssh.Dial("tcp", sshServer.String(), &ssh.ClientConfig{User: "nobody", HostKeyCallback: ssh.InsecureIgnoreHostKey()})
	if err != nil {
		t.Fatal(err)
	}
	client.Close()

	got := map[string]string{} // the last of each kind
	var names []string
	for _, o := range watch(t, stop()) {
		names = append(names, fmt.Sprint(o.Probe, " ", o.Host.Name, " ", o.Status))
		for _, f := range fingerprints.Of(o) {
			got[string(f.Kind)] = f.Value
		}
	}
	slices.Sort(names)
	if want := []string{"http site.example ok", "ssh  ok", "tcp  ok", "tcp  ok", "tcp  ok", "tls site.example ok"}; !slices.Equal(names, want) {
		t.Errorf("observations %q, want %q", names, want)
	}
	sum := sha256.Sum256(secure.Certificate().Raw)
	for kind, want := range map[string]string{
		"http.server":  "harbour",
		"http.title":   "of {host}",
		"cert.sha256":  hex.EncodeToString(sum[:]),
		"ssh.banner":   "harbour",
		"ssh.host_key": ssh.FingerprintSHA256(signer.PublicKey()),
	} {
		if got[kind] != want {
			t.Errorf("%s is %q, want %q", kind, got[kind], want)
		}
	}
	for kind := range got {
		if kind == "tls.server" || kind == "jarm" {
			t.Errorf("%s out of an ordinary client's connection", kind)
		}
	}
}
