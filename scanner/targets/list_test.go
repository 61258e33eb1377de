package targets

import (
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// read parses text as a list, through -l, and shows targets and notes.
func read(t *testing.T, text string) (targets, notes []string) {
	t.Helper()
	path := filepath.Join(t.TempDir(), "list")
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	s, err := Parse(Source{Files: []string{path}}, Source{}, Options{})
	if err != nil {
		t.Fatal(strings.ReplaceAll(err.Error(), path, "list"))
	}
	for _, n := range s.Notes() {
		notes = append(notes, strings.ReplaceAll(n, path, "list"))
	}
	return shown(s), notes
}

func TestLists(t *testing.T) {
	tests := []struct {
		name, text   string
		want, wanted []string // targets, notes
	}{
		{"one a line", "8.8.8.8\n2600::1\na.example\n8.8.4.4:53\n[2600::2]:22\n", []string{"2600::1", "2600::2:22", "8.8.4.4:53", "8.8.8.8", "a.example"}, nil},
		{"comments, blank lines, CRLF, no end", "# head\r\n\r\n 8.8.8.8 # one\r\n\t\r\n8.8.4.4#two\r\n9.9.9.9", []string{"8.8.4.4", "8.8.8.8", "9.9.9.9"}, nil},
		{"many a line", "8.8.8.8, 8.8.4.4;9.9.9.9 1.1.1.1\t1.0.0.1,\n", []string{"1.0.0.1", "1.1.1.1", "8.8.4.4", "8.8.8.8", "9.9.9.9"}, nil},
		{"whois ranges", "8.8.8.8 - 8.8.8.9\n2600::1 - 2600::2\n", []string{"2600::1", "2600::2", "8.8.8.8", "8.8.8.9"}, nil},
		{"byte order mark", "\ufeff8.8.8.8\n", []string{"8.8.8.8"}, nil},
		{"begins with [v6]", "[2600::1]:443\n[2600::2]\n", []string{"2600::1:443", "2600::2"}, nil},
		{"empty", "", nil, []string{"list: nothing in it"}},

		{"masscan -oL", "#masscan\nopen tcp 443 8.8.8.8 1700000000\nopen tcp 22 8.8.8.8 1700000001\nclosed tcp 22 8.8.4.4 1700000002\n" +
			"open udp 53 9.9.9.9 1700000003\nopen icmp 0 1.1.1.1 1700000004\nbanner tcp 80 2600::1 1700000005 http HTTP/1.0 200 # OK, fine\n# end\n",
			[]string{"1.1.1.1", "2600::1:80", "8.8.8.8:22:443"}, []string{"list: left out 2 results without an open TCP port"}},
		{"masscan -oG", "# Masscan 1.3.2 scan initiated Thu Jan  1\n# Ports scanned: TCP(1;443-443)\nTimestamp: 1700000000\tHost: 8.8.8.8 ()\tPorts: 443/open/tcp//https//\n# Masscan done\n", []string{"8.8.8.8:443"}, nil},
		{"nmap -oG", "# Nmap 7.93 scan initiated\nHost: 8.8.8.8 (dns.example)\tStatus: Up\nHost: 8.8.8.8 (dns.example)\tPorts: 22/open/tcp//ssh///, 53/open/udp//domain///, 80/closed/tcp//http///, 443/open/tcp//https///\tIgnored State: filtered (997)\n", []string{"8.8.8.8:22:443"}, nil},
		{"masscan -oJ", "[\n{   \"ip\": \"8.8.8.8\",   \"timestamp\": \"1700000000\", \"ports\": [ {\"port\": 443, \"proto\": \"tcp\", \"status\": \"open\", \"reason\": \"syn-ack\", \"ttl\": 54} ] }\n,\n" +
			"{   \"ip\": \"2600::1\",   \"timestamp\": \"1700000000\", \"ports\": [ {\"port\": 22, \"proto\": \"tcp\", \"service\": {\"name\": \"ssh\", \"banner\": \"SSH-2.0-{x}\\\"\", \"path\": \"C:\\\\\"} } ] }\n" +
			",\n{ \"ip\": \"9.9.9.9\", \"ports\": [ {\"port\": 53, \"proto\": \"udp\", \"status\": \"open\"} ] }\n]\n",
			[]string{"2600::1:22", "8.8.8.8:443"}, []string{"list: left out 1 result without an open TCP port"}},
		{"masscan -oJ, version 1.0.3", "[\n{ \"ip\": \"8.8.8.8\", \"ports\": [ {\"port\": 443, \"proto\": \"tcp\", \"status\": \"open\"} ] },\n{finished: 1}\n]\n", []string{"8.8.8.8:443"}, nil},
		{"masscan -oJ, interrupted", "[\n{ \"ip\": \"8.8.8.8\", \"ports\": [ {\"port\": 443, \"proto\": \"tcp\", \"status\": \"open\"} ] }\n,\n", []string{"8.8.8.8:443"}, nil},
		{"masscan -oD", "{\"ip\":\"8.8.8.8\",\"timestamp\":\"1\",\"port\":443,\"proto\":\"tcp\",\"rec_type\":\"status\",\"data\":{\"status\":\"open\",\"reason\":\"syn-ack\",\"ttl\":54}}\n" +
			"{\"ip\":\"8.8.4.4\",\"timestamp\":\"1\",\"port\":80,\"proto\":\"tcp\",\"rec_type\":\"status\",\"data\":{\"status\":\"closed\"}}\n" +
			"{\"ip\":\"8.8.8.8\",\"timestamp\":\"1\",\"port\":22,\"proto\":\"tcp\",\"rec_type\":\"banner\",\"data\":{\"service_name\":\"ssh\",\"banner\":\"SSH-2.0\"}}\n",
			[]string{"8.8.8.8:22:443"}, []string{"list: left out 1 result without an open TCP port"}},
		{"masscan -oX", "<?xml version=\"1.0\"?>\n<!-- masscan v1.0 scan -->\n<nmaprun scanner=\"masscan\" start=\"1\" version=\"1.0-BETA\"  xmloutputversion=\"1.03\">\n<scaninfo type=\"syn\" protocol=\"tcp\" />\n" +
			"<host endtime=\"1\"><address addr=\"8.8.8.8\" addrtype=\"ipv4\"/><ports><port protocol=\"tcp\" portid=\"443\"><state state=\"open\" reason=\"syn-ack\" reason_ttl=\"54\"/></port></ports></host>\r\n" +
			"<host endtime=\"1\"><address addr=\"8.8.8.8\" addrtype=\"ipv4\"/><ports><port protocol=\"tcp\" portid=\"22\"><state state=\"open\" reason=\"syn-ack\" reason_ttl=\"54\"/></port></ports></host>\r\n" +
			"<runstats>\r\n<finished time=\"1\" timestr=\"\" elapsed=\"1\" />\r\n</runstats>\r\n</nmaprun>\r\n", []string{"8.8.8.8:22:443"}, nil},

		{"zmap", "8.8.8.8\n9.9.9.9\n", []string{"8.8.8.8", "9.9.9.9"}, nil},
		{"zmap with a header", "saddr\n8.8.8.8\n9.9.9.9\n", []string{"8.8.8.8", "9.9.9.9"}, nil},
		{"zmap CSV", "saddr,saddr_raw,daddr,sport,dport,classification,success,repeat\r\n8.8.8.8,134744072,192.0.2.1,443,51234,synack,1,0\r\n" +
			"9.9.9.9,151587081,192.0.2.1,443,51234,rst,0,0\r\n\"1.1.1.1\",\"16,843,009\",192.0.2.1,22,51234,synack,1,0\r\n",
			[]string{"1.1.1.1:22", "8.8.8.8:443"}, []string{"list: left out 1 result without an open TCP port"}},
		{"zmap CSV of a ping scan", "saddr,classification,success\n8.8.8.8,echoreply,1\n9.9.9.9,timxceed,false\n", []string{"8.8.8.8"}, []string{"list: left out 1 result without an open TCP port"}},
		{"zmap CSV of a UDP scan", "saddr,sport,classification,success\n8.8.8.8,53,udp,1\n", []string{"8.8.8.8"}, nil},
		{"zmap JSON", "{\"saddr\":\"8.8.8.8\",\"sport\":443,\"classification\":\"synack\",\"success\":true}\n{ \"saddr\": \"9.9.9.9\" }\n", []string{"8.8.8.8:443", "9.9.9.9"}, nil},
		{"CSV with ip and port", "host,ip,port\nx,8.8.8.8,443\n", []string{"8.8.8.8:443"}, nil},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			targets, notes := read(t, test.text)
			if d := cmp.Diff(test.want, targets); d != "" {
				t.Errorf("targets (-want +got):\n%s", d)
			}
			if d := cmp.Diff(test.wanted, notes); d != "" {
				t.Errorf("notes (-want +got):\n%s", d)
			}
		})
	}
}

