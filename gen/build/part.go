package build

import (
	"crypto/sha256"
	"math/bits"
	"slices"
	"sync"
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
	frame    digest             // of what it says of the frame; the zero digest if it says nothing
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
	joint    bool     // what it says is said by a jointPart
}

// A builder lints the files of a source.
type builder struct {
	files    *source.Files
	o        Options
	previous *builder // of Options.Previous; nil if there is none
	before   []int    // the number that each file had there; -1 if it was not there, or held something else
	same     bool     // the files there have the same names
	facts    []facts
	frame    *model.Inventory
	frameSum digest // of what the files say of the frame
	linter   *lint.Linter
	found    diag.List // while the files were read
	lengths  lint.RoutedLengths
	context  digest                // tells what all parts depend on but for their files and the accounts of others
	accounts map[string]definition // where accounts are defined that some file wants and does not define; perhaps others
	lenders  []*lender             // of each file
	digests  []digest              // of what the parts of the files depend on; nil if nothing is to be known of them later
	list     []part                // of all files, each by itself
	links    []link                // what connects files that are taken together
	joint    []jointPart
	made     atomic.Int64 // how many facts and parts were not known from before
}

// A jointPart is that of files that are taken together.
type jointPart struct {
	files []int
	part
}

// A lender has the accounts of a file, which are read when another file needs one of them.
type lender struct {
	once     sync.Once
	accounts []source.Account
}

// lent returns the accounts of file i.
func (b *builder) lent(i int) []source.Account {
	l := b.lenders[i]
	l.once.Do(func() {
		if len(b.facts[i].accounts) > 0 {
			f, _ := b.files.Read(i)
			l.accounts = f.Accounts
		}
	})
	return l.accounts
}

// A definition tells where an account is defined last: in which file, and which of its accounts it is. They are -1 if it
// is not defined.
type definition struct{ file, index int }

func newBuilder(files *source.Files, o Options) *builder {
	b := &builder{files: files, o: o, facts: make([]facts, files.Len()), found: files.Findings()}
	b.remember()
	b.readFacts()
	for i := range b.facts {
		b.found = append(b.found, b.facts[i].findings...)
		b.lengths.Merge(b.facts[i].lengths)
	}
	b.findAccounts()
	b.makeFrame()
	b.linter = lint.New(b.frame, b.found, lint.Options{Today: o.Today})
	e := encoder{b.frameSum[:]}
	for _, word := range b.lengths {
		e.word(word)
	}
	e.flag(b.linter.Unread())
	b.context = sha256.Sum256(e.b)
	return b
}

// remember finds out which files are what they were in the previous build.
func (b *builder) remember() {
	b.before = slices.Repeat([]int{-1}, b.files.Len())
	if b.o.Previous == nil || b.o.Previous.kept == nil || b.o.Previous.Files[0] != b.files.Path(0) {
		return
	}
	b.previous = b.o.Previous.kept
	was := b.previous.files
	b.same = was.Len() == b.files.Len()
	number := make(map[string]int, was.Len())
	for i := range was.Len() {
		number[was.Path(i)] = i
	}
	for i := range b.before {
		j, ok := number[b.files.Path(i)]
		b.same = b.same && ok && j == i
		if ok && was.Sum(j) == b.files.Sum(i) {
			b.before[i] = j
		}
	}
}

// findAccounts finds where accounts are defined that others want.
func (b *builder) findAccounts() {
	b.lenders = make([]*lender, b.files.Len())
	for i, j := range b.before {
		if j >= 0 {
			b.lenders[i] = b.previous.lenders[j]
		} else {
			b.lenders[i] = new(lender)
		}
	}
	if b.sameAccounts() {
		b.accounts = b.previous.accounts
		return
	}
	b.accounts = make(map[string]definition)
	for i := range b.facts {
		for _, name := range b.facts[i].wants {
			b.accounts[name] = definition{-1, -1}
		}
	}
	if len(b.accounts) == 0 {
		return
	}
	for i := range b.facts {
		for j, a := range b.facts[i].accounts {
			if _, wanted := b.accounts[a.name]; wanted {
				b.accounts[a.name] = definition{i, j}
			}
		}
	}
}

