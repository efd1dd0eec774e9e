//go:build unix

package serve_test

import (
	"bufio"
	"context"
	"crypto/tls"
	"crypto/x509"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/cookiejar"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"syscall"
	"testing"

	"github.com/revmap/revmap/gen/serve"
	"github.com/revmap/revmap/internal/gittest"
	"github.com/revmap/revmap/internal/peer"
)

func basic(login, password string) string {
	return base64.StdEncoding.EncodeToString([]byte(login + ":" + password))
}

// readAudit returns what the audit log has so far.
func readAudit(w *world) string {
	w.Helper()
	data, err := os.ReadFile(w.audit)
	if err != nil {
		w.Fatal(err)
	}
	return string(data)
}

// TestSlowClient: who takes ten seconds for a header is cut off, and nobody else waits meanwhile.
func TestSlowClient(t *testing.T) {
	w := newWorld(t)
	w.serve()
	c, err := net.Dial("tcp", w.listens)
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	if _, err := io.WriteString(c, "POST /api/v1/changes HTTP/1.1\r\nHost: localhost\r\nX-Slow: "); err != nil {
		t.Fatal(err)
	}
	if r := w.call("", "GET", "/healthz", ""); r.body != "ok\n" {
		t.Errorf("meanwhile: %d %s", r.status, r.body)
	}
	answer, err := io.ReadAll(c) // ends when the server closes the connection; go test has a time limit
	if err != nil || strings.Contains(string(answer), "200 OK") {
		t.Errorf("answer %q, error %v", answer, err)
	}
}

// TestBigHeader: a header has a limit, too.
func TestBigHeader(t *testing.T) {
	w := newWorld(t)
	w.serve()
	r, err := http.NewRequest("GET", w.url+"/", nil)
	if err != nil {
		t.Fatal(err)
	}
	r.Header.Set("X-Large", strings.Repeat("x", 64<<10))
	if got, err := send(w.client, r); err != nil || got.status != http.StatusRequestHeaderFieldsTooLarge {
		t.Errorf("%d %v", got.status, err)
	}
}

// killed starts the server again and again, and kills it amid changes of three programs. It returns what was answered, by
// the name that was given.
func (w *world) killed(flags ...string) map[string]proposed {
	w.Helper()
	answered := make(map[string]proposed)
	var lock sync.Mutex
	for round := range 6 {
		w.serve(flags...)
		after := 1 + 2*round // changes, then it is killed amid the next
		enough := make(chan struct{})
		var programs sync.WaitGroup
		for i := range 3 {
			programs.Go(func() {
				for n := 0; ; n++ {
					addr := fmt.Sprintf("192.0.2.%d", 100+40*i+n%40)
					name := fmt.Sprintf("n%d-%d-%d.example.net", round, i, n)
					r, err := w.try("olivia", "POST", "/api/v1/changes", changeBody(addr, name))
					if err != nil {
						return
					}
					var p proposed
					if err := json.Unmarshal([]byte(r.body), &p); err != nil || r.status != http.StatusCreated {
						w.Errorf("%d %s", r.status, r.body)
						return
					}
					lock.Lock()
					answered[name] = p
					if after--; after == 0 {
						close(enough)
					}
					lock.Unlock()
				}
			})
		}
		<-enough
		w.kill()
		programs.Wait()
	}
	return answered
}

// sound checks that nothing is half done after the server has started again.
func (w *world) sound() {
	w.Helper()
	w.Git("fsck", "--strict")
	if status := w.Git("status", "--porcelain"); status != "" {
		w.Errorf("the work tree has changed:\n%s", status)
	}
	left, err := filepath.Glob(filepath.Join(w.Dir, ".git", "revmap", "tmp-*"))
	locks, err2 := filepath.Glob(filepath.Join(w.Dir, ".git", "*.lock"))
	if left = append(left, locks...); err != nil || err2 != nil || len(left) > 0 {
		w.Errorf("left over: %s", left)
	}
}

