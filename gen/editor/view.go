package editor

import (
	"context"
	"errors"
	"fmt"
	"iter"
	"net/netip"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/revmap/revmap/gen/build"
	"github.com/revmap/revmap/gen/diag"
	"github.com/revmap/revmap/gen/forward"
	"github.com/revmap/revmap/gen/model"
	"github.com/revmap/revmap/gen/repository"
	"github.com/revmap/revmap/gen/source"
	"github.com/revmap/revmap/gen/table"
	"github.com/revmap/revmap/internal/parallel"
)

// A View is the source at one commit. It is immutable.
type View struct {
	commit   repository.Commit
	files    *source.Files
	lint     *build.Result
	forwards *forward.Zones
	wrong    diag.List // in the forward zone files
	table    *table.Table
	owners   *owners
}

// A Server is what a View has of one.
type Server struct {
	Name, Product, Account string
	Primary                []netip.Addr
	Addresses              []netip.Addr // all that are listed, primary ones too; ascending
}

// owners are what no edit changes.
type owners struct {
	domains map[string][]string // of each account
	routed  map[netip.Prefix]owner
	lengths []int // that routed prefixes have, the longest first
}

// An owner is the server that a prefix is routed to.
type owner struct{ server, product, account string }

// Commit returns the commit that v is of.
func (v *View) Commit() repository.Commit { return v.commit }

// Table returns all addresses that the source lists.
func (v *View) Table() *table.Table { return v.table }

// Findings returns what lint finds in the source.
func (v *View) Findings() diag.List { return v.lint.Findings }

// Domains returns the domains of an account, absolute; nil if there is no such account, or it has none.
func (v *View) Domains(account string) []string { return v.owners.domains[account] }

// At returns what is known of an address, whether or not the source lists it. It returns false if it lies in no block.
func (v *View) At(addr netip.Addr) (table.Row, bool) {
	if r, ok := v.table.Row(addr); ok {
		return r, true
	}
	frame := v.lint.Inventory()
	b := frame.BlockOf(addr)
	if b == nil {
		return table.Row{}, false
	}
	r := table.Row{Addr: addr, Block: b.Prefix.Prefix}
	if d := frame.DelegationOf(addr); d != nil {
		r.Delegation = d.Prefix.Prefix
	}
	e, _ := frame.Lookup(addr)
	r.Origin, r.TTL = e.Origin, e.TTL
	if len(e.Names) > 0 {
		r.Answer = e.Names[0]
	}
	o := v.owners.of(addr)
	r.Server, r.Product, r.Account = o.server, o.product, o.account
	return r, true
}

// Unlisted goes through what At returns of those of some addresses, which are ascending, that the source does not list and
// that are routed to a server, or to none: "", of which that is wanted.
func (v *View) Unlisted(addrs []netip.Addr, wanted func(server string) bool) iter.Seq[table.Row] {
	return func(yield func(table.Row) bool) {
		for a := range v.table.Missing(addrs) {
			if !wanted(v.owners.of(a).server) {
				continue
			}
			if r, ok := v.At(a); ok && !yield(r) {
				return
			}
		}
	}
}

// Server returns what v has of the server with the given name.
func (v *View) Server(name string) (Server, bool) {
	if name == "" { // which a Query takes for any
		return Server{}, false
	}
	page := v.table.Find(table.Query{Server: name, Limit: v.table.Len()})
	if len(page.Rows) == 0 {
		return Server{}, false
	}
	first := page.Rows[0]
	s := Server{Name: name, Product: first.Product, Account: first.Account}
	for _, r := range page.Rows {
		s.Addresses = append(s.Addresses, r.Addr)
		if r.Primary {
			s.Primary = append(s.Primary, r.Addr)
		}
	}
	return s, true
}

// A StaleError tells that the newest commit of the main branch leaves it open what the source says. As long as it does,
// the View is of an earlier one, and nobody knows what an edit would change.
type StaleError struct {
	Commit string // its id
	Why    string // mostly with file and line: not for people who may see only a part of the source

	files []string // while they stay as they are, the source cannot be read; nil if that is not known
}

func (e *StaleError) Error() string {
	return fmt.Sprintf("read commit %.12s: %s", e.Commit, e.Why)
}

// read makes the View of a commit, out of a copy of its files that is not kept. What earlier knows of files that are the
// same is not found out again; it may be nil.
func (e *Editor) read(ctx context.Context, commit repository.Commit, earlier *View) (*View, error) {
	dir, err := os.MkdirTemp(e.o.Repository.StateDir(), "tmp-tree-")
	if err != nil {
		return nil, err
	}
	defer os.RemoveAll(dir)
	if err := e.o.Repository.CheckOut(ctx, commit.ID, dir); err != nil {
		return nil, err
	}
	root := e.o.Repository.Root()
	folder, err := source.OpenCopy(root, dir, "")
	if err != nil {
		return nil, err
	}
	defer folder.Close()
	v := &View{commit: commit}
	reading, o := source.ReadOptions{Cache: e.o.Cache}, build.Options{Cache: e.o.Cache}
	if earlier != nil {
		reading.Previous, o.Previous = earlier.files, earlier.lint
	}
	if v.files, err = source.ReadFilesFrom(folder, root, reading); err != nil {
		return nil, &StaleError{commit.ID, err.Error(), blamedFor(dir, root)}
	}
	e.o.Cache.Trim()
	if f := v.files.Forwards(); len(f) > 0 {
		v.forwards, v.wrong = forward.LoadFrom(folder, &source.Source{Forwards: f})
	}
	if v.lint, err = v.check(v.files, o); err != nil {
		return nil, err
	}
	v.index()
	// So the first draft is as fast as the others.
	_, unclear, err := v.files.Edit(nil, nil)
	if err == nil && len(unclear) > 0 { // what cannot be read would look as if nobody had it
		err = &StaleError{
			commit.ID, fmt.Sprintf("%s: %s", unclear[0].Pos, unclear[0].Message), blamedFor(dir, root, unclear...),
		}
	}
	return v, errors.Join(err, ctx.Err())
}