// sameAccounts reports whether all accounts are defined as in the previous build, which has found those that are wanted.
func (b *builder) sameAccounts() bool {
	if !b.same {
		return false
	}
	for i, j := range b.before {
		if j >= 0 {
			continue
		}
		if !slices.Equal(b.facts[i].accounts, b.previous.facts[i].accounts) {
			return false
		}
		for _, name := range b.facts[i].wants {
			if _, known := b.previous.accounts[name]; !known {
				return false
			}
		}
	}
	return true
}

// makeFrame makes the frame.
func (b *builder) makeFrame() {
	var e encoder
	for i := range b.facts {
		if f := &b.facts[i]; f.hasFrame() {
			e.text(b.files.Path(i))
			e.b = append(e.b, f.frame[:]...)
		}
	}
	b.frameSum = sha256.Sum256(e.b)
	var s source.Source
	if b.previous != nil && b.previous.frameSum == b.frameSum {
		frame := *b.previous.frame
		s, b.frame = *frame.Source, &frame
		b.frame.Source = &s
	} else {
		root, _ := b.files.Read(0)
		s = *root
		s.Servers, s.Addresses, s.Accounts = nil, nil, nil
		blocks := make([][]source.Block, b.files.Len()) // of included files
		parallel.Each(len(blocks), func(i int) {
			if i > 0 && b.facts[i].hasFrame() {
				f, _ := b.files.Read(i)
				blocks[i] = f.Blocks
			}
		})
		s.Blocks = slices.Concat(append([][]source.Block{s.Blocks}, blocks...)...)
		b.frame = model.Frame(&s)
	}
	s.Files, s.Waivers = nil, nil
	for i := range b.facts {
		s.Files = append(s.Files, b.files.Path(i))
		s.Waivers = append(s.Waivers, b.facts[i].waivers...)
	}
}

// hasFrame reports whether the file says something of the frame: the root file, and others with blocks.
func (f *facts) hasFrame() bool { return f.frame != digest{} }

// factsOf returns the facts about a file that says s.
func factsOf(s *source.Source, root bool) facts {
	f := facts{waivers: s.Waivers}
	if root || len(s.Blocks) > 0 {
		f.frame = s.FrameSum()
	}
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
		d := b.accounts[name]
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
	b.made.Add(1)
	inv := b.inventory(files)
	p := part{findings: b.linter.Part(inv), fragment: compile.FragmentOf(inv)}
	b.linter.Keys(inv, b.lengths,
		func(k uint64) { p.keys = append(p.keys, k) }, func(k uint64) { p.sought = append(p.sought, k) })
	return p
}

// inventory resolves some files in the frame.
func (b *builder) inventory(files []int) *model.Inventory {
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
	for _, i := range files {
		for _, name := range b.facts[i].wants {
			d := b.accounts[name]
			if d.file < 0 { // a hint for one that is unknown looks through the names of all
				s.Accounts = nil
				for j := range b.facts {
					s.Accounts = append(s.Accounts, b.lent(j)...)
				}
				return b.frame.Part(s.Servers, s.Addresses, s.Accounts)
			}
			if !own[name] {
				own[name] = true
				s.Accounts = append(s.Accounts, b.lent(d.file)[d.index])
			}
		}
	}
	return b.frame.Part(s.Servers, s.Addresses, s.Accounts)
}

// together makes the parts of those files that have a key in common or look for one another's, and marks those of the
// single files. It returns false if that is most of the source.
func (b *builder) together() bool {
	b.findLinks()
	leader := make([]int, len(b.list)) // of the files that each is taken together with: a tree
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
	for _, l := range b.links {
		x, y := find(l.first), find(l.second)
		leader[max(x, y)] = min(x, y)
	}
	groups := make(map[int][]int)
	size, all := 0, 0
	for i := range b.list {
		l := find(i)
		groups[l] = append(groups[l], i)
		all += b.files.Size(i)
	}
	for i := range b.list {
		g := groups[i]
		if len(g) < 2 {
			continue
		}
		b.joint = append(b.joint, jointPart{files: g})
		for _, j := range g {
			b.list[j].joint = true
			size += b.files.Size(j)
		}
		if len(b.list) > fewFiles && size > all/2 {
			b.joint = nil
			return false
		}
	}
	parallel.Each(len(b.joint), func(i int) {
		if j := &b.joint[i]; !b.earlier(j) {
			j.part = b.lint(j.files)
			j.keys, j.sought = nil, nil
		}
	})
	return true
}

