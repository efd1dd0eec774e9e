package editor

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"net/netip"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/revmap/revmap/gen/repository"
	"github.com/revmap/revmap/gen/source"
	"github.com/revmap/revmap/internal/durable"
)

// branchPrefix begins the names of the branches of proposals.
const branchPrefix = "rdns/"

// branchForPrograms returns the branch on which what a person's programs set one by one is put together.
func branchForPrograms(login string) string { return branchPrefix + login + "/api" }

// newBranch returns a name for the branch of a proposal, and the commit that is there; "" for none. Only programs get a
// branch that is there already, if it is merged and was not deleted: what else it has is not for this proposal to
// replace.
func (e *Editor) newBranch(ctx context.Context, p Proposal, now time.Time) (name, at string, err error) {
	name = branchForPrograms(p.Login)
	if !p.Together {
		name = branchPrefix + p.Login + "/" + now.UTC().Format("20060102-150405")
	}
	there, err := e.o.Repository.Branches(ctx, name)
	if err != nil {
		return "", "", err
	}
	for i, first := 2, name; ; i++ {
		at := slices.IndexFunc(there, func(b repository.Branch) bool { return b.Name == name })
		switch {
		case e.open.of(name) != nil:
		case at < 0:
			return name, "", nil
		case p.Together && there[at].Merged:
			return name, there[at].Commit.ID, nil
		}
		name = fmt.Sprintf("%s-%d", first, i)
	}
}

// proposals are those that wait for review. They are kept in a file, which is replaced as a whole.
type proposals struct {
	lock sync.Mutex
	file string
	list []Open // by time
}

func (l *proposals) load(dir string) error {
	l.file = filepath.Join(dir, "proposals.json")
	data, err := os.ReadFile(l.file)
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	if err == nil {
		err = json.Unmarshal(data, &l.list)
	}
	if err != nil {
		return fmt.Errorf("read what waits for review: %s: %w", l.file, err)
	}
	return nil
}

// change replaces the list, in the file first.
func (l *proposals) change(f func(list []Open) []Open) error {
	l.lock.Lock()
	defer l.lock.Unlock()
	list := f(slices.Clone(l.list))
	data, err := json.MarshalIndent(list, "", "\t")
	if err == nil {
		err = durable.WriteFile(l.file, data)
	}
	if err != nil {
		return fmt.Errorf("write down what waits for review: %w", err)
	}
	l.list = list
	return nil
}

func (l *proposals) add(o Open) error {
	return l.change(func(list []Open) []Open { return append(list, o) })
}

func (l *proposals) remove(gone ...Open) error {
	return l.change(func(list []Open) []Open {
		return slices.DeleteFunc(list, func(o Open) bool { return slices.ContainsFunc(gone, o.same) })
	})
}

// replace puts o, as the newest, in the place of another.
func (l *proposals) replace(before, o Open) error {
	return l.change(func(list []Open) []Open { return append(slices.DeleteFunc(list, before.same), o) })
}

func (l *proposals) pushed(o Open) error {
	return l.change(func(list []Open) []Open {
		for i := range list {
			if list[i].same(o) {
				list[i].Pushed = true
			}
		}
		return list
	})
}

func (o Open) same(p Open) bool { return o.Branch == p.Branch && o.Commit == p.Commit }

// of returns the proposal on a branch, nil if there is none.
func (l *proposals) of(branch string) *Open {
	l.lock.Lock()
	defer l.lock.Unlock()
	for _, o := range slices.Backward(l.list) {
		if o.Branch == branch {
			return &o
		}
	}
	return nil
}

// ofPrograms returns the proposal of what a person's programs set one by one, nil if there is none.
func (l *proposals) ofPrograms(login string) *Open {
	l.lock.Lock()
	defer l.lock.Unlock()
	for _, o := range slices.Backward(l.list) {
		if strings.HasPrefix(o.Branch, branchForPrograms(login)) {
			return &o
		}
	}
	return nil
}

// later returns of which addresses the same person has made a later proposal than o, and the branch of that.
func (l *proposals) later(o *Open) map[netip.Addr]string {
	l.lock.Lock()
	defer l.lock.Unlock()
	branches := make(map[netip.Addr]string)
	for _, p := range l.list[slices.IndexFunc(l.list, o.same)+1:] {
		if p.Login != o.Login {
			continue
		}
		for _, edit := range p.Edits {
			branches[edit.Addr] = p.Branch
		}
	}
	return branches
}

// maxEarlier is how many earlier names of an address are remembered: for a program that sets a name again and again.
const maxEarlier = 10

// earlier returns the names that a person's proposals ask for, and have asked for, where edits now want others.
func (l *proposals) earlier(login string, edits []Edit) map[netip.Addr][]string {
	wants := make(map[netip.Addr]string, len(edits))
	for _, edit := range edits {
		wants[edit.Addr] = edit.Name
	}
	names := make(map[netip.Addr][]string)
	add := func(a netip.Addr, name string) {
		want, ok := wants[a]
		if !ok || name == want {
			return
		}
		if name = Absolute(name); name == Absolute(want) || slices.Contains(names[a], name) {
			return
		}
		list := append(names[a], name)
		names[a] = list[max(0, len(list)-maxEarlier):]
	}
	l.lock.Lock()
	defer l.lock.Unlock()
	for _, p := range l.list {
		if p.Login != login {
			continue
		}
		for a, list := range p.Earlier {
			for _, name := range list {
				add(a, name)
			}
		}
		for _, edit := range p.Edits {
			add(edit.Addr, edit.Name)
		}
	}
	return names
}

func (l *proposals) all() []Open {
	l.lock.Lock()
	defer l.lock.Unlock()
	return slices.Clone(l.list)
}

// settle forgets proposals whose branch is gone, or has another commit, or is merged, and those whose edits the main
// branch has in other commits.
func (e *Editor) settle(ctx context.Context) error {
	all := e.open.all()
	if len(all) == 0 {
		return nil
	}
	branches, err := e.o.Repository.Branches(ctx, branchPrefix)
	if err != nil {
		return err
	}
	waits := make(map[string]string, len(branches)) // the commit of each branch
	for _, b := range branches {
		if !b.Merged {
			waits[b.Name] = b.Commit.ID
		}
	}
	over := slices.DeleteFunc(all, func(o Open) bool { return waits[o.Branch] == o.Commit && !e.says(ctx, o.Edits) })
	if len(over) == 0 {
		return nil
	}
	return e.open.remove(over...)
}

// says reports whether the source says already what edits want.
func (e *Editor) says(ctx context.Context, edits []Edit) bool {
	v := e.View()
	var withTTL []source.Edit
	for _, edit := range edits {
		if !v.named(edit) {
			return false
		}
		if edit.TTL != "" { // what the row has can be from anywhere
			withTTL = append(withTTL, edit.inSource())
		}
	}
	if len(withTTL) == 0 {
		return true
	}
	texts := e.o.Repository.Texts(ctx, v.commit.ID)
	defer texts.Close()
	files, wrong, err := v.files.Edit(withTTL, texts.Read)
	return err == nil && len(wrong) == 0 && len(files.Texts) == 0
}

// Has reports whether an address has the name that an edit would give it, and no others.
func (v *View) Has(edit Edit) bool { return v.named(edit) && edit.TTL == "" }

// named is Has whatever the TTL.
func (v *View) named(edit Edit) bool {
	r, ok := v.At(edit.Addr)
	return ok && r.Names <= 1 && r.Name == Absolute(edit.Name)
}
