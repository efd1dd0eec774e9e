package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io/fs"
	"math/rand/v2"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"time"

	"github.com/miekg/dns"
)

// A process is a running server.
type process struct {
	cmd     *exec.Cmd
	addr    string // address and port that it serves
	metrics string // address and port of its metrics, if it has some
	log     string // file with its standard output and error
	begun   time.Time
	load    time.Duration // from the start of the process to its first right answer
	ended   chan struct{}
}

// start starts a program in the foreground, with its output in a file in dir. addr is where it will serve.
func start(dir, addr, program string, args ...string) (*process, error) {
	p := &process{
		cmd: exec.Command(program, args...), addr: addr, log: filepath.Join(dir, "log"), ended: make(chan struct{}),
	}
	log, err := os.Create(p.log)
	if err != nil {
		return nil, err
	}
	defer log.Close()
	p.cmd.Dir, p.cmd.Stdout, p.cmd.Stderr, p.cmd.SysProcAttr = dir, log, log, procAttr
	p.begun = time.Now()
	if err := p.cmd.Start(); err != nil {
		return nil, err
	}
	go func() {
		_ = p.cmd.Wait() // how it ends does not matter
		close(p.ended)
	}()
	return p, nil
}

// stop ends the server and its children.
func (p *process) stop() {
	_ = p.cmd.Process.Signal(syscall.SIGTERM) // fails if it has ended
	select {
	case <-p.ended:
	case <-time.After(30 * time.Second):
		step("%s does not end: killing it", p.cmd.Path)
		_ = p.cmd.Process.Kill()
		<-p.ended
	}
}

// failure returns an error that says what p did last.
func (p *process) failure(problem string) error {
	log, _ := os.ReadFile(p.log)
	const most = 2000
	if len(log) > most {
		log = append([]byte("…"), log[len(log)-most:]...)
	}
	return fmt.Errorf("%s: %s\n%s", p.cmd.Path, problem, log)
}

const (
	askEvery = 2 * time.Millisecond // the resolution of load times
	patience = 10 * time.Minute     // for a server to load
)

// wait asks a question until the answer is right.
func (p *process) wait(ctx context.Context, q *dns.Msg, right func(r *dns.Msg) bool) error {
	ctx, cancel := context.WithTimeoutCause(ctx, patience, errors.New("not within "+patience.String()))
	defer cancel()
	packet, err := q.Pack()
	if err != nil {
		return err
	}
	conn, err := net.Dial("udp", p.addr)
	if err != nil {
		return err
	}
	defer conn.Close()
	answer := make([]byte, dns.MaxMsgSize)
	for {
		next := time.Now().Add(askEvery)
		// While nobody listens, both fail at once.
		if _, err := conn.Write(packet); err == nil {
			_ = conn.SetReadDeadline(next)
			if n, err := conn.Read(answer); err == nil {
				r := new(dns.Msg)
				if r.Unpack(answer[:n]) == nil && right(r) {
					return nil
				}
			}
		}
		select {
		case <-ctx.Done():
			return p.failure("no right answer: " + context.Cause(ctx).Error())
		case <-p.ended:
			return p.failure("has ended")
		case <-time.After(time.Until(next)):
		}
	}
}

// cpu returns the processor time that the server has used so far, with all threads and children.
func (p *process) cpu() (time.Duration, error) {
	pids, err := tree(p.cmd.Process.Pid)
	if err != nil {
		return 0, err
	}
	var sum time.Duration
	for _, pid := range pids {
		s, err := readStat(pid)
		if err != nil {
			return 0, err
		}
		sum += s.cpu
	}
	return sum, nil
}

// memory returns how many bytes of memory the server has, children included. What several processes share counts once:
// NSD's are forks of one that has loaded the zones.
func (p *process) memory() (int64, error) {
	pids, err := tree(p.cmd.Process.Pid)
	if err != nil {
		return 0, err
	}
	var sum int64
	for _, pid := range pids {
		text, err := os.ReadFile(fmt.Sprintf("/proc/%d/smaps_rollup", pid))
		if pid != p.cmd.Process.Pid && errors.Is(err, fs.ErrNotExist) { // it has just ended
			continue
		} else if err != nil {
			return 0, err
		}
		n, err := parsePss(text)
		if err != nil {
			return 0, fmt.Errorf("memory of process %d: %w", pid, err)
		}
		sum += n
	}
	return sum, nil
}

