package source

import (
	"bytes"
	"fmt"
	"iter"
	"slices"
	"strings"
	"unicode/utf8"

	"gopkg.in/yaml.v3"

	"github.com/revmap/revmap/gen/diag"
)

// Parse reads one file of a source. Its name goes into positions and is not opened. An included file may hold servers,
// addresses, accounts and blocks only; the Source of one has no Defaults. Patterns of "include" and "forwards" are not
// followed: that is for Load. The findings are sorted.
func Parse(file string, data []byte, included bool) (*Source, diag.List) {
	p := parse(file, data, included, new(room))
	return &p.doc.Source, p.findings.Sort()
}

// document is what one file says.
type document struct {
	Source
	include, forwards []Text // patterns
}

// A parser turns the YAML nodes of one file into a document, and collects what is wrong with them.
type parser struct {
	file     string
	data     []byte   // without byte order mark
	lines    []int    // offset in data where each line begins; made by the first finding
	rootKeys []string // the legal keys of a root file
	doc      document
	findings diag.List
	room     *room
}

// parse reads a file, and puts what it makes into r.
func parse(file string, data []byte, included bool, r *room) *parser {
	p := &parser{file: file, data: bytes.TrimPrefix(data, []byte("\ufeff")), rootKeys: names(rootFields), room: r}
	p.doc.Root, p.doc.Files = file, []string{file}
	legal, what := rootFields, "the root file"
	if included {
		legal, what = includedFields, "an included file"
	} else {
		p.doc.Defaults = standardDefaults
		p.doc.Defaults.Pos = diag.Position{File: file, Line: 1, Column: 1}
	}
	if n := p.load(); n != nil {
		readFields(p, n, what, legal, &p.doc, n)
	}
	waivers, findings := Waivers(file, p.data, '#')
	p.doc.Waivers = waivers
	p.findings = append(p.findings, findings...)
	p.data, p.lines = nil, nil
	return p
}

// load returns the root node of the file's only document, or nil if there is none that can be read.
func (p *parser) load() *yaml.Node {
	if !p.checkCharacters() {
		return nil // positions would be off
	}
	d := yaml.NewDecoder(bytes.NewReader(p.data))
	var doc, second yaml.Node
	if err := d.Decode(&doc); isEOF(err) {
		p.emptyFile()
		return nil
	} else if err != nil {
		p.syntaxError(err)
		return nil
	}
	switch err := d.Decode(&second); {
	case err == nil:
		p.report(&second, "syntax", `keep one document in each file, and name other files under "include"`,
			"a second YAML document begins here")
	case !isEOF(err):
		p.syntaxError(err)
	}
	if root := doc.Content[0]; !isEmpty(root) {
		return root
	}
	p.emptyFile()
	return nil
}

// checkCharacters reports what yaml.v3 counts as a line break and nobody else does, since every position below it would
// be off, and what cannot stand in YAML at all. Of each line it names the first.
func (p *parser) checkCharacters() bool {
	ok := true
	line, start, reported := 1, 0, 0
	for i := 0; i < len(p.data); {
		c := p.data[i]
		if c == '\n' {
			line, start = line+1, i+1
		}
		if c >= ' ' && c < 0x7f || c == '\n' || c == '\t' {
			i++
			continue
		}
		r, size := utf8.DecodeRune(p.data[i:])
		var what string
		switch {
		case r == utf8.RuneError && size == 1:
			what = fmt.Sprintf("byte 0x%02x is not UTF-8", c)
		case r == '\r' && i+1 < len(p.data) && p.data[i+1] == '\n':
		case r == '\r', r == '\u0085', r == '\u2028', r == '\u2029':
			what = fmt.Sprintf("%U breaks the line for YAML but not for editors", r)
		case r < 0xa0, r == '\ufffe', r == '\uffff':
			what = fmt.Sprintf("control character %U", r)
		}
		if what != "" && line != reported {
			ok, reported = false, line
			p.add(diag.Diagnostic{
				Pos:  diag.Position{File: p.file, Line: line, Column: utf8.RuneCount(p.data[start:i]) + 1},
				Rule: "syntax", Message: what, Hint: "save the file as UTF-8 and delete the character",
			})
		}
		i += size
	}
	return ok
}

// field is a legal key of a mapping to a T.
type field[T any] struct {
	name     string
	required bool
	read     func(p *parser, k, n *yaml.Node, t *T)
}

