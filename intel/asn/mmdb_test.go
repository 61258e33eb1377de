package asn

import (
	"bytes"
	"net"
	"strings"
	"testing"

	"github.com/maxmind/mmdbwriter"
	"github.com/maxmind/mmdbwriter/mmdbtype"
)

// database is an MMDB of some records, by prefix.
func database(t testing.TB, kind string, size int, records map[string]mmdbtype.Map) []byte {
	t.Helper()
	tree, err := mmdbwriter.New(mmdbwriter.Options{DatabaseType: kind, RecordSize: size, IncludeReservedNetworks: true, DisableIPv4Aliasing: kind == "bomb"})
	if err != nil {
		t.Fatal(err)
	}
	for prefix, record := range records {
		_, network, err := net.ParseCIDR(prefix)
		if err != nil {
			t.Fatal(err)
		}
		if err := tree.Insert(network, record); err != nil {
			t.Fatal(err)
		}
	}
	var out bytes.Buffer
	if _, err := tree.WriteTo(&out); err != nil {
		t.Fatal(err)
	}
	return out.Bytes()
}

func TestMMDB(t *testing.T) {
	maxmind := func(as uint32, name string) mmdbtype.Map {
		return mmdbtype.Map{"autonomous_system_number": mmdbtype.Uint32(as), "autonomous_system_organization": mmdbtype.String(name)}
	}
	ipinfo := func(as, name string) mmdbtype.Map {
		return mmdbtype.Map{"asn": mmdbtype.String(as), "name": mmdbtype.String(name), "domain": mmdbtype.String("example.com")}
	}
	for name, records := range map[string]map[string]mmdbtype.Map{
		"GeoLite2-ASN": {"1.0.0.0/24": maxmind(13335, "Cloudflare, Inc."), "1.0.1.0/25": maxmind(0, "nobody"), "2a00::/12": maxmind(64501, "SIX")},
		"ipinfo":       {"1.0.0.0/24": ipinfo("AS13335", "Cloudflare, Inc."), "1.0.1.0/25": ipinfo("", ""), "2a00::/12": ipinfo("AS64501", "SIX")},
		"lite": {"1.0.0.0/24": {"asn": mmdbtype.Uint32(13335), "as_name": mmdbtype.String("Cloudflare, Inc.")},
			"2a00::/12": {"asn": mmdbtype.String("64501"), "as_name": mmdbtype.String("SIX"), "country": mmdbtype.Map{"x": mmdbtype.Slice{mmdbtype.Bool(true)}}}},
	} {
		for _, size := range []int{24, 28, 32} {
			table := read(t, string(database(t, name, size, records)))
			check(t, table, map[string]uint32{
				"1.0.0.0": 13335, "1.0.0.255": 13335, "::ffff:1.0.0.7": 13335, "1.0.1.0": 0, "0.255.255.255": 0,
				"2a00::": 64501, "2a0f:ffff::1": 64501, "2a10::": 0, "2002:100::": 0, "::": 0,
			})
			if table.Name(13335) != "Cloudflare, Inc." || table.Name(64501) != "SIX" {
				t.Errorf("%s: %q, %q", name, table.Name(13335), table.Name(64501))
			}
		}
	}
}

func TestMMDBFaults(t *testing.T) {
	for want, file := range map[string][]byte{
		`type "GeoLite2-City" without AS numbers`: database(t, "GeoLite2-City", 24, map[string]mmdbtype.Map{"1.0.0.0/24": {"city": mmdbtype.String("x")}}),
		`record of 1.0.0.0/24: "ASX" is no AS`:    database(t, "x", 24, map[string]mmdbtype.Map{"1.0.0.0/24": {"asn": mmdbtype.String("ASX")}}),
		"record of 1.0.0.0/24":                    database(t, "x", 24, map[string]mmdbtype.Map{"1.0.0.0/24": {"asn": mmdbtype.Map{}}}),
	} {
		if err := new(Builder).Read("f", bytes.NewReader(file)); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%v, want %s", err, want)
		}
	}
}

// bomb is a small database of 2^128 networks, or more if it turns in circles:
// of every node, both branches lead to the same next one.
func bomb(t testing.TB, end byte) []byte {
	file := database(t, "bomb", 24, map[string]mmdbtype.Map{"::/128": {"autonomous_system_number": mmdbtype.Uint32(1)}})
	const nodes = 128
	if !bytes.Equal(file[6*nodes:6*nodes+16], make([]byte, 16)) {
		t.Fatal("the tree does not end where it should")
	}
	for n := range nodes {
		next := byte(n + 1)
		if n == nodes-1 {
			next = end
		}
		copy(file[6*n:], []byte{0, 0, next, 0, 0, next})
	}
	return file
}

func TestMMDBWithoutEnd(t *testing.T) {
	for end, want := range map[byte]string{
		0:   "invalid search tree", // a circle
		128: "too many networks",   // leaves without data
		144: "too many networks",   // the record
		255: "",                    // points behind the end
	} {
		err := new(Builder).readMMDB(bytes.NewReader(bomb(t, end)), 10_000)
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("ends at %d: %v", end, err)
		}
	}
}

func FuzzMMDB(f *testing.F) {
	f.Add(database(f, "GeoLite2-ASN", 24, map[string]mmdbtype.Map{"1.0.0.0/24": {"autonomous_system_number": mmdbtype.Uint32(1), "autonomous_system_organization": mmdbtype.String("a")}}))
	f.Add(database(f, "ipinfo", 28, map[string]mmdbtype.Map{"2a00::/12": {"asn": mmdbtype.String("AS1"), "name": mmdbtype.String("a")}, "1.0.0.0/8": {"asn": mmdbtype.Uint32(2)}}))
	f.Add(bomb(f, 0))
	f.Add(bomb(f, 144))
	f.Fuzz(func(t *testing.T, file []byte) {
		var b Builder
		if b.readMMDB(bytes.NewReader(file), 10_000) == nil && b.size() == 0 {
			t.Fatal("nothing was read, and no error")
		}
	})
}
