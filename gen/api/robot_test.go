package api

import (
	"bytes"
	"encoding/json"
	"fmt"
	"log/slog"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/revmap/revmap/gen/desk"
	"github.com/revmap/revmap/gen/session"
	"github.com/revmap/revmap/gen/users"
	"github.com/revmap/revmap/internal/peer"
)

// entry returns what Robot answers with for an address that has a name.
func entry(ip, ptr string) string { return `{"rdns":{"ip":"` + ip + `","ptr":"` + ptr + `"}}` }

// invalid returns what Robot answers with for a request that is wrong.
func invalid(message, missing, invalid string) string {
	return `{"error":{"status":400,"code":"INVALID_INPUT","message":"` + message + `","missing":` + missing +
		`,"invalid":` + invalid + `}}`
}

// TestRobot goes through the calls one after the other: each sees what the ones before have set.
func TestRobot(t *testing.T) {
	const (
		ipUnknown = `{"error":{"status":404,"code":"IP_NOT_FOUND","message":"The IP address IP was not found"}}`
		noName    = `{"error":{"status":404,"code":"RDNS_NOT_FOUND",
			"message":"The IP address IP has no reverse DNS entry yet"}}`
		hasName = `{"error":{"status":409,"code":"RDNS_ALREADY_EXISTS",
			"message":"There is already an existing reverse DNS entry"}}`
		none = `{"error":{"status":404,"code":"NOT_FOUND","message":"No reverse DNS entries found"}}`
		web1 = `{"rdns":{"ip":"192.0.2.10","ptr":"mail.acme.example"}},{"rdns":{"ip":"192.0.2.12",
			"ptr":"shop.acme.example"}}`
	)
	steps := []struct {
		method, path, body string
		status             int
		want               string
	}{
		{"GET", "/rdns/192.0.2.10", "", 200, entry("192.0.2.10", "mail.acme.example")},
		{"GET", "/rdns/192.0.2.20", "", 200, entry("192.0.2.20", "web2.miniserver.example")}, // a default hostname
		{"GET", "/rdns/192.0.2.1", "", 200, entry("192.0.2.1", "gw1.example.net")},           // of no server
		{"GET", "/rdns/2001:db8:0:1:0:0:0:2", "", 200, entry("2001:db8:0:1::2", "web1.miniserver.example")},
		{"GET", "/rdns/2001%3Adb8%3A0%3A1%3A%3A2", "", 200, entry("2001:db8:0:1::2", "web1.miniserver.example")},
		{"GET", "/rdns/192.0.2.11", "", 404, noName},
		{"GET", "/rdns/192.0.2.99", "", 404, noName},
		{"GET", "/rdns/198.51.100.8", "", 404, noName}, // a fallback is no entry
		{"GET", "/rdns/2001:db8:0:1::25", "", 404, noName},
		{"GET", "/rdns/203.0.113.1", "", 404, ipUnknown},
		{"GET", "/rdns/::ffff:192.0.2.10", "", 404, ipUnknown},
		{"GET", "/rdns/fe80::1%25eth0", "", 404, strings.ReplaceAll(ipUnknown, "IP address IP", "IP address fe80::1%eth0")},
		{"GET", "/rdns/web1", "", 404, ipUnknown},

		{"GET", "/rdns?server_ip=192.0.2.10", "", 200, `[` + web1 +
			`,{"rdns":{"ip":"2001:db8:0:1::2","ptr":"web1.miniserver.example"}}]`},
		{"GET", "/rdns?server_ip=192.0.2.1", "", 404, none},
		{"GET", "/rdns?server_ip=203.0.113.1", "", 404, none},
		{"GET", "/rdns?server_ip=web1", "", 400, invalid("invalid input", "null", `["server_ip"]`)},
		{"GET", "/rdns", "", 200, `[{"rdns":{"ip":"192.0.2.1","ptr":"gw1.example.net"}},` + web1 +
			`,{"rdns":{"ip":"192.0.2.20","ptr":"web2.miniserver.example"}},{"rdns":{"ip":"192.0.2.30",
				"ptr":"web3.miniserver.example"}}` +
			`,{"rdns":{"ip":"2001:db8:0:1::2","ptr":"web1.miniserver.example"}}]`},

		// PUT
		{"PUT", "/rdns/192.0.2.11", "ptr=www.acme.example", 201, entry("192.0.2.11", "www.acme.example")},
		{"GET", "/rdns/192.0.2.11", "", 200, entry("192.0.2.11", "www.acme.example")},
		{"PUT", "/rdns/192.0.2.11", "ptr=www2.acme.example", 409, hasName},
		{"PUT", "/rdns/192.0.2.20", "ptr=www2.acme.example", 409, hasName},
		{"PUT", "/rdns/203.0.113.1", "ptr=www2.acme.example", 404, ipUnknown},
		{"PUT", "/rdns/192.0.2.99", "", 400, invalid("invalid input", `["ptr"]`, "null")},
		{"PUT", "/rdns/192.0.2.99", "ptr=no%20name", 400, ""},
		{"PUT", "/rdns/192.0.2.99", "ptr=%zz", 400, ""},
		{"PUT", "/rdns/2001:db8:0:1::25?ptr=MX.Acme.Example.", "", 201, entry("2001:db8:0:1::25", "mx.acme.example")},
		// in the query

		// POST
		{"POST", "/rdns/192.0.2.99", "ptr=gw2.example.net", 201, entry("192.0.2.99", "gw2.example.net")},
		{"POST", "/rdns/192.0.2.99", "ptr=gw3.example.net", 200, entry("192.0.2.99", "gw3.example.net")},
		{"POST", "/rdns/192.0.2.99", "ptr=gw3.example.net", 200, entry("192.0.2.99", "gw3.example.net")},
		{"POST", "/rdns/192.0.2.10", "ptr=mail.acme.example", 200, entry("192.0.2.10", "mail.acme.example")}, // as it is
		{"POST", "/rdns/192.0.2.10", "other=mail.acme.example", 400, invalid("invalid input", `["ptr"]`, "null")},
		{"POST", "/rdns/192.0.2.10", "ptr=" + strings.Repeat("x", 70_000), 413, ""},
		{"POST", "/rdns/203.0.113.1", "ptr=x.example.net", 404, ipUnknown},
		{"POST", "/rdns/192.0.2.10", "ptr=", 200, entry("192.0.2.10", "web1.miniserver.example")}, // empty: the default
		{"POST", "/rdns/192.0.2.11", "ptr=", 200, entry("192.0.2.11", "")},                        // never null
		{"GET", "/rdns/192.0.2.11", "", 404, noName},

		// What is not listed yet is there, too.
		{"GET", "/rdns?server_ip=192.0.2.10", "", 200, `[{"rdns":{"ip":"192.0.2.10","ptr":"web1.miniserver.example"}}` +
			`,{"rdns":{"ip":"192.0.2.12","ptr":"shop.acme.example"}},{"rdns":{"ip":"2001:db8:0:1::2",
				"ptr":"web1.miniserver.example"}}` +
			`,{"rdns":{"ip":"2001:db8:0:1::25","ptr":"mx.acme.example"}}]`},

		// DELETE
		{"DELETE", "/rdns/192.0.2.12", "", 200, ""},
		{"GET", "/rdns/192.0.2.12", "", 404, noName},
		{"DELETE", "/rdns/192.0.2.12", "", 200, ""},
		{"DELETE", "/rdns/203.0.113.1", "", 404, ipUnknown},
		{"DELETE", "/rdns/2001:db8:0:1::25", "", 200, ""},
		{"DELETE", "/rdns/192.0.2.99", "", 200, ""},
	}
	s := newSite(t)
	for _, step := range steps {
		header := []string{formType}
		if step.body == "" {
			header = nil
		}
		a := s.do(step.method, step.path, step.body, header...)
		ip := strings.TrimPrefix(step.path, "/rdns/")
		want := strings.ReplaceAll(step.want, "IP address IP", "IP address "+ip)
		if step.want == "" && step.status >= 400 {
			want = a.body // any message
		}
		if a.status != step.status || compact(a.body) != compact(want) {
			t.Errorf("%s %s %.50s: %d %s\nwant %d %s", step.method, step.path, step.body, a.status, a.body, step.status, want)
		}
		if got := a.header.Get("Content-Type"); a.body != "" && got != "application/json" {
			t.Errorf("%s %s: Content-Type: %s", step.method, step.path, got)
		}
	}

	// All of it is one commit by Ada, which waits for review.
	if got := s.Git("log", "--format=%an <%ae>", "main..rdns/ada/api"); got != "Ada Example <ada@example.net>" {
		t.Errorf("commits on rdns/ada/api: %s", got)
	}
	if s.read("main") != strings.TrimSpace(source) {
		t.Error("the main branch has changed")
	}
	if got := s.read("rdns/ada/api"); strings.Contains(got, "mail.acme") || strings.Contains(got, "shop.acme") ||
		!strings.Contains(got, "gw1") {
		t.Errorf("the proposal is\n%s", got)
	}
}

