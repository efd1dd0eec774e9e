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

// Load reads the file root and all files that it includes. The findings are sorted. It is an error if the root file
// cannot be read; for an included file that is a finding.
func Load(root string) (*Source, diag.List, error) {
	data, err := os.ReadFile(root)
	if err != nil {
		return nil, nil, fmt.Errorf("read source: %w", err)
	}
	p := parse(root, data, false)
	s, findings := &p.doc.Source, p.findings
	if len(p.doc.include) == 0 {
		return s, findings.Sort(), nil
	}
	dir := filepath.Dir(root)
	folder, err := os.OpenRoot(dir)
	if err != nil {
		return nil, nil, fmt.Errorf("read source: %w", err)
	}
	defer folder.Close()

	in := inclusion{dir: dir, folder: folder, by: map[string]diag.Position{}, seen: map[string]bool{real(root): true}}
	for _, t := range p.doc.include {
		in.match(t)
	}
	parsed := in.parse()
	findings = append(findings, in.findings...)
	for _, q := range parsed {
		findings = append(findings, q.findings...)
		s.Files = append(s.Files, q.file)
	}
	s.Accounts = collect(s.Accounts, parsed, func(s *Source) *[]Account { return &s.Accounts })
	s.Blocks = collect(s.Blocks, parsed, func(s *Source) *[]Block { return &s.Blocks })
	s.Servers = collect(s.Servers, parsed, func(s *Source) *[]Server { return &s.Servers })
	s.Addresses = collect(s.Addresses, parsed, func(s *Source) *[]Address { return &s.Addresses })
	s.Waivers = collect(s.Waivers, parsed, func(s *Source) *[]Waiver { return &s.Waivers })
	return s, findings.Sort(), nil
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
	dir      string                   // of the root file
	folder   *os.Root                 // opens below dir only, whatever links say
	by       map[string]diag.Position // the pattern that named a file first, by the file's slash-separated path below dir
	seen     map[string]bool          // the root and the files in by, as real returns them
	findings diag.List
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
		Pos: pos, Severity: diag.Error, Rule: "include-invalid", Message: fmt.Sprintf(format, args...), Hint: hint,
	})
}

// match adds the files that a pattern names.
func (in *inclusion) match(pattern Text) {
	clean := path.Clean(pattern.Value)
	if path.IsAbs(clean) || clean == ".." || strings.HasPrefix(clean, "../") {
		in.report(pattern.Pos, "write a path below it, with /", "the pattern %q leaves the root file's folder", pattern.Value)
		return
	}
	files, err := fs.Glob(in.folder.FS(), clean)
	if err != nil {
		in.report(pattern.Pos, "", "the pattern %q cannot be read: %v", pattern.Value, err)
		return
	}
	for _, f := range files {
		if file := real(in.path(f)); !in.seen[file] {
			in.seen[file] = true
			in.by[f] = pattern.Pos
		}
	}
	if len(files) > 0 {
		return
	}
	if matches, _ := filepath.Glob(filepath.Join(in.dir, filepath.FromSlash(clean))); len(matches) > 0 {
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
				data, err := in.read(files[i])
				if err != nil {
					failed[i] = err
					continue
				}
				parsed[i] = parse(in.path(files[i]), data, true)
			}
		})
	}
	workers.Wait()
	for i, err := range failed {
		if err != nil {
			in.report(in.by[files[i]], "", "%s: %v", in.path(files[i]), err)
		}
	}
	return slices.DeleteFunc(parsed, func(p *parser) bool { return p == nil })
}

// path returns a file's name in positions.
func (in *inclusion) path(file string) string { return filepath.Join(in.dir, filepath.FromSlash(file)) }

// read returns what a file below the folder holds. Its errors do not name the file.
func (in *inclusion) read(file string) ([]byte, error) {
	info, err := in.folder.Stat(file)
	if err == nil && !info.Mode().IsRegular() { // not even to be opened: a pipe would wait for ever
		return nil, errors.New("not a regular file")
	}
	var data []byte
	if err == nil {
		data, err = in.folder.ReadFile(file)
	}
	if err == nil {
		return data, nil
	}
	if _, outside := os.Stat(in.path(file)); outside == nil && !errors.Is(err, fs.ErrPermission) {
		return nil, errors.New("a link leaves the root file's folder") // os.Root has no error value for this
	}
	var p *fs.PathError
	if errors.As(err, &p) {
		err = p.Err
	}
	return nil, fmt.Errorf("cannot be read: %w", err)
}
