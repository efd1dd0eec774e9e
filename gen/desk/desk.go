// Package desk is what one person can see and do. Every question and every change goes through it, so that nothing is
// shown to or changed by somebody who may not.
package desk

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"iter"
	"net/netip"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"sync"

	"github.com/revmap/revmap/gen/check"
	"github.com/revmap/revmap/gen/diag"
	"github.com/revmap/revmap/gen/editor"
	"github.com/revmap/revmap/gen/gate"
	"github.com/revmap/revmap/gen/repository"
	"github.com/revmap/revmap/gen/table"
	"github.com/revmap/revmap/gen/users"
	"github.com/revmap/revmap/internal/durable"
)

// ErrUnknown tells that an address, server or proposal does not exist, or is none that the person may see.
var ErrUnknown = errors.New("there is no such address, server or proposal")

// A DeniedError tells what a person may not do.
type DeniedError struct{ Message string }

func (e *DeniedError) Error() string { return e.Message }

// Options tell what a Desk works on.
type Options struct {
	Editor *editor.Editor
	Dir    string        // for what people have collected; it must be there
	Check  check.Options // for asking real name servers; its callbacks are not used
	Direct []users.Role  // whose proposals become commits on the main branch, without a review

	// Done, if it is not nil, is called after each attempt to change the repository, with the context of the attempt.
	Done func(context.Context, Deed)
}

// A Deed is an attempt of somebody to change the repository.
type Deed struct {
	Person *users.Person
	What   string        // "propose", "withdraw" or "push"
	Edits  []editor.Edit // that were proposed
	Branch string        // "" if it did not come so far
	Commit string        // that was made
	Left   []editor.Left // what earlier edits the proposal has no longer
	Err    error         // why it failed; nil if it did not
}

// A Desk has a seat for everybody. It is safe for concurrent use.
type Desk struct {
	o         Options
	lock      sync.Mutex // for what people have collected
	drafts    *gate.Gate
	histories *gate.Gate
	proposals *gate.Gate // of which the Editor takes one at a time
	direct    *gate.Gate // commits, which wait for the remote: nobody else's proposal does
}

// New returns a Desk.
func New(o Options) *Desk {
	few := 2 * runtime.GOMAXPROCS(0)
	return &Desk{o: o, drafts: gate.New(few), histories: gate.New(few), proposals: gate.New(few), direct: gate.New(few)}
}

// For returns the seat of a person. It is cheap, and lasts no longer than a request.
func (d *Desk) For(p *users.Person) *Seat { return &Seat{d, p, d.o.Editor.View()} }

// A Seat is what one person sees of the newest View, and can do to it. What it returns is read-only.
type Seat struct {
	desk   *Desk
	person *users.Person
	view   *editor.View
}

// Person returns whose seat it is.
func (s *Seat) Person() *users.Person { return s.person }

// Direct reports whether what the person proposes becomes a commit on the main branch, without a review.
func (s *Seat) Direct() bool { return slices.Contains(s.desk.o.Direct, s.person.Role) }

// Remote reports whether proposals are pushed to a remote, where they are reviewed.
func (s *Seat) Remote() bool { return s.desk.o.Editor.Remote() }

// Commit returns the commit that is shown.
func (s *Seat) Commit() repository.Commit { return s.told(s.view.Commit()) }

// told returns a commit as the person may see it: what its message says may be about the names of others, unless it is
// the person's own.
func (s *Seat) told(c repository.Commit) repository.Commit {
	if s.person.Accounts != nil && c.Author != s.author() {
		c.Subject, c.Body = "", ""
	}
	return c
}

// author returns the person as Git knows one.
func (s *Seat) author() repository.Identity {
	return repository.Identity{Name: s.person.FullName, Email: s.person.Email}
}

// maxWords is how many words somebody looks for at most: each is a walk through all addresses.
const maxWords = 16

// List returns the addresses that the person sees and q asks for; none if it has more than maxWords. It sets
// q.Accounts.
func (s *Seat) List(q table.Query) table.Page {
	if len(strings.Fields(q.Text)) > maxWords {
		return table.Page{}
	}
	q.Accounts = s.person.Accounts
	return s.view.Table().Find(q)
}

// At returns what is known of an address, listed or not; ErrUnknown if the person may not see it.
func (s *Seat) At(addr netip.Addr) (table.Row, error) {
	r, ok := s.view.At(addr)
	if !ok || !s.person.Sees(r.Account) {
		return table.Row{}, ErrUnknown
	}
	return r, nil
}

