// Command hostkin finds the kin of a host: other machines that the same
// provider runs, each with the evidence for and against.
package main

import (
	"context"
	"os"
	"os/signal"
	"syscall"
)

func main() { os.Exit(run()) }

// run cancels at the first Ctrl-C, so that what is done gets printed; after
// that the signal has its usual effect again, and a second one kills.
func run() int {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	context.AfterFunc(ctx, stop)
	return Main(ctx, os.Args[1:], os.Stdin, os.Stdout, os.Stderr)
}
