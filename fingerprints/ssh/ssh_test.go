package ssh

import (
	"encoding/base64"
	"encoding/json"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"golang.org/x/crypto/ssh"

	"github.com/hostkin/hostkin/fingerprints/value"
	"github.com/hostkin/hostkin/internal/livetest"
	"github.com/hostkin/hostkin/scanner/record"
)

func answer(tb testing.TB, name string) *record.SSH {
	tb.Helper()
	b, err := os.ReadFile(filepath.Join("testdata", name+".json"))
	if err != nil {
		tb.Fatal(err)
	}
	s := new(record.SSH)
	if err := json.Unmarshal(b, s); err != nil {
		tb.Fatal(err)
	}
	return s
}

func values(pairs []value.Pair, kind string) (out []string) {
	for _, p := range pairs {
		if p.Kind == kind {
			out = append(out, p.Value)
		}
	}
	return out
}

// The HASSH vectors were measured with other tools on the same versions.
func TestVectors(t *testing.T) {
	for name, want := range map[string]struct{ hassh, banner string }{
		"openssh":  {"425d29fe50d8e4f5e37efb6e24bcf660", "OpenSSH_9.2p1 Debian-2+deb12u10"},
		"dropbear": {"e1a0b5f8d334ec70fe937b2d5ff8d0b6", "dropbear_2022.83"},
		"xcrypto":  {"aaf4d60446a0aaf10b3ab9b501328ff7", "Go"},
	} {
		got := Of(answer(t, name))
		if diff := cmp.Diff([]string{want.hassh}, values(got, HASSHServer)); diff != "" {
			t.Errorf("%s HASSH:\n%s", name, diff)
		}
		if diff := cmp.Diff([]string{want.banner}, values(got, Banner)); diff != "" {
			t.Errorf("%s banner:\n%s", name, diff)
		}
	}
}

func TestHostKeysReadAsSSHKeygenPrintsThem(t *testing.T) {
	keygen := livetest.Need(t, "ssh-keygen")
	for _, name := range []string{"openssh", "dropbear", "xcrypto", "openssh-certificate"} {
		s := answer(t, name)
		var want []string
		for _, k := range s.HostKeys {
			pub, err := ssh.ParsePublicKey(k.Blob)
			if err != nil {
				t.Fatal(err)
			}
			file := filepath.Join(t.TempDir(), "key.pub")
			line := pub.Type() + " " + base64.StdEncoding.EncodeToString(k.Blob) + "\n"
			if err := os.WriteFile(file, []byte(line), 0o600); err != nil {
				t.Fatal(err)
			}
			out, err := exec.Command(keygen, "-l", "-f", file).Output()
			if err != nil {
				t.Fatal(err)
			}
			want = append(want, strings.Fields(string(out))[1])
		}
		if diff := cmp.Diff(want, values(Of(s), HostKey)); diff != "" {
			t.Errorf("%s (-ssh-keygen +ours):\n%s", name, diff)
		}
	}
}

// The lists that salesforce/hassh prints for CyberDuck 6.7.1 and their digest:
// client and server differ in which lists go in, not in how.
func TestHASSHAsPublished(t *testing.T) {
	list := func(s string) []string { return strings.Split(s, ",") }
	k := &record.KEXINIT{
		Kex: list("curve25519-sha256@libssh.org,diffie-hellman-group-exchange-sha256,ecdh-sha2-nistp521,ecdh-sha2-nistp384," +
			"ecdh-sha2-nistp256,diffie-hellman-group-exchange-sha1,diffie-hellman-group1-sha1,diffie-hellman-group14-sha1," +
			"diffie-hellman-group14-sha256,diffie-hellman-group15-sha512,diffie-hellman-group16-sha512," +
			"diffie-hellman-group17-sha512,diffie-hellman-group18-sha512,diffie-hellman-group14-sha256@ssh.com," +
			"diffie-hellman-group15-sha256,diffie-hellman-group15-sha256@ssh.com,diffie-hellman-group15-sha384@ssh.com," +
			"diffie-hellman-group16-sha256,diffie-hellman-group16-sha384@ssh.com,diffie-hellman-group16-sha512@ssh.com," +
			"diffie-hellman-group18-sha512@ssh.com"),
		EncS2C: list("aes128-cbc,aes128-ctr,aes192-cbc,aes192-ctr,aes256-cbc,aes256-ctr,blowfish-cbc,blowfish-ctr,cast128-cbc," +
			"cast128-ctr,idea-cbc,idea-ctr,serpent128-cbc,serpent128-ctr,serpent192-cbc,serpent192-ctr,serpent256-cbc," +
			"serpent256-ctr,3des-cbc,3des-ctr,twofish128-cbc,twofish128-ctr,twofish192-cbc,twofish192-ctr,twofish256-cbc," +
			"twofish256-ctr,twofish-cbc,arcfour,arcfour128,arcfour256"),
		MacS2C:  list("hmac-sha1,hmac-sha1-96,hmac-md5,hmac-md5-96,hmac-sha2-256,hmac-sha2-512"),
		CompS2C: list("zlib@openssh.com,zlib,none"),
	}
	got := Of(&record.SSH{KEXINIT: k})
	for _, kind := range []string{HASSHServer, HASSHNormal} {
		if diff := cmp.Diff([]string{"8a8ae540028bf433cd68356c1b9e8d5b"}, values(got, kind)); diff != "" {
			t.Errorf("%s:\n%s", kind, diff)
		}
	}
}

