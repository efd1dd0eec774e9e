// Package editor keeps the current state of a source that is in a Git repository, and makes commits of edits.
package editor

import (
	"context"
	"errors"
	"fmt"
	"runtime/debug"
	"sync"
	"sync/atomic"
	"time"

	"github.com/revmap/revmap/gen/cache"
	"github.com/revmap/revmap/gen/diff"
	"github.com/revmap/revmap/gen/repository"
)

// An Editor is a source that many people edit at once. It is safe for concurrent use.
type Editor struct {
	o     Options
	write sync.Mutex // held by whoever moves a branch, but not while the remote is asked: nobody else waits for that
	// direct is held by whoever makes commits for the main branch of a remote, before write. Else the remote would refuse
	// most of those that are made at once.
	direct sync.Mutex
	// remote has a value in it while somebody speaks with the remote about the branch of a proposal. Nobody who holds write
	// waits for it, or asks for write while holding it.
	remote chan struct{}
	view   atomic.Pointer[View]
	stale  atomic.Bool // view is not of the newest commit, which could not be read
	// unreadable is why, if that is the fault of the commit.
	unreadable atomic.Pointer[StaleError]
	open       proposals
}

// Options tell what to edit, and how.
type Options struct {
	Repository *repository.Repository // closed by Close
	Cache      *cache.Cache           // may be nil
	Remote     bool                   // the Repository has one, and branches are pushed to it
	Limits     diff.Limits            // of what a direct commit may do
}

// Start reads the source at the tip of the main branch. Findings are no error; if they leave it open what the source
// says, the View is of the newest commit before it that can be read, and nothing can be edited until there is a better
// one. It is an error if there is none.
func Start(ctx context.Context, o Options) (*Editor, error) {
	e := &Editor{o: o, remote: make(chan struct{}, 1)}
	if err := e.open.load(o.Repository.StateDir()); err != nil {
		return nil, err
	}
	err := e.Refresh(ctx)
	var tip *StaleError
	if errors.As(err, &tip) {
		err = e.fallBack(ctx, tip)
	}
	return e, err
}

// maxBack is how many commits Start tries to read before the newest. It does not try those that have the same mistake.
const maxBack = 100

// fallBack makes the View of the newest commit that can be read before the tip of the main branch. Without it, nobody
// would seem to have an address: programs would take all their servers for deleted.
func (e *Editor) fallBack(ctx context.Context, tip *StaleError) error {
	tried := 0
	for bad := tip; tried < maxBack; tried++ {
		c, ok, err := e.o.Repository.Before(ctx, bad.Commit, bad.files...)
		if err != nil {
			return err
		}
		if !ok {
			break
		}
		v, err := e.read(ctx, c, nil)
		if errors.As(err, &bad) {
			continue
		}
		if err == nil {
			e.view.Store(v)
			debug.FreeOSMemory()
		}
		return err
	}
	return fmt.Errorf("%w; nor can one of the %d commits before it that were tried: commit a source that can be read",
		tip, tried)
}

// Remote reports whether branches are pushed to a remote.
func (e *Editor) Remote() bool { return e.o.Remote }

// Close lets go of the repository.
func (e *Editor) Close() error { return e.o.Repository.Close() }

// View returns the newest View.
func (e *Editor) View() *View { return e.view.Load() }

// Stale reports whether the View is an older one, since the newest commit could not be read.
func (e *Editor) Stale() bool { return e.stale.Load() }

// Refresh makes a new View if the main branch has moved, and forgets proposals that are merged or gone. If there is an
// error, the View stays. Findings that leave it open what the source says are one.
func (e *Editor) Refresh(ctx context.Context) error {
	e.write.Lock()
	defer e.write.Unlock()
	return e.refresh(ctx)
}

func (e *Editor) refresh(ctx context.Context) error {
	err := e.renew(ctx)
	if ctx.Err() == nil { // else it is only that nobody waits for it any more
		e.stale.Store(err != nil)
		var unreadable *StaleError
		if errors.As(err, &unreadable) || err == nil { // else it is not known what the newest commit is
			e.unreadable.Store(unreadable)
		}
	}
	if err != nil {
		return err
	}
	return e.settle(ctx)
}

// renew makes a new View if the main branch has moved.
func (e *Editor) renew(ctx context.Context) error {
	tip, err := e.o.Repository.Tip(ctx)
	if err != nil {
		return err
	}
	v := e.View()
	if v == nil || v.commit.ID != tip.ID {
		if v, err = e.read(ctx, tip, v); err != nil {
			return err
		}
		e.view.Store(v)
		debug.FreeOSMemory() // to read a View takes several times the memory that it keeps
	}
	return nil
}

