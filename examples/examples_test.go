// Package examples holds files to copy: continuous integration, a Git hook, and publication to name servers. Its tests
// do what they say.
package examples

import (
	"archive/zip"
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"os"
	"os/exec"
	"os/user"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/miekg/dns"

	"github.com/revmap/revmap/internal/peer"
)

// A forge is GitHub or GitLab, as far as the examples meet it: it runs the jobs of its file and keeps comments.
type forge interface {
	// path is where its file lies in the repository of the source; example is the file here.
	path() string
	example() string
	// version returns the version of revmap that its file installs.
	version(t *testing.T) string
	// review runs the jobs for a pull request that brings the branch into main. If it is from a fork, there are neither
	// secrets nor a token that can write.
	review(t *testing.T, w *world, number int, branch string, fork bool) map[string]result
	// push runs the jobs for what was pushed to main.
	push(t *testing.T, w *world) map[string]result
	// comments returns the comments on a pull request but those of other people.
	comments(number int) []comment
}

// A result is how a job ended.
type result struct {
	ok      bool
	log     string
	summary string // what it leaves to be read beside the log
}

// A comment is one on a pull request.
type comment struct {
	ID     int
	Author string
	Body   string
}

// theirs are more comments than a forge tells at a time. The last of them looks like revmap's.
func theirs() (all []comment) {
	for i := range 150 {
		all = append(all, comment{1000 + i, "somebody", "Looks good to me."})
	}
	return append(all, comment{1150, "somebody", "<!-- revmap diff -->\nmine"})
}

// TestGitHub and TestGitLab follow a change of the source from the branch to the name server.
func TestGitHub(t *testing.T) { testForge(t, newGitHub(t)) }
func TestGitLab(t *testing.T) { testForge(t, newGitLab(t)) }

