package peer

import (
	"errors"
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
)

// inNamespace is the environment variable with the name of the test that a process was started for.
const inNamespace = "REVMAP_TEST_NAMESPACE"

// Isolated reports whether the test has a network of its own: addrs are there besides those of loopback, nobody uses a
// port, and there is no way out. If it has not, Isolated runs the test once more in a process that has, and ends as
// that does; then the caller returns. In that process, files have other contents, by path: so the C library learns
// which resolver to ask. It needs root, and Linux.
func Isolated(t *testing.T, addrs []string, files map[string]string) bool {
	t.Helper()
	ip := Needs(t, "ip")[0]
	needsRoot(t, "a network namespace")
	if os.Getenv(inNamespace) != t.Name() {
		isolate(t)
		return false
	}
	commands := []string{"link set lo up"}
	for _, a := range addrs {
		commands = append(commands, "address add "+a+" dev lo")
	}
	for _, args := range commands {
		if out, err := exec.Command(ip, strings.Fields(args)...).CombinedOutput(); err != nil {
			t.Fatalf("ip %s: %v\n%s", args, err, out)
		}
	}
	for _, a := range addrs { // the kernel makes those of IPv6 usable some time later
		self := &net.UDPAddr{IP: net.ParseIP(a), Port: 9}
		var err error
		Wait(t, func() bool {
			var conn *net.UDPConn // connected, so that there is a route, but nothing is sent
			if conn, err = net.DialUDP("udp", &net.UDPAddr{IP: self.IP}, self); err != nil {
				return false
			}
			conn.Close()
			return true
		}, func() string { return fmt.Sprintf("the address %s cannot be used: %v", a, err) })
	}
	if err := syscall.Mount("", "/", "", syscall.MS_PRIVATE|syscall.MS_REC, ""); err != nil {
		t.Fatalf("keep mounts to this process: %v", err)
	}
	dir := t.TempDir()
	for path, text := range files {
		other := filepath.Join(dir, filepath.Base(path))
		if err := os.WriteFile(other, []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
		if err := syscall.Mount(other, path, "", syscall.MS_BIND, ""); err != nil {
			t.Fatalf("put a file in the place of %s: %v", path, err)
		}
	}
	return true
}

// isolate runs a test in a process with a network and mounts of its own.
func isolate(t *testing.T) {
	t.Helper()
	cmd := exec.CommandContext(t.Context(), os.Args[0], "-test.v", "-test.run=^"+t.Name()+"$")
	cmd.Env = append(os.Environ(), inNamespace+"="+t.Name())
	cmd.SysProcAttr = &syscall.SysProcAttr{
		Pdeathsig:  syscall.SIGKILL,
		Cloneflags: syscall.CLONE_NEWNET | syscall.CLONE_NEWNS,
	}
	out, err := cmd.CombinedOutput()
	switch {
	case errors.Is(err, syscall.EPERM):
		unavailable(t, "network namespaces are not permitted here: %v", err)
	case err != nil:
		t.Fatalf("in a network of its own: %v\n%s", err, out)
	case !strings.Contains(string(out), "--- PASS: "+t.Name()+" "):
		t.Fatalf("in a network of its own, the test does not pass:\n%s", out)
	}
}
