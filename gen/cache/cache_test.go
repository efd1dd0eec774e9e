package cache

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"
)

// TestMain lets the tests start other processes, which do what the variable says in the folder that is their argument.
func TestMain(m *testing.M) {
	switch os.Getenv("CACHE_TEST") {
	case "":
		os.Exit(m.Run())
	case "work":
		c, err := Open(os.Args[1])
		if err == nil {
			err = work(c)
		}
		if err != nil {
			fmt.Println(err)
			os.Exit(1)
		}
	case "key":
		c, err := Open(os.Args[1])
		fmt.Printf("%x %v", c.Key("kind"), err)
	}
}

// process returns a run of a program, a copy of this one, in the folder dir.
func process(program, what, dir string) *exec.Cmd {
	cmd := exec.Command(program, dir)
	cmd.Env = append(os.Environ(), "CACHE_TEST="+what)
	return cmd
}

func open(t *testing.T) *Cache {
	t.Helper()
	c, err := Open(filepath.Join(t.TempDir(), "a", "cache"))
	if err != nil {
		t.Fatal(err)
	}
	return c
}

func hit(t *testing.T, c *Cache, k Key, want string) {
	t.Helper()
	if got, ok := c.Get(k); !ok || string(got) != want {
		t.Errorf("Get: %q, %v, want %q", got, ok, want)
	}
}

func miss(t *testing.T, c *Cache, k Key) {
	t.Helper()
	if got, ok := c.Get(k); ok {
		t.Errorf("Get: %q, want nothing", got)
	}
}

func files(t *testing.T, c *Cache) []string {
	t.Helper()
	entries, err := os.ReadDir(c.dir)
	if err != nil {
		t.Fatal(err)
	}
	var names []string
	for _, e := range entries {
		names = append(names, e.Name())
	}
	return names
}

func TestGetPut(t *testing.T) {
	c := open(t)
	k := c.Key("kind", []byte("part"))
	miss(t, c, k)
	for _, data := range []string{"data", "", "other data"} {
		c.Put(k, []byte(data))
		hit(t, c, k, data)
	}
	again, err := Open(c.dir)
	if err != nil {
		t.Fatal(err)
	}
	hit(t, again, k, "other data")
	if got := files(t, c); !slices.Equal(got, []string{hex.EncodeToString(k[:])}) {
		t.Errorf("files: %s", got)
	}
}

func TestKey(t *testing.T) {
	c := open(t)
	other := &Cache{build: func() ([sha256.Size]byte, error) { return [sha256.Size]byte{1}, nil }}
	b := func(parts ...string) (list [][]byte) {
		for _, p := range parts {
			list = append(list, []byte(p))
		}
		return list
	}
	seen := make(map[Key]string)
	for name, k := range map[string]Key{
		"kind":          c.Key("kind"),
		"another kind":  c.Key("kin"),
		"an empty part": c.Key("kind", b("")...),
		"a part":        c.Key("kind", b("ab")...),
		"two parts":     c.Key("kind", b("a", "b")...),
		"as a kind":     c.Key("ab"),
		"two, one bare": c.Key("kind", b("ab", "")...),
		"another build": other.Key("kind"),
		"none":          {},
	} {
		if first, ok := seen[k]; ok {
			t.Errorf("%s and %s have the same key", name, first)
		}
		seen[k] = name
	}
	if k := c.Key("kind", b("a", "b")...); seen[k] != "two parts" {
		t.Error("the key of the same work is another")
	}
}

// A program that differs in one byte has keys of its own.
func TestBuilds(t *testing.T) {
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	program, err := os.ReadFile(self)
	if err != nil {
		t.Fatal(err)
	}
	dir := t.TempDir()
	run := func(program string) string {
		out, err := process(program, "key", filepath.Join(dir, "cache")).CombinedOutput()
		if err != nil || !strings.HasSuffix(string(out), " <nil>") {
			t.Fatalf("%s: %v: %s", program, err, out)
		}
		return string(out)
	}
	other := filepath.Join(dir, filepath.Base(self))
	if err := os.WriteFile(other, append(program, 0), 0o700); err != nil {
		t.Fatal(err)
	}
	if a, b := run(self), run(other); a == b {
		t.Errorf("two builds have the same key %s", a)
	}
	if err := os.WriteFile(other, program, 0o700); err != nil {
		t.Fatal(err)
	}
	if a, b := run(self), run(other); a != b {
		t.Errorf("a copy has another key: %s, %s", a, b)
	}
}

// A program that cannot tell which one it is keeps nothing.
func TestUnknownBuild(t *testing.T) {
	c := open(t)
	c.build = func() ([sha256.Size]byte, error) { return [sha256.Size]byte{}, os.ErrPermission }
	k := c.Key("kind")
	c.Put(k, []byte("data"))
	miss(t, c, k)
	if got := files(t, c); len(got) > 0 {
		t.Errorf("files: %s", got)
	}
}

func TestNil(t *testing.T) {
	var c *Cache
	k := c.Key("kind")
	c.Put(k, []byte("data"))
	c.Put(Key{1}, []byte("data"))
	c.Trim()
	miss(t, c, k)
	miss(t, c, Key{1})
}

