// Command hostkin finds the kin of a host: other machines that the same
// provider runs, each with the evidence for and against.
package main

import (
	"context"
	"os"
)

func main() {
	ctx, i := watchSignals(context.Background())
	os.Exit(run(ctx, i, os.Args[1:], os.Stdin, os.Stdout, os.Stderr))
}
