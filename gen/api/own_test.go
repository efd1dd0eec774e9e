package api

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http/httptest"
	"path/filepath"
	"runtime"
	"strings"
	"testing"

	"github.com/revmap/revmap/gen/desk"
	"github.com/revmap/revmap/gen/session"
	"github.com/revmap/revmap/gen/users"
)

const jsonType = "Content-Type: application/json"

// TestAddresses: what the parameters ask for, and the addresses that are found.
func TestAddresses(t *testing.T) {
	s := newSite(t)
	all := "192.0.2.1 192.0.2.10 192.0.2.11 192.0.2.12 192.0.2.20 192.0.2.30 198.51.100.7 2001:db8:0:1::2"
	for _, tt := range []struct{ query, want string }{
		{"", all},
		{"search=mail", "192.0.2.10"},
		{"search=acme+web1", "192.0.2.10 192.0.2.11 192.0.2.12 2001:db8:0:1::2"},
		{"account=acme&block=192.0.2.0/28", "192.0.2.10 192.0.2.11 192.0.2.12"},
		{"server=web3", "192.0.2.30 198.51.100.7"},
		{"block=2001:db8::/32", "2001:db8:0:1::2"},
		{"sort=address&order=desc&limit=2", "2001:db8:0:1::2 198.51.100.7"},
		{"limit=2&offset=1", "192.0.2.10 192.0.2.11"},
		{"offset=100", ""},
		{"findings=true", ""},
	} {
		a := s.do("GET", "/api/v1/addresses?"+tt.query, "")
		var list []string
		for _, item := range s.get(a, "addresses").([]any) {
			list = append(list, item.(map[string]any)["address"].(string))
		}
		if got := strings.Join(list, " "); a.status != 200 || got != tt.want {
			t.Errorf("%s: %d %s, want %s", tt.query, a.status, got, tt.want)
		}
	}

	// From page to page.
	var list []string
	for path := "/api/v1/addresses?limit=3&sort=address"; path != ""; {
		a := s.do("GET", path, "")
		if total := s.get(a, "total"); total != 8.0 {
			t.Errorf("%s: total %v", path, total)
		}
		path = ""
		var page struct {
			Addresses []struct{ Address string }
			Next      string
		}
		if err := json.Unmarshal([]byte(a.body), &page); err != nil {
			t.Fatal(err)
		}
		for _, item := range page.Addresses {
			list = append(list, item.Address)
		}
		path = page.Next
	}
	if got := strings.Join(list, " "); got != all {
		t.Errorf("page by page: %s", got)
	}

	for query, detail := range map[string]string{
		"limit=0":            `limit is "0": want a number from 1 to 1000`,
		"limit=1001":         `limit is "1001": want a number from 1 to 1000`,
		"offset=-1":          `offset is "-1": want a number from 0`,
		"block=192.0.2.1":    `block is "192.0.2.1": want a prefix such as 192.0.2.0/24`,
		"block=192.0.2.1/24": `block is "192.0.2.1/24": want a prefix such as 192.0.2.0/24`,
		"sort=ip":            `sort is "ip": want address, server, hostname, name or findings`,
		"order=up":           `order is "up": want asc or desc`,
		"findings=maybe":     `findings is "maybe": want true or false`,
		"serch=mail":         `there is no parameter "serch"`,
	} {
		a := s.do("GET", "/api/v1/addresses?"+query, "")
		if a.status != 400 || s.get(a, "code") != "malformed" || s.get(a, "detail") != detail {
			t.Errorf("%s: %d %s", query, a.status, a.body)
		}
	}
}

