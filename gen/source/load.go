package source

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"slices"
	"strings"

	"github.com/revmap/revmap/gen/diag"
)

// Load reads the file root and all files that it includes, and finds the forward zone files that it names. The findings
// are sorted. It is an error if the root file cannot be read; for an included file that is a finding.
func Load(root string) (*Source, diag.List, error) {
	f, err := ReadFiles(root, ReadOptions{})
	if err != nil {
		return nil, nil, err
	}
	s, findings := f.Join()
	return s, findings, nil
}

// LoadFrom is Load for the root file of the given name in folder, which it leaves open.
func LoadFrom(folder *Folder, name string) (*Source, diag.List, error) {
	f, err := ReadFilesFrom(folder, name, ReadOptions{})
	if err != nil {
		return nil, nil, err
	}
	s, findings := f.Join()
	return s, findings, nil
}

// inclusion finds the files that the patterns of a root file name.
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

// A Folder is the one of a root file. It reads files below it only, whatever links say. It is safe for concurrent use.
type Folder struct {
	dir          string // where its files are
	prefix, name string // what comes before a file's path in positions
	root         *os.Root
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
