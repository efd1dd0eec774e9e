package source

import (
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"os"
	"path"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"sync"
	"sync/atomic"

	"github.com/revmap/revmap/gen/diag"
)

// Load reads the file root and all files that it includes, and finds the forward zone files that it names. The findings
// are sorted. It is an error if the root file cannot be read; for an included file that is a finding.
func Load(root string) (*Source, diag.List, error) {
	data, err := os.ReadFile(root)
	if err != nil {
		return nil, nil, fmt.Errorf("read source: %w", err)
	}
	p := parse(root, data, false)
	if len(p.doc.include) == 0 && len(p.doc.forwards) == 0 {
		return &p.doc.Source, p.findings.Sort(), nil
	}
	folder, err := OpenFolder(root)
	if err != nil {
		return nil, nil, fmt.Errorf("read source: %w", err)
	}
	defer folder.Close()
	s, findings := p.include(folder, real(root))
	return s, findings, nil
}

// LoadFrom is Load for the root file of the given name in folder, which it leaves open.
func LoadFrom(folder *Folder, name string) (*Source, diag.List, error) {
	data, err := folder.ReadFile(name)
	if err != nil {
		return nil, nil, fmt.Errorf("read source: %s: %w", folder.Path(name), err)
	}
	s, findings := parse(folder.Path(name), data, false).include(folder, real(folder.onDisk(name)))
	return s, findings, nil
}

// include reads what the root file that p has parsed includes, and returns all of the source. Path is the root file's
// own, without links.
func (p *parser) include(folder *Folder, path string) (*Source, diag.List) {
	s, findings := &p.doc.Source, p.findings
	in := newInclusion("include-invalid", folder, p.doc.include, path)
	parsed := in.parse()
	zones := newInclusion("forwards-invalid", folder, p.doc.forwards, "")
	for _, f := range slices.Sorted(maps.Keys(zones.by)) {
		s.Forwards = append(s.Forwards, ForwardFile{f, zones.by[f]})
	}
	findings = slices.Concat(findings, in.findings, zones.findings)
	for _, q := range parsed {
		findings = append(findings, q.findings...)
		s.Files = append(s.Files, q.file)
	}
	s.Accounts = collect(s.Accounts, parsed, func(s *Source) *[]Account { return &s.Accounts })
	s.Blocks = collect(s.Blocks, parsed, func(s *Source) *[]Block { return &s.Blocks })
	s.Servers = collect(s.Servers, parsed, func(s *Source) *[]Server { return &s.Servers })
	s.Addresses = collect(s.Addresses, parsed, func(s *Source) *[]Address { return &s.Addresses })
	s.Waivers = collect(s.Waivers, parsed, func(s *Source) *[]Waiver { return &s.Waivers })
	return s, findings.Sort()
}

// collect appends a part of each file to list. It allocates once, and lets go of what it has copied.
func collect[T any](list []T, parsed []*parser, part func(*Source) *[]T) []T {
	n := 0
	for _, p := range parsed {
		n += len(*part(&p.doc.Source))
	}
	list = slices.Grow(list, n)
	for _, p := range parsed {
		from := part(&p.doc.Source)
		list = append(list, *from...)
		*from = nil
	}
	return list
}

// inclusion finds and reads the files that the patterns of a root file name.
type inclusion struct {
	rule     string                   // the id of the one that patterns must keep
	folder   *Folder                  // of the root file
	by       map[string]diag.Position // the pattern that named a file first, by the file's path in folder
	seen     map[string]bool          // the root and the files in by, as real returns them
	findings diag.List
}

// newInclusion finds the files that patterns name, leaving out the one whose real path is root.
func newInclusion(rule string, folder *Folder, patterns []Text, root string) *inclusion {
	in := &inclusion{rule: rule, folder: folder, by: map[string]diag.Position{}, seen: map[string]bool{root: true}}
	for _, t := range patterns {
		in.match(t)
	}
	return in
}

// real returns the path of a file without links, so that a file with two names is read once. What does not exist has the
// path that was given.
func real(file string) string {
	if p, err := filepath.EvalSymlinks(file); err == nil {
		return p
	}
	return file
}

func (in *inclusion) report(pos diag.Position, hint, format string, args ...any) {
	in.findings = append(in.findings, diag.Diagnostic{
		Pos: pos, Severity: diag.Error, Rule: in.rule, Message: fmt.Sprintf(format, args...), Hint: hint,
	})
}