// TestAddress: all that there is to know of one.
func TestAddress(t *testing.T) {
	s := newSite(t)
	commit := s.Git("rev-parse", "main")
	for ip, want := range map[string]string{
		"192.0.2.12": `{"commit":"COMMIT","address":"192.0.2.12","server":"web1","product":"vps","account":"acme",
			"primary":false,
			"hostname":null,"name":"shop.acme.example.","answer":"shop.acme.example.","origin":"explicit","ttl":300,
				"block":"192.0.2.0/24",
			"listed":true,"counts":{"error":0,"warning":0,"note":0},"file":"records.yaml","line":22,"column":7,
				"domains":["acme.example."],"findings":[]}`,
		"192.0.2.20": `{"commit":"COMMIT","address":"192.0.2.20","server":"web2","product":"vps","account":"bluebird",
			"primary":true,
			"hostname":"web2.miniserver.example.","name":null,"answer":"web2.miniserver.example.","origin":"default",
				"ttl":3600,"block":"192.0.2.0/24",
			"listed":true,"counts":{"error":0,"warning":0,"note":0},"file":"records.yaml","line":24,"column":52,
				"domains":["bluebird.example."],"findings":[]}`,
		"198.51.100.8": `{"commit":"COMMIT","address":"198.51.100.8","primary":false,
			"hostname":null,"name":null,"answer":"198-51-100-8.static.example.net.","origin":"fallback","ttl":3600,
				"block":"198.51.100.0/24",
			"listed":false,"counts":{"error":0,"warning":0,"note":0},"domains":[],"findings":[]}`,
	} {
		s.want(s.do("GET", "/api/v1/addresses/"+ip, ""), 200, strings.ReplaceAll(want, "COMMIT", commit))
	}
	s.as = "acme" // does not learn where things are
	a := s.do("GET", "/api/v1/addresses/192.0.2.12", "")
	if a.status != 200 || strings.Contains(a.body, `"line"`) || strings.Contains(a.body, `"file"`) {
		t.Errorf("%d %s", a.status, a.body)
	}
}

// change sends changes.
func (s *site) change(body string) answer {
	s.Helper()
	return s.do("POST", "/api/v1/changes", body, jsonType)
}

