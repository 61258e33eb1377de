package cluster

import (
	"fmt"
	"slices"
	"testing"

	"github.com/hostkin/hostkin/fingerprints"
)

// among builds a seed (host 0), a candidate (host 1) and strangers with values
// of their own for every kind that either has, and returns the judgement of
// the candidate.
func among(t *testing.T, seed, candidate map[fingerprints.Kind]string) Kin {
	t.Helper()
	c := &crowd{}
	for kind, value := range seed {
		c.set(0, 443, kind, value)
	}
	for kind, value := range candidate {
		c.set(1, 443, kind, value)
	}
	for n := 2; n < 120; n++ {
		for kind := range seed {
			c.set(n, 443, kind, fmt.Sprint("own ", n))
		}
	}
	return find(t, must(Kinship([]string{addrOf(0)}, c.hosts(), Options{})), 1)
}

func conflicts(k Kin) (kinds []fingerprints.Kind) {
	for _, c := range k.Against {
		kinds = append(kinds, c.Kind)
	}
	slices.Sort(kinds)
	return kinds
}

func shape(key, self string) string {
	return "v3 issuer=2.5.4.3 subject=2.5.4.3 ext= key=" + key + " sig=1.2.3 valid=1 from=day serial=8 self=" + self
}

func TestConflictsOfOneEventCountOnce(t *testing.T) {
	seed := map[fingerprints.Kind]string{"cert.shape": shape("rsa2048", "no"), "cert.subject": "CN=a", "cert.issuer": "CN=x",
		"jarm": "one", "http.title_pattern": "Panel", "http.header_order": "odd", "ssh.kexinit": "k"}
	other := map[fingerprints.Kind]string{"cert.shape": shape("rsa4096", "no"), "cert.subject": "CN=b", "cert.issuer": "CN=y",
		"jarm": "two", "http.title_pattern": "Shop", "http.header_order": "even", "ssh.kexinit": "k"}
	got := among(t, seed, other)
	if families := len(got.Against); families != 4 { // certificate with names, tls, content, http
		t.Errorf("%d conflicts %v, want one each of the certificate, TLS, page and headers", families, conflicts(got))
	}
	seed["ssh.host_key"], other["ssh.host_key"] = "SHA256:same", "SHA256:same"
	got = among(t, seed, other)
	if len(got.Against) != 1 || got.Verdict != VerdictKin {
		t.Errorf("with the same host key: %s against %v, want kin: its web server was replaced, which is one event", got.Verdict, conflicts(got))
	}
}

func TestDifferencesThatFollowFromOthers(t *testing.T) {
	tests := []struct {
		name        string
		seed, other map[fingerprints.Kind]string
		not         fingerprints.Kind // does not speak against
	}{
		{"the issuer of self-signed certificates",
			map[fingerprints.Kind]string{"cert.shape": shape("rsa2048", "yes"), "cert.issuer": "CN=a"},
			map[fingerprints.Kind]string{"cert.shape": shape("rsa2048", "yes"), "cert.issuer": "CN=b"}, "cert.issuer"},
		{"the JARM of another type of key",
			map[fingerprints.Kind]string{"cert.shape": shape("rsa2048", "no"), "jarm": "a"},
			map[fingerprints.Kind]string{"cert.shape": shape("ec1.2.840.10045.3.1.7", "no"), "jarm": "b"}, "jarm"},
		{"a title with a host name",
			map[fingerprints.Kind]string{"http.title": "host-1 is ready", "http.title_pattern": "host-# is ready"},
			map[fingerprints.Kind]string{"http.title": "host-2 is ready", "http.title_pattern": "host-# is ready"}, "http.title"},
		{"another host key",
			map[fingerprints.Kind]string{"ssh.host_key": "a", "ssh.banner": "x"},
			map[fingerprints.Kind]string{"ssh.host_key": "b", "ssh.banner": "x"}, "ssh.host_key"},
	}
	for _, tt := range tests {
		if got := among(t, tt.seed, tt.other); slices.Contains(conflicts(got), tt.not) {
			t.Errorf("%s: against %v", tt.name, conflicts(got))
		}
	}
	ca := func(cn string) map[fingerprints.Kind]string {
		return map[fingerprints.Kind]string{"cert.shape": shape("rsa2048", "no"), "cert.issuer": cn}
	}
	if got := among(t, ca("CN=a"), ca("CN=b")); !slices.Contains(conflicts(got), "cert.issuer") {
		t.Errorf("another CA: against %v, want cert.issuer", conflicts(got))
	}
}

// A customer of two hosters takes his certificate with him.
func TestPublicCertificateAloneIsNotClean(t *testing.T) {
	both := map[fingerprints.Kind]string{"cert.sha256": "same", "cert.issuer": "C=US,O=Let's Encrypt,CN=R3", "cert.subject": "CN=shop"}
	if got := among(t, both, both); got.Verdict != VerdictPossible {
		t.Errorf("a public CA's certificate alone: %s with %.1f bits, want possible", got.Verdict, got.Bits)
	}
	both["cert.issuer"] = "CN=Odd CA"
	if got := among(t, both, both); got.Verdict != VerdictKin {
		t.Errorf("a private CA's: %s with %.1f bits, want kin", got.Verdict, got.Bits)
	}
}

