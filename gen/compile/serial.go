package compile

import (
	"time"

	"github.com/revmap/revmap/internal/authority"
	"github.com/revmap/revmap/internal/snapshot"
)

// setSerials gives each zone of b its serial: that of the previous snapshot if a secondary would see no difference, else
// the source's time, and in any case one that a secondary takes for newer than the previous (RFC 1982).
func setSerials(b *snapshot.Builder, o Options) error {
	r, err := b.Reader()
	if err != nil {
		return err
	}
	var before, after *authority.Generation
	if o.Previous != nil {
		if before, err = authority.New(o.Previous); err != nil {
			return err
		}
		if after, err = authority.New(r); err != nil {
			return err
		}
	}
	now := serialOf(o.Time)
	for i := range r.Zones() {
		name, serial := r.Zones()[i].Name, now
		if o.Previous != nil {
			switch was := before.Zone(name); {
			case was == nil:
			case authority.Changed(before, after, name):
				serial = newer(was.Serial, now)
			default:
				serial = was.Serial
			}
		}
		b.SetSerial(name, serial)
	}
	return nil
}

// newer returns now if it comes after serial, else the serial that follows it (RFC 1982 section 3).
func newer(serial, now uint32) uint32 {
	if int32(now-serial) > 0 {
		return now
	}
	return max(serial+1, 1)
}

// serialOf returns seconds since 1970, never 0: some secondaries take a zone with the serial 0 for one not yet loaded.
func serialOf(t time.Time) uint32 { return max(uint32(t.Unix()), 1) }
