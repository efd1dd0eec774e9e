// Package cache keeps results between runs, by the content that they were made from.
//
// It is a folder with a file for each result. The name of the file is a Key, made from the program that runs and from all
// that the result depends on, so a result is never out of date, only unused. Whatever is wrong with the folder, a result
// that is not there is made again. See docs/decisions/0022-results-are-kept-by-content.md.
package cache

import (
	"cmp"
	"crypto/sha256"
	"encoding/binary"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"sync"
	"time"
)

// Variable is the environment variable that names the folder for Default.
const Variable = "REVMAP_CACHE"

const (
	keep     = 5 * 24 * time.Hour // what was not used for so long is forgotten
	interval = 24 * time.Hour     // between two times of doing so, and of noting that a result was used
	maxBytes = 4 << 30            // more than the results for a whole /8
)

const (
	trimmed = "trimmed"  // the file whose modification time says when Trim did something
	partial = "partial-" // what the name of a file begins with that is not written yet
)

// A Cache is a folder of results. A nil *Cache holds nothing. It is safe for concurrent use, also by several processes.
type Cache struct {
	dir   string
	limit int64 // bytes that Trim leaves
	build func() ([sha256.Size]byte, error)
}

// A Key names a result. The zero Key names none: nothing is kept under it.
type Key [sha256.Size]byte

// Open returns the cache in the folder dir, which it makes if need be. It is an error if others can write to the folder:
// they could make this program say anything.
func Open(dir string) (*Cache, error) {
	dir, err := filepath.Abs(dir)
	if err == nil {
		err = os.MkdirAll(dir, 0o700)
	}
	if err != nil {
		return nil, fmt.Errorf("open cache: %w", err)
	}
	info, err := os.Stat(dir)
	if err != nil {
		return nil, fmt.Errorf("open cache: %w", err)
	}
	if runtime.GOOS != "windows" && info.Mode().Perm()&0o022 != 0 { // Windows has no such bits
		return nil, fmt.Errorf("open cache: others can write to the folder %s", dir)
	}
	return &Cache{dir: dir, limit: maxBytes, build: program}, nil
}

// Default returns the cache in the folder that $REVMAP_CACHE names, or else in the folder revmap of the user's caches.
// It returns nil if the variable is "off", or if it is not set and that folder cannot be had or is another user's: a user
// who asked for no cache need not hear about it.
func Default() (*Cache, error) {
	dir := os.Getenv(Variable)
	switch dir {
	case "off":
		return nil, nil
	case "":
	default:
		c, err := Open(dir)
		if err != nil {
			err = fmt.Errorf("$%s: %w", Variable, err)
		}
		return c, err
	}
	caches, err := os.UserCacheDir()
	if err != nil {
		return nil, nil
	}
	c, err := Open(filepath.Join(caches, "revmap"))
	if err != nil {
		return nil, nil
	}
	// With sudo the folder can be another user's, who could make root's program say anything.
	if info, err := os.Stat(c.dir); err != nil || !ownFolder(info) {
		return nil, nil
	}
	return c, nil
}

// program returns the SHA-256 of the program that runs, which is what tells builds apart: they can have the same version,
// if people build what they have not committed, and those that are made to be reproducible have the same size and time.
var program = sync.OnceValues(func() (sum [sha256.Size]byte, err error) {
	f, err := os.Open("/proc/self/exe") // on Linux: what runs, even if the file has been replaced
	if err != nil {
		path, err := os.Executable()
		if err != nil {
			return sum, err
		}
		if f, err = os.Open(path); err != nil {
			return sum, err
		}
	}
	defer f.Close()
	h := sha256.New()
	if _, err := io.Copy(h, f); err != nil {
		return sum, err
	}
	return [sha256.Size]byte(h.Sum(nil)), nil
})

