package diff

import (
	"github.com/revmap/revmap/gen/forward"
	"github.com/revmap/revmap/gen/model"
	"github.com/revmap/revmap/internal/snapshot"
)

// A Side is one of the two states that are compared. It is immutable and safe for concurrent use.
type Side struct {
	inv      *model.Inventory
	forwards *forward.Zones
	snap     *snapshot.Reader
}

// OfInventory returns the state that a source describes, with the forward zones that it names; they may be nil.
func OfInventory(inv *model.Inventory, forwards *forward.Zones) *Side {
	return &Side{inv: inv, forwards: forwards}
}

// OfSnapshot returns the state that a snapshot holds.
func OfSnapshot(r *snapshot.Reader) (*Side, error) { return &Side{snap: r}, nil }

// Compare returns all changes from one state to another.
func Compare(from, to *Side) *Changes { return &Changes{} }
