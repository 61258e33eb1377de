package town

import (
	"bufio"
	"crypto/x509"
	"net"
	"net/netip"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/hostkin/hostkin/internal/livetest"
)

func mustDER(t *testing.T, public any) []byte {
	t.Helper()
	der, err := x509.MarshalPKIXPublicKey(public)
	if err != nil {
		t.Fatal(err)
	}
	return der
}

func needServers(t *testing.T) {
	t.Helper()
	for _, program := range []string{"nginx", "apache2", "haproxy", "lighttpd", "caddy", "stunnel4", "sshd", "dropbear", "dovecot", "vsftpd"} {
		livetest.Need(t, program)
	}
}

func TestATownStandsAndFalls(t *testing.T) {
	needServers(t)
	town, err := Start(t.Context(), Options{Seed: 11, Base: netip.MustParseAddr("127.31.0.0"), Dir: t.TempDir()})
	if err != nil {
		t.Fatal(err)
	}
	open := 0
	for a := range town.Truth {
		for _, port := range []uint16{DefaultPorts().SSH, DefaultPorts().TLS, DefaultPorts().HTTP} {
			if answers(netip.AddrPortFrom(a, port)) {
				open++
				break
			}
		}
	}
	if open != len(town.Truth) {
		t.Errorf("%d of %d hosts have a port open", open, len(town.Truth))
	}
	dir := town.dir
	if err := town.Close(); err != nil {
		t.Error(err)
	}
	for a := range town.Truth {
		for _, port := range []uint16{DefaultPorts().SSH, DefaultPorts().TLS, DefaultPorts().HTTP} {
			if answers(netip.AddrPortFrom(a, port)) {
				t.Errorf("%s:%d is still there after Close", a, port)
			}
		}
	}
	if _, err := os.Stat(dir); town.owned && err == nil {
		t.Errorf("%s is still there after Close", dir)
	}
}

func answers(at netip.AddrPort) bool {
	c, err := net.DialTimeout("tcp", at.String(), time.Second)
	if err == nil {
		c.Close()
	}
	return err == nil
}

// TestDropbearReadsItsKeys: the format is dropbear's own.
func TestDropbearReadsItsKeys(t *testing.T) {
	needServers(t)
	m := &machine{addr: netip.MustParseAddr("127.31.2.1"), ssh: &sshServer{product: dropbear, keys: &hostKeys{kinds: []string{"rsa2048", "p256", "ed25519"}}}}
	run(t, []*machine{m})
	c, err := net.Dial("tcp", netip.AddrPortFrom(m.addr, DefaultPorts().SSH).String())
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	line, err := bufio.NewReader(c).ReadString('\n')
	if err != nil || !strings.HasPrefix(line, "SSH-2.0-dropbear") {
		t.Errorf("%q, %v", line, err)
	}
}

func TestOnlyLoopback(t *testing.T) {
	for _, base := range []string{"192.0.2.0", "::1"} {
		if _, err := Start(t.Context(), Options{Base: netip.MustParseAddr(base)}); err == nil {
			t.Errorf("a town stands on %s", base)
		}
	}
}