// maxFields is enough for every table of fields.
const maxFields = 13

// readFields reads the mapping n into t. What says in messages what it is. A required key that it lacks is reported at
// owner. It returns false if n is no mapping.
func readFields[T any](p *parser, n *yaml.Node, what string, legal []field[T], t *T, owner *yaml.Node) bool {
	var required []string // for a finding
	if n.Kind != yaml.MappingNode {
		for _, f := range legal {
			if f.required {
				required = append(required, f.name)
			}
		}
	}
	if !p.isMapping(n, what, required) {
		return false
	}
	index := func(name string) int {
		return slices.IndexFunc(legal, func(f field[T]) bool { return f.name == name })
	}
	var seen [maxFields]*yaml.Node // keys by their index in legal
	type misspelling struct {
		k, v  *yaml.Node
		meant string
	}
	var misspelt []misspelling
	for i := 0; i+1 < len(n.Content); i += 2 {
		k, v, ok := p.entry(n, i)
		if !ok {
			continue
		}
		j := index(k.Value)
		switch {
		case j < 0:
			if meant := p.unknownKey(k, what, names(legal)); meant != "" {
				misspelt = append(misspelt, misspelling{k, v, meant})
			}
		case seen[j] != nil:
			p.duplicateKey(k, seen[j])
			var unused T
			legal[j].read(p, k, v, &unused)
		default:
			seen[j] = k
			legal[j].read(p, k, v, t)
		}
	}
	// A misspelt key is read as the one that was meant, so that nothing is reported for the lack of it.
	for _, m := range misspelt {
		if j := index(m.meant); seen[j] == nil {
			seen[j] = m.k
			legal[j].read(p, m.k, m.v, t)
		}
	}
	for j, f := range legal {
		if f.required && seen[j] == nil {
			p.report(owner, "missing-key", "", "%s lacks the key %q", what, f.name)
		}
	}
	return true
}

// names returns the names of fields, in their order.
func names[T any](legal []field[T]) []string {
	s := make([]string, len(legal))
	for i, f := range legal {
		s[i] = f.name
	}
	return s
}

// unknownKey reports the key k, and returns the legal one that it probably stands for, "" if there is none.
func (p *parser) unknownKey(k *yaml.Node, what string, legal []string) string {
	hint := "the keys here are " + strings.Join(legal, ", ")
	if len(legal) == 1 {
		hint = "the only key here is " + legal[0]
	}
	near := Nearest(k.Value, legal)
	switch {
	case near != "":
		hint = fmt.Sprintf("write %q; %s", near, hint)
	case slices.Contains(p.rootKeys, k.Value):
		hint = "move it to the top level of the root file; " + hint
	}
	p.report(k, "unknown-key", hint, "unknown key %q in %s", k.Value, what)
	return near
}

func (p *parser) duplicateKey(k, first *yaml.Node) {
	d := p.diagnostic(k, "duplicate-key", "merge the two or remove one", "the key %q is there already", k.Value)
	d.Related = []diag.Related{{Pos: p.pos(first), Message: "first here"}}
	p.add(d)
}

// keyValue is an entry of a mapping with free keys.
type keyValue struct {
	k, v     *yaml.Node
	repeated bool // the key was there before: read the value for its findings only
}

// entries reads the mapping n, whose keys are free.
func (p *parser) entries(n *yaml.Node, what string) iter.Seq[keyValue] {
	return func(yield func(keyValue) bool) {
		if !p.isMapping(n, what, nil) {
			return
		}
		var few [8]*yaml.Node // the keys so far, if there is room for all
		keys := few[:0]
		var index map[string]*yaml.Node // else
		if len(n.Content)/2 > len(few) {
			index = make(map[string]*yaml.Node, len(n.Content)/2)
		}
		for i := 0; i+1 < len(n.Content); i += 2 {
			k, v, ok := p.entry(n, i)
			if !ok {
				continue
			}
			var first *yaml.Node
			if index != nil {
				if first = index[k.Value]; first == nil {
					index[k.Value] = k
				}
			} else {
				if j := slices.IndexFunc(keys, func(other *yaml.Node) bool { return other.Value == k.Value }); j >= 0 {
					first = keys[j]
				}
				keys = append(keys, k)
			}
			if first != nil {
				p.duplicateKey(k, first)
			}
			if !yield(keyValue{k, v, first != nil}) {
				return
			}
		}
	}
}

