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
	var todo []int
	for i, j := range b.before {
		if j >= 0 {
			b.facts[i] = b.previous.facts[j]
		} else {
			todo = append(todo, i)
		}
	}
	if len(todo) == 0 {
		return
	}
	s := shelf{key: b.key("facts", 0, 1)}
	b.open(&s)
	results := make([]result, b.files.Len())
	parallel.Each(len(todo), func(k int) {
		i := todo[k]
		r, file := &results[i], b.files.Path(i)
		var ok bool
		if r.text, ok = s.known[b.digestOf(i)]; ok {
			if b.facts[i], ok = decodeFacts(r.text, file); ok {
				return
			}
		}
		b.made.Add(1)
		source, found := b.files.Read(i)
		b.facts[i] = factsOf(source, i == 0)
		b.facts[i].findings = found
		r.text = ""
	})
	if b.o.Cache == nil || b.made.Load() == 0 {
		return
	}
	parallel.Each(len(results), func(i int) {
		r := &results[i]
		r.digest = b.digestOf(i)
		if r.text == "" {
			r.text = b.facts[i].encode(b.files.Path(i))
		}
	})
	b.write(&s, results)
}

// parts makes the parts of all files, each by itself. It calls done after each.
func (b *builder) parts(done func()) {
	n := b.files.Len()
	b.list = make([]part, n)
	var todo []int
	if b.o.Cache != nil || b.o.Keep {
		b.findDigests()
	}
	for i, j := range b.before {
		if b.digests != nil && b.isKnown(i) {
			b.list[i] = b.previous.list[j]
			b.list[i].joint = false
			done()
		} else {
			todo = append(todo, i)
		}
	}
	if b.o.Cache == nil {
		parallel.Each(len(todo), func(k int) {
			b.list[todo[k]] = b.part(todo[k])
			done()
		})
		return
	}
	// Which shelf a file is on depends on its path, so that it stays there when others come and go.
	shelves := make([]shelf, min(128, 1<<bits.Len(uint(n/32))))
	at := func(i int) uint32 {
		h := fnv.New32a()
		h.Write([]byte(b.files.Path(i)))
		return h.Sum32() % uint32(len(shelves))
	}
	missing := make([][]int, len(shelves)) // of each shelf, the files that are not done
	for _, i := range todo {
		missing[at(i)] = append(missing[at(i)], i)
	}
	parallel.Each(len(shelves), func(k int) {
		if len(missing[k]) == 0 {
			return
		}
		s := &shelves[k]
		s.key = b.key("parts", k, len(shelves))
		b.open(s)
		texts := make(map[int]string, len(missing[k]))
		change := false
		for _, i := range missing[k] {
			file := b.files.Path(i)
			var ok bool
			if texts[i], ok = s.known[b.digests[i]]; ok {
				b.list[i], ok = decodePart(texts[i], file)
			}
			if !ok {
				change = true
				p := b.part(i)
				texts[i] = string(p.encode(file))
				if b.list[i], ok = decodePart(texts[i], file); !ok { // which has no memory of its own
					b.list[i] = p
				}
			}
			done()
		}
		s.known = nil
		if !change {
			return
		}
		var results []result
		for i := range n {
			if at(i) != uint32(k) {
				continue
			}
			text, ok := texts[i]
			if !ok {
				text = string(b.list[i].encode(b.files.Path(i)))
			}
			results = append(results, result{b.digests[i], text})
		}
		b.write(s, results)
	})
}

// findDigests makes the digests of what the part of each file depends on.
func (b *builder) findDigests() {
	b.digests = make([]digest, b.files.Len())
	steady := b.previous != nil && b.previous.digests != nil && b.previous.context == b.context && b.sameAccounts()
	parallel.Each(len(b.digests), func(i int) {
		if j := b.before[i]; j >= 0 && steady {
			b.digests[i] = b.previous.digests[j]
		} else {
			b.digests[i] = b.digestOf(i, b.context[:], b.borrowed(i))
		}
	})
}
