//go:build unix

package cache

import (
	"io/fs"
	"os"
	"syscall"
)

// ownFolder reports whether a folder belongs to the user that the program runs as.
func ownFolder(info fs.FileInfo) bool {
	s, ok := info.Sys().(*syscall.Stat_t)
	return ok && s.Uid == uint32(os.Geteuid())
}