// entry returns the key and value at index i of the mapping n, and false if they cannot be used. An empty value gets
// the place of its key: its own is wherever the next token is.
func (p *parser) entry(n *yaml.Node, i int) (k, v *yaml.Node, ok bool) {
	k, v = n.Content[i], n.Content[i+1]
	if isEmpty(v) {
		v.Line, v.Column = k.Line, k.Column
	}
	switch {
	case !p.sound(k):
		return nil, nil, false
	case k.Kind != yaml.ScalarNode:
		p.report(k, "syntax", "", "a key is one word here, not %s", describe(k))
		return nil, nil, false
	case k.Tag == "!!merge":
		p.report(k, "syntax", "write the keys out", "merge keys are not part of this format")
		return nil, nil, false
	}
	return k, v, true
}

// isMapping reports whether n is a mapping. If it is not, that is a finding: what says what is wanted, and required
// which keys it has to have.
func (p *parser) isMapping(n *yaml.Node, what string, required []string) bool {
	if !p.sound(n) {
		return false
	}
	if n.Kind != yaml.MappingNode {
		hint := ""
		if isNull(n) {
			hint = "write {} or remove the key"
			if len(required) > 0 {
				hint = "write at least " + strings.Join(required, " and ") + " in it"
			}
		}
		p.wrongType(n, what+" as a mapping", hint)
		return false
	}
	return true
}

// list returns the items of the list n.
func (p *parser) list(n *yaml.Node, want string) []*yaml.Node {
	if !p.sound(n) {
		return nil
	}
	if n.Kind != yaml.SequenceNode {
		hint := ""
		if n.Kind == yaml.ScalarNode && !isNull(n) {
			hint = fmt.Sprintf("write [%s]", n.Value)
		}
		p.wrongType(n, want, hint)
		return nil
	}
	for _, item := range n.Content {
		if isEmpty(item) {
			item.Column-- // from behind the dash to it
		}
	}
	return n.Content
}

// fullList is list with at least one item.
func (p *parser) fullList(n *yaml.Node, want string) []*yaml.Node {
	if n.Kind == yaml.SequenceNode && len(n.Content) == 0 {
		p.report(n, "wrong-type", "", "want %s, not an empty list", want)
		return nil
	}
	return p.list(n, want)
}

// scalar reports whether n is a scalar with some text.
func (p *parser) scalar(n *yaml.Node, want string) bool {
	if !p.sound(n) {
		return false
	}
	if n.Kind != yaml.ScalarNode || isNull(n) {
		p.wrongType(n, want, quoteHint(n))
		return false
	}
	if n.Value == "" {
		p.report(n, "wrong-type", "", "want %s, not empty text", want)
		return false
	}
	return true
}

// text reads free text.
func (p *parser) text(n *yaml.Node, want string) Text {
	if !p.scalar(n, want) {
		return Text{}
	}
	return Text{n.Value, p.pos(n)}
}

// keyText reads a key that is free text: null and ~ are words there.
func (p *parser) keyText(k *yaml.Node, want string) Text {
	if k.Value == "" {
		p.report(k, "wrong-type", "", "want %s, not an empty key", want)
	}
	return Text{k.Value, p.pos(k)}
}

const noAliases = "aliases are not part of this format"

// sound reports the parts of YAML that this format leaves out, since they hide which line says what. It returns false if
// there is nothing to read at n.
func (p *parser) sound(n *yaml.Node) bool {
	if n.Kind == yaml.AliasNode {
		p.report(n, "syntax", "write the value out", noAliases)
		return false
	}
	if n.Anchor != "" {
		p.report(n, "syntax", "remove it", "anchors are not part of this format: &%s", n.Anchor)
	}
	if n.Style&yaml.TaggedStyle != 0 {
		p.report(n, "syntax", "remove it", "tags are not part of this format: %s", n.Tag)
	}
	return true
}

func (p *parser) wrongType(n *yaml.Node, want, hint string) {
	p.report(n, "wrong-type", hint, "want %s, not %s", want, describe(n))
}

// describe says what kind of node n is.
func describe(n *yaml.Node) string {
	switch {
	case n.Kind == yaml.MappingNode:
		return "a mapping"
	case n.Kind == yaml.SequenceNode:
		return "a list"
	case isEmpty(n):
		return "nothing"
	case isNull(n):
		return n.Value
	default:
		return fmt.Sprintf("%q", n.Value)
	}
}

