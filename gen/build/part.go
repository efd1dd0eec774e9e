package build

import (
	"crypto/sha256"
	"slices"

	"github.com/revmap/revmap/gen/compile"
	"github.com/revmap/revmap/gen/diag"
	"github.com/revmap/revmap/gen/lint"
	"github.com/revmap/revmap/gen/model"
	"github.com/revmap/revmap/gen/source"
)

// facts are what must be known of a file before any file can be linted.
type facts struct {
	blocks   bool               // it has some, which belong to the frame
	accounts []account          // that it defines
	wants    []string           // the accounts that its servers have and it does not define, sorted
	lengths  lint.RoutedLengths // of its routed prefixes
	waivers  []source.Waiver
	findings diag.List // made while it was read
}

// An account is one that a file defines.
type account struct {
	name   string
	digest [sha256.Size]byte // of the definition
}

// A part is what is known of a file, or of several that are taken together.
type part struct {
	findings lint.Partial
	fragment compile.Fragment
	keys     []uint64 // of its entries, sorted
	joint    bool     // what it says is said by another part, which has its entries and those of other files
}

// A builder lints the files of a source.
type builder struct {
	files  *source.Files
	o      Options
	facts  []facts
	frame  *model.Inventory
	linter *lint.Linter
	found  diag.List // while the files were read
	// All that findings about a file depend on but for its own text and the accounts that it wants.
	lengths lint.RoutedLengths
	// For each account that some file wants, the last file that defines it.
	defined map[string]int
}

func newBuilder(files *source.Files, o Options) *builder {
	b := &builder{files: files, o: o, facts: make([]facts, files.Len()), found: files.Findings()}
	inParallel(files.Len(), func(i int) { b.facts[i] = b.read(i) })
	root, _ := files.Read(0)
	s := *root
	s.Servers, s.Addresses, s.Accounts = nil, nil, nil
	s.Files, s.Waivers = nil, nil
	b.defined = make(map[string]int)
	for i := range b.facts {
		f := &b.facts[i]
		s.Files = append(s.Files, files.Path(i))
		s.Waivers = append(s.Waivers, f.waivers...)
		if i > 0 && f.blocks {
			more, _ := files.Read(i)
			s.Blocks = append(s.Blocks, more.Blocks...)
		}
		b.found = append(b.found, f.findings...)
		b.lengths.Merge(f.lengths)
		for _, name := range f.wants {
			b.defined[name] = -1
		}
	}
	for i := range b.facts {
		for _, a := range b.facts[i].accounts {
			if _, wanted := b.defined[a.name]; wanted {
				b.defined[a.name] = i
			}
		}
	}
	b.frame = model.Frame(&s)
	b.linter = lint.New(b.frame, b.found, lint.Options{Today: o.Today})
	return b
}

// read returns the facts about file i.
func (b *builder) read(i int) facts {
	s, found := b.files.Read(i)
	f := facts{blocks: len(s.Blocks) > 0, waivers: s.Waivers, findings: found}
	own := make(map[string]bool, len(s.Accounts))
	for j := range s.Accounts {
		name := s.Accounts[j].Name.Value
		own[name] = true
		f.accounts = append(f.accounts, account{name: name})
	}
	for j := range s.Servers {
		if name := s.Servers[j].Account.Value; name != "" && !own[name] {
			f.wants = append(f.wants, name)
		}
		for _, p := range s.Servers[j].Routed {
			f.lengths.Add(p.Prefix)
		}
	}
	slices.Sort(f.wants)
	f.wants = slices.Compact(f.wants)
	return f
}

// part returns what is known of file i by itself.
func (b *builder) part(i int) part {
	p := b.lint([]int{i})
	for _, a := range b.facts[i].accounts {
		p.keys = append(p.keys, lint.AccountKey(a.name))
	}
	slices.Sort(p.keys)
	p.keys = slices.Compact(p.keys)
	return p
}

// lint lints some files together.
func (b *builder) lint(files []int) part {
	var s source.Source
	own := make(map[string]bool)
	for _, i := range files {
		f, _ := b.files.Read(i)
		s.Servers = append(s.Servers, f.Servers...)
		s.Addresses = append(s.Addresses, f.Addresses...)
		s.Accounts = append(s.Accounts, f.Accounts...)
		for _, a := range b.facts[i].accounts {
			own[a.name] = true
		}
	}
	unknown := false
	borrowed := make(map[int][]string)
	for _, i := range files {
		for _, name := range b.facts[i].wants {
			if j := b.defined[name]; j < 0 {
				unknown = true
			} else if !own[name] {
				own[name] = true
				borrowed[j] = append(borrowed[j], name)
			}
		}
	}
	if unknown { // then the hint looks through all accounts
		s.Accounts = nil
		for i := range b.facts {
			f, _ := b.files.Read(i)
			s.Accounts = append(s.Accounts, f.Accounts...)
		}
	} else {
		for j, names := range borrowed {
			f, _ := b.files.Read(j)
			for k := range f.Accounts {
				if slices.Contains(names, f.Accounts[k].Name.Value) {
					s.Accounts = append(s.Accounts, f.Accounts[k])
				}
			}
		}
	}
	inv := b.frame.Part(s.Servers, s.Addresses, s.Accounts)
	p := part{findings: b.linter.Part(inv), fragment: compile.FragmentOf(inv)}
	b.linter.Keys(inv, b.lengths, func(k uint64) { p.keys = append(p.keys, k) })
	return p
}

// together returns the parts of those files that have a key in common, and marks those of the single files. It returns
// false if that is most of the source.
func (b *builder) together(list []part) ([]part, bool) {
	leader := make([]int, len(list)) // of the files that each is taken together with; a tree
	for i := range leader {
		leader[i] = i
	}
	find := func(i int) int {
		for leader[i] != i {
			leader[i] = leader[leader[i]]
			i = leader[i]
		}
		return i
	}
	seen := make(map[uint64]int)
	for i := range list {
		for _, k := range list[i].keys {
			if j, ok := seen[k]; ok {
				x, y := find(i), find(j)
				leader[max(x, y)] = min(x, y)
			} else {
				seen[k] = i
			}
		}
	}
	groups := make(map[int][]int)
	size := 0
	for i := range list {
		if l := find(i); l != i {
			if groups[l] == nil {
				groups[l] = []int{l}
				list[l].joint = true
				size += b.files.Size(l)
			}
			groups[l] = append(groups[l], i)
			list[i].joint = true
			size += b.files.Size(i)
		}
	}
	var joint []part
	for i := range list {
		if g := groups[i]; g != nil {
			joint = append(joint, b.lint(g))
		}
	}
	return joint, true
}