// TestChange: changes become a proposal, all together.
func TestChange(t *testing.T) {
	s := newSite(t)
	const body = `{"changes":[{"address":"192.0.2.11","name":"www.acme.example","ttl":"5m"},{"address":"192.0.2.10",
		"name":null,"was":"mail.acme.example"},
		{"address":"2001:db8:0:1::25","name":"lists.acme.example.","was":null}],"reason":"As ordered."`
	a := s.change(body + `,"dry_run":true}`)
	if a.status != 200 || s.get(a, "outcome") != "possible" || s.get(a, "review", "kinds", "name-set") != 2.0 {
		t.Fatalf("%d %s", a.status, a.body)
	}
	if got := s.Git("branch", "--format=%(refname:short)"); got != "main" {
		t.Errorf("a dry run makes %s", got)
	}
	a = s.change(body + `}`)
	if a.status != 201 || s.get(a, "outcome") != "proposed" || len(s.get(a, "review", "addresses").([]any)) != 3 {
		t.Fatalf("%d %s", a.status, a.body)
	}
	branch, commit := s.get(a, "branch").(string), s.get(a, "commit").(string)
	if !strings.HasPrefix(branch, "rdns/ada/2") || s.Git("rev-parse", branch) != commit {
		t.Errorf("branch %s, commit %s", branch, commit)
	}
	if got := s.Git("log", "--format=%an%n%b", "main.."+branch); !strings.HasPrefix(got, "Ada Example\nAs ordered.\n") {
		t.Errorf("the commit is\n%s", got)
	}
	text := s.read(branch)
	for _, want := range []string{"192.0.2.11: {name: www.acme.example, ttl: 5m}",
		"2001:db8:0:1::25: lists.acme.example", "192.0.2.10:\n"} {
		if !strings.Contains(text, want) {
			t.Errorf("no %q in\n%s", want, text)
		}
	}

	// It is shown with what it wants, and listed, until it is withdrawn.
	if got := s.get(s.do("GET", "/api/v1/addresses/192.0.2.11", ""), "proposed", "name"); got != "www.acme.example." {
		t.Errorf("proposed: %v", got)
	}
	if got := s.get(s.do("GET", "/api/v1/addresses?search=mail", ""), "addresses", 0, "proposed", "name"); got != nil {
		t.Errorf("proposed: %v", got)
	}
	for _, path := range []string{"/api/v1/proposals/" + branch, "/api/v1/proposals/" + strings.ReplaceAll(branch, "/",
		"%2F")} {
		a = s.do("GET", path, "")
		if a.status != 200 || s.get(a, "count") != 3.0 || s.get(a, "reason") != "As ordered." ||
			s.get(a, "changes", 2, "name") != "lists.acme.example." {
			t.Errorf("%d %s", a.status, a.body)
		}
	}
	for _, query := range []string{
		"search=2001:db8:0:1::25",
		"search=5.2.0.0.0.0.0.0.0.0.0.0.0.0.0.0.1.0.0.0.0.0.0.0.8.b.d.0.1.0.0.2.ip6.arpa",
		"server=web1&limit=1&offset=4",
		"sort=address&order=desc&offset=8",
	} { // which the source does not list yet
		a = s.do("GET", "/api/v1/addresses?"+query, "")
		if s.get(a, "addresses", 0, "address") != "2001:db8:0:1::25" || s.get(a, "addresses", 0, "listed") != false ||
			s.get(a, "addresses", 0, "proposed", "name") != "lists.acme.example." {
			t.Errorf("%s: %s", query, a.body)
		}
	}
	list := s.do("GET", "/api/v1/proposals", "")
	if got := s.get(list, "proposals", 0, "branch"); got != branch {
		t.Errorf("proposals: %s", list.body)
	}
	s.as = "acme" // sees its own only
	s.want(s.do("GET", "/api/v1/proposals", ""), 200, `{"proposals":[]}`)
	for _, method := range []string{"GET", "DELETE"} {
		if a := s.do(method, "/api/v1/proposals/"+branch, ""); a.status != 404 {
			t.Errorf("%s: %d %s", method, a.status, a.body)
		}
	}
	s.as = "vera" // may look, but not decide
	if a := s.do("DELETE", "/api/v1/proposals/"+branch, ""); a.status != 403 {
		t.Errorf("%d %s", a.status, a.body)
	}
	s.as = "ada"
	tip := s.Git("rev-parse", branch)
	s.Git("update-ref", "refs/heads/"+branch, "main") // it is not what she has seen
	if a := s.do("DELETE", "/api/v1/proposals/"+branch, ""); a.status != 409 || s.get(a, "code") != "conflict" {
		t.Errorf("%d %s", a.status, a.body)
	}
	s.Git("update-ref", "refs/heads/"+branch, tip)
	s.want(s.do("DELETE", "/api/v1/proposals/"+branch, ""), 204, "")
	s.want(s.do("GET", "/api/v1/proposals", ""), 200, `{"proposals":[]}`)
	if got := s.Git("branch", "--list", "rdns/*"); got != "" {
		t.Errorf("branches: %s", got)
	}
}

// TestChangeDirect: who needs no review gets a commit on the main branch; unless a gate is in the way.
func TestChangeDirect(t *testing.T) {
	s := newSite(t, users.Operator)
	a := s.change(`{"changes":[{"address":"192.0.2.11","name":"www.acme.example"}]}`)
	if a.status != 201 || s.get(a, "outcome") != "committed" || s.get(a, "branch") != "main" ||
		s.Git("rev-parse", "main") != s.get(a, "commit") {
		t.Errorf("%d %s", a.status, a.body)
	}
	a = s.change(`{"changes":[{"address":"192.0.2.11","name":"www.acme.example"}]}`)
	if a.status != 200 || s.get(a, "outcome") != "unchanged" {
		t.Errorf("%d %s", a.status, a.body)
	}
	all := everyone(s)
	before := s.Git("rev-parse", "main")
	for _, dry := range []string{"true", "false"} {
		a = s.change(`{"dry_run":` + dry + `,"changes":[` + strings.Join(all, ",") + `]}`)
		if a.status != 409 || s.get(a, "code") != "needs-review" {
			t.Errorf("dry run %s: %d %s", dry, a.status, a.body)
		}
	}
	if s.Git("rev-parse", "main") != before {
		t.Error("the main branch has moved")
	}
}

