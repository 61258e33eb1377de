package town

import (
	"maps"
	"net/netip"
	"reflect"
	"slices"
	"testing"
)

var here = netip.MustParseAddr("127.30.0.0")

// roles is a town without its machinery, so that two can be compared.
func roles(seed uint64) map[netip.Addr]Role {
	all := map[netip.Addr]Role{}
	for _, m := range plan(seed, here) {
		all[m.addr] = m.role
	}
	return all
}

func TestEveryTownHasThreeProvidersAndManyStrangers(t *testing.T) {
	within := netip.MustParsePrefix("127.30.0.0/23")
	for seed := range uint64(200) {
		machines := plan(seed, here)
		kinds, sizes, strangers, near := map[string]int{}, map[string]int{}, 0, map[string]int{}
		for _, m := range machines {
			kinds[m.role.Kind]++
			if !within.Contains(m.addr) {
				t.Errorf("seed %d: %s is outside", seed, m.addr)
			}
			if m.ssh == nil && (m.web == nil || !m.web.plain && !m.web.secure) {
				t.Errorf("seed %d: %s has no port open", seed, m.addr)
			}
			switch m.role.Kind {
			case Golden, Drifted, Rekeyed, Partial:
				sizes[m.role.Provider]++
			case CDN:
			case NearMiss:
				near[m.role.Near]++
				fallthrough
			default:
				strangers++
				if m.role.Provider != "" {
					t.Errorf("seed %d: stranger %s belongs to %q", seed, m.addr, m.role.Provider)
				}
			}
		}
		if len(roles(seed)) != len(machines) || len(machines) < 150 || strangers < 80 || len(sizes) != 3 {
			t.Errorf("seed %d: %d hosts at %d addresses, %d strangers, providers %v", seed, len(machines), len(roles(seed)), strangers, sizes)
		}
		for name, n := range sizes {
			if n < 8 || n > 40 || near[name] < 3 {
				t.Errorf("seed %d: provider %s has %d hosts and %d near misses", seed, name, n, near[name])
			}
		}
		for _, k := range Kinds() {
			if kinds[k] == 0 {
				t.Errorf("seed %d: no %s", seed, k)
			}
		}
	}
}

func TestASeedIsATown(t *testing.T) {
	if !reflect.DeepEqual(plan(7, here), plan(7, here)) {
		t.Error("the same seed gives another town")
	}
	if maps.Equal(roles(7), roles(8)) {
		t.Error("another seed gives the same town")
	}
}

// TestNearMissesShareNoIdentity: what a near miss has of its provider is
// software and settings.
func TestNearMissesShareNoIdentity(t *testing.T) {
	for seed := range uint64(20) {
		machines := plan(seed, here)
		for _, m := range machines {
			if m.role.Kind != NearMiss {
				continue
			}
			i := slices.IndexFunc(machines, func(o *machine) bool { return o.role.Kind == Golden && o.role.Provider == m.role.Near })
			kin := machines[i]
			if m.web.product != kin.web.product || !reflect.DeepEqual(m.web.tls, kin.web.tls) || m.ssh.product != kin.ssh.product {
				t.Errorf("seed %d: %s has other software than %s", seed, m.addr, kin.addr)
			}
			if m.ssh.keys == kin.ssh.keys || m.ssh.keys.seed == kin.ssh.keys.seed || m.web.cert.key.seed == kin.web.cert.key.seed ||
				m.web.cert.issuer != nil && m.web.cert.issuer == kin.web.cert.issuer && kin.web.cert.issuer.subject[0].attribute == "CN" ||
				string(m.web.site.index) == string(kin.web.site.index) {
				t.Errorf("seed %d: %s shares an identity with %s", seed, m.addr, kin.addr)
			}
		}
	}
}

// TestKeysDiffer: clones share a pointer, and nobody else shares a key.
func TestKeysDiffer(t *testing.T) {
	machines := plan(3, here)
	if err := forge(machines); err != nil {
		t.Fatal(err)
	}
	owner := map[string]any{}
	note := func(of any, public any) {
		key := string(mustDER(t, public))
		if other, ok := owner[key]; ok && other != of {
			t.Errorf("%v and %v have the same key", of, other)
		}
		owner[key] = of
	}
	for _, m := range machines {
		if m.ssh != nil {
			for _, k := range m.ssh.keys.keys {
				note(m.ssh.keys, k.Public())
			}
		}
		if m.web != nil && m.web.cert != nil {
			note(m.web.cert.key, m.web.cert.key.key.Public())
		}
	}
}
