package main

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"io"
	"net/http"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"time"
)

// A request is one whose time is measured.
type request struct {
	Name string // in the table
	Path string
	Body string // JSON, with %d for a number that is never the same; "" for a GET
	most time.Duration
}

// limitOfPage is the budget for a page of the list.
const limitOfPage = 100 * time.Millisecond

// requests are for a source of servers.
var requests = []request{
	{"the list", "/", "", limitOfPage},
	{"its last page but few", "/?from=999000", "", limitOfPage},
	{"search: a word that is everywhere", "/?q=customers", "", limitOfPage},
	{"search: a word that is nowhere", "/?q=nobody", "", limitOfPage},
	{"search: two words", "/?q=mail+cust12345", "", limitOfPage},
	{"search: an address", "/?q=10.1.2.3", "", limitOfPage},
	{"sorted by name", "/?sort=name", "", limitOfPage},
	{"sorted by name, a search", "/?sort=name&q=shop", "", limitOfPage},
	{"those with findings", "/?findings=1", "", limitOfPage},
	{"one account", "/?account=acc777", "", limitOfPage},
	{"one address", "/address/10.1.2.3", "", 0},
	{"what an edit would do", "/api/v1/changes",
		`{"dry_run": true, "changes": [` + oneEdit(100_000) + `]}`, 0},
	{"what 1,000 edits would do", "/api/v1/changes", thousandEdits(), 0},
	{"a proposal", "/api/v1/changes", `{"changes": [` + oneEdit(100_000) + `]}`, 0},
}

// oneEdit edits the address of server n that is not its primary one. Its name gets the number of the request.
func oneEdit(n int) string {
	return fmt.Sprintf(`{"address": "%s", "name": "n%%[1]d.cust%d.customers.example"}`, source4(2*n+1), n)
}

// thousandEdits edits addresses in many files.
func thousandEdits() string {
	var edits []string
	for i := range 1000 {
		edits = append(edits, oneEdit(i*200))
	}
	return `{"dry_run": true, "changes": [` + strings.Join(edits, ",") + `]}`
}

// Taken is how long a request took, each time.
type taken struct {
	request
	Times []time.Duration
	Bytes int
}

func milliseconds(d time.Duration) float64 { return float64(d) / float64(time.Millisecond) }

// servePage is the subcommand page.
func servePage(ctx context.Context, args []string) error {
	flags := flag.NewFlagSet("page", flag.ContinueOnError)
	dir := flags.String("out", "run/bench", "folder for data and results")
	revmap := flags.String("revmap", "bin/revmap", "the command line of revmap")
	addresses := flags.Int("addresses", 1_000_000, "size of the data")
	files := flags.Int("files", 1000, "how many files it is spread over")
	count := flags.Int("count", 15, "how often to send each request")
	if err := flags.Parse(args); err != nil {
		return err
	}
	program, err := filepath.Abs(*revmap)
	if err != nil {
		return err
	}
	s := source{asServers, filepath.Join(*dir, "page"), *addresses, *files}
	step("writing %s", s.dir)
	if err := s.write(); err != nil {
		return err
	}
	for _, git := range [][]string{
		{"init", "-q", "-b", "main"}, {"add", "-A"},
		{"-c", "user.name=bench", "-c", "user.email=bench@example.net", "commit", "-q", "-m", "Begin"},
	} {
		if out, err := exec.Command("git", append([]string{"-C", s.dir}, git...)...).CombinedOutput(); err != nil {
			return fmt.Errorf("git %s: %w\n%s", git, err, out)
		}
	}
	port, err := freePort()
	if err != nil {
		return err
	}
	addr := "127.0.0.1:" + strconv.Itoa(port)
	p, err := start(s.dir, addr, program, "serve", "--no-auth", "--cache", "off", "--listen", addr, "records.yaml")
	if err != nil {
		return err
	}
	defer p.stop()
	if err := p.waitForPage(ctx); err != nil {
		return err
	}
	begun, err := p.memory()
	if err != nil {
		return err
	}
	var all []*taken
	for i, r := range requests {
		step("%s", r.Name)
		t := &taken{request: r}
		for j := range *count {
			if err := t.send(ctx, "http://"+addr, i*1000+j); err != nil {
				return p.failure(err.Error())
			}
		}
		all = append(all, t)
	}
	ended, err := p.memory()
	if err != nil {
		return err
	}
	return pagePart(all, *addresses, p.load, begun, ended).write(*dir, "page")
}

// waitForPage waits until p answers HTTP.
func (p *process) waitForPage(ctx context.Context) error {
	ctx, cancel := context.WithTimeoutCause(ctx, patience, errors.New("not within "+patience.String()))
	defer cancel()
	for {
		q, err := http.NewRequestWithContext(ctx, http.MethodGet, "http://"+p.addr+"/", nil)
		if err != nil {
			return err
		}
		if r, err := http.DefaultClient.Do(q); err == nil {
			r.Body.Close()
			if r.StatusCode == http.StatusOK {
				p.load = time.Since(p.begun)
				return nil
			}
		}
		select {
		case <-ctx.Done():
			return p.failure("no page: " + context.Cause(ctx).Error())
		case <-p.ended:
			return p.failure("has ended")
		case <-time.After(askEvery):
		}
	}
}

// send sends the request once. Number makes what it sets another name each time.
func (t *taken) send(ctx context.Context, server string, number int) error {
	method, body := http.MethodGet, io.Reader(nil)
	if t.Body != "" {
		method, body = http.MethodPost, strings.NewReader(fmt.Sprintf(t.Body, number))
	}
	q, err := http.NewRequestWithContext(ctx, method, server+t.Path, body)
	if err != nil {
		return err
	}
	if t.Body != "" {
		q.Header.Set("Content-Type", "application/json")
	}
	begun := time.Now()
	r, err := http.DefaultClient.Do(q)
	if err != nil {
		return err
	}
	defer r.Body.Close()
	data, err := io.ReadAll(r.Body)
	if err != nil {
		return err
	}
	t.Times, t.Bytes = append(t.Times, time.Since(begun)), len(data)
	switch {
	case r.StatusCode != http.StatusOK && r.StatusCode != http.StatusCreated:
		return fmt.Errorf("%s: %s\n%s", t.Path, r.Status, data)
	case t.Body != "" && !json.Valid(data):
		return fmt.Errorf("%s: no JSON:\n%s", t.Path, data)
	case t.Body == "" && !bytes.HasSuffix(bytes.TrimSpace(data), []byte("</html>")):
		return fmt.Errorf("%s: the page has no end:\n%s", t.Path, data)
	}
	return nil
}

func pagePart(all []*taken, addresses int, load time.Duration, begun, ended int64) *part {
	t := table{left: 1, head: []string{"request", "median, ms", "most, ms", "kB"}}
	p := &part{Title: fmt.Sprintf("revmap serve, %s addresses", thousands(addresses)), Data: all}
	worst := 0.0
	for _, r := range all {
		middle := median(r.Times, milliseconds)
		t.add(r.Name, digits(middle), digits(milliseconds(slices.Max(r.Times))), digits(float64(r.Bytes)/1e3))
		if r.most > 0 {
			worst = max(worst, middle)
		}
	}
	p.Figures = []figure{{"page", "the slowest of the lists", worst, milliseconds(limitOfPage), " ms"}}
	p.Text = t.String() + fmt.Sprintf("\nIt answers %s s after its start, without a cache, with %s MB of memory then, and %s MB at the end.\n",
		digits(load.Seconds()), digits(mega(begun)), digits(mega(ended)))
	return p
}
