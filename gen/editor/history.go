package editor

import (
	"context"
	"net/netip"
	"slices"

	"github.com/revmap/revmap/gen/repository"
	"github.com/revmap/revmap/gen/source"
)

// depth is how many commits of a file are looked through for the history of an address.
const depth = 1000

// History returns what the file that lists an address has said of it, the newest first and at most max: only commits
// that have changed that. It is empty if the source does not list the address. It ends where the address was that of an
// account to which sees, if it is not nil, says no: addresses go from one customer to the next.
func (e *Editor) History(
	ctx context.Context, addr netip.Addr, max int, sees func(account string) bool,
) ([]Version, error) {
	v := e.View()
	r, ok := v.table.Row(addr)
	if !ok {
		return nil, nil
	}
	included := v.number(r.Pos.File) != 0
	var list []Version
	err := e.o.Repository.History(ctx, v.commit.ID, r.Pos.File, depth, func(rev repository.Revision) bool {
		now, account := versionOf(rev, r.Pos.File, included, addr)
		if now.Listed && sees != nil && !sees(account) {
			return false
		}
		if n := len(list); n > 0 && list[n-1].same(now) { // then the older of the two commits has made it so
			list = list[:n-1]
		} else if n == max {
			return false
		}
		list = append(list, now)
		return true
	})
	if n := len(list); n > 0 && !list[n-1].Listed && n < max { // before it was listed first
		list = list[:n-1]
	}
	return list, err
}

func (v Version) same(w Version) bool {
	return v.Listed == w.Listed && v.Name == w.Name && v.TTL == w.TTL
}

// versionOf returns what a state of a file says of an address, and whose server has it; "" if none has.
func versionOf(rev repository.Revision, file string, included bool, addr netip.Addr) (v Version, account string) {
	v.Commit = rev.Commit
	s, _ := source.Parse(file, rev.Data, included)
	of := func(a *source.Address) bool {
		if a.Addr.Addr != addr {
			return false
		}
		v.Listed = true
		if len(a.Names) > 0 {
			v.Name = a.Names[0].Value
		}
		if a.TTL.Pos.IsValid() {
			v.TTL = a.TTL.Value
		}
		return true
	}
	for i := range s.Addresses {
		of(&s.Addresses[i])
	}
	for i := range s.Servers {
		server := &s.Servers[i]
		has := slices.ContainsFunc(server.Primary, func(p source.Addr) bool { return p.Addr == addr })
		v.Listed = v.Listed || has
		for j := range server.Addresses {
			has = of(&server.Addresses[j]) || has
		}
		if has {
			account = server.Account.Value
		}
	}
	return v, account
}

// lastChange returns the commit that has made an address what it is; nil if that is not known.
func (e *Editor) lastChange(ctx context.Context, addr netip.Addr) *repository.Commit {
	if list, err := e.History(ctx, addr, 1, nil); err == nil && len(list) > 0 {
		return &list[0].Commit
	}
	return nil
}
