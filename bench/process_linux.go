package main

import (
	"os"
	"syscall"
)

// procAttr lets the kernel end a server if this program ends without doing so.
var procAttr = &syscall.SysProcAttr{Pdeathsig: syscall.SIGTERM}

// flock takes an exclusive lock of a file, and waits for it. Closing the file gives it back.
func flock(f *os.File) error { return syscall.Flock(int(f.Fd()), syscall.LOCK_EX) }
