package compile

import (
	"runtime"
	"time"

	"golang.org/x/sync/errgroup"

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
	serials := make([]uint32, len(r.Zones()))
	var work errgroup.Group
	work.SetLimit(runtime.GOMAXPROCS(0))
	for i := range serials {
		serials[i] = serialOf(o.Time)
		if o.Previous == nil {
			continue
		}
		work.Go(func() error {
			name := r.Zones()[i].Name
			switch was := before.Zone(name); {
			case was == nil:
			case authority.Changed(before, after, name):
				serials[i] = newer(was.Serial, serials[i])
			default:
				serials[i] = was.Serial
			}
			return nil
		})
	}
	if err := work.Wait(); err != nil {
		return err
	}
	for i, serial := range serials {
		b.SetSerial(r.Zones()[i].Name, serial)
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