// Key returns the name of the result of a kind of work on some parts, in this build of the program. A kind is a word of
// the code that does the work; the parts are all that the result depends on besides. The first call reads the program, in
// about 10 ms.
func (c *Cache) Key(kind string, parts ...[]byte) (k Key) {
	if c == nil {
		return k
	}
	build, err := c.build()
	if err != nil {
		return k // any result could be that of another program
	}
	h := sha256.New()
	h.Write(build[:])
	var size [8]byte
	for _, p := range append([][]byte{[]byte(kind)}, parts...) {
		binary.LittleEndian.PutUint64(size[:], uint64(len(p))) // so that no other parts are the same bytes
		h.Write(size[:])
		h.Write(p)
	}
	h.Sum(k[:0])
	return k
}

// path returns where the result under k is.
func (c *Cache) path(k Key) string { return filepath.Join(c.dir, hex.EncodeToString(k[:])) }

// sum is what the file of a result begins with: a checksum that is good for this key only.
func sum(k Key, data []byte) []byte {
	h := sha256.New()
	h.Write(k[:])
	h.Write(data)
	return h.Sum(nil)
}

// Get returns the result that was put under k, which the caller owns. One that is damaged is not there.
func (c *Cache) Get(k Key) ([]byte, bool) {
	if c == nil || k == (Key{}) {
		return nil, false
	}
	path := c.path(k)
	file, err := os.ReadFile(path)
	if err != nil || len(file) < sha256.Size {
		return nil, false
	}
	data := file[sha256.Size:]
	if string(sum(k, data)) != string(file[:sha256.Size]) {
		return nil, false
	}
	c.used(path)
	return data, true
}

// used notes that a result is in use, so that Trim keeps it.
func (c *Cache) used(path string) {
	if info, err := os.Stat(path); err == nil && time.Since(info.ModTime()) > interval {
		now := time.Now()
		os.Chtimes(path, now, now) // in a folder that cannot be written to, nothing is trimmed either
	}
}

// Put keeps data under k, if it can. It does not wait for the disk: what a power cut leaves behind is found by Get.
func (c *Cache) Put(k Key, data []byte) {
	if c == nil || k == (Key{}) {
		return
	}
	f, err := os.CreateTemp(c.dir, partial)
	if err != nil {
		return
	}
	_, err = f.Write(sum(k, data))
	if err == nil {
		_, err = f.Write(data)
	}
	if err = errors.Join(err, f.Close()); err == nil {
		err = os.Rename(f.Name(), c.path(k))
	}
	if err != nil {
		os.Remove(f.Name())
	}
}

// Trim forgets what was not used for five days, and what was not used for longest as long as there are more than 4 GiB.
// It does so once a day; else it returns at once. A program calls it when its work is done.
func (c *Cache) Trim() {
	if c == nil {
		return
	}
	mark := filepath.Join(c.dir, trimmed)
	if info, err := os.Stat(mark); err == nil && time.Since(info.ModTime()).Abs() < interval {
		return
	}
	if os.WriteFile(mark, nil, 0o600) != nil {
		return
	}
	now := time.Now()
	os.Chtimes(mark, now, now) // the file was empty before, so that writing nothing need not have changed it
	entries, err := os.ReadDir(c.dir)
	if err != nil {
		return
	}
	var results []fs.FileInfo
	var size int64
	for _, e := range entries {
		info, err := e.Info()
		if err != nil || !isOurs(e.Name()) {
			continue
		}
		limit := keep
		if strings.HasPrefix(e.Name(), partial) {
			limit = interval // nobody writes for that long
		}
		if now.Sub(info.ModTime()) > limit {
			os.Remove(filepath.Join(c.dir, e.Name()))
			continue
		}
		results = append(results, info)
		size += info.Size()
	}
	slices.SortFunc(results, func(a, b fs.FileInfo) int {
		return cmp.Or(a.ModTime().Compare(b.ModTime()), cmp.Compare(a.Name(), b.Name()))
	})
	for _, info := range results {
		if size <= c.limit {
			return
		}
		if os.Remove(filepath.Join(c.dir, info.Name())) == nil {
			size -= info.Size()
		}
	}
}

// isOurs reports whether this package has made the file of the given name: the folder may be one that has others, too.
func isOurs(name string) bool {
	k, err := hex.DecodeString(name)
	return err == nil && len(k) == len(Key{}) || strings.HasPrefix(name, partial)
}
