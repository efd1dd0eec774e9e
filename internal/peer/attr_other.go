//go:build !linux

package peer

import "syscall"

var procAttr *syscall.SysProcAttr
