package cli

import (
	"bytes"
	"go/ast"
	"go/parser"
	"go/token"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/revmap/revmap/gen/diff"
	"github.com/revmap/revmap/internal/gittest"
)

const reviewPage = "../../docs/review.md"

// made is a part of the page that TestReviewPage makes: a name, and what stands between two lines of that name.
var made = regexp.MustCompile(`(?s)<!-- begin ([a-z]+) -->\n(.*?)<!-- end [a-z]+ -->\n`)

// TestReviewPage makes a pull request in a real Git repository, that of testdata/review: it renames one host, moves a
// primary address and drops a /24. The page docs/review.md shows the comment that its reviewer gets; -update writes it.
// The gates stop the change until a commit says what the comment asks for.
func TestReviewPage(t *testing.T) {
	page, err := filepath.Abs(reviewPage)
	if err != nil {
		t.Fatal(err)
	}
	r := newRepository(t, "testdata/review")
	r.Git("checkout", "-q", "-b", "move")
	r.Replace("records.yaml", "mail.acme.example", "mx.acme.example")
	r.Replace("records.yaml", "192.0.2.20", "192.0.2.30")
	r.Git("rm", "-q", "records.d/berlin.yaml")
	r.Git("commit", "-qam", "Close Berlin, move examplaab7, and mail.acme.example is mx.acme.example now")

	stopped := r.revmap(StatusFindings, "diff", "--base", "main", "--format", "markdown")

	// What a reviewer sees without a click fits on a screen, and has all that matters.
	overview, folded, ok := strings.Cut(stopped, "<details>")
	if lines := strings.Count(overview, "\n"); !ok || lines > 40 {
		t.Errorf("the overview has %d lines", lines)
	}
	if !strings.HasPrefix(overview, "<!-- revmap diff -->\n### Stopped by ") {
		t.Errorf("the comment does not begin with its mark and the verdict:\n%s", overview)
	}
	for _, want := range []string{
		"`192.0.2.10`: `mail.acme.example.` → `mx.acme.example.`", // the host
		"`192.0.2.20` → `192.0.2.30`",                             // the primary address
		"| block removed | 1 | `203.0.113.0/24`",                  // the /24
		"(`zone-removed`)",
		"\nRevmap-Allow: zone-removed=113.0.203.in-addr.arpa\n",
		"**error** `203.0.113.10`: ", // a mail server loses its name
	} {
		if !strings.Contains(overview, want) {
			t.Errorf("the overview lacks %s", want)
		}
	}
	if !strings.Contains(folded, "`examplaac12.miniserver.example.`") {
		t.Error("the details lack a name that is lost")
	}

	// What the comment asks for, and nothing less, lets the change pass.
	_, block, _ := strings.Cut(stopped, "\n```\n")
	block, _, _ = strings.Cut(block, "```")
	lines := strings.Split(strings.TrimSpace(block), "\n")
	for i := range lines {
		some := append(append([]string{}, lines[:i]...), lines[i+1:]...)
		r.Git("commit", "-q", "--allow-empty", "-m", "Berlin is closed\n\n"+strings.Join(some, "\n"))
		r.revmap(StatusFindings, "diff", "--base", "main")
		r.Git("reset", "-q", "--hard", "HEAD^")
	}
	r.Git("commit", "-q", "--allow-empty", "-m", "Berlin is closed\n\n"+strings.Join(lines, "\n"))
	allowed := r.revmap(StatusClean, "diff", "--base", "main", "--format", "markdown")
	allowed, _, _ = strings.Cut(allowed, "\n| what |")
	if n := strings.Count(allowed, "by A Person"); n != len(lines) {
		t.Errorf("the comment names who allowed it %d times, want %d:\n%s", n, len(lines), allowed)
	}

	old, err := os.ReadFile(page)
	if err != nil {
		t.Fatal(err)
	}
	parts := map[string]string{
		"change":  "```diff\n" + changedLines(r.Git("diff", "--unified=0", "main", "--", "records.yaml")) + "\n```\n",
		"comment": "\n" + strings.TrimPrefix(stopped, "<!-- revmap diff -->\n") + "\n",
		"message": "```\n" + r.Git("log", "-1", "--format=%B") + "\n```\n",
		"allowed": "\n" + strings.TrimPrefix(allowed, "<!-- revmap diff -->\n"),
	}
	seen := make(map[string]bool)
	got := made.ReplaceAllStringFunc(string(old), func(text string) string {
		name := made.FindStringSubmatch(text)[1]
		seen[name] = true
		return "<!-- begin " + name + " -->\n" + parts[name] + "<!-- end " + name + " -->\n"
	})
	for name := range parts {
		if !seen[name] {
			t.Errorf("%s lacks the part %q", reviewPage, name)
		}
	}
	checkPage(t, page, string(old), got)
}

