package api

import (
	"cmp"
	"crypto/sha256"
	"encoding/binary"
	"net/netip"
	"slices"
	"strings"
	"sync"

	"github.com/revmap/revmap/gen/desk"
	"github.com/revmap/revmap/gen/table"
)

// idOf returns the number that stands for something of a kind: always the same, more than 0, and one that JavaScript
// can hold. It is made of the name because nothing else outlives a rewrite of the source.
func idOf(kind, name string) int64 {
	sum := sha256.Sum256([]byte(kind + "\x00" + name))
	return max(1, int64(binary.BigEndian.Uint64(sum[:])>>11)) // 53 bits
}

// An index finds servers, which the table does not count, and what the ids of servers and addresses stand for.
type index struct {
	commit    string
	servers   []numbered[string] // by id
	addresses []numbered[netip.Addr]
	first     []int // by the names of servers: where in the table, sorted by server, the first address of each is
	end       int   // where that of the next one would be
}

type numbered[T any] struct {
	id   int64
	what T
}

// find returns what an id stands for.
func find[T any](list []numbered[T], id int64) (what T, ok bool) {
	i, ok := slices.BinarySearchFunc(list, id, func(n numbered[T], id int64) int { return cmp.Compare(n.id, id) })
	if ok {
		what = list[i].what
	}
	return what, ok
}

// indexes has the index of what each circle of people sees: those who see all, and those who see the same accounts.
type indexes struct {
	lock sync.Mutex
	of   map[string]*index
}

// maxIndexes is how many are kept at once.
const maxIndexes = 100

// get returns the index of what a seat sees. It may be one of an earlier commit, unless it has to be fresh: it has none
// but true ids even so, and whether there is still something behind them is for the seat to say.
func (x *indexes) get(seat *desk.Seat, fresh bool) *index {
	x.lock.Lock()
	defer x.lock.Unlock()
	key := "all"
	if accounts := seat.Person().Accounts; accounts != nil {
		key = "of " + strings.Join(accounts, "\x00")
	}
	i := x.of[key]
	if i == nil || fresh && i.commit != seat.Commit().ID {
		i = newIndex(seat)
		if x.of == nil || len(x.of) >= maxIndexes {
			x.of = make(map[string]*index)
		}
		x.of[key] = i
	}
	return i
}

func newIndex(seat *desk.Seat) *index {
	x := &index{commit: seat.Commit().ID}
	at, last := 0, ""
	for row := range rows(seat, table.Query{Sort: table.ByServer}) {
		x.addresses = append(x.addresses, numbered[netip.Addr]{idOf("address", row.Addr.String()), row.Addr})
		if row.Server != "" {
			if row.Server != last {
				x.servers = append(x.servers, numbered[string]{idOf("server", row.Server), row.Server})
				x.first = append(x.first, at)
			}
			x.end = at + 1
		}
		at, last = at+1, row.Server
	}
	slices.SortFunc(x.addresses, func(a, b numbered[netip.Addr]) int { return cmp.Compare(a.id, b.id) })
	slices.SortFunc(x.servers, func(a, b numbered[string]) int { return cmp.Compare(a.id, b.id) })
	return x
}

// span returns which part of the table, sorted by server, has the servers of a page.
func (x *index) span(p cloudPage) (from, to int) {
	at := func(i int) int {
		if i < len(x.first) {
			return x.first[i]
		}
		return x.end
	}
	return at(p.offset()), at(p.offset() + p.size)
}

// server returns the name of the server with an id.
func (x *indexes) server(seat *desk.Seat, id int64) (string, bool) {
	name, ok := find(x.get(seat, false).servers, id)
	if !ok {
		name, ok = find(x.get(seat, true).servers, id)
	}
	return name, ok
}

// address returns the address with an id.
func (x *indexes) address(seat *desk.Seat, id int64) (netip.Addr, bool) {
	addr, ok := find(x.get(seat, false).addresses, id)
	if !ok {
		addr, ok = find(x.get(seat, true).addresses, id)
	}
	return addr, ok
}
