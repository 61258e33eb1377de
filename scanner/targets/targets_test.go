package targets

import (
	"errors"
	"fmt"
	"maps"
	"math"
	"math/rand/v2"
	"net"
	"net/netip"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/hostkin/hostkin/scanner/record"
)

// show writes a target the way the tests below expect them:
// "ADDRESS[NAME]:only these ports+also these".
func show(t Target) string {
	s := t.Host.Name
	if t.Host.IP.IsValid() {
		s = t.Host.IP.String()
		if t.Host.Name != "" {
			s += "[" + t.Host.Name + "]"
		}
	}
	for _, p := range t.Ports {
		s += fmt.Sprintf(":%d", p)
	}
	for _, p := range t.Also {
		s += fmt.Sprintf("+%d", p)
	}
	return s
}

// shown is all targets of s, sorted as text.
func shown(s *Set) []string {
	var out []string
	for t := range s.All(7) {
		out = append(out, show(t))
	}
	slices.Sort(out)
	return out
}

func args(a ...string) Source { return Source{Args: a} }

func stdin(text string) Source {
	return Source{Args: []string{"-"}, Stdin: strings.NewReader(text)}
}

func mustParse(t testing.TB, targets, exclude Source, o Options) *Set {
	t.Helper()
	s, err := Parse(targets, exclude, o)
	if err != nil {
		t.Fatal(err)
	}
	return s
}

func TestTargets(t *testing.T) {
	four := []string{"8.8.8.0", "8.8.8.1", "8.8.8.2", "8.8.8.3"}
	tests := []struct {
		name, targets string // separated by spaces
		exclude       string
		want          []string
	}{
		{"address", "8.8.8.8", "", []string{"8.8.8.8"}},
		{"IPv6 address", "2600::1", "", []string{"2600::1"}},
		{"IPv6 in brackets", "[2600::1]", "", []string{"2600::1"}},
		{"CIDR", "8.8.8.0/30", "", four},
		{"CIDR with host bits", "8.8.8.3/30", "", four},
		{"IPv6 CIDR", "2600::/127", "", []string{"2600::", "2600::1"}},
		{"range", "8.8.8.0-8.8.8.3", "", four},
		{"range over octets", "8.8.7.255-8.8.8.0", "", []string{"8.8.7.255", "8.8.8.0"}},
		{"range, short form", "8.8.8.0-3", "", four},
		{"range of one", "8.8.8.8-8", "", []string{"8.8.8.8"}},
		{"IPv6 range", "2600::ffff:ffff:ffff:ffff-2600:0:0:1::", "", []string{"2600:0:0:1::", "2600::ffff:ffff:ffff:ffff"}},
		{"name", "Mail.Example.COM.", "", []string{"mail.example.com"}},
		{"single-label name", "localhost", "", []string{"localhost"}},
		{"IDN", "bücher.example", "", []string{"xn--bcher-kva.example"}},
		{"name that begins like a range", "8.8.8.8-static.isp.example", "", []string{"8.8.8.8-static.isp.example"}},
		{"name with hyphens in places 3 and 4", "r3---sn-x.example", "", []string{"r3---sn-x.example"}},
		{"ports", "8.8.8.8:22 [2600::1]:443 a.example:8443", "", []string{"2600::1:443", "8.8.8.8:22", "a.example:8443"}},
		{"ports of one host are merged", "8.8.8.8:443 8.8.8.8:22 8.8.8.8:443", "", []string{"8.8.8.8:22:443"}},
		{"with and without a port", "8.8.8.8:2222 8.8.8.8 a.example a.example:81", "", []string{"8.8.8.8+2222", "a.example+81"}},
		{"with a port and within a range", "8.8.8.0/30 8.8.8.2:99", "", []string{"8.8.8.0", "8.8.8.1", "8.8.8.2+99", "8.8.8.3"}},
		{"duplicates", "8.8.8.0/30 8.8.8.1-2 8.8.8.3 8.8.8.0/31 a.example A.example.", "", append(slices.Clone(four), "a.example")},
		{"commas", "8.8.8.0,8.8.8.1,8.8.8.2-3", "", four},
		{"IPv4-mapped", "::ffff:8.8.8.8 ::ffff:8.8.8.9/128 [::ffff:8.8.8.8]:22", "", []string{"8.8.8.8+22", "8.8.8.9"}},
		{"loopback", "127.0.0.1 ::1 127.9.9.9:22", "", []string{"127.0.0.1", "127.9.9.9:22", "::1"}},
		{"a range that reaches beyond loopback", "126.255.255.255-127.0.0.9 127.0.0.7", "", []string{"126.255.255.255", "127.0.0.7"}},
		{"nothing", "", "", nil},

		{"exclude an address", "8.8.8.0/30", "8.8.8.1", []string{"8.8.8.0", "8.8.8.2", "8.8.8.3"}},
		{"exclude both ends", "8.8.8.0/30", "8.0.0.0-8.8.8.0 8.8.8.3-9.0.0.0", []string{"8.8.8.1", "8.8.8.2"}},
		{"exclude wins over a port", "8.8.8.8:22 8.8.8.9:22", "8.8.8.8", []string{"8.8.8.9:22"}},
		{"exclude with a port excludes the host", "8.8.8.8 8.8.8.9", "8.8.8.8:22", []string{"8.8.8.9"}},
		{"exclude a name", "a.example:443 b.example", "A.example", []string{"b.example"}},
		{"exclude by IPv4-mapped", "8.8.8.8", "::ffff:8.8.8.8", nil},
		{"exclude everything", "8.8.8.0/24 2600::/120", "0.0.0.0/0 ::/0", nil},
		{"::/0 is IPv6 only", "8.8.8.8 2600::1", "::/0", []string{"8.8.8.8"}},
		{"exclude special ranges", "8.8.8.8", "10.0.0.0/8 224.0.0.0/4 255.255.255.255", []string{"8.8.8.8"}},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			s := mustParse(t, args(strings.Fields(test.targets)...), args(strings.Fields(test.exclude)...), Options{})
			if d := cmp.Diff(test.want, shown(s)); d != "" {
				t.Errorf("targets (-want +got):\n%s", d)
			}
			if int(s.Count()) != len(test.want) {
				t.Errorf("Count() = %d, want %d", s.Count(), len(test.want))
			}
		})
	}
}