// TestKill: whatever a killed server has answered is there afterwards, and it knows of each branch.
func TestKill(t *testing.T) {
	w := newWorld(t)
	answered := w.killed()
	w.serve()
	w.sound()
	var list struct {
		Proposals []struct{ Branch, Commit string }
	}
	if err := json.Unmarshal([]byte(w.call("olivia", "GET", "/api/v1/proposals", "").body), &list); err != nil {
		t.Fatal(err)
	}
	known := make(map[string]string)
	for _, p := range list.Proposals {
		known[p.Branch] = p.Commit
	}
	for line := range strings.Lines(w.Git("for-each-ref", "--format=%(refname:short) %(objectname)", "refs/heads/rdns")) {
		branch, commit, _ := strings.Cut(strings.TrimSpace(line), " ")
		if known[branch] != commit {
			t.Errorf("branch %s at %s is a proposal at %q", branch, commit, known[branch])
		}
		delete(known, branch)
	}
	if len(known) > 0 {
		t.Errorf("proposals without a branch: %v", known)
	}
	for name, p := range answered {
		w.contains(w.sourceAt(p.Branch), name)
	}
	w.propose("olivia", "192.0.2.99", "afterwards.example.net")
}

// TestKillDirect: the same on the main branch, which the work tree follows.
func TestKillDirect(t *testing.T) {
	w := newWorld(t)
	answered := w.killed("--direct", "operator")
	w.serve("--direct", "operator")
	w.sound()
	history := w.Git("log", "--format=%H", "main")
	for name, p := range answered {
		if !strings.Contains(history, p.Commit) {
			t.Errorf("the main branch does not have %s, which names %s", p.Commit, name)
		}
	}
	w.propose("olivia", "192.0.2.99", "afterwards.example.net")
	w.sound()
}

// TestDirtyWorkTree: a direct commit does not touch what somebody edits by hand, and says so.
func TestDirtyWorkTree(t *testing.T) {
	w := newWorld(t)
	w.serve("--direct", "operator")
	main := w.Git("rev-parse", "main")
	mine := strings.Replace(records, "gw1.example.net", "gw2.example.net", 1)
	w.Write(map[string]string{"records.yaml": mine})
	r := w.call("olivia", "POST", "/api/v1/changes", changeBody("192.0.2.11", "shop.acme.example"))
	if r.status < 400 {
		t.Errorf("%d %s", r.status, r.body)
	}
	w.contains(r.body, "records.yaml", "commit")
	if got := w.Git("rev-parse", "main"); got != main {
		t.Errorf("the branch has moved to %s", got)
	}
	if got := w.Read("records.yaml"); got != mine {
		t.Errorf("the work tree holds %s", got)
	}

	// Once it is clean, the same works, and the work tree follows.
	w.Write(map[string]string{"records.yaml": records})
	w.propose("olivia", "192.0.2.11", "shop.acme.example")
	if got := w.Read("records.yaml"); !strings.Contains(got, "shop.acme.example") {
		t.Errorf("the work tree has not followed: %s", got)
	}
	if status := w.Git("status", "--porcelain"); status != "" {
		t.Errorf("the work tree is dirty:\n%s", status)
	}
}

// TestDetachedHead: without a branch that is checked out, one has to be named.
func TestDetachedHead(t *testing.T) {
	w := newWorld(t)
	w.Git("checkout", "-q", "--detach")
	c := w.revmap("serve", "--listen", "127.0.0.1:0", "--no-auth")
	out, err := c.CombinedOutput()
	if c.ProcessState.ExitCode() != 3 || !strings.Contains(string(out), "--branch") {
		t.Errorf("%v\n%s", err, out)
	}
	if lines := strings.Count(string(out), "\n"); lines > 2 {
		t.Errorf("%d lines:\n%s", lines, out)
	}
	w.serve("--branch", "main")
	w.propose("olivia", "192.0.2.11", "shop.acme.example")
}

