// Package layout holds no code: its tests hold the order between revmap's packages.
package layout

import (
	"cmp"
	"encoding/json"
	"errors"
	"io"
	"maps"
	"os/exec"
	"slices"
	"strings"
	"testing"

	gocmp "github.com/google/go-cmp/cmp"
)

const module = "github.com/revmap/revmap"

// arrows tells for each package of this module which others it may import; tests may import more. Nothing imports
// internal/gittest, internal/oracle, internal/peer and internal/snapshottest but tests. A new package gets a line here,
// which is the moment to think about its place.
var arrows = map[string]string{
	"cmd/coredns": "plugin internal/version",
	"cmd/revmap":  "gen/cli",
	"docs":        "", // embeds the JSON Schema
	"examples":    "", // has only tests

	"plugin": "internal/datagram internal/fastpath internal/authority internal/snapshot internal/arpa internal/hostname internal/version",

	"gen/diag":     "",
	"gen/cache":    "",
	"gen/packed":   "",
	"gen/source":   "gen/cache gen/diag internal/arpa internal/durable internal/hostname internal/parallel",
	"gen/model":    "gen/source gen/diag internal/arpa internal/hostname",
	"gen/zonetext": "gen/diag",
	"gen/forward":  "gen/zonetext gen/source gen/diag internal/parallel",
	"gen/generic":  "",
	"gen/lint":     "gen/forward gen/generic gen/model gen/source gen/diag internal/arpa internal/hostname internal/parallel",
	"gen/baseline": "gen/diag",
	"gen/check":    "gen/generic gen/model gen/revision gen/source gen/diag internal/arpa internal/hostname",
	"gen/compile": "gen/model gen/packed gen/source gen/diag " +
		"internal/authority internal/git internal/snapshot internal/arpa internal/hostname",
	"gen/build": "gen/cache gen/compile gen/forward gen/lint gen/model gen/packed gen/source gen/diag " +
		"internal/parallel internal/snapshot",
	"gen/diff": "gen/forward gen/generic gen/model gen/source gen/diag internal/parallel " +
		"internal/snapshot internal/arpa internal/hostname",
	"gen/revision": "gen/forward gen/source gen/diag internal/git",
	"gen/zonefile": "internal/authority internal/snapshot internal/arpa internal/hostname",
	"gen/migrate": "gen/zonefile gen/zonetext gen/model gen/source gen/diag " +
		"internal/authority internal/snapshot internal/arpa internal/hostname",
	"gen/report":     "gen/baseline gen/diff gen/diag",
	"gen/table":      "gen/model gen/source gen/diag internal/arpa internal/hostname internal/parallel",
	"gen/repository": "internal/git",
	"gen/users":      "internal/durable",
	"gen/gate":       "",
	"gen/session":    "gen/users",
	"gen/editor": "gen/baseline gen/build gen/cache gen/diff gen/forward gen/lint gen/model gen/report gen/repository " +
		"gen/source gen/table gen/diag internal/durable internal/parallel",
	"gen/desk":  "gen/check gen/editor gen/gate gen/model gen/repository gen/source gen/table gen/users gen/diag internal/durable",
	"gen/page":  "gen/check gen/desk gen/diff gen/editor gen/lint gen/model gen/report gen/repository gen/session gen/source gen/table gen/users gen/diag docs",
	"gen/api":   "gen/desk gen/diff gen/editor gen/model gen/report gen/session gen/source gen/table gen/users gen/diag",
	"gen/serve": "gen/api gen/desk gen/editor gen/gate gen/page gen/repository gen/session gen/users",
	"gen/cli": "gen/baseline gen/build gen/cache gen/check gen/forward gen/report gen/diff gen/revision gen/compile gen/lint gen/migrate " +
		"gen/desk gen/editor gen/repository gen/serve gen/users internal/parallel " +
		"gen/zonefile gen/model gen/source gen/diag " +
		"internal/authority internal/snapshot internal/arpa internal/hostname internal/version docs",

	"internal/arpa":      "",
	"internal/hostname":  "",
	"internal/version":   "",
	"internal/layout":    "",
	"internal/snapshot":  "internal/arpa internal/durable internal/hostname",
	"internal/authority": "internal/snapshot internal/arpa internal/hostname",
	"internal/fastpath":  "internal/authority internal/snapshot internal/arpa",
	"internal/datagram":  "",
	"internal/durable":   "",
	"internal/oracle":    "internal/snapshot internal/arpa internal/hostname",
	"internal/parallel":  "",
	"internal/git":       "",
	"internal/gittest":   "internal/peer",
	"internal/peer":      "",

	"internal/snapshottest": "internal/authority internal/snapshot",

	"bench": "gen/compile gen/model gen/source gen/diag " +
		"internal/authority internal/snapshot internal/arpa internal/hostname",
}

