package editor

import (
	"context"
	"fmt"
	"net/netip"
	"slices"
)

// A Left is an edit that a person's programs have proposed before, and that is not proposed any more.
type Left struct {
	Edit
	Why string `json:"why"`
}

// asOf returns edits that tell what v says of their addresses, so that it can be seen later whether somebody has changed
// that. Those that tell what the person has seen keep it.
func (v *View) asOf(edits []Edit) []Edit {
	edits = slices.Clone(edits)
	for i := range edits {
		if edits[i].Was == nil {
			was, others := v.names(edits[i].Addr)
			edits[i].Was, edits[i].Others = &was, others
		}
	}
	return edits
}

// names returns the reverse map name of an address, and how many others it has.
func (v *View) names(addr netip.Addr) (name string, others int) {
	r, _ := v.At(addr)
	return r.Name, max(0, r.Names-1)
}

// standing returns which edits of an earlier proposal still hold, now that its person wants others. Not among them are
// those in whose place newer ones came, and those that were merged; the rest is left.
func (e *Editor) standing(before *Open, newer []Edit, may func(Edit) error) (edits []Edit, left []Left) {
	again := make(map[netip.Addr]bool, len(newer))
	for _, edit := range newer {
		again[edit.Addr] = true
	}
	later := e.open.later(before)
	v := e.View()
	for _, edit := range before.Edits {
		was := edit.Was
		is, others := v.names(edit.Addr)
		denied := may(edit)
		switch {
		case again[edit.Addr]:
		case denied != nil:
			left = append(left, Left{edit, denied.Error()})
		case later[edit.Addr] != "":
			left = append(left, Left{edit, later[edit.Addr] + " asks for this address, too, and later"})
		case was == nil: // it was kept before this was written down
			edit.Was, edit.Others = &is, others
			edits = append(edits, edit)
		case *was == is && edit.Others == others:
			edits = append(edits, edit)
		case v.Has(edit):
		case others > edit.Others:
			left = append(left, Left{edit, fmt.Sprintf("it has %d names since", others+1)})
		case is == Absolute(edit.Name): // but not with that TTL, or not alone
			edits = append(edits, edit)
		case slices.Contains(before.Earlier[edit.Addr], is): // what was merged is older
			edit.Was, edit.Others = &is, others
			edits = append(edits, edit)
		case is == "":
			left = append(left, Left{edit, "its name was taken away since"})
		default:
			left = append(left, Left{edit, "it was named " + is + " since"})
		}
	}
	return edits, left
}

// beside drafts edits together with older ones, of which those are left out that keep it from being possible. If it is
// the newer ones that are no good, it is a draft of them alone.
func (e *Editor) beside(ctx context.Context, older, edits []Edit) (*Draft, *View, []Left, error) {
	d, next, err := e.draft(ctx, slices.Concat(older, edits))
	if err != nil || d.possible() || len(older) == 0 {
		return d, next, nil, err
	}
	if d, next, err = e.draft(ctx, edits); err != nil || !d.possible() {
		return d, next, nil, err
	}
	_, left, err := e.sift(ctx, edits, older)
	if err != nil {
		return nil, nil, nil, err
	}
	older = slices.DeleteFunc(slices.Clone(older), func(o Edit) bool {
		return slices.ContainsFunc(left, func(l Left) bool { return l.Addr == o.Addr })
	})
	d, next, err = e.draft(ctx, slices.Concat(older, edits))
	return d, next, left, err
}

// sift adds to edits that are possible as many others as are possible with them, which it finds by halves: what an error
// is about need not be the address that was edited.
func (e *Editor) sift(ctx context.Context, good, others []Edit) (all []Edit, left []Left, err error) {
	d, _, err := e.draft(ctx, slices.Concat(good, others))
	switch {
	case err != nil:
		return nil, nil, err
	case d.possible():
		return d.Edits, nil, nil
	case len(others) == 1:
		f := slices.Concat(d.Refused, d.Fresh)[0]
		return good, []Left{{others[0], fmt.Sprintf("%s [%s]", f.Message, f.Rule)}}, nil
	}
	for _, half := range [][]Edit{others[:len(others)/2], others[len(others)/2:]} {
		var more []Left
		if good, more, err = e.sift(ctx, good, half); err != nil {
			return nil, nil, err
		}
		left = append(left, more...)
	}
	return good, left, nil
}
