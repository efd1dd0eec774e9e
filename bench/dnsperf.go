package main

import (
	"bufio"
	"bytes"
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"os/exec"
	"slices"
	"strconv"
	"strings"
	"time"
)

// A load is what dnsperf is told to do.
type load struct {
	addr    string        // address and port, as in net.Dial
	queries string        // file with names and types
	time    time.Duration // 0 is until each line of the file was asked once
	rate    int           // queries per second; 0 is as many as the server can answer
	most    int           // queries on their way at once; 0 is mostWaiting
	// each keeps the latency of every query, which takes time of dnsperf's and is therefore for runs with a rate.
	each bool
}

// mostWaiting queries fit into the buffer that Linux gives a socket of a server: about 190 packets in 212,992 bytes. Of
// more, some get lost whenever the server does not run for a moment, and no server is to blame.
const mostWaiting = 128

// Traffic is what dnsperf tells about a load.
type traffic struct {
	Sent, Completed, Lost int
	Rcodes                map[string]int
	PerSecond             float64
	Average               time.Duration // latency
	// P50 and P99 are the latencies that half and 99 of 100 queries do not exceed, 0 if the load had not each set.
	P50, P99 time.Duration
}

// run sends the load and waits for its end.
func (l load) run(ctx context.Context) (*traffic, error) {
	host, port, err := net.SplitHostPort(l.addr)
	if err != nil {
		return nil, err
	}
	// 8 sockets, whose buffers are large enough that no answer is lost there.
	args := []string{"-s", host, "-p", port, "-d", l.queries, "-c", "8", "-T", "1", "-b", "256",
		"-q", strconv.Itoa(cmp.Or(l.most, mostWaiting))}
	if l.time > 0 {
		args = append(args, "-l", strconv.FormatFloat(l.time.Seconds(), 'f', -1, 64))
	} else {
		args = append(args, "-n", "1")
	}
	if l.rate > 0 {
		args = append(args, "-Q", strconv.Itoa(l.rate))
	}
	if l.each {
		args = append(args, "-v")
	}
	cmd := exec.CommandContext(ctx, "dnsperf", args...)
	cmd.SysProcAttr = procAttr
	var stderr bytes.Buffer
	cmd.Stderr = &stderr
	out, err := cmd.StdoutPipe()
	if err != nil {
		return nil, err
	}
	if err := cmd.Start(); err != nil {
		return nil, err
	}
	t, err := parseDnsperf(out)
	if e := cmd.Wait(); e != nil {
		return nil, fmt.Errorf("%s: %w\n%s", cmd, e, stderr.Bytes())
	}
	if err != nil {
		return nil, fmt.Errorf("%s: %w", cmd, err)
	}
	return t, nil
}

// parseDnsperf reads what dnsperf prints.
func parseDnsperf(r io.Reader) (*traffic, error) {
	t := &traffic{Rcodes: map[string]int{}, Sent: -1, Completed: -1, Lost: -1, PerSecond: -1}
	var latencies []time.Duration
	lines := bufio.NewScanner(r)
	for lines.Scan() {
		line := lines.Text()
		if answer, ok := strings.CutPrefix(line, "> "); ok {
			// The rcode, the name, the type, the latency in seconds; of a query without answer, T and so on.
			f := strings.Fields(answer)
			if len(f) == 4 && f[0] != "T" && f[0] != "I" {
				s, err := strconv.ParseFloat(f[3], 64)
				if err != nil {
					return nil, fmt.Errorf("parse %q: %w", line, err)
				}
				latencies = append(latencies, seconds(s))
			}
			continue
		}
		name, value, ok := strings.Cut(strings.TrimSpace(line), ":")
		if !ok {
			continue
		}
		if err := t.set(name, strings.TrimSpace(value)); err != nil {
			return nil, fmt.Errorf("parse %q: %w", line, err)
		}
	}
	if err := lines.Err(); err != nil {
		return nil, err
	}
	if t.Sent < 0 || t.Completed < 0 || t.Lost < 0 || t.PerSecond < 0 {
		return nil, errors.New("dnsperf printed no statistics")
	}
	slices.Sort(latencies)
	t.P50, t.P99 = percentile(latencies, 50), percentile(latencies, 99)
	return t, nil
}

// set takes one line of the statistics.
func (t *traffic) set(name, value string) (err error) {
	first, _, _ := strings.Cut(value, " ")
	switch name {
	case "Queries sent":
		t.Sent, err = strconv.Atoi(first)
	case "Queries completed":
		t.Completed, err = strconv.Atoi(first)
	case "Queries lost":
		t.Lost, err = strconv.Atoi(first)
	case "Queries per second":
		t.PerSecond, err = strconv.ParseFloat(first, 64)
	case "Average Latency (s)":
		var s float64
		s, err = strconv.ParseFloat(first, 64)
		t.Average = seconds(s)
	case "Response codes": // NOERROR 10 (50.00%), NXDOMAIN 10 (50.00%)
		if value == "" { // no answer
			return nil
		}
		for code := range strings.SplitSeq(value, ", ") {
			f := strings.Fields(code)
			if len(f) < 2 {
				return errors.New("no number after a response code")
			}
			if t.Rcodes[f[0]], err = strconv.Atoi(f[1]); err != nil {
				return err
			}
		}
	}
	return err
}

// percentile returns the latency that p of 100 do not exceed. It is 0 if there is none.
func percentile(sorted []time.Duration, p int) time.Duration {
	if len(sorted) == 0 {
		return 0
	}
	return sorted[(len(sorted)*p+99)/100-1]
}

func seconds(s float64) time.Duration { return time.Duration(s * float64(time.Second)) }
