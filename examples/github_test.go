package examples

import (
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/httptest"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"

	"gopkg.in/yaml.v3"

	"github.com/revmap/revmap/internal/peer"
)

// A workflow is a file of GitHub Actions, with all that the example uses and nothing else.
type workflow struct {
	Name        string
	On          any
	Permissions map[string]string
	Defaults    struct{ Run struct{ Shell string } }
	Env         map[string]string
	Jobs        map[string]struct {
		If             string
		RunsOn         string `yaml:"runs-on"`
		TimeoutMinutes int    `yaml:"timeout-minutes"`
		Permissions    map[string]string
		Environment    string
		Concurrency    string
		Steps          []struct {
			Name, If, Uses, Run string
			With, Env           map[string]string
		}
	}
}

// A gitHub is a forge with the parts of GitHub that are not in the example: its runner, two actions, and the API for
// comments.
type gitHub struct {
	api  *httptest.Server
	mu   sync.Mutex
	kept map[int][]comment // by the number of the pull request
}

const gitHubRepository = "example/reverse-dns"

func newGitHub(t *testing.T) *gitHub {
	t.Helper()
	peer.Needs(t, "gh")
	g := &gitHub{kept: map[int][]comment{1: theirs(), 2: theirs()}}
	mux := http.NewServeMux()
	mux.HandleFunc("GET /repos/example/reverse-dns/issues/{number}/comments", g.list)
	mux.HandleFunc("POST /repos/example/reverse-dns/issues/{number}/comments", g.post)
	mux.HandleFunc("PATCH /repos/example/reverse-dns/issues/comments/{id}", g.patch)
	g.api = httptest.NewServer(mux)
	t.Cleanup(g.api.Close)
	return g
}

func (g *gitHub) path() string    { return ".github/workflows/revmap.yml" }
func (g *gitHub) example() string { return "github-actions.yml" }

func (g *gitHub) version(t *testing.T) string {
	return parseWorkflow(t, read(t, g.example())).Env["REVMAP"]
}

func parseWorkflow(t *testing.T, text string) (w workflow) {
	t.Helper()
	d := yaml.NewDecoder(strings.NewReader(text))
	d.KnownFields(true)
	if err := d.Decode(&w); err != nil {
		t.Fatal(err)
	}
	return w
}

func (g *gitHub) comments(number int) []comment {
	g.mu.Lock()
	defer g.mu.Unlock()
	return slices.DeleteFunc(slices.Clone(g.kept[number]), func(c comment) bool { return c.Author == "somebody" })
}

func (g *gitHub) review(t *testing.T, w *world, number int, branch string, fork bool) map[string]result {
	t.Helper()
	// GitHub merges the branch into main, and checks that out.
	merged := fmt.Sprintf("refs/pull/%d/merge", number)
	w.git(t, "switch", "-q", "--detach", "origin/main")
	w.git(t, "merge", "-q", "--no-ff", "-m", "Merge", branch)
	w.git(t, "push", "-q", "-f", "origin", "HEAD:"+merged)
	w.git(t, "switch", "-q", branch)
	head := gitHubRepository
	if fork {
		head = "somebody/reverse-dns"
	}
	return g.run(t, w, merged, map[string]string{
		"github.event_name":                             "pull_request",
		"github.base_ref":                               "main",
		"github.event.pull_request.number":              strconv.Itoa(number),
		"github.event.pull_request.head.repo.full_name": head,
	})
}

func (g *gitHub) push(t *testing.T, w *world) map[string]result {
	t.Helper()
	return g.run(t, w, "refs/heads/main", map[string]string{"github.event_name": "push", "github.base_ref": ""})
}

