// Package baseline knows findings again: those of a source that was there before the rules were, which are written down
// in a file so that only others fail.
//
// A finding is known by its rule, its file and the text of its line, not by the number of the line or the wording of
// the message: it may move, but is another one when its line changes.
package baseline

import (
	"bytes"
	"cmp"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"

	"github.com/revmap/revmap/gen/diag"
)

// An Entry is a finding as a baseline has it. Rule, File and Text are there for people; the Fingerprint alone decides.
type Entry struct {
	Rule        string `json:"rule"`
	File        string `json:"file"`           // with slashes, relative to the folder of the root file
	Text        string `json:"text,omitempty"` // of the line, with single spaces and without a waiver; cut if long
	Fingerprint string `json:"fingerprint"`    // 32 hexadecimal digits; no two findings of a list have the same
}

// Entries returns one entry for each finding of l, in its order. Root is the root file of the source, named as in l.
// Source returns what a file holds; it is called once for each file if l is sorted. The line of a file for which it
// fails, and one that the file does not have, count as empty.
//
// A fingerprint stays the same when lines are added or moved, when white space or a waiver is changed, and when l has
// more or fewer findings of other rules or lines. Findings that are alike in everything, such as the same line below
// two servers, are told apart by counting: if one of them goes, the fingerprint of the last does.
func Entries(l diag.List, root string, source func(file string) ([]byte, error)) []Entry {
	r := reader{source: source}
	entries := make([]Entry, len(l))
	alike := make(map[[sha256.Size]byte]int)
	for i := range l {
		d := &l[i]
		file := relative(root, d.Pos.File)
		line := r.line(d.Pos)
		text := essence(line)
		place := sha256.Sum256(fmt.Appendf(nil, "%q %q %q %q", d.Rule, file, text, essence(from(line, d.Pos.Column))))
		sum := sha256.Sum256(fmt.Appendf(place[:], "%d", alike[place]))
		alike[place]++
		entries[i] = Entry{d.Rule, file, shorten(text), hex.EncodeToString(sum[:16])}
	}
	return entries
}

// Fingerprints returns the fingerprints of entries, in their order.
func Fingerprints(entries []Entry) []string {
	prints := make([]string, len(entries))
	for i := range entries {
		prints[i] = entries[i].Fingerprint
	}
	return prints
}

// Fresh returns the findings of l that are not known, with their entries, and how many known ones are gone: not in l
// any more. Entries are those of l.
func Fresh(l diag.List, entries, known []Entry) (fresh diag.List, freshEntries []Entry, gone int) {
	found := make(map[string]bool, len(known)) // of those that are known
	for i := range known {
		found[known[i].Fingerprint] = false
	}
	gone = len(found)
	for i := range l {
		was, ok := found[entries[i].Fingerprint]
		switch {
		case !ok:
			fresh = append(fresh, l[i])
			freshEntries = append(freshEntries, entries[i])
		case !was:
			found[entries[i].Fingerprint] = true
			gone--
		}
	}
	return fresh, freshEntries, gone
}

// relative returns the path of file from the folder of root. If there is none, as between two disks, it returns file.
func relative(root, file string) string {
	if file == "" {
		return ""
	}
	if rel, err := filepath.Rel(filepath.Dir(root), file); err == nil {
		file = rel
	}
	return filepath.ToSlash(file)
}

// A reader keeps the lines of the last file that it was asked for.
type reader struct {
	source func(file string) ([]byte, error)
	file   string
	lines  [][]byte
}

// line returns a line of a file, empty if there is no such line.
func (r *reader) line(pos diag.Position) string {
	if pos.File != r.file {
		r.file, r.lines = pos.File, nil
		if data, err := r.source(pos.File); err == nil {
			r.lines = bytes.Split(bytes.TrimPrefix(data, []byte("\ufeff")), []byte("\n"))
		}
	}
	if pos.Line < 1 || pos.Line > len(r.lines) {
		return ""
	}
	return string(r.lines[pos.Line-1])
}

// from returns what line has from a column on: the place that a finding points at, whatever comes before it.
func from(line string, column int) string {
	for i := range line {
		if column--; column == 0 {
			return line[i:]
		}
	}
	return ""
}

