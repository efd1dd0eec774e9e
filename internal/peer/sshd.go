package peer

import (
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
)

// SSHD starts an OpenSSH server, which lets the user of this process in with the keys that authorized, the text of an
// authorized_keys file, names: if that is root, only to run the commands that are forced there. known is the line of a
// known_hosts file for it.
func SSHD(t testing.TB, authorized string) (s *Server, known string) {
	t.Helper()
	programs := Needs(t, "sshd", "ssh-keygen")
	if os.Geteuid() == 0 {
		// Debian makes this folder, which must be there, when it starts sshd.
		if err := os.MkdirAll("/run/sshd", 0o755); err != nil {
			t.Fatal(err)
		}
	}
	s = &Server{Program: "sshd", Dir: t.TempDir()}
	port := strconv.Itoa(Port(t))
	s.Addr = net.JoinHostPort("127.0.0.1", port)
	key := filepath.Join(s.Dir, "host_key")
	if out, err := exec.Command(programs[1], "-q", "-t", "ed25519", "-N", "", "-f", key).CombinedOutput(); err != nil {
		t.Fatalf("ssh-keygen: %v\n%s", err, out)
	}
	public, err := os.ReadFile(key + ".pub")
	if err != nil {
		t.Fatal(err)
	}
	config := filepath.Join(s.Dir, "sshd_config")
	for path, text := range map[string]string{
		config:                                  strings.NewReplacer("{dir}", s.Dir, "{port}", port).Replace(sshdText),
		filepath.Join(s.Dir, "authorized_keys"): authorized,
	} {
		if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	cmd := exec.Command(programs[0], "-D", "-e", "-f", config)
	cmd.SysProcAttr = procAttr
	fields := strings.Fields(string(public)) // type, key, comment
	return s.start(t, cmd, s.greets), fmt.Sprintf("[127.0.0.1]:%s %s %s\n", port, fields[0], fields[1])
}

// StrictModes does not like that the folders of tests lie in /tmp, where everybody may write.
const sshdText = `
ListenAddress 127.0.0.1:{port}
HostKey {dir}/host_key
PidFile none
AuthorizedKeysFile {dir}/authorized_keys
StrictModes no
UsePAM no
PasswordAuthentication no
KbdInteractiveAuthentication no
PermitRootLogin forced-commands-only
`
