package lab

import (
	"bufio"
	"bytes"
	"crypto/tls"
	"encoding/hex"
	"errors"
	"io"
	"net"
	"net/http"
	"net/netip"
	"os/exec"
	"runtime"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"golang.org/x/crypto/ssh"

	"github.com/hostkin/hostkin/internal/livetest"
)

func demo(t *testing.T, seed uint64) *Town {
	t.Helper()
	if runtime.GOOS != "linux" {
		t.Skip("only Linux has all of 127.0.0.0/8")
	}
	town, err := Demo(seed)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := town.Close(); err != nil {
			t.Error(err)
		}
	})
	return town
}

// face is what a host shows to plain clients.
type face struct {
	HostKeys string // ed25519
	Banner   string
	Leaf     string // hex of the certificate
	Version  uint16
	Issuer   string
	Subject  string
	Page     string // over TLS
	Header   string // names, over TLS
	Plain    bool   // the HTTP port is open
}

func look(t *testing.T, at netip.Addr) face {
	t.Helper()
	var f face
	config := &ssh.ClientConfig{
		HostKeyAlgorithms: []string{ssh.KeyAlgoED25519},
		HostKeyCallback: func(_ string, _ net.Addr, key ssh.PublicKey) error {
			f.HostKeys = ssh.FingerprintSHA256(key)
			return errors.New("enough")
		},
	}
	if conn, err := net.Dial("tcp", netip.AddrPortFrom(at, portSSH).String()); err == nil {
		r := bufio.NewReader(conn)
		f.Banner, _ = r.ReadString('\n')
		conn.Close()
		if _, err := ssh.Dial("tcp", netip.AddrPortFrom(at, portSSH).String(), config); err == nil {
			t.Errorf("%v: lets strangers in", at)
		}
	}
	c, err := tls.Dial("tcp", netip.AddrPortFrom(at, portTLS).String(), &tls.Config{InsecureSkipVerify: true})
	if err == nil {
		state := c.ConnectionState()
		f.Leaf, f.Version = hex.EncodeToString(state.PeerCertificates[0].Raw), state.Version
		f.Issuer, f.Subject = state.PeerCertificates[0].Issuer.String(), state.PeerCertificates[0].Subject.String()
		if state.NegotiatedProtocol != "h2" {
			f.Header, f.Page = get(t, c, "/")
		}
		c.Close()
	} else if !errors.As(err, new(*net.OpError)) {
		t.Errorf("%v: %v", at, err)
	}
	if conn, err := net.Dial("tcp", netip.AddrPortFrom(at, portHTTP).String()); err == nil {
		f.Plain = true
		for _, path := range []string{"/", "/favicon.ico", "/no-such-path"} { // one connection
			get(t, conn, path)
		}
		conn.Close()
	}
	return f
}

// get asks for path and returns the names of the fields in wire order and the
// body.
func get(t *testing.T, c net.Conn, path string) (header, body string) {
	t.Helper()
	if _, err := io.WriteString(c, "GET "+path+" HTTP/1.1\r\nHost: x\r\n\r\n"); err != nil {
		t.Fatal(err)
	}
	var raw bytes.Buffer
	response, err := http.ReadResponse(bufio.NewReader(io.TeeReader(c, &raw)), nil)
	if err != nil {
		t.Fatalf("%v %s: %v", c.RemoteAddr(), path, err)
	}
	content, err := io.ReadAll(response.Body)
	if err != nil {
		t.Fatalf("%v %s: %v", c.RemoteAddr(), path, err)
	}
	head, _, _ := strings.Cut(raw.String(), "\r\n\r\n")
	var names []string
	for _, line := range strings.Split(head, "\r\n")[1:] {
		name, _, _ := strings.Cut(line, ":")
		names = append(names, name)
	}
	return strings.Join(names, ":"), string(content)
}