// addRemote gives the repository a bare one as its origin.
func (w *world) addRemote() (bare string) {
	w.Helper()
	bare = filepath.Join(w.TempDir(), "bare")
	w.Git("clone", "-q", "--bare", ".", bare)
	w.Git("remote", "add", "origin", bare)
	w.Git("fetch", "-q", "origin")
	return bare
}

// elsewhere commits a change of a clone of the remote, and pushes it.
func (w *world) elsewhere(bare, old, new string) (commit string) {
	w.Helper()
	clone := gittest.Tree{TB: w, Dir: w.TempDir()}
	clone.Git("clone", "-q", bare, ".")
	clone.Replace("records.yaml", old, new)
	commit = clone.Commit("Elsewhere")
	clone.Git("push", "-q", "origin", "main")
	return commit
}

// TestRejectedPush: what somebody has pushed meanwhile comes first. Where the two main branches have gone apart, nothing
// moves, and it is said.
func TestRejectedPush(t *testing.T) {
	w := newWorld(t)
	bare := w.addRemote()
	w.serve("--remote", "origin", "--fetch", "0", "--direct", "operator")
	theirs := w.elsewhere(bare, "gw1.example.net", "gw2.example.net")
	ours := w.propose("olivia", "192.0.2.11", "shop.acme.example")
	if got := w.Git("rev-parse", "main^"); got != theirs {
		t.Errorf("the commit follows %s, not %s", got, theirs)
	}
	if got := w.Git("-C", bare, "rev-parse", "main"); got != ours.Commit {
		t.Errorf("the remote has %s", got)
	}

	w.elsewhere(bare, "gw2.example.net", "gw3.example.net")
	w.Git("commit", "-q", "--allow-empty", "-m", "Not pushed")
	main := w.Git("rev-parse", "main")
	r := w.call("olivia", "POST", "/api/v1/changes", changeBody("192.0.2.11", "store.acme.example"))
	if r.status != http.StatusInternalServerError {
		t.Errorf("%d %s", r.status, r.body)
	}
	w.contains(r.body, "main and origin/main has commits that the other has not: merge or rebase them")
	if got := w.Git("rev-parse", "main"); got != main {
		t.Errorf("the branch has moved to %s", got)
	}
	if status := w.Git("status", "--porcelain"); status != "" {
		t.Errorf("the work tree has changed:\n%s", status)
	}
	w.contains(readAudit(w), `"level":"WARN","msg":"propose","login":"olivia"`)
}

// TestRemote: what others push is followed, what is proposed here is pushed; a remote that is away loses no proposal.
func TestRemote(t *testing.T) {
	w := newWorld(t)
	bare := w.addRemote()
	w.serve("--remote", "origin", "--fetch", "50ms", "--direct", "operator")
	commit := w.elsewhere(bare, "gw1.example.net", "gw2.example.net")
	peer.Wait(t, func() bool { return w.Git("rev-parse", "main") == commit },
		func() string { return "not fetched:\n" + w.log.String() })
	shown := func() string { return w.call("olivia", "GET", "/rdns/192.0.2.1", "").body }
	peer.Wait(t, func() bool { return strings.Contains(shown(), "gw2.example.net") },
		func() string { return "not shown:\n" + w.log.String() })

	direct := w.propose("olivia", "192.0.2.11", "shop.acme.example")
	if got := w.Git("-C", bare, "rev-parse", "main"); got != direct.Commit {
		t.Errorf("the remote has main at %s, not %s", got, direct.Commit)
	}
	reviewed := w.propose("acme", "192.0.2.11", "store.acme.example")
	if got := w.Git("-C", bare, "rev-parse", reviewed.Branch); got != reviewed.Commit {
		t.Errorf("the remote has %s at %s, not %s", reviewed.Branch, got, reviewed.Commit)
	}

	away := bare + ".away"
	if err := os.Rename(bare, away); err != nil {
		t.Fatal(err)
	}
	kept := w.propose("acme", "192.0.2.10", "mail.acme.example")
	if kept.Warning == "" || w.Git("rev-parse", kept.Branch) != kept.Commit {
		t.Errorf("a remote that is away: %+v", kept)
	}
	w.logs("fetch from the remote")
	if err := os.Rename(away, bare); err != nil {
		t.Fatal(err)
	}
	w.logs("works again")
	b := w.signIn("acme")
	if r := b.post("/proposals/push", url.Values{"branch": {kept.Branch}}); r.status != http.StatusOK {
		t.Errorf("push again: %d %s", r.status, r.body)
	}
	if got := w.Git("-C", bare, "rev-parse", kept.Branch); got != kept.Commit {
		t.Errorf("pushed again, the remote has %s", got)
	}
}