// blamedFor returns files, by their paths below dir, which suffice for the source not to be readable: the root file, which
// tells what is included, and one that has a finding about its own text. It returns nil if it depends on more.
func blamedFor(dir, root string, unclear ...diag.Diagnostic) []string {
	files := []string{root}
	if len(unclear) > 0 {
		i := slices.IndexFunc(unclear, func(d diag.Diagnostic) bool { return d.Rule != "include-invalid" })
		if i < 0 { // other files are missing
			return nil
		}
		if f := unclear[i].Pos.File; f != root {
			files = append(files, f)
		}
	}
	top := resolved(dir)
	for _, f := range files {
		if resolved(filepath.Join(dir, f)) != filepath.Join(top, f) { // what a link leads to can change, but not the link
			return nil
		}
	}
	return files
}

// resolved returns a path without links. What does not exist has the path that was given, apart from those to its folder.
func resolved(file string) string {
	if p, err := filepath.EvalSymlinks(file); err == nil {
		return p
	}
	if _, err := os.Lstat(file); err == nil { // a link that leads nowhere
		return ""
	}
	if p, err := filepath.EvalSymlinks(filepath.Dir(file)); err == nil {
		return filepath.Join(p, filepath.Base(file))
	}
	return file
}

// check lints files beside the forward zones of v.
func (v *View) check(files *source.Files, o build.Options) (*build.Result, error) {
	o.Today, o.Keep = time.Now(), true
	o.Forwards = func() (*forward.Zones, diag.List, error) { return v.forwards, v.wrong, nil }
	return build.Lint(files, o)
}

// index makes the table and the owners of v.
func (v *View) index() {
	b := table.NewBuilder(v.files.Len())
	o := &owners{domains: make(map[string][]string), routed: make(map[netip.Prefix]owner)}
	var lock sync.Mutex
	parallel.Each(v.files.Len(), func(i int) {
		inv := v.lint.Inventory(i)
		b.Add(i, inv)
		f, _ := v.files.Read(i)
		lock.Lock()
		defer lock.Unlock()
		o.add(inv, f.Accounts)
	})
	for p := range o.routed {
		if !slices.Contains(o.lengths, p.Bits()) {
			o.lengths = append(o.lengths, p.Bits())
		}
	}
	slices.SortFunc(o.lengths, func(a, b int) int { return b - a })
	v.table, v.owners = b.Table(v.lint.Findings), o
}

// add adds what the inventory of a file has, and the accounts that the file defines.
func (o *owners) add(inv *model.Inventory, accounts []source.Account) {
	for _, a := range accounts {
		name := strings.Clone(a.Name.Value) // the rest of the file is not to be kept
		for _, d := range a.Domains {
			o.domains[name] = append(o.domains[name], strings.Clone(d.Value))
		}
	}
	for _, r := range inv.Routed {
		s := r.Server
		o.routed[r.Prefix.Prefix] = owner{
			strings.Clone(s.Name.Value), strings.Clone(s.Server.Product.Value), strings.Clone(s.Server.Account.Value),
		}
	}
}

// of returns whom an address is routed to; nobody if that is the zero owner.
func (o *owners) of(addr netip.Addr) owner {
	for _, bits := range o.lengths {
		if p, err := addr.Prefix(bits); err == nil { // IPv4 has no such lengths
			if owner, ok := o.routed[p]; ok {
				return owner
			}
		}
	}
	return owner{}
}

// edited returns what v would be with edits, or why they cannot be made.
func (v *View) edited(
	edits []source.Edit, read func(string) ([]byte, error),
) (*View, *source.EditedFiles, diag.List, error) {
	files, wrong, err := v.files.Edit(edits, read)
	if err != nil || len(wrong) > 0 {
		return nil, nil, wrong, err
	}
	if len(files.Texts) == 0 {
		return v, files, nil, nil
	}
	w := &View{files: files.Files, forwards: v.forwards, wrong: v.wrong, owners: v.owners}
	if w.lint, err = v.check(files.Files, build.Options{Previous: v.lint}); err != nil {
		return nil, nil, nil, err
	}
	w.table = v.table.With(files.Changed, func(i int) *model.Inventory { return w.lint.Inventory(i) }, w.lint.Findings)
	return w, files, nil, nil
}

// number returns which of the files of v has a name; -1 if none does.
func (v *View) number(path string) int {
	for i := range v.files.Len() {
		if v.files.Path(i) == path {
			return i
		}
	}
	return -1
}

// textAt returns what a file holds at a commit.
func (e *Editor) textAt(ctx context.Context, commit, path string) ([]byte, error) {
	texts := e.o.Repository.Texts(ctx, commit)
	defer texts.Close()
	return texts.Read(path)
}

// Inventory returns the part of the source that lists an address, which is the frame alone if none does.
func (v *View) Inventory(addr netip.Addr) *model.Inventory {
	if r, ok := v.table.Row(addr); ok {
		if i := v.number(r.Pos.File); i >= 0 {
			return v.lint.Inventory(i)
		}
	}
	return v.lint.Inventory()
}
