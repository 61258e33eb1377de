package targets

import (
	"bytes"
	"errors"
	"os"
	"strings"
	"testing"
	"unicode"
)

// checkList parses data as a list, as targets and as exclusions, and checks
// what must hold for any input: no panic, printable faults, no target twice,
// none that is not allowed, and a count that is right.
func checkList(t *testing.T, data string) {
	for _, o := range []Options{{}, {AllowSpecial: true}} {
		s, err := Parse(stdin(data), args("8.8.4.4", "2600::/33"), o)
		if err != nil {
			checkFaults(t, err)
			continue
		}
		const most = 2000
		seen := map[string]bool{}
		for target := range s.All(0) {
			key := target.Host.Name
			if target.Host.IP.IsValid() {
				key = target.Host.IP.String()
				if err := s.Allowed(target.Host.IP); err != nil && !teredo(target) {
					t.Fatalf("%s: %v", key, err)
				}
			}
			if seen[key] || key == "" {
				t.Fatalf("%q is there twice, or is nothing", key)
			}
			if len(target.Ports) > 0 && len(target.Also) > 0 {
				t.Fatalf("%s has both Ports and Also", show(target))
			}
			if seen[key] = true; len(seen) == most {
				break
			}
		}
		if n := s.Count(); n < most && n != uint64(len(seen)) || n < uint64(len(seen)) {
			t.Fatalf("Count() = %d, and there are %d", n, len(seen))
		}
		for _, n := range s.Notes() {
			checkPrintable(t, n)
		}
	}
	s, err := Parse(args("8.8.8.8"), stdin(data), Options{})
	if err != nil {
		checkFaults(t, err)
	} else if s.Count() > 1 {
		t.Fatal("exclusions became targets")
	}
}

func teredo(target Target) bool { return strings.HasPrefix(target.Host.IP.String(), "2001:") }

func checkFaults(t *testing.T, err error) {
	joined, ok := err.(interface{ Unwrap() []error })
	if !ok || len(joined.Unwrap()) > maxFaults+1 {
		t.Fatalf("not a bounded join of faults: %v", err)
	}
	for _, one := range joined.Unwrap() {
		if _, ok := errors.AsType[*Fault](one); !ok {
			t.Fatalf("not a Fault: %v", one)
		}
		checkPrintable(t, one.Error())
	}
}

func checkPrintable(t *testing.T, s string) {
	if strings.ContainsFunc(s, func(r rune) bool { return !unicode.IsPrint(r) }) || len(s) > 8<<10 {
		t.Fatalf("not for a terminal: %q", s)
	}
}

func FuzzList(f *testing.F) {
	for _, seed := range []string{
		"8.8.8.8\n2600::1\n", "8.8.8.0/24, 9.9.9.1-9;a.example:443\r\n# end", "[2600::1]:443 [::ffff:8.8.8.8]",
		"10.0.0.0/7\n0.0.0.0/0 ::/0\n", "8.8.8.8 - 8.8.9.9\n", "300.1.1.1\n\x00", "\ufeffb\u00fccher.example",
		"open tcp 443 8.8.8.8 1700000000\nbanner tcp 22 8.8.8.8 17 ssh SSH-2.0\n", "saddr,sport,success\n8.8.8.8,443,1\n\"9.9.9.9\",\"\",0\n",
		"Timestamp: 1\tHost: 8.8.8.8 ()\tPorts: 443/open/tcp//https//\n", "1.1.1.1-static.example 010.0.0.1 fe80::1%eth0 @x -",
		"64:ff9b::/90 2002::/16 2001::/32 fec0::/9\n",
	} {
		f.Add(seed)
	}
	f.Fuzz(checkList)
}

func FuzzXML(f *testing.F) {
	real, err := os.ReadFile("testdata/nmap.xml")
	if err != nil {
		f.Fatal(err)
	}
	f.Add(string(real[:bytes.Index(real, []byte("<script"))])) // short, to be mutated quickly
	f.Add(`<nmaprun><host><status state="down"/><address addr="8.8.8.8" addrtype="ipv4"/></host></nmaprun>`)
	f.Add(`<nmaprun><host><address addr="2600::1" addrtype="ipv6"/><hostnames><hostname name="a.example" type="user"/></hostnames><ports><port protocol="tcp" portid="22"><state state="open"/></port></ports></host>`)
	f.Add("\u03ef" + strings.Repeat("\xaf", 9000)) // the fault quotes the name
	f.Add(`<!DOCTYPE x [<!ENTITY a "b">]><nmaprun>&a;</nmaprun>`)
	f.Fuzz(func(t *testing.T, data string) { checkList(t, "<"+strings.TrimPrefix(data, "<")) })
}

func FuzzJSON(f *testing.F) {
	f.Add("[\n{ \"ip\": \"8.8.8.8\", \"ports\": [ {\"port\": 443, \"proto\": \"tcp\", \"status\": \"open\"} ] },\n{finished: 1}\n]")
	f.Add(`{"ip":"2600::1","port":"22","proto":"tcp","data":{"status":"open"}}` + "\n" + `{"ip":"8.8.8.8","port":null}`)
	f.Add(`{"saddr":"8.8.8.8","sport":443,"success":true,"classification":"synack"}`)
	f.Add(`{"ip":"\u0038.8.8.8\"}","a":[{"b":{}}]}`)
	f.Fuzz(func(t *testing.T, data string) { checkList(t, "{"+strings.TrimPrefix(data, "{")) })
}
