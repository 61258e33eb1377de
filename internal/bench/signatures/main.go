// Command signatures measures how well signatures of TLS servers tell
// configurations of real servers apart, how steady they are, and what they
// cost: hostkin's tls.server beside JARM, in the same run, and what each part of
// tls.server adds.
//
//	go run ./internal/bench/signatures
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"net/netip"
	"os"
	"os/signal"
	"strings"
	"syscall"
	"time"

	"github.com/hostkin/hostkin/internal/bench/signatures/farm"
)

type options struct {
	set      string
	base     netip.Addr
	products []string
	most     int
	repeats  int
	steady   bool
	rounds   int
	seed     uint64
	verbose  bool
	check    bool
}

func main() {
	if isMode(os.Args) {
		again(os.Args[1], os.Args[2:])
		return
	}
	o := options{base: netip.AddrFrom4([4]byte{127, 60, 0, 0})}
	products := ""
	flag.StringVar(&o.set, "set", "a", "which configurations: `a` or b, by which the hellos were chosen, or c, which was written after")
	flag.TextVar(&o.base, "base", o.base, "servers get the addresses after this one, and a proxy those 100.0.0 further")
	flag.StringVar(&products, "products", "", "only these, joined by commas")
	flag.IntVar(&o.most, "most", 0, "configurations of a product at most; 0: all")
	flag.IntVar(&o.repeats, "repeats", 5, "looks at every site under each condition")
	flag.BoolVar(&o.steady, "stability", true, "also look under load and through a proxy that splits segments")
	flag.IntVar(&o.rounds, "cost", 3, "rounds of the measurement of CPU; 0: none")
	flag.Uint64Var(&o.seed, "seed", 1, "decides where segments are split")
	flag.BoolVar(&o.verbose, "v", false, "tell of groups that mix products, of what only JARM tells apart, and of unstable values")
	flag.BoolVar(&o.check, "check", false, "fail unless tls.server has 5 % more bits than JARM, fewer mixed groups and no unstable value, on 60 configurations of 9 products")
	flag.Parse()
	if products != "" {
		o.products = strings.Split(products, ",")
	}
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	if err := run(ctx, o); err != nil {
		fmt.Fprintln(os.Stderr, "signatures:", err)
		os.Exit(1)
	}
}

// again is what this program does as a child of itself.
func again(mode string, args []string) {
	switch mode {
	case serveMode:
		fmt.Fprintln(os.Stderr, farm.ServeGo(args[0])) // it returns only when it fails
		os.Exit(1)
	case burnMode:
		burn(os.Stdin)
	case visitMode:
		visit(os.Stdin, args)
	}
}

func run(ctx context.Context, o options) (err error) {
	self, err := os.Executable()
	if err != nil {
		return err
	}
	begun := time.Now()
	f, err := farm.Start(ctx, farm.Options{
		Set: o.set, Base: o.base, Products: o.products, Most: o.most, Go: []string{self, serveMode},
		Missing: func(err error) { fmt.Fprintln(os.Stderr, "left out:", err) },
	})
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, f.Close()) }()
	fmt.Fprintf(os.Stderr, "%d configurations are up after %.0f s\n", len(f.Sites), time.Since(begun).Seconds())
	r, err := look(ctx, f.Sites, o)
	if err != nil {
		return err
	}
	return r.print(os.Stdout, o)
}
