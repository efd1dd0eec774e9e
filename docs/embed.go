// Package docs holds the documents that programs print.
package docs

import "embed"

// RecordsSchema is the JSON Schema of a source: what editors need to complete and to check records.yaml. It must not be
// changed.
//
//go:embed records.schema.json
var RecordsSchema []byte

//go:embed rules/*.md
var rules embed.FS

// RulePage returns the page of a rule of lint, in Markdown; false if there is no such page.
func RulePage(id string) ([]byte, bool) {
	page, err := rules.ReadFile("rules/" + id + ".md")
	return page, err == nil
}
