package snapshot

import (
	"bytes"
	"crypto/sha256"
	"encoding/binary"
	"encoding/hex"
	"fmt"
	"io"
	"runtime"
	"slices"
	"time"
)

// Magic is what every snapshot starts with, and no text does.
const Magic = "\x89REVMAP\n"

// The version of the format that is written: the same major one is read, and any minor one of it.
const (
	Major = 1
	Minor = 0
)

const (
	headerSize     = 64
	checksumOffset = 32
	tableEntrySize = 24

	maxName = 254 // bytes of a name, hostname.Check
)

// The sections, by id.
const (
	sectionMeta = 1 + iota
	sectionZones
	sectionAddrs4
	sectionOffsets4
	sectionAddrs6
	sectionOffsets6
	sectionRRsets
	sectionHostOffsets
	sectionHosts

	sectionLast = sectionHosts
)

// sectionNames is for error messages.
var sectionNames = [...]string{
	sectionMeta:        "meta",
	sectionZones:       "zones",
	sectionAddrs4:      "IPv4 addresses",
	sectionOffsets4:    "IPv4 offsets",
	sectionAddrs6:      "IPv6 addresses",
	sectionOffsets6:    "IPv6 offsets",
	sectionRRsets:      "RRsets",
	sectionHostOffsets: "host offsets",
	sectionHosts:       "hosts",
}

// A section is one section of a file.
type section struct {
	id     uint32
	offset int // in the file; set by the reader
	data   []byte
}

// errorf returns an ErrFormat about the byte at pos of the section.
func (s section) errorf(pos int, format string, args ...any) error {
	return fmt.Errorf("%w: %s at byte %d: %w", ErrFormat, sectionNames[s.id], uint64(s.offset)+uint64(pos),
		fmt.Errorf(format, args...))
}

// A header is the decoded first 64 bytes of a file.
type header struct {
	minor    uint16
	sections uint32
	checksum [sha256.Size]byte
}

func (h *header) id() string { return hex.EncodeToString(h.checksum[:]) }

// parseHeader checks the header of a file of the given size, in the order that the format demands. b holds at least
// the first headerSize bytes, or all of a shorter file.
func parseHeader(b []byte, size uint64) (*header, error) {
	if len(b) < headerSize {
		return nil, fmt.Errorf("%w: %d bytes, a header has %d", ErrFormat, len(b), headerSize)
	}
	if string(b[:len(Magic)]) != Magic {
		return nil, fmt.Errorf("%w: it does not start as snapshots do, with %q", ErrFormat, Magic)
	}
	le := binary.LittleEndian
	h := &header{minor: le.Uint16(b[10:]), sections: le.Uint32(b[12:])}
	copy(h.checksum[:], b[checksumOffset:])
	if m := le.Uint16(b[8:]); m != Major {
		return nil, fmt.Errorf("%w: the file is version %d.%d, this program reads %d.x: "+
			"compile it again with a revmap of the same release", ErrVersion, m, h.minor, Major)
	}
	if n := le.Uint64(b[16:]); n != size {
		return nil, fmt.Errorf("%w: the header says %d bytes, there are %d: truncated, or not copied as it was",
			ErrFormat, n, size)
	}
	return h, nil
}

// parseSections checks what parseHeader leaves for after the checksum, then the section table of b against the layout
// of the file, and returns all sections.
func (h *header) parseSections(b []byte) ([]section, error) {
	if !allZero(b[24:checksumOffset]) {
		return nil, fmt.Errorf("%w: header at byte 24: reserved bytes are not zero", ErrFormat)
	}
	if n := (len(b) - headerSize) / tableEntrySize; uint64(h.sections) > uint64(n) {
		return nil, fmt.Errorf("%w: header at byte 12: %d sections do not fit into the file", ErrFormat, h.sections)
	}
	le := binary.LittleEndian
	sections := make([]section, h.sections)
	end := headerSize + tableEntrySize*len(sections) // of the table, or of the section before
	for i := range sections {
		at := headerSize + tableEntrySize*i
		e := b[at : at+tableEntrySize]
		id, offset, length := le.Uint32(e), le.Uint64(e[8:]), le.Uint64(e[16:])
		tableError := func(format string, args ...any) error {
			return fmt.Errorf("%w: section table at byte %d: %w", ErrFormat, at, fmt.Errorf(format, args...))
		}
		switch {
		case i < sectionLast && id != uint32(i+1):
			return nil, tableError("section %d where %d belongs", id, i+1)
		case i >= sectionLast && h.minor <= Minor:
			return nil, tableError("section %d is not known in version %d.%d", id, Major, h.minor)
		case i >= sectionLast && id <= sections[i-1].id:
			return nil, tableError("section %d after section %d", id, sections[i-1].id)
		case le.Uint32(e[4:]) != 0:
			return nil, tableError("reserved bytes are not zero")
		}
		start := end + padding(end)
		if offset != uint64(start) {
			return nil, tableError("section %d is at byte %d, not at %d", id, offset, start)
		}
		if start > len(b) || length > uint64(len(b)-start) {
			return nil, tableError("section %d of %d bytes reaches beyond the end of the file", id, length)
		}
		if !allZero(b[end:start]) {
			return nil, fmt.Errorf("%w: byte %d: padding before section %d is not zero", ErrFormat, end, id)
		}
		end = start + int(length)
		sections[i] = section{id: id, offset: start, data: b[start:end:end]}
	}
	if len(sections) < sectionLast {
		return nil, fmt.Errorf("%w: header at byte 12: %d sections, there are at least %d",
			ErrFormat, len(sections), sectionLast)
	}
	if end != len(b) {
		return nil, fmt.Errorf("%w: byte %d: the file goes on after its last section", ErrFormat, end)
	}
	return sections, nil
}