// TestBrokenCommit: a commit that cannot be read leaves the last good one in place, until there is a better one.
func TestBrokenCommit(t *testing.T) {
	w := newWorld(t)
	w.serve()
	w.Git("rm", "-q", "records.yaml")
	w.Git("commit", "-qm", "Gone")
	health := func() string { return w.call("", "GET", "/healthz", "").body }
	peer.Wait(t, func() bool { return strings.HasPrefix(health(), "stale") }, func() string { return "healthz: " + health() })
	w.logs("records.yaml")
	w.contains(w.call("olivia", "GET", "/rdns/192.0.2.11", "").body, "www.acme.example")
	w.Git("revert", "--no-edit", "HEAD")
	peer.Wait(t, func() bool { return health() == "ok\n" }, func() string { return "healthz: " + health() + w.log.String() })
}

// TestStartBroken: a server that starts at a commit that cannot be read shows the last good one, and says so, from the
// beginning.
func TestStartBroken(t *testing.T) {
	w := newWorld(t)
	w.Write(map[string]string{"records.yaml": records + "  x: ["})
	w.Git("commit", "-qam", "Broken")
	w.serve()
	health := func() string { return w.call("", "GET", "/healthz", "").body }
	if got := health(); !strings.HasPrefix(got, "stale: ") {
		t.Errorf("healthz: %s", got)
	}
	w.contains(w.call("olivia", "GET", "/rdns/192.0.2.11", "").body, "www.acme.example")
	w.contains(w.call("olivia", "GET", "/v1/servers", "").body, "web1")
	w.logs("records.yaml:30: this is not YAML")
	w.Git("revert", "--no-edit", "HEAD")
	peer.Wait(t, func() bool { return health() == "ok\n" }, func() string { return "healthz: " + health() + w.log.String() })
}

// TestStartLost: a server that starts where the root file is missing shows the last commit that has it, and changes
// nothing.
func TestStartLost(t *testing.T) {
	w := newWorld(t)
	w.Git("rm", "-q", "records.yaml")
	w.Git("commit", "-qm", "Gone")
	w.serve()
	w.contains(w.call("", "GET", "/healthz", "").body, "stale: ")
	w.contains(w.call("olivia", "GET", "/rdns/192.0.2.11", "").body, "www.acme.example")
	if r := w.call("acme", "POST", "/api/v1/changes", changeBody("192.0.2.11", "new.acme.example")); r.status != 503 {
		t.Errorf("a change: %d %s", r.status, r.body)
	}
}

