package source

import (
	"crypto/sha256"
	"fmt"
	"maps"
	"os"
	"slices"
	"sync"

	"github.com/revmap/revmap/gen/cache"
	"github.com/revmap/revmap/gen/diag"
	"github.com/revmap/revmap/internal/parallel"
)

// ReadOptions say how to read files. The zero value is good.
type ReadOptions struct {
	Cache    *cache.Cache          // has what files said in earlier runs; nil if there is none
	Progress func(done, total int) // called when one more of the included files is read, by one goroutine at a time
	Previous *Files                // the source as it was; what files say that hold the same is taken from it. May be nil
}

// minCached is how large a file is at least, in bytes, so that it takes longer to parse it than to look it up.
const minCached = 4 << 10

// Files is a source by its files, each of which can be had alone. It keeps each in a compact form without pointers, so it
// takes less memory than the files themselves, and the largest of them decides how much it takes to read them. It is safe
// for concurrent use.
type Files struct {
	list     []file // root first, then the included ones in the order of their paths
	forwards []ForwardFile
	findings diag.List
}

// A file is one that has been read.
type file struct {
	path string
	sum  [sha256.Size]byte
	size int
	form string // what encode has returned
	// outline returns that of the file, which is made when it is asked for first.
	outline func() *outline
}

// ReadFiles reads the file root and all files that it includes, and finds the forward zone files that it names. It is an
// error if the root file cannot be read; for an included file that is a finding.
func ReadFiles(root string, o ReadOptions) (*Files, error) {
	data, err := os.ReadFile(root)
	if err != nil {
		return nil, fmt.Errorf("read source: %w", err)
	}
	f, doc := readRoot(root, data, o)
	if len(doc.include) == 0 && len(doc.forwards) == 0 {
		return f, nil
	}
	folder, err := OpenFolder(root)
	if err != nil {
		return nil, fmt.Errorf("read source: %w", err)
	}
	defer folder.Close()
	f.include(folder, real(root), doc, o)
	return f, nil
}

// ReadFilesFrom is ReadFiles for the root file of the given name in folder, which it leaves open.
func ReadFilesFrom(folder *Folder, name string, o ReadOptions) (*Files, error) {
	data, err := folder.ReadFile(name)
	if err != nil {
		return nil, fmt.Errorf("read source: %s: %w", folder.Path(name), err)
	}
	f, doc := readRoot(folder.Path(name), data, o)
	f.include(folder, real(folder.onDisk(name)), doc, o)
	return f, nil
}

// readRoot returns a source of its root file alone, and what that says. The file has the given name and holds data.
func readRoot(root string, data []byte, o ReadOptions) (*Files, *document) {
	f := &Files{list: make([]file, 1)}
	f.list[0].read(root, data, false, o.Cache, o.known(false)[root])
	doc, _ := f.list[0].decode()
	return f, doc
}

// include reads what the root file includes, which says doc, and whose path without links is root.
func (f *Files) include(folder *Folder, root string, doc *document, o ReadOptions) {
	in := newInclusion("include-invalid", folder, doc.include, root)
	zones := newInclusion("forwards-invalid", folder, doc.forwards, "")
	for _, path := range slices.Sorted(maps.Keys(zones.by)) {
		f.forwards = append(f.forwards, ForwardFile{path, zones.by[path]})
	}
	names := slices.Sorted(maps.Keys(in.by))
	included := make([]file, len(names))
	known := o.known(true)
	failed := make([]error, len(names))
	var progress sync.Mutex
	done := 0
	parallel.Each(len(names), func(i int) {
		path := folder.Path(names[i])
		if data, err := folder.ReadFile(names[i]); err != nil {
			failed[i] = err
		} else {
			included[i].read(path, data, true, o.Cache, known[path])
		}
		if o.Progress != nil {
			progress.Lock()
			defer progress.Unlock()
			done++
			o.Progress(done, len(names))
		}
	})
	for i, err := range failed {
		if err != nil {
			in.report(in.by[names[i]], "", "%s: %v", folder.Path(names[i]), err)
		}
	}
	f.list = append(f.list, slices.DeleteFunc(included, func(r file) bool { return r.path == "" })...)
	f.findings = slices.Concat(in.findings, zones.findings).Sort()
}

// rooms are those of read, one for each worker.
var rooms = sync.Pool{New: func() any { return new(room) }}

// known returns what is known of the root file or the included ones from before, by their paths.
func (o *ReadOptions) known(included bool) map[string]*file {
	known := make(map[string]*file)
	if o.Previous != nil {
		for i := range o.Previous.list {
			if f := &o.Previous.list[i]; included == (i > 0) {
				known[f.path] = f
			}
		}
	}
	return known
}

