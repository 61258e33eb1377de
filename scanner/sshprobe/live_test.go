package sshprobe

import (
	"encoding/base64"
	"net/netip"
	"os/exec"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"golang.org/x/crypto/ssh"

	"github.com/hostkin/hostkin/internal/livetest"
	"github.com/hostkin/hostkin/scanner/record"
)

func found(t *testing.T, s *record.SSH) []string {
	t.Helper()
	if s == nil {
		t.Fatal("no answer")
	}
	var keys []string
	for _, k := range s.HostKeys {
		if k.Status != record.OK {
			t.Errorf("%s: %s", k.Algorithm, k.Status)
			continue
		}
		pub, err := ssh.ParsePublicKey(k.Blob)
		if err != nil {
			t.Fatalf("%s: %v", k.Algorithm, err)
		}
		keys = append(keys, pub.Type()+" "+base64.StdEncoding.EncodeToString(k.Blob))
	}
	slices.Sort(keys)
	return keys
}

func TestHostKeysEqualThoseOfSSHKeyscan(t *testing.T) {
	all := []string{"rsa", "ecdsa", "ed25519"}
	for name, start := range map[string]func(*testing.T) netip.AddrPort{
		"openssh":      func(t *testing.T) netip.AddrPort { return startSSHD(t, "127.0.0.1", all) },
		"openssh-ipv6": func(t *testing.T) netip.AddrPort { return startSSHD(t, "::1", all) },
		"dropbear":     func(t *testing.T) netip.AddrPort { return startDropbear(t, all) },
		"openssh-rsa":  func(t *testing.T) netip.AddrPort { return startSSHD(t, "127.0.0.1", []string{"rsa"}) },
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			addr := start(t)
			want := livetest.Keyscan(t, addr)
			a, status, said := probe(t, Probe{Contact: "https://example.org/scan"}, addr, record.Answer{})
			if status != record.OK {
				t.Errorf("status %s", status)
			}
			if diff := cmp.Diff(want, found(t, a.SSH)); diff != "" {
				t.Errorf("keys differ from ssh-keyscan's (-keyscan +probe):\n%s", diff)
			}
			if len(said) != len(want) {
				t.Errorf("%d connections for %d keys", len(said), len(want))
			}
			if !strings.HasPrefix(name, "openssh-") {
				keep(t, name, said, a.SSH)
			}
		})
	}
}

func TestOldCiphersOnly(t *testing.T) {
	addr := startSSHD(t, "127.0.0.1", []string{"rsa", "ecdsa", "ed25519"}, "Ciphers 3des-cbc", "MACs hmac-sha1-96")
	a, status, said := probe(t, Probe{}, addr, record.Answer{})
	if status != record.OK || len(found(t, a.SSH)) != 3 || len(said) != 3 {
		t.Errorf("%s after %d connections: %+v", status, len(said), a.SSH)
	}
}

// Every key exchange method that we start brings the host key.
func TestEveryKexMethod(t *testing.T) {
	for _, method := range kexMethods() {
		if strings.HasPrefix(method, "mlkem") || strings.Contains(method, "group15") || strings.Contains(method, "group17") ||
			method == "sntrup761x25519-sha512" {
			continue // not in every packaged OpenSSH; see TestGoServer and the table of RFC 8268 names
		}
		t.Run(method, func(t *testing.T) {
			t.Parallel()
			addr := startSSHD(t, "127.0.0.1", []string{"ed25519", "ecdsa"}, "KexAlgorithms "+method)
			a, status, _ := probe(t, Probe{}, addr, record.Answer{})
			if status != record.OK || len(found(t, a.SSH)) != 2 {
				t.Errorf("%s, %+v", status, a.SSH.HostKeys)
			}
		})
	}
}

func TestFirstIsOneConnectionAndTheRestAsksOnlyForTheRest(t *testing.T) {
	addr := startSSHD(t, "127.0.0.1", []string{"rsa", "ecdsa", "ed25519"})
	a, status, said := probe(t, Probe{First: true}, addr, record.Answer{})
	if status != record.OK || len(said) != 1 {
		t.Fatalf("%s after %d connections", status, len(said))
	}
	if len(a.SSH.HostKeys) != 1 || a.SSH.HostKeys[0].Algorithm != "ssh-ed25519" {
		t.Errorf("first look brought %+v", a.SSH.HostKeys)
	}
	rest, status, said := probe(t, Probe{}, addr, a)
	if status != record.OK || len(said) != 2 {
		t.Fatalf("the rest: %s after %d connections", status, len(said))
	}
	if rest.SSH.Banner != nil || rest.SSH.KEXINIT != nil {
		t.Error("the rest repeats what was seen")
	}
	a.Merge(rest)
	if diff := cmp.Diff(livetest.Keyscan(t, addr), found(t, a.SSH)); diff != "" {
		t.Error(diff)
	}
	again, status, said := probe(t, Probe{}, addr, a)
	if len(said) != 0 || again.SSH != nil || status != record.OK {
		t.Errorf("asked again: %d connections, %+v, %s", len(said), again.SSH, status)
	}
}

func TestGoServer(t *testing.T) {
	for _, method := range []string{"", "mlkem768x25519-sha256"} {
		addr, key := startGo(t, method)
		a, status, said := probe(t, Probe{Contact: "https://example.org/scan"}, addr, record.Answer{})
		if status != record.OK || len(a.SSH.HostKeys) != 1 || string(a.SSH.HostKeys[0].Blob) != string(key.Marshal()) {
			t.Errorf("kex %q: %s, %+v", method, status, a.SSH)
		}
		if method == "" {
			keep(t, "xcrypto", said, a.SSH)
		}
	}
}

// A host certificate beside its key costs no connection of its own.
func TestHostCertificate(t *testing.T) {
	keygen := livetest.Need(t, "ssh-keygen")
	dir := t.TempDir()
	for _, args := range [][]string{
		{"-q", "-t", "ed25519", "-N", "", "-f", dir + "/ca"}, {"-q", "-t", "ed25519", "-N", "", "-f", dir + "/host"},
		{"-q", "-s", dir + "/ca", "-h", "-I", "host", dir + "/host.pub"},
	} {
		if out, err := exec.Command(keygen, args...).CombinedOutput(); err != nil {
			t.Fatalf("%v\n%s", err, out)
		}
	}
	addr := startSSHD(t, "127.0.0.1", nil, "HostKey "+dir+"/host", "HostCertificate "+dir+"/host-cert.pub")
	a, status, said := probe(t, Probe{}, addr, record.Answer{})
	if status != record.OK || len(said) != 1 || !slices.Contains(a.SSH.KEXINIT.HostKey, "ssh-ed25519-cert-v01@openssh.com") {
		t.Fatalf("%s after %d connections: %+v", status, len(said), a.SSH)
	}
	only := startSSHD(t, "127.0.0.1", nil, "HostKey "+dir+"/host", "HostCertificate "+dir+"/host-cert.pub",
		"HostKeyAlgorithms ssh-ed25519-cert-v01@openssh.com")
	a, status, said = probe(t, Probe{}, only, record.Answer{})
	if status != record.OK || a.SSH.HostKeys[0].Algorithm != "ssh-ed25519-cert-v01@openssh.com" {
		t.Errorf("certificate only: %s %+v", status, a.SSH)
	}
	keep(t, "openssh-certificate", said, a.SSH)
}