// TestRobotTolerates what clients are known to send.
func TestRobotTolerates(t *testing.T) {
	s := newSite(t)
	for i, tt := range []struct{ method, path, body, contentType string }{
		{"PUT", "/rdns/192.0.2.11", "ptr=a.acme.example", ""},
		{"POST", "/rdns/192.0.2.11", "ptr=a.acme.example", "text/plain"},
		{"POST", "/rdns/192.0.2.11?ptr=a.acme.example", "", "application/x-www-form-urlencoded"},
		{"POST", "/rdns/192.0.2.11?ptr=b.acme.example", "ptr=a.acme.example", "application/x-www-form-urlencoded"},
		// the body counts
		{"POST", "/rdns/192.0.2.11", "ptr=+a.acme.example.%0A", "application/x-www-form-urlencoded"},
	} {
		a := s.do(tt.method, tt.path, tt.body, "Undocumented: yes", "Content-Type: "+tt.contentType)
		want := 200
		if i == 0 {
			want = 201
		}
		s.want(a, want, entry("192.0.2.11", "a.acme.example"))
	}
}

// TestRobotRefuses names that lint does not want, or that are not for the account, and tells why.
func TestRobotRefuses(t *testing.T) {
	s := newSite(t)
	s.as = "acme"
	post := func(ptr string) answer { return s.do("POST", "/rdns/192.0.2.11", "ptr="+ptr, formType) }
	a := post("www.bluebird.example")
	s.want(a, 400,
		invalid(`invalid input: \"www.bluebird.example\" lies in none of the domains of account \"acme\": acme.example`,
			"null", `["ptr"]`))
	a = post("two..dots.acme.example")
	if message := s.get(a, "error", "message").(string); a.status != 400 ||
		!strings.HasPrefix(message, "invalid input: ") || !strings.Contains(message, "[") {
		t.Errorf("%d %s", a.status, a.body)
	}
	if got := s.Git("branch", "--format=%(refname:short)"); got != "main" {
		t.Errorf("there are branches %s", got)
	}
	// Its own default hostname is for everybody.
	s.want(s.do("POST", "/rdns/192.0.2.10", "ptr=web1.miniserver.example", formType), 200, entry("192.0.2.10",
		"web1.miniserver.example"))
}

