package source

import (
	"crypto/sha256"
	"fmt"
	"maps"
	"os"
	"runtime"
	"slices"
	"sync"
	"sync/atomic"

	"github.com/revmap/revmap/gen/cache"
	"github.com/revmap/revmap/gen/diag"
)

// ReadOptions say how to read files. The zero value is good.
type ReadOptions struct {
	Cache    *cache.Cache          // has what files said in earlier runs; nil if there is none
	Progress func(done, total int) // called when one more of the included files is read, by one goroutine at a time
}

// Files is a source by its files, each of which can be had alone. It is safe for concurrent use.
type Files struct {
	list     []file // root first, then the included ones in the order of their paths
	forwards []ForwardFile
	findings diag.List
}

// A file is one that has been read.
type file struct {
	path     string
	sum      [sha256.Size]byte
	size     int
	doc      document
	findings diag.List
}

// ReadFiles reads the file root and all files that it includes, and finds the forward zone files that it names. It is an
// error if the root file cannot be read; for an included file that is a finding.
func ReadFiles(root string, o ReadOptions) (*Files, error) {
	data, err := os.ReadFile(root)
	if err != nil {
		return nil, fmt.Errorf("read source: %w", err)
	}
	f := &Files{list: make([]file, 1)}
	if doc := f.list[0].read(root, data, false, o.Cache); len(doc.include) > 0 || len(doc.forwards) > 0 {
		folder, err := OpenFolder(root)
		if err != nil {
			return nil, fmt.Errorf("read source: %w", err)
		}
		defer folder.Close()
		f.include(folder, real(root), doc, o)
	}
	return f, nil
}

// ReadFilesFrom is ReadFiles for the root file of the given name in folder, which it leaves open.
func ReadFilesFrom(folder *Folder, name string, o ReadOptions) (*Files, error) {
	data, err := folder.ReadFile(name)
	if err != nil {
		return nil, fmt.Errorf("read source: %s: %w", folder.Path(name), err)
	}
	f := &Files{list: make([]file, 1)}
	f.include(folder, real(folder.onDisk(name)), f.list[0].read(folder.Path(name), data, false, o.Cache), o)
	return f, nil
}

// read makes f what a file says that holds data, and returns that.
func (f *file) read(path string, data []byte, included bool, _ *cache.Cache) *document {
	p := parse(path, data, included)
	*f = file{path, sha256.Sum256(data), len(data), p.doc, p.findings.Sort()}
	return &f.doc
}

// include reads what the root file includes, whose path without links is root.
func (f *Files) include(folder *Folder, root string, doc *document, o ReadOptions) {
	in := newInclusion("include-invalid", folder, doc.include, root)
	zones := newInclusion("forwards-invalid", folder, doc.forwards, "")
	for _, path := range slices.Sorted(maps.Keys(zones.by)) {
		f.forwards = append(f.forwards, ForwardFile{path, zones.by[path]})
	}
	names := slices.Sorted(maps.Keys(in.by))
	read := make([]file, len(names))
	failed := make([]error, len(names))
	var next atomic.Int64
	var workers sync.WaitGroup
	var progress sync.Mutex
	done := 0
	for range min(runtime.GOMAXPROCS(0), len(names)) {
		workers.Go(func() {
			for i := int(next.Add(1)) - 1; i < len(names); i = int(next.Add(1)) - 1 {
				data, err := folder.ReadFile(names[i])
				if err != nil {
					failed[i] = err
				} else {
					read[i].read(folder.Path(names[i]), data, true, o.Cache)
				}
				if o.Progress != nil {
					progress.Lock()
					done++
					o.Progress(done, len(names))
					progress.Unlock()
				}
			}
		})
	}
	workers.Wait()
	for i, err := range failed {
		if err != nil {
			in.report(in.by[names[i]], "", "%s: %v", folder.Path(names[i]), err)
		}
	}
	f.list = append(f.list, slices.DeleteFunc(read, func(r file) bool { return r.path == "" })...)
	f.findings = slices.Concat(in.findings, zones.findings).Sort()
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
	s := f.list[i].doc.Source
	s.Files = slices.Clone(s.Files)
	s.Accounts = slices.Clone(s.Accounts)
	s.Blocks = slices.Clone(s.Blocks)
	s.Servers = slices.Clone(s.Servers)
	s.Addresses = slices.Clone(s.Addresses)
	s.Waivers = slices.Clone(s.Waivers)
	return &s, slices.Clone(f.list[i].findings)
}

// Findings returns what is wrong with the patterns of "include" and "forwards", and which files could not be read. They
// are sorted.
func (f *Files) Findings() diag.List { return slices.Clone(f.findings) }

// Forwards returns the forward zone files that the root file names, by path.
func (f *Files) Forwards() []ForwardFile { return slices.Clone(f.forwards) }

// Join returns what all files say together, as Load does. The caller owns both.
func (f *Files) Join() (*Source, diag.List) {
	s, findings := f.Read(0)
	findings = append(findings, f.findings...)
	s.Forwards = f.Forwards()
	for i := 1; i < f.Len(); i++ {
		t, found := f.Read(i)
		findings = append(findings, found...)
		s.Files = append(s.Files, f.Path(i))
		s.Accounts = append(s.Accounts, t.Accounts...)
		s.Blocks = append(s.Blocks, t.Blocks...)
		s.Servers = append(s.Servers, t.Servers...)
		s.Addresses = append(s.Addresses, t.Addresses...)
		s.Waivers = append(s.Waivers, t.Waivers...)
	}
	return s, findings.Sort()
}