func TestFaultsOfArguments(t *testing.T) {
	const special = ", special-purpose by the IANA registries; --allow-special to look at it all the same"
	const never = ", which is never looked at"
	tests := []struct{ arg, want string }{
		{"300.1.1.1", "not an IPv4 address: octet 300 is over 255"},
		{"010.1.1.1", "not an IPv4 address: octet 010 has a leading zero, which some programs read as octal; write 10"},
		{"8.8.8", "not an IPv4 address: 3 octets instead of 4"},
		{"8.8.8.8.8", "not an IPv4 address: 5 octets instead of 4"},
		{"8.8..8", "not an IPv4 address: an octet is missing between dots"},
		{"443", "a number alone is no target"},
		{"8.8.8.*", "a wildcard; write a prefix or a range instead, as in 192.0.2.0/24"},
		{"8.8.8.8:0", `"0" is not a port: a number from 1 to 65535`},
		{"8.8.8.8:65536", `"65536" is not a port: a number from 1 to 65535`},
		{"8.8.8.8:+80", `"+80" is not a port: a number from 1 to 65535`},
		{"a.example:", `"" is not a port: a number from 1 to 65535`},
		{":22", "a port without a host"},
		{"8.8.8.8:80-90", "a target has one port at most; give several with --ports"},
		{"8.8.8.0/33", `"33" is not a prefix length: a number from 0 to 32`},
		{"8.8.8.0/", `"" is not a prefix length: a number from 0 to 32`},
		{"8.8.8.0/+8", `"+8" is not a prefix length: a number from 0 to 32`},
		{"2600::/129", `"129" is not a prefix length: a number from 0 to 128`},
		{"8.8.8.0/255.255.255.0", "a net mask; write the prefix length instead, as in 8.8.8.0/24"},
		{"8.8.8.0/24:443", "a port goes with a single host; give ports for a range with --ports"},
		{"8.8.8.0-9:443", "a port goes with a single host; give ports for a range with --ports"},
		{"a.example/24", "a prefix length needs an address before it; a host name or a URL has none"},
		{"https://a.example/", "a URL; write its host only, as in example.com:443"},
		{"8.8.8.9-8.8.8.1", "a range that ends before it begins"},
		{"8.8.8.9-1", "a range that ends before it begins"},
		{"8.8.8.9-256", "not an IPv4 address: octet 256 is over 255"},
		{"8.8.8.9-2600::1", "a range from one address family to the other"},
		{"2600::1-ff", `the end of a range must be an address, or the last octet of an IPv4 address: "ff"`},
		{"fe80::1%eth0", "an address with a zone means something on one machine only; write it without the % part"},
		{"[fe80::1%eth0]:22", "an address with a zone means something on one machine only; write it without the % part"},
		{"2600:::1", `not an IPv6 address: each colon-separated field must have at least one digit (at ":1")`},
		{"[8.8.8.8]:22", "brackets are for IPv6 addresses"},
		{"[2600::1", "a [ without its ]"},
		{"[2600::1]443", "after ] only a port can follow, as in [2001:db8::1]:443"},
		{"::ffff:0:0/95", "covers IPv4-mapped and IPv6 addresses; write the IPv4 and the IPv6 range on their own"},
		{"a..example", "a host name with an empty part: two dots in a row, or one at the start"},
		{"-a.example", "a host name with a part that begins or ends with a hyphen"},
		{"a_b.example", "not a target: '_' cannot be part of an address or of a host name"},
		{"a\x1b[2J.example", "not a target: '\\x1b' cannot be part of an address or of a host name"},
		{"a.1", "neither an address nor a host name: a host name does not end in a number"},
		{"0x7f000001", "neither an address nor a host name: a host name does not end in a number"},
		{strings.Repeat("a", 64) + ".example", "a host name with a part of 64 characters; DNS allows 63"},
		{strings.Repeat("a.", 127) + "example", "a host name of 261 characters; DNS allows 253"},
		{strings.Repeat("a", 2000), "longer than any target (1024 bytes)"},
		{"", "an empty target"},
		{"@", "@FILE names a list on the command line, on its own; a list cannot name another"},
		{"10.1.2.3", "in 10.0.0.0/8 (Private-Use)" + special},
		{"10.1.2.3:22", "in 10.0.0.0/8 (Private-Use)" + special},
		{"192.0.2.0/24", "in 192.0.2.0/24 (Documentation (TEST-NET-1))" + special},
		{"2001:db8::7", "in 2001:db8::/32 (Documentation)" + special},
		{"2002:808:808::1", "in 2002::/16 (6to4)" + special},
		{"64:ff9b::8.8.8.8", "in 64:ff9b::/96 (IPv4-IPv6 Translat.)" + special},
		{"::ffff:10.0.0.1", "in 10.0.0.0/8 (Private-Use)" + special},
		{"::ffff:10.0.0.0/120", "in 10.0.0.0/8 (Private-Use)" + special},
		{"192.0.0.170", "in 192.0.0.170/31 (NAT64/DNS64 Discovery)" + special},
		{"224.0.0.0/3", "in 224.0.0.0/4 (Multicast), 240.0.0.0/4 (Reserved)" + special},
		{"239.1.2.3", "in 224.0.0.0/4 (Multicast)" + never},
		{"ff02::1", "in ff00::/8 (Multicast)" + never},
		{"255.255.255.255", "255.255.255.255/32 (Limited Broadcast)" + never},
		{"::", "::/128 (Unspecified Address)" + never},
		{"0.0.0.0", `0.0.0.0/32 ("This host on this network")` + never},
	}
	for _, test := range tests {
		t.Run(test.arg, func(t *testing.T) {
			_, err := Parse(args(test.arg), Source{}, Options{})
			f, ok := errors.AsType[*Fault](err)
			if !ok {
				t.Fatalf("error %v, want a Fault", err)
			}
			if d := cmp.Diff(test.want, f.Problem); d != "" {
				t.Errorf("problem (-want +got):\n%s", d)
			}
			if f.Text != cut(test.arg) || f.File != "" || f.Line != 0 {
				t.Errorf("fault is %#v", f)
			}
		})
	}
}

