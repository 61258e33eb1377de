package jarm

import (
	"encoding/binary"
	"encoding/hex"
	"encoding/json"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/hostkin/hostkin/scanner/record"
)

// fromRaw makes the answers that jarm.py would print as raw: for each hello
// "suite|version|ALPN|extensions".
func fromRaw(t testing.TB, raw string) *record.JARM {
	t.Helper()
	j := &record.JARM{}
	for part := range strings.SplitSeq(raw, ",") {
		f := strings.Split(part, "|")
		if f[0] == "" {
			j.Answers = append(j.Answers, record.JARMAnswer{Status: record.Alert})
			continue
		}
		unhex := func(s string) []byte {
			b, err := hex.DecodeString(s)
			if err != nil {
				t.Fatal(err)
			}
			return b
		}
		body := append(unhex(f[1]), make([]byte, 32)...)
		body = append(append(append(body, 0), unhex(f[0])...), 0)
		var block []byte
		for number := range strings.SplitSeq(f[3], "-") {
			var data []byte
			if number == "0010" {
				n := byte(len(f[2]))
				data = append([]byte{0, n + 1, n}, f[2]...)
			}
			block = append(block, unhex(number)...)
			block = binary.BigEndian.AppendUint16(block, uint16(len(data)))
			block = append(block, data...)
		}
		if f[3] != "" {
			body = append(binary.BigEndian.AppendUint16(body, uint16(len(block))), block...)
		}
		msg := append([]byte{2, 0, byte(len(body) >> 8), byte(len(body))}, body...)
		j.Answers = append(j.Answers, record.JARMAnswer{Status: record.OK, ServerHello: msg})
	}
	return j
}

const (
	// rawVector and its value are in jarm_test.go of github.com/hdm/jarm-go.
	rawVector = "c02f|0303|http/1.1|0000-ff01-000b-0023-0010,c02f|0303|http/1.1|0000-ff01-000b-0023-0010,|||," +
		"c02f|0303||0000-ff01-000b-0023,c02f|0303||0000-ff01-000b-0023,|||,c02f|0303|http/1.1|0000-ff01-000b-0023-0010," +
		"c02f|0303|http/1.1|0000-ff01-000b-0023-0010,c02f|0303|http/1.1|0000-ff01-000b-0023-0010,c02f|0303|http/1.1|0000-ff01-000b-0023-0010"
	vector = "29d29d00029d29d00029d29d29d29d8c9dac4e97f99c7a0e93e9d4d790df0a"
)

func TestPublishedVector(t *testing.T) {
	if got, partial, ok := Of(fromRaw(t, rawVector)); got != vector || partial || !ok {
		t.Errorf("%s, partial %v, ok %v; want %s", got, partial, ok, vector)
	}
}

// recorded is a file of testdata, written by the tests of scanner/jarmprobe:
// the answers of a real server and its value by jarm-go.
type recorded struct {
	JARM *record.JARM `json:"jarm"`
	Want string       `json:"want"`
}

func load(t testing.TB, name string) recorded {
	t.Helper()
	b, err := os.ReadFile(filepath.Join("testdata", name))
	if err != nil {
		t.Fatal(err)
	}
	var r recorded
	if err := json.Unmarshal(b, &r); err != nil {
		t.Fatal(err)
	}
	return r
}

func TestRealServers(t *testing.T) {
	for file, published := range map[string]string{
		"openssl.json":  "07d14d16d21d21d00042d43d000000aa99ce74e2c6d013c745aa52b5cc042d", // s_server 3.0
		"python.json":   "2ad2ad0002ad2ad00042d42d000000ad9bf51cc3f5a1e29eecb81d0c7b06eb", // ssl, default context
		"nginx-ec.json": "",
		"gnutls.json":   "",
	} {
		r := load(t, file)
		got, partial, ok := Of(r.JARM)
		if got != r.Want || partial || !ok || published != "" && got != published {
			t.Errorf("%s: %s, partial %v, ok %v; want %s", file, got, partial, ok, r.Want)
		}
	}
}

