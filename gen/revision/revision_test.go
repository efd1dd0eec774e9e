package revision_test

import (
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/revmap/revmap/gen/revision"
	"github.com/revmap/revmap/internal/gittest"
)

// newRepository makes a repository in a folder of its own, which is the current one.
func newRepository(t *testing.T) gittest.Tree {
	w := gittest.New(t)
	t.Chdir(w.Dir)
	// What a hook of another repository would be given.
	t.Setenv("GIT_DIR", filepath.Join(t.TempDir(), "other.git"))
	t.Setenv("GIT_INDEX_FILE", ".git/other-index")
	return w
}

// defaults are what each source needs.
const defaults = `version: 1
defaults:
  nameservers: [ns1.example.net]
  soa: {primary: ns1.example.net, contact: hostmaster@example.net}
blocks: {192.0.2.0/24: }
`

const zone = "@ SOA ns1.example.net. hostmaster.example.net. 1 3600 900 1209600 300\n"

// What a source was is read under the names that it had, wherever the root file is, and although the work tree has
// changed since.
func TestLoad(t *testing.T) {
	r := newRepository(t)
	r.Write(map[string]string{
		"records.yaml":            defaults + "include: [records.d/*.yaml]\nforwards: [zones/*.zone]\nunknown: 1\n",
		"records.d/a.yaml":        "addresses: {192.0.2.1: a.example.net}\n",
		"zones/example.net.zone":  zone + "a A 192.0.2.1\n",
		"zones/example.org.zone":  zone + "a A 192.0.2.1000\n",
		"dns/gone/records.yaml":   defaults + "include: [more.yaml, none.yaml]\n",
		"dns/gone/more.yaml":      "addresses: {192.0.2.2: b.example.net}\n",
		"dns/gone/.gitattributes": "more.yaml export-ignore\n",
	})
	first := r.Commit("first")
	r.Git("tag", "v1")
	r.Git("rm", "-rq", "dns", "records.d")
	r.Write(map[string]string{"records.yaml": defaults})
	r.Commit("second")
	inside := filepath.Join(t.TempDir(), "link")
	if err := os.Symlink(".", "link"); err != nil {
		t.Fatal(err)
	}
	before := temporaries(t)
	here, err := os.Getwd()
	if err != nil {
		t.Fatal(err)
	}

	tests := []struct {
		root, rev string
		files     []string
		findings  []string // position and rule
		name      string   // position and value of the only name
		forward   string   // position of the address of a.example.net.
	}{
		{"records.yaml", "v1", []string{"v1:records.yaml", "v1:records.d/a.yaml"},
			[]string{"v1:records.yaml:8:1 unknown-key", "v1:zones/example.org.zone:2:5 forwards-invalid"},
			"v1:records.d/a.yaml:1:24 a.example.net.", "v1:zones/example.net.zone:2:5"},
		{filepath.Join(here, "records.yaml"), first, []string{first[:12] + ":" + here + "/records.yaml", first[:12] + ":" + here + "/records.d/a.yaml"},
			[]string{first[:12] + ":" + here + "/records.yaml:8:1 unknown-key", first[:12] + ":" + here + "/zones/example.org.zone:2:5 forwards-invalid"},
			first[:12] + ":" + here + "/records.d/a.yaml:1:24 a.example.net.", first[:12] + ":" + here + "/zones/example.net.zone:2:5"},
		{"./dns/gone/records.yaml", "HEAD^", []string{"HEAD^:dns/gone/records.yaml", "HEAD^:dns/gone/more.yaml"},
			[]string{"HEAD^:dns/gone/records.yaml:6:22 include-invalid"}, "HEAD^:dns/gone/more.yaml:1:24 b.example.net.", ""},
		{"link/records.yaml", "HEAD", []string{"HEAD:link/records.yaml"}, nil, "", ""},
	}
	for _, tt := range tests {
		s, zones, found, err := revision.Load(t.Context(), tt.root, tt.rev)
		if err != nil {
			t.Errorf("%s at %s: %v", tt.root, tt.rev, err)
			continue
		}
		if diff := cmp.Diff(tt.files, s.Files); diff != "" {
			t.Errorf("%s at %s: files (-want +got):\n%s", tt.root, tt.rev, diff)
		}
		var findings []string
		for _, d := range found {
			findings = append(findings, d.Pos.String()+" "+d.Rule)
			if strings.Contains(d.Message+d.Hint, os.TempDir()+"/revmap-") {
				t.Errorf("%s at %s: a finding speaks of a temporary folder: %+v", tt.root, tt.rev, d)
			}
		}
		if diff := cmp.Diff(tt.findings, findings); diff != "" {
			t.Errorf("%s at %s: findings (-want +got):\n%s", tt.root, tt.rev, diff)
		}
		name := ""
		for _, a := range s.Addresses {
			name += a.Names[0].Pos.String() + " " + a.Names[0].Value
		}
		if name != tt.name {
			t.Errorf("%s at %s has the name %s, want %s", tt.root, tt.rev, name, tt.name)
		}
		forward := ""
		answer := zones.Lookup("a.example.net.")
		for r := range answer.Records() {
			forward += r.Pos.String()
		}
		if forward != tt.forward {
			t.Errorf("%s at %s has a zone with %q, want %q", tt.root, tt.rev, forward, tt.forward)
		}
	}

	failures := []struct{ root, rev, want string }{
		{"records.yaml", "nonsense", `read the source at revision "nonsense": git knows no revision "nonsense"`},
		{"records.yaml", "-h", `read the source at revision "-h": git knows no revision "-h"`},
		{"records.yaml", "HEAD:records.d", `read the source at revision "HEAD:records.d": git `},
		{"dns/gone/records.yaml", "HEAD", `read the source at revision "HEAD": git read-tree: Not a valid object name `},
		{"dns.yaml", "v1", `read the source at revision "v1": read source: v1:dns.yaml: cannot be read: no such file or directory`},
		{filepath.Join(inside, "records.yaml"), "HEAD", `read the source at revision "HEAD": git rev-parse: not a git repository`},
	}
	for _, tt := range failures {
		if _, _, _, err := revision.Load(t.Context(), tt.root, tt.rev); err == nil || !strings.HasPrefix(err.Error(), tt.want) {
			t.Errorf("%s at %s: %v, want %s", tt.root, tt.rev, err, tt.want)
		}
	}
	if after := temporaries(t); !slices.Equal(before, after) {
		t.Errorf("temporary folders were left: %q, before: %q", after, before)
	}
	if status := r.Git("status", "--porcelain"); status != "?? link" {
		t.Errorf("the index has changed:\n%s", status)
	}
}