// Unlisted goes through what is known of those of some addresses, which are ascending, that the source does not list and
// that are routed to a server which is wanted: "" if they are routed to none. Those are left out that the person may not
// see.
func (s *Seat) Unlisted(addrs []netip.Addr, wanted func(server string) bool) iter.Seq[table.Row] {
	return func(yield func(table.Row) bool) {
		for r := range s.view.Unlisted(addrs, wanted) {
			if s.person.Sees(r.Account) && !yield(r) {
				return
			}
		}
	}
}

// Findings returns what lint says about an address.
func (s *Seat) Findings(addr netip.Addr) diag.List {
	if _, err := s.At(addr); err != nil {
		return nil
	}
	return s.view.Table().Findings(addr)
}

// Others returns what lint says about no single address; nothing for a person who sees only some accounts.
func (s *Seat) Others() diag.List {
	if s.person.Accounts != nil {
		return nil
	}
	return s.view.Table().Others()
}

// Accounts returns the accounts that the person sees and that have servers, sorted.
func (s *Seat) Accounts() []string {
	all := s.view.Table().Accounts()
	if s.person.Accounts == nil {
		return all
	}
	return slices.DeleteFunc(slices.Clone(all), func(a string) bool { return !s.person.Sees(a) })
}

// Blocks returns the blocks, by prefix; none for a person who sees only some accounts.
func (s *Seat) Blocks() []netip.Prefix {
	if s.person.Accounts != nil {
		return nil
	}
	return s.view.Table().Blocks()
}

// Domains returns the domains in which a name of an address should lie: those of its account.
func (s *Seat) Domains(addr netip.Addr) []string {
	r, err := s.At(addr)
	if err != nil {
		return nil
	}
	return s.view.Domains(r.Account)
}

// Server returns a server; ErrUnknown if the person may not see it.
func (s *Seat) Server(name string) (editor.Server, error) {
	server, ok := s.view.Server(name)
	if !ok || !s.person.Sees(server.Account) {
		return editor.Server{}, ErrUnknown
	}
	return server, nil
}

// MayEdit returns nil if the person may give an address a name, "" for the default; else ErrUnknown or a *DeniedError.
func (s *Seat) MayEdit(addr netip.Addr, name string) error {
	r, err := s.At(addr)
	switch {
	case err != nil:
		return err
	case s.person.ReadOnly:
		return &DeniedError{"this token is for reading only"}
	case !s.person.MayEdit():
		return &DeniedError{"you may look at names, but not change them"}
	case name == "" || s.person.Role == users.Operator:
		return nil
	}
	name = editor.Absolute(name) // if it is none, a Draft tells what is wrong with it
	if name == r.Hostname {
		return nil
	}
	domains := s.view.Domains(r.Account)
	if len(domains) == 0 {
		return &DeniedError{fmt.Sprintf("account %q has no domains yet: ask for yours to be added", r.Account)}
	}
	for _, d := range domains {
		if name == d || strings.HasSuffix(name, "."+d) {
			return nil
		}
	}
	listed := strings.TrimSuffix(strings.ReplaceAll(strings.Join(domains, " "), ". ", ", "), ".")
	return &DeniedError{fmt.Sprintf("%q lies in none of the domains of account %q: %s",
		strings.TrimSuffix(name, "."), r.Account, listed)}
}

// mayEdit is MayEdit for several edits.
func (s *Seat) mayEdit(edits []editor.Edit) error {
	for _, e := range edits {
		if err := s.MayEdit(e.Addr, e.Name); err != nil {
			var denied *DeniedError
			if len(edits) == 1 {
				return err
			} else if errors.As(err, &denied) {
				return &DeniedError{fmt.Sprintf("%s: %s", e.Addr, denied.Message)}
			}
			return fmt.Errorf("%s: %w", e.Addr, err)
		}
	}
	return nil
}

// Collected returns the person's edits that are not yet proposed, by address.
func (s *Seat) Collected() ([]editor.Edit, error) {
	s.desk.lock.Lock()
	defer s.desk.lock.Unlock()
	return s.collected()
}

func (s *Seat) file() string { return filepath.Join(s.desk.o.Dir, s.person.Login+".json") }