// quoteHint returns a hint if the mapping n is text that YAML takes for one: {server} and, in a list, 2001:db8::.
func quoteHint(n *yaml.Node) string {
	if n.Kind != yaml.MappingNode || len(n.Content) != 2 || !isNull(n.Content[1]) {
		return ""
	}
	key := n.Content[0].Value
	switch {
	case n.Style&yaml.FlowStyle != 0 && n.Content[0].Kind == yaml.ScalarNode:
		return fmt.Sprintf("quote it: %q", "{"+key+"}")
	case strings.HasSuffix(key, ":"):
		return fmt.Sprintf("quote it: %q", key+":")
	}
	return ""
}

const quoted = yaml.SingleQuotedStyle | yaml.DoubleQuotedStyle | yaml.LiteralStyle | yaml.FoldedStyle

// isNull reports whether n is null: nothing, or one of YAML's words for it without quotes.
func isNull(n *yaml.Node) bool {
	if n.Kind != yaml.ScalarNode || n.Style&quoted != 0 {
		return false
	}
	switch n.Value {
	case "", "~", "null", "Null", "NULL":
		return true
	}
	return false
}

// isEmpty reports whether n is a value that was left out.
func isEmpty(n *yaml.Node) bool {
	return n.Kind == yaml.ScalarNode && n.Style&quoted == 0 && n.Value == ""
}

func (p *parser) pos(n *yaml.Node) diag.Position {
	return diag.Position{File: p.file, Line: n.Line, Column: n.Column}
}

func (p *parser) add(d diag.Diagnostic) {
	d.Severity = diag.Error
	p.findings = append(p.findings, d)
}

// report adds a finding about the node n.
func (p *parser) report(n *yaml.Node, rule, hint, format string, args ...any) {
	p.add(p.diagnostic(n, rule, hint, format, args...))
}

func (p *parser) diagnostic(n *yaml.Node, rule, hint, format string, args ...any) diag.Diagnostic {
	d := diag.Diagnostic{Pos: p.pos(n), Rule: rule, Hint: hint, Message: fmt.Sprintf(format, args...)}
	if begin, end, ok := p.extent(n); ok && begin < end {
		d.End = d.Pos
		d.End.Column += utf8.RuneCount(p.data[begin:end])
	}
	return d
}

// offset returns where in p.data the node n begins; false if the file does not have its line.
func (p *parser) offset(n *yaml.Node) (int, bool) {
	line, ok := p.line(n.Line)
	if !ok {
		return 0, false
	}
	begin := p.lines[n.Line-1]
	for range n.Column - 1 {
		_, size := utf8.DecodeRune(line)
		line, begin = line[size:], begin+size
	}
	return begin, true
}

// extent returns where in p.data the scalar n is written, quotes included; false if it is not on one line as it is.
func (p *parser) extent(n *yaml.Node) (begin, end int, ok bool) {
	if n.Kind != yaml.ScalarNode {
		return 0, 0, false
	}
	begin, ok = p.offset(n)
	if !ok {
		return 0, 0, false
	}
	written := n.Value
	switch n.Style {
	case 0:
	case yaml.SingleQuotedStyle:
		written = "'" + written + "'"
	case yaml.DoubleQuotedStyle:
		written = `"` + written + `"`
	default:
		return 0, 0, false
	}
	return begin, begin + len(written), bytes.HasPrefix(p.data[begin:], []byte(written))
}

// within is the position of the byte at offset in the text of the scalar n, or of n if it is not written as it is.
func (p *parser) within(n *yaml.Node, offset int) diag.Position {
	pos := p.pos(n)
	if begin, end, ok := p.extent(n); ok && offset <= end-begin {
		if n.Style&quoted != 0 {
			offset++
		}
		pos.Column += utf8.RuneCount(p.data[begin : begin+offset])
	}
	return pos
}

// line returns the given line, from 1, without its line break; false if there is none.
func (p *parser) line(number int) ([]byte, bool) {
	if p.lines == nil {
		p.lines = append(p.lines, 0)
		for i, c := range p.data {
			if c == '\n' {
				p.lines = append(p.lines, i+1)
			}
		}
		p.lines = append(p.lines, len(p.data))
	}
	if number < 1 || number >= len(p.lines) {
		return nil, false
	}
	return bytes.TrimRight(p.data[p.lines[number-1]:p.lines[number]], "\r\n"), true
}