// TestAudit: the log has a line for each attempt to change something, with who, from where, what and how it ended.
func TestAudit(t *testing.T) {
	w := newWorld(t)
	w.serve()
	p := w.propose("olivia", "192.0.2.11", "shop.acme.example")
	w.call("acme", "POST", "/api/v1/changes", changeBody("192.0.2.11", "shop.bluebird.example"))
	w.call("victor", "POST", "/api/v1/changes", changeBody("192.0.2.11", "victor.acme.example"))
	w.call("olivia", "DELETE", "/api/v1/proposals/"+p.Branch, "")
	var got []string
	for line := range strings.Lines(readAudit(w)) {
		var l struct {
			Time, Msg, Login, Token, From, Branch, Commit, Result string
			Addresses                                             int
			Edits                                                 []struct{ Address, Name string }
		}
		if err := json.Unmarshal([]byte(line), &l); err != nil {
			t.Fatalf("%v: %s", err, line)
		}
		if l.From != "127.0.0.1" || l.Token == "" || l.Time == "" {
			t.Errorf("who, from where, when: %s", line)
		}
		if l.Branch == p.Branch {
			l.Branch = "BRANCH"
		}
		if l.Commit == p.Commit {
			l.Commit = "COMMIT"
		}
		got = append(got,
			fmt.Sprintf("%s %s %d %v %q %q: %s", l.Login, l.Msg, l.Addresses, l.Edits, l.Branch, l.Commit, l.Result))
	}
	want := []string{
		`olivia propose 1 [{192.0.2.11 shop.acme.example}] "BRANCH" "COMMIT": done`,
		`acme propose 1 [{192.0.2.11 shop.bluebird.example}] "" "": "shop.bluebird.example" lies in none of the ` +
			`domains of account "acme": acme.example`,
		`victor propose 1 [{192.0.2.11 victor.acme.example}] "" "": you may look at names, but not change them`,
		`olivia withdraw 0 [] "BRANCH" "": done`,
	}
	if len(got) != len(want) {
		t.Fatalf("lines:\n%s", strings.Join(got, "\n"))
	}
	for i := range want {
		if got[i] != want[i] {
			t.Errorf("line %d: %s\nwant    %s", i+1, got[i], want[i])
		}
	}

	// The file may be moved away at any time.
	if err := os.Rename(w.audit, w.audit+".1"); err != nil {
		t.Fatal(err)
	}
	w.propose("olivia", "192.0.2.11", "shop.acme.example")
	if got := readAudit(w); strings.Count(got, "\n") != 1 {
		t.Errorf("a new file: %s", got)
	}
}

// TestStop: Ctrl-C ends the server without a word, and it can start again at once.
func TestStop(t *testing.T) {
	w := newWorld(t)
	for range 2 {
		w.serve()
		w.propose("olivia", "192.0.2.11", "shop.acme.example")
		w.stop()
		if w.log.String() != "" {
			t.Errorf("log: %s", w.log)
		}
	}
}

// TestSecondServer: one repository has one server.
func TestSecondServer(t *testing.T) {
	w := newWorld(t)
	w.serve()
	c := w.revmap("serve", "--listen", "127.0.0.1:0", "--no-auth")
	out, err := c.CombinedOutput()
	if c.ProcessState.ExitCode() != 3 {
		t.Errorf("%v\n%s", err, out)
	}
	w.contains(string(out), fmt.Sprint(w.process.Process.Pid))
}

// TestPortInUse is told in two lines.
func TestPortInUse(t *testing.T) {
	w := newWorld(t)
	w.serve()
	c := w.revmap("serve", "--listen", w.listens, "--no-auth")
	out, err := c.CombinedOutput()
	if c.ProcessState.ExitCode() != 3 || strings.Count(string(out), "\n") != 2 {
		t.Errorf("%v\n%s", err, out)
	}
	w.contains(string(out), "address already in use", "--listen")
}

// TestNoAuth: without signing in, this machine does everything, and a page elsewhere that leads here nothing.
func TestNoAuth(t *testing.T) {
	w := newWorld(t)
	w.serve("--no-auth")
	r := w.call("", "POST", "/api/v1/changes", changeBody("192.0.2.11", "shop.acme.example"))
	if r.status != http.StatusCreated {
		t.Errorf("%d %s", r.status, r.body)
	}
	w.contains(w.call("", "GET", "/", "").body, "www.acme.example")
	q, err := http.NewRequest("GET", w.url+"/", nil)
	if err != nil {
		t.Fatal(err)
	}
	q.Host = "evil.example"
	got, err := send(w.client, q)
	if err != nil || got.status != http.StatusMisdirectedRequest || strings.Contains(got.body, "acme") {
		t.Errorf("%d %s %v", got.status, got.body, err)
	}
}

