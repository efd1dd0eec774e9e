package cli

import (
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
			fmt.Fprintf(p.stdout, "revmap %s\nsnapshot format %d.%d\n%s %s/%s\n",
				version.String(), snapshot.Major, snapshot.Minor, runtime.Version(), runtime.GOOS, runtime.GOARCH)
			return nil
		}),
	}
}