// run runs the jobs of an event, with what its expressions may name.
func (g *gitHub) run(t *testing.T, w *world, ref string, event map[string]string) map[string]result {
	t.Helper()
	results := make(map[string]result)
	flow := parseWorkflow(t, w.must(t, w.origin, "git show "+ref+":"+g.path()))
	if flow.Defaults.Run.Shell != "bash" || len(flow.Permissions) > 0 {
		t.Fatal("this runner knows no other shell, and no permissions but those of jobs")
	}
	for name, job := range flow.Jobs {
		fork := event["github.event.pull_request.head.repo.full_name"] == "somebody/reverse-dns"
		values := map[string]string{
			"github.repository": gitHubRepository,
			"github.token":      "read",
		}
		if job.Permissions["pull-requests"] == "write" && !fork {
			values["github.token"] = "write"
		}
		if job.Environment == "production" && ref == "refs/heads/main" {
			values["secrets.REVMAP_SSH_KEY"] = strings.TrimSuffix(read(t, w.key), "\n")
		}
		for key, value := range event {
			values[key] = value
		}
		if !condition(t, job.If, values) {
			continue
		}
		dir, temp := t.TempDir(), t.TempDir()
		summary := filepath.Join(temp, "summary")
		write(t, summary, "")
		runner := []string{
			"CI=true", "GITHUB_ACTIONS=true", "GITHUB_STEP_SUMMARY=" + summary,
			"GITHUB_REPOSITORY=" + gitHubRepository, "GITHUB_BASE_REF=" + event["github.base_ref"],
			// The one host that gh asks without TLS, by way of the API of this test.
			"GH_HOST=github.localhost", "HTTP_PROXY=" + g.api.URL,
		}
		r := result{ok: true}
		for i, step := range job.Steps {
			if r.ok && step.If == "" || step.If != "" && condition(t, step.If, values) {
				env := slices.Clone(runner)
				for _, more := range []map[string]string{flow.Env, step.Env} {
					for key, value := range more {
						env = append(env, key+"="+substitute(t, value, values))
					}
				}
				script := step.Run
				if step.Uses != "" {
					script = g.action(t, w, step.Uses, step.With, job.Permissions, ref)
				}
				file := filepath.Join(temp, fmt.Sprintf("%d.sh", i))
				write(t, file, script)
				cmd := w.command(t, dir, env, "bash", "--noprofile", "--norc", "-eo", "pipefail", file)
				out, err := cmd.CombinedOutput()
				r.log += fmt.Sprintf("--- %s%s\n%s", step.Name, step.Uses, out)
				if err != nil {
					r.log += fmt.Sprintf("%v\n", err)
					r.ok = false
				}
			}
		}
		r.summary = r.log + read(t, summary) // annotations are in the log
		results[name] = r
	}
	return results
}

// action returns a script that does the part of an action that the example needs.
func (g *gitHub) action(t *testing.T, w *world, uses string, with, permissions map[string]string, ref string) string {
	t.Helper()
	action, version, _ := strings.Cut(uses, "@")
	if !regexp.MustCompile(`^[0-9a-f]{40}$`).MatchString(version) {
		t.Errorf("%s is not pinned to a commit", uses)
	}
	switch action {
	case "actions/setup-go": // Go is there, and the folder where it installs is in PATH
		if !strings.Contains(read(t, "../go.mod"), "\ngo "+with["go-version"]) {
			t.Errorf("setup-go installs Go %s, go.mod wants another", with["go-version"])
		}
		return ""
	case "actions/checkout":
		if permissions["contents"] != "read" || with["persist-credentials"] != "false" {
			t.Errorf("checkout may %v, and has the options %v; want it to read, and to leave no token behind", permissions, with)
		}
		fetch := "--depth=1 origin"
		if with["fetch-depth"] == "0" {
			fetch = "origin '+refs/heads/*:refs/remotes/origin/*'"
		}
		// The action fetches tags, too. One could be meant to be taken for the base.
		return fmt.Sprintf("git init -q && git remote add origin file://%s && git fetch -q %s +%s:refs/remotes/ours && "+
			"git checkout -q --detach refs/remotes/ours && git tag origin/main", w.origin, fetch, ref)
	}
	t.Fatalf("this test does not know the action %s", action)
	return ""
}

// condition evaluates what an "if" says. Comparisons and !cancelled() are all that it knows.
func condition(t *testing.T, expression string, values map[string]string) bool {
	t.Helper()
	expression = strings.TrimSuffix(strings.TrimPrefix(expression, "${{ "), " }}")
	for _, term := range strings.Split(expression, " && ") {
		if term == "!cancelled()" {
			continue
		}
		left, right, ok := strings.Cut(term, " == ")
		if !ok {
			t.Fatalf("this test does not understand %q", expression)
		}
		if operand(t, left, values) != operand(t, right, values) {
			return false
		}
	}
	return true
}