// temporaries returns the folders that Load has written and not removed.
func temporaries(t *testing.T) []string {
	t.Helper()
	list, err := filepath.Glob(filepath.Join(os.TempDir(), "revmap-*"))
	if err != nil {
		t.Fatal(err)
	}
	return list
}

// The .gitattributes of today's work tree do not change what the files of a revision were: with them, a pull request
// could hide what it removes.
func TestLoadAttributes(t *testing.T) {
	r := newRepository(t)
	r.Write(map[string]string{
		"records.yaml":     defaults + "include: [records.d/*.yaml]\n",
		"records.d/a.yaml": "addresses: {192.0.2.1: a.example.net}\n",
	})
	base := r.Commit("base")
	r.Git("rm", "-q", "records.d/a.yaml")
	r.Write(map[string]string{".gitattributes": "a.yaml working-tree-encoding=UTF-7 ident text eol=crlf\n* text eol=crlf\n"})
	r.Commit("attributes")
	r.Write(map[string]string{"records.d/.gitattributes": "a.yaml working-tree-encoding=UTF-16LE\n"})

	s, _, found, err := revision.Load(t.Context(), "records.yaml", base)
	if err != nil || len(found) > 0 || len(s.Addresses) != 1 {
		t.Errorf("%d addresses, want 1; %+v, %v", len(s.Addresses), found, err)
	}
}

func TestMergeBase(t *testing.T) {
	r := newRepository(t)
	r.Write(map[string]string{"records.yaml": defaults})
	base := r.Commit("base")
	r.Git("checkout", "-q", "-b", "change")
	change := r.Commit("change")
	r.Git("checkout", "-q", "main")
	r.Commit("main goes on")
	r.Git("checkout", "-q", "--orphan", "other")
	r.Commit("another beginning")
	r.Git("checkout", "-q", "change")

	for rev, want := range map[string]string{"main": base, "change": change, "HEAD": change, base: base} {
		if got, err := revision.MergeBase(t.Context(), ".", rev); err != nil || got != want {
			t.Errorf("merge base with %s is %s (%v), want %s", rev, got, err, want)
		}
	}
	for rev, want := range map[string]string{
		"other": `HEAD and "other" have no commit in common`,
		"none":  `git knows no revision "none"`,
		"--all": `git knows no revision "--all"`,
	} {
		if got, err := revision.MergeBase(t.Context(), ".", rev); got != "" || err == nil || err.Error() != want {
			t.Errorf("merge base with %s: %q, %v, want %s", rev, got, err, want)
		}
	}

	origin, err := os.Getwd()
	if err != nil {
		t.Fatal(err)
	}
	clone := t.TempDir()
	r.Git("clone", "-q", "--depth=1", "--no-single-branch", "file://"+origin, clone)
	const want = `HEAD and "origin/main" have no commit in common in this shallow clone; git fetch --unshallow gets the rest`
	if got, err := revision.MergeBase(t.Context(), clone, "origin/main"); got != "" || err == nil || err.Error() != want {
		t.Errorf("merge base in a shallow clone: %q, %v", got, err)
	}
}

