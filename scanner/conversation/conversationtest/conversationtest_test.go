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