// TestNotPushed: what the remote does not take waits here, and the answer or the log tells.
func TestNotPushed(t *testing.T) {
	s := newSiteOf(t, source, filepath.Join(t.TempDir(), "gone.git"))
	a := s.change(`{"changes":[{"address":"192.0.2.11","name":"www.acme.example"}]}`)
	if a.status != 201 || s.get(a, "pushed") != false || !strings.Contains(s.get(a, "warning").(string), "gone.git") {
		t.Errorf("%d %s", a.status, a.body)
	}
	s.as = "acme"
	a = s.change(`{"changes":[{"address":"192.0.2.11","name":"www.acme.example"}]}`)
	if a.status != 201 || s.get(a, "warning") != "the remote does not have it yet" {
		t.Errorf("%d %s", a.status, a.body)
	}
	a = s.do("POST", "/rdns/192.0.2.12", "ptr=www.acme.example", formType)
	s.want(a, 200, entry("192.0.2.12", "www.acme.example"))
	got := s.log.String()
	if !strings.Contains(got, "a proposal is not pushed") || !strings.Contains(got, "rdns/acme/api") {
		t.Errorf("the log is\n%s", got)
	}
}

// everyone gives a block many names, and returns changes that take them away, which the gates do not let pass.
func everyone(s *site) []string {
	s.Helper()
	var text strings.Builder
	text.WriteString(strings.Replace(source, "addresses:\n  192.0.2.1: gw1.example.net\n", "addresses:\n", 1))
	var list []string
	for i := 100; i < 200; i++ {
		fmt.Fprintf(&text, "  192.0.2.%d: h%d.example.net\n", i, i)
		list = append(list, fmt.Sprintf(`{"address":"192.0.2.%d","name":null}`, i))
	}
	s.commit(text.String())
	return list
}