// Who can push a tag to the repository does not choose by its name with what others compare.
func TestTags(t *testing.T) {
	r := newRepository(t)
	r.Write(map[string]string{"records.yaml": defaults + "addresses: {192.0.2.1: a.example.net}\n"})
	base := r.Commit("base")
	r.Git("checkout", "-q", "-b", "change")
	r.Write(map[string]string{"records.yaml": defaults})
	r.Commit("change")
	r.Git("tag", base[:12])
	r.Git("tag", "main")

	s, _, _, err := revision.Load(t.Context(), "records.yaml", base)
	if err != nil || len(s.Addresses) != 1 || s.Root != base[:12]+":records.yaml" {
		t.Errorf("%s has %d addresses, want 1; %v", s.Root, len(s.Addresses), err)
	}
	const want = "git rev-parse: warning: refname 'main' is ambiguous."
	for _, rev := range []string{"main", "main~0"} {
		if got, err := revision.MergeBase(t.Context(), ".", rev); got != "" || err == nil || err.Error() != want {
			t.Errorf("merge base with %s: %q, %v, want %s", rev, got, err, want)
		}
	}
	if got, err := revision.MergeBase(t.Context(), ".", "refs/heads/main"); err != nil || got != base {
		t.Errorf("merge base with refs/heads/main: %q, %v, want %s", got, err, base)
	}
}

func TestAllowances(t *testing.T) {
	r := newRepository(t)
	r.Commit("base\n\nRevmap-Allow: zone-removed=too.old")
	r.Git("tag", "base")
	one := r.Commit("one\n\nWhat it is for.\n\nRevmap-Allow:  lost=192.0.2.0/24 \nReviewed-by: B Person\nrevmap-allow: changed\n")
	r.Commit("none\n\nRevmap-Allow: in the middle is no trailer\n\nThe end.")
	r.Git("checkout", "-q", "-b", "side", "base")
	two := r.Commit("two\n\nRevmap-Allow:\nRevmap-Allow: zone-removed=2.0.192.in-addr.arpa,\n  folded")
	r.Git("checkout", "-q", "main")
	r.Git("merge", "-q", "--no-ff", "-m", "merge", "side")

	got, _, err := revision.Allowances(t.Context(), ".", "base")
	if err != nil {
		t.Fatal(err)
	}
	// Git orders commits of the same second as it likes.
	slices.SortStableFunc(got, func(a, b revision.Allowance) int { return strings.Compare(a.Value, b.Value) })
	want := []revision.Allowance{
		{"changed", one, "A Person"},
		{"lost=192.0.2.0/24", one, "A Person"},
		{"zone-removed=2.0.192.in-addr.arpa, folded", two, "A Person"},
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
	if got, mislaid, err := revision.Allowances(t.Context(), ".", "HEAD"); err != nil || len(got)+len(mislaid) > 0 {
		t.Errorf("since HEAD: %v, %v, %v", got, mislaid, err)
	}
	if _, _, err := revision.Allowances(t.Context(), ".", "none"); err == nil {
		t.Error("a revision that is none: no error")
	}
}

// What was meant as an allowance and is none is told, with the reason.
func TestMislaid(t *testing.T) {
	r := newRepository(t)
	r.Commit("base")
	const (
		before  = "it stands before the last paragraph of the message"
		colon   = "a colon has to follow Revmap-Allow"
		begin   = "the line has to begin with Revmap-Allow"
		subject = "it stands in the subject of the message, and not in a paragraph below it"
		beside  = "Git takes no line of its paragraph for a trailer: let that paragraph have nothing else"
	)
	for _, tt := range []struct {
		message string
		values  int
		mislaid []string // pairs of line and reason
	}{
		{"one\n\nRevmap-Allow: lost\n\nThe end.", 0, []string{"Revmap-Allow: lost", before}},
		{"one\n\nRevmap-Allow: lost\n\nrevmap-allow: lost=192.0.2.0/24\nRevmap-Allow : changed", 2,
			[]string{"Revmap-Allow: lost", before}},
		{"one\n\nRevmap-Allow zone-removed=a.example", 0, []string{"Revmap-Allow zone-removed=a.example", colon}},
		{"one\n\n* Revmap-Allow: lost\n  Revmap-Allow: changed", 0,
			[]string{"* Revmap-Allow: lost", begin, "Revmap-Allow: changed", begin}},
		{"Revmap-Allow: lost", 0, []string{"Revmap-Allow: lost", subject}},
		{"one\n\nBerlin is closed,\nand others.\nAnd more.\nRevmap-Allow: lost", 0,
			[]string{"Revmap-Allow: lost", beside}},
		{"one\n\nSee Revmap-Allow: lost, which is none.\n\nRevmap-Allow:\nRevmap-Allow: lost,\n  folded", 1, nil},
	} {
		id := r.Commit(tt.message)
		got, mislaid, err := revision.Allowances(t.Context(), ".", "HEAD^")
		if err != nil || len(got) != tt.values {
			t.Errorf("%q: %d allowances, want %d; %v", tt.message, len(got), tt.values, err)
		}
		var pairs []string
		for _, m := range mislaid {
			pairs = append(pairs, m.Line, m.Why)
			if m.Commit != id || m.Author != "A Person" {
				t.Errorf("%q: %+v is not of commit %s", tt.message, m, id)
			}
		}
		if diff := cmp.Diff(tt.mislaid, pairs); diff != "" {
			t.Errorf("%q: mislaid (-want +got):\n%s", tt.message, diff)
		}
	}
}