// TestNmapXML reads the start of a real scan (nmap 7.93 with scripts).
func TestNmapXML(t *testing.T) {
	s := mustParse(t, args("@testdata/nmap.xml"), Source{}, Options{})
	want := []string{"127.77.17.232:10022:10080:10443", "127.77.21.241:10022:10080:10443"}
	if d := cmp.Diff(want, shown(s)); d != "" {
		t.Errorf("targets (-want +got):\n%s", d)
	}
	s = mustParse(t, args("127.77.21.240-242"), Source{Files: []string{"testdata/nmap.xml"}}, Options{})
	if d := cmp.Diff([]string{"127.77.21.240", "127.77.21.242"}, shown(s)); d != "" {
		t.Errorf("nmap XML as an exclusion (-want +got):\n%s", d)
	}
}

func TestNmapXMLHosts(t *testing.T) {
	const head = `<?xml version="1.0"?><!DOCTYPE nmaprun><nmaprun scanner="nmap">`
	host := func(inside string) string {
		return `<host><status state="up"/><address addr="8.8.8.8" addrtype="ipv4"/>` + inside + `</host>`
	}
	tests := []struct {
		name, hosts string
		want        []string
	}{
		{"ping scan", host(""), []string{"8.8.8.8"}},
		{"nothing open", host(`<ports><extraports state="closed"/><port protocol="tcp" portid="22"><state state="closed"/></port></ports>`), nil},
		{"UDP and maybe", host(`<ports><port protocol="udp" portid="53"><state state="open"/></port><port protocol="tcp" portid="9"><state state="open|filtered"/></port></ports>`), nil},
		{"down", `<host><status state="down"/><address addr="8.8.8.8" addrtype="ipv4"/></host>`, nil},
		{"name asked for", host(`<hostnames><hostname name="Dns.Example" type="user"/><hostname name="ptr.example" type="PTR"/></hostnames>`), []string{"8.8.8.8[dns.example]"}},
		{"PTR name only", host(`<hostnames><hostname name="ptr.example" type="PTR"/></hostnames>`), []string{"8.8.8.8"}},
		{"hostile name", host(`<hostnames><hostname name="a&#x202e;b" type="user"/></hostnames>`), []string{"8.8.8.8"}},
		{"MAC address first", `<host><address addr="00:11:22:33:44:55" addrtype="mac"/><address addr="2600::1" addrtype="ipv6"/></host>`, []string{"2600::1"}},
		{"elements of the same names elsewhere", host(`<ports><port protocol="tcp" portid="22"><state state="open"/><script id="x"><elem key="state">open</elem><table><host/></table></script></port></ports>`), []string{"8.8.8.8:22"}},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			targets, _ := read(t, head+test.hosts+"</nmaprun>")
			if d := cmp.Diff(test.want, targets); d != "" {
				t.Errorf("targets (-want +got):\n%s", d)
			}
		})
	}
}