// TestChangeRefused: nothing is done if one change is no good, and the answer tells which and why.
func TestChangeRefused(t *testing.T) {
	s := newSite(t)
	const good = `{"address":"192.0.2.11","name":"www.acme.example"}`
	for _, tt := range []struct {
		body   string
		status int
		code   string
		detail string
	}{
		{``, 400, "malformed", "the body is empty: want an object in JSON"},
		{`[]`, 400, "malformed", "the body is a list: want an object"},
		{`"x"`, 400, "malformed", "the body is a string: want an object"},
		{`{"changes":[` + good + `]`, 400, "malformed", "the body is no JSON: it ends too early"},
		{`{"changes":{}}`, 400, "malformed", "the body: changes is an object: want a list of changes"},
		{`{"changes":[` + good + `,3]}`, 400, "malformed", "changes[1] is a number: want an object with address and name"},
		{`{"changes":[` + good + `],"dry_run":"yes"}`, 400, "malformed",
			"the body: dry_run is a string: want true or false"},
		{`null`, 400, "malformed", "changes is missing or empty"},
		{`{"changes":[]}`, 400, "malformed", "changes is missing or empty"},
		{`{"changes":[` + good + `]} {}`, 400, "malformed",
			"the body has more behind the object"},
		{`{"changes":[` + good + `],"dryrun":true}`, 400, "malformed",
			`the body: there is no member "dryrun"`},
		{`{"changes":[` + good + `,{"address":"192.0.2.12","naem":"a.acme.example"}]}`, 400, "malformed",
			`changes[1]: there is no member "naem"`},
		{`{"changes":[` + good + `,{"address":"192.0.2.12"}]}`, 400, "malformed",
			"changes[1]: name is missing: want a name, or null for the default"},
		{`{"changes":[` + good + `,{"address":"192.0.2.12","name":3}]}`, 400, "malformed",
			"changes[1]: name is a number: want a name in a string, or null for the default"},
		{`{"changes":[` + good + `,{"address":"192.0.2.12","name":""}]}`, 400, "malformed",
			"changes[1]: name is empty: want null for the default"},
		{`{"changes":[` + good + `,{"address":"192.0.2.12","name":" "}]}`, 400, "malformed",
			"changes[1]: name is empty: want null for the default"},
		{`{"changes":[` + good + `,{"address":"192.0.2.12","name":"a.acme.example","ttl":-1}]}`, 400, "malformed",
			`changes[1]: ttl is -1: want whole seconds, a string such as "5m", or "default"`},
		{`{"changes":[` + good + `,{"address":"192.0.2.12","name":"a.acme.example","ttl":{}}]}`, 400, "malformed",
			`changes[1]: ttl is an object: want whole seconds, a string such as "5m", or "default"`},
		{`{"changes":[` + good + `,{"address":"192.0.2","name":"a.acme.example"}]}`, 400, "malformed",
			`changes[1]: "192.0.2" is no IP address`},
		{`{"changes":[` + good + `,{"address":"::ffff:192.0.2.12","name":"a.acme.example"}]}`, 400, "malformed",
			`changes[1]: "::ffff:192.0.2.12" is no IP address`},
		{`{"changes":[` + good + `,{"address":"192.0.2.12","name":null,"ttl":"5m"}]}`, 400, "malformed",
			"changes[1]: ttl needs a name: want none with the default"},
		{`{"changes":[` + good + `,` + good + `]}`, 400, "malformed", "changes[1]: 192.0.2.11 is in changes[0] already"},
		{`{"changes":[` + good + `],"reason":"` + strings.Repeat("x", 4001) +
			`"}`, 400, "malformed", "the reason has 4001 bytes: want at most 4000"},
		{`{"changes":[` + good + `,{"address":"203.0.113.1","name":"a.acme.example"}]}`, 404, "unknown", ""},
		{`{"changes":[` + good + `,{"address":"192.0.2.12","name":"a..acme.example"}]}`, 422, "refused", ""},
		{`{"changes":[` + good + `,{"address":"192.0.2.12","name":"a.acme.example","ttl":"soon"}]}`, 422, "refused", ""},
		{`{"changes":[` + good + `,{"address":"192.0.2.12","name":"a.acme.example","was":null}]}`, 409, "conflict",
			"192.0.2.12 has changed since you have seen it"},
		{`{"changes":[` + good + `,{"address":"192.0.2.12","name":"a.acme.example","was":"other.acme.example"}]}`, 409,
			"conflict", ""},
	} {
		for _, dry := range []string{`{`, `{"dry_run":true,`} {
			a := s.change(strings.Replace(tt.body, "{", dry, 1))
			if a.status != tt.status || s.get(a, "code") != tt.code || tt.detail != "" && s.get(a, "detail") != tt.detail {
				t.Errorf("%.200s: %d %s", tt.body, a.status, a.body)
			}
			switch tt.code {
			case "refused":
				if s.get(a, "findings", 0, "address") != "192.0.2.12" ||
					!strings.HasPrefix(s.get(a, "detail").(string), "192.0.2.12: ") {
					t.Errorf("%s: %s", tt.body, a.body)
				}
			case "conflict":
				if s.get(a, "conflicts", 0, "is") != "shop.acme.example." || s.get(a, "conflicts", 0, "by", "name") != "A Person" {
					t.Errorf("%s: %s", tt.body, a.body)
				}
			}
		}
	}
	s.as = "acme"
	a := s.change(`{"changes":[` + good + `,{"address":"192.0.2.12","name":"www.bluebird.example"}]}`)
	s.want(a, 403,
		`{"code":"denied","status":403,"title":"Forbidden",
			"detail":"192.0.2.12: \"www.bluebird.example\" lies in none of the domains of account \"acme\": acme.example",
			"findings":[{"address":"192.0.2.12","severity":"error","rule":"denied",
				"message":"\"www.bluebird.example\" lies in none of the domains of account \"acme\": acme.example"}]}`)
	if got := s.Git("branch", "--format=%(refname:short)"); got != "main" {
		t.Errorf("there are branches %s", got)
	}
}