// match adds the files that a pattern names.
func (in *inclusion) match(pattern Text) {
	clean := path.Clean(pattern.Value)
	if path.IsAbs(clean) || clean == ".." || strings.HasPrefix(clean, "../") {
		in.report(pattern.Pos, "write a path below it, with /", "the pattern %q leaves the root file's folder", pattern.Value)
		return
	}
	files, err := fs.Glob(in.folder.root.FS(), clean)
	if err != nil {
		in.report(pattern.Pos, "", "the pattern %q cannot be read: %v", pattern.Value, err)
		return
	}
	inside := len(files) > 0
	files = slices.DeleteFunc(files, func(f string) bool { return isHidden(f, clean) })
	for _, f := range files {
		if file := real(in.folder.onDisk(f)); !in.seen[file] {
			in.seen[file] = true
			in.by[f] = pattern.Pos
		}
	}
	if len(files) > 0 {
		return
	}
	if matches, _ := filepath.Glob(in.folder.onDisk(clean)); !inside && len(matches) > 0 {
		in.report(pattern.Pos, "move the files below it", "the pattern %q leaves the root file's folder by a link",
			pattern.Value)
		return
	}
	hint := ""
	if strings.Contains(clean, "**") {
		hint = "** is the same as *, which does not cross a /"
	}
	in.report(pattern.Pos, hint, "the pattern %q matches no file", pattern.Value)
}

// isHidden reports whether a path that matches pattern has an element with a dot in front that the pattern has not, as
// drafts, and the locks and copies of editors have. As in a shell, * does not name them.
func isHidden(file, pattern string) bool {
	elements := strings.Split(pattern, "/")
	for i, e := range strings.Split(file, "/") {
		if strings.HasPrefix(e, ".") && !strings.HasPrefix(elements[i], ".") {
			return true
		}
	}
	return false
}

// parse reads the files found, in the order of their paths. Each worker drops the YAML nodes of one file before it
// begins the next.
func (in *inclusion) parse() []*parser {
	files := slices.Sorted(maps.Keys(in.by))
	parsed := make([]*parser, len(files))
	failed := make([]error, len(files))
	var next atomic.Int64
	var workers sync.WaitGroup
	for range min(runtime.GOMAXPROCS(0), len(files)) {
		workers.Go(func() {
			for i := int(next.Add(1)) - 1; i < len(files); i = int(next.Add(1)) - 1 {
				if p := in.folder.parsed[in.folder.Path(files[i])]; p != nil {
					parsed[i] = p
					continue
				}
				data, err := in.folder.ReadFile(files[i])
				if err != nil {
					failed[i] = err
					continue
				}
				parsed[i] = parse(in.folder.Path(files[i]), data, true)
			}
		})
	}
	workers.Wait()
	for i, err := range failed {
		if err != nil {
			in.report(in.by[files[i]], "", "%s: %v", in.folder.Path(files[i]), err)
		}
	}
	return slices.DeleteFunc(parsed, func(p *parser) bool { return p == nil })
}

// A Folder is the one of a root file. It reads files below it only, whatever links say. It is safe for concurrent use.
type Folder struct {
	dir          string // where its files are
	prefix, name string // what comes before a file's path in positions
	root         *os.Root
	// Of files by their names in positions, for Apply: what they are to hold, and what others say, which are not read.
	edited map[string][]byte
	parsed map[string]*parser
}

// OpenFolder opens the folder of the root file at the given path.
func OpenFolder(root string) (*Folder, error) { return OpenCopy(root, filepath.Dir(root), "") }

// OpenCopy opens dir, a copy of the folder of the root file at the given path, which need not be there. Positions name
// the files that were copied, with prefix before their paths: "main:" for what they were at a Git revision.
func OpenCopy(root, dir, prefix string) (*Folder, error) {
	f, err := os.OpenRoot(dir)
	if err != nil {
		return nil, err
	}
	return &Folder{dir: dir, prefix: prefix, name: filepath.Dir(root), root: f}, nil
}

// Close closes f.
func (f *Folder) Close() error { return f.root.Close() }

// Path returns a file's name in positions. The file is a slash-separated path below f.
func (f *Folder) Path(file string) string {
	return f.prefix + filepath.Join(f.name, filepath.FromSlash(file))
}

// onDisk returns where a file is. The file is a slash-separated path below f.
func (f *Folder) onDisk(file string) string { return filepath.Join(f.dir, filepath.FromSlash(file)) }

// ReadFile returns what a file holds, a slash-separated path below f. Its errors do not name the file.
func (f *Folder) ReadFile(file string) ([]byte, error) {
	if data, ok := f.edited[f.Path(file)]; ok {
		return data, nil
	}
	info, err := f.root.Stat(file)
	if err == nil && !info.Mode().IsRegular() { // not even to be opened: a pipe would wait for ever
		return nil, errors.New("not a regular file")
	}
	var data []byte
	if err == nil {
		data, err = f.root.ReadFile(file)
	}
	if err == nil {
		return data, nil
	}
	if _, outside := os.Stat(f.onDisk(file)); outside == nil && !errors.Is(err, fs.ErrPermission) {
		return nil, errors.New("a link leaves the root file's folder") // os.Root has no error value for this
	}
	var p *fs.PathError
	if errors.As(err, &p) {
		err = p.Err
	}
	return nil, fmt.Errorf("cannot be read: %w", err)
}
