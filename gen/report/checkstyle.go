package report

import (
	"encoding/xml"
	"io"
	"path/filepath"

	"github.com/revmap/revmap/gen/diag"
)

// checkstyleVersion is the version of Checkstyle whose output programs read most.
const checkstyleVersion = "4.3"

type checkstyleReport struct {
	XMLName xml.Name         `xml:"checkstyle"`
	Version string           `xml:"version,attr"`
	Files   []checkstyleFile `xml:"file"`
}

type checkstyleFile struct {
	Name   string            `xml:"name,attr"`
	Errors []checkstyleError `xml:"error"`
}

type checkstyleError struct {
	Line     int    `xml:"line,attr,omitempty"`
	Column   int    `xml:"column,attr,omitempty"`
	Severity string `xml:"severity,attr"`
	Message  string `xml:"message,attr"`
	Source   string `xml:"source,attr"`
}

// Checkstyle writes diagnostics as XML in the form of Checkstyle 4.3, which many build servers read. They are in the
// order of l, and those of one file below one element if l is sorted. Notes have the severity info, a hint is the
// second line of the message, and the source is revmap.RULE. The error is that of w.
func Checkstyle(w io.Writer, l diag.List) error {
	r := checkstyleReport{Version: checkstyleVersion}
	for i := range l {
		d := &l[i]
		name := filepath.ToSlash(d.Pos.File)
		if n := len(r.Files); n == 0 || r.Files[n-1].Name != name {
			r.Files = append(r.Files, checkstyleFile{Name: name})
		}
		e := checkstyleError{
			Line:     d.Pos.Line,
			Column:   d.Pos.Column,
			Severity: d.Severity.String(),
			Message:  d.Message,
			Source:   "revmap." + d.Rule,
		}
		if d.Severity == diag.Note {
			e.Severity = "info"
		}
		if d.Hint != "" {
			e.Message += "\nhint: " + d.Hint
		}
		f := &r.Files[len(r.Files)-1]
		f.Errors = append(f.Errors, e)
	}
	if _, err := io.WriteString(w, xml.Header); err != nil {
		return err
	}
	e := xml.NewEncoder(w)
	e.Indent("", "  ")
	if err := e.Encode(r); err != nil {
		return err
	}
	_, err := io.WriteString(w, "\n")
	return err
}
