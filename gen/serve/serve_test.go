//go:build unix

package serve_test

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/http/cookiejar"
	"net/url"
	"os"
	"os/exec"
	"os/signal"
	"path/filepath"
	"regexp"
	"strings"
	"sync"
	"syscall"
	"testing"

	"github.com/revmap/revmap/gen/cli"
	"github.com/revmap/revmap/gen/users"
	"github.com/revmap/revmap/internal/gittest"
	"github.com/revmap/revmap/internal/peer"
)

// asProgram in the environment makes this test binary the program revmap.
const asProgram = "REVMAP_AS_PROGRAM"

func TestMain(m *testing.M) {
	if os.Getenv(asProgram) != "" {
		ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
		defer stop()
		os.Exit(cli.Main(ctx, os.Args[1:], os.Stdin, os.Stdout, os.Stderr))
	}
	os.Exit(m.Run())
}

// A world is a repository with a source, people who may sign in, and perhaps a revmap serve that runs there.
type world struct {
	gittest.Tree
	users   string // file of the people
	audit   string // file
	listens string // address and port
	url     string // to be opened
	process *exec.Cmd
	ended   chan error // how process has ended
	log     *logged    // its stderr
	client  *http.Client
}

// records is the source of a world.
const records = `version: 1
defaults:
  nameservers: [ns1.example.net, ns2.example.net]
  soa: {primary: ns1.example.net, contact: hostmaster@example.net}
products:
  vps: {hostname: "{server}.miniserver.example"}
accounts:
  acme: {domains: [acme.example]}
  bluebird: {domains: [bluebird.example]}
blocks:
  192.0.2.0/24: {}
  2001:db8::/32: {}
servers:
  web1:
    product: vps
    account: acme
    primary: [192.0.2.10, "2001:db8:0:1::2"]
    addresses:
      192.0.2.11: www.acme.example # an additional address
      2001:db8:0:1::/64:
  web2:
    product: vps
    account: bluebird
    primary: [192.0.2.20, "2001:db8:0:2::2"]
    addresses:
      192.0.2.21: www.bluebird.example
      2001:db8:0:2::/64:
addresses:
  192.0.2.1: gw1.example.net
`

const password = "correct horse battery"

// The people of each world. All have the password.
var everybody = []users.Person{
	{Login: "olivia", FullName: "Olivia Operator", Email: "olivia@example.net", Role: users.Operator},
	{Login: "oscar", FullName: "Oscar Operator", Email: "oscar@example.net", Role: users.Operator},
	{Login: "acme", FullName: "Arthur Acme", Email: "arthur@acme.example", Role: users.Account, Accounts: []string{"acme"}},
	{Login: "victor", FullName: "Victor Viewer", Email: "victor@example.net", Role: users.Viewer},
}

// people returns a file of the people, and a token of each. Making it takes seconds, so it is made once.
var people = sync.OnceValues(func() (file []byte, tokens map[string]string) {
	dir, err := os.MkdirTemp("", "")
	if err != nil {
		panic(err)
	}
	defer os.RemoveAll(dir)
	path := filepath.Join(dir, "users.json")
	tokens = make(map[string]string)
	err = users.Edit(path, func(f *users.File) error {
		for _, p := range everybody {
			if err := f.Add(&p, password); err != nil {
				return err
			}
			token, err := f.AddToken(&users.Token{Login: p.Login})
			if err != nil {
				return err
			}
			tokens[p.Login] = token
		}
		return nil
	})
	if err == nil {
		file, err = os.ReadFile(path)
	}
	if err != nil {
		panic(err)
	}
	return file, tokens
})

func newWorld(t *testing.T) *world {
	t.Helper()
	return newWorldIn(t, t.TempDir())
}