// earlier gives j the part of the previous build, if that has it.
func (b *builder) earlier(j *jointPart) bool {
	for _, i := range j.files {
		if !b.isKnown(i) {
			return false
		}
	}
	for i := range b.previous.joint {
		if p := &b.previous.joint[i]; b.same && slices.Equal(p.files, j.files) {
			j.part = p.part
			return true
		}
	}
	return false
}

// isKnown reports whether the previous build has the part of file i.
func (b *builder) isKnown(i int) bool {
	j := b.before[i]
	return j >= 0 && b.previous.list != nil && b.previous.digests[j] == b.digests[i]
}

// fewFiles is how many files may all be taken together.
const fewFiles = 16

// A link is two files with a key in common, or of which one looks for a key of the other.
type link struct {
	key           uint64
	first, second int
}

// findLinks finds links that connect all files which have the same key, and with them those which look for it.
func (b *builder) findLinks() {
	keys, ok := b.keysSince(b.previous)
	if !ok {
		b.links = commonKeys(b.list, b.o.Keep)
		return
	}
	b.links = slices.DeleteFunc(slices.Clone(b.previous.links), func(l link) bool {
		_, changed := slices.BinarySearch(keys, l.key)
		return changed
	})
	for _, k := range keys {
		first := -1
		connect := func(keys func(*part) []uint64) {
			for i := range b.list {
				switch _, has := slices.BinarySearch(keys(&b.list[i]), k); {
				case !has || i == first:
				case first < 0:
					first = i
				default:
					b.links = append(b.links, link{k, first, i})
				}
			}
		}
		if connect(func(p *part) []uint64 { return p.keys }); first >= 0 {
			connect(func(p *part) []uint64 { return p.sought })
		}
	}
}

// maxChangedKeys is how many keys are looked for in all files. From about there on it takes as long to find all links.
const maxChangedKeys = 300

// keysSince returns the keys that some file has or looks for, and did not in the previous build, or the other way round.
// They are sorted. It returns false if there is no such build with the same files, or they are too many.
func (b *builder) keysSince(previous *builder) ([]uint64, bool) {
	if !b.same || previous.list == nil {
		return nil, false
	}
	var changed []uint64
	for i := range b.list {
		if b.before[i] >= 0 && b.digests[i] == previous.digests[i] {
			continue
		}
		changed = appendDifference(changed, b.list[i].keys, previous.list[i].keys)
		changed = appendDifference(changed, b.list[i].sought, previous.list[i].sought)
		if len(changed) > maxChangedKeys {
			return nil, false
		}
	}
	slices.Sort(changed)
	return slices.Compact(changed), true
}

// appendDifference appends what only one of two sorted lists has, neither of which has anything twice.
func appendDifference(list, a, b []uint64) []uint64 {
	for len(a) > 0 && len(b) > 0 {
		switch {
		case a[0] == b[0]:
			a, b = a[1:], b[1:]
		case a[0] < b[0]:
			list, a = append(list, a[0]), a[1:]
		default:
			list, b = append(list, b[0]), b[1:]
		}
	}
	return append(append(list, a...), b...)
}

// commonKeys returns the links of files. If not all of them are wanted, those are enough that connect the files.
func commonKeys(list []part, all bool) []link {
	// The keys are taken by their first byte, so that a table of those at hand fits into a processor's cache.
	const shares, workers = 256, 8
	var links [workers][]link
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
				if s.file-1 != i && (all || s.file-1 != *last) {
					*last = s.file - 1
					links[worker] = append(links[worker], link{s.key, *last, i})
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
	return slices.Concat(links[:]...)
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
