package main

import (
	"strings"
	"testing"
	"time"
)

// What would begin another line, and with it another field, is refused.
func TestProbingTxtIsOneLineAField(t *testing.T) {
	now := time.Date(2026, 6, 1, 0, 0, 0, 0, time.UTC)
	good := probingTxt{contacts: []string{"lab@example.net"}, languages: []string{"en"}, name: "Labor für Netze", expires: "2026-12-31"}
	if faults := good.check(now); len(faults) > 0 || good.until.Format(time.RFC3339) != "2026-12-31T00:00:00Z" {
		t.Errorf("%v, %v", faults, good.until)
	}
	for _, evil := range []string{"a\nContact: mailto:x@example.org", "a\r\nb", "a\x00", "a\u2028b", "a\u202eb", "\xff", strings.Repeat("x", 1001)} {
		f := good
		f.name, f.description, f.canonical = evil, evil, []string{"https://example.net/" + evil}
		if faults := f.check(now); len(faults) != 3 {
			t.Errorf("%q: %v", evil, faults)
		}
	}
}