// newWorldIn makes the repository in a folder, and what is needed beside it elsewhere.
func newWorldIn(t *testing.T, dir string) *world {
	t.Helper()
	w := &world{Tree: gittest.In(t, dir)}
	beside := w.TempDir()
	w.users, w.audit = filepath.Join(beside, "users.json"), filepath.Join(beside, "audit.log")
	file, _ := people()
	if err := os.WriteFile(w.users, file, 0o600); err != nil {
		w.Fatal(err)
	}
	w.Write(map[string]string{"records.yaml": records})
	w.Commit("The source")
	return w
}

// environment is that of all programs of a world: without configuration of whoever runs the tests.
func (w *world) environment() []string {
	return append(os.Environ(), "HOME="+w.TempDir(), "XDG_CONFIG_HOME="+w.TempDir(), "REVMAP_CACHE=off", asProgram+"=1")
}

// revmap returns a command that runs revmap in the folder of the repository.
func (w *world) revmap(args ...string) *exec.Cmd {
	w.Helper()
	exe, err := os.Executable()
	if err != nil {
		w.Fatal(err)
	}
	c := exec.Command(exe, args...)
	c.Dir, c.Env = w.Dir, w.environment()
	return c
}

// A logged is what a process has written so far.
type logged struct {
	lock sync.Mutex
	b    bytes.Buffer
}

func (l *logged) Write(p []byte) (int, error) {
	l.lock.Lock()
	defer l.lock.Unlock()
	return l.b.Write(p)
}

func (l *logged) String() string {
	l.lock.Lock()
	defer l.lock.Unlock()
	return l.b.String()
}

var opened = regexp.MustCompile(`Listening on (\S+): open (\S+?)/?\n`)

// serve starts revmap serve, with more flags, on a free port, and waits until it listens.
func (w *world) serve(flags ...string) {
	w.Helper()
	args := append([]string{"serve", "--listen", "127.0.0.1:0", "--audit", w.audit}, flags...)
	if !strings.Contains(strings.Join(flags, " "), "--no-auth") {
		args = append(args, "--users", w.users)
	}
	c := w.revmap(args...)
	w.log = new(logged)
	c.Stderr = w.log
	c.SysProcAttr = &syscall.SysProcAttr{Setpgid: true} // as a shell does
	out, err := c.StdoutPipe()
	if err == nil {
		err = c.Start()
	}
	if err != nil {
		w.Fatal(err)
	}
	w.process, w.ended = c, make(chan error, 1)
	var said strings.Builder
	for r := bufio.NewReader(out); ; {
		line, err := r.ReadString('\n')
		said.WriteString(line)
		if m := opened.FindStringSubmatch(line); m != nil {
			w.listens, w.url = m[1], m[2]
			break
		}
		if err != nil {
			w.Fatalf("revmap serve has ended: %v\n%s%s", c.Wait(), said.String(), w.log)
		}
	}
	ended := w.ended
	go func() { ended <- c.Wait() }()
	w.client = &http.Client{}
	log := w.log
	w.Cleanup(func() {
		w.kill()
		for _, never := range []string{"DATA RACE", "a request could not be answered", "panic"} {
			if strings.Contains(log.String(), never) {
				w.Errorf("%s:\n%s", never, log)
			}
		}
	})
}

// kill ends the process in the hardest way.
func (w *world) kill() {
	w.process.Process.Kill()
	w.ended <- <-w.ended // for whoever asks again
}

// stop ends the process as Ctrl-C does.
func (w *world) stop() {
	w.Helper()
	if err := w.process.Process.Signal(os.Interrupt); err != nil {
		w.Fatal(err)
	}
	err := <-w.ended
	w.ended <- err
	if err != nil {
		w.Errorf("after Ctrl-C: %v\n%s", err, w.log)
	}
}

// A reply is what the server has answered.
type reply struct {
	status int
	header http.Header
	body   string
}

