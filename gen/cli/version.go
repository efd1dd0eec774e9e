package cli

import (
	"bytes"
	"fmt"
	"runtime"

	"github.com/spf13/cobra"

	"github.com/revmap/revmap/internal/snapshot"
	"github.com/revmap/revmap/internal/version"
)

func (p *program) version() *cobra.Command {
	return &cobra.Command{
		Use:   "version",
		Short: "Show the versions of revmap, the snapshot format and Go",
		Args:  operands(),
		RunE: work(func(*cobra.Command, []string) error {
			format, err := writtenFormat()
			if err != nil {
				return err
			}
			fmt.Fprintf(p.stdout, "revmap %s\nsnapshot format %s\n%s %s/%s\n",
				version.String(), format, runtime.Version(), runtime.GOOS, runtime.GOARCH)
			return nil
		}),
	}
}

// writtenFormat returns the version of the snapshots that compile writes, as an empty one has it.
func writtenFormat() (string, error) {
	b, err := snapshot.NewBuilder("", nil)
	if err != nil {
		return "", err
	}
	var buf bytes.Buffer
	if _, err := b.WriteTo(&buf); err != nil {
		return "", err
	}
	r, err := snapshot.OpenBytes(buf.Bytes())
	if err != nil {
		return "", err
	}
	return formatVersion(r), nil
}
