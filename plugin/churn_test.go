package revmap

import (
	"context"
	"os"
	"sync"
	"sync/atomic"
	"testing"

	"github.com/coredns/coredns/plugin/pkg/dnstest"
	"github.com/coredns/coredns/plugin/test"
	"github.com/miekg/dns"
)

// TestChurn does to the snapshot, a hundred times and while queries run, what people do to files, also what the
// documentation tells them not to. Every query must get a response, and each response must be right: it is checked that
// it comes from one generation, which was at path as a whole at some time.
func TestChurn(t *testing.T) {
	const rounds = 100
	path := snapshotFile(t, encodeGeneration(t, 1, 4))
	h := newHandler(t, "revmap "+path, nil)

	var (
		written atomic.Int64 // the latest generation that is, or is about to be, at path
		answers atomic.Int64
		done    = make(chan struct{})
		wg      sync.WaitGroup
	)
	written.Store(1)
	for _, r := range []*dns.Msg{
		query("1.2.0.192.in-addr.arpa.", dns.TypePTR), // two names
		query("4.2.0.192.in-addr.arpa.", dns.TypePTR),
		query("5.2.0.192.in-addr.arpa.", dns.TypePTR), // NXDOMAIN
		query("1.2.0.192.in-addr.arpa.", dns.TypeTXT), // NODATA
	} {
		wg.Go(func() {
			last := 0
			for {
				select {
				case <-done:
					return
				default:
				}
				w := dnstest.NewRecorder(&test.ResponseWriter{})
				if rcode, err := h.ServeDNS(context.Background(), w, r); rcode != dns.RcodeSuccess || err != nil {
					t.Errorf("ServeDNS(%s) returned %d, %v", r.Question[0].String(), rcode, err)
					return
				}
				n, err := generationOf(w.Msg)
				if err != nil || n < last || n > int(written.Load()) {
					t.Errorf("Response of generation %d after %d with %d written, error %v: %v", n, last, written.Load(), err, w.Msg)
					return
				}
				last = n
				answers.Add(1)
			}
		})
	}
	wg.Go(func() { // the timer, at its worst
		for {
			select {
			case <-done:
				return
			default:
				h.store.tick()
			}
		}
	})

	for n := 2; n < 2+rounds; n++ {
		content := encodeGeneration(t, n, 4)
		written.Store(int64(n))
		switch n % 5 {
		case 0:
			replace(t, path, content)
		case 1: // in place, with a moment in which the file is empty and maybe moments in which it is half there
			overwrite(t, path, content)
		case 2: // in place, in two parts
			f, err := os.OpenFile(path, os.O_WRONLY, 0)
			if err != nil {
				t.Fatal(err)
			}
			for _, part := range [][]byte{content[:len(content)/2], content[len(content)/2:]} {
				if _, err := f.Write(part); err != nil {
					t.Fatal(err)
				}
				h.store.tick()
			}
			if err := f.Truncate(int64(len(content))); err != nil {
				t.Fatal(err)
			}
			f.Close()
		case 3:
			replace(t, path, content)
			h.store.tick()
			if err := os.Truncate(path, int64(n)); err != nil {
				t.Fatal(err)
			}
		case 4:
			remove(t, path)
			h.store.tick()
			replace(t, path, content)
		}
		h.store.tick()
		if got := served(t, h); got != n {
			t.Errorf("Serving generation %d after round %d", got, n)
		}
	}
	close(done)
	wg.Wait()
	if answers.Load() < rounds {
		t.Errorf("Only %d answers in %d rounds: this tested nothing", answers.Load(), rounds)
	}
}