// parsePss returns the proportional set size, in bytes, that /proc/PID/smaps_rollup tells: the resident memory, of
// which a page that n processes share counts 1/n.
func parsePss(text []byte) (int64, error) {
	for line := range strings.Lines(string(text)) {
		if f := strings.Fields(line); len(f) == 3 && f[0] == "Pss:" && f[2] == "kB" {
			n, err := strconv.ParseInt(f[1], 10, 64)
			return n << 10, err
		}
	}
	return 0, errors.New("no Pss")
}

// tree returns a process and all that descend from it.
func tree(root int) ([]int, error) {
	dirs, err := filepath.Glob("/proc/[0-9]*")
	if err != nil {
		return nil, err
	}
	children := map[int][]int{}
	for _, dir := range dirs {
		pid, err := strconv.Atoi(filepath.Base(dir))
		if err != nil {
			continue
		}
		if s, err := readStat(pid); err == nil { // else it has just ended
			children[s.parent] = append(children[s.parent], pid)
		}
	}
	pids := []int{root}
	for i := 0; i < len(pids); i++ {
		pids = append(pids, children[pids[i]]...)
	}
	return pids, nil
}

// A stat is what is needed of /proc/PID/stat.
type stat struct {
	parent int
	cpu    time.Duration // of all threads, and of children that have ended
}

func readStat(pid int) (stat, error) {
	text, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", pid))
	if err != nil {
		return stat{}, err
	}
	s, err := parseStat(text)
	if err != nil {
		return stat{}, fmt.Errorf("/proc/%d/stat: %w", pid, err)
	}
	return s, nil
}

// tick is the unit of times in /proc: Linux shows 100 a second to programs, whatever it uses itself.
const tick = time.Second / 100

// parseStat parses /proc/PID/stat (proc_pid_stat(5)).
func parseStat(text []byte) (stat, error) {
	// The second field is the program's name, which can contain spaces and parentheses.
	end := bytes.LastIndexByte(text, ')')
	if end < 0 {
		return stat{}, errors.New("no name")
	}
	f := strings.Fields(string(text[end+1:])) // from the third field on
	if len(f) < 15 {
		return stat{}, fmt.Errorf("%d fields after the name", len(f))
	}
	parent, err := strconv.Atoi(f[1])
	if err != nil {
		return stat{}, err
	}
	s := stat{parent: parent}
	for _, field := range f[11:15] { // utime, stime, cutime, cstime
		ticks, err := strconv.ParseInt(field, 10, 64)
		if err != nil {
			return stat{}, err
		}
		s.cpu += time.Duration(ticks) * tick
	}
	return s, nil
}

// lock waits for an exclusive lock of a file, if path is not "", so that several benches on a machine take turns.
func lock(ctx context.Context, path string) (unlock func(), err error) {
	if path == "" {
		return func() {}, nil
	}
	f, err := os.OpenFile(path, os.O_RDWR|os.O_CREATE, 0o644)
	if err != nil {
		return nil, err
	}
	locked := make(chan error, 1)
	go func() { locked <- flock(f) }()
	select {
	case err = <-locked:
	case <-ctx.Done():
		err = ctx.Err() // this program ends, and with it the waiting
	}
	if err != nil {
		return nil, fmt.Errorf("lock %s: %w", path, err)
	}
	return func() { f.Close() }, nil
}

// freePort returns a port of 127.0.0.1 that is free for UDP and TCP.
func freePort() (int, error) {
	for range 100 {
		// Below the ports that the kernel gives to clients (32768 and above on Linux): they come and go.
		port := 10000 + rand.IntN(22000)
		l, err := net.Listen("tcp", loopback(port))
		if err != nil {
			continue
		}
		c, err := net.ListenPacket("udp", loopback(port))
		l.Close()
		if err != nil {
			continue
		}
		c.Close()
		return port, nil
	}
	return 0, errors.New("no port is free")
}
