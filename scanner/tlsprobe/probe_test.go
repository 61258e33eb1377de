package tlsprobe

import (
	"net/netip"
	"slices"
	"strings"
	"testing"

	"github.com/hostkin/hostkin/scanner/conversation"
	"github.com/hostkin/hostkin/scanner/conversation/conversationtest"
	"github.com/hostkin/hostkin/scanner/record"
	"github.com/hostkin/hostkin/scanner/tlsprobe/wire"
)

var (
	refusal  = said(rec(21, []byte{2, 40}))
	flight   = said(records(hello12, chain(1, 9), msg(14, nil)))
	nothing  = conversationtest.Transcript{Then: record.Closed}
	silence  = conversationtest.Transcript{Then: record.Timeout}
	noTLS    = said([]byte("SSH-2.0-x\r\n"))
	halfHead = conversationtest.Transcript{Turns: [][]byte{{22, 3}}, Then: record.Timeout}
)

func said(turns ...[]byte) conversationtest.Transcript {
	return conversationtest.Transcript{Turns: turns}
}

// waves asks a server that answers each hello alike, unless c or a have an
// answer of their own. It returns the letters asked, a space between those
// that were not under way at once, and what was folded.
func waves(t *testing.T, p Probe, seen record.Answer, answers map[string]conversationtest.Transcript) (string, record.Answer, record.Status) {
	t.Helper()
	p.keys = testKeys(t)
	run := p.Start(record.Endpoint{Host: record.Host{IP: netip.MustParseAddr("127.0.0.1"), Name: "a.example"}, Port: 443}, seen)
	var asked []string
	for {
		var under []*conversation.Exchange
		var letters strings.Builder
		for {
			x := &conversation.Exchange{}
			if !run.Next(x) {
				break
			}
			under = append(under, x)
			letters.WriteString(x.Conv.(*client).out.Hello)
		}
		if len(under) == 0 {
			break
		}
		asked = append(asked, letters.String())
		slices.Reverse(under) // as it happens
		for _, x := range under {
			letter := x.Conv.(*client).out.Hello
			answer, ok := answers[letter]
			if !ok {
				answer = answers[""]
			}
			name := "a.example"
			if letter == "d" {
				name = nobody
			}
			if !strings.Contains(string(x.Conv.(*client).hello), name) {
				t.Errorf("hello %s without the name %s", letter, name)
			}
			x.Connected = true
			if answer.Then == record.Refused {
				x.Connected = false
				x.Status = x.Conv.End(record.Refused)
			} else {
				x.Status, _ = conversationtest.Play(x.Conv, answer, nil)
			}
			run.Ended(x)
		}
	}
	var a record.Answer
	status := run.Fold(&a)
	return strings.Join(asked, " "), a, status
}

func letterStatuses(t *record.TLS) string {
	var out []string
	for a := range t.Answers() {
		out = append(out, a.Hello+":"+string(a.Status))
	}
	return strings.Join(out, " ")
}

func TestWhatIsAsked(t *testing.T) {
	type answers = map[string]conversationtest.Transcript
	for name, test := range map[string]struct {
		answers     answers
		brief, full string // asked
		status      record.Status
		folded      string // of the full
	}{
		"a server of TLS 1.2":  {answers{"": flight}, "c", "c adeb", record.OK, "c:ok a:ok d:ok e:ok b:ok"},
		"refuses all":          {answers{"": refusal}, "c a", "c adeb", record.Alert, "c:alert a:alert d:alert e:alert b:alert"},
		"refuses C":            {answers{"c": refusal, "": flight}, "c a", "c adeb", record.OK, "a:ok c:alert d:ok e:ok b:ok"},
		"hangs up on C":        {answers{"c": nothing, "": flight}, "c", "c a deb", record.OK, "a:ok c:closed d:ok e:ok b:ok"},
		"hangs up on all":      {answers{"": nothing}, "c", "c a d", record.Closed, ""},
		"hangs up on C and A":  {answers{"c": nothing, "a": nothing, "": flight}, "c", "c a d eb", record.OK, "d:ok c:closed a:closed e:ok b:ok"},
		"silent":               {answers{"": silence}, "c", "c", record.Timeout, ""},
		"silent after C":       {answers{"c": flight, "": silence}, "c", "c adeb", record.OK, "c:ok a:timeout d:timeout e:timeout b:timeout"},
		"half a record header": {answers{"": halfHead}, "c", "c", record.Timeout, "c:timeout"},
		"no TLS":               {answers{"": noTLS}, "c", "c", record.Malformed, "c:malformed"},
		"nobody there":         {answers{"": {Then: record.Refused}}, "c", "c", record.Refused, ""},
		"nobody any more":      {answers{"c": flight, "": {Then: record.Refused}}, "c", "c adeb", record.OK, "c:ok a:refused d:refused e:refused b:refused"},
		"stopped at once":      {answers{"": {Then: record.Cancelled}}, "c", "c", record.Cancelled, ""},
		"stopped half-way":     {answers{"c": flight, "b": flight, "": {Then: record.Cancelled}}, "c", "c adeb", record.OK, "c:ok b:ok"},
	} {
		t.Run(name, func(t *testing.T) {
			asked, _, _ := waves(t, Probe{Brief: true}, record.Answer{}, test.answers)
			if asked != test.brief {
				t.Errorf("in brief asked %q, want %q", asked, test.brief)
			}
			asked, a, status := waves(t, Probe{}, record.Answer{}, test.answers)
			if asked != test.full || status != test.status || letterStatuses(a.TLS) != test.folded {
				t.Errorf("asked %q, status %q, folded %q; want %q, %q, %q", asked, status, letterStatuses(a.TLS), test.full, test.status, test.folded)
			}
		})
	}
}