// Fetch gets what the remote has of the main branch, and makes a new View of it. Then it pushes proposals that the remote
// did not take when they were made.
func (e *Editor) Fetch(ctx context.Context) error {
	news, err := e.o.Repository.Ask(ctx)
	if err != nil {
		return err
	}
	if err := e.follow(ctx, news); err != nil {
		return err
	}
	for _, o := range e.open.all() {
		if o.Pushed || !e.o.Remote {
			continue
		}
		var push *repository.PushError
		if err := e.push(ctx, o.Branch, o.Commit); err != nil && !(errors.As(err, &push) && push.Rejected) {
			break // it takes no others either, and people see that they are not pushed
		}
	}
	return nil
}

func (e *Editor) follow(ctx context.Context, news *repository.News) error {
	e.write.Lock()
	defer e.write.Unlock()
	if err := e.o.Repository.Follow(ctx, news); err != nil {
		return err
	}
	return e.refresh(ctx)
}

// Propose makes a commit of edits: on a branch of their own, or if it is direct on the main branch. The error is a
// *NotReadyError if they are no good as they are, a *GateError if they do more than a direct commit may, and a
// *StaleError if the newest commit of the main branch cannot be read.
func (e *Editor) Propose(ctx context.Context, p Proposal) (*Proposed, error) {
	done, err := e.proposeHere(ctx, p)
	if err != nil || !e.o.Remote || done.Pushed || done.Branch == "" {
		return done, err
	}
	if err := e.push(ctx, done.Branch, done.Commit); err != nil {
		done.Warning = fmt.Sprintf("%v; the branch is kept here, and can be pushed again", err)
	} else {
		done.Pushed = true
	}
	return done, nil
}

// proposeHere is Propose, but does not push the branch of a proposal.
func (e *Editor) proposeHere(ctx context.Context, p Proposal) (*Proposed, error) {
	if p.Direct && e.o.Remote {
		e.direct.Lock()
		defer e.direct.Unlock()
	}
	e.write.Lock()
	defer e.write.Unlock()
	for attempt := 0; ; attempt++ {
		if err := e.refresh(ctx); err != nil {
			return nil, err
		}
		done, err := e.propose(ctx, p)
		var push *repository.PushError
		switch {
		case attempt == 3:
		case errors.Is(err, repository.ErrMoved):
			continue
		case errors.As(err, &push) && push.Rejected: // somebody has pushed since the last Fetch
			if err := e.fetchApart(ctx); err != nil {
				return nil, err
			}
			continue
		}
		return done, err
	}
}

// apart speaks with the remote without holding write, which the caller holds.
func (e *Editor) apart(speak func() error) error {
	e.write.Unlock()
	defer e.write.Lock()
	return speak()
}

// fetchApart gets what the remote has of the main branch. The caller holds write.
func (e *Editor) fetchApart(ctx context.Context) error {
	var news *repository.News
	if err := e.apart(func() (err error) {
		news, err = e.o.Repository.Ask(ctx)
		return err
	}); err != nil {
		return err
	}
	return e.o.Repository.Follow(ctx, news)
}

func (e *Editor) propose(ctx context.Context, p Proposal) (*Proposed, error) {
	may := p.May
	if may == nil {
		may = func(Edit) error { return nil }
	}
	edits := p.Edits
	for _, edit := range edits {
		if err := may(edit); err != nil {
			return nil, err
		}
	}
	var (
		before *Open
		older  []Edit
		left   []Left
	)
	if p.Together && !p.Direct {
		edits = e.View().asOf(edits)
		if before = e.open.ofPrograms(p.Login); before != nil {
			older, left = e.standing(before, edits, may)
		}
	}
	d, next, more, err := e.beside(ctx, older, edits)
	if err != nil {
		return nil, err
	}
	left = append(left, more...)
	if !d.Ready() {
		if before != nil && d.empty() { // programs have taken back all that they had proposed
			return &Proposed{Draft: d, Left: left}, e.withdraw(ctx, before)
		}
		return nil, &NotReadyError{d}
	}
	if p.Direct {
		return e.commit(ctx, p, d, next)
	}
	done, err := e.branch(ctx, p, d, left, before)
	if done != nil {
		done.Left = left
	}
	return done, err
}

