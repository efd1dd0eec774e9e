package main

import (
	"os"
	"syscall"
)

// procAttr lets the kernel end a server if this program ends without doing so.
var procAttr = &syscall.SysProcAttr{Pdeathsig: syscall.SIGTERM}

// flock takes an exclusive lock of a file, and waits for it. Closing the file gives it back.
func flock(f *os.File) error { return syscall.Flock(int(f.Fd()), syscall.LOCK_EX) }

// peakMemory returns how much memory a process that has ended had at most, in bytes. It is never less than what this
// program had when it started the process: Linux inherits that.
func peakMemory(p *os.ProcessState) int64 { return p.SysUsage().(*syscall.Rusage).Maxrss << 10 }
