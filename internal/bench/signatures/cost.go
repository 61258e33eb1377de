package main

import (
	"context"
	"net/netip"
	"slices"
	"syscall"
	"time"

	"github.com/hostkin/hostkin/scanner/conversation"
)

// cost is the CPU that this process, user and system, spends on asking all
// sites with a probe: the median of several rounds, for a thousand hosts. The
// servers are other processes.
func cost(ctx context.Context, sites []netip.AddrPort, rounds int) ([]time.Duration, error) {
	spent := make([][]time.Duration, len(both()))
	for range rounds {
		for i, p := range both() {
			before := cpu()
			if _, err := ask(ctx, sites, []conversation.Probe{p}); err != nil {
				return nil, err
			}
			spent[i] = append(spent[i], cpu()-before)
		}
	}
	out := make([]time.Duration, len(spent))
	for i, s := range spent {
		slices.Sort(s)
		out[i] = s[len(s)/2] * 1000 / time.Duration(len(sites))
	}
	return out, nil
}

func cpu() time.Duration {
	var u syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &u); err != nil {
		return 0
	}
	return time.Duration(u.Utime.Nano() + u.Stime.Nano())
}
