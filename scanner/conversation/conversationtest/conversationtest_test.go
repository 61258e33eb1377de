package conversationtest

import (
	"context"
	"net/netip"
	"slices"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/hostkin/hostkin/scanner/conversation"
	"github.com/hostkin/hostkin/scanner/record"
)

// fault collects what a check says instead of failing.
type fault struct {
	testing.TB
	said int
}

func (f *fault) Errorf(string, ...any) { f.said++ }
func (f *fault) Error(...any)          { f.said++ }
func (f *fault) Helper()               {}

func TestCheckSeesBrokenRules(t *testing.T) {
	gap := &Talk{OnOpen: func() conversation.Step { return conversation.Step{Gap: 1} }}
	done := &Talk{OnOpen: func() conversation.Step { return conversation.Step{Do: conversation.Done} }}
	for name, c := range map[string]struct {
		talk   *Talk
		broken bool
		calls  func(c conversation.Conversation)
	}{
		"whole":             {gap, false, func(c conversation.Conversation) { c.Open(); c.Quiet(); c.Feed([]byte("x")); c.End(record.Closed) }},
		"never opened":      {gap, false, func(c conversation.Conversation) { c.End(record.Refused) }},
		"done":              {done, false, func(c conversation.Conversation) { c.Open(); c.End(record.OK) }},
		"feed before open":  {gap, true, func(c conversation.Conversation) { c.Feed([]byte("x")) }},
		"open twice":        {gap, true, func(c conversation.Conversation) { c.Open(); c.Open() }},
		"empty feed":        {gap, true, func(c conversation.Conversation) { c.Open(); c.Feed(nil) }},
		"quiet without gap": {&Talk{}, true, func(c conversation.Conversation) { c.Open(); c.Quiet() }},
		"feed after done":   {done, true, func(c conversation.Conversation) { c.Open(); c.Feed([]byte("x")) }},
		"done, not OK":      {done, true, func(c conversation.Conversation) { c.Open(); c.End(record.Closed) }},
		"OK, not done":      {gap, true, func(c conversation.Conversation) { c.Open(); c.End(record.OK) }},
		"end twice":         {gap, true, func(c conversation.Conversation) { c.Open(); c.End(record.Closed); c.End(record.Closed) }},
		"feed after end":    {gap, true, func(c conversation.Conversation) { c.Open(); c.End(record.Closed); c.Feed([]byte("x")) }},
		"closed, not open":  {gap, true, func(c conversation.Conversation) { c.End(record.Closed) }},
	} {
		f := &fault{TB: t}
		talk := *c.talk
		c.calls(Check(f, &talk))
		if (f.said > 0) != c.broken {
			t.Errorf("%s: %d faults", name, f.said)
		}
	}
}

// upper answers each byte and is done with a full stop.
type upper struct{ got string }

func (u *upper) Open() conversation.Step { return conversation.Step{Send: []byte("?")} }

func (u *upper) Feed(in []byte) conversation.Step {
	u.got += string(in)
	if in[len(in)-1] == '.' {
		return conversation.Step{Do: conversation.Done}
	}
	return conversation.Step{Send: []byte("!")}
}

func (u *upper) Quiet() conversation.Step { return conversation.Step{} }

func (u *upper) End(why record.Status) record.Status {
	if why == record.OK && u.got == "" {
		return record.Malformed
	}
	return why
}

