package lint

import "github.com/revmap/revmap/gen/diag"

var forwardsInvalid = &Rule{
	ID:       "forwards-invalid",
	Severity: diag.Error,
	Title:    "forward zone files exist, below the root file's folder, and can be read",
}
