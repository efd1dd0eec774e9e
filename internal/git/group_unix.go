//go:build unix

package git

import (
	"os/exec"
	"syscall"
)

// apart keeps the signals of a terminal from a command: Ctrl-C is for this program, which may still have to finish.
func apart(c *exec.Cmd) { c.SysProcAttr = &syscall.SysProcAttr{Setpgid: true} }