// The full look after the brief one asks for the rest, and its record is that
// of a full look alone.
func TestFullAfterBrief(t *testing.T) {
	other := said(records(hello12, chain(1, 10), msg(14, nil)))
	for name, answers := range map[string]map[string]conversationtest.Transcript{
		"c tells":        {"": flight},
		"a tells":        {"c": refusal, "": flight},
		"another chain":  {"d": other, "": flight},
		"nothing of C's": {"": refusal},
	} {
		_, want, wantStatus := waves(t, Probe{}, record.Answer{}, answers)
		first, brief, _ := waves(t, Probe{Brief: true}, record.Answer{}, answers)
		then, got, status := waves(t, Probe{}, brief, answers)
		if letters := strings.ReplaceAll(first+then, " ", ""); letters != "cadeb" || status != wantStatus {
			t.Errorf("%s: asked %q then %q, status %q", name, first, then, status)
		}
		if !equal(want.TLS, got.TLS) {
			t.Errorf("%s: %+v\nwant %+v", name, got.TLS, want.TLS)
		}
		if again, a, status := waves(t, Probe{}, got, answers); again != "" || a.TLS != nil || status != wantStatus && status != record.OK {
			t.Errorf("%s: asks %q again, status %q", name, again, status)
		}
	}
}

func equal(a, b *record.TLS) bool {
	if letterStatuses(a) != letterStatuses(b) {
		return false
	}
	next := func(t *record.TLS) (chains []string) {
		for x := range t.Answers() {
			chains = append(chains, string(slices.Concat(x.Certificates...)))
		}
		return chains
	}
	return slices.Equal(next(a), next(b))
}

// A chain stands in a record once, but another one beside it.
func TestChains(t *testing.T) {
	_, a, _ := waves(t, Probe{}, record.Answer{}, map[string]conversationtest.Transcript{
		"d": said(records(hello12, chain(1, 10), msg(14, nil))), "": flight})
	var have []string
	for x := range a.TLS.Answers() {
		have = append(have, x.Hello+strings.Repeat("+", len(x.Certificates)))
	}
	if got := strings.Join(have, " "); got != "c+ a d+ e b" {
		t.Errorf("chains: %q", got)
	}
}

// With equal bytes of randomness hellos are equal, with others they are not.
func TestKeysDecideTheHellos(t *testing.T) {
	one, same, other := testKeys(t), testKeys(t), defaultKeys()
	for _, letter := range letters() {
		h := padded(one.build(letter, "a.example"))
		if string(h) != string(padded(same.build(letter, "a.example"))) || string(h) == string(padded(other.build(letter, "a.example"))) {
			t.Errorf("hello %s", letter)
		}
	}
	for b := range 256 {
		if !wire.IsGrease(greased(byte(b))) {
			t.Errorf("%04x is not a value of RFC 8701", greased(byte(b)))
		}
	}
	if suites := oldSuites(); len(suites) != 64 || len(slices.Compact(slices.Sorted(slices.Values(suites)))) != 64 {
		t.Errorf("%d old suites", len(oldSuites()))
	}
}
