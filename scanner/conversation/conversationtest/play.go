// Package conversationtest plays recorded answers to conversations, cut in
// every way that a network may cut them.
package conversationtest

import (
	"math/rand/v2"
	"reflect"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/hostkin/hostkin/scanner/conversation"
	"github.com/hostkin/hostkin/scanner/record"
)

// Transcript is what a server said on one connection. The turns are separated
// by the client's sends: turn i+1 arrives only after the conversation has seen
// all of turn i and asked for more (or, after silence, been told Quiet).
type Transcript struct {
	Turns  [][]byte
	Then   record.Status // how the server ended it: Closed, Reset or Timeout; "" is Closed
	Abrupt bool          `json:",omitempty"` // it did so at once: no silence after the last turn, which may be empty
}

// Play drives c with t, each turn cut by cut (nil: whole), and returns the
// verdict of the conversation and everything that it sent.
func Play(c conversation.Conversation, t Transcript, cut func([]byte) [][]byte) (record.Status, []byte) {
	var sent []byte
	step := c.Open()
	take := func(s conversation.Step) conversation.Action {
		sent = append(sent, s.Send...)
		step = s
		return s.Do
	}
	if take(step) == conversation.Done {
		return c.End(record.OK), sent
	}
	for i, turn := range t.Turns {
		pieces := [][]byte{turn}
		if cut != nil {
			pieces = cut(turn)
		}
		for _, piece := range pieces {
			if len(piece) == 0 {
				continue
			}
			in := append([]byte(nil), piece...) // a conversation may not keep it
			done := take(c.Feed(in)) == conversation.Done
			for i := range in {
				in[i] = 0xDB
			}
			if done {
				return c.End(record.OK), sent
			}
		}
		if abrupt := t.Abrupt && i == len(t.Turns)-1; step.Gap > 0 && !abrupt && take(c.Quiet()) == conversation.Done {
			return c.End(record.OK), sent
		}
	}
	for range 16 { // silence after the last turn
		if step.Gap == 0 || t.Abrupt {
			break
		}
		if take(c.Quiet()) == conversation.Done {
			return c.End(record.OK), sent
		}
	}
	if t.Then == "" {
		t.Then = record.Closed
	}
	return c.End(t.Then), sent
}

// CheckCuts plays t to fresh conversations whole, byte by byte and in random
// pieces; start returns a conversation and a function that gives its result.
// All results, verdicts and sent bytes must be equal. It returns the result.
func CheckCuts[T any](tb testing.TB, t Transcript, start func() (conversation.Conversation, func() T)) (T, record.Status) {
	tb.Helper()
	c, result := start()
	wantStatus, wantSent := Play(c, t, nil)
	want := result()
	cuts := map[string]func([]byte) [][]byte{"byte by byte": func(b []byte) [][]byte { return pieces(b, func() int { return 1 }) }}
	for seed := range uint64(8) {
		r := rand.New(rand.NewPCG(seed, 7))
		cuts["random "+string(rune('0'+seed))] = func(b []byte) [][]byte {
			return pieces(b, func() int { return 1 + r.IntN(97) })
		}
	}
	for name, cut := range cuts {
		c, result := start()
		status, sent := Play(c, t, cut)
		if status != wantStatus {
			tb.Errorf("%s: verdict %q, whole %q", name, status, wantStatus)
		}
		if diff := differ(want, result()); diff != "" {
			tb.Errorf("%s: result differs from that of the whole answer (-whole +cut):\n%s", name, diff)
		}
		if diff := differ(wantSent, sent); diff != "" {
			tb.Errorf("%s: sent bytes differ (-whole +cut):\n%s", name, diff)
		}
	}
	return want, wantStatus
}

// differ is cmp.Diff, but quick when there is nothing to show: cmp compares
// certificates byte by byte.
func differ(whole, cut any) string {
	if reflect.DeepEqual(whole, cut) {
		return ""
	}
	return cmp.Diff(whole, cut)
}

func pieces(b []byte, size func() int) [][]byte {
	var out [][]byte
	for len(b) > 0 {
		n := min(size(), len(b))
		out = append(out, b[:n])
		b = b[n:]
	}
	return out
}