// TestChangeDenied: one answer names all changes that somebody may not make, up to a hundred.
func TestChangeDenied(t *testing.T) {
	s := newSite(t)
	s.as = "acme"
	const good = `{"address":"192.0.2.11","name":"www.acme.example"}`
	for _, dry := range []string{"true", "false"} {
		a := s.change(`{"dry_run":` + dry + `,"changes":[` + good + `,{"address":"192.0.2.20","name":"a.acme.example"},
			{"address":"192.0.2.12","name":"www.bluebird.example"}]}`)
		s.want(a, 404,
			`{"code":"unknown","status":404,"title":"Not Found",
				"detail":"192.0.2.20: there is no such address, server or proposal","findings":[
				{"address":"192.0.2.20","severity":"error","rule":"unknown",
					"message":"there is no such address, server or proposal"},
				{"address":"192.0.2.12","severity":"error","rule":"denied",
					"message":"\"www.bluebird.example\" lies in none of the domains of account \"acme\": acme.example"}]}`)
	}
	var many strings.Builder
	for i := range 256 {
		fmt.Fprintf(&many, `,{"address":"203.0.113.%d","name":null}`, i)
	}
	a := s.change(`{"changes":[` + good + many.String() + `]}`)
	if got := len(s.get(a, "findings").([]any)); a.status != 404 || got != 100 {
		t.Errorf("%d, %d findings", a.status, got)
	}
	s.as = "vera" // may change nothing: that has nothing to do with the addresses
	a = s.change(`{"changes":[` + good + `,{"address":"192.0.2.12","name":null}]}`)
	if a.status != 403 || s.get(a, "code") != "read-only" || strings.Contains(a.body, "findings") {
		t.Errorf("%d %s", a.status, a.body)
	}
}

// TestChangeHELO: the name of a mail server is that of its HELO, which the API cannot change. Who sees only some
// accounts learns at which address, and what would help.
func TestChangeHELO(t *testing.T) {
	s := newSiteOf(t, strings.Replace(source, "    addresses:\n", "    helo: mail.acme.example\n    addresses:\n", 1), "")
	const help = "use one name for both: receivers of mail compare them; the HELO name is in the source, where the API " +
		"cannot change it: ask the operator to change it in the same pull request"
	for _, s.as = range []string{"ada", "acme"} {
		a := s.change(`{"changes":[{"address":"192.0.2.11","name":"www.acme.example"},
			{"address":"192.0.2.10","name":"mx.acme.example"}]}`)
		if a.status != 422 || s.get(a, "findings", 0, "address") != "192.0.2.10" || s.get(a, "findings", 0, "hint") != help {
			t.Errorf("%s: %d %s", s.as, a.status, a.body)
		}
		detail := s.get(a, "detail").(string)
		if !strings.HasPrefix(detail, "192.0.2.10: ") || !strings.HasSuffix(detail, "[helo-mismatch]: "+help) {
			t.Errorf("%s: %s", s.as, detail)
		}
		if strings.Contains(a.body, `"line"`) != (s.as == "ada") {
			t.Errorf("%s learns of lines: %s", s.as, a.body)
		}
	}
	a := s.do("POST", "/rdns/192.0.2.10", "ptr=mx.acme.example", formType)
	if message := s.get(a, "error", "message").(string); a.status != 400 || !strings.HasSuffix(message, help) {
		t.Errorf("%d %s", a.status, a.body)
	}
}

// TestChangeTTL: a number, which every answer has, is one of seconds.
func TestChangeTTL(t *testing.T) {
	s := newSite(t)
	a := s.change(`{"changes":[{"address":"192.0.2.11","name":"www.acme.example","ttl":300}]}`)
	if a.status != 201 {
		t.Fatalf("%d %s", a.status, a.body)
	}
	want := "192.0.2.11: {name: www.acme.example, ttl: 300s}"
	if got := s.read(s.get(a, "branch").(string)); !strings.Contains(got, want) {
		t.Errorf("the source is\n%s", got)
	}
	a = s.change(`{"changes":[{"address":"192.0.2.12","name":"shop.acme.example","ttl":4294967295}]}`)
	if a.status != 422 || s.get(a, "findings", 0, "address") != "192.0.2.12" {
		t.Errorf("%d %s", a.status, a.body)
	}
}