// TestBehindProxy: what a proxy on this machine offers by HTTPS is HTTPS for browsers, and who asks is whom the proxy names.
func TestBehindProxy(t *testing.T) {
	w := newWorld(t)
	w.serve("--url", "https://rdns.example.net/")
	if w.url != "https://rdns.example.net" {
		t.Errorf("to be opened: %s", w.url)
	}
	form := url.Values{"login": {"olivia"}, "password": {"wrong horse battery"}}
	sent := func(origin string) reply {
		r, err := http.NewRequest("POST", "http://"+w.listens+"/sign-in", strings.NewReader(form.Encode()))
		if err != nil {
			t.Fatal(err)
		}
		r.Host = "rdns.example.net"
		r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
		r.Header.Set("Origin", origin)
		r.Header.Set("X-Forwarded-For", "203.0.113.1, 198.51.100.1") // the first is what the client says of itself
		got, err := send(&http.Client{CheckRedirect: func(*http.Request, []*http.Request) error {
			return http.ErrUseLastResponse
		}}, r)
		if err != nil {
			t.Fatal(err)
		}
		return got
	}
	if r := sent("https://rdns.example.net"); r.status != http.StatusUnauthorized {
		t.Errorf("a wrong password: %d %s", r.status, r.body)
	}
	w.contains(readAudit(w), `"msg":"sign-in","login":"olivia","from":"198.51.100.1"`)
	form.Set("password", password)
	r := sent("https://rdns.example.net")
	if cookie := r.header.Get("Set-Cookie"); r.status != http.StatusSeeOther || !strings.HasPrefix(cookie, "__Host-") ||
		!strings.Contains(cookie, "; Secure") || r.header.Get("Strict-Transport-Security") == "" {
		t.Errorf("%d %v", r.status, r.header)
	}
	if r := sent("https://evil.example"); r.status != http.StatusForbidden {
		t.Errorf("from another site: %d %s", r.status, r.body)
	}
}

// TestTLS: with a certificate there is TLS 1.2 and later, and cookies that are not sent without it.
func TestTLS(t *testing.T) {
	w := newWorld(t)
	dir := t.TempDir()
	cert, key := filepath.Join(dir, "cert.pem"), filepath.Join(dir, "key.pem")
	serve.WritePair(t, cert, key, 1)
	roots := x509.NewCertPool()
	if data, err := os.ReadFile(cert); err != nil || !roots.AppendCertsFromPEM(data) {
		t.Fatal(err)
	}
	w.serve("--tls-cert", cert, "--tls-key", key)
	if !strings.HasPrefix(w.url, "https://") {
		t.Fatal(w.url)
	}
	jar, err := cookiejar.New(nil)
	if err != nil {
		t.Fatal(err)
	}
	b := browser{w, &http.Client{Jar: jar, Transport: &http.Transport{TLSClientConfig: &tls.Config{RootCAs: roots}}}}
	r := b.post("/sign-in", url.Values{"login": {"olivia"}, "password": {password}})
	if r.status != http.StatusOK || r.header.Get("Strict-Transport-Security") == "" {
		t.Errorf("%d %v", r.status, r.header)
	}
	u, err := url.Parse(w.url)
	if err != nil {
		t.Fatal(err)
	}
	cookies := jar.Cookies(u)
	if len(cookies) != 1 || !strings.HasPrefix(cookies[0].Name, "__Host-") {
		t.Errorf("cookies %v", cookies)
	}
	old := &tls.Config{RootCAs: roots, MaxVersion: tls.VersionTLS11, MinVersion: tls.VersionTLS10}
	if c, err := tls.Dial("tcp", w.listens, old); err == nil {
		c.Close()
		t.Error("TLS 1.1 works")
	}
	if got, err := http.Get("http://" + w.listens + "/"); err == nil {
		got.Body.Close()
		if got.StatusCode != http.StatusBadRequest {
			t.Errorf("plain HTTP: %s", got.Status)
		}
	}
}

