package cluster

import (
	"fmt"
	"slices"
	"testing"
)

// A host that is known to be no kin takes its values out of the evidence and
// those that share its key away from the seed.
func TestHostsThatAreNoKin(t *testing.T) {
	c := &crowd{}
	for n := range 100 {
		c.set(n, 22, "ssh.kexinit", "everybody's")
		if n > 5 {
			c.set(n, 443, "cert.issuer", fmt.Sprint("CN=", n))
			c.set(n, 80, "http.title", fmt.Sprint("page of ", n))
		}
	}
	for n := range 6 { // 0 is the seed; 3 to 5 are another provider with the same panel and CA
		c.set(n, 443, "cert.issuer", "CN=Odd CA")
		c.set(n, 80, "http.title", "Odd panel")
	}
	for n := range 3 {
		c.set(n, 22, "ssh.host_key", "SHA256:ours")
	}
	for n := 3; n < 6; n++ {
		c.set(n, 22, "ssh.host_key", "SHA256:theirs")
	}
	x := indexed(c.hosts())
	before := must(x.Kinship([]string{addrOf(0)}, Options{}))
	if k := find(t, before, 4); k.Verdict != VerdictKin {
		t.Fatalf("without a word against it: %+v", k)
	}
	after := must(x.Kinship([]string{addrOf(0)}, Options{Not: []string{addrOf(3)}}))
	if k := find(t, after, 4); k.Verdict != VerdictStranger || len(k.Against) == 0 || k.Against[0].Not != addrOf(3) {
		t.Errorf("a host with the key of one that is no kin: %+v", k)
	}
	if k := find(t, after, 1); k.Verdict != VerdictKin {
		t.Errorf("a host with the seed's key: %+v", k)
	}
	if slices.ContainsFunc(after, func(k Kin) bool { return k.Host == addrOf(3) }) {
		t.Error("a host that is known to be no kin is listed")
	}
	if again := must(x.Kinship([]string{addrOf(0)}, Options{})); again[0].Bits != before[0].Bits {
		t.Error("the index remembers the hosts of another question")
	}
}
