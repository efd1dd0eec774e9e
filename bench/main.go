// Command bench measures revmap against other name servers on the same data, and says which budgets it keeps.
//
// README.md says what is measured and how. Each part of it is a subcommand, which writes its result to a file in
// run/bench; the subcommand report puts all results into one page.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"os"
	"os/signal"
	"slices"
	"syscall"
)

// A command is a subcommand. It gets the arguments after its name.
type command struct {
	name, does string
	run        func(ctx context.Context, args []string) error
}

// commands returns the subcommands. Those that others start say no more than who starts them.
func commands() []command {
	return []command{
		{"peers", "compare revmap with other servers, and with the least that a server does", peers},
		{"servedns", "compare the plugin's ServeDNS with a constant answer", servedns},
		{"growth", "measure the cost of a name with more and more names", growth},
		{"soak", "ask for a long time while snapshots change and zones are transferred", soak},
		{"reload", "measure what reloads do to queries and memory", reload},
		{"compile", "compare lint and compile with parsing the same files", compileWork},
		{"page", "measure the page and the API of revmap serve", servePage},
		{"yaml", "(compile starts this) parse YAML files", parseYAML},
		{"report", "print what has been measured so far, and the budgets", report},
		{"serve", "(peers starts this) be one of the servers", serve},
	}
}

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	os.Exit(dispatch(ctx, os.Args[1:]))
}

// dispatch runs a subcommand and returns the exit status.
func dispatch(ctx context.Context, args []string) int {
	all := commands()
	i := -1
	if len(args) > 0 {
		i = slices.IndexFunc(all, func(c command) bool { return c.name == args[0] })
	}
	if i < 0 {
		fmt.Fprintln(os.Stderr, "usage: bench COMMAND [-h] [FLAGS]")
		for _, c := range all {
			fmt.Fprintf(os.Stderr, "  %-8s %s\n", c.name, c.does)
		}
		return 2
	}
	switch err := all[i].run(ctx, args[1:]); {
	case errors.Is(err, flag.ErrHelp):
		return 0
	case err != nil:
		fmt.Fprintf(os.Stderr, "bench %s: %v\n", all[i].name, err)
		return 1
	}
	return 0
}

// step tells on standard error what happens now.
func step(format string, args ...any) { fmt.Fprintf(os.Stderr, "bench: "+format+"\n", args...) }
