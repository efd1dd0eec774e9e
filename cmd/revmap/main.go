// Command revmap checks, compiles and explains the source of a provider's reverse DNS. See docs/cli.md.
package main

import (
	"context"
	"os"
	"os/signal"
	"runtime/debug"
	"syscall"

	"github.com/revmap/revmap/gen/cli"
)

func main() {
	if os.Getenv("GOGC") == "" {
		debug.SetGCPercent(60) // a compile of many files then takes half the memory that it takes with 200, and no more time
	}
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	context.AfterFunc(ctx, stop) // the second signal kills
	os.Exit(cli.Main(ctx, os.Args[1:], os.Stdin, os.Stdout, os.Stderr))
}