func TestPartial(t *testing.T) {
	for status, want := range map[record.Status]struct {
		value   string
		partial bool
	}{
		record.OK:          {vector, false},
		record.Alert:       {"00029d", false},
		record.Closed:      {"00029d", false},
		record.Reset:       {"00029d", false},
		record.Malformed:   {"00029d", false},
		record.Timeout:     {"00029d", true},
		record.Refused:     {"00029d", true},
		record.Unreachable: {"00029d", true},
		record.Cancelled:   {"00029d", true},
		record.Truncated:   {"00029d", true},
		"":                 {"00029d", true},
	} {
		j := fromRaw(t, rawVector)
		j.Answers[0].Status = status // with its ServerHello, which counts only if OK
		got, partial, ok := Of(j)
		if !strings.HasPrefix(got, want.value) || partial != want.partial || !ok {
			t.Errorf("%q: %s, partial %v, ok %v", status, got, partial, ok)
		}
	}
	short := fromRaw(t, rawVector)
	short.Answers = short.Answers[:9]
	if got, partial, ok := Of(short); !partial || !ok || got[27:30] != "000" {
		t.Errorf("nine answers: %s, partial %v, ok %v", got, partial, ok)
	}
}

func TestNoFingerprint(t *testing.T) {
	empty := func(s record.Status) *record.JARM {
		j := &record.JARM{}
		for range count {
			j.Answers = append(j.Answers, record.JARMAnswer{Status: s})
		}
		return j
	}
	tooMany := fromRaw(t, rawVector+","+rawVector)
	for name, j := range map[string]*record.JARM{
		"nil": nil, "no answers": {}, "all alerts": empty(record.Alert), "all silent": empty(record.Timeout),
		"OK without a ServerHello": empty(record.OK), "twenty answers": tooMany,
	} {
		if got, _, ok := Of(j); ok || got != "" {
			t.Errorf("%s: %q, ok %v", name, got, ok)
		}
	}
}

func TestComponents(t *testing.T) {
	same := func(part string) string { return strings.TrimSuffix(strings.Repeat(part+",", count), ",") }
	for part, want := range map[string]string{
		"1301|0303||002b-0033": "41d", // TLS 1.3 says 0303 here
		"0004|0300||ff01":      "01a",
		"0005|0301||ff01":      "02b",
		"1305|0303||002b":      "45d",
		"c0ff|0303||":          "46d", // not one of JARM's suites
		"0004|0309||ff01":      "010",
	} {
		got, _, ok := Of(fromRaw(t, same(part)))
		if !ok || !strings.HasPrefix(got, strings.Repeat(want, count)) {
			t.Errorf("%s: %s", part, got)
		}
	}
	if got, _, _ := Of(fromRaw(t, same("c02f|0303||"))); !strings.HasSuffix(got, "e3b0c44298fc1c149afbf4c8996fb924") {
		t.Errorf("without extensions: %s", got)
	}
}

func FuzzOf(f *testing.F) {
	for _, a := range fromRaw(f, rawVector).Answers {
		f.Add(a.ServerHello)
	}
	for _, a := range load(f, "gnutls.json").JARM.Answers {
		f.Add(a.ServerHello)
	}
	form := regexp.MustCompile("^([0-9a-f]{2}[a-f0]){10}[0-9a-f]{32}$")
	f.Fuzz(func(t *testing.T, msg []byte) {
		got, _, ok := Of(&record.JARM{Answers: []record.JARMAnswer{{Status: record.OK, ServerHello: msg}}})
		if ok != form.MatchString(got) {
			t.Errorf("%q, ok %v", got, ok)
		}
	})
}

func BenchmarkOf(b *testing.B) {
	j := load(b, "openssl.json").JARM
	b.ReportAllocs()
	for b.Loop() {
		Of(j)
	}
}
