package report

import (
	"bufio"
	"io"
	"path/filepath"
	"strconv"
	"strings"

	"github.com/revmap/revmap/gen/diag"
)

// GitHub writes diagnostics as workflow commands of GitHub Actions, one a line, which become annotations of the lines
// in a pull request:
//
//	::error file=records.yaml,line=41,endLine=41,col=7,endColumn=17,title=address-assigned-twice::…
//
// The names of files should be relative to the folder of the repository. Related places and the hint are lines of the
// message. The error is that of w.
func GitHub(w io.Writer, l diag.List) error {
	b := bufio.NewWriter(w)
	for i := range l {
		d := &l[i]
		b.WriteString("::" + githubCommand(d.Severity) + " ")
		property := func(name, value string) { b.WriteString(name + "=" + githubProperty.Replace(printable(value)) + ",") }
		if d.Pos.IsValid() {
			property("file", filepath.ToSlash(d.Pos.File))
		}
		if line := d.Pos.Line; line > 0 {
			endLine := line
			if d.End.File == d.Pos.File && d.End.Line > line {
				endLine = d.End.Line
			}
			property("line", strconv.Itoa(line))
			property("endLine", strconv.Itoa(endLine))
			if d.Pos.Column > 0 && endLine == line { // a runner refuses columns of several lines
				property("col", strconv.Itoa(d.Pos.Column))
				if d.End.File == d.Pos.File && d.End.Column > 0 {
					property("endColumn", strconv.Itoa(d.End.Column))
				}
			}
		}
		b.WriteString("title=" + githubProperty.Replace(printable(d.Rule)) + "::")
		text := printable(d.Message)
		for _, r := range d.Related {
			text += "\nnote: " + printable(r.Pos.String()+": "+r.Message)
		}
		if d.Hint != "" {
			text += "\nhint: " + printable(d.Hint)
		}
		b.WriteString(githubData.Replace(text) + "\n")
	}
	return b.Flush()
}

func githubCommand(s diag.Severity) string {
	if s == diag.Note {
		return "notice"
	}
	return s.String()
}

// What the runner takes back when it reads commands.
var (
	githubData     = strings.NewReplacer("%", "%25", "\r", "%0D", "\n", "%0A")
	githubProperty = strings.NewReplacer("%", "%25", "\r", "%0D", "\n", "%0A", ":", "%3A", ",", "%2C")
)