func testForge(t *testing.T, f forge) {
	w := newWorld(t)
	w.release(t, f.version(t))
	ns1, ns2 := w.newNameServer(t), w.newNameServer(t)
	w.addExamples(t, ns1, ns2)
	w.write(t, f.path(), w.withServers(read(t, f.example()), ns1, ns2))
	w.commit(t, "Reverse DNS in Git")
	w.git(t, "push", "origin", "main")
	ended(t, f.push(t, w), "publish passed")
	dnsAddr := ns1.serve(t, w)
	answers(t, dnsAddr, "192.0.2.11", "examplaaa1.miniserver.example.")
	before := serials(t, dnsAddr)

	// A pull request gets a comment.
	w.git(t, "switch", "-q", "-c", "topic")
	w.edit(t, "shop.acme.example", "store.acme.example")
	w.commit(t, "The shop is a store")
	w.git(t, "push", "origin", "topic")
	ended(t, f.review(t, w, 1, "topic", false), "diff passed, lint passed")
	first := theComment(t, f, 1)
	contains(t, first.Body, "198.51.100.14", "shop.acme.example", "store.acme.example")

	// The next push to it updates the comment, and lint tells where the mistake is.
	w.edit(t, "gw1.example.net", "gw_1.example.net")
	w.commit(t, "A mistake")
	w.git(t, "push", "origin", "topic")
	jobs := f.review(t, w, 1, "topic", false)
	ended(t, jobs, "diff passed, lint failed")
	contains(t, jobs["lint"].summary, "records.yaml", strconv.Itoa(w.line(t, "gw_1")), "name-not-hostname")
	second := theComment(t, f, 1)
	contains(t, second.Body, "store.acme.example", "gw_1.example.net")
	if second.ID != first.ID {
		t.Errorf("the comment is another one: %d, then %d", first.ID, second.ID)
	}

	// A gate stops a block from vanishing, until somebody says that it shall.
	w.edit(t, "gw_1.example.net", "gw1.example.net")
	w.edit(t, "  203.0.113.0/24: {}\n", "")
	w.edit(t, "  examplaaa4: {product: vps, primary: 203.0.113.14}\n", "")
	w.edit(t, "  203.0.113.1: gw2.example.net\n", "")
	w.commit(t, "Give a block back")
	w.git(t, "push", "origin", "topic")
	jobs = f.review(t, w, 1, "topic", false)
	ended(t, jobs, "diff failed, lint passed")
	third := theComment(t, f, 1)
	contains(t, third.Body, "203.0.113.0/24", "113.0.203.in-addr.arpa")
	trailers := regexp.MustCompile(`Revmap-Allow: [a-z-]+(=[0-9a-z.:/-]+)?`).FindAllString(third.Body, -1)
	if len(trailers) == 0 {
		t.Fatalf("the comment does not say what allows it:\n%s", third.Body)
	}
	slices.Sort(trailers)
	w.git(t, "commit", "-q", "--allow-empty", "-m", "It is theirs again\n\n"+strings.Join(slices.Compact(trailers), "\n"))
	w.git(t, "push", "origin", "topic")
	ended(t, f.review(t, w, 1, "topic", false), "diff passed, lint passed")
	last := theComment(t, f, 1)
	contains(t, last.Body, "A Person") // who allows it
	if last.ID != first.ID {
		t.Errorf("the comment is another one: %d, then %d", first.ID, last.ID)
	}

	// The same from a fork: nobody may comment, so it stands elsewhere.
	jobs = f.review(t, w, 2, "topic", true)
	ended(t, jobs, "diff passed, lint passed")
	contains(t, jobs["diff"].summary, "store.acme.example")
	if got := f.comments(2); len(got) > 0 {
		t.Errorf("a pull request from a fork has comments: %v", got)
	}

	// Once merged, it is served. What did not change keeps its serial.
	w.git(t, "switch", "-q", "main")
	w.git(t, "merge", "-q", "--no-ff", "-m", "Merge topic", "topic")
	w.git(t, "push", "origin", "main")
	ended(t, f.push(t, w), "publish passed")
	answers(t, dnsAddr, "198.51.100.14", "store.acme.example.")
	answers(t, dnsAddr, "203.0.113.14", "REFUSED")
	after := serials(t, dnsAddr)
	for _, zone := range zones[:2] {
		if moved := before[zone] != after[zone]; moved != (zone == "100.51.198.in-addr.arpa.") {
			t.Errorf("the serial of %s went from %d to %d", zone, before[zone], after[zone])
		}
	}
	served := read(t, ns1.snapshot)
	if read(t, ns2.snapshot) != served {
		t.Error("the second name server has another snapshot")
	}

	// A mistake that comes to main all the same is not published.
	w.edit(t, "gw1.example.net", "gw_1.example.net")
	w.commit(t, "A mistake")
	w.git(t, "push", "origin", "main")
	ended(t, f.push(t, w), "publish failed")
	if read(t, ns1.snapshot) != served {
		t.Error("a source with errors was published")
	}
}

// TestPublish: a name server that is away does not keep the others from the snapshot, and does not go unnoticed. The
// next time its zones come to the serials of the others.
func TestPublish(t *testing.T) {
	w := newWorld(t)
	w.install(t)
	away, ns := w.newNameServer(t), w.newNameServer(t)
	w.addExamples(t, away, ns)
	w.commit(t, "Reverse DNS in Git")
	authorized := filepath.Join(away.ssh.Dir, "authorized_keys")
	if err := os.Rename(authorized, authorized+".away"); err != nil {
		t.Fatal(err)
	}
	publish := fmt.Sprintf("./publish ssh://%s ssh://%s", away.login(t), ns.login(t))
	out, err := w.shell(t, w.clone, withAgent(publish))
	if err == nil {
		t.Errorf("publish succeeds without one of the name servers:\n%s", out)
	}
	contains(t, out, away.login(t)+": not published", ns.login(t)+": published")
	first := inspect(t, w, ns.snapshot)

	if err := os.Rename(authorized+".away", authorized); err != nil {
		t.Fatal(err)
	}
	w.edit(t, "gw1.example.net", "gw9.example.net")
	w.commit(t, "Another gateway")
	out, err = w.shell(t, w.clone, withAgent(publish))
	if err != nil {
		t.Fatalf("publish: %v\n%s", err, out)
	}
	second := inspect(t, w, ns.snapshot)
	for zone := range first {
		if moved := first[zone] != second[zone]; moved != (zone == zones[0]) {
			t.Errorf("the serial of %s went from %d to %d", zone, first[zone], second[zone])
		}
	}
	if read(t, away.snapshot) != read(t, ns.snapshot) {
		t.Error("the name servers have different snapshots")
	}

	served := read(t, ns.snapshot)
	w.edit(t, "gw9.example.net", "gw1.example.net")
	w.write(t, "known_hosts", strings.ReplaceAll(read(t, filepath.Join(w.clone, "known_hosts")), " AAAA", " BBBB"))
	if out, err := w.shell(t, w.clone, withAgent(publish)); err == nil || read(t, ns.snapshot) != served {
		t.Errorf("publish to servers that nobody knows: %v\n%s", err, out)
	}
	if out, err := w.shell(t, w.clone, "./publish"); err == nil || !strings.Contains(out, "usage:") {
		t.Errorf("publish without a server: %v\n%s", err, out)
	}
}