// Near misses run a provider's software with its settings: the second software
// value tells nothing to one who knows the first.
func TestSoftwareComesTogether(t *testing.T) {
	c := &crowd{}
	for n := range 200 {
		own := fmt.Sprint("own ", n)
		jarm, order, issuer := own, own, own
		if n < 24 {
			jarm, order = "odd", "odd"
		}
		if n < 8 {
			issuer = "CN=Provider CA"
		}
		c.set(n, 443, "jarm", jarm)
		c.set(n, 443, "http.header_order", order)
		c.set(n, 443, "cert.issuer", issuer)
		c.set(n, 443, "cert.subject", "CN="+issuer)
	}
	kin := must(Kinship([]string{addrOf(0)}, c.hosts(), Options{}))
	for n := 1; n < 24; n++ {
		want := n < 8
		if got := find(t, kin, n); (got.Verdict == VerdictKin) != want {
			t.Errorf("host %d (kin: %v) is %s with %.1f bits: %+v", n, want, got.Verdict, got.Bits, got.Evidence)
		}
	}
}

// What kin say with one and the same certificate is no further evidence, but it
// does show that they always say it: a host that says otherwise differs.
func TestRestatedAnswersTeachFaithfulness(t *testing.T) {
	c := &crowd{}
	for n := range 120 {
		cert, subject := fmt.Sprint("cert ", n), fmt.Sprint("CN=", n)
		if n < 20 {
			cert, subject = "one for all", "CN=provider"
		}
		c.set(n, 443, "cert.sha256", cert)
		c.set(n, 443, "cert.subject", subject)
	}
	got := find(t, must(Kinship([]string{addrOf(0)}, c.hosts(), Options{})), 50)
	if len(got.Against) != 1 || got.Against[0].Bits > -3 {
		t.Errorf("against %+v, want the subject with 3 bits or more", got.Against)
	}
}

// A server that takes one of the five hellos differently is nearer than one
// that takes two, and a hello that was not answered says nothing.
func TestTLSComponentsAreGraded(t *testing.T) {
	hellos := []fingerprints.Kind{"tls.server.c", "tls.server.a", "tls.server.d", "tls.server.e", "tls.server.b"}
	seed := map[fingerprints.Kind]string{"tls.server": "whole", "ssh.kexinit": "k"}
	for _, h := range hellos {
		seed[h] = "seed's " + string(h)
	}
	last := among(t, seed, seed).Bits
	for differ := range len(hellos) {
		other := map[fingerprints.Kind]string{"tls.server": "another", "ssh.kexinit": "k"}
		for i, h := range hellos {
			other[h] = seed[h]
			if i >= len(hellos)-differ-1 {
				other[h] = "other"
			}
		}
		got := among(t, seed, other)
		if len(got.Against) != 1 || got.Against[0].Differ != differ+1 || got.Against[0].Of != 5 {
			t.Errorf("%d hellos differ: against %+v", differ+1, got.Against)
		}
		if got.Bits >= last {
			t.Errorf("%d hellos differ: %.2f bits, as many as with fewer (%.2f)", differ+1, got.Bits, last)
		}
		last = got.Bits
	}
	unknown := map[fingerprints.Kind]string{"tls.server.c": seed["tls.server.c"], "ssh.kexinit": "k"}
	if got := among(t, seed, unknown); len(got.Against) > 0 {
		t.Errorf("four hellos without an answer speak against: %+v", got.Against)
	}
}

func TestTLSOfAnotherKeyIsNoDifference(t *testing.T) {
	one := map[fingerprints.Kind]string{"cert.shape": shape("rsa2048", "no"), "tls.server.c": "a", "ssh.kexinit": "k"}
	two := map[fingerprints.Kind]string{"cert.shape": shape("ec1.2.840.10045.3.1.7", "no"), "tls.server.c": "b", "ssh.kexinit": "k"}
	if got := among(t, one, two); slices.Contains(conflicts(got), "tls.server.c") {
		t.Errorf("against %v: one server answers so by the type of its key", conflicts(got))
	}
}

// What a service says tells of its software, what it calls itself of who runs it.
func TestServicesAreSoftware(t *testing.T) {
	table := must(Defaults())
	for kind, want := range map[fingerprints.Kind]bool{"smtp.greeting": true, "ftp.features": true, "banner": true, "ssh.kexinit": true, "mail.domain": false, "cert.subject": false} {
		if table.software(feature{kind, "x"}) != want {
			t.Errorf("%s: software %v, want %v", kind, !want, want)
		}
	}
}

// With --odd a kind answers several questions. Equal answers to one of them do
// not hide that another was answered differently, and one that was not asked
// says nothing.
func TestLabelledAnswersCompareWithTheirOwn(t *testing.T) {
	table := must(Defaults())
	list := func(values ...string) (out []fingerprints.Fingerprint) {
		for _, v := range values {
			out = append(out, fingerprints.Fingerprint{Port: 80, Kind: "http.error_page", Value: v})
		}
		return out
	}
	ours := list("404 own page", "coding:501 x", "lf:closed")
	for _, test := range []struct {
		theirs []fingerprints.Fingerprint
		other  []string
	}{
		{list("404 own page", "coding:501 x", "lf:closed"), nil},
		{list("404 another", "coding:501 x"), []string{"404 another"}},
		{list("404 own page", "coding:400 y", "lf:200 z"), []string{"coding:400 y", "lf:200 z"}},
		{list("method:501 x"), nil},
	} {
		var got []string
		for _, d := range table.differences("http.error_page", ours, test.theirs) {
			got = append(got, d.other)
		}
		if !slices.Equal(got, test.other) {
			t.Errorf("%v: differs in %q, want %q", test.theirs, got, test.other)
		}
	}
}
