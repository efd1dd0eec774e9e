//go:build !linux

package main

import (
	"errors"
	"os"
	"syscall"
)

var procAttr *syscall.SysProcAttr

func flock(*os.File) error { return errors.ErrUnsupported }
