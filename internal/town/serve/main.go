// Command serve starts a town of real servers, prints its truth as JSON and
// keeps it up until it is interrupted.
package main

import (
	"context"
	"encoding/json"
	"flag"
	"fmt"
	"net/netip"
	"os"
	"os/signal"
	"syscall"

	"github.com/hostkin/hostkin/internal/town"
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	if err := serve(ctx); err != nil {
		fmt.Fprintln(os.Stderr, "serve:", err)
		os.Exit(1)
	}
}

func serve(ctx context.Context) error {
	var o town.Options
	flag.Uint64Var(&o.Seed, "seed", 1, "which `town`")
	flag.TextVar(&o.Base, "base", netip.MustParseAddr("127.30.0.0"), "first `address` of its /23")
	flag.StringVar(&o.Dir, "dir", "", "`folder` for configurations and pages (default: a temporary one)")
	flag.Parse()
	t, err := town.Start(ctx, o)
	if err != nil {
		return err
	}
	defer t.Close()
	out := json.NewEncoder(os.Stdout)
	out.SetIndent("", " ")
	if err := out.Encode(t); err != nil {
		return err
	}
	fmt.Fprintf(os.Stderr, "town of %d hosts: --within %s --ports %s\n", len(t.Truth), t.Within, t.PortSpec)
	<-ctx.Done()
	return t.Close()
}
