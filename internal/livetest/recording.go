package livetest

import (
	"encoding/json"
	"os"
	"testing"

	"github.com/hostkin/hostkin/scanner/conversation/conversationtest"
)

// Recording tells whether answers of real servers are to be kept for tests
// without them.
func Recording() bool { return os.Getenv("HOSTKIN_RECORD") == "1" }

// Keep writes v to a file as JSON if Recording, to be replayed by tests
// without the server.
func Keep(tb testing.TB, file string, v any) {
	tb.Helper()
	if !Recording() {
		return
	}
	b, err := json.MarshalIndent(v, "", "\t")
	if err != nil {
		tb.Fatal(err)
	}
	if err := os.WriteFile(file, append(b, '\n'), 0o644); err != nil {
		tb.Fatal(err)
	}
}

// Load reads what Keep wrote.
func Load[T any](tb testing.TB, file string) T {
	tb.Helper()
	b, err := os.ReadFile(file)
	if err != nil {
		tb.Fatal(err)
	}
	var v T
	if err := json.Unmarshal(b, &v); err != nil {
		tb.Fatalf("%s: %v", file, err)
	}
	return v
}

// Transcripts reads what a server said on the connections of one run.
func Transcripts(tb testing.TB, file string) []conversationtest.Transcript {
	tb.Helper()
	return Load[[]conversationtest.Transcript](tb, file)
}
