package main

import (
	"bufio"
	"context"
	"fmt"
	"io"
	"net/http"
	"os"
	"strconv"
	"strings"
)

// resetPeak lets peak begin anew.
func (p *process) resetPeak() error {
	return os.WriteFile(fmt.Sprintf("/proc/%d/clear_refs", p.cmd.Process.Pid), []byte("5"), 0) // proc_pid_clear_refs(5)
}

// peak returns the most memory, in bytes, that the server, without children, has had.
func (p *process) peak() (int64, error) { return peak(p.cmd.Process.Pid) }

// peak returns the most memory, in bytes, that a process has had. The maximum that the kernel tells of one that has
// ended would not do: it is never less than what this program had when it started the process.
func peak(pid int) (int64, error) {
	text, err := os.ReadFile(fmt.Sprintf("/proc/%d/status", pid))
	if err != nil {
		return 0, err
	}
	for line := range strings.Lines(string(text)) {
		if f := strings.Fields(line); len(f) == 3 && f[0] == "VmHWM:" && f[2] == "kB" {
			n, err := strconv.ParseInt(f[1], 10, 64)
			return n << 10, err
		}
	}
	return 0, fmt.Errorf("status of process %d: no VmHWM", pid)
}

// openFiles returns how many files and sockets the server has open.
func (p *process) openFiles() (int, error) {
	files, err := os.ReadDir(fmt.Sprintf("/proc/%d/fd", p.cmd.Process.Pid))
	return len(files), err
}

// reloads returns how many reloads have succeeded, and how many have not.
func (p *process) reloads(ctx context.Context) (succeeded, failed int, err error) {
	all, err := p.scrape(ctx)
	if err != nil {
		return 0, 0, err
	}
	for series, value := range all {
		switch {
		case !strings.HasPrefix(series, "coredns_revmap_reloads_total{"):
		case strings.Contains(series, `result="success"`):
			succeeded += int(value)
		default:
			failed += int(value)
		}
	}
	return succeeded, failed, nil
}

// scrape returns all metrics: "name" or "name{labels}" and the value.
func (p *process) scrape(ctx context.Context) (map[string]float64, error) {
	q, err := http.NewRequestWithContext(ctx, http.MethodGet, "http://"+p.metrics+"/metrics", nil)
	if err != nil {
		return nil, err
	}
	r, err := http.DefaultClient.Do(q)
	if err != nil {
		return nil, err
	}
	defer r.Body.Close()
	if r.StatusCode != http.StatusOK {
		return nil, fmt.Errorf("metrics: %s", r.Status)
	}
	return parseMetrics(r.Body)
}

// parseMetrics reads Prometheus's text format.
func parseMetrics(r io.Reader) (map[string]float64, error) {
	all := make(map[string]float64)
	lines := bufio.NewScanner(r)
	for lines.Scan() {
		line := lines.Text()
		if line == "" || line[0] == '#' {
			continue
		}
		// Label values may have spaces in them, values have none.
		i := strings.LastIndexByte(line, ' ')
		if i < 0 {
			return nil, fmt.Errorf("metrics: %q", line)
		}
		value, err := strconv.ParseFloat(line[i+1:], 64)
		if err != nil {
			return nil, fmt.Errorf("metrics: %w", err)
		}
		all[line[:i]] = value
	}
	return all, lines.Err()
}