// TestReceive: the key lets CI do two things and no other, and only a good snapshot replaces another.
func TestReceive(t *testing.T) {
	w := newWorld(t)
	w.install(t)
	ns := w.newNameServer(t)
	w.addExamples(t, ns)
	snapshot := filepath.Join(w.dir, "records.snapshot")
	w.must(t, w.clone, "revmap compile -q -o "+snapshot+" records.yaml")
	ssh := func(command, stdin string) (string, error) {
		return w.shell(t, w.clone, withAgent("ssh -o BatchMode=yes -o UserKnownHostsFile=known_hosts "+
			"-o StrictHostKeyChecking=yes ssh://"+ns.login(t)+" "+command+" <"+stdin))
	}
	cut, empty := filepath.Join(w.dir, "cut"), filepath.Join(w.dir, "empty")
	good := read(t, snapshot)
	write(t, cut, good[:len(good)-1])
	write(t, empty, "")

	for _, step := range []struct {
		name, command, stdin string
		ok                   bool
		want                 string // the snapshot afterwards
	}{
		{"fetch when there is none", "fetch", "/dev/null", true, ""},
		{"nothing", "publish", empty, false, ""},
		{"a part of a snapshot", "publish", cut, false, ""},
		{"another file", "publish", "records.yaml", false, ""},
		{"a snapshot", "publish", snapshot, true, good},
		{"a part of a snapshot in its place", "publish", cut, false, good},
		{"another command", "'rm -rf " + ns.dir + "'", snapshot, false, good},
		{"a command besides", "'publish; rm -rf " + ns.dir + "'", snapshot, false, good},
		{"a shell", "", snapshot, false, good},
		{"the snapshot again", "publish", snapshot, true, good},
	} {
		out, err := ssh(step.command, step.stdin)
		if ok := err == nil; ok != step.ok {
			t.Errorf("%s: %v, want success to be %v\n%s", step.name, err, step.ok, out)
		}
		if got, _ := os.ReadFile(ns.snapshot); string(got) != step.want {
			t.Errorf("%s: the snapshot has %d bytes, want %d", step.name, len(got), len(step.want))
		}
		if left, _ := filepath.Glob(ns.snapshot + ".*"); len(left) > 0 {
			t.Errorf("%s: %v is left", step.name, left)
		}
	}
	if out, err := ssh("fetch", "/dev/null"); err != nil || out != good {
		t.Errorf("fetch: %v, %d bytes, want %d", err, len(out), len(good))
	}
	info, err := os.Stat(ns.snapshot)
	if err != nil || info.Mode() != 0o644 {
		t.Errorf("mode of the snapshot: %v, %v, want it to be readable for all", info.Mode(), err)
	}
}

