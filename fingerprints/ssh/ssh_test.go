package ssh

import (
	"encoding/base64"
	"encoding/json"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"unicode/utf8"

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

func TestBanner(t *testing.T) {
	for line, want := range map[string]string{
		"SSH-2.0-OpenSSH_9.2p1 Debian-2\r\n":      "OpenSSH_9.2p1 Debian-2",
		"SSH-2.0-x\n":                             `x\n`,
		"SSH-1.99-Cisco-1.25\n":                   `1.99-Cisco-1.25\n`,
		"SSH-2.0-a\x1b[31m\x00\u202e\"\\\xff\r\n": `a\x1b[31m\x00\u202e"\\\xff`,
		"SSH-2.0-unended":                         "",
		"":                                        "",
	} {
		if got := banner([]byte(line)); got != want {
			t.Errorf("%q: %q, want %q", line, got, want)
		}
	}
	long := banner([]byte("SSH-2.0-" + strings.Repeat("é", 400) + "\r\n"))
	other := banner([]byte("SSH-2.0-" + strings.Repeat("é", 400) + "x\r\n"))
	if len(long) > value.Max || !utf8.ValidString(long) || long == other {
		t.Errorf("%d bytes: %q", len(long), long)
	}
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
