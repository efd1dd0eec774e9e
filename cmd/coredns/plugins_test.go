package main

import (
	"go/ast"
	"go/parser"
	"go/token"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/coredns/caddy"
	"github.com/google/go-cmp/cmp"
)

// omitted are the stock plugins that are left out, each with what it needs: the beginning of an import path.
var omitted = map[string]string{
	"trace":        "github.com/DataDog/",
	"dnssec":       "github.com/aws/", // keys from the AWS secrets manager
	"route53":      "github.com/aws/",
	"azure":        "github.com/Azure/",
	"clouddns":     "google.golang.org/api/",
	"k8s_external": "github.com/coredns/coredns/plugin/kubernetes",
	"kubernetes":   "k8s.io/",
	"etcd":         "go.etcd.io/etcd/",
	"nomad":        "github.com/hashicorp/nomad/",
}

// TestDirectivesAreCoreDNSs finds a plugin that a new version of CoreDNS brought, dropped or moved.
func TestDirectivesAreCoreDNSs(t *testing.T) {
	var want []string
	for _, name := range stockDirectives(t, coreDNS(t)) {
		if omitted[name] == "" {
			want = append(want, name)
		}
	}
	i := slices.Index(want, "transfer") + 1
	if i == 0 {
		t.Fatal("CoreDNS has no transfer plugin")
	}
	want = slices.Insert(want, i, "revmap")
	if diff := cmp.Diff(want, directives); diff != "" {
		t.Errorf("directives differ from CoreDNS's, omitted ones out and revmap in (-want +got):\n%s", diff)
	}
}

func TestRevmapComesBeforeOtherData(t *testing.T) {
	at := slices.Index(directives, "revmap")
	for _, name := range []string{"hosts", "file", "auto", "secondary", "forward"} {
		if i := slices.Index(directives, name); i < at {
			t.Errorf("directive %s is number %d, want it after revmap, number %d", name, i, at)
		}
	}
}

// TestEveryDirectiveIsRegistered compares the order with the imports.
func TestEveryDirectiveIsRegistered(t *testing.T) {
	got := strings.Fields(caddy.DescribePlugins())
	want := slices.Clone(directives)
	slices.Sort(got)
	slices.Sort(want)
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("registered plugins differ from the directives (-directives +registered):\n%s", diff)
	}
}

func TestOmittedForTheReasonGiven(t *testing.T) {
	root := coreDNS(t)
	stock := stockDirectives(t, root)
	for name, need := range omitted {
		if !slices.Contains(stock, name) {
			t.Errorf("%s: CoreDNS has no such plugin", name)
			continue
		}
		if !importsPrefix(t, filepath.Join(root, "plugin", name), need) {
			t.Errorf("%s: does not import %s any more: compile it in, or give the reason that holds", name, need)
		}
	}
}

// TestNothingNeedsWhatIsOmitted holds the other direction, through all dependencies.
func TestNothingNeedsWhatIsOmitted(t *testing.T) {
	for dep := range strings.Lines(run(t, ".", "go", "list", "-deps", ".")) {
		for name, need := range omitted {
			if strings.HasPrefix(dep, need) {
				t.Errorf("%s is compiled in; %s is left out because of %s", strings.TrimSpace(dep), name, need)
			}
		}
	}
}

func TestVersionTellsBoth(t *testing.T) {
	core, ours, ok := strings.Cut(fullVersion(), "+revmap-")
	if !ok || core == "" || ours == "" {
		t.Errorf("fullVersion() = %q, want CORE+revmap-OURS", fullVersion())
	}
}

// coreDNS returns the folder of CoreDNS's source in the module cache.
func coreDNS(t *testing.T) string {
	t.Helper()
	return strings.TrimSpace(run(t, ".", "go", "list", "-m", "-f", "{{.Dir}}", "github.com/coredns/coredns"))
}

// stockDirectives reads the list of directives from CoreDNS's source in root.
func stockDirectives(t *testing.T, root string) []string {
	t.Helper()
	path := filepath.Join(root, "core", "dnsserver", "zdirectives.go")
	file, err := parser.ParseFile(token.NewFileSet(), path, nil, 0)
	if err != nil {
		t.Fatal(err)
	}
	var list []string
	ast.Inspect(file, func(n ast.Node) bool {
		if lit, ok := n.(*ast.BasicLit); ok && lit.Kind == token.STRING {
			name, err := strconv.Unquote(lit.Value)
			if err != nil {
				t.Fatal(err)
			}
			list = append(list, name)
		}
		return true
	})
	if len(list) == 0 {
		t.Fatalf("no directives in %s", path)
	}
	return list
}

// importsPrefix reports whether a Go file in dir, tests apart, imports a package whose path begins with prefix.
func importsPrefix(t *testing.T, dir, prefix string) bool {
	t.Helper()
	files, err := filepath.Glob(filepath.Join(dir, "*.go"))
	if err != nil {
		t.Fatal(err)
	}
	for _, path := range files {
		if strings.HasSuffix(path, "_test.go") {
			continue
		}
		file, err := parser.ParseFile(token.NewFileSet(), path, nil, parser.ImportsOnly)
		if err != nil {
			t.Fatal(err)
		}
		for _, spec := range file.Imports {
			if strings.HasPrefix(strings.Trim(spec.Path.Value, `"`), prefix) {
				return true
			}
		}
	}
	return false
}

// run returns the standard output of a command in dir; the test ends if it fails.
func run(t *testing.T, dir, name string, args ...string) string {
	t.Helper()
	cmd := exec.Command(name, args...)
	cmd.Dir = dir
	var stderr strings.Builder
	cmd.Stderr = &stderr
	out, err := cmd.Output()
	if err != nil {
		t.Fatalf("%s: %v\n%s", cmd, err, stderr.String())
	}
	return string(out)
}