// TestPreCommit: the hook judges what is committed, not what lies in the folder.
func TestPreCommit(t *testing.T) {
	w := newWorld(t)
	w.install(t)
	hook := filepath.Join(w.clone, ".git", "hooks", "pre-commit")
	if err := os.MkdirAll(filepath.Dir(hook), 0o755); err != nil {
		t.Fatal(err)
	}
	write(t, hook, read(t, "pre-commit"))
	if err := os.Chmod(hook, 0o755); err != nil {
		t.Fatal(err)
	}
	w.must(t, w.clone, "git add . && git commit -q -m 'The first commit has nothing to be compared with'")

	for _, step := range []struct {
		name, command string
		ok            bool
		want          []string
	}{
		{"a change", "sed -i s/shop.acme/store.acme/ records.yaml && git commit -a -m x", true,
			[]string{"198.51.100.14", "shop.acme.example", "store.acme.example"}},
		{"a mistake", "sed -i s/gw1/gw_1/ records.yaml && git commit -a -m x", false,
			[]string{"\nrecords.yaml:", "[name-not-hostname]"}},
		{"the mistake is committed, mended in the folder", "git add . && sed -i s/gw_1/gw1/ records.yaml && git commit -m x",
			false, []string{"[name-not-hostname]"}},
		{"the mistake is in the folder only",
			"sed -i s/gw2/gw5/ records.yaml && git add . && sed -i s/gw1/gw_1/ records.yaml && git commit -m x", true,
			[]string{"gw5.example.net"}},
		{"one file of two", "sed -i s/gw_1/gw1/ records.yaml && echo x >>README && git add README && git commit -m x README",
			true, nil},
		{"in a folder below", "mkdir -p docs && cd docs && sed -i s/gw5/gw6/ ../records.yaml && git commit -a -m x", true,
			[]string{"gw6.example.net"}},
		{"in another work tree", "git worktree add -q -b other ../other && cd ../other && " +
			"sed -i s/gw1/gw8/ records.yaml && git commit -a -m x", true, []string{"gw8.example.net"}},
		{"what a gate stops can be committed", "sed -i '/^  203.0.113.0/d; /gw6/d; /examplaaa4/d' records.yaml && " +
			"git commit -a -m x", true, []string{"Revmap-Allow: "}},
	} {
		out, err := w.shell(t, w.clone, "exec 2>&1; "+step.command)
		if ok := err == nil; ok != step.ok {
			t.Errorf("%s: %v, want success to be %v\n%s", step.name, err, step.ok, out)
		}
		contains(t, "\n"+out, step.want...)
	}
	if left, _ := filepath.Glob(filepath.Join(w.tmp, "*")); len(left) > 0 {
		t.Errorf("%v are left", left)
	}
}

// A world is a repository of a source, its forge's copy, and programs that are used with them.
type world struct {
	dir    string
	origin string // the repository at the forge
	clone  string // a person's, on main at first
	tmp    string // TMPDIR of all commands
	key    string // file of the key that may publish
	env    []string
}

// newWorld makes a repository with testdata/records.yaml, not committed.
func newWorld(t *testing.T) *world {
	t.Helper()
	peer.Needs(t, "ssh", "sshd")
	w := &world{dir: t.TempDir()}
	for path, mode := range map[*string]string{&w.origin: "origin", &w.clone: "clone", &w.tmp: "tmp"} {
		*path = filepath.Join(w.dir, mode)
		if err := os.Mkdir(*path, 0o755); err != nil {
			t.Fatal(err)
		}
	}
	w.env = []string{
		"PATH=" + filepath.Join(w.dir, "go", "bin") + ":" + os.Getenv("PATH"),
		"HOME=" + w.dir, "TMPDIR=" + w.tmp, "LC_ALL=C.UTF-8",
		"GIT_CONFIG_NOSYSTEM=1", "GIT_CONFIG_GLOBAL=" + filepath.Join(w.dir, "gitconfig"),
	}
	write(t, filepath.Join(w.dir, "gitconfig"),
		"[user]\nname = A Person\nemail = person@example.net\n[init]\ndefaultBranch = main\n")
	w.key = filepath.Join(w.dir, "key")
	run(t, "ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-C", "ci", "-f", w.key)
	w.must(t, w.origin, "git init -q --bare && git config uploadpack.allowAnySHA1InWant true")
	w.must(t, w.clone, "git init -q && git remote add origin file://"+w.origin)
	w.write(t, "records.yaml", read(t, "testdata/records.yaml"))
	return w
}