func TestFaultsComeAllAtOnce(t *testing.T) {
	list := "8.8.8.8\n# fine\n300.1.1.1 \n\ta.example, b_c.example # twice\r\n 10.0.0.1\n"
	_, err := Parse(
		Source{Args: []string{"1.2.3", "-"}, Stdin: strings.NewReader(list)},
		Source{Args: []string{"x..y"}, Files: []string{"testdata/no-such-list"}},
		Options{})
	want := `"1.2.3": not an IPv4 address: 3 octets instead of 4
standard input:3:1: "300.1.1.1": not an IPv4 address: octet 300 is over 255
standard input:4:13: "b_c.example": not a target: '_' cannot be part of an address or of a host name
standard input:5:2: "10.0.0.1": in 10.0.0.0/8 (Private-Use), special-purpose by the IANA registries; --allow-special to look at it all the same
--exclude: "x..y": a host name with an empty part: two dots in a row, or one at the start
testdata/no-such-list: no such file or directory`
	if d := cmp.Diff(want, fmt.Sprint(err)); d != "" {
		t.Errorf("error (-want +got):\n%s", d)
	}
}

func TestFaultsAreCapped(t *testing.T) {
	_, err := Parse(stdin(strings.Repeat("300.1.1.1\n", 1000)), Source{}, Options{})
	lines := strings.Split(fmt.Sprint(err), "\n")
	if len(lines) != maxFaults+1 || lines[maxFaults] != "and 950 more faults" {
		t.Errorf("%d lines, the last %q", len(lines), lines[len(lines)-1])
	}
}