// TestDamage changes the file of a result in every way that one byte allows.
func TestDamage(t *testing.T) {
	c := open(t)
	k := c.Key("kind")
	c.Put(k, []byte("some data"))
	good, err := os.ReadFile(c.path(k))
	if err != nil {
		t.Fatal(err)
	}
	write := func(k Key, data []byte) {
		t.Helper()
		if err := os.WriteFile(c.path(k), data, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	for i := range good {
		bad := bytes.Clone(good)
		bad[i] ^= 1
		write(k, bad)
		miss(t, c, k)
		write(k, good[:i])
		miss(t, c, k)
		write(k, slices.Insert(bytes.Clone(good), i, 'x'))
		miss(t, c, k)
	}
	write(k, make([]byte, len(good))) // as after a power cut
	miss(t, c, k)
	write(k, append(bytes.Clone(good), 0))
	miss(t, c, k)
	write(k, good)
	hit(t, c, k, "some data")
	other := c.Key("other kind")
	write(other, good)
	miss(t, c, other)
	c.Put(other, []byte("mended"))
	hit(t, c, other, "mended")
}

// What is in the way of a result is no error.
func TestFolderInTheWay(t *testing.T) {
	c := open(t)
	k := c.Key("kind")
	if err := os.MkdirAll(filepath.Join(c.path(k), "a"), 0o700); err != nil {
		t.Fatal(err)
	}
	miss(t, c, k)
	c.Put(k, []byte("data"))
	miss(t, c, k)
	if got := files(t, c); len(got) != 1 {
		t.Errorf("files: %s", got)
	}
}

func TestFolderGone(t *testing.T) {
	c := open(t)
	k := c.Key("kind")
	if err := os.RemoveAll(c.dir); err != nil {
		t.Fatal(err)
	}
	c.Put(k, []byte("data"))
	miss(t, c, k)
	c.Trim()
}

func TestReadOnlyFolder(t *testing.T) {
	if os.Getuid() == 0 || runtime.GOOS == "windows" {
		t.Skip("no folder is read-only for root, nor on Windows")
	}
	c := open(t)
	k, other := c.Key("kind"), c.Key("other kind")
	c.Put(k, []byte("data"))
	if err := os.Chmod(c.dir, 0o500); err != nil {
		t.Fatal(err)
	}
	c.Put(k, []byte("new data"))
	hit(t, c, k, "data")
	c.Put(other, []byte("data"))
	miss(t, c, other)
	c.Trim()
	if err := os.Chmod(c.dir, 0o700); err != nil { // so that it can be removed
		t.Fatal(err)
	}
}

// work puts and gets the same results as others do at the same time, and tells of any that is wrong.
func work(c *Cache) error {
	var group sync.WaitGroup
	wrong := make(chan error, 4)
	for g := range 4 {
		group.Go(func() {
			for i := range 50 {
				n := (g + i) % 5
				k, want := c.Key("kind", []byte{byte(n)}), bytes.Repeat([]byte{byte(n)}, 10000*n)
				c.Put(k, want)
				if got, ok := c.Get(k); !ok || !bytes.Equal(got, want) {
					wrong <- fmt.Errorf("result %d: %d bytes, %v", n, len(got), ok)
					return
				}
			}
		})
	}
	group.Wait()
	select {
	case err := <-wrong:
		return err
	default:
		return nil
	}
}

func TestManyProcesses(t *testing.T) {
	c := open(t)
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	var group sync.WaitGroup
	for range 3 {
		group.Go(func() {
			if out, err := process(self, "work", c.dir).CombinedOutput(); err != nil {
				t.Errorf("%v: %s", err, out)
			}
		})
	}
	if err := work(c); err != nil {
		t.Error(err)
	}
	group.Wait()
	if got := files(t, c); len(got) != 5 {
		t.Errorf("%d files, want 5: %s", len(got), got)
	}
}

// age makes a file as old as one that was last used so long ago.
func age(t *testing.T, path string, d time.Duration) {
	t.Helper()
	at := time.Now().Add(-d)
	if err := os.Chtimes(path, at, at); err != nil {
		t.Fatal(err)
	}
}

func TestTrim(t *testing.T) {
	const day = 24 * time.Hour
	c := open(t)
	k := make([]Key, 6)
	for i := range k {
		k[i] = c.Key("kind", []byte{byte(i)})
		c.Put(k[i], []byte("data"))
	}
	other := filepath.Join(c.dir, "other")
	abandoned, recent := filepath.Join(c.dir, partial+"1"), filepath.Join(c.dir, partial+"2")
	for _, file := range []string{other, abandoned, recent} {
		if err := os.WriteFile(file, nil, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	age(t, other, 100*day)
	age(t, abandoned, 2*day)
	age(t, c.path(k[0]), 6*day)
	age(t, c.path(k[1]), 6*day)
	age(t, c.path(k[2]), 4*day)
	age(t, c.path(k[3]), -10*day) // by a clock that was wrong
	hit(t, c, k[1], "data")       // which is a use
	c.Trim()
	miss(t, c, k[0])
	for _, k := range k[1:] {
		hit(t, c, k, "data")
	}
	want := []string{"other", partial + "2", trimmed}
	for _, k := range k[1:] {
		want = append(want, hex.EncodeToString(k[:]))
	}
	slices.Sort(want)
	if got := files(t, c); !slices.Equal(got, want) {
		t.Errorf("files:\n%q, want\n%q", got, want)
	}

	age(t, c.path(k[1]), 6*day)
	c.Trim() // has been done today
	age(t, c.path(k[1]), 0)
	hit(t, c, k[1], "data")

	c.limit = 3 * int64(len("data")+sha256.Size)
	for i, k := range k[1:] {
		age(t, c.path(k), time.Duration(i)*time.Hour)
	}
	for _, since := range []time.Duration{2 * day, -2 * day} { // the last time, by a clock that was wrong too
		c.Put(k[5], []byte("data"))
		age(t, c.path(k[5]), 4*time.Hour)
		age(t, filepath.Join(c.dir, trimmed), since)
		c.Trim()
		for i, k := range k[1:] {
			if i < 3 {
				hit(t, c, k, "data")
			} else {
				miss(t, c, k)
			}
		}
	}
}

func TestOpen(t *testing.T) {
	dir := t.TempDir()
	c, err := Open(filepath.Join(dir, "a", "b"))
	if err != nil {
		t.Fatal(err)
	}
	c.Put(c.Key("kind"), []byte("data"))
	if runtime.GOOS != "windows" {
		for path, want := range map[string]os.FileMode{c.dir: 0o700, c.path(c.Key("kind")): 0o600} {
			if info, err := os.Stat(path); err != nil || info.Mode().Perm() != want {
				t.Errorf("%s: %v, %v, want mode %v", path, info.Mode(), err, want)
			}
		}
		for mode, ok := range map[os.FileMode]bool{0o755: true, 0o720: false, 0o702: false, 0o777: false} {
			if err := os.Chmod(c.dir, mode); err != nil {
				t.Fatal(err)
			}
			if _, err := Open(c.dir); (err == nil) != ok {
				t.Errorf("a folder of mode %v: %v", mode, err)
			}
		}
	}
	file := filepath.Join(dir, "file")
	if err := os.WriteFile(file, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := Open(file); err == nil {
		t.Error("a file is a cache")
	}
	if _, err := Open(filepath.Join(file, "cache")); err == nil {
		t.Error("a cache is below a file")
	}
}

// A folder that is named in relation to the current one stays where it is.
func TestOpenRelative(t *testing.T) {
	t.Chdir(t.TempDir())
	c, err := Open("cache")
	if err != nil {
		t.Fatal(err)
	}
	t.Chdir(t.TempDir())
	k := c.Key("kind")
	c.Put(k, []byte("data"))
	hit(t, c, k, "data")
}

func TestDefault(t *testing.T) {
	home := t.TempDir()
	for _, name := range []string{"HOME", "XDG_CACHE_HOME", "LocalAppData", "home"} {
		t.Setenv(name, home)
	}
	caches, err := os.UserCacheDir()
	if err != nil {
		t.Fatal(err)
	}
	file := filepath.Join(home, "file")
	if err := os.WriteFile(file, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	for _, tt := range []struct{ variable, dir, wrong string }{
		{"", filepath.Join(caches, "revmap"), ""},
		{"off", "", ""},
		{filepath.Join(home, "mine"), filepath.Join(home, "mine"), ""},
		{file, "", "$REVMAP_CACHE: open cache: "},
	} {
		t.Setenv(Variable, tt.variable)
		c, err := Default()
		dir, wrong := "", ""
		if c != nil {
			dir = c.dir
		}
		if err != nil {
			wrong = err.Error()
		}
		if dir != tt.dir || !strings.HasPrefix(wrong, tt.wrong) || (wrong == "") != (tt.wrong == "") {
			t.Errorf("%q: cache %q, error %q", tt.variable, dir, wrong)
		}
	}
	t.Setenv(Variable, "")
	for _, name := range []string{"HOME", "XDG_CACHE_HOME", "LocalAppData", "home"} {
		t.Setenv(name, file) // where no folder can be made
	}
	if c, err := Default(); c != nil || err != nil {
		t.Errorf("without a home: %v, %v", c, err)
	}
}

func TestAnotherUsersFolder(t *testing.T) {
	if runtime.GOOS != "linux" || os.Geteuid() != 0 {
		t.Skip("only root can give a folder away")
	}
	t.Setenv(Variable, "")
	caches := t.TempDir()
	t.Setenv("XDG_CACHE_HOME", caches)
	if c, err := Default(); c == nil || err != nil {
		t.Fatalf("one's own folder: %v, %v", c, err)
	}
	if err := os.Chown(filepath.Join(caches, "revmap"), 1, 1); err != nil {
		t.Fatal(err)
	}
	if c, err := Default(); c != nil || err != nil {
		t.Errorf("another user's folder: %v, %v", c, err)
	}
}
