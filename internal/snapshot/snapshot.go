// Package snapshot is the file format of docs/snapshot-format.md: a writer and a verifying reader.
//
// A snapshot is everything that a server needs to answer for a set of zones, in one immutable file: for the reverse
// zones of some blocks, the forward zones of the hosts in them, and the catalog that lists these zones. [Open] and
// [OpenBytes] verify all of it before they return a [Reader]; after that, lookups cannot fail and do not allocate. A
// [Builder] makes the file, and [WriteFile] puts it in place. The same content always gives the same bytes.
//
// A Reader, and whatever it returns, is immutable and safe for concurrent use. A Builder is not.
//
// The package knows names, addresses and the layout of the file. What a query is answered with is decided elsewhere.
package snapshot

import (
	"errors"
	"math"
	"unsafe"
)

// Errors of Open, OpenBytes and ReadID. They come wrapped with what is wrong and where.
var (
	// ErrFormat says that the bytes are not a snapshot, or break a rule of the format.
	ErrFormat = errors.New("invalid snapshot")
	// ErrVersion says that the snapshot has a major version that this package does not read.
	ErrVersion = errors.New("unsupported snapshot version")
	// ErrChecksum says that the content is not what was written.
	ErrChecksum = errors.New("snapshot checksum does not match")
)

// MaxTTL is the largest TTL and the largest timer of a SOA, in seconds (RFC 2181 section 8).
const MaxTTL = math.MaxInt32

// Kind is where the names of an entry come from. Names made from a zone's fallback are not stored and have no Kind.
type Kind uint8

// The kinds of an entry.
const (
	Explicit Kind = 1 // a reverse map name: a person chose it for the address
	Default  Kind = 2 // the default hostname of the server whose primary address it is
)

// An RRset is the PTR RRset of one address. It is part of its Reader, which stays in memory as long as it.
type RRset struct {
	Kind  Kind
	TTL   uint32 // seconds, at most MaxTTL
	count uint8
	at    int // where the first name starts in r.rrsets
	r     *Reader
}

// Len returns the number of names, 1 to 255.
func (s RRset) Len() int { return int(s.count) }

// alias returns b as a string without copying. That is safe for bytes that never change, as long as they are there.
func alias(b []byte) string { return unsafe.String(unsafe.SliceData(b), len(b)) }
