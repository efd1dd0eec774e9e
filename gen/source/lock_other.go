//go:build !darwin && !dragonfly && !freebsd && !linux && !netbsd && !openbsd

package source

// lock does nothing: the standard library has no locks of folders here.
func lock(string) (unlock func() error, err error) { return func() error { return nil }, nil }
