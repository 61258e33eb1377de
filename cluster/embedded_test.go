package cluster

import (
	"testing"

	"github.com/hostkin/hostkin/fingerprints"
)

func TestTheEmbeddedBaselineKnowsStockValues(t *testing.T) {
	b, err := Embedded()
	if err != nil {
		t.Fatal(err)
	}
	if b.Hosts() < 20 || b.Date().Year() < 2026 {
		t.Errorf("%d products, made %v", b.Hosts(), b.Date())
	}
	const everywhere, nowhere = "ca=no san=DNS ski=sha1", "an extension of nobody's"
	kind := fingerprints.Kind("cert.extensions")
	n, listed := b.Holders(kind, everywhere)
	if !listed || n < 10 || n > b.Answered(kind) || b.Answered(kind) > float64(b.Hosts()) {
		t.Errorf("%v products of %v that answered, of %d, show %q", n, b.Answered(kind), b.Hosts(), everywhere)
	}
	if n, listed := b.Holders(kind, nowhere); listed {
		t.Errorf("%v products show %q", n, nowhere)
	}
	if n := b.Answered("ssh.host_key"); n != 0 {
		t.Errorf("%v products answered with a host key, which cannot be stock", n)
	}
	for _, k := range b.Kinds() {
		if !k.Current || k.Values == 0 {
			t.Errorf("%+v", k)
		}
	}
}
