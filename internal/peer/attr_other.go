//go:build !linux

package peer

import "syscall"

var procAttr, initAttr *syscall.SysProcAttr
