package cluster

import (
	"fmt"
	"maps"
	"slices"
	"strings"
	"testing"

	"github.com/hostkin/hostkin/fingerprints"
)

// A link is the closest relation that the evidence shows, with the reasons for it.
func TestTypesOfLinks(t *testing.T) {
	type values = map[fingerprints.Kind]string
	key, cert := values{"ssh.host_key": "SHA256:same"}, values{"cert.sha256": "same"}
	image := values{"http.title_pattern": "Odd panel", "http.header_order": "odd", "ssh.kexinit": "odd"}
	names := values{"cert.issuer": "CN=Odd CA", "cert.subject": "CN=odd"}
	merged := func(list ...values) values {
		out := values{}
		for _, v := range list {
			maps.Copy(out, v)
		}
		return out
	}
	for _, test := range []struct {
		name        string
		seed, other values
		want        LinkType
		reason      string // the first
	}{
		{"all alike", merged(key, cert, image, names), merged(key, cert, image, names), SameMachine, "ssh.host_key"},
		{"the key alone", key, key, SameMachine, "ssh.host_key"},
		{"the key and another certificate", merged(key, cert, image), merged(key, values{"cert.sha256": "other"}, image), SameImage, ""},
		{"the key and another image", merged(key, image), merged(key, values{"http.title_pattern": "Shop", "http.header_order": "even", "ssh.kexinit": "other"}), SameOperator, "ssh.host_key"},
		{"the certificate alone", cert, cert, SameOperator, "cert.sha256"},
		{"another key, set up alike", merged(image, values{"ssh.host_key": "a"}), merged(image, values{"ssh.host_key": "b"}), SameImage, ""},
		{"names alone", names, names, SameOperator, "cert.issuer"},
		{"a page alone", values{"http.title_pattern": "Odd panel"}, values{"http.title_pattern": "Odd panel"}, SameImage, "http.title_pattern"},
		{"nothing", values{"jarm": "a"}, values{"jarm": "b"}, "", ""},
	} {
		got := among(t, test.seed, test.other)
		if got.Link.Type != test.want {
			t.Errorf("%s: %q (%v), want %q: %s, %+v", test.name, got.Link.Type, got.Link.Reasons, test.want, got.Verdict, got.Against)
		}
		if (len(got.Link.Reasons) == 0) != (test.want == "") || test.want != "" && !strings.HasPrefix(string(got.Link.Reasons[0]), test.reason) {
			t.Errorf("%s: reasons %q, want %q first", test.name, got.Link.Reasons, test.reason)
		}
		for _, r := range got.Link.Reasons {
			shared := slices.Concat(got.Evidence, got.Also)
			if !slices.ContainsFunc(shared, func(e Evidence) bool { return e.Kind == r }) {
				t.Errorf("%s: %q is no evidence", test.name, r)
			}
		}
	}
}

// One more host key is another machine, whatever the first says.
func TestAMachineHasAllItsKeys(t *testing.T) {
	c := &crowd{}
	for n := range 50 {
		c.set(n, 22, "ssh.host_key", fmt.Sprint("SHA256:", max(n, 2)))
	}
	if k := find(t, must(Kinship([]string{addrOf(0)}, c.hosts(), Options{})), 1); k.Link.Type != SameMachine {
		t.Errorf("with one key: %+v", k.Link)
	}
	c.set(1, 22, "ssh.host_key", "SHA256:another")
	if k := find(t, must(Kinship([]string{addrOf(0)}, c.hosts(), Options{})), 1); k.Verdict != VerdictKin || k.Link.Type != SameOperator {
		t.Errorf("with a second key: %s, %+v", k.Verdict, k.Link)
	}
}