func TestDemoIsWhatItSays(t *testing.T) {
	town := demo(t, 1)
	if n := len(town.Truth); n < 60 || n > 120 {
		t.Errorf("%d hosts", n)
	}
	faces := map[netip.Addr]face{}
	kinds := map[Role]int{}
	for at, role := range town.Truth {
		faces[at] = look(t, at)
		kinds[role]++
	}
	seed := faces[town.Seed]
	if role := town.Truth[town.Seed]; role != (Role{"ferrum", Golden}) || seed.HostKeys == "" || seed.Leaf == "" || !seed.Plain {
		t.Fatalf("the seed is %+v and shows %+v", role, seed)
	}
	for _, kind := range []Role{{"ferrum", Golden}, {"ferrum", Drifted}, {"ferrum", Rekeyed}, {"kestrel", Golden}, {"", CDN}, {"", NearMiss}, {"", Stranger}} {
		if kinds[kind] == 0 {
			t.Errorf("nobody is %+v", kind)
		}
	}
	if got, want := len(town.Provider("ferrum")), kinds[Role{"ferrum", Golden}]+kinds[Role{"ferrum", Drifted}]+kinds[Role{"ferrum", Rekeyed}]; got != want {
		t.Errorf("Provider lists %d hosts of %d", got, want)
	}
	changed := 0
	for at, role := range town.Truth {
		f := faces[at]
		cloned, named, paneled := f.HostKeys == seed.HostKeys, f.Issuer == seed.Issuer, f.Page == seed.Page && f.Header == seed.Header
		open := f.HostKeys != "" && f.Leaf != "" && f.Plain
		switch {
		case role == Role{"ferrum", Golden}:
			if !cloned || !named || !paneled || !open {
				t.Errorf("golden %v: %+v", at, f)
			}
		case role == Role{"ferrum", Rekeyed}:
			if cloned || f.HostKeys == "" || !named || !paneled || !open {
				t.Errorf("re-keyed %v: %+v", at, f)
			}
		case role == Role{"ferrum", Drifted}:
			if !cloned && f.HostKeys != "" || !named && f.Leaf != "" || paneled && open {
				t.Errorf("drifted %v: %+v", at, f)
			}
			changed++
		case cloned || named || paneled:
			t.Errorf("%+v %v shares with ferrum: %+v", role, at, f)
		case role.Kind == NearMiss && (f.Banner != seed.Banner || f.Version != seed.Version):
			t.Errorf("near miss %v misses: %+v", at, f)
		}
		if at != town.Seed && f.Leaf == seed.Leaf {
			t.Errorf("%v has the seed's certificate", at)
		}
	}
	if changed < 4 {
		t.Errorf("%d drifted hosts", changed)
	}
	strangersDiffer(t, town, faces)
}

// strangersDiffer checks that no two hosts without kin share what only kin
// share, but for the fronts' certificate.
func strangersDiffer(t *testing.T, town *Town, faces map[netip.Addr]face) {
	t.Helper()
	keys, leaves, subjects := map[string]netip.Addr{}, map[string]netip.Addr{}, map[string]netip.Addr{}
	fronts := map[string]int{}
	for at, role := range town.Truth {
		f := faces[at]
		if role.Kind == CDN {
			fronts[f.Leaf]++
			continue
		}
		if role.Provider != "" {
			continue
		}
		for what, seen := range map[string]map[string]netip.Addr{"k" + f.HostKeys: keys, "l" + f.Leaf: leaves, "s" + f.Subject: subjects} {
			if other, ok := seen[what]; ok && len(what) > 1 {
				t.Errorf("%v and %v share %.60s", at, other, what)
			}
			seen[what] = at
		}
	}
	if len(fronts) != 1 {
		t.Errorf("the fronts hold %d certificates", len(fronts))
	}
}

func TestDemoIsTheSameEveryTime(t *testing.T) {
	one, two, other := demo(t, 7), demo(t, 7), demo(t, 8)
	if one.Within == two.Within {
		t.Fatalf("two towns in %s", one.Within)
	}
	differ := 0
	for at, role := range one.Truth {
		move := func(town *Town) netip.Addr {
			b := at.As4()
			b[2] = town.Seed.As4()[2]
			return netip.AddrFrom4(b)
		}
		twin := move(two)
		if two.Truth[twin] != role {
			t.Fatalf("%v is %+v, its twin %+v", at, role, two.Truth[twin])
		}
		if other.Truth[move(other)] != role {
			differ++
		}
		if at.As4()[3]%8 == 0 { // a sample
			if diff := cmp.Diff(look(t, at), look(t, twin)); diff != "" {
				t.Errorf("%v and its twin differ:\n%s", at, diff)
			}
		}
	}
	if differ == 0 {
		t.Error("another seed gives the same town")
	}
}

func TestHTTP2(t *testing.T) {
	curl := livetest.Need(t, "curl")
	town := demo(t, 1)
	for at, role := range town.Truth {
		if role.Kind != CDN {
			continue
		}
		out, err := exec.CommandContext(t.Context(), curl, "-sk", "--http2", "--noproxy", "*", "-w", "%{http_version} %{http_code}", "https://"+netip.AddrPortFrom(at, portTLS).String()+"/").CombinedOutput()
		if err != nil || !strings.HasSuffix(string(out), "2 409") || !strings.Contains(string(out), "No such zone") {
			t.Errorf("%v: %s", err, out)
		}
		return
	}
}

func TestCloseLeavesNothingBehind(t *testing.T) {
	before := runtime.NumGoroutine()
	town := demo(t, 3)
	for _, port := range []uint16{portSSH, portTLS, portHTTP} { // clients that stay
		conn, err := net.Dial("tcp", netip.AddrPortFrom(town.Seed, port).String())
		if err != nil {
			t.Fatal(err)
		}
		defer conn.Close()
	}
	done := make(chan error, 1)
	go func() { done <- errors.Join(town.Close(), town.Close()) }()
	select {
	case err := <-done:
		if err != nil {
			t.Error(err)
		}
	case <-time.After(stuck):
		t.Fatal("Close hangs")
	}
	nothingRuns(t, before)
	if _, err := net.Dial("tcp", netip.AddrPortFrom(town.Seed, portSSH).String()); err == nil {
		t.Error("still listening")
	}
}