// TestRobotDirect: what an operator sets is on the main branch at once, if no gate is in the way.
func TestRobotDirect(t *testing.T) {
	s := newSite(t, users.Operator)
	s.want(s.do("POST", "/rdns/192.0.2.11", "ptr=www.acme.example", formType), 201, entry("192.0.2.11",
		"www.acme.example"))
	if !strings.Contains(s.read("main"), "192.0.2.11: www.acme.example") {
		t.Errorf("the main branch has\n%s", s.read("main"))
	}
	s.want(s.do("GET", "/rdns/192.0.2.11", ""), 200, entry("192.0.2.11", "www.acme.example"))
	s.as = "acme" // whose proposals are reviewed
	s.want(s.do("POST", "/rdns/192.0.2.11", "ptr=www2.acme.example", formType), 200, entry("192.0.2.11",
		"www2.acme.example"))
	s.as = "ada" // sees what is served, until that is merged
	s.want(s.do("GET", "/rdns/192.0.2.11", ""), 200, entry("192.0.2.11", "www.acme.example"))
	s.Git("merge", "-q", "rdns/acme/api")
	if err := s.editor.Refresh(t.Context()); err != nil {
		t.Fatal(err)
	}
	s.want(s.do("GET", "/rdns/192.0.2.11", ""), 200, entry("192.0.2.11", "www2.acme.example"))
}