// TestExclusionsTakeHostsWithoutPorts: what a scanner found down or closed is
// no target, and is excluded all the same.
func TestExclusionsTakeHostsWithoutPorts(t *testing.T) {
	for _, list := range []string{
		"Host: 8.8.8.8 ()\tStatus: Down\n", "closed tcp 22 8.8.8.8 1700000000\n", "saddr,success\n8.8.8.8,0\n", `{"ip":"8.8.8.8","port":1,"proto":"udp"}`,
		`<nmaprun><host><status state="down"/><address addr="8.8.8.8" addrtype="ipv4"/></host></nmaprun>`,
	} {
		if s := mustParse(t, args("8.8.8.8"), stdin(list), Options{}); s.Count() != 0 {
			t.Errorf("not excluded by %s", list)
		}
	}
}

// TestUnfinishedScans: the output of a scan that was stopped has the targets
// that it has, but is no list of exclusions.
func TestUnfinishedScans(t *testing.T) {
	for _, list := range []string{
		`<nmaprun><host><address addr="8.8.8.8" addrtype="ipv4"/></host><host><address addr="8.8.8.9" addrtype="ipv4"/><sta`,
		"[\n{\"ip\":\"8.8.8.8\"}\n,\n{\"ip\":\"8.8.8.9\"",
	} {
		targets, notes := read(t, list)
		if d := cmp.Diff([]string{"8.8.8.8"}, targets); d != "" {
			t.Errorf("targets of %s (-want +got):\n%s", list, d)
		}
		if d := cmp.Diff([]string{"list: ends in the middle of a result; taken up to there"}, notes); d != "" {
			t.Errorf("notes of %s (-want +got):\n%s", list, d)
		}
		if _, err := Parse(args("8.8.8.8"), stdin(list), Options{}); err == nil {
			t.Errorf("taken as exclusions: %s", list)
		}
	}
}