// waiver is a waiver at the end of a line, of records.yaml or of a zone file.
var waiver = regexp.MustCompile(`[ \t][#;][ \t]*revmap:.*`)

// essence returns a text of one line without what may change while it says the same.
func essence(text string) string {
	text = strings.TrimSpace(text)
	if strings.Contains(text, "revmap:") { // the expression alone is slow
		text = waiver.ReplaceAllString(text, "")
	}
	return strings.Join(strings.Fields(text), " ")
}

// maxText is how many code points of a line an entry shows.
const maxText = 120

func shorten(text string) string {
	n := 0
	for i := range text {
		if n++; n > maxText {
			return text[:i] + "…"
		}
	}
	return text
}

// version is that of the file. It changes when older programs must not read it.
const version = 1

// Write writes entries as a baseline file: JSON with a line for each, sorted, so that people can review it and Git can
// merge it. The error is that of w.
func Write(w io.Writer, entries []Entry) error {
	var b bytes.Buffer
	fmt.Fprintf(&b, "{\n  \"version\": %d,\n  \"findings\": [", version)
	e := json.NewEncoder(&b)
	e.SetEscapeHTML(false)
	for i, entry := range slices.SortedFunc(slices.Values(entries), Entry.compare) {
		if i > 0 {
			b.WriteByte(',')
		}
		b.WriteString("\n    ")
		if err := e.Encode(entry); err != nil {
			return err
		}
		b.Truncate(b.Len() - 1) // the line break of Encode
	}
	if len(entries) > 0 {
		b.WriteString("\n  ")
	}
	b.WriteString("]\n}\n")
	_, err := b.WriteTo(w)
	return err
}

func (e Entry) compare(f Entry) int {
	return cmp.Or(cmp.Compare(e.File, f.File), cmp.Compare(e.Rule, f.Rule), cmp.Compare(e.Text, f.Text),
		cmp.Compare(e.Fingerprint, f.Fingerprint))
}

// Read reads a baseline file. All of its errors name the file.
func Read(file string) ([]Entry, error) {
	data, err := os.ReadFile(file)
	if err != nil {
		return nil, err
	}
	entries, err := parse(data)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", file, err)
	}
	return entries, nil
}

// fingerprint is the form of one.
var fingerprint = regexp.MustCompile(`^[0-9a-f]{32}$`)

func parse(data []byte) ([]Entry, error) {
	var head struct {
		Version *int `json:"version"`
	}
	if err := json.Unmarshal(data, &head); err != nil { // it also holds what follows the object to be nothing
		return nil, located(data, err)
	}
	switch {
	case head.Version == nil:
		return nil, errors.New(`"version" is missing: this is no baseline`)
	case *head.Version != version:
		return nil, fmt.Errorf("this is version %d of the format, only %d is known", *head.Version, version)
	}
	var body struct {
		Version  int     `json:"version"`
		Findings []Entry `json:"findings"`
	}
	d := json.NewDecoder(bytes.NewReader(data))
	d.DisallowUnknownFields()
	if err := d.Decode(&body); err != nil {
		return nil, located(data, err)
	}
	seen := make(map[string]int, len(body.Findings))
	for i, e := range body.Findings {
		n := i + 1
		switch {
		case e.Rule == "":
			return nil, fmt.Errorf(`finding %d: "rule" is missing`, n)
		case !fingerprint.MatchString(e.Fingerprint):
			return nil, fmt.Errorf(`finding %d: "fingerprint" has to be 32 hexadecimal digits, not %q`, n, e.Fingerprint)
		case seen[e.Fingerprint] > 0:
			return nil, fmt.Errorf("finding %d is finding %d again", n, seen[e.Fingerprint])
		}
		seen[e.Fingerprint] = n
	}
	return body.Findings, nil
}

// located adds the line to an error of encoding/json, if it tells where it is.
func located(data []byte, err error) error {
	var offset int64 // just behind the mistake
	var syntax *json.SyntaxError
	var kind *json.UnmarshalTypeError
	switch {
	case errors.As(err, &syntax):
		offset = syntax.Offset
	case errors.As(err, &kind):
		offset = kind.Offset
	default:
		return err
	}
	before := data[:max(0, min(int(offset)-1, len(data)))]
	return fmt.Errorf("line %d: %w", bytes.Count(before, []byte("\n"))+1, err)
}