// A workTree is one of Git, which is the current folder.
type workTree struct{ gittest.Tree }

// newRepository makes a repository out of the files of a folder, whose first commit is the head of main. Its commits have
// the same ids each time.
func newRepository(t *testing.T, files string) workTree {
	r := workTree{gittest.New(t)}
	t.Setenv("SOURCE_DATE_EPOCH", "1767225600")
	t.Setenv("GIT_AUTHOR_DATE", "2026-01-01T00:00:00Z")
	t.Setenv("GIT_COMMITTER_DATE", "2026-01-01T00:00:00Z")
	if err := os.CopyFS(r.Dir, os.DirFS(files)); err != nil {
		t.Fatal(err)
	}
	t.Chdir(r.Dir)
	r.Commit("The source")
	return r
}

// revmap runs revmap, which must end with a status and write nothing to stderr, and returns what it prints.
func (r workTree) revmap(status int, args ...string) string {
	r.Helper()
	var stdout, stderr bytes.Buffer
	if got := Main(r.Context(), args, nil, &stdout, &stderr); got != status || stderr.Len() > 0 {
		r.Fatalf("revmap %s: status %d, want %d; stderr: %s\n%s", strings.Join(args, " "), got, status, &stderr, &stdout)
	}
	return stdout.String()
}

// changedLines returns the lines of a diff that stand on one of its sides.
func changedLines(diff string) string {
	var b strings.Builder
	_, body, _ := strings.Cut(diff, "\n@@")
	for line := range strings.Lines(body) {
		if line[0] == '+' || line[0] == '-' {
			b.WriteString(line)
		}
	}
	return b.String()
}

// TestReviewPageIsComplete: docs/review.md tells of each kind of change, each effect and each gate.
func TestReviewPageIsComplete(t *testing.T) {
	page, err := os.ReadFile(reviewPage)
	if err != nil {
		t.Fatal(err)
	}
	ids := slices.Clone(diff.Gates)
	for _, file := range []string{"diff.go", "effects.go"} {
		f, err := parser.ParseFile(token.NewFileSet(), filepath.Join("../diff", file), nil, 0)
		if err != nil {
			t.Fatal(err)
		}
		before := len(ids)
		for _, d := range f.Decls {
			if g, ok := d.(*ast.GenDecl); ok && g.Tok == token.CONST {
				ids = append(ids, literals(g)...)
			}
		}
		if len(ids) < before+10 {
			t.Fatalf("%s has only %d constants", file, len(ids)-before)
		}
	}
	for _, id := range ids {
		if !bytes.Contains(page, []byte("`"+id+"`")) {
			t.Errorf("%s lacks %s", reviewPage, id)
		}
	}
}

// literals returns the strings that stand in a declaration.
func literals(n ast.Node) (list []string) {
	ast.Inspect(n, func(n ast.Node) bool {
		if l, ok := n.(*ast.BasicLit); ok && l.Kind == token.STRING {
			s, _ := strconv.Unquote(l.Value)
			list = append(list, s)
		}
		return true
	})
	return list
}