// TestNameOfAnAddressIsExcluded: an address that a scanner knows by an
// excluded name is excluded, under any port.
func TestNameOfAnAddressIsExcluded(t *testing.T) {
	const list = `<nmaprun><host><address addr="8.8.8.8" addrtype="ipv4"/><hostnames><hostname name="a.example" type="user"/></hostnames></host></nmaprun>`
	want := Source{Args: []string{"-", "8.8.8.8:22", "8.8.8.9"}, Stdin: strings.NewReader(list)}
	if d := cmp.Diff([]string{"8.8.8.9"}, shown(mustParse(t, want, args("a.example"), Options{}))); d != "" {
		t.Errorf("targets (-want +got):\n%s", d)
	}
}

func TestFaultsOfLists(t *testing.T) {
	object := `{"ip":"8.8.8.8","ports":[{"port":1,"proto":"tcp","status":"open"}]}`
	tests := []struct{ name, text, want string }{
		{"list in a list", "8.8.8.8\n @other.txt\n", `list:2:2: "@other.txt": @FILE names a list on the command line, on its own; a list cannot name another`},
		{"stdin in a list", "8.8.8.8\n-\n", `list:2:1: "-": standard input can be asked for on the command line only`},
		{"range that whois would not write", "8.8.8.8 - x.example", `list:1:9: "-": standard input can be asked for on the command line only`},
		{"masscan with a bad address", "open tcp 443 8.8.8 1700000000\n", `list:1:14: "8.8.8": not an address`},
		{"masscan of a special range", "#masscan\nopen tcp 443 10.0.0.1 1700000000\n", `list:2:14: "10.0.0.1": in 10.0.0.0/8 (Private-Use)`},
		{"zmap with a bad address", "saddr,sport\n8.8.8.8,1\n,2\n", `list:3:1: not an address`},
		{"zmap with a short row", "daddr,saddr\n8.8.8.8\n", `list:2:1: "8.8.8.8": a row that ends before the column with the address`},
		{"other JSON", object + "\n  {\"host\":\"x\"}\n", `list:2:3: "{\"host\":\"x\"}": JSON, but not a result of masscan or zmap: no ip and no saddr`},
		{"other types", object + "\n{\"ip\":[]}\n", `list:2:1: "{\"ip\":[]}": JSON, but not a result of masscan or zmap: cannot unmarshal array`},
		{"text among JSON", "[" + object + ",\n x]", `list: line 2: column 2: 'x' between JSON objects`},
		{"huge JSON object", `{"ip":"` + strings.Repeat("8", maxLine) + `"}`, `list: line 1: a JSON object of more than 1048576 bytes`},
		{"other XML", "<html><body/></html>", `list: XML, but not of nmap or masscan: the root element is "html"`},
		{"broken XML", "<nmaprun>\n<host></ports>", `list: line 2: broken XML: element <host> closed by </ports>`},
		{"XML host without an address", "<nmaprun>\n<host><status state=\"up\"/></host></nmaprun>", `list:2:7: a host without an IPv4 or IPv6 address`},
		{"XML with a bad address", "<nmaprun>\n<host><address addr=\"8.8\" addrtype=\"ipv4\"/></host></nmaprun>", `list:2:44: "8.8": not an address`},
		{"XML entities", "<!DOCTYPE x [<!ENTITY a \"8.8.8.8\">]><nmaprun>&a;</nmaprun>", `list: line 1: broken XML: invalid character entity &a;`},
		{"deep XML", "<nmaprun>" + strings.Repeat("<a>", 1000), `list: line 1: XML nested more than 100 deep`},
		{"huge XML attribute", `<nmaprun args="` + strings.Repeat("a", 2*maxLine) + `"/>`, `list: line 1: one XML element or text of more than 1048576 bytes`},
		{"gzip", "\x1f\x8b\x08\x00", "list: compressed; unpack it"},
		{"zstd", "\x28\xb5\x2f\xfd\x00", "list: compressed; unpack it"},
		{"UTF-16", "\xff\xfe8\x00", "list: UTF-16 text; save it as UTF-8"},
		{"binary", "\x7fELF\x00\x00", "list: not text"},
		{"long line", "8.8.8.8\n" + strings.Repeat("a", maxLine+1), "list:2:1: a line of more than 1048576 bytes; the list is read no further"},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			path := filepath.Join(t.TempDir(), "list")
			if err := os.WriteFile(path, []byte(test.text), 0o600); err != nil {
				t.Fatal(err)
			}
			_, err := Parse(Source{Files: []string{path}}, Source{}, Options{})
			got := strings.ReplaceAll(fmt.Sprint(err), path, "list")
			if !strings.HasPrefix(got, test.want) || strings.Count(got, "\n") > 0 {
				t.Errorf("got  %s\nwant %s", got, test.want)
			}
		})
	}
}

