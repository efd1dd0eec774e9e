package report

import (
	"encoding/json"
	"io"
	"net/url"
	"path/filepath"
	"strings"

	"github.com/revmap/revmap/gen/diag"
)

// A Rule is what SARIF tells of a rule.
type Rule struct {
	ID       string
	Title    string        // one line
	Severity diag.Severity // by default; Off for a rule that has to be turned on
	Help     string        // its page, in Markdown; may be empty
	HelpURI  string        // where that page can be read; may be empty
}

// SARIFOptions are those of SARIF.
type SARIFOptions struct {
	Version      string   // of revmap
	Rules        []Rule   // all that were asked, in any order
	Fingerprints []string // one for each diagnostic, or nil; see package baseline
}

// SARIF writes diagnostics as a log of SARIF 2.1.0 (OASIS Static Analysis Results Interchange Format), for services
// that track findings. Files are relative to SRCROOT, the folder that their names are relative to, which should be that
// of the repository. A hint is the second line of its message. The error is that of w.
func SARIF(w io.Writer, l diag.List, opt SARIFOptions) error {
	driver := sarifDriver{Name: "revmap", Version: opt.Version, Rules: make([]sarifRule, len(opt.Rules))}
	index := make(map[string]*int, len(opt.Rules))
	for i, r := range opt.Rules {
		driver.Rules[i] = sarifRuleOf(r)
		index[r.ID] = &i
	}
	run := sarifRun{
		Tool: sarifTool{driver},
		Bases: map[string]sarifBase{
			sourceRoot: {Description: sarifText{Text: "the folder in which revmap ran"}},
		},
		ColumnKind: "unicodeCodePoints",
		Results:    make([]sarifResult, len(l)),
	}
	for i, d := range l {
		text := d.Message
		if d.Hint != "" {
			text += "\nhint: " + d.Hint
		}
		r := sarifResult{
			RuleID:    d.Rule,
			RuleIndex: index[d.Rule],
			Level:     d.Severity.String(),
			Message:   sarifMessage(text),
			Locations: []sarifLocation{},
		}
		if d.Pos.IsValid() {
			r.Locations = append(r.Locations, sarifLocationOf(d.Pos, d.End))
		}
		for _, rel := range d.Related {
			if rel.Pos.IsValid() {
				at := sarifLocationOf(rel.Pos, diag.Position{})
				at.Message = new(sarifMessage(rel.Message))
				r.Related = append(r.Related, at)
			}
		}
		if opt.Fingerprints != nil {
			r.Fingerprints = map[string]string{fingerprintName: opt.Fingerprints[i]}
		}
		run.Results[i] = r
	}
	e := json.NewEncoder(w)
	e.SetEscapeHTML(false)
	e.SetIndent("", "  ")
	return e.Encode(sarifLog{Schema: sarifSchema, Version: "2.1.0", Runs: []sarifRun{run}})
}

const (
	sarifSchema = "https://docs.oasis-open.org/sarif/sarif/v2.1.0/errata01/os/schemas/sarif-schema-2.1.0.json"
	sourceRoot  = "SRCROOT"

	// fingerprintName has a number that changes when fingerprints are made in another way (SARIF section 3.27.17).
	fingerprintName = "revmapFinding/v1"
)

// The objects of a log, in the order of section 3 of the specification.
type (
	sarifLog struct {
		Schema  string     `json:"$schema"`
		Version string     `json:"version"`
		Runs    []sarifRun `json:"runs"`
	}
	sarifRun struct {
		Tool       sarifTool            `json:"tool"`
		Bases      map[string]sarifBase `json:"originalUriBaseIds"`
		ColumnKind string               `json:"columnKind"`
		Results    []sarifResult        `json:"results"`
	}
	sarifTool struct {
		Driver sarifDriver `json:"driver"`
	}
	sarifBase struct {
		Description sarifText `json:"description"`
	}
	sarifText struct {
		Text     string `json:"text"`
		Markdown string `json:"markdown,omitempty"`
	}
	sarifDriver struct {
		Name    string      `json:"name"`
		Version string      `json:"version,omitempty"`
		Rules   []sarifRule `json:"rules"`
	}
	sarifRule struct {
		ID               string      `json:"id"`
		ShortDescription sarifText   `json:"shortDescription"`
		HelpURI          string      `json:"helpUri,omitempty"`
		Help             *sarifText  `json:"help,omitempty"`
		Configuration    sarifConfig `json:"defaultConfiguration"`
	}
	sarifConfig struct {
		Enabled *bool  `json:"enabled,omitempty"`
		Level   string `json:"level,omitempty"`
	}
	sarifResult struct {
		RuleID       string            `json:"ruleId"`
		RuleIndex    *int              `json:"ruleIndex,omitempty"`
		Level        string            `json:"level"`
		Message      sarifText         `json:"message"`
		Locations    []sarifLocation   `json:"locations"`
		Related      []sarifLocation   `json:"relatedLocations,omitempty"`
		Fingerprints map[string]string `json:"partialFingerprints,omitempty"`
	}
	sarifLocation struct {
		Physical sarifPhysical `json:"physicalLocation"`
		Message  *sarifText    `json:"message,omitempty"`
	}
	sarifPhysical struct {
		Artifact sarifArtifact `json:"artifactLocation"`
		Region   *sarifRegion  `json:"region,omitempty"`
	}
	sarifArtifact struct {
		URI  string `json:"uri"`
		Base string `json:"uriBaseId,omitempty"`
	}
	sarifRegion struct {
		StartLine   int `json:"startLine"`
		StartColumn int `json:"startColumn,omitempty"`
		EndLine     int `json:"endLine,omitempty"`
		EndColumn   int `json:"endColumn,omitempty"`
	}
)

func sarifRuleOf(r Rule) sarifRule {
	s := sarifRule{ID: r.ID, ShortDescription: sarifText{Text: r.Title}, HelpURI: r.HelpURI}
	if r.Help != "" {
		s.Help = &sarifText{Text: r.Help, Markdown: r.Help}
	}
	if r.Severity == diag.Off {
		s.Configuration.Enabled = new(false)
	} else {
		s.Configuration.Level = r.Severity.String()
	}
	return s
}

// sarifEscape writes braces as section 3.11.5 wants them, and keeps others from reading a link (section 3.11.6).
var sarifEscape = strings.NewReplacer("{", "{{", "}", "}}", "](", `\](`)

func sarifMessage(text string) sarifText { return sarifText{Text: sarifEscape.Replace(text)} }

func sarifLocationOf(pos, end diag.Position) sarifLocation {
	p := sarifPhysical{Artifact: sarifArtifact{URI: fileURI(pos.File), Base: sourceRoot}}
	if strings.HasPrefix(p.Artifact.URI, "file:") {
		p.Artifact.Base = ""
	}
	if pos.Line > 0 {
		p.Region = &sarifRegion{StartLine: pos.Line, StartColumn: pos.Column}
		if pos.Column > 0 && end.File == pos.File && end.Column > 0 {
			p.Region.EndLine, p.Region.EndColumn = end.Line, end.Column
		}
	}
	return sarifLocation{Physical: p}
}

// fileURI returns a URI reference for the name of a file: a relative one for a relative name.
func fileURI(name string) string {
	u := url.URL{Path: filepath.ToSlash(filepath.Clean(name))}
	if filepath.IsAbs(name) {
		u.Scheme = "file"
		if !strings.HasPrefix(u.Path, "/") {
			u.Path = "/" + u.Path // a drive letter
		}
	}
	return u.String()
}
