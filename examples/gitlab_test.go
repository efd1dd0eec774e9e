package examples

import (
	"fmt"
	"net/http"
	"net/http/httptest"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"

	"gopkg.in/yaml.v3"

	"github.com/revmap/revmap/internal/peer"
)

// A gitLabJob is a job of GitLab CI, with all that the example uses.
type gitLabJob struct {
	Rules         []struct{ If string }
	Image         string
	Variables     map[string]string
	BeforeScript  []string `yaml:"before_script"`
	Script        []string
	AfterScript   []string `yaml:"after_script"`
	Environment   string
	ResourceGroup string `yaml:"resource_group"`
	Artifacts     struct {
		When     string
		ExposeAs string `yaml:"expose_as"`
		Paths    []string
		Reports  struct{ Codequality string }
	}
}

// A pipeline is a file of GitLab CI.
type pipeline struct {
	Default   gitLabJob
	Variables map[string]string
	Jobs      map[string]gitLabJob `yaml:",inline"`
}

// A gitLab is a forge with the parts of GitLab that are not in the example: its runner, with a container's apt-get, and
// the API for notes, as comments are called there.
type gitLab struct {
	api  *httptest.Server
	mu   sync.Mutex
	kept map[int][]comment // by the number of the merge request
	runs int
}

func newGitLab(t *testing.T) *gitLab {
	t.Helper()
	peer.Needs(t, "curl", "jq")
	g := &gitLab{kept: map[int][]comment{1: theirs(), 2: theirs()}}
	mux := http.NewServeMux()
	mux.HandleFunc("GET /api/v4/user", func(w http.ResponseWriter, _ *http.Request) {
		writeJSON(w, http.StatusOK, map[string]any{"id": 7, "username": "project_5_bot"})
	})
	mux.HandleFunc("GET /api/v4/projects/5/merge_requests/{number}/notes", g.list)
	mux.HandleFunc("POST /api/v4/projects/5/merge_requests/{number}/notes", g.post)
	mux.HandleFunc("PUT /api/v4/projects/5/merge_requests/{number}/notes/{id}", g.put)
	g.api = httptest.NewServer(mux)
	t.Cleanup(g.api.Close)
	return g
}

func (g *gitLab) path() string    { return ".gitlab-ci.yml" }
func (g *gitLab) example() string { return "gitlab-ci.yml" }

func (g *gitLab) version(t *testing.T) string {
	return parsePipeline(t, read(t, g.example())).Variables["REVMAP"]
}

func parsePipeline(t *testing.T, text string) (p pipeline) {
	t.Helper()
	d := yaml.NewDecoder(strings.NewReader(text))
	d.KnownFields(true)
	if err := d.Decode(&p); err != nil {
		t.Fatal(err)
	}
	return p
}

func (g *gitLab) comments(number int) []comment {
	g.mu.Lock()
	defer g.mu.Unlock()
	return slices.DeleteFunc(slices.Clone(g.kept[number]), func(c comment) bool { return c.Author == "somebody" })
}

// review runs a pipeline for the branch and one for the merged result by turns.
func (g *gitLab) review(t *testing.T, w *world, number int, branch string, fork bool) map[string]result {
	t.Helper()
	g.runs++
	ref := fmt.Sprintf("refs/merge-requests/%d/head", number)
	variables := map[string]string{
		"CI_PIPELINE_SOURCE":             "merge_request_event",
		"CI_MERGE_REQUEST_IID":           strconv.Itoa(number),
		"CI_MERGE_REQUEST_DIFF_BASE_SHA": w.git(t, "merge-base", "origin/main", branch),
	}
	checkout := branch
	if g.runs%2 == 0 {
		ref = fmt.Sprintf("refs/merge-requests/%d/merge", number)
		variables["CI_MERGE_REQUEST_TARGET_BRANCH_SHA"] = w.git(t, "rev-parse", "origin/main")
		w.git(t, "switch", "-q", "--detach", "origin/main")
		w.git(t, "merge", "-q", "--no-ff", "-m", "Merge", branch)
		checkout = "HEAD"
	}
	w.git(t, "push", "-q", "-f", "origin", checkout+":"+ref)
	w.git(t, "switch", "-q", branch)
	if !fork {
		variables["REVMAP_COMMENT_TOKEN"] = "token"
	}
	return g.run(t, w, ref, variables)
}

func (g *gitLab) push(t *testing.T, w *world) map[string]result {
	t.Helper()
	key := filepath.Join(w.dir, "variable") // of type File; pasting it into a form has cost the last line break
	write(t, key, strings.TrimSpace(read(t, w.key)))
	return g.run(t, w, "refs/heads/main", map[string]string{
		"CI_PIPELINE_SOURCE": "push",
		"CI_COMMIT_BRANCH":   "main",
		"REVMAP_SSH_KEY":     key, // protected: only main has it
	})
}

