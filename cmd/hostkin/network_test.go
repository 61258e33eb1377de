package main

import (
	"bytes"
	"errors"
	"net/netip"
	"strings"
	"testing"
)

func TestTheWarningOfNoContactComesOnceAndBeyondLoopbackOnly(t *testing.T) {
	var stderr bytes.Buffer
	banned := errors.New("excluded")
	guard := quietApp(nil, &stderr).warnBeyondLoopback(func(a netip.Addr) error {
		if a == netip.MustParseAddr("192.0.2.66") {
			return banned
		}
		return nil
	})
	ask := func(addr string, want error, warnings int) {
		t.Helper()
		if err := guard(netip.MustParseAddr(addr)); err != want {
			t.Errorf("%s: error %v, want %v", addr, err, want)
		}
		if got := strings.Count(stderr.String(), "no --contact"); got != warnings {
			t.Errorf("%s: warned %d times, want %d", addr, got, warnings)
		}
	}
	ask("127.0.0.1", nil, 0)
	ask("::1", nil, 0)
	ask("192.0.2.66", banned, 0)
	ask("192.0.2.1", nil, 1)
	ask("192.0.2.2", nil, 1)
}