// doors tells for each dependency, by the beginning of the import path, which packages of this module may import it.
var doors = map[string]string{
	"gopkg.in/yaml.v3":       "gen/source bench", // for bench, parsing is what a compile is measured by
	"github.com/coredns/":    "plugin cmd/coredns bench",
	"github.com/prometheus/": "plugin bench",
	"github.com/spf13/":      "gen/cli",
	"github.com/miekg/dns":   "plugin gen/check gen/forward gen/migrate gen/zonefile gen/zonetext internal/oracle internal/peer bench",
	"golang.org/x/net/":      "gen/source gen/model gen/lint gen/check gen/migrate plugin internal/datagram",
	"golang.org/x/sys/":      "internal/datagram",
	"golang.org/x/sync/":     "gen/source gen/model gen/lint gen/compile gen/check gen/cli plugin bench",
	"golang.org/x/time/":     "gen/check gen/session",
	"golang.org/x/crypto/":   "gen/users",
	"golang.org/x/text/":     "gen/report gen/lint gen/source",
}

func TestArrows(t *testing.T) {
	for _, p := range list(t, "./...") {
		name := relative(p.ImportPath)
		allowed, ok := arrows[name]
		if !ok {
			t.Errorf("package %s has no line in arrows", name)
			continue
		}
		for _, path := range p.Imports {
			if other := relative(path); other != path && !contains(allowed, other) {
				t.Errorf("%s imports %s; it may import: %s", name, other, cmp.Or(allowed, "no other package"))
			}
		}
	}
}

func TestDoors(t *testing.T) {
	for _, p := range list(t, "./...") {
		name := relative(p.ImportPath)
		for _, path := range p.Imports {
			if external, allowed := door(path); external && !contains(allowed, name) {
				t.Errorf("%s imports %s; only these may: %s", name, path, cmp.Or(allowed, "none"))
			}
		}
	}
}

// TestPluginGraph lists what the plugin adds to a CoreDNS: whoever compiles it in gets these packages and no more.
func TestPluginGraph(t *testing.T) {
	stock := make(map[string]bool)
	for _, p := range list(t, "-deps", "github.com/coredns/coredns/coremain",
		"github.com/coredns/coredns/plugin/metrics", "github.com/coredns/coredns/plugin/file") {
		stock[p.ImportPath] = true
	}
	var got []string
	for _, p := range list(t, "-deps", module+"/plugin") {
		if !p.Standard && !stock[p.ImportPath] {
			got = append(got, relative(p.ImportPath))
		}
	}
	slices.Sort(got)
	want := []string{
		"github.com/coredns/coredns/plugin/bufsize", // which every CoreDNS has
		"internal/arpa",
		"internal/authority",
		"internal/datagram",
		"internal/durable",
		"internal/fastpath",
		"internal/hostname",
		"internal/snapshot",
		"plugin",
	}
	if diff := gocmp.Diff(want, got); diff != "" {
		t.Errorf("the plugin adds other packages to CoreDNS than listed here (-listed +added):\n%s", diff)
	}
}

// door reports whether path is a package of neither Go nor this module, and which packages may import it.
func door(path string) (external bool, allowed string) {
	first, _, _ := strings.Cut(path, "/")
	if !strings.Contains(first, ".") || relative(path) != path {
		return false, ""
	}
	for _, prefix := range slices.Sorted(maps.Keys(doors)) {
		if strings.HasPrefix(path, prefix) {
			return true, doors[prefix]
		}
	}
	return true, ""
}

// relative returns the path of a package below this module's root; path itself if it lies elsewhere.
func relative(path string) string { return strings.TrimPrefix(path, module+"/") }

func contains(names, name string) bool { return slices.Contains(strings.Fields(names), name) }

// A goPackage is what the tests need of go list's output.
type goPackage struct {
	ImportPath string
	Standard   bool
	Imports    []string // not those of its tests
}

// list runs go list at the root of this module. It returns at least one package.
func list(t *testing.T, args ...string) []goPackage {
	t.Helper()
	cmd := exec.Command("go", append([]string{"list", "-json=ImportPath,Standard,Imports"}, args...)...)
	cmd.Dir = "../.."
	var stderr strings.Builder
	cmd.Stderr = &stderr
	out, err := cmd.Output()
	if err != nil {
		t.Fatalf("%s: %v\n%s", cmd, err, stderr.String())
	}
	var packages []goPackage
	dec := json.NewDecoder(strings.NewReader(string(out)))
	for {
		var p goPackage
		if err := dec.Decode(&p); errors.Is(err, io.EOF) {
			break
		} else if err != nil {
			t.Fatal(err)
		}
		packages = append(packages, p)
	}
	if len(packages) == 0 {
		t.Fatalf("%s lists no package", cmd)
	}
	return packages
}