// release lets go install get this module, as the given version: from a folder in the form of a Go module proxy. All
// other modules come from the module cache.
func (w *world) release(t *testing.T, version string) {
	t.Helper()
	proxy := filepath.Join(w.dir, "proxy")
	versions := filepath.Join(proxy, "github.com/revmap/revmap/@v")
	if err := os.MkdirAll(versions, 0o755); err != nil {
		t.Fatal(err)
	}
	var content bytes.Buffer
	z := zip.NewWriter(&content)
	err := fs.WalkDir(os.DirFS(".."), ".", func(path string, d fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		if d.IsDir() {
			// tools is a module of its own.
			if slices.Contains([]string{".git", "bin", "run", "tools", "testdata"}, d.Name()) {
				return fs.SkipDir
			}
			return nil
		}
		f, err := z.Create("github.com/revmap/revmap@" + version + "/" + path)
		if err != nil {
			return err
		}
		_, err = f.Write([]byte(read(t, filepath.Join("..", path))))
		return err
	})
	if err := errors.Join(err, z.Close()); err != nil {
		t.Fatal(err)
	}
	for name, text := range map[string]string{
		"list":            version + "\n",
		version + ".info": fmt.Sprintf(`{"Version": %q}`, version),
		version + ".mod":  read(t, "../go.mod"),
		version + ".zip":  content.String(),
	} {
		write(t, filepath.Join(versions, name), text)
	}
	run(t, "go", "list", "-deps", "../cmd/revmap") // from here on, all modules that it needs are in the cache
	caches := strings.Fields(run(t, "go", "env", "GOCACHE", "GOMODCACHE"))
	w.env = append(w.env, "GOCACHE="+caches[0], "GOPATH="+filepath.Join(w.dir, "go"), "GOSUMDB=off",
		"GOPROXY=file://"+proxy+",file://"+caches[1]+"/cache/download",
		"GOFLAGS=-modcacherw "+os.Getenv("GOFLAGS"), "CGO_ENABLED="+os.Getenv("CGO_ENABLED"))
}

// install puts revmap, as it is in this checkout, where commands find it.
func (w *world) install(t *testing.T) {
	t.Helper()
	run(t, "go", "build", "-o", filepath.Join(w.dir, "go", "bin")+"/", "../cmd/revmap")
}

// addExamples adds what publication needs in the repository.
func (w *world) addExamples(t *testing.T, servers ...*nameServer) {
	t.Helper()
	known := ""
	for _, ns := range servers {
		known += ns.known
	}
	w.write(t, "known_hosts", known)
	w.write(t, "publish", read(t, "publish"))
	if err := os.Chmod(filepath.Join(w.clone, "publish"), 0o755); err != nil {
		t.Fatal(err)
	}
}

// withServers replaces the name servers of an example.
func (w *world) withServers(text string, servers ...*nameServer) string {
	for i, ns := range servers {
		text = strings.ReplaceAll(text, fmt.Sprintf("revmap@ns%d.example.net", i+1), ns.user+"@"+ns.ssh.Addr)
	}
	return text
}

// write writes a file of the repository.
func (w *world) write(t *testing.T, path, text string) {
	t.Helper()
	path = filepath.Join(w.clone, path)
	if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
		t.Fatal(err)
	}
	write(t, path, text)
}

// edit replaces a text of records.yaml, which must be there.
func (w *world) edit(t *testing.T, old, with string) {
	t.Helper()
	text := read(t, filepath.Join(w.clone, "records.yaml"))
	if !strings.Contains(text, old) {
		t.Fatalf("records.yaml has no %q", old)
	}
	w.write(t, "records.yaml", strings.Replace(text, old, with, 1))
}

// line returns the number of the line of records.yaml that has a text.
func (w *world) line(t *testing.T, text string) int {
	t.Helper()
	before, _, ok := strings.Cut(read(t, filepath.Join(w.clone, "records.yaml")), text)
	if !ok {
		t.Fatalf("records.yaml has no %q", text)
	}
	return strings.Count(before, "\n") + 1
}