// operand returns the value of a literal or a name.
func operand(t *testing.T, word string, values map[string]string) string {
	t.Helper()
	if literal, ok := strings.CutPrefix(word, "'"); ok {
		return strings.TrimSuffix(literal, "'")
	}
	value, ok := values[word]
	if !ok {
		t.Fatalf("%s has no value here", word)
	}
	return value
}

// substitute replaces the expressions in a value.
func substitute(t *testing.T, value string, values map[string]string) string {
	t.Helper()
	return regexp.MustCompile(`\$\{\{ (.*?) \}\}`).ReplaceAllStringFunc(value, func(s string) string {
		return operand(t, s[len("${{ "):len(s)-len(" }}")], values)
	})
}

// list writes a page of the comments, and where the next one is.
func (g *gitHub) list(w http.ResponseWriter, r *http.Request) {
	g.mu.Lock()
	defer g.mu.Unlock()
	number, _ := strconv.Atoi(r.PathValue("number"))
	page, size := pageOf(r, 30)
	all := g.kept[number]
	from, to := min((page-1)*size, len(all)), min(page*size, len(all))
	if to < len(all) {
		next := fmt.Sprintf("http://%s%s?per_page=%d&page=%d", r.Host, r.URL.Path, size, page+1)
		w.Header().Set("Link", "<"+next+`>; rel="next"`)
	}
	list := []any{}
	for _, c := range all[from:to] {
		list = append(list, gitHubComment(c))
	}
	writeJSON(w, http.StatusOK, list)
}

// pageOf returns the page that a request asks for, from 1, and how many entries it has.
func pageOf(r *http.Request, otherwise int) (page, size int) {
	page, size = 1, otherwise
	if n, err := strconv.Atoi(r.FormValue("page")); err == nil {
		page = n
	}
	if n, err := strconv.Atoi(r.FormValue("per_page")); err == nil {
		size = min(n, 100)
	}
	return page, size
}

func (g *gitHub) post(w http.ResponseWriter, r *http.Request) {
	g.mu.Lock()
	defer g.mu.Unlock()
	number, _ := strconv.Atoi(r.PathValue("number"))
	if body, ok := gitHubBody(w, r); ok {
		c := comment{len(g.kept[1]) + len(g.kept[2]), "github-actions[bot]", body}
		g.kept[number] = append(g.kept[number], c)
		writeJSON(w, http.StatusCreated, gitHubComment(c))
	}
}

func (g *gitHub) patch(w http.ResponseWriter, r *http.Request) {
	g.mu.Lock()
	defer g.mu.Unlock()
	id, _ := strconv.Atoi(r.PathValue("id"))
	body, ok := gitHubBody(w, r)
	if !ok {
		return
	}
	for _, all := range g.kept {
		for i := range all {
			if all[i].ID == id { // this token may change everybody's
				all[i].Body = body
				writeJSON(w, http.StatusOK, gitHubComment(all[i]))
				return
			}
		}
	}
	http.NotFound(w, r)
}

// gitHubBody returns the text of a comment, if the token may write it and it is not too long.
func gitHubBody(w http.ResponseWriter, r *http.Request) (string, bool) {
	if r.Header.Get("Authorization") != "token write" {
		http.Error(w, "", http.StatusForbidden)
		return "", false
	}
	var c struct{ Body string }
	if err := json.NewDecoder(r.Body).Decode(&c); err != nil || c.Body == "" || len([]rune(c.Body)) > 65536 {
		http.Error(w, "", http.StatusUnprocessableEntity)
		return "", false
	}
	return c.Body, true
}

func gitHubComment(c comment) any {
	return map[string]any{"id": c.ID, "body": c.Body, "user": map[string]string{"login": c.Author}}
}

func writeJSON(w http.ResponseWriter, status int, v any) {
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(status)
	_ = json.NewEncoder(w).Encode(v) // the client has gone; it complains
}
