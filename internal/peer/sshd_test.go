package peer

import (
	"os"
	"os/exec"
	"os/user"
	"path/filepath"
	"strings"
	"testing"
)

// TestSSHD: it runs the command of the key, for nobody else and nothing else.
func TestSSHD(t *testing.T) {
	programs := Needs(t, "ssh", "ssh-keygen")
	dir := t.TempDir()
	keys := []string{filepath.Join(dir, "authorized"), filepath.Join(dir, "other")}
	for _, key := range keys {
		if out, err := exec.Command(programs[1], "-q", "-t", "ed25519", "-N", "", "-f", key).CombinedOutput(); err != nil {
			t.Fatalf("ssh-keygen: %v\n%s", err, out)
		}
	}
	public, err := os.ReadFile(keys[0] + ".pub")
	if err != nil {
		t.Fatal(err)
	}
	s, known := SSHD(t, `restrict,command="echo forced" `+string(public))
	hosts := filepath.Join(dir, "known_hosts")
	if err := os.WriteFile(hosts, []byte(known), 0o600); err != nil {
		t.Fatal(err)
	}
	who, err := user.Current()
	if err != nil {
		t.Fatal(err)
	}
	for i, want := range []string{"forced\n", ""} {
		cmd := exec.CommandContext(t.Context(), programs[0], "-F", "none", "-o", "BatchMode=yes", "-o", "IdentitiesOnly=yes",
			"-o", "UserKnownHostsFile="+hosts, "-o", "StrictHostKeyChecking=yes", "-i", keys[i],
			"ssh://"+who.Username+"@"+s.Addr, "echo asked")
		cmd.Env = []string{} // no agent
		var stderr strings.Builder
		cmd.Stderr = &stderr
		if out, err := cmd.Output(); string(out) != want || (err == nil) != (want != "") {
			t.Errorf("ssh with key %d prints %q, want %q: %v\n%s", i, out, want, err, &stderr)
		}
	}
}
