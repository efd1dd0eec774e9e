package check_test

import (
	"fmt"
	"path/filepath"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/revmap/revmap/gen/check"
	"github.com/revmap/revmap/gen/model"
	"github.com/revmap/revmap/gen/source"
	"github.com/revmap/revmap/internal/gittest"
)

// root is the root file of TestChangedSince, with a template for default hostnames.
const root = `version: 1
defaults:
  nameservers: [ns1.example.net]
  soa: {primary: ns1.example.net, contact: hostmaster@example.net}
products:
  vps: {hostname: "{server}.%s"}
blocks:
  192.0.2.0/24: {}
  198.51.100.0/24: {}
include: [records.d/*.yaml]
`

func TestChangedSince(t *testing.T) {
	w := gittest.New(t)
	w.Write(map[string]string{
		"dns/records.yaml": fmt.Sprintf(root, "vps.example"),
		"dns/records.d/a.yaml": `addresses:
  192.0.2.1: same.example.net
  192.0.2.2: renamed.example.net
  192.0.2.3: deleted.example.net
  192.0.2.4: {name: retimed.example.net, ttl: 5m}
`,
		"dns/records.d/b.yaml": `servers:
  alpha: {product: vps, primary: 198.51.100.1}
  bravo: {product: vps, primary: 198.51.100.2, addresses: {198.51.100.2: mail.example.net, 198.51.100.3: }}
`,
		"dns/records.d/.gitattributes": "a.yaml export-ignore\n",
	})
	w.Commit("first")
	w.Git("tag", "first")

	changes := []struct {
		what  string
		files map[string]string
		want  []string // addresses
	}{
		{"nothing", nil, nil},
		{"names", map[string]string{"dns/records.d/a.yaml": `addresses:
  192.0.2.1: Same.example.net.
  192.0.2.2: new.example.net
  192.0.2.4: {name: retimed.example.net, ttl: 10m}
  192.0.2.5: added.example.net
`}, []string{"192.0.2.2", "192.0.2.3", "192.0.2.5"}},
		{"the template, too", map[string]string{"dns/records.yaml": fmt.Sprintf(root, "other.example")},
			[]string{"192.0.2.2", "192.0.2.3", "192.0.2.5", "198.51.100.1"}},
		{"a new file, too", map[string]string{"dns/records.d/c.yaml": "addresses: {198.51.100.9: nine.example.net}\n"},
			[]string{"192.0.2.2", "192.0.2.3", "192.0.2.5", "198.51.100.1", "198.51.100.9"}},
	}
	for _, change := range changes {
		w.Write(change.files)
		s, found, err := source.Load(filepath.Join(w.Dir, "dns/records.yaml"))
		if err != nil || len(found) > 0 {
			t.Fatal(found, err)
		}
		addrs, err := check.ChangedSince(t.Context(), model.Build(s), "first")
		if err != nil {
			t.Fatal(err)
		}
		var got []string
		for _, a := range addrs {
			got = append(got, a.String())
		}
		if diff := cmp.Diff(change.want, got); diff != "" {
			t.Errorf("%s has changed: other addresses than expected (-want +got):\n%s", change.what, diff)
		}
		w.Git("add", ".") // an index of ours is not disturbed, nor disturbs
	}
	for _, rev := range []string{"none", "-h", "--all", "HEAD:dns", "first:dns/records.yaml"} {
		s, _, err := source.Load(filepath.Join(w.Dir, "dns/records.yaml"))
		if err != nil {
			t.Fatal(err)
		}
		if _, err := check.ChangedSince(t.Context(), model.Build(s), rev); err == nil {
			t.Errorf("revision %q: no error", rev)
		}
	}
}
