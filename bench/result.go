package main

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"time"
)

// A part is what one subcommand has measured, ready for the page.
type part struct {
	Title   string
	Command string // arguments of this program
	Made    time.Time
	Commit  string
	Machine string
	Load    string   // average of the machine, in the minute before this program began
	Text    string   // Markdown
	Figures []figure // for the budgets
	Data    any      // what Text was made from
}

// parts are the names of all parts, in the order of the page.
var parts = []string{"peers-ipv4", "peers-ipv6", "servedns", "reload", "compile", "growth", "soak", "page"}

// A figure is what was measured for a budget.
type figure struct {
	Budget string  // key
	Case   string  // "IPv4, hit"
	Value  float64 // as are budgets: less is better
	Limit  float64 // what the budget allows
	Unit   string  // written after both numbers: "x", " bytes"
}

func (f figure) met() bool { return f.Value <= f.Limit }

// A budget is one of those that this program can measure.
type budget struct{ key, work, limit string }

var budgets = []budget{
	{"serve", "`ServeDNS` alone, hit or miss, IPv4 or IPv6",
		"at most 2 allocations; at most 2x the time of a handler that answers a constant PTR"},
	{"query", "end to end through CoreDNS with prometheus, CPU per query",
		"at most 1.10x a CoreDNS plugin that answers a constant PTR; IPv6 and misses too"},
	{"fast", "the fast path, CPU per query", "at most that of Knot DNS and NSD for hits, 0.7x for IPv6; misses at most 1.1x"},
	{"load", "from process start to the first answer, 1 M names",
		"at most 1/10 of the fastest peer for IPv4, 1/40 for IPv6"},
	{"memory", "resident memory after the load run", "at most 1/3 of the smallest peer for IPv4, 1/6 for IPv6"},
	{"snapshot", "bytes per name in the snapshot", "at most 48 IPv4, 64 IPv6"},
	{"reload", "reload of a changed snapshot under full load",
		"no query lost; p99 latency at most 2x that of the same run without a reload"},
	{"compile", "lint + compile, 1 M addresses in 1,000 files, cold",
		"at most 1.5x the time of parsing the same files into yaml.v3 nodes on the same cores; 1.5 GB"},
	{"change", "the same with one file changed and a warm cache", "at most 1/10 of the cold run"},
	{"growth", "10 M and 16.7 M (a whole /8) IPv4 names",
		"the same costs per name: nothing grows faster than the data"},
	{"soak", "an hour of queries in ten minutes, with reloads and transfers",
		"no query lost; memory, goroutines and open files at the end at most 1.1x of those after a quarter"},
	{"page", "a list on the page of revmap serve, 1 M addresses", "under 100 ms"},
}

// write stores the part in dir for the subcommand report, and prints it.
func (p *part) write(dir, name string) error {
	p.Made = time.Now().UTC().Truncate(time.Second)
	p.Commit = output("git", "describe", "--tags", "--always", "--dirty")
	p.Machine, p.Load = machine(), loadBefore
	p.Command = strings.Join(withoutFolder(os.Args[1:]), " ")
	b, err := json.MarshalIndent(p, "", "\t")
	if err != nil {
		return err
	}
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return err
	}
	fmt.Println(p.markdown())
	return os.WriteFile(filepath.Join(dir, name+".json"), append(b, '\n'), 0o644)
}

// withoutFolder returns arguments without -out: where the results lie has no part in them.
func withoutFolder(args []string) []string {
	i := slices.IndexFunc(args, func(a string) bool { return strings.TrimLeft(a, "-") == "out" })
	if i < 0 {
		return args
	}
	return slices.Delete(slices.Clone(args), i, min(i+2, len(args)))
}

func (p *part) markdown() string {
	return fmt.Sprintf("### %s\n\n`bench %s`, %s, commit %s; load average before it: %s\n\n%s", p.Title, p.Command,
		p.Made.Format("2006-01-02 15:04"), p.Commit, p.Load, p.Text)
}

// loadBefore is the load average of the machine when this program began: how busy it was with other things.
var loadBefore = func() string {
	text, _ := os.ReadFile("/proc/loadavg")
	minute, _, _ := strings.Cut(string(text), " ")
	return cmp.Or(minute, "unknown")
}()