func TestStandardInputIsReadOnce(t *testing.T) {
	in := strings.NewReader("8.8.8.8\n")
	_, err := Parse(Source{Args: []string{"-"}, Stdin: in}, Source{Files: []string{"-"}, Stdin: in}, Options{})
	if want := `--exclude: "-": standard input can be read only once`; fmt.Sprint(err) != want {
		t.Errorf("got %v, want %s", err, want)
	}
	if _, err := Parse(args("-"), Source{}, Options{}); err == nil {
		t.Error("no standard input is no fault")
	}
}

// endless is zero bytes of text without end, and counts what is taken.
type endless struct{ taken int }

func (e *endless) Read(p []byte) (int, error) {
	for i := range p {
		p[i] = '\n'
	}
	e.taken += len(p)
	return len(p), nil
}

func TestListsAreCapped(t *testing.T) {
	e := &endless{}
	n, err := io.Copy(io.Discard, &capped{r: e, left: 5000})
	if n != 5000 || !errors.Is(err, errTooLarge) || e.taken > 5001 {
		t.Errorf("read %d of %d bytes, error %v", n, e.taken, err)
	}
	b, err := io.ReadAll(&capped{r: strings.NewReader("12345"), left: 5})
	if string(b) != "12345" || err != nil {
		t.Errorf("a list as long as the cap: %q, error %v", b, err)
	}
}
