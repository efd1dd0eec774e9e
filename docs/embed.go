// Package docs holds the documents that programs print.
package docs

import _ "embed"

// RecordsSchema is the JSON Schema of a source: what editors need to complete and to check records.yaml. It must not be
// changed.
//
//go:embed records.schema.json
var RecordsSchema []byte
