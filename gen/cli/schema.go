package cli

import (
	"github.com/spf13/cobra"

	"github.com/revmap/revmap/docs"
)

func (p *program) schema() *cobra.Command {
	return &cobra.Command{
		Use:   "schema",
		Short: "Print the JSON Schema of the source",
		Long: `schema prints the JSON Schema of records.yaml, with which editors complete it
and check it while it is written. It knows the form of the source, not its
sense: for that there is revmap lint.`,
		Example: `  revmap schema >records.schema.json`,
		Args:    operands(),
		RunE: work(func(*cobra.Command, []string) error {
			_, err := p.stdout.Write(docs.RecordsSchema)
			return err
		}),
	}
}
