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
}

// A Result is what is known of a source. It is immutable and safe for concurrent use.
type Result struct {
	Findings  diag.List          // those of lint.Run
	Files     []string           // paths of all files, root first
	inv       *model.Inventory   // all of the source, or the frame if there are fragments
	fragments []compile.Fragment // of all parts; nil if inv is all of the source
}

// Lint returns what gen/lint finds in a source.
func Lint(files *source.Files, o Options) (*Result, error) {
	if len(files.Forwards()) == 0 {
		if r := parts(files, o); r != nil {
			return r, nil
		}
	}
	return whole(files, o)
}

// Compile makes a snapshot as compile.Compile does. The findings must have no error among them.
func (r *Result) Compile(o compile.Options) (*snapshot.Builder, error) {
	if r.fragments == nil {
		return compile.Compile(r.inv, o)
	}
	return compile.Join(r.inv, r.fragments, o)
}

// whole lints a source at once.
func whole(files *source.Files, o Options) (*Result, error) {
	s, found := files.Join()
	zones, wrong, err := forward.Load(s)
	if err != nil {
		return nil, err
	}
	inv := model.Build(s)
	list := lint.Run(inv, slices.Concat(found, wrong), lint.Options{Today: o.Today, Forwards: zones})
	return &Result{Findings: list, Files: s.Files, inv: inv}, nil
}

// parts lints a source file by file. It returns nil if so many files have something to do with each other that it is
// better to take the whole.
func parts(files *source.Files, o Options) *Result {
	b := newBuilder(files, o)
	p := progress{report: o.Progress, total: files.Len()}
	list := b.parts(p.one)
	joint, ok := b.together(list)
	if !ok {
		return nil
	}
	r := &Result{Files: b.frame.Source.Files, inv: b.frame, fragments: []compile.Fragment{}}
	found := []lint.Partial{b.linter.Frame()}
	for i := range list {
		if p := &list[i]; !p.joint {
			joint = append(joint, *p)
		}
	}
	for i := range joint {
		found = append(found, joint[i].findings)
		r.fragments = append(r.fragments, joint[i].fragment)
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