// TestRobotDirectNow: who has an open proposal and needs no review any more reads back what was set then.
func TestRobotDirectNow(t *testing.T) {
	s := newSite(t)
	s.as = "acme"
	s.want(s.do("POST", "/rdns/192.0.2.11", "ptr=www.acme.example", formType), 201, entry("192.0.2.11",
		"www.acme.example"))
	people, _ := store()
	server := httptest.NewServer(New(Options{
		Desk:     desk.New(desk.Options{Editor: s.editor, Dir: t.TempDir(), Direct: []users.Role{users.Account}}),
		Sessions: session.New(people, session.Options{}),
		Log:      slog.New(slog.NewTextHandler(&s.log, nil)),
	}))
	t.Cleanup(server.Close)
	s.url = server.URL
	s.want(s.do("POST", "/rdns/192.0.2.11", "ptr=www2.acme.example", formType), 201, entry("192.0.2.11",
		"www2.acme.example"))
	s.want(s.do("GET", "/rdns/192.0.2.11", ""), 200, entry("192.0.2.11", "www2.acme.example"))
	if !strings.Contains(s.read("main"), "192.0.2.11: www2.acme.example") {
		t.Errorf("the main branch has\n%s", s.read("main"))
	}
}

// TestRobotForms: a name in another form is the same, and one of several names is not.
func TestRobotForms(t *testing.T) {
	s := newSiteOf(t, strings.Replace(source, "192.0.2.11:\n", "192.0.2.11: {names: [a.acme.example, b.acme.example]}\n", 1), "",
		users.Operator)
	for _, form := range []string{"B%C3%BCro.acme.example", "b%c3%bcro.acme.example.", "xn--bro-hoa.acme.example"} {
		s.want(s.do("POST", "/rdns/192.0.2.12", "ptr="+form, formType), 200, entry("192.0.2.12", "xn--bro-hoa.acme.example"))
	}
	if got := s.Git("rev-list", "--count", "main"); got != "2" {
		t.Errorf("the main branch has %s commits", got)
	}
	s.want(s.do("POST", "/rdns/192.0.2.11", "ptr=a.acme.example", formType), 200, entry("192.0.2.11", "a.acme.example"))
	if got := s.read("main"); strings.Contains(got, "b.acme.example") {
		t.Errorf("the source is\n%s", got)
	}
}

// TestRobotUnlisted: addresses that were only given a name in a proposal follow the others, by address.
func TestRobotUnlisted(t *testing.T) {
	s := newSite(t)
	want := []string{"192.0.2.97", "192.0.2.98", "2001:db8:0:1::25", "2001:db8:0:1::26"}
	for i, ip := range want {
		s.want(s.do("POST", "/rdns/"+ip, fmt.Sprintf("ptr=n%d.acme.example", i), formType), 201,
			entry(ip, fmt.Sprintf("n%d.acme.example", i)))
	}
	for path, want := range map[string][]string{"/rdns": want, "/rdns?server_ip=192.0.2.10": want[2:]} {
		var list []struct {
			RDNS struct{ IP string }
		}
		a := s.do("GET", path, "")
		if err := json.Unmarshal([]byte(a.body), &list); err != nil {
			t.Fatal(err)
		}
		var got []string
		for _, e := range list[max(0, len(list)-len(want)):] {
			got = append(got, e.RDNS.IP)
		}
		if !slices.Equal(got, want) {
			t.Errorf("%s ends with %q, want %q", path, got, want)
		}
	}
}

// TestRobotTakesBack: what is set back to what is served is not proposed any more.
func TestRobotTakesBack(t *testing.T) {
	s := newSite(t)
	s.do("POST", "/rdns/192.0.2.10", "ptr=mx.acme.example", formType)
	if got := s.Git("branch", "--list", "--format=%(refname:short)", "rdns/*"); got != "rdns/ada/api" {
		t.Fatalf("branches: %s", got)
	}
	s.want(s.do("POST", "/rdns/192.0.2.10", "ptr=mail.acme.example", formType), 200, entry("192.0.2.10",
		"mail.acme.example"))
	if got := s.Git("branch", "--list", "rdns/*"); got != "" {
		t.Errorf("branches: %s", got)
	}
	// A proposal of another kind is not touched: the client is told.
	s.do("POST", "/api/v1/changes", `{"changes":[{"address":"192.0.2.10","name":"mx.acme.example"}]}`,
		"Content-Type: application/json")
	a := s.do("POST", "/rdns/192.0.2.10", "ptr=mail.acme.example", formType)
	s.want(a, 409,
		`{"error":{"status":409,"code":"CONFLICT",
			"message":"another proposal of yours gives this address another name: withdraw it first"}}`)
}

