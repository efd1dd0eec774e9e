package cli

import (
	"fmt"
	"io"
	"os"
	"time"

	"github.com/revmap/revmap/gen/report"
	"github.com/revmap/revmap/gen/source"
)

// A progress is a line on a terminal that tells how far a long run is. It is safe for one goroutine at a time. A nil
// *progress tells nothing.
type progress struct {
	io.Writer
	begun, told time.Time
}

const (
	progressAfter = time.Second            // quick runs tell nothing
	progressEvery = 100 * time.Millisecond // at most
)

// newProgress returns one on stderr, nil if that is no terminal or none that can clear a line.
func (p *program) newProgress() *progress {
	if !p.stderrTerminal || os.Getenv("TERM") == "dumb" {
		return nil
	}
	return &progress{Writer: p.stderr, begun: time.Now()}
}

// of returns what is to be called when one more of the files is done.
func (g *progress) of(done string) func(n, total int) {
	if g == nil {
		return nil
	}
	return func(n, total int) {
		now := time.Now()
		if now.Sub(g.begun) < progressAfter || now.Sub(g.told) < progressEvery {
			return
		}
		g.told = now
		fmt.Fprintf(g, "\r\x1b[K%s of %s %s", report.Number(n), plural(total, "file"), done)
	}
}

// end removes the line.
func (g *progress) end() {
	if g != nil && !g.told.IsZero() {
		fmt.Fprint(g, "\r\x1b[K")
		g.told = time.Time{}
	}
}

// muchInOne is how many bytes in one file are worth splitting.
const muchInOne = 4 << 20

// adviseToSplit tells at the end of a long run if most of a source is in one file.
func (g *progress) adviseToSplit(files *source.Files) {
	if g == nil || time.Since(g.begun) < progressAfter {
		return
	}
	largest, all := 0, 0
	for i := range files.Len() {
		all += files.Size(i)
		if files.Size(i) > files.Size(largest) {
			largest = i
		}
	}
	if size := files.Size(largest); size >= muchInOne && size > all/2 {
		g.end()
		fmt.Fprintf(g, "%s has %s MB: in files of 100 kB or so, named under include, it would be read by all processors,\n"+
			"and the next time only those that have changed\n", files.Path(largest), report.Number(size>>20))
	}
}