// run runs the jobs of a pipeline with the variables that it has besides those of the file.
func (g *gitLab) run(t *testing.T, w *world, ref string, variables map[string]string) map[string]result {
	t.Helper()
	variables["CI"], variables["GITLAB_CI"] = "true", "true"
	variables["CI_API_V4_URL"], variables["CI_PROJECT_ID"] = g.api.URL+"/api/v4", "5"
	variables["CI_DEFAULT_BRANCH"] = "main"
	results := make(map[string]result)
	file := parsePipeline(t, w.must(t, w.origin, "git show "+ref+":"+g.path()))
	for name, job := range file.Jobs {
		if !slices.ContainsFunc(job.Rules, func(r struct{ If string }) bool { return rule(t, r.If, variables) }) {
			continue
		}
		env := []string{}
		for _, more := range []map[string]string{file.Variables, job.Variables, variables} {
			for key, value := range more {
				env = append(env, key+"="+value)
			}
		}
		dir := t.TempDir()
		depth := "--depth=20"
		if file.Variables["GIT_DEPTH"] == "0" {
			depth = ""
		}
		w.must(t, dir, fmt.Sprintf("git init -q && git fetch -q %s file://%s %s && git checkout -q --detach FETCH_HEAD",
			depth, w.origin, ref))
		// The packages of the container are those of this machine.
		script := func(lines ...string) result {
			all := strings.Join(append([]string{"set -eo pipefail", "apt-get() { :; }"}, lines...), "\n")
			out, err := w.command(t, dir, env, "bash", "-c", `: | eval "$0"`, all).CombinedOutput()
			return result{ok: err == nil, log: string(out)}
		}
		r := script(append(slices.Clone(file.Default.BeforeScript), job.Script...)...)
		if len(job.AfterScript) > 0 {
			after := script(job.AfterScript...) // does not count
			r.log += after.log
			if !after.ok {
				t.Errorf("the after_script of %s fails:\n%s", name, r.log)
			}
		}
		if r.ok || job.Artifacts.When == "always" {
			for _, path := range append(job.Artifacts.Paths, job.Artifacts.Reports.Codequality) {
				if path != "" {
					r.summary += read(t, filepath.Join(dir, path))
				}
			}
		}
		results[name] = r
	}
	return results
}

// rule evaluates the "if" of a rule. Comparisons are all that it knows.
func rule(t *testing.T, expression string, variables map[string]string) bool {
	t.Helper()
	value := func(word string) string {
		if name, ok := strings.CutPrefix(word, "$"); ok {
			return variables[name]
		}
		return strings.Trim(word, `"`)
	}
	for _, term := range strings.Split(expression, " && ") {
		left, right, ok := strings.Cut(term, " == ")
		if !ok {
			t.Fatalf("this test does not understand %q", expression)
		}
		if value(left) != value(right) {
			return false
		}
	}
	return true
}

func (g *gitLab) list(w http.ResponseWriter, r *http.Request) {
	g.mu.Lock()
	defer g.mu.Unlock()
	number, _ := strconv.Atoi(r.PathValue("number"))
	page, size := pageOf(r, 20)
	all := g.kept[number]
	list := []any{}
	for _, c := range all[min((page-1)*size, len(all)):min(page*size, len(all))] {
		list = append(list, note(c))
	}
	writeJSON(w, http.StatusOK, list)
}

func (g *gitLab) post(w http.ResponseWriter, r *http.Request) {
	g.mu.Lock()
	defer g.mu.Unlock()
	number, _ := strconv.Atoi(r.PathValue("number"))
	if mayWrite(w, r) {
		c := comment{len(g.kept[1]) + len(g.kept[2]), "project_5_bot", r.FormValue("body")}
		g.kept[number] = append(g.kept[number], c)
		writeJSON(w, http.StatusCreated, note(c))
	}
}

func (g *gitLab) put(w http.ResponseWriter, r *http.Request) {
	g.mu.Lock()
	defer g.mu.Unlock()
	number, _ := strconv.Atoi(r.PathValue("number"))
	id, _ := strconv.Atoi(r.PathValue("id"))
	i := slices.IndexFunc(g.kept[number], func(c comment) bool { return c.ID == id && c.Author != "somebody" })
	if i < 0 {
		http.NotFound(w, r)
		return
	}
	if mayWrite(w, r) {
		g.kept[number][i].Body = r.FormValue("body")
		writeJSON(w, http.StatusOK, note(g.kept[number][i]))
	}
}

// mayWrite reports whether a request has the token and a text.
func mayWrite(w http.ResponseWriter, r *http.Request) bool {
	if r.Header.Get("PRIVATE-TOKEN") != "token" {
		http.Error(w, "", http.StatusUnauthorized)
		return false
	}
	if r.FormValue("body") == "" {
		http.Error(w, "", http.StatusBadRequest)
		return false
	}
	return true
}

func note(c comment) any {
	author := map[string]any{"id": 7, "username": c.Author}
	if c.Author == "somebody" {
		author["id"] = 8
	}
	return map[string]any{"id": c.ID, "body": c.Body, "author": author, "system": false}
}
