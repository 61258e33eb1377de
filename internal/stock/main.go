// Command stock makes the stock list: the fingerprints that everybody has who
// installs a package and follows a well-known guide. It starts the servers of
// Debian's packages in their packaged configurations on loopback, looks at
// them with all probes, and writes every value that names nobody.
//
//	go run ./internal/stock -o cluster/data/stock.yaml
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"net/netip"
	"os"
	"os/signal"
	"syscall"
	"time"

	"github.com/hostkin/hostkin/internal/daemon"
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	if err := run(ctx); err != nil {
		fmt.Fprintln(os.Stderr, "stock:", err)
		os.Exit(1)
	}
}

func run(ctx context.Context) (err error) {
	out := flag.String("o", "", "`file` to write (default: standard output)")
	base := netip.MustParseAddr("127.50.0.0")
	flag.TextVar(&base, "base", base, "first `address` of the servers")
	flag.Parse()

	dir, err := os.MkdirTemp("", "hostkin-stock-")
	if err != nil {
		return err
	}
	defer os.RemoveAll(dir)
	if err := os.Chmod(dir, 0o755); err != nil { // apache2 gives up its privileges
		return err
	}
	s := newStage(dir, base)
	s.packages()
	if s.err != nil {
		return s.err
	}
	ctx, stop := context.WithCancel(ctx)
	running, err := daemon.Start(ctx, s.commands)
	defer func() {
		stop()
		for _, p := range running {
			err = errors.Join(err, p.Wait())
		}
	}()
	if err != nil {
		return err
	}
	if err := s.serveGo(ctx); err != nil {
		return err
	}
	list := newList()
	if err := s.scan(ctx, list); err != nil {
		return err
	}
	if err := s.certificates(list); err != nil {
		return err
	}
	text, err := list.yaml(time.Now())
	if err != nil {
		return err
	}
	fmt.Fprintf(os.Stderr, "%d configurations of %d products, %d values\n", len(s.sites), len(s.products()), len(list.values))
	if *out == "" {
		_, err = os.Stdout.Write(text)
		return err
	}
	return os.WriteFile(*out, text, 0o644)
}
