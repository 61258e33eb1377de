package rdp

import (
	"encoding/hex"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/hostkin/hostkin/fingerprints/value"
	"github.com/hostkin/hostkin/internal/livetest"
	"github.com/hostkin/hostkin/scanner/record"
)

func unhex(t *testing.T, s string) []byte {
	t.Helper()
	b, err := hex.DecodeString(s)
	if err != nil {
		t.Fatal(err)
	}
	return b
}

// The challenge of MS-NLMP 4.2.4.3: server "Server" in domain "Domain".
const specChallenge = "4e544c4d53535000020000000c000c003800000033828ae20123456789abcdef00000000000000002400240044000000060070170000000f" +
	"53006500720076006500720002000c0044006f006d00610069006e0001000c0053006500720076006500720000000000"

func TestVector(t *testing.T) {
	want := []value.Pair{
		{Kind: Negotiation, Value: "hybrid_ex flags=1f refs=0000:1234 class=00"},
		{Kind: NTLMNames, Value: "computer=Server;domain=Domain"},
		{Kind: NTLMPattern, Value: "computer=Server;domain=Domain"},
		{Kind: NTLMVersion, Value: "6.0.6000 rev=15 flags=e28a8233 av=2,1 credssp=6"},
	}
	got := Of(&record.RDP{Confirm: unhex(t, "030000130ed00000123400021f080008000000"), CredSSP: 6, Challenge: unhex(t, specChallenge)})
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
}

func TestRecordedServers(t *testing.T) {
	for name, want := range map[string][]value.Pair{
		"xrdp":            {{Kind: Negotiation, Value: "ssl flags=01 refs=0000:1234 class=00"}},
		"xrdp-tls12":      {{Kind: Negotiation, Value: "ssl flags=01 refs=0000:1234 class=00"}},
		"xrdp-plain":      {{Kind: Negotiation, Value: "rdp flags=01 refs=0000:1234 class=00"}},
		"freerdp-tls":     {{Kind: Negotiation, Value: "ssl flags=03 refs=0000:0000 class=00"}},
		"freerdp-refuses": {{Kind: Negotiation, Value: "failure=1 refs=0000:0000 class=00"}},
		"freerdp-nla": {{Kind: Negotiation, Value: "hybrid flags=03 refs=0000:0000 class=00"},
			{Kind: NTLMNames, Value: "computer=VM;domain=VM;dns_computer=vm;dns_domain=vm"},
			{Kind: NTLMPattern, Value: "computer=VM;domain=VM;dns_computer=vm;dns_domain=vm"},
			{Kind: NTLMVersion, Value: "6.1.7601 rev=15 flags=e28882b7 av=2,1,4,3,7 credssp=6"}},
	} {
		r := livetest.Load[*record.RDP](t, "testdata/"+name+".json")
		if diff := cmp.Diff(want, Of(r)); diff != "" {
			t.Errorf("%s:\n%s", name, diff)
		}
	}
}

func TestNegotiation(t *testing.T) {
	for pdu, want := range map[string]string{
		"":                                       "",
		"0300000b06d000001234":                   "",
		"0300000b06d00000123400":                 "none refs=0000:1234 class=00",
		"030000130ed000001234000300080005000000": "failure=5 refs=0000:1234 class=00",
		"030000130ed000000000000200080010000000": "0x10 flags=00 refs=0000:0000 class=00",
		"030000150ed00000123400020008000100" + "0000aabb": "ssl flags=00 refs=0000:1234 class=00 rest=aabb",
		"0300000d08d00000123400beef":                      "none refs=0000:1234 class=00 rest=beef",
	} {
		if got := negotiation(unhex(t, pdu)); got != want {
			t.Errorf("%s: %q, want %q", pdu, got, want)
		}
	}
}

// with changes bytes of the specification's challenge.
func with(t *testing.T, change func(b []byte) []byte) []value.Pair {
	t.Helper()
	return Of(&record.RDP{Challenge: change(unhex(t, specChallenge))})
}

// Neither the challenge nor the time changes a value.
func TestWhatChangesEveryTimeIsLeftOut(t *testing.T) {
	pairs := func(clock string) string { return "02000400" + "41004200" + "07000800" + clock + "00000000" }
	build := func(nonce byte, clock string) []value.Pair {
		return with(t, func(b []byte) []byte {
			b[24], b[25] = nonce, nonce
			info := unhex(t, pairs(clock))
			b[40], b[42] = byte(len(info)), byte(len(info))
			return append(b[:68], info...)
		})
	}
	a, b := build(1, "0102030405060708"), build(2, "1112131415161718")
	if diff := cmp.Diff(a, b); diff != "" || len(a) != 3 || a[0].Value != "domain=AB" {
		t.Errorf("%v\n%s", a, diff)
	}
}