// What a client may send is not in a server's HASSH: those lists show in
// ssh.kexinit alone.
func TestHASSHIsServerToClient(t *testing.T) {
	before, after := answer(t, "openssh"), answer(t, "openssh")
	k := after.KEXINIT
	k.EncC2S, k.MacC2S, k.CompC2S, k.LangC2S, k.LangS2C, k.HostKey = []string{"a"}, []string{"b"}, []string{"c"}, []string{"d"}, []string{"e"}, []string{"f"}
	a, b := Of(before), Of(after)
	for kind, same := range map[string]bool{HASSHServer: true, HASSHNormal: true, KEXINIT: false} {
		if (values(a, kind)[0] == values(b, kind)[0]) != same {
			t.Errorf("%s: equal is not %v", kind, same)
		}
	}
}

// A patch that adds strict key exchange changes HASSH; the normal one stays.
func TestPatchingKeepsTheNormalHASSH(t *testing.T) {
	before, after := answer(t, "openssh"), answer(t, "openssh")
	var kex []string
	for _, name := range before.KEXINIT.Kex {
		if name != "kex-strict-s-v00@openssh.com" {
			kex = append(kex, name)
		}
	}
	before.KEXINIT.Kex = kex
	after.KEXINIT.Kex = append([]string{"ext-info-s", "Grease-1f@example.com"}, after.KEXINIT.Kex...)
	a, b := Of(before), Of(after)
	if values(a, HASSHServer)[0] == values(b, HASSHServer)[0] || values(a, KEXINIT)[0] == values(b, KEXINIT)[0] {
		t.Error("the exact digests do not see the patch")
	}
	if values(a, HASSHNormal)[0] != values(b, HASSHNormal)[0] || values(a, HASSHNormal)[0] != values(a, HASSHServer)[0] {
		t.Error("the normal HASSH sees the patch")
	}
}

func TestKEXINITSeesEveryListAndTheOrder(t *testing.T) {
	seen := map[string]bool{}
	try := func(name string, change func(*record.KEXINIT)) {
		s := answer(t, "openssh")
		change(s.KEXINIT)
		v := values(Of(s), KEXINIT)[0]
		if seen[v] || len(v) != 32 {
			t.Errorf("%s: %q is not new", name, v)
		}
		seen[v] = true
	}
	try("as it is", func(*record.KEXINIT) {})
	try("kex", func(k *record.KEXINIT) { k.Kex = k.Kex[1:] })
	try("host key", func(k *record.KEXINIT) { k.HostKey = k.HostKey[1:] })
	try("order", func(k *record.KEXINIT) { k.HostKey[0], k.HostKey[1] = k.HostKey[1], k.HostKey[0] })
	try("enc c2s", func(k *record.KEXINIT) { k.EncC2S = k.EncC2S[1:] })
	try("enc s2c", func(k *record.KEXINIT) { k.EncS2C = k.EncS2C[1:] })
	try("mac c2s", func(k *record.KEXINIT) { k.MacC2S = k.MacC2S[1:] })
	try("mac s2c", func(k *record.KEXINIT) { k.MacS2C = k.MacS2C[1:] })
	try("comp c2s", func(k *record.KEXINIT) { k.CompC2S = nil })
	try("comp s2c", func(k *record.KEXINIT) { k.CompS2C = nil })
	try("lang c2s", func(k *record.KEXINIT) { k.LangC2S = []string{"en"} })
	try("lang s2c", func(k *record.KEXINIT) { k.LangS2C = []string{"en"} })
	try("guess", func(k *record.KEXINIT) { k.FirstKexFollows = true })
}

func TestOnlyWhatWasSeen(t *testing.T) {
	if got := Of(nil); got != nil {
		t.Errorf("nil: %v", got)
	}
	s := &record.SSH{Raw: []byte("HTTP/1.1 400"), HostKeys: []record.HostKey{
		{Algorithm: "ssh-rsa", Status: record.Timeout},
		{Algorithm: "ssh-ed25519", Status: record.OK, Blob: []byte("k")},
		{Algorithm: "x", Status: record.OK, Blob: []byte("k")},
	}}
	if diff := cmp.Diff([]value.Pair{{Kind: HostKey, Value: "SHA256:glTDKakoUPbVOd03b0gW7idkUX2l4CNVFK9DMWRIDXo"}}, Of(s)); diff != "" {
		t.Error(diff)
	}
}