// read makes f what a file says that holds data. Was is the same file at another time, or nil.
func (f *file) read(path string, data []byte, included bool, c *cache.Cache, was *file) {
	*f = file{path: path, sum: sha256.Sum256(data), size: len(data)}
	if was != nil && was.sum == f.sum {
		*f = *was
		return
	}
	defer func() {
		form := f.form
		f.outline = sync.OnceValue(func() *outline { return newOutline(path, form) })
	}()
	if len(data) < minCached {
		c = nil
	}
	kind := "root file"
	if included {
		kind = "included file"
	}
	key := c.Key(kind, f.sum[:])
	if form, ok := c.Get(key); ok {
		f.form = string(form)
		return
	}
	r := rooms.Get().(*room)
	p := parse(path, data, included, r)
	f.form = encode(path, &p.doc, p.findings.Sort(), r)
	r.reset()
	rooms.Put(r)
	c.Put(key, []byte(f.form))
}

// decode returns what f says. It is new, but for its strings.
func (f *file) decode() (*document, diag.List) {
	d, findings, ok := decode(f.path, f.form)
	if !ok { // not by accident: the cache would have seen that
		d = new(document)
		d.Root, d.Files = f.path, []string{f.path}
		findings = diag.List{{
			Pos: diag.Position{File: f.path, Line: 1, Column: 1}, Severity: diag.Error, Rule: "syntax",
			Message: "what the cache has for this file cannot be read",
			Hint:    "empty the folder of the cache, and find out who has written to it",
		}}
	}
	return d, findings
}

// Len returns how many files there are. The root is number 0; the included files that could be read follow in the order
// of their paths.
func (f *Files) Len() int { return len(f.list) }

// Path returns the name of file i, as in positions.
func (f *Files) Path(i int) string { return f.list[i].path }

// Sum returns the SHA-256 of what file i holds.
func (f *Files) Sum(i int) [sha256.Size]byte { return f.list[i].sum }

// Size returns how many bytes file i has.
func (f *Files) Size(i int) int { return f.list[i].size }

// Read returns what file i says by itself, as Parse does: the Forwards of a root file are missing. The caller owns both.
func (f *Files) Read(i int) (*Source, diag.List) {
	d, findings := f.list[i].decode()
	return &d.Source, findings
}

// Findings returns what is wrong with the patterns of "include" and "forwards", and which files could not be read. They
// are sorted.
func (f *Files) Findings() diag.List { return slices.Clone(f.findings) }

// Forwards returns the forward zone files that the root file names, by path.
func (f *Files) Forwards() []ForwardFile { return slices.Clone(f.forwards) }

// Join returns what all files say together, as Load does. The caller owns both.
func (f *Files) Join() (*Source, diag.List) {
	read := make([]*Source, f.Len())
	found := make([]diag.List, f.Len())
	parallel.Each(f.Len(), func(i int) { read[i], found[i] = f.Read(i) })
	s := join(read)
	s.Forwards = f.Forwards()
	return s, append(slices.Concat(found...), f.findings...).Sort()
}

// some returns what part returns of what each of some files says, together. It is the caller's.
func (f *Files) some(numbers []int, part func(*Source) *Source) *Source {
	if len(numbers) == 0 {
		return &Source{Root: f.Path(0)}
	}
	read := make([]*Source, len(numbers))
	parallel.Each(len(numbers), func(i int) {
		s, _ := f.Read(numbers[i])
		read[i] = part(s)
	})
	s := join(read)
	s.Root = f.Path(0)
	return s
}

// join returns the first of some files with what all of them list. It takes that from the others.
func join(read []*Source) *Source {
	s := read[0]
	for _, t := range read[1:] {
		s.Files = append(s.Files, t.Root)
	}
	s.Accounts = collect(read, func(s *Source) *[]Account { return &s.Accounts })
	s.Blocks = collect(read, func(s *Source) *[]Block { return &s.Blocks })
	s.Servers = collect(read, func(s *Source) *[]Server { return &s.Servers })
	s.Addresses = collect(read, func(s *Source) *[]Address { return &s.Addresses })
	s.Waivers = collect(read, func(s *Source) *[]Waiver { return &s.Waivers })
	return s
}

// collect joins a part of each file. It allocates once, and lets go of what it has copied.
func collect[T any](read []*Source, part func(*Source) *[]T) []T {
	n := 0
	for _, s := range read {
		n += len(*part(s))
	}
	if first := *part(read[0]); len(first) == n {
		return first
	}
	all := make([]T, 0, n)
	for _, s := range read {
		from := part(s)
		all = append(all, *from...)
		*from = nil
	}
	return all
}
