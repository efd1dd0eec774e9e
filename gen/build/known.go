package build

import (
	"crypto/sha256"
	"hash/fnv"
	"math/bits"
	"path/filepath"

	"github.com/revmap/revmap/gen/cache"
	"github.com/revmap/revmap/internal/parallel"
)

// What is known of the files of a source is kept in a few entries of the cache, since thousands of small ones take longer
// to read and write. Their keys are made from the path of the root file, and each result in them is found by a digest of
// all that it depends on: a result that is out of date is not found.

// A digest stands for all that a result depends on.
type digest [sha256.Size]byte

// A shelf is an entry of the cache with results for several files.
type shelf struct {
	key   cache.Key
	known map[digest]string // the results of an earlier run
}

// key returns the key of a shelf of the given kind.
func (b *builder) key(kind string, number, of int) cache.Key {
	root, err := filepath.Abs(b.files.Path(0))
	if err != nil {
		return cache.Key{} // nothing is kept
	}
	return b.o.Cache.Key(kind, []byte(root), []byte{byte(number), byte(of)})
}

// open reads what a shelf holds.
func (b *builder) open(s *shelf) {
	data, _ := b.o.Cache.Get(s.key)
	s.known = make(map[digest]string)
	for d := decode(string(data)); d.Rest != ""; {
		var k digest
		copy(k[:], d.Take(len(k)))
		s.known[k] = d.Text()
	}
}

// A result is what a shelf holds for one file.
type result struct {
	digest
	text string
}

// write keeps the results of this run.
func (b *builder) write(s *shelf, results []result) {
	size := 0
	for _, r := range results {
		size += len(r.digest) + 9 + len(r.text)
	}
	e := encoder{make([]byte, 0, size)}
	for _, r := range results {
		e.b = append(e.b, r.digest[:]...)
		e.text(r.text)
	}
	b.o.Cache.Put(s.key, e.b)
}

// digestOf returns the digest of what file i holds, where it is, and of what else matters.
func (b *builder) digestOf(i int, others ...[]byte) digest {
	sum := b.files.Sum(i)
	e := encoder{sum[:]}
	e.text(b.files.Path(i))
	for _, o := range others {
		e.bytes(o)
	}
	return sha256.Sum256(e.b)
}

// readFacts makes the facts about all files.
func (b *builder) readFacts() {
	s := shelf{key: b.key("facts", 0, 1)}
	b.open(&s)
	results := make([]result, b.files.Len())
	parallel.Each(len(results), func(i int) {
		r, file := &results[i], b.files.Path(i)
		r.digest = b.digestOf(i)
		var ok bool
		if r.text, ok = s.known[r.digest]; ok {
			if b.facts[i], ok = decodeFacts(r.text, file); ok {
				return
			}
		}
		b.made.Add(1)
		source, found := b.files.Read(i)
		b.facts[i] = factsOf(source)
		b.facts[i].findings = found
		if b.o.Cache != nil {
			r.text = b.facts[i].encode(file)
		}
	})
	if b.o.Cache != nil && b.made.Load() > 0 {
		b.write(&s, results)
	}
}

// parts returns the parts of all files, each by itself. It calls done after each.
func (b *builder) parts(done func()) []part {
	n := b.files.Len()
	list := make([]part, n)
	if b.o.Cache == nil {
		parallel.Each(n, func(i int) {
			list[i] = b.part(i)
			done()
		})
		return list
	}
	// Which shelf a file is on depends on its path, so that it stays there when others come and go.
	shelves := make([]shelf, min(128, 1<<bits.Len(uint(n/32))))
	files := make([][]int, len(shelves))
	for i := range n {
		h := fnv.New32a()
		h.Write([]byte(b.files.Path(i)))
		at := h.Sum32() % uint32(len(shelves))
		files[at] = append(files[at], i)
	}
	parallel.Each(len(shelves), func(at int) {
		s := &shelves[at]
		s.key = b.key("parts", at, len(shelves))
		b.open(s)
		results := make([]result, len(files[at]))
		change := false
		for j, i := range files[at] {
			r, file := &results[j], b.files.Path(i)
			r.digest = b.digestOf(i, b.context, b.borrowed(i))
			var ok bool
			if r.text, ok = s.known[r.digest]; ok {
				list[i], ok = decodePart(r.text, file)
			}
			if !ok {
				b.made.Add(1)
				change = true
				p := b.part(i)
				r.text = string(p.encode(file))
				if list[i], ok = decodePart(r.text, file); !ok { // which has no memory of its own
					list[i] = p
				}
			}
			done()
		}
		if change {
			b.write(s, results)
		}
		s.known = nil
	})
	return list
}
