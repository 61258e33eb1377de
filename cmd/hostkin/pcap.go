package main

import (
	"bufio"
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"time"

	"github.com/spf13/cobra"

	"github.com/hostkin/hostkin/report"
	"github.com/hostkin/hostkin/scanner/pcap"
	"github.com/hostkin/hostkin/scanner/record"
)

func (a *app) pcapCommand() *cobra.Command {
	var out outputFlags
	var in *input
	cmd := &cobra.Command{
		Use:   "pcap [FILE...]",
		Short: "the same observations out of a packet capture",
		Long: `pcap reads packet captures (pcap and pcapng, .gz and .zst too, - or nothing is stdin) and writes what
the servers in them said to whoever asked (observation/1 as JSON Lines), in the order of the first
packet of each endpoint. It sends nothing. Of hostkin's own connections it sees what a scan sees, but
for what is encrypted: HTTP over TLS, and TLS 1.3 after the ServerHello. Link types: Ethernet with
VLAN tags, Linux cooked (any), raw IP, loopback. Files are read one after the other as one capture.`,
		Example: `  tcpdump -i any -s 0 -w scan.pcap tcp & hostkin scan 192.0.2.0/24 -o scan.jsonl
  hostkin pcap scan.pcap | hostkin fingerprint
  hostkin pcap sensor-1.pcap.gz sensor-2.pcapng -o observations.jsonl.zst
  ssh sensor tcpdump -i eth0 -s 0 -U -w - tcp | hostkin pcap - -o observations.jsonl`,
	}
	out.add(cmd.Flags(), "accepted and without effect: the output is always JSON Lines")
	a.gather(cmd.Flags())
	cmd.RunE = a.body(func(_ context.Context, args []string) []error {
		in = a.newInput(args)
		faults := in.check()
		if len(faults) == 0 {
			faults = in.checkCaptures()
		}
		return faults
	}, func(ctx context.Context) error {
		return a.results(out.path, true, func(w io.Writer) error { return a.pcap(ctx, in, w) })
	})
	return cmd
}

// checkCaptures finds files that are no captures before any work is done.
func (in *input) checkCaptures() []error {
	var faults []error
	for _, path := range in.paths {
		if path == "-" {
			continue
		}
		if err := checkCapture(path); err != nil {
			faults = append(faults, fmt.Errorf("%s: %w", path, err))
		}
	}
	return faults
}

func checkCapture(path string) error {
	if info, err := os.Stat(path); err != nil || !info.Mode().IsRegular() {
		return err // what a pipe says can be read only once
	}
	f, err := os.Open(path)
	if err != nil {
		return err
	}
	defer f.Close()
	raw, done, err := decompress(f)
	if err != nil {
		return err
	}
	defer done()
	head := make([]byte, 8)
	n, _ := io.ReadFull(raw, head)
	if !pcap.Is(head[:n]) {
		return pcap.ErrNoCapture
	}
	return nil
}

// pcap reads all files. Damage to one does not keep the others from being
// read; what was read by then is written in any case.
func (a *app) pcap(ctx context.Context, in *input, to io.Writer) error {
	ctx, stop := context.WithCancelCause(ctx)
	defer stop(nil)
	buffered := bufio.NewWriterSize(to, 64<<10)
	w := pcap.New(pcap.Config{Emit: func(o record.Observation) {
		if err := report.JSON(buffered, o); err != nil {
			stop(err) // nothing more can be kept
		}
	}})
	start := time.Now()
	drawn := startDrawing(a.screen, func() string { return captureLine(w, time.Since(start)) })
	var faults []error
	for _, path := range in.paths {
		if ctx.Err() == nil {
			faults = append(faults, in.capture(ctx, path, w))
		}
	}
	w.Close()
	drawn()
	a.tellCapture(w.Stats())
	return errors.Join(append(faults, buffered.Flush(), context.Cause(ctx))...)
}

// capture reads one file.
func (in *input) capture(ctx context.Context, path string, w *pcap.Watcher) error {
	name, raw, err := in.open(ctx, path)
	if err != nil {
		return err
	}
	defer raw.Close()
	packets, done, err := decompress(raw)
	if err == nil {
		defer done()
		err = w.Read(ctx, packets)
	}
	switch {
	case err == nil || ctx.Err() != nil:
		return nil
	case errors.Is(err, pcap.ErrNoCapture):
		return usage(fmt.Errorf("%s: %w", name, err))
	}
	return fmt.Errorf("%s: %w", name, err)
}

// captureLine is like "1200000 packets, 300000/s, 52000 connections".
func captureLine(w *pcap.Watcher, elapsed time.Duration) string {
	packets, connections := w.Progress()
	return fmt.Sprintf("%d packets, %.0f/s, %d connections", packets, float64(packets)/max(elapsed.Seconds(), 1e-3), connections)
}

// tellCapture sums up what was read, and what could not be.
func (a *app) tellCapture(s pcap.Stats) {
	a.log.Info().Msgf("%d packets, %d connections, %d endpoints", s.Packets, s.Connections, s.Endpoints)
	var b bytes.Buffer
	for _, c := range []struct {
		n    uint64
		what string
	}{
		{s.OtherLink, "packets of a link type that is not read"},
		{s.Fragments, "IP fragments"},
		{s.Broken, "packets with broken headers"},
		{s.Cut, "packets that were not captured whole (tcpdump -s 0 captures them so)"},
		{s.Gaps, "connections with lost packets"},
		{s.Sideless, "connections whose server cannot be told, for lack of a handshake"},
		{s.Crowded, "connections ended early, because too many were under way"},
		{s.Names, "answers of endpoints with too many names"},
		{s.Unreadable, "connections that could not be put together"},
	} {
		if c.n > 0 {
			fmt.Fprintf(&b, ", %d %s", c.n, c.what)
		}
	}
	if b.Len() > 0 {
		a.log.Warning().Msgf("not or not wholly read: %s", b.String()[2:])
	}
}
