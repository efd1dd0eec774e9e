// Package build lints and compiles a source file by file where that gives the same as doing so with all of it at once, in
// parallel, and keeps what it found out about each file for the next run.
//
// What the files share, their frame, is read first: blocks, products, defaults. Then each file is resolved in that frame
// with no entries but its own, linted, made a fragment of the snapshot, and dropped. Files with entries that can matter to
// each other, such as the same address or name, are taken together. See
// docs/decisions/0023-a-source-is-taken-apart.md.
package build

import (
	"slices"
	"sync"
	"time"

	"github.com/revmap/revmap/gen/cache"
	"github.com/revmap/revmap/gen/compile"
	"github.com/revmap/revmap/gen/diag"
	"github.com/revmap/revmap/gen/forward"
	"github.com/revmap/revmap/gen/lint"
	"github.com/revmap/revmap/gen/model"
	"github.com/revmap/revmap/gen/source"
	"github.com/revmap/revmap/internal/snapshot"
)

// Options are what a build depends on beside the source.
type Options struct {
	Today    time.Time             // the day on which waivers are judged
	Cache    *cache.Cache          // has what earlier runs found out; nil if there is none
	Progress func(done, total int) // called when one more of the files is linted, by one goroutine at a time; may be nil
	// Forwards reads the forward zone files that the source names, with what is wrong with them; nil stands for
	// forward.Load. It is called only if the source names some.
	Forwards func() (*forward.Zones, diag.List, error)
	// Keep makes the Result keep what was found out about each file: for Inventory, and to be Previous of another one.
	Keep bool
	// Previous is a Result with Keep of the same source at another time, or nil. What it knows of files that have not
	// changed is not found out again: of a thousand files with a million addresses, one that has changed takes some
	// hundredths of a second. It helps little if the whole has to be taken, as with forward zone files.
	Previous *Result
}

// A Result is what is known of a source. It is immutable and safe for concurrent use.
type Result struct {
	Findings  diag.List          // those of lint.Run
	Files     []string           // paths of all files, root first
	inv       *model.Inventory   // all of the source, or the frame if there are fragments; nil if kept has the source
	fragments []compile.Fragment // of all parts; nil if the whole was taken
	kept      *builder           // nil without Options.Keep
}

// Lint returns what gen/lint finds in a source.
func Lint(files *source.Files, o Options) (*Result, error) {
	apart := len(files.Forwards()) == 0
	var b *builder
	if apart || o.Keep {
		b = newBuilder(files, o)
	}
	var r *Result
	if apart {
		r = b.result()
	}
	if r == nil {
		var err error
		if r, err = whole(files, o); err != nil {
			return nil, err
		}
		if o.Keep {
			r.inv = nil // which takes ten times as much memory as the files
		}
	}
	if o.Keep {
		b.o, b.previous = Options{}, nil
		r.kept = b
	}
	return r, nil
}

// Compile makes a snapshot as compile.Compile does. The findings must have no error among them.
func (r *Result) Compile(o compile.Options) (*snapshot.Builder, error) {
	switch {
	case r.fragments != nil:
		return compile.Join(r.inv, r.fragments, o)
	case r.inv == nil:
		s, _ := r.kept.files.Join()
		return compile.Compile(model.Build(s), o)
	}
	return compile.Compile(r.inv, o)
}

// Inventory returns what some files say, given by their numbers, in the frame of the source and with the accounts that
// their servers have. With no files it is the frame: what all of them share. Of waivers, it has those of all files. The
// Result must be one with Keep; what is returned is the caller's.
func (r *Result) Inventory(files ...int) *model.Inventory { return r.kept.inventory(files) }

// whole lints a source at once.
func whole(files *source.Files, o Options) (*Result, error) {
	s, found := files.Join()
	load := o.Forwards
	if load == nil {
		load = func() (*forward.Zones, diag.List, error) { return forward.Load(s) }
	}
	zones, wrong, err := load()
	if err != nil {
		return nil, err
	}
	inv := model.Build(s)
	list := lint.Run(inv, slices.Concat(found, wrong), lint.Options{Today: o.Today, Forwards: zones})
	return &Result{Findings: list, Files: s.Files, inv: inv}, nil
}

// result lints a source file by file. It returns nil if so many files have something to do with each other that it is
// better to take the whole.
func (b *builder) result() *Result {
	p := progress{report: b.o.Progress, total: b.files.Len()}
	b.parts(p.one)
	if !b.together() {
		return nil
	}
	r := &Result{Files: b.frame.Source.Files, inv: b.frame, fragments: []compile.Fragment{}}
	found := []lint.Partial{b.linter.Frame()}
	add := func(p *part) {
		found = append(found, p.findings)
		r.fragments = append(r.fragments, p.fragment)
	}
	for i := range b.joint {
		add(&b.joint[i].part)
	}
	for i := range b.list {
		if !b.list[i].joint {
			add(&b.list[i])
		}
	}
	r.Findings = b.linter.Finish(found, b.found, b.frame.Source.Waivers)
	return r
}

// progress counts what is done.
type progress struct {
	report      func(done, total int)
	total, done int
	lock        sync.Mutex
}

func (p *progress) one() {
	if p.report == nil {
		return
	}
	p.lock.Lock()
	defer p.lock.Unlock()
	p.done++
	p.report(p.done, p.total)
}
