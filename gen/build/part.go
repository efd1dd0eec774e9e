package build

import (
	"crypto/sha256"
	"math/bits"
	"slices"
	"sync/atomic"

	"github.com/revmap/revmap/gen/compile"
	"github.com/revmap/revmap/gen/diag"
	"github.com/revmap/revmap/gen/lint"
	"github.com/revmap/revmap/gen/model"
	"github.com/revmap/revmap/gen/source"
	"github.com/revmap/revmap/internal/parallel"
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
	keys     []uint64 // that its entries have, sorted
	sought   []uint64 // keys that its entries look for, sorted
	joint    bool     // what it says is said by another part, which has its entries and those of other files
}

// A builder lints the files of a source.
type builder struct {
	files   *source.Files
	o       Options
	facts   []facts
	frame   *model.Inventory
	linter  *lint.Linter
	found   diag.List // while the files were read
	lengths lint.RoutedLengths
	context []byte                // tells what all parts depend on but for their files and the accounts of others
	defined map[string]definition // of the accounts that some file wants and does not define
	made    atomic.Int64          // how many facts and parts of files were not known from an earlier run
}

// A definition tells where an account is defined last: in which file, and which of its accounts it is. They are -1 if it
// is not defined.
type definition struct{ file, index int }

func newBuilder(files *source.Files, o Options) *builder {
	b := &builder{files: files, o: o, facts: make([]facts, files.Len()), found: files.Findings()}
	b.readFacts()
	blocks := make([][]source.Block, files.Len()) // of included files
	parallel.Each(len(blocks), func(i int) {
		if i > 0 && b.facts[i].blocks {
			f, _ := files.Read(i)
			blocks[i] = f.Blocks
		}
	})
	root, _ := files.Read(0)
	s := *root
	s.Servers, s.Addresses, s.Accounts = nil, nil, nil
	s.Files, s.Waivers = nil, nil
	b.defined = make(map[string]definition)
	for i := range b.facts {
		f := &b.facts[i]
		s.Files = append(s.Files, files.Path(i))
		s.Waivers = append(s.Waivers, f.waivers...)
		s.Blocks = append(s.Blocks, blocks[i]...)
		b.found = append(b.found, f.findings...)
		b.lengths.Merge(f.lengths)
		for _, name := range f.wants {
			b.defined[name] = definition{-1, -1}
		}
	}
	for i := range b.facts {
		if len(b.defined) == 0 {
			break
		}
		for j, a := range b.facts[i].accounts {
			if _, wanted := b.defined[a.name]; wanted {
				b.defined[a.name] = definition{i, j}
			}
		}
	}
	b.frame = model.Frame(&s)
	b.linter = lint.New(b.frame, b.found, lint.Options{Today: o.Today})
	b.context = b.digest()
	return b
}

// digest returns that of the frame, and of what else all parts depend on. The root file has more than the frame, and so may
// others with blocks: it is not worth telling them apart.
func (b *builder) digest() []byte {
	var e encoder
	for i := range b.facts {
		if sum := b.files.Sum(i); i == 0 || b.facts[i].blocks {
			e.text(b.files.Path(i))
			e.bytes(sum[:])
		}
	}
	for _, word := range b.lengths {
		e.word(word)
	}
	e.flag(b.linter.Unread())
	return e.b
}