func TestRecordThenReplay(t *testing.T) {
	want := Transcript{Turns: [][]byte{[]byte("one"), []byte("two."), []byte("never")}, Then: record.Closed}
	c, recorded := Record(&upper{})
	if status, _ := Play(c, want, nil); status != record.OK {
		t.Errorf("verdict %q", status)
	}
	want.Turns = want.Turns[:2]
	if diff := cmp.Diff(want, recorded()); diff != "" {
		t.Errorf("recorded (-want +got):\n%s", diff)
	}

	to := netip.MustParseAddrPort("192.0.2.1:80")
	r := &Replay{Answer: func(a netip.AddrPort, nth int) (Transcript, bool) { return recorded(), a == to && nth == 0 }}
	var got []record.Status
	for range 2 {
		r.Go(t.Context(), &conversation.Exchange{Addr: to, Conv: Check(t, &upper{}), Ended: func(x *conversation.Exchange) {
			got = append(got, x.Status)
			if x.Connected != (x.Status == record.OK) {
				t.Errorf("%q, connected: %v", x.Status, x.Connected)
			}
		}})
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	r.Go(ctx, &conversation.Exchange{Addr: to, Conv: Check(t, &upper{}), Ended: func(x *conversation.Exchange) { got = append(got, x.Status) }})
	if want := []record.Status{record.OK, record.Refused, record.Cancelled}; !slices.Equal(got, want) || r.Connections()[to] != 3 {
		t.Errorf("%q, want %q; %v", got, want, r.Connections())
	}
}

// prodder says something into each silence, twice, and leaves at the third.
type prodder struct {
	Talk
	end record.Status
}

func (p *prodder) Open() conversation.Step { return conversation.Step{Gap: 1} }

func (p *prodder) Feed([]byte) conversation.Step { return conversation.Step{Gap: 1} }

func (p *prodder) Quiet() conversation.Step {
	if p.Quiets++; p.Quiets == 3 {
		return conversation.Step{Do: conversation.Done}
	}
	return conversation.Step{Send: []byte("?"), Gap: 1}
}

func (p *prodder) End(why record.Status) record.Status {
	p.end = why
	return why
}

// Whether the server ended it at once, or was left in silence, is recorded and replayed.
func TestAbruptEnds(t *testing.T) {
	for name, test := range map[string]struct {
		events string // f feed, q quiet
		why    record.Status
		want   Transcript
		quiets int
	}{
		"at once":                    {"f", record.Reset, Transcript{[][]byte{[]byte("x")}, record.Reset, true}, 0},
		"after what was said":        {"fqf", record.Closed, Transcript{[][]byte{[]byte("x"), []byte("x")}, record.Closed, true}, 1},
		"without a word to the prod": {"fq", record.Closed, Transcript{[][]byte{[]byte("x"), {}}, record.Closed, true}, 1},
		"left in silence":            {"fqqq", record.OK, Transcript{[][]byte{[]byte("x")}, record.Closed, false}, 3},
	} {
		conv, recorded := Record(&prodder{})
		conv.Open()
		for _, e := range test.events {
			if e == 'f' {
				conv.Feed([]byte("x"))
			} else {
				conv.Quiet()
			}
		}
		conv.End(test.why)
		if diff := cmp.Diff(test.want, recorded()); diff != "" {
			t.Errorf("%s: recorded, -want +got\n%s", name, diff)
		}
		p := &prodder{}
		Play(p, test.want, nil)
		if p.end != test.why || p.Quiets != test.quiets {
			t.Errorf("%s: replayed with %d silences, then %q", name, p.Quiets, p.end)
		}
	}
}

func TestCheckEndings(t *testing.T) {
	tr := Transcript{Turns: [][]byte{[]byte("one"), []byte("two.")}}
	CheckEndings(t, tr, func() conversation.Conversation { return &upper{} })
	for name, verdict := range map[string]func(record.Status) record.Status{
		"always OK":    func(record.Status) record.Status { return record.OK },
		"not a status": func(record.Status) record.Status { return "fine" },
	} {
		f := &fault{TB: t}
		CheckEndings(f, tr, func() conversation.Conversation { return &Talk{Verdict: verdict} })
		if f.said == 0 {
			t.Errorf("%s: no fault", name)
		}
	}
}

func TestFuzzHelper(t *testing.T) {
	Fuzz(t, []byte("one."), 8, func() conversation.Conversation {
		return &Talk{OnOpen: func() conversation.Step { return conversation.Step{Send: []byte("x")} }}
	})
	f := &fault{TB: t}
	Fuzz(f, []byte("one two three"), 1, func() conversation.Conversation { return &upper{} })
	if f.said == 0 {
		t.Error("sending more than allowed is no fault")
	}
}