// TestChangeSeen: what an account is told of its own change has nothing of others.
func TestChangeSeen(t *testing.T) {
	s := newSite(t)
	s.as = "acme"
	a := s.change(`{"changes":[{"address":"192.0.2.11","name":"mail.acme.example"}]}`) // a name twice: a note or warning
	if a.status != 201 {
		t.Fatalf("%d %s", a.status, a.body)
	}
	for _, secret := range []string{"records.yaml", `"line"`, "related", "bluebird", "gw1"} {
		if strings.Contains(a.body, secret) {
			t.Errorf("%q is in %s", secret, a.body)
		}
	}
	if got := len(s.get(a, "review", "totals").([]any)); got != 0 {
		t.Errorf("%d totals of blocks", got)
	}
	if got := s.get(a, "review", "total", "old"); got != 0.0 {
		t.Errorf("others have %v names", got)
	}
}

// TestChangesMemory: a body that is mostly brackets does not become many times its size.
func TestChangesMemory(t *testing.T) {
	body := `{"changes":[{}` + strings.Repeat(",{}", 5_000_000) + `]}`
	r := httptest.NewRequest("POST", "/api/v1/changes", strings.NewReader(body))
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	_, _, _, err := changesOf(httptest.NewRecorder(), r)
	runtime.ReadMemStats(&after)
	if err == nil || !strings.Contains(err.Error(), "there are more than 100000 changes") {
		t.Errorf("the error is %v", err)
	}
	if got := int(after.TotalAlloc-before.TotalAlloc) / len(body); got > 10 {
		t.Errorf("it takes %d bytes of memory for each of the body", got)
	}
}

// TestChangeMany: as many changes as are allowed at once, and one more.
func TestChangeMany(t *testing.T) {
	if testing.Short() {
		t.Skip("takes some seconds")
	}
	s := newSite(t)
	var b strings.Builder
	for i, addr := range addrs(maxChanges) {
		fmt.Fprintf(&b, `,{"address":"%s","name":"h%d.acme.example"}`, addr, i)
	}
	all := b.String()[1:]
	a := s.change(`{"changes":[` + all + `]}`)
	if a.status != 201 || len(s.get(a, "review", "addresses").([]any)) != maxChanges {
		t.Fatalf("%d %.500s", a.status, a.body)
	}
	a = s.change(`{"changes":[` + all + `,{"address":"2001:db8:0:1::1","name":null}]}`)
	if a.status != 400 || s.get(a, "detail") != "there are more than 100000 changes" {
		t.Errorf("%d %.500s", a.status, a.body)
	}
	a = s.change(`{"reason":"` + strings.Repeat("x", maxBody) + `"}`)
	if a.status != 413 || s.get(a, "code") != "too-large" {
		t.Errorf("%d %.500s", a.status, a.body)
	}
}

// TestRefusedDeeds: what somebody may not change is written down, whichever way it was asked for.
func TestRefusedDeeds(t *testing.T) {
	s := newSite(t)
	var deeds []desk.Deed
	people, tokens := store()
	h := New(Options{
		Sessions: session.New(people, session.Options{}),
		Desk: desk.New(desk.Options{Editor: s.editor, Dir: t.TempDir(), Done: func(_ context.Context, d desk.Deed) {
			deeds = append(deeds, d)
		}}),
	})
	for _, tt := range []struct{ method, path, body, token string }{
		{"POST", "/rdns/192.0.2.12", "ptr=www.bluebird.example", "acme"},
		{"DELETE", "/rdns/192.0.2.12", "", "reader"},
		{"POST", "/v1/servers/" + fmt.Sprint(serverID("web1")) + "/actions/change_dns_ptr",
			`{"ip":"192.0.2.12","dns_ptr":"www.bluebird.example"}`, "acme"},
		{"POST", "/api/v1/changes", `{"changes":[{"address":"192.0.2.12","name":"www.bluebird.example"}]}`, "acme"},
	} {
		deeds = nil
		r := httptest.NewRequest(tt.method, tt.path, strings.NewReader(tt.body))
		r.Header.Set("Authorization", "Bearer "+tokens[tt.token])
		w := httptest.NewRecorder()
		h.ServeHTTP(w, r)
		if w.Code < 400 || len(deeds) != 1 || deeds[0].Err == nil || len(deeds[0].Edits) != 1 {
			t.Errorf("%s %s: %d, and what is written down is %+v", tt.method, tt.path, w.Code, deeds)
		}
	}
}