func TestFaultIsPrintable(t *testing.T) {
	f := &Fault{File: "a\x1b]0;title\a", Line: 1, Column: 1, Text: "\u202eevil\n", Problem: "\x00"}
	if got, want := f.Error(), `"a\x1b]0;title\a":1:1: "\u202eevil\n": "\x00"`; got != want {
		t.Errorf("got %s, want %s", got, want)
	}
}

func TestAllowSpecial(t *testing.T) {
	special := args("10.0.0.1", "192.0.2.7:22", "2001:db8::1", "fe80::1", "64:ff9b::a00:1", "2002:808:808::1")
	if s := mustParse(t, special, Source{}, Options{AllowSpecial: true}); s.Count() != 6 {
		t.Errorf("%d targets: %q", s.Count(), shown(s))
	}
	for _, arg := range []string{"224.0.0.1", "ff02::1", "255.255.255.255", "0.0.0.0", "::", "239.0.0.0/8", "::ffff:224.0.0.1", "64:ff9b::e000:1", "2002:e000:1::1", "2001::1fff:fffe"} {
		if _, err := Parse(args(arg), Source{}, Options{AllowSpecial: true}); err == nil {
			t.Errorf("%s is a target", arg)
		}
	}
	s := mustParse(t, args("224.0.0.0/3"), Source{}, Options{AllowSpecial: true})
	if want := uint64(1<<28 - 1); s.Count() != want {
		t.Errorf("224.0.0.0/3 has %d targets, want 240.0.0.0/4 without the broadcast address: %d", s.Count(), want)
	}
}

func TestNotes(t *testing.T) {
	tests := []struct {
		name             string
		targets, exclude Source
		want             []string
	}{
		{"host bits", args("8.8.8.9/24", "2600::5/64", "8.8.8.0/24"), args("8.8.4.4/16"), []string{
			"8.8.8.9/24: host bits set, taken as 8.8.8.0/24",
			"2600::5/64: host bits set, taken as 2600::/64",
			"8.8.4.4/16: host bits set, taken as 8.8.0.0/16",
		}},
		{"special parts", args("10.0.0.0/7", "127.0.0.0-128.0.0.0"), Source{}, []string{
			"10.0.0.0/7: left out 10.0.0.0/8 (Private-Use)",
			"127.0.0.0-128.0.0.0: left out 127.0.0.0/8 (Loopback)",
		}},
		{"many special parts", args("0.0.0.0/0"), Source{}, []string{
			`0.0.0.0/0: left out 0.0.0.0/8 ("This network"), 10.0.0.0/8 (Private-Use), 100.64.0.0/10 (Shared Address Space), 169.254.0.0/16 (Link Local) and 14 more ranges`,
		}},
		{"exclusion with a port", args("8.8.8.8"), args("9.9.9.9:53"), []string{
			"9.9.9.9:53: an exclusion is of a whole host, so all ports of 9.9.9.9 are excluded",
		}},
		{"exclusion by name", args("8.8.8.8"), args("a.example"), []string{
			"a.example: excluded by name; its addresses are not known and not excluded",
		}},
		{"nothing left", args("8.8.8.8"), args("8.0.0.0/8"), []string{"nothing is left after the exclusions"}},
		{"empty list", stdin("# none today\n"), Source{}, []string{"standard input: nothing in it"}},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			s := mustParse(t, test.targets, test.exclude, Options{})
			if d := cmp.Diff(test.want, s.Notes()); d != "" {
				t.Errorf("notes (-want +got):\n%s", d)
			}
		})
	}
	s := mustParse(t, stdin(strings.Repeat("8.8.8.9/24\n", 1000)), Source{}, Options{})
	if n := s.Notes(); len(n) != maxNotes+1 || n[maxNotes] != "and 980 more ranges with host bits set" {
		t.Errorf("%d notes, the last %q", len(n), n[len(n)-1])
	}
}