// TestRobotAtOnce: of what two people's programs set at once, nothing is lost, and each has one commit.
func TestRobotAtOnce(t *testing.T) {
	s := newSite(t)
	var group sync.WaitGroup
	for i := range 10 {
		for _, who := range []string{"ada", "acme"} {
			on := *s
			on.as = who
			group.Go(func() {
				a := on.do("POST", fmt.Sprintf("/rdns/2001:db8:0:1::%s:%d", who[:1], i), "ptr="+who+".acme.example", formType)
				if a.status != 201 {
					t.Errorf("%d %s", a.status, a.body)
				}
			})
		}
	}
	group.Wait()
	for _, who := range []string{"ada", "acme"} {
		branch := "rdns/" + who + "/api"
		if got := strings.Count(s.read(branch), ": "+who+".acme.example"); got != 10 {
			t.Errorf("%s has %d names", branch, got)
		}
		if got := s.Git("rev-list", "--count", "main.."+branch); got != "1" {
			t.Errorf("%s has %s commits", branch, got)
		}
	}
	s.Git("fsck", "--strict")
}

// hrobot is where Debian's package ansible has the collection of modules for Robot.
const hrobot = "/usr/lib/python3/dist-packages/ansible_collections/community/hrobot"

const ansiblePlay = `
- hosts: localhost
  connection: local
  gather_facts: false
  vars: {ansible_python_interpreter: /usr/bin/python3}
  module_defaults:
    community.hrobot.reverse_dns: {hetzner_user: acme, hetzner_password: "{{ token }}"}
  tasks:
    - community.hrobot.reverse_dns:
        ip: "{{ item.ip }}"
        value: "{{ item.value | default(omit) }}"
        state: "{{ item.state | default('present') }}"
      register: done
      failed_when: >-
        item.fails is defined and item.fails not in done.msg | default('')
        or done.changed | default(false) != item.changed
      loop:
        - {ip: 192.0.2.11, value: www.acme.example, changed: true}
        - {ip: 192.0.2.11, value: www.acme.example, changed: false}
        - {ip: 192.0.2.11, value: www2.acme.example, changed: true}
        - {ip: "2001:db8:0:1::25", value: lists.acme.example, changed: true}
        - {ip: 192.0.2.11, state: absent, changed: true}
        - {ip: 192.0.2.11, state: absent, changed: false}
        - {ip: 192.0.2.20, value: www.acme.example, changed: false, fails: The IP address was not found}
        - {ip: 192.0.2.11, value: www.bluebird.example, changed: false, fails: 400 INVALID_INPUT (invalid input}
`

// TestAnsible: the module community.hrobot.reverse_dns, which has the address of Hetzner's server built in, sets names
// here as soon as it has another.
func TestAnsible(t *testing.T) {
	program := peer.Needs(t, "ansible-playbook")[0]
	s := newSite(t)
	collections := t.TempDir()
	dir := filepath.Join(collections, "ansible_collections/community/hrobot")
	if err := os.CopyFS(dir, os.DirFS(hrobot)); err != nil {
		t.Fatal(err)
	}
	path := filepath.Join(dir, "plugins/module_utils/robot.py")
	old, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	text := bytes.Replace(old, []byte("https://robot-ws.your-server.de"), []byte(s.url), 1)
	if bytes.Equal(old, text) {
		t.Fatalf("%s does not have the address of Hetzner's server", path)
	}
	if err := os.WriteFile(path, text, 0o644); err != nil {
		t.Fatal(err)
	}
	play := filepath.Join(collections, "play.yaml")
	if err := os.WriteFile(play, []byte(ansiblePlay), 0o644); err != nil {
		t.Fatal(err)
	}
	cmd := exec.Command(program, play, "-e", "token="+s.tokens["acme"])
	cmd.Env = append(os.Environ(), "ANSIBLE_COLLECTIONS_PATHS="+collections, "ANSIBLE_NOCOLOR=1", "HOME="+t.TempDir())
	if out, err := cmd.CombinedOutput(); err != nil {
		t.Errorf("%v\n%s", err, out)
	}
	if got := s.read("rdns/acme/api"); !strings.Contains(got, "2001:db8:0:1::25: lists.acme.example") ||
		strings.Contains(got, "www") {
		t.Errorf("the proposal is\n%s", got)
	}
}