func (w *world) commit(t *testing.T, message string) {
	t.Helper()
	w.git(t, "add", ".")
	w.git(t, "commit", "-q", "-m", message)
}

// git runs git in the person's clone and returns what it prints.
func (w *world) git(t *testing.T, args ...string) string {
	t.Helper()
	out, err := w.command(t, w.clone, nil, "git", args...).CombinedOutput()
	if err != nil {
		t.Fatalf("git %s: %v\n%s", args, err, out)
	}
	return strings.TrimSpace(string(out))
}

// command returns a command with nothing of the environment of the test but what the world has, and env.
func (w *world) command(t *testing.T, dir string, env []string, program string, args ...string) *exec.Cmd {
	ctx, cancel := context.WithTimeout(t.Context(), 5*time.Minute)
	t.Cleanup(cancel)
	cmd := exec.CommandContext(ctx, program, args...)
	cmd.Dir = dir
	cmd.Env = append(slices.Clone(w.env), env...)
	cmd.WaitDelay = time.Second // for a process that it leaves behind with its output
	return cmd
}

// shell runs a script and returns what it prints, first to its output, then the rest.
func (w *world) shell(t *testing.T, dir, script string) (string, error) {
	t.Helper()
	cmd := w.command(t, dir, []string{"KEY=" + w.key}, "bash", "-c", script)
	var stderr bytes.Buffer
	cmd.Stderr = &stderr
	out, err := cmd.Output()
	return string(out) + stderr.String(), err
}

// must is shell for what succeeds.
func (w *world) must(t *testing.T, dir, script string) string {
	t.Helper()
	out, err := w.shell(t, dir, script)
	if err != nil {
		t.Fatalf("%s: %v\n%s", script, err, out)
	}
	return out
}

// withAgent returns a script that runs another with the key that may publish.
func withAgent(script string) string {
	return `eval "$(ssh-agent)" >/dev/null; trap 'ssh-agent -k >/dev/null' EXIT; ssh-add -q "$KEY"; ` + script
}

// A nameServer has an SSH server, a folder with the snapshot, and a CoreDNS once it is asked for.
type nameServer struct {
	user     string
	ssh      *peer.Server
	known    string // line of known_hosts
	dir      string
	snapshot string
}

// newNameServer makes a name server as the README tells.
func (w *world) newNameServer(t *testing.T) *nameServer {
	t.Helper()
	u, err := user.Current()
	if err != nil {
		t.Fatal(err)
	}
	ns := &nameServer{user: u.Username, dir: t.TempDir()}
	ns.snapshot = filepath.Join(ns.dir, "records.snapshot")
	receive, err := filepath.Abs("receive")
	if err != nil {
		t.Fatal(err)
	}
	line := regexp.MustCompile(`restrict,command=.* ci`).FindString(read(t, "README.md"))
	public := strings.TrimSpace(read(t, w.key+".pub"))
	authorized := strings.NewReplacer(
		"/usr/local/bin/receive", "env "+w.env[0]+" "+receive, // also finds revmap
		"/srv/revmap/records.snapshot", ns.snapshot,
		"ssh-ed25519 AAAA... ci", public,
	).Replace(line)
	if !strings.HasSuffix(authorized, public) {
		t.Fatalf("README.md has another line for authorized_keys than thought: %q", line)
	}
	ns.ssh, ns.known = peer.SSHD(t, authorized+"\n")
	return ns
}

// login is how ssh is told about it, without "ssh://".
func (ns *nameServer) login(t *testing.T) string { return ns.user + "@" + ns.ssh.Addr }

// serve starts a CoreDNS with the snapshot, and returns its address and port.
func (ns *nameServer) serve(t *testing.T, w *world) string {
	t.Helper()
	program := filepath.Join(w.dir, "coredns")
	run(t, "go", "build", "-o", program, "../cmd/coredns")
	port := peer.Port(t)
	corefile := fmt.Sprintf(".:%d {\n bind 127.0.0.1\n revmap %s {\n  reload 50ms\n }\n}\n", port, ns.snapshot)
	return peer.Start(t, program, port, map[string]string{"Corefile": corefile}, "-conf", "{dir}/Corefile").Addr
}