func TestHostileChallenges(t *testing.T) {
	names := "computer=Server;domain=Domain"
	for name, test := range map[string]struct {
		change func(b []byte) []byte
		want   string // of NTLMVersion, up to its flags; "" if there is nothing
		names  string
	}{
		"nothing":            {func([]byte) []byte { return nil }, "", ""},
		"too short":          {func(b []byte) []byte { return b[:47] }, "", ""},
		"not a challenge":    {func(b []byte) []byte { b[8] = 3; return b }, "", ""},
		"no version":         {func(b []byte) []byte { b[23] &^= 2; return b }, "none", names},
		"cut at the version": {func(b []byte) []byte { return b[:50] }, "none", ""},
		"no target info":     {func(b []byte) []byte { b[22] &^= 0x80; return b }, "6.0.6000 rev=15", ""},
		"offset outside":     {func(b []byte) []byte { b[44] = 0xff; return b }, "6.0.6000 rev=15", ""},
		"offset far outside": {func(b []byte) []byte { copy(b[44:], "\xff\xff\xff\xff"); return b }, "6.0.6000 rev=15", ""},
		"length outside":     {func(b []byte) []byte { b[40], b[41] = 0xff, 0xff; return b }, "6.0.6000 rev=15", ""},
		"a pair that lies":   {func(b []byte) []byte { b[68+16+2] = 0xff; return b }, "6.0.6000 rev=15", "domain=Domain"},
		"no end":             {func(b []byte) []byte { b[40] -= 4; return b }, "6.0.6000 rev=15", names},
		"an odd length":      {func(b []byte) []byte { b[68+2]--; b[68+15] = 0; return b }, "6.0.6000 rev=15", "domain=Domai"},
		"pairs without end": {func(b []byte) []byte {
			b[40], b[41] = 0x00, 0x20
			return append(b[:68], strings.Repeat("\x09\x00\x00\x00", 0x800)...)
		}, "6.0.6000 rev=15", ""},
		"a name twice": {func(b []byte) []byte {
			b[40] = 16 + 16 + 16 + 4
			return append(b[:68], unhex(t, strings.Repeat("01000c00530065007200760065007200", 3)+"00000000")...)
		}, "6.0.6000 rev=15", "computer=Server"},
	} {
		t.Run(name, func(t *testing.T) {
			var version, got string
			for _, p := range with(t, test.change) {
				switch p.Kind {
				case NTLMNames:
					got = p.Value
				case NTLMVersion:
					version, _, _ = strings.Cut(p.Value, " flags=")
					if n := strings.Count(p.Value, ","); n >= maxPairs {
						t.Errorf("%d pairs", n+1)
					}
				}
				if len(p.Value) > value.Max {
					t.Errorf("%s has %d bytes", p.Kind, len(p.Value))
				}
			}
			if version != test.want || got != test.names {
				t.Errorf("%q %q, want %q %q", version, got, test.want, test.names)
			}
		})
	}
}

func TestPattern(t *testing.T) {
	for name, want := range map[string]string{
		"WIN-0123456789A":             "WIN-#",
		"WIN-LIVESINTOWN":             "WIN-#", // drawn without a digit, for all we know
		"win-0123456789a":             "win-#",
		"WIN-SQL":                     "WIN-SQL",
		"WIN-0123456789.":             "WIN-#.",
		"DESKTOP-A1B2C3D":             "DESKTOP-#",
		"EC2AMAZ-Q7W8E9R":             "EC2AMAZ-#",
		"LAPTOP-A1B2C3D4":             "LAPTOP-#",
		"vm123":                       "vm#",
		"srv-7f3a9c0e":                "srv-#",
		"WIN-0123456789A.corp9.local": "WIN-#.corp#.local",
		"WIN-012345678-A":             "WIN-#-A",
		"":                            "",
	} {
		if got := pattern(name); got != want {
			t.Errorf("%q: %q, want %q", name, got, want)
		}
	}
}

func FuzzChallenge(f *testing.F) {
	b, err := hex.DecodeString(specChallenge)
	if err != nil {
		f.Fatal(err)
	}
	f.Add(b, []byte("\x03\x00\x00\x13\x0e\xd0\x00\x00\x12\x34\x00\x02\x1f\x08\x00\x08\x00\x00\x00"))
	r := livetest.Load[*record.RDP](f, "testdata/freerdp-nla.json")
	f.Add(r.Challenge, r.Confirm)
	f.Fuzz(func(t *testing.T, challenge, confirm []byte) {
		r := &record.RDP{Challenge: challenge, Confirm: confirm}
		first := Of(r)
		for _, p := range first {
			if p.Value == "" || len(p.Value) > value.Max || value.Escaped(p.Value, "") != p.Value {
				t.Errorf("%s: %q", p.Kind, p.Value)
			}
		}
		if diff := cmp.Diff(first, Of(r)); diff != "" {
			t.Error(diff)
		}
	})
}