// try sends a request with somebody's token, "" for nobody's.
func (w *world) try(login, method, path, body string) (reply, error) {
	r, err := http.NewRequest(method, w.url+path, strings.NewReader(body))
	if err != nil {
		return reply{}, err
	}
	if login != "" {
		_, tokens := people()
		r.Header.Set("Authorization", "Bearer "+tokens[login])
	}
	switch {
	case strings.HasPrefix(body, "{"):
		r.Header.Set("Content-Type", "application/json")
	case body != "":
		r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	}
	return send(w.client, r)
}

func send(c *http.Client, r *http.Request) (reply, error) {
	got, err := c.Do(r)
	if err != nil {
		return reply{}, err
	}
	defer got.Body.Close()
	b, err := io.ReadAll(got.Body)
	return reply{got.StatusCode, got.Header, string(b)}, err
}

func (w *world) call(login, method, path, body string) reply {
	w.Helper()
	r, err := w.try(login, method, path, body)
	if err != nil {
		w.Fatalf("%s %s: %v\n%s", method, path, err, w.log)
	}
	return r
}

// A browser is that of somebody who has signed in.
type browser struct {
	*world
	client *http.Client
}

func (w *world) signIn(login string) browser {
	w.Helper()
	jar, err := cookiejar.New(nil)
	if err != nil {
		w.Fatal(err)
	}
	b := browser{w, &http.Client{Jar: jar}}
	if r := b.post("/sign-in", url.Values{"login": {login}, "password": {password}}); r.status != http.StatusOK {
		w.Fatalf("sign in as %s: %d %s", login, r.status, r.body)
	}
	return b
}

func (b browser) get(path string) reply {
	b.Helper()
	r, err := http.NewRequest("GET", b.url+path, nil)
	if err != nil {
		b.Fatal(err)
	}
	return b.send(r)
}

func (b browser) post(path string, form url.Values) reply {
	b.Helper()
	r, err := http.NewRequest("POST", b.url+path, strings.NewReader(form.Encode()))
	if err != nil {
		b.Fatal(err)
	}
	r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	return b.send(r)
}

func (b browser) send(r *http.Request) reply {
	b.Helper()
	r.Header.Set("Sec-Fetch-Site", "same-origin")
	got, err := send(b.client, r)
	if err != nil {
		b.Fatalf("%s %s: %v\n%s", r.Method, r.URL, err, b.log)
	}
	return got
}

// A proposed is what our own API answers to a change.
type proposed struct {
	Commit  string `json:"commit"`
	Branch  string `json:"branch"`
	Warning string `json:"warning"`
}

// changeBody is a change of one address in our own API.
func changeBody(addr, name string, more ...string) string {
	return fmt.Sprintf(`{"changes":[{"address":%q,"name":%q%s}],"reason":"a test"}`, addr, name, strings.Join(more, ""))
}

// propose gives an address a name, which must be taken.
func (w *world) propose(login, addr, name string) proposed {
	w.Helper()
	r := w.call(login, "POST", "/api/v1/changes", changeBody(addr, name))
	if r.status/100 != 2 {
		w.Fatalf("%s names %s %s: %d %s\n%s", login, addr, name, r.status, r.body, w.log)
	}
	var p proposed
	if err := json.Unmarshal([]byte(r.body), &p); err != nil {
		w.Fatal(err)
	}
	return p
}

// sourceAt returns the source of a commit or branch.
func (w *world) sourceAt(rev string) string {
	w.Helper()
	return w.Git("show", rev+":records.yaml")
}

// logs returns when the server has logged something, which is later than it answers.
func (w *world) logs(want string) {
	w.Helper()
	peer.Wait(w, func() bool { return strings.Contains(w.log.String(), want) },
		func() string { return fmt.Sprintf("there is no %q in:\n%s", want, w.log) })
}

func (w *world) contains(text string, wants ...string) {
	w.Helper()
	for _, want := range wants {
		if !strings.Contains(text, want) {
			w.Errorf("there is no %q in:\n%s", want, text)
		}
	}
}
