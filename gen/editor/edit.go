package editor

import (
	"fmt"
	"net/netip"
	"time"

	"github.com/revmap/revmap/gen/diag"
	"github.com/revmap/revmap/gen/diff"
	"github.com/revmap/revmap/gen/report"
	"github.com/revmap/revmap/gen/repository"
	"github.com/revmap/revmap/gen/source"
)

// An Edit is what somebody wants an address to answer with.
type Edit struct {
	Addr netip.Addr `json:"address"`
	Name string     `json:"name"`          // reverse map name, with or without final dot; "" for the default
	TTL  string     `json:"ttl,omitempty"` // a duration, or source.DefaultTTL; "" leaves alone what is there
	// Was is the reverse map name that the person has seen, absolute, or "" for none; nil for whoever has seen none. An
	// edit of an address that has another name by now is a Conflict.
	Was *string `json:"was,omitempty"`
	// Others is how many names it had beside Was, if what a person's programs want has been kept.
	Others int `json:"others,omitempty"`
}

// Overtaken reports whether somebody has changed the name, which is another by now than the person has seen, and not the
// one that is wanted.
func (e Edit) Overtaken(is string) bool {
	return e.Was != nil && is != *e.Was && is != Absolute(e.Name)
}

// inSource returns e as a source takes it.
func (e Edit) inSource() source.Edit {
	return source.Edit{Addr: e.Addr, Name: e.Name, TTL: e.TTL, Pos: diag.Position{File: e.Addr.String()}}
}

// A Conflict is an edit of an address that has changed since the person has seen it.
type Conflict struct {
	Edit Edit
	Is   string             // the reverse map name that it has now, absolute; "" for none
	By   *repository.Commit // that changed it; nil if that is not known
}

// A Draft is what edits would do to a View. It is immutable.
type Draft struct {
	View      *View
	Edits     []Edit
	Conflicts []Conflict // if there are some, the rest is empty
	Refused   diag.List  // why the edits can't be made, e.g. a name that is no hostname; if there are some, the rest is empty
	Findings  diag.List  // all that lint says about the edited addresses as they would be
	Fresh     diag.List  // errors, anywhere, that the source does not have now: with them nothing can be proposed
	Review    *report.Review
	// Read returns what a file of the findings holds: as it would be.
	Read func(file string) ([]byte, error)

	now   time.Time
	texts []source.FileEdit
	of    func(netip.Addr) diag.List
}

// Of returns the findings about an address, those of Refused or of Findings.
func (d *Draft) Of(addr netip.Addr) diag.List { return d.of(addr) }

// Ready reports whether d can be proposed.
func (d *Draft) Ready() bool { return d.possible() && len(d.Review.Addresses) > 0 }

// possible reports whether nothing is wrong with d.
func (d *Draft) possible() bool {
	return len(d.Conflicts) == 0 && len(d.Refused) == 0 && len(d.Fresh) == 0
}

// empty reports whether the source says already what the edits of d want.
func (d *Draft) empty() bool { return d.possible() && len(d.Review.Addresses) == 0 }

// A Proposal is what somebody proposes.
type Proposal struct {
	Edits  []Edit
	Login  string              // of the person
	Author repository.Identity // the person
	Reason string              // why, in the person's words; may be empty
	Direct bool                // the commit is to go to the main branch, without a review
	// Together puts the edits into one commit with those that the person has proposed in this way before and that are
	// neither merged nor declined yet: for programs, which set one name after the other. Of these, only those stay that
	// the person may make still, whose addresses nobody else has named meanwhile, for which the person has made no later
	// proposal, and that lint has nothing against. What does not stay does not keep the new edits from being proposed.
	Together bool
	// May tells why the person may not make an edit of the newest View, which might not be the one that the person has
	// seen: then nothing is proposed. If it is nil, all may be made.
	May func(Edit) error
}

// A Proposed is what became of a Proposal.
type Proposed struct {
	Commit  string
	Branch  string
	Direct  bool   // Branch is the main branch, which has the edits now
	Pushed  bool   // the remote has it, too
	Warning string // why it has not; it can be pushed again
	Draft   *Draft
	Left    []Left // what the person's programs have proposed before, and is not in it any more
}

// An Open proposal waits for review.
type Open struct {
	Branch string    `json:"branch"`
	Commit string    `json:"commit"`
	Login  string    `json:"login"`
	Time   time.Time `json:"time"`
	Reason string    `json:"reason,omitempty"`
	Edits  []Edit    `json:"edits"`
	Pushed bool      `json:"pushed"`
	// Earlier are names, absolute, that the person has wanted for addresses of Edits before, if the proposal is one of
	// programs. If such a name comes to the main branch, nobody else has changed it.
	Earlier map[netip.Addr][]string `json:"earlier,omitempty"`
}

// A Version is what an address answered with from one commit on.
type Version struct {
	Commit repository.Commit
	Listed bool   // the file listed the address
	Name   string // reverse map name, absolute; "" for none
	TTL    uint32 // of its own, in seconds; 0 for that of all names
}

// A NotReadyError tells that a Draft cannot be proposed as it is.
type NotReadyError struct{ Draft *Draft }

func (e *NotReadyError) Error() string {
	d := e.Draft
	switch {
	case len(d.Conflicts) > 0:
		return fmt.Sprintf("%s has changed since you have seen it", d.Conflicts[0].Edit.Addr)
	case len(d.Refused) > 0:
		return d.Refused[0].Message
	case len(d.Fresh) > 0:
		return d.Fresh[0].Message
	}
	return "the source says so already"
}

// A GateError tells that a direct commit would do more than one may without a review.
type GateError struct {
	Stops []diff.Stop // at least one
	Draft *Draft
}

func (e *GateError) Error() string { return e.Stops[0].Message + ": that needs a review" }