// A server goes on answering while it loads a snapshot, and while it lists one to compare or transfer it. A goroutine
// that computes without a pause would take a processor from the queries for 10 ms at a time, and loading has a goroutine
// for each of two. So it steps aside after each part of the work, which takes some 50 µs: where queries wait, it then
// gets a small share of the processor, and else all.
const (
	partSize    = 64 << 10 // bytes that are read or hashed
	partRecords = 1 << 10  // addresses or records that are verified or listed
)

// minShare is the least share of a processor, as a divisor, that such work gets while others run. With the time that it
// takes to serve a full queue of queries before it goes on, each part can have 50 µs without that. But goroutines that
// compute on and on, or a flood of queries, would hold it up for minutes, and a new snapshot with it.
const minShare = 16

// A pace tells work when to step aside.
type pace struct{ next time.Time }

// stepAside lets other goroutines run after a part of the work, unless the work has not yet had its share.
func (p *pace) stepAside() {
	begun := time.Now()
	if begun.Before(p.next) {
		return
	}
	runtime.Gosched()
	back := time.Now()
	p.next = back.Add(back.Sub(begun) / minShare)
}

// step is stepAside before the first of each part of the records.
func (p *pace) step(i int) {
	if i%partRecords == 0 {
		p.stepAside()
	}
}

// checksum returns the checksum of a whole file.
func checksum(b []byte) [sha256.Size]byte {
	s := sha256.New()
	s.Write(b[:checksumOffset])
	var p pace
	for part := range slices.Chunk(b[headerSize:], partSize) {
		s.Write(part)
		p.stepAside()
	}
	return [sha256.Size]byte(s.Sum(nil))
}

// encode writes a file of the given sections, which have ascending ids.
func encode(w io.Writer, minor uint16, sections []section) (int64, error) {
	le := binary.LittleEndian
	head := make([]byte, headerSize, headerSize+tableEntrySize*len(sections))
	end := uint64(cap(head))
	for _, s := range sections {
		start := end + uint64(padding(end))
		head = le.AppendUint32(head, s.id)
		head = le.AppendUint32(head, 0)
		head = le.AppendUint64(head, start)
		head = le.AppendUint64(head, uint64(len(s.data)))
		end = start + uint64(len(s.data))
	}
	copy(head, Magic)
	le.PutUint16(head[8:], Major)
	le.PutUint16(head[10:], minor)
	le.PutUint32(head[12:], uint32(len(sections)))
	le.PutUint64(head[16:], end)

	// body writes what follows the header.
	body := func(w io.Writer) (n int64, err error) {
		write := func(b []byte) {
			if err == nil {
				var k int
				k, err = w.Write(b)
				n += int64(k)
			}
		}
		write(head[headerSize:])
		for _, s := range sections {
			write(make([]byte, padding(n)))
			write(s.data)
		}
		return n, err
	}
	sum := sha256.New()
	sum.Write(head[:checksumOffset])
	body(sum) // a hash does not fail
	sum.Sum(head[checksumOffset:checksumOffset])

	k, err := w.Write(head[:headerSize])
	if err != nil {
		return int64(k), err
	}
	n, err := body(w)
	return int64(k) + n, err
}

// padding returns the number of bytes from offset to the next multiple of 8.
func padding[T int | int64 | uint64](offset T) T { return -offset & 7 }

func allZero(b []byte) bool { return len(bytes.TrimLeft(b, "\x00")) == 0 }