// factsOf returns the facts about a file that says s.
func factsOf(s *source.Source) facts {
	f := facts{blocks: len(s.Blocks) > 0, waivers: s.Waivers}
	own := make(map[string]bool, len(s.Accounts))
	for j := range s.Accounts {
		a := &s.Accounts[j]
		own[a.Name.Value] = true
		f.accounts = append(f.accounts, account{a.Name.Value, sha256.Sum256(encodeAccount(a))})
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

// part makes the part of file i by itself.
func (b *builder) part(i int) part {
	p := b.lint([]int{i})
	for _, a := range b.facts[i].accounts {
		p.keys = append(p.keys, lint.AccountKey(a.name))
	}
	for _, keys := range []*[]uint64{&p.keys, &p.sought} {
		slices.Sort(*keys)
		*keys = slices.Compact(*keys)
	}
	return p
}

// borrowed returns what tells all that file i takes from others.
func (b *builder) borrowed(i int) []byte {
	var e encoder
	for _, name := range b.facts[i].wants {
		d := b.defined[name]
		if d.file < 0 { // then all accounts matter
			for j := range b.facts {
				for _, a := range b.facts[j].accounts {
					e.bytes(a.digest[:])
				}
			}
			break
		}
		e.bytes(b.facts[d.file].accounts[d.index].digest[:])
	}
	return e.b
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
	borrowed := make(map[int][]int) // the indexes of accounts, by the file that has them
	for _, i := range files {
		for _, name := range b.facts[i].wants {
			d := b.defined[name]
			if d.file < 0 {
				borrowed = nil
				s.Accounts = b.allAccounts()
				break
			}
			if !own[name] {
				own[name] = true
				borrowed[d.file] = append(borrowed[d.file], d.index)
			}
		}
		if borrowed == nil {
			break
		}
	}
	for i, indexes := range borrowed {
		f, _ := b.files.Read(i)
		for _, j := range indexes {
			s.Accounts = append(s.Accounts, f.Accounts[j])
		}
	}
	inv := b.frame.Part(s.Servers, s.Addresses, s.Accounts)
	p := part{findings: b.linter.Part(inv), fragment: compile.FragmentOf(inv)}
	b.linter.Keys(inv, b.lengths,
		func(k uint64) { p.keys = append(p.keys, k) }, func(k uint64) { p.sought = append(p.sought, k) })
	return p
}

// allAccounts returns the accounts of all files: a hint for one that is unknown looks through their names.
func (b *builder) allAccounts() []source.Account {
	var all []source.Account
	for i := range b.facts {
		if len(b.facts[i].accounts) > 0 {
			f, _ := b.files.Read(i)
			all = append(all, f.Accounts...)
		}
	}
	return all
}

// together returns the parts of those files that have a key in common or look for one another's, and marks those of the
// single files. It returns false if that is most of the source.
func (b *builder) together(list []part) ([]part, bool) {
	leader := make([]int, len(list)) // of the files that each is taken together with: a tree
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
	for _, p := range commonKeys(list) {
		x, y := find(p.first), find(p.second)
		leader[max(x, y)] = min(x, y)
	}
	groups := make(map[int][]int)
	size, all := 0, 0
	for i := range list {
		l := find(i)
		groups[l] = append(groups[l], i)
		all += b.files.Size(i)
	}
	var together [][]int
	for i := range list {
		g := groups[i]
		if len(g) < 2 {
			continue
		}
		together = append(together, g)
		for _, j := range g {
			list[j].joint = true
			size += b.files.Size(j)
		}
		if len(list) > fewFiles && size > all/2 {
			return nil, false
		}
	}
	joint := make([]part, len(together))
	parallel.Each(len(joint), func(i int) { joint[i] = b.lint(together[i]) })
	return joint, true
}

// fewFiles is how many files may all be taken together.
const fewFiles = 16

// A pair is two files with a key in common, or of which one looks for a key of the other.
type pair struct{ first, second int }

// commonKeys returns pairs that connect all files which have the same key, and with them those which look for it.
func commonKeys(list []part) []pair {
	// The keys are taken by their first byte, so that a table of those at hand fits into a processor's cache.
	const shares, workers = 256, 8
	var pairs [workers][]pair
	parallel.Each(workers, func(worker int) {
		first := uint64(worker * shares / workers)
		has, sought := make([]shared, len(list)), make([]shared, len(list))
		for i := range list {
			has[i], sought[i] = from(list[i].keys, first), from(list[i].sought, first)
		}
		var table []slot
		for share := first; share < first+shares/workers; share++ {
			n := 0
			for i := range list {
				n += has[i].next(share)
				sought[i].next(share)
			}
			if size := 1 << bits.Len(uint(2*n)); size > len(table) {
				table = make([]slot, size)
			} else {
				clear(table)
			}
			// find returns the slot of k, which is empty if no file has k.
			find := func(k uint64) *slot {
				at := int(k) & (len(table) - 1)
				for table[at].file != 0 && table[at].key != k {
					at = (at + 1) & (len(table) - 1)
				}
				return &table[at]
			}
			connect := func(s *slot, i int, last *int) {
				if s.file-1 != i && s.file-1 != *last {
					*last = s.file - 1
					pairs[worker] = append(pairs[worker], pair{*last, i})
				}
			}
			for i := range list {
				last := -1 // many keys can be common to the same two files
				for _, k := range has[i].at {
					if s := find(k); s.file == 0 {
						*s = slot{k, i + 1}
					} else {
						connect(s, i, &last)
					}
				}
			}
			for i := range list {
				last := -1
				for _, k := range sought[i].at {
					if s := find(k); s.file != 0 {
						connect(s, i, &last)
					}
				}
			}
		}
	})
	return slices.Concat(pairs[:]...)
}

// A shared is the keys of a file that have the same first byte, and those after them.
type shared struct{ at, rest []uint64 }

// from returns one before the keys of the given share.
func from(keys []uint64, share uint64) shared {
	i, _ := slices.BinarySearch(keys, share<<56)
	return shared{rest: keys[i:]}
}

// next goes on to the keys of the given share, and returns how many there are.
func (s *shared) next(share uint64) int {
	n := 0
	for n < len(s.rest) && s.rest[n]>>56 == share {
		n++
	}
	s.at, s.rest = s.rest[:n], s.rest[n:]
	return n
}

// A slot of a table has a key and the number of the first file with it + 1, 0 if the slot is empty.
type slot struct {
	key  uint64
	file int
}
