//go:build !darwin && !dragonfly && !freebsd && !linux && !netbsd && !openbsd

package repository

import "os"

// lockFile does not lock: the standard library has no locks of files here.
func lockFile(path string) (*os.File, error) { return os.OpenFile(path, os.O_RDWR|os.O_CREATE, 0o600) }
