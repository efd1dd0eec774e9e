package peer

import (
	"net"
	"os"
	"os/exec"
	"os/user"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"
)

// Postfix starts a Postfix that receives mail for example.com and throws it away. It listens on addr, an address with a
// port, or as in ":25" at all addresses; "" takes a free port of 127.0.0.1. Main is further lines of main.cf, such as
// myhostname. It needs root, since Postfix does.
func Postfix(t testing.TB, addr, main string) *Server {
	t.Helper()
	path := Needs(t, "postfix")[0]
	needsRoot(t, "Postfix")
	if addr == "" {
		addr = net.JoinHostPort("127.0.0.1", strconv.Itoa(Port(t)))
	}
	s := &Server{Program: "postfix", Dir: t.TempDir(), Addr: addr}
	// Its processes have a user of their own, who may not look into the folders of this one.
	if err := os.Chmod(filepath.Dir(s.Dir), 0o755); err != nil {
		t.Fatal(err)
	}
	config := filepath.Join(s.Dir, "config")
	for _, dir := range []string{"config", "data", "queue"} {
		if err := os.Mkdir(filepath.Join(s.Dir, dir), 0o755); err != nil {
			t.Fatal(err)
		}
	}
	if err := own("postfix", filepath.Join(s.Dir, "data")); err != nil {
		t.Fatal(err)
	}
	for name, text := range map[string]string{
		"main.cf":   strings.ReplaceAll(mainText, "{dir}", s.Dir) + main + "\n",
		"master.cf": strings.ReplaceAll(masterText, "{addr}", addr),
	} {
		if err := os.WriteFile(filepath.Join(config, name), []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	// Postfix is many processes, and some of them outlive the first one. The shell is the init of all.
	cmd := exec.Command("/bin/sh", "-c", `trap exit TERM; "$@" & wait`, "sh", path, "-c", config, "start-fg")
	cmd.SysProcAttr = initAttr
	return s.start(t, cmd, s.greets)
}

// own gives a file to a user.
func own(name, path string) error {
	u, err := user.Lookup(name)
	if err != nil {
		return err
	}
	uid, err := strconv.Atoi(u.Uid)
	if err != nil {
		return err
	}
	return os.Chown(path, uid, -1)
}

// greets reports whether a mail server says something.
func (s *Server) greets() bool {
	conn, err := net.DialTimeout("tcp", s.Addr, time.Second)
	if err != nil {
		return false
	}
	defer conn.Close()
	_ = conn.SetDeadline(time.Now().Add(10 * time.Second)) // for the names that it looks up first
	n, _ := conn.Read(make([]byte, 1))
	return n > 0
}

// Nothing that Postfix does waits for a client that it finds suspicious.
const mainText = `
compatibility_level = 3.6
queue_directory = {dir}/queue
data_directory = {dir}/data
maillog_file = /dev/stdout
mydestination = example.com
mynetworks =
local_recipient_maps =
alias_maps =
local_transport = discard
smtpd_error_sleep_time = 0
`

const masterText = `
{addr} inet n - n - - smtpd
cleanup unix n - n - 0 cleanup
qmgr unix n - n 300 1 qmgr
rewrite unix - - n - - trivial-rewrite
bounce unix - - n - 0 bounce
defer unix - - n - 0 bounce
error unix - - n - - error
retry unix - - n - - error
discard unix - - n - - discard
anvil unix - - n - 1 anvil
tlsmgr unix - - n 1000? 1 tlsmgr
postlog unix-dgram n - n - 1 postlogd
`
