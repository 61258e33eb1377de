package tlsprobe

import (
	"bytes"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/hostkin/hostkin/scanner/conversation"
	"github.com/hostkin/hostkin/scanner/conversation/conversationtest"
	"github.com/hostkin/hostkin/scanner/record"
)

// retryMessage is a HelloRetryRequest for P-256.
var retryMessage = msg(2, append(append([]byte{3, 3}, []byte("\xCF\x21\xAD\x74\xE5\x9A\x61\x11\xBE\x1D\x8C\x02\x1E\x65\xB8\x91"+
	"\xC2\xA2\x11\x16\x7A\xBB\x8C\x5E\x07\x9E\x09\xE2\xC8\xA8\x33\x9C")...), 0, 0x13, 1, 0, 0, 12, 0, 43, 0, 2, 3, 4, 0, 51, 0, 2, 0, 23))

func TestStimulus(t *testing.T) {
	flight12 := records(hello12, chain(1, 9), msg(14, nil))
	alert := func(level, code byte) []byte { return rec(21, []byte{level, code}) }
	unexpected := record.TLSAlert{Level: 2, Code: 10}
	for name, test := range map[string]struct {
		letter string
		odd    bool
		turns  [][]byte
		then   record.Status
		abrupt bool
		want   record.Status
		after  *record.TLSAfter
		alerts int // of the flight
	}{
		"refused and closed": {letter: "d", odd: true, turns: [][]byte{flight12, alert(2, 10)}, then: record.Closed, abrupt: true, want: record.OK,
			after: &record.TLSAfter{Sent: "ccs", Alerts: []record.TLSAlert{unexpected}, End: record.Closed}},
		"refused and reset": {letter: "d", odd: true, turns: [][]byte{flight12, alert(2, 10)}, then: record.Reset, abrupt: true, want: record.OK,
			after: &record.TLSAfter{Sent: "ccs", Alerts: []record.TLSAlert{unexpected}, End: record.Reset}},
		"refused, stays open": {letter: "d", odd: true, turns: [][]byte{flight12, alert(2, 10)}, want: record.OK,
			after: &record.TLSAfter{Sent: "ccs", Alerts: []record.TLSAlert{unexpected}, End: record.Timeout}},
		"closed at once": {letter: "d", odd: true, turns: [][]byte{flight12, {}}, then: record.Closed, abrupt: true, want: record.OK,
			after: &record.TLSAfter{Sent: "ccs", End: record.Closed}},
		"nothing happens": {letter: "d", odd: true, turns: [][]byte{flight12, {}}, want: record.OK,
			after: &record.TLSAfter{Sent: "ccs", End: record.Timeout}},
		"a warning and a new flight": {letter: "d", odd: true, turns: [][]byte{flight12, append(alert(1, 100), flight12...)}, want: record.OK,
			after: &record.TLSAfter{Sent: "ccs", Alerts: []record.TLSAlert{{Level: 1, Code: 100}}, Messages: []uint8{2, 11, 14}, End: record.Timeout}},
		"cut after the stimulus":     {letter: "d", odd: true, turns: [][]byte{flight12, alert(2, 10)}, then: record.Timeout, abrupt: true, want: record.OK},
		"cancelled":                  {letter: "d", odd: true, turns: [][]byte{flight12, {}}, then: record.Cancelled, abrupt: true, want: record.OK},
		"closed before the stimulus": {letter: "d", odd: true, turns: [][]byte{flight12}, then: record.Closed, abrupt: true, want: record.Closed},
		"cut before the stimulus":    {letter: "d", odd: true, turns: [][]byte{flight12}, then: record.Timeout, abrupt: true, want: record.OK},
		"alert before the stimulus":  {letter: "d", odd: true, turns: [][]byte{append(bytes.Clone(flight12), alert(2, 90)...)}, want: record.Alert, alerts: 1},
		"a second ServerHelloDone":   {letter: "d", odd: true, turns: [][]byte{append(bytes.Clone(flight12), records(msg(14, nil))...)}, want: record.Malformed},
		"garbage after it":           {letter: "d", odd: true, turns: [][]byte{flight12, []byte("GET / HTTP/1.1")}, want: record.Malformed},
		"warnings without end":       {letter: "d", odd: true, turns: [][]byte{flight12, bytes.Repeat(alert(1, 0), 100)}, want: record.Malformed},
		"messages without end":       {letter: "d", odd: true, turns: [][]byte{flight12, bytes.Repeat(records(msg(4, nil)), 100)}, want: record.Malformed},
		"a message too long":         {letter: "d", odd: true, turns: [][]byte{flight12, bytes.Repeat(rec(22, append([]byte{2, 255, 255, 255}, make([]byte, 16000)...)), 40)}, want: record.Truncated},

		"a retry is enough":    {letter: "b", odd: true, turns: [][]byte{records(retryMessage)}, want: record.OK},
		"no retry but a hello": {letter: "b", turns: [][]byte{flight12}, want: record.OK},

		"d, not odd":           {letter: "d", turns: [][]byte{flight12}, want: record.OK},
		"the others have none": {letter: "c", odd: true, turns: [][]byte{flight12}, want: record.OK},
	} {
		t.Run(name, func(t *testing.T) {
			transcript := conversationtest.Transcript{Turns: test.turns, Then: test.then, Abrupt: test.abrupt}
			got, status := conversationtest.CheckCuts(t, transcript, func() (conversation.Conversation, func() record.TLSAnswer) {
				c := newClient(testKeys(t), "", test.letter, test.odd)
				return c, func() record.TLSAnswer { return c.out }
			})
			if status != test.want || got.Status != status || len(got.Alerts) != test.alerts {
				t.Errorf("status %q, want %q; alerts %v", status, test.want, got.Alerts)
			}
			if test.want != record.OK {
				got.After = nil // worth nothing
			}
			if diff := cmp.Diff(test.after, got.After); diff != "" {
				t.Errorf("-want +got\n%s", diff)
			}
		})
	}
}

// The stimulus comes only after silence, and only when odd things may be sent.
func TestStimulusOnTheWire(t *testing.T) {
	flight12 := records(hello12, chain(1, 9), msg(14, nil))
	c := newClient(testKeys(t), "", helloD, true)
	if s := c.Feed(flight12); len(s.Send) > 0 || s.Gap != quiet {
		t.Fatalf("%+v", s)
	}
	for odd, want := range map[bool]bool{true: true, false: false} {
		_, sent := conversationtest.Play(newClient(testKeys(t), "", helloD, odd), said(flight12), nil)
		if bytes.HasSuffix(sent, []byte(changeCipherSpec)) != want {
			t.Errorf("odd %v: %x", odd, sent)
		}
	}
}