func (s *Seat) collected() ([]editor.Edit, error) {
	data, err := os.ReadFile(s.file())
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	var edits []editor.Edit
	if err == nil {
		err = json.Unmarshal(data, &edits)
	}
	if err != nil {
		return nil, fmt.Errorf("read collected changes: %s: %w", s.file(), err)
	}
	return edits, nil
}

// change replaces what the person has collected, unless f returns an error.
func (s *Seat) change(f func([]editor.Edit) ([]editor.Edit, error)) error {
	s.desk.lock.Lock()
	defer s.desk.lock.Unlock()
	edits, err := s.collected()
	if err != nil {
		return err
	}
	if edits, err = f(edits); err != nil {
		return err
	}
	slices.SortFunc(edits, func(a, b editor.Edit) int { return a.Addr.Compare(b.Addr) })
	data, err := json.MarshalIndent(edits, "", "\t")
	if err == nil {
		err = durable.WriteFile(s.file(), data)
	}
	if err != nil {
		return fmt.Errorf("keep collected changes: %w", err)
	}
	return nil
}

// maxCollected is how many edits a person collects at most: more than anybody types.
const maxCollected = 1000

// Collect keeps edits until they are proposed, each in place of an earlier one of the same address. One that gives an
// address the name that it has takes the earlier one away.
func (s *Seat) Collect(edits ...editor.Edit) error {
	if err := s.mayEdit(edits); err != nil {
		return err
	}
	return s.change(func(have []editor.Edit) ([]editor.Edit, error) {
		for _, e := range edits {
			have = slices.DeleteFunc(have, func(h editor.Edit) bool { return h.Addr == e.Addr })
			if !s.view.Has(e) {
				have = append(have, e)
			}
		}
		if len(have) > maxCollected {
			return nil, &DeniedError{fmt.Sprintf("you have %d changes already: propose them first", maxCollected)}
		}
		return have, nil
	})
}

// Discard forgets the collected edits of addresses, or all if none are given.
func (s *Seat) Discard(addrs ...netip.Addr) error {
	return s.change(func(have []editor.Edit) ([]editor.Edit, error) {
		return slices.DeleteFunc(have, func(h editor.Edit) bool {
			return len(addrs) == 0 || slices.Contains(addrs, h.Addr)
		}), nil
	})
}

// Draft returns what edits would do.
func (s *Seat) Draft(ctx context.Context, edits []editor.Edit) (*editor.Draft, error) {
	if err := s.mayEdit(edits); err != nil {
		return nil, err
	}
	leave, err := s.desk.drafts.Enter(ctx, s.person.Login)
	if err != nil {
		return nil, err
	}
	defer leave()
	d, err := s.desk.o.Editor.Draft(ctx, edits)
	if err != nil {
		return nil, err
	}
	for i := range d.Conflicts { // it is nobody else's draft
		if by := d.Conflicts[i].By; by != nil {
			*by = s.told(*by)
		}
	}
	s.hideCounts(d)
	return d, nil
}

// hideCounts takes out of what gates say how many names others have.
func (s *Seat) hideCounts(d *editor.Draft) {
	if s.person.Accounts == nil || d.Review == nil {
		return
	}
	for i := range d.Review.Stops {
		d.Review.Stops[i].Message = "so many names at once are for somebody to allow who sees all of them"
	}
}

// Propose proposes edits, which leave the collected ones then. Errors are ErrUnknown, *DeniedError and those of
// Editor.Propose.
func (s *Seat) Propose(
	ctx context.Context, edits []editor.Edit, reason string, together bool,
) (done *editor.Proposed, err error) {
	defer func() {
		d := Deed{What: "propose", Edits: edits, Err: err}
		if done != nil {
			d.Branch, d.Commit, d.Left = done.Branch, done.Commit, done.Left
		}
		s.did(ctx, d)
	}()
	if err := s.mayEdit(edits); err != nil {
		return nil, err
	}
	if reason, err = reasonOf(reason); err != nil {
		return nil, err
	}
	door := s.desk.proposals
	if s.Direct() {
		door = s.desk.direct
	}
	leave, err := door.Enter(ctx, s.person.Login)
	if err != nil {
		return nil, err
	}
	defer leave()
	if err := s.room(len(edits)); err != nil {
		return nil, err
	}
	done, err = s.desk.o.Editor.Propose(ctx, editor.Proposal{
		Edits: edits, Login: s.person.Login, Reason: reason, Together: together, Direct: s.Direct(),
		Author: s.author(),
		May:    func(e editor.Edit) error { return s.desk.For(s.person).MayEdit(e.Addr, e.Name) },
	})
	var stopped *editor.GateError
	if errors.As(err, &stopped) {
		s.hideCounts(stopped.Draft)
		stopped.Stops = stopped.Draft.Review.Stops
	}
	if err != nil {
		return done, err
	}
	s.view = s.desk.o.Editor.View()
	return done, s.change(func(have []editor.Edit) ([]editor.Edit, error) {
		return slices.DeleteFunc(have, func(h editor.Edit) bool {
			return slices.ContainsFunc(edits, func(e editor.Edit) bool { return e.Addr == h.Addr && e.Name == h.Name })
		}), nil
	})
}