// report prints all parts and the budgets, or writes them into a page.
func report(_ context.Context, args []string) error {
	flags := flag.NewFlagSet("report", flag.ContinueOnError)
	dir := flags.String("out", "run/bench", "folder with the results")
	only := flags.Bool("budgets", false, "print only the budgets")
	update := flags.String("update", "", "rewrite this page between its two markers, instead of printing")
	if err := flags.Parse(args); err != nil {
		return err
	}
	var all []*part
	for _, name := range parts {
		b, err := os.ReadFile(filepath.Join(*dir, name+".json"))
		if errors.Is(err, fs.ErrNotExist) {
			continue
		} else if err != nil {
			return err
		}
		p := new(part)
		if err := json.Unmarshal(b, p); err != nil {
			return fmt.Errorf("%s of %s: %w", name, *dir, err)
		}
		all = append(all, p)
	}
	if len(all) == 0 {
		return fmt.Errorf("no results in %s", *dir)
	}
	text := page(all)
	if *only {
		text = budgetTable(all)
	}
	if *update == "" {
		fmt.Println(text)
		return nil
	}
	old, err := os.ReadFile(*update)
	if err != nil {
		return err
	}
	changed, err := replaceMarked(string(old), text)
	if err != nil {
		return fmt.Errorf("%s: %w", *update, err)
	}
	return os.WriteFile(*update, []byte(changed), 0o644)
}

// What is between these is made by this program.
const beginMark, endMark = "<!-- bench report: begin -->\n", "<!-- bench report: end -->\n"

// replaceMarked returns page with text between its markers.
func replaceMarked(page, text string) (string, error) {
	before, rest, ok := strings.Cut(page, beginMark)
	_, after, ok2 := strings.Cut(rest, endMark)
	if !ok || !ok2 {
		return "", errors.New("no markers " + strings.TrimSpace(beginMark) + " and " + strings.TrimSpace(endMark))
	}
	return before + beginMark + "\n" + text + "\n" + endMark + after, nil
}

// page returns the budgets and all parts.
func page(all []*part) string {
	var b strings.Builder
	var machines []string
	for _, p := range all {
		if !slices.Contains(machines, p.Machine) {
			machines = append(machines, p.Machine)
		}
	}
	fmt.Fprintf(&b, "Measured on %s.\n\n### Budgets\n\n%s", strings.Join(machines, "; and on "), budgetTable(all))
	for _, p := range all {
		b.WriteString("\n" + p.markdown())
	}
	return b.String()
}

// budgetTable returns all budgets, with the figures that there are.
func budgetTable(all []*part) string {
	t := table{head: []string{"work", "budget", "case", "figure", "limit", "met"}, left: 3}
	for _, budget := range budgets {
		work, limit := budget.work, budget.limit
		measured := false
		for _, p := range all {
			for _, f := range p.Figures {
				if f.Budget != budget.key {
					continue
				}
				met := "yes"
				if !f.met() {
					met = "**no**"
				}
				t.add(work, limit, f.Case, digits(f.Value)+f.Unit, digits(f.Limit)+f.Unit, met)
				work, limit, measured = "", "", true
			}
		}
		if !measured {
			t.add(work, limit, "", "not measured", "", "")
		}
	}
	return t.String()
}

// machine says what this machine is.
func machine() string {
	model := "unknown CPU"
	cpuinfo, _ := os.ReadFile("/proc/cpuinfo")
	for line := range strings.Lines(string(cpuinfo)) {
		if name, value, ok := strings.Cut(line, ":"); ok && strings.TrimSpace(name) == "model name" {
			model = strings.TrimSpace(value)
			break
		}
	}
	kernel, _ := os.ReadFile("/proc/sys/kernel/osrelease")
	return fmt.Sprintf("%s, %d cores, Linux %s, %s", model, runtime.NumCPU(), strings.TrimSpace(string(kernel)),
		runtime.Version())
}

// output returns the first line that a program prints, "unknown" if it fails.
func output(program string, args ...string) string {
	out, err := exec.Command(program, args...).CombinedOutput()
	line, _, _ := strings.Cut(strings.TrimSpace(string(out)), "\n")
	if err != nil || line == "" {
		return "unknown"
	}
	return line
}