// TestCtrlC: the Ctrl-C of a terminal goes to all processes of the command line, also to the git that is pushing. The
// proposal is finished all the same.
func TestCtrlC(t *testing.T) {
	w := newWorld(t)
	bare := w.addRemote()
	dir := t.TempDir()
	begun, goOn, ssh := filepath.Join(dir, "begun"), filepath.Join(dir, "go-on"), filepath.Join(dir, "ssh")
	if err := syscall.Mkfifo(goOn, 0o600); err != nil {
		t.Fatal(err)
	}
	script := fmt.Sprintf("#!/bin/sh\n"+
		"[ -e %[1]s ] || { : >%[1]s; read line <%[2]s; }\nshift\nexec sh -c \"$*\"\n", begun, goOn)
	if err := os.WriteFile(ssh, []byte(script), 0o700); err != nil {
		t.Fatal(err)
	}
	w.Git("remote", "set-url", "origin", "ssh://example.net"+bare)
	w.Git("config", "core.sshCommand", ssh)
	w.Git("config", "ssh.variant", "simple")
	w.serve("--remote", "origin", "--fetch", "0")
	answer := make(chan proposed)
	go func() { answer <- w.propose("olivia", "192.0.2.11", "shop.acme.example") }()
	peer.Wait(t, func() bool { _, err := os.Stat(begun); return err == nil },
		func() string { return "no push: " + w.log.String() })
	if err := syscall.Kill(-w.process.Process.Pid, syscall.SIGINT); err != nil {
		t.Fatal(err)
	}
	fifo, err := os.OpenFile(goOn, os.O_RDWR, 0) // which waits for nobody
	if err != nil {
		t.Fatal(err)
	}
	defer fifo.Close()
	if _, err := io.WriteString(fifo, "\n"); err != nil {
		t.Fatal(err)
	}
	p := <-answer
	if p.Warning != "" || w.Git("-C", bare, "rev-parse", p.Branch) != p.Commit {
		t.Errorf("%+v", p)
	}
	if err := <-w.ended; err != nil {
		t.Errorf("%v\n%s", err, w.log)
	}
	w.ended <- nil
}

// TestShutdownFinishes: a request that is under way when Ctrl-C comes is answered.
func TestShutdownFinishes(t *testing.T) {
	w := newWorld(t)
	w.serve()
	c, err := net.Dial("tcp", w.listens)
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	_, tokens := people()
	body := changeBody("192.0.2.11", "shop.acme.example")
	fmt.Fprintf(c, "POST /api/v1/changes HTTP/1.1\r\nHost: localhost\r\nAuthorization: Bearer %s\r\nContent-Length: %d\r\n"+
		"Expect: 100-continue\r\n\r\n", tokens["olivia"], len(body))
	r := bufio.NewReader(c)
	line, err := r.ReadString('\n') // the handler asks for the body: it is under way
	if err != nil || !strings.Contains(line, "100 Continue") {
		t.Fatalf("%q %v", line, err)
	}
	if err := w.process.Process.Signal(os.Interrupt); err != nil {
		t.Fatal(err)
	}
	peer.Wait(t, func() bool { // it does not listen any more
		other, err := (&net.Dialer{}).DialContext(context.Background(), "tcp", w.listens)
		if err == nil {
			other.Close()
		}
		return err != nil
	}, func() string { return "it still listens" })
	if _, err := io.WriteString(c, body); err != nil {
		t.Fatal(err)
	}
	rest, err := io.ReadAll(r)
	if err != nil || !strings.Contains(string(rest), "201 Created") {
		t.Errorf("%s %v", rest, err)
	}
	if err := <-w.ended; err != nil {
		t.Errorf("%v\n%s", err, w.log)
	}
	w.ended <- nil
}