// What of one person waits for review at most, so that nobody fills the disk.
const (
	maxOpen  = 1000    // proposals
	maxEdits = 300_000 // in them
)

// room returns an error if so many more edits are too many.
func (s *Seat) room(edits int) error {
	open := 0
	for _, o := range s.desk.o.Editor.Open() {
		if o.Login == s.person.Login {
			open++
			edits += len(o.Edits)
		}
	}
	if open >= maxOpen || open > 0 && edits > maxEdits {
		return &DeniedError{fmt.Sprintf("%d proposals of yours wait for review: withdraw some, or wait until some are merged",
			open)}
	}
	return nil
}

// did tells of a deed.
func (s *Seat) did(ctx context.Context, d Deed) {
	if s.desk.o.Done != nil {
		d.Person = s.person
		s.desk.o.Done(ctx, d)
	}
}

// Open returns the proposals that wait for review, by time: the person's own, or everybody's for one who sees everything.
func (s *Seat) Open() []editor.Open {
	return slices.DeleteFunc(s.desk.o.Editor.Open(), func(o editor.Open) bool {
		return s.person.Accounts != nil && o.Login != s.person.Login
	})
}

// own returns nil if the person may decide on the proposal on a branch.
func (s *Seat) own(branch string) error {
	for _, o := range s.Open() {
		switch {
		case o.Branch != branch:
		case !s.person.MayEdit(), o.Login != s.person.Login && s.person.Role != users.Operator:
			return &DeniedError{"this proposal is for others to decide on"}
		default:
			return nil
		}
	}
	return ErrUnknown
}

// Withdraw takes a proposal back.
func (s *Seat) Withdraw(ctx context.Context, branch string) (err error) {
	defer func() { s.did(ctx, Deed{What: "withdraw", Branch: branch, Err: err}) }()
	if err := s.own(branch); err != nil {
		return err
	}
	return s.desk.o.Editor.Withdraw(ctx, branch)
}

// Push pushes the branch of a proposal again.
func (s *Seat) Push(ctx context.Context, branch string) (err error) {
	defer func() { s.did(ctx, Deed{What: "push", Branch: branch, Err: err}) }()
	if err := s.own(branch); err != nil {
		return err
	}
	return s.desk.o.Editor.Push(ctx, branch)
}

// versions is how many states of an address its history has at most.
const versions = 20

// History returns what the source has said of an address, the newest first, since it is one that the person may see.
func (s *Seat) History(ctx context.Context, addr netip.Addr) ([]editor.Version, error) {
	if _, err := s.At(addr); err != nil {
		return nil, err
	}
	leave, err := s.desk.histories.Enter(ctx, s.person.Login)
	if err != nil {
		return nil, err
	}
	defer leave()
	list, err := s.desk.o.Editor.History(ctx, addr, versions, s.person.Sees)
	for i := range list {
		list[i].Commit = s.told(list[i].Commit)
	}
	return list, err
}

// Check asks real name servers for an address.
func (s *Seat) Check(ctx context.Context, addr netip.Addr) (*check.Address, error) {
	if _, err := s.At(addr); err != nil {
		return nil, err
	}
	o := s.desk.o.Check
	if !o.Resolver.IsValid() {
		resolver, err := check.SystemResolver()
		if err != nil {
			return nil, err
		}
		o.Resolver = resolver
	}
	var found *check.Address
	o.Address = func(a *check.Address) { found = a }
	if err := check.Run(ctx, s.view.Inventory(addr), []netip.Addr{addr}, o); err != nil {
		return nil, err
	}
	if found == nil {
		return nil, ErrUnknown
	}
	return found, nil
}
