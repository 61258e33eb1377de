package tlsprobe

import (
	"bytes"
	"strings"
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
		"refused and closed": {letter: "c", turns: [][]byte{flight12, alert(2, 10)}, then: record.Closed, abrupt: true, want: record.OK,
			after: &record.TLSAfter{Sent: "hello", Alerts: []record.TLSAlert{unexpected}, End: record.Closed}},
		"refused and reset": {letter: "c", turns: [][]byte{flight12, alert(2, 10)}, then: record.Reset, abrupt: true, want: record.OK,
			after: &record.TLSAfter{Sent: "hello", Alerts: []record.TLSAlert{unexpected}, End: record.Reset}},
		"refused, stays open": {letter: "c", turns: [][]byte{flight12, alert(2, 10)}, want: record.OK,
			after: &record.TLSAfter{Sent: "hello", Alerts: []record.TLSAlert{unexpected}, End: record.Timeout}},
		"closed at once": {letter: "c", turns: [][]byte{flight12, {}}, then: record.Closed, abrupt: true, want: record.OK,
			after: &record.TLSAfter{Sent: "hello", End: record.Closed}},
		"nothing happens": {letter: "c", turns: [][]byte{flight12, {}}, want: record.OK,
			after: &record.TLSAfter{Sent: "hello", End: record.Timeout}},
		"a warning and a new flight": {letter: "c", turns: [][]byte{flight12, append(alert(1, 100), flight12...)}, want: record.OK,
			after: &record.TLSAfter{Sent: "hello", Alerts: []record.TLSAlert{{Level: 1, Code: 100}}, Messages: []uint8{2, 11, 14}, End: record.Timeout}},
		"cut after the stimulus":     {letter: "c", turns: [][]byte{flight12, alert(2, 10)}, then: record.Timeout, abrupt: true, want: record.OK},
		"cancelled":                  {letter: "c", turns: [][]byte{flight12, {}}, then: record.Cancelled, abrupt: true, want: record.OK},
		"closed before the stimulus": {letter: "c", turns: [][]byte{flight12}, then: record.Closed, abrupt: true, want: record.Closed},
		"cut before the stimulus":    {letter: "c", turns: [][]byte{flight12}, then: record.Timeout, abrupt: true, want: record.OK},
		"alert before the stimulus":  {letter: "c", turns: [][]byte{append(bytes.Clone(flight12), alert(2, 90)...)}, want: record.Alert, alerts: 1},
		"a second ServerHelloDone":   {letter: "c", turns: [][]byte{append(bytes.Clone(flight12), records(msg(14, nil))...)}, want: record.Malformed},
		"garbage after it":           {letter: "c", turns: [][]byte{flight12, []byte("GET / HTTP/1.1")}, want: record.Malformed},
		"warnings without end":       {letter: "c", turns: [][]byte{flight12, bytes.Repeat(alert(1, 0), 100)}, want: record.Malformed},
		"messages without end":       {letter: "c", turns: [][]byte{flight12, bytes.Repeat(records(msg(4, nil)), 100)}, want: record.Malformed},
		"a message too long":         {letter: "c", turns: [][]byte{flight12, bytes.Repeat(rec(22, append([]byte{2, 255, 255, 255}, make([]byte, 16000)...)), 40)}, want: record.Truncated},

		"retry, then again": {letter: "b", turns: [][]byte{records(retryMessage), records(retryMessage)}, want: record.OK,
			after: &record.TLSAfter{Sent: "hello", Messages: []uint8{2}, End: record.Timeout}},
		"two at once": {letter: "b", turns: [][]byte{records(retryMessage, retryMessage)}, want: record.Malformed},
		"no retry but a hello": {letter: "b", turns: [][]byte{flight12}, want: record.OK,
			after: &record.TLSAfter{Sent: "hello", End: record.Timeout}},

		"d, not odd": {letter: "d", turns: [][]byte{flight12}, want: record.OK},
		"d, odd": {letter: "d", odd: true, turns: [][]byte{flight12, alert(2, 10)}, then: record.Closed, abrupt: true, want: record.OK,
			after: &record.TLSAfter{Sent: "ccs", Alerts: []record.TLSAlert{unexpected}, End: record.Closed}},
		"a and e have none": {letter: "e", odd: true, turns: [][]byte{flight12}, want: record.OK},
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

// The stimulus is the hello once more, in a record of TLS 1.2, and only after silence.
func TestStimulusOnTheWire(t *testing.T) {
	flight12 := records(hello12, chain(1, 9), msg(14, nil))
	for letter, want := range map[string]int{"c": 2, "e": 1} {
		c := newClient(testKeys(t), "", letter, true)
		first := bytes.Clone(c.Open().Send)
		if s := c.Feed(flight12); len(s.Send) > 0 || letter == "c" && s.Gap != quiet {
			t.Fatalf("%s: %+v", letter, s)
		}
		_, sent := conversationtest.Play(newClient(testKeys(t), "", letter, true), said(flight12), nil)
		if n := strings.Count(string(sent), string(first[5:])); n != want || want == 2 && string(sent[len(first):len(first)+3]) != "\x16\x03\x03" {
			t.Errorf("%s: %d hellos: %x", letter, n, sent)
		}
	}
	_, sent := conversationtest.Play(newClient(testKeys(t), "", helloD, true), said(flight12), nil)
	if !bytes.HasSuffix(sent, []byte(changeCipherSpec)) {
		t.Errorf("odd: %x", sent)
	}
}