// answers waits until an address has a name; "REFUSED" if it lies in none of the zones.
func answers(t *testing.T, server, addr, want string) {
	t.Helper()
	name, err := dns.ReverseAddr(addr)
	if err != nil {
		t.Fatal(err)
	}
	got := ""
	peer.Wait(t, func() bool {
		r, err := dns.Exchange(new(dns.Msg).SetQuestion(name, dns.TypePTR), server)
		switch {
		case err != nil:
			got = err.Error()
		case len(r.Answer) == 1:
			got = r.Answer[0].(*dns.PTR).Ptr
		default:
			got = dns.RcodeToString[r.Rcode]
		}
		return got == want
	}, func() string { return fmt.Sprintf("%s answers %s, want %s", addr, got, want) })
}

// zones are those of testdata/records.yaml.
var zones = []string{"2.0.192.in-addr.arpa.", "100.51.198.in-addr.arpa.", "113.0.203.in-addr.arpa."}

// serials returns those of the zones that a server has.
func serials(t *testing.T, server string) map[string]uint32 {
	t.Helper()
	all := make(map[string]uint32)
	for _, zone := range zones {
		r, err := dns.Exchange(new(dns.Msg).SetQuestion(zone, dns.TypeSOA), server)
		if err != nil {
			t.Fatal(err)
		}
		if len(r.Answer) == 1 {
			all[zone] = r.Answer[0].(*dns.SOA).Serial
		}
	}
	return all
}

// inspect returns the serials of the zones of a snapshot.
func inspect(t *testing.T, w *world, snapshot string) map[string]uint32 {
	t.Helper()
	var content struct {
		Zones []struct {
			Name   string
			Serial uint32
		}
	}
	if err := json.Unmarshal([]byte(w.must(t, w.dir, "revmap inspect --format json "+snapshot)), &content); err != nil {
		t.Fatal(err)
	}
	all := make(map[string]uint32)
	for _, z := range content.Zones {
		all[z.Name] = z.Serial
	}
	if len(all) != len(zones) {
		t.Fatalf("the snapshot has the zones %v, want %v", all, zones)
	}
	return all
}

// theComment returns revmap's comment on a pull request, of which there must be one.
func theComment(t *testing.T, f forge, number int) comment {
	t.Helper()
	all := f.comments(number)
	if len(all) != 1 {
		t.Fatalf("there are %d comments, want 1: %v", len(all), all)
	}
	if !strings.HasPrefix(all[0].Body, "<!-- revmap diff -->\n") {
		t.Errorf("the comment has no mark by which it is found:\n%s", all[0].Body)
	}
	return all[0]
}

// ended compares how the jobs ended, by name.
func ended(t *testing.T, jobs map[string]result, want string) {
	t.Helper()
	var got, logs []string
	for _, name := range slices.Sorted(maps.Keys(jobs)) {
		how := "failed"
		if jobs[name].ok {
			how = "passed"
		}
		got = append(got, name+" "+how)
		logs = append(logs, jobs[name].log)
	}
	if got := strings.Join(got, ", "); got != want {
		t.Fatalf("%s, want %s:\n%s", got, want, strings.Join(logs, "\n"))
	}
}

func contains(t *testing.T, text string, wants ...string) {
	t.Helper()
	for _, want := range wants {
		if !strings.Contains(text, want) {
			t.Errorf("there is no %q in:\n%s", want, text)
		}
	}
}

// run runs a program with the environment of the test, and returns what it prints. It must succeed.
func run(t *testing.T, program string, args ...string) string {
	t.Helper()
	out, err := exec.Command(program, args...).CombinedOutput()
	if err != nil {
		t.Fatalf("%s %s: %v\n%s", program, args, err, out)
	}
	return string(out)
}

func read(t *testing.T, path string) string {
	t.Helper()
	b, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	return string(b)
}

func write(t *testing.T, path, text string) {
	t.Helper()
	if err := os.WriteFile(path, []byte(text), 0o644); err != nil {
		t.Fatal(err)
	}
}
