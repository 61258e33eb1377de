package conversationtest

import (
	"slices"
	"testing"

	"github.com/hostkin/hostkin/scanner/conversation"
	"github.com/hostkin/hostkin/scanner/record"
)

// endings are the statuses with which a transport may end an open connection.
func endings() []record.Status {
	return []record.Status{record.Closed, record.Reset, record.Timeout, record.Truncated, record.Cancelled}
}

// CheckEndings breaks t off after every byte of it (of long transcripts, after
// some) with every ending, and ends conversations that were never opened. No
// conversation may panic, and every verdict must be one of record.Statuses.
// Without an answer no verdict may be OK.
func CheckEndings(tb testing.TB, t Transcript, start func() conversation.Conversation) {
	tb.Helper()
	known := record.Statuses()
	whole := 0
	for _, turn := range t.Turns {
		whole += len(turn)
	}
	stride := 1 + whole/512
	for _, why := range endings() {
		for length := 0; length <= whole; length += stride {
			verdict, _ := Play(start(), Transcript{Turns: prefix(t.Turns, length), Then: why}, nil)
			if !slices.Contains(known, verdict) {
				tb.Errorf("%d bytes, then %s: verdict %q is not a status", length, why, verdict)
			}
			if length == 0 && verdict == record.OK {
				tb.Errorf("no bytes, then %s: verdict ok", why)
			}
		}
	}
	for _, why := range []record.Status{record.Refused, record.Unreachable, record.Timeout, record.Reset, record.Excluded, record.Cancelled} {
		if verdict := start().End(why); verdict != why {
			tb.Errorf("never opened, %s: verdict %q", why, verdict)
		}
	}
}

func prefix(turns [][]byte, length int) [][]byte {
	var out [][]byte
	for _, turn := range turns {
		n := min(len(turn), length)
		if length -= n; n > 0 {
			out = append(out, turn[:n])
		}
	}
	return out
}

// Fuzz plays hostile bytes to conversations, whole and byte by byte: no panic,
// equal verdicts, and no more than most bytes sent. Call it from a fuzz target.
func Fuzz(tb testing.TB, in []byte, most int, start func() conversation.Conversation) {
	tb.Helper()
	t := Transcript{Turns: [][]byte{in}, Then: record.Closed}
	if len(in) == 0 {
		t.Turns = nil
	}
	whole, sent := Play(start(), t, nil)
	cut, _ := Play(start(), t, func(b []byte) [][]byte { return pieces(b, func() int { return 1 }) })
	if whole != cut {
		tb.Errorf("verdict %q on the whole, %q byte by byte", whole, cut)
	}
	if !slices.Contains(record.Statuses(), whole) {
		tb.Errorf("verdict %q is not a status", whole)
	}
	if len(sent) > most {
		tb.Errorf("sent %d bytes in answer to %d", len(sent), len(in))
	}
}