func TestAllowed(t *testing.T) {
	tests := []struct {
		addr    string
		special bool
		want    string // "" for allowed
	}{
		{"8.8.8.8", false, ""},
		{"1.1.1.1", false, ""}, // need not be a target
		{"127.0.0.1", false, ""},
		{"::1", false, ""},
		{"2600::1", false, ""},
		{"8.8.4.4", false, "8.8.4.4 is excluded"},
		{"::ffff:8.8.4.4", false, "8.8.4.4 is excluded"},
		{"2600::bad", false, "2600::bad is excluded"},
		{"127.6.6.6", false, "127.6.6.6 is excluded"},
		{"10.0.0.1", false, "10.0.0.1 is in 10.0.0.0/8 (Private-Use), special-purpose by the IANA registries; --allow-special to look at it all the same"},
		{"169.254.169.254", false, "169.254.169.254 is in 169.254.0.0/16 (Link Local), special-purpose by the IANA registries; --allow-special to look at it all the same"},
		{"fe80::1%eth0", false, "fe80::1 is in fe80::/10 (Link-Local Unicast), special-purpose by the IANA registries; --allow-special to look at it all the same"},
		{"224.0.0.1", false, "224.0.0.1 is in 224.0.0.0/4 (Multicast), which is never looked at"},
		{"10.0.0.1", true, ""},
		{"10.66.0.1", true, "10.66.0.1 is excluded"},
		{"224.0.0.1", true, "224.0.0.1 is in 224.0.0.0/4 (Multicast), which is never looked at"},
		{"0.0.0.0", true, `0.0.0.0 is 0.0.0.0/32 ("This host on this network"), which is never looked at`},
		{"255.255.255.255", true, "255.255.255.255 is 255.255.255.255/32 (Limited Broadcast), which is never looked at"},
		{"ff02::1", true, "ff02::1 is in ff00::/8 (Multicast), which is never looked at"},
		// Exclusions hold behind NAT64, 6to4 and Teredo as well.
		{"64:ff9b::808:808", true, ""},
		{"64:ff9b::808:404", true, "64:ff9b::808:404 is excluded"},
		{"2002:808:404:1::7", true, "2002:808:404:1::7 is excluded"},
		{"2001:0:1:2:3:4:f7f7:fbfb", true, "2001:0:1:2:3:4:f7f7:fbfb leads to 8.8.4.4 is excluded"},
		{"64:ff9b::e000:1", true, "64:ff9b::e000:1 is in 224.0.0.0/4 (Multicast), which is never looked at"},
	}
	for _, test := range tests {
		s := mustParse(t, args("8.8.8.8"), args("8.8.4.0/24", "2600::bad", "127.6.0.0/16", "10.66.0.0/16"), Options{AllowSpecial: test.special})
		got := ""
		if err := s.Allowed(netip.MustParseAddr(test.addr)); err != nil {
			got = err.Error()
		}
		if d := cmp.Diff(test.want, got); d != "" {
			t.Errorf("%s, AllowSpecial %v (-want +got):\n%s", test.addr, test.special, d)
		}
	}
	if mustParse(t, args(), Source{}, Options{}).Allowed(netip.Addr{}) == nil {
		t.Error("the zero address is allowed")
	}
}

func TestExclusionByName(t *testing.T) {
	resolve := func(name string) ([]netip.Addr, error) {
		switch name {
		case "keep-out.example":
			return []netip.Addr{netip.MustParseAddr("8.8.8.2"), netip.MustParseAddr("2600::2")}, nil
		case "gone.example":
			return nil, &net.DNSError{Err: "no such host", Name: name, IsNotFound: true}
		}
		return nil, &net.DNSError{Err: "server misbehaving", Name: name, IsTemporary: true}
	}
	targets := args("8.8.8.0/30", "2600::/126", "keep-out.example:443", "other.example")
	s := mustParse(t, targets, args("Keep-Out.example", "gone.example"), Options{Resolve: resolve})
	want := []string{"2600::", "2600::1", "2600::3", "8.8.8.0", "8.8.8.1", "8.8.8.3", "other.example"}
	if d := cmp.Diff(want, shown(s)); d != "" {
		t.Errorf("targets (-want +got):\n%s", d)
	}
	if s.Allowed(netip.MustParseAddr("8.8.8.2")) == nil {
		t.Error("an address of an excluded name is allowed")
	}
	if s.AllowedName("KEEP-OUT.example.") == nil || s.AllowedName("other.example") != nil {
		t.Error("AllowedName is wrong")
	}
	_, err := Parse(targets, args("flaky.example"), Options{Resolve: resolve})
	if f, ok := errors.AsType[*Fault](err); !ok || !strings.Contains(f.Problem, "server misbehaving") {
		t.Errorf("a failed look-up of an exclusion: %v, want a Fault", err)
	}
}