// commit makes d the tip of the main branch.
func (e *Editor) commit(ctx context.Context, p Proposal, d *Draft, next *View) (*Proposed, error) {
	if len(d.Review.Stops) > 0 {
		return nil, &GateError{d.Review.Stops, d}
	}
	id, err := e.make(ctx, p, d, nil)
	if err != nil {
		return nil, err
	}
	if err := e.o.Repository.Advance(ctx, d.View.commit.ID, id, e.apart); err != nil {
		return nil, err
	}
	done := &Proposed{Commit: id, Branch: e.o.Repository.Branch(), Direct: true, Pushed: e.o.Remote, Draft: d}
	tip, err := e.o.Repository.Tip(ctx)
	if err != nil || tip.ID != id { // the next Refresh finds out
		return done, nil
	}
	next.commit = tip
	e.view.Store(next)
	return done, nil
}

// branch puts d on a branch of its own, or in the place of an earlier proposal, of which some edits are left out.
func (e *Editor) branch(ctx context.Context, p Proposal, d *Draft, left []Left, before *Open) (*Proposed, error) {
	id, err := e.make(ctx, p, d, left)
	if err != nil {
		return nil, err
	}
	o := Open{Commit: id, Login: p.Login, Time: d.now, Reason: p.Reason, Edits: d.Edits}
	if p.Together {
		o.Earlier = e.open.earlier(p.Login, d.Edits)
	}
	if before != nil && before.Commit == id { // in the same second, with edits that make no other text of the source
		o.Branch, o.Pushed = before.Branch, before.Pushed
		return &Proposed{Commit: id, Branch: o.Branch, Pushed: o.Pushed, Draft: d}, e.open.replace(*before, o)
	}
	from := ""
	if before != nil {
		o.Branch, from = before.Branch, before.Commit
	} else if o.Branch, from, err = e.newBranch(ctx, p, d.now); err != nil {
		return nil, err
	}
	// It is written down before it is there: what has no branch is forgotten, but a branch must not be unknown.
	if err := e.open.add(o); err != nil {
		return nil, err
	}
	if err := e.o.Repository.SetBranch(ctx, o.Branch, from, id); err != nil {
		return nil, errors.Join(err, e.open.remove(o))
	}
	done := &Proposed{Commit: id, Branch: o.Branch, Draft: d}
	if before != nil {
		if err := e.open.remove(*before); err != nil {
			return done, err
		}
	}
	return done, nil
}

// Push pushes the branch of a proposal again.
func (e *Editor) Push(ctx context.Context, branch string) error {
	o := e.open.of(branch)
	if o == nil {
		return errUnknownBranch(branch)
	}
	return e.push(ctx, branch, o.Commit)
}

// push pushes a branch, which may have gone on from a commit.
func (e *Editor) push(ctx context.Context, branch, commit string) error {
	if err := e.waitForRemote(ctx); err != nil {
		return err
	}
	defer e.leaveRemote()
	if err := e.o.Repository.Push(ctx, branch); err != nil {
		return err
	}
	return e.open.pushed(Open{Branch: branch, Commit: commit})
}

// patience is how long somebody waits until the remote is done with the branches of others.
const patience = 10 * time.Second

func (e *Editor) waitForRemote(ctx context.Context) error {
	select {
	case e.remote <- struct{}{}:
		return nil
	case <-time.After(patience):
		return errors.New("the remote has not yet answered to an earlier question")
	case <-ctx.Done():
		return ctx.Err()
	}
}

func (e *Editor) leaveRemote() { <-e.remote }

// ErrChanged tells that a proposal is not any more what somebody has decided on.
var ErrChanged = errors.New("the proposal has changed meanwhile, or is gone: look at it again")

// Withdraw takes a proposal back: its branch goes. The error is ErrChanged if there is another one in its place, or none,
// before that is done: what is proposed while the remote is asked is nothing that anybody wants to take back.
func (e *Editor) Withdraw(ctx context.Context, branch string) error {
	e.write.Lock()
	defer e.write.Unlock()
	o := e.open.of(branch)
	if o == nil {
		return errUnknownBranch(branch)
	}
	err := e.withdraw(ctx, o)
	if errors.Is(err, repository.ErrMoved) {
		return fmt.Errorf("withdraw %s: %w", branch, ErrChanged)
	}
	return err
}

// withdraw is Withdraw for a caller who holds write.
func (e *Editor) withdraw(ctx context.Context, o *Open) error {
	err := e.apart(func() error {
		if err := e.waitForRemote(ctx); err != nil {
			return fmt.Errorf("withdraw %s: %w", o.Branch, err)
		}
		defer e.leaveRemote()
		return e.o.Repository.DeleteBranch(ctx, o.Branch, o.Commit)
	})
	if err != nil {
		return err
	}
	return e.settle(ctx) // by now, another proposal can be on a branch of that name
}

func errUnknownBranch(branch string) error { return fmt.Errorf("no proposal is on branch %s", branch) }

// Open returns the proposals that are neither merged nor declined, by time.
func (e *Editor) Open() []Open { return e.open.all() }