// TestAgainstMembership compares random targets and exclusions inside one
// small net with the plain reading of them, address by address.
func TestAgainstMembership(t *testing.T) {
	rng := rand.New(rand.NewPCG(1, 2))
	addr := func(n int) netip.Addr { return netip.AddrFrom4([4]byte{8, 8, 8, byte(n)}) }
	for round := range 300 {
		bare, ports, not := map[int]bool{}, map[int]map[uint16]bool{}, map[int]bool{}
		var targets, exclude []string
		for range rng.IntN(12) {
			from := rng.IntN(256)
			to := min(255, from+rng.IntN(20))
			into := bare
			switch rng.IntN(4) {
			case 0:
				targets = append(targets, fmt.Sprintf("%s-%s", addr(from), addr(to)))
			case 1:
				targets = append(targets, fmt.Sprintf("%s-%d", addr(from), to))
			case 2:
				exclude = append(exclude, fmt.Sprintf("%s-%s", addr(from), addr(to)))
				into = not
			case 3:
				port := uint16(1 + rng.IntN(3))
				targets = append(targets, fmt.Sprintf("%s:%d", addr(from), port))
				if ports[from] == nil {
					ports[from] = map[uint16]bool{}
				}
				ports[from][port] = true
				continue
			}
			for n := from; n <= to; n++ {
				into[n] = true
			}
		}
		var want []string
		for n := range 256 {
			if not[n] || !bare[n] && ports[n] == nil {
				continue
			}
			target := Target{Host: record.Host{IP: addr(n)}}
			given := slices.Sorted(maps.Keys(ports[n]))
			target.Ports, target.Also = either(given, bare[n])
			want = append(want, show(target))
		}
		slices.Sort(want)
		s := mustParse(t, args(targets...), args(exclude...), Options{})
		if d := cmp.Diff(want, shown(s)); d != "" || s.Count() != uint64(len(want)) {
			t.Fatalf("round %d: %q without %q, Count %d (-want +got):\n%s", round, targets, exclude, s.Count(), d)
		}
	}
}

func TestCountSaturates(t *testing.T) {
	for arg, want := range map[string]uint64{
		"1.0.0.0/8": 1 << 24, "2600::/65": 1 << 63, "2600::/64": math.MaxUint64, "::/0": math.MaxUint64,
	} {
		if got := mustParse(t, args(arg), Source{}, Options{}).Count(); got != want {
			t.Errorf("%s: Count() = %d, want %d", arg, got, want)
		}
	}
}

func TestContainsIsMembership(t *testing.T) {
	s, err := Parse(Source{Args: []string{"127.0.0.0/30", "[::1]"}}, Source{Args: []string{"127.0.0.2"}}, Options{})
	if err != nil {
		t.Fatal(err)
	}
	for a, want := range map[string]bool{"127.0.0.0": true, "127.0.0.2": false, "127.0.0.3": true, "127.0.0.4": false, "::1": true, "::2": false, "::ffff:127.0.0.1": true} {
		if got := s.Contains(netip.MustParseAddr(a)); got != want {
			t.Errorf("Contains(%s) = %v, want %v", a, got, want)
		}
	}
}

func TestExcluded(t *testing.T) {
	s, err := Parse(Source{Args: []string{"127.0.0.0/8"}}, Source{Args: []string{"127.0.0.4/31", "2001:db8::/32", "10.0.0.1"}}, Options{})
	if err != nil {
		t.Fatal(err)
	}
	for addr, want := range map[string]bool{"127.0.0.4": true, "127.0.0.6": false, "::ffff:127.0.0.5": true, "2001:db8::1%eth0": true,
		"10.0.0.1": true, "10.0.0.2": false, "64:ff9b::a00:1": true} { // 10.0.0.2 may not be contacted, but is not excluded
		if got := s.Excluded(netip.MustParseAddr(addr)); got != want {
			t.Errorf("%s: %v, want %v", addr, got, want)
		}
	}
}
