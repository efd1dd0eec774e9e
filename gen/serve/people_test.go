//go:build unix

package serve_test

import (
	"encoding/json"
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/revmap/revmap/internal/peer"
)

// TestTwoAtOnce: proposals of two people at the same moment are both there, each with its own name and no other.
func TestTwoAtOnce(t *testing.T) {
	w := newWorld(t)
	w.serve()
	const each = 5
	var all sync.Map
	var wait sync.WaitGroup
	for i, login := range []string{"olivia", "oscar"} {
		for n := range each {
			wait.Go(func() {
				addr, name := fmt.Sprintf("192.0.2.%d", 100+10*i+n), fmt.Sprintf("host%d.%s.example.net", n, login)
				all.Store(name, w.propose(login, addr, name))
			})
		}
	}
	wait.Wait()
	main := w.Git("rev-parse", "main")
	branches := make(map[string]bool)
	all.Range(func(key, value any) bool {
		name, p := key.(string), value.(proposed)
		login := strings.Split(name, ".")[1]
		branches[p.Branch] = true
		if got := w.Git("rev-parse", p.Branch); got != p.Commit {
			t.Errorf("%s is at %s, and the answer was %s", p.Branch, got, p.Commit)
		}
		if !strings.HasPrefix(p.Branch, "rdns/"+login+"/") {
			t.Errorf("a proposal of %s is on %s", login, p.Branch)
		}
		changed := w.Git("diff", "--unified=0", main, p.Commit)
		w.contains(changed, name)
		if n := strings.Count(changed, "\n+ "); n != 1 {
			t.Errorf("%s has %d new lines:\n%s", p.Branch, n, changed)
		}
		author := w.Git("log", "-1", "--format=%an <%ae>, %cn", p.Commit)
		if !strings.HasSuffix(author, " Operator <"+login+"@example.net>, revmap") {
			t.Errorf("%s is by %s", p.Branch, author)
		}
		return true
	})
	if len(branches) != 2*each {
		t.Errorf("%d branches, want %d", len(branches), 2*each)
	}
	w.Git("fsck", "--strict")
}

// TestConflict: who has seen an older name overwrites nothing, and sees what happened meanwhile.
func TestConflict(t *testing.T) {
	w := newWorld(t)
	w.serve("--direct", "operator")
	olivia := w.signIn("olivia")
	r := olivia.post("/collect", url.Values{
		"address": {"192.0.2.11"}, "name": {"olivias.acme.example"}, "was": {"www.acme.example."}, "review": {"1"},
	})
	w.contains(r.body, "olivias.acme.example")
	if strings.Contains(r.body, "faster") {
		t.Fatalf("a conflict before there is one:\n%s", r.body)
	}

	w.propose("oscar", "192.0.2.11", "oscars.acme.example")
	r = olivia.get("/changes")
	w.contains(r.body, "Somebody was faster", "olivias.acme.example", "oscars.acme.example", "Oscar Operator")
	if r = olivia.post("/changes", nil); r.status != http.StatusConflict {
		t.Errorf("a conflict was proposed: %d", r.status)
	}
	w.contains(w.sourceAt("main"), "oscars.acme.example")

	// A program that says what it has seen is told the same.
	r = w.call("olivia", "POST", "/api/v1/changes",
		changeBody("192.0.2.11", "olivias.acme.example", `,"was":"www.acme.example"`))
	if r.status != http.StatusConflict {
		t.Errorf("a conflict of a program: %d", r.status)
	}
	w.contains(r.body, `"is":"oscars.acme.example."`, `"was":"www.acme.example."`, `"name":"Oscar Operator"`)

	// She may insist, having seen his.
	olivia.post("/collect", url.Values{
		"address": {"192.0.2.11"}, "name": {"olivias.acme.example"}, "was": {"oscars.acme.example."},
	})
	if r = olivia.post("/changes", nil); r.status != http.StatusOK {
		t.Errorf("her own after all: %d %s", r.status, r.body)
	}
	w.contains(w.sourceAt("main"), "olivias.acme.example")
}

// TestLastOneWins: of what a program has set one by one, only that is kept which nobody has set anew since, neither the
// same person in another way nor an operator. What is left out is in the audit log, and does not keep the rest from being
// proposed.
func TestLastOneWins(t *testing.T) {
	w := newWorld(t)
	w.serve()
	set := func(addr, name string) {
		t.Helper()
		if r := w.call("acme", "POST", "/rdns/"+addr, "ptr="+name); r.status/100 != 2 {
			t.Fatalf("set %s: %d %s", addr, r.status, r.body)
		}
	}
	shows := func(addr, name string) {
		t.Helper()
		if r := w.call("acme", "GET", "/rdns/"+addr, ""); !strings.Contains(r.body, `"`+name+`"`) {
			t.Errorf("%s is shown as %s, want %s", addr, r.body, name)
		}
	}
	set("192.0.2.11", "second.acme.example")
	set("192.0.2.10", "c1.acme.example")
	other := w.propose("acme", "192.0.2.11", "third.acme.example")
	shows("192.0.2.11", "third.acme.example")
	w.Write(map[string]string{"records.yaml": strings.Replace(records, "account: acme\n", "account: acme\n    helo: other.acme.example\n", 1)})
	w.Git("commit", "-qam", "By hand")
	set("2001:db8:0:1::5", "v6.acme.example")
	shows("192.0.2.11", "third.acme.example")
	shows("2001:db8:0:1::5", "v6.acme.example")
	w.contains(readAudit(w), `"left_out":[`, other.Branch+" asks for this address, too, and later",
		`"address":"192.0.2.10","name":"c1.acme.example"`, "[helo-mismatch]")
	w.Git("merge", "-q", "--no-edit", "rdns/acme/api")
	w.Git("merge", "-q", "--no-edit", other.Branch)
	w.contains(w.sourceAt("main"), "192.0.2.11: third.acme.example", "2001:db8:0:1::5: v6.acme.example")
	if strings.Contains(w.sourceAt("main"), "c1.acme") {
		t.Error("what lint is against is proposed")
	}
}

// TestTokenAsLogin: a token that is given as the login does not let in, and is not written down.
func TestTokenAsLogin(t *testing.T) {
	w := newWorld(t)
	w.serve()
	_, tokens := people()
	r, err := http.NewRequest("GET", w.url+"/rdns", nil)
	if err != nil {
		t.Fatal(err)
	}
	r.SetBasicAuth(tokens["acme"], "")
	if got, err := send(w.client, r); err != nil || got.status != http.StatusUnauthorized {
		t.Errorf("%d %s, %v", got.status, got.body, err)
	}
	audit := readAudit(w)
	w.contains(audit, `"msg":"sign-in","login":""`)
	if strings.Contains(audit, tokens["acme"][:10]) {
		t.Errorf("the log has much of a token:\n%s", audit)
	}
}

// TestSetAgain: a name that is set again after somebody else has changed it is meant.
func TestSetAgain(t *testing.T) {
	w := newWorld(t)
	w.serve()
	for _, step := range []struct{ addr, name string }{
		{"192.0.2.11", "shop.acme.example"},
		{"", "set.acme.example"}, // by an operator
		{"192.0.2.11", "shop.acme.example"},
		{"2001:db8:0:1::5", "v6.acme.example"},
	} {
		if step.addr == "" {
			w.Replace("records.yaml", "www.acme.example", step.name)
			w.Commit("By hand")
			served := func() string { return w.call("acme", "GET", "/api/v1/addresses/192.0.2.11", "").body }
			peer.Wait(t, func() bool { return strings.Contains(served(), step.name) }, served)
		} else if r := w.call("acme", "POST", "/rdns/"+step.addr, "ptr="+step.name); r.status/100 != 2 {
			t.Fatalf("set %s: %d %s", step.addr, r.status, r.body)
		}
	}
	w.contains(w.call("acme", "GET", "/rdns/192.0.2.11", "").body, "shop.acme.example")
	w.contains(w.sourceAt("rdns/acme/api"), "192.0.2.11: shop.acme.example", "2001:db8:0:1::5: v6.acme.example")
}

// TestOthersAreUnknown: whatever a customer asks, an address of somebody else is answered as one that does not exist, and
// no list has it.
func TestOthersAreUnknown(t *testing.T) {
	w := newWorld(t)
	w.serve()
	const (
		theirs = "192.0.2.20" // of web2
		theirV = "2001:db8:0:2::2"
		nobody = "203.0.113.20" // in no block
	)
	ids := func(path, list string) map[string]int64 { // by name
		var got map[string]json.RawMessage
		var items []struct {
			ID   int64
			Name string
		}
		r := w.call("olivia", "GET", path, "")
		if err := json.Unmarshal([]byte(r.body), &got); err != nil {
			t.Fatalf("%s: %v", r.body, err)
		}
		if err := json.Unmarshal(got[list], &items); err != nil {
			t.Fatalf("%s: %v", r.body, err)
		}
		byName := make(map[string]int64)
		for _, i := range items {
			byName[i.Name] = i.ID
		}
		return byName
	}
	server, ip := ids("/v1/servers", "servers")["web2"], ids("/v1/primary_ips", "primary_ips")[theirs]
	if server == 0 || ip == 0 {
		t.Fatalf("the operator does not see what the customer must not: server %d, address %d", server, ip)
	}
	const unknownID = 1
	const cloudChange = `{"ip":"192.0.2.20","dns_ptr":"x.acme.example"}`
	branch := w.propose("olivia", theirs, "mail.bluebird.example").Branch

	tests := []struct{ method, theirs, nobodys, body string }{
		{"GET", "/rdns/" + theirs, "/rdns/" + nobody, ""},
		{"GET", "/rdns/" + theirV, "/rdns/" + nobody, ""},
		{"PUT", "/rdns/" + theirs, "/rdns/" + nobody, "ptr=x.acme.example"},
		{"POST", "/rdns/" + theirs, "/rdns/" + nobody, "ptr=x.acme.example"},
		{"DELETE", "/rdns/" + theirs, "/rdns/" + nobody, ""},
		{"GET", fmt.Sprint("/v1/servers/", server), fmt.Sprint("/v1/servers/", unknownID), ""},
		{"POST", fmt.Sprint("/v1/servers/", server, "/actions/change_dns_ptr"),
			fmt.Sprint("/v1/servers/", unknownID, "/actions/change_dns_ptr"), cloudChange},
		{"GET", fmt.Sprint("/v1/primary_ips/", ip), fmt.Sprint("/v1/primary_ips/", unknownID), ""},
		{"POST", fmt.Sprint("/v1/primary_ips/", ip, "/actions/change_dns_ptr"),
			fmt.Sprint("/v1/primary_ips/", unknownID, "/actions/change_dns_ptr"), cloudChange},
		{"GET", "/api/v1/addresses/" + theirs, "/api/v1/addresses/" + nobody, ""},
		{"DELETE", "/api/v1/proposals/" + branch, "/api/v1/proposals/rdns/nobody/x", ""},
		{"GET", "/api/v1/proposals/" + branch, "/api/v1/proposals/rdns/nobody/x", ""},
	}
	for _, test := range tests {
		got := w.call("acme", test.method, test.theirs, test.body)
		want := w.call("acme", test.method, test.nobodys, test.body)
		asked := strings.NewReplacer(theirs, "IP", theirV, "IP", nobody, "IP",
			fmt.Sprint(server), "ID", fmt.Sprint(ip), "ID", fmt.Sprint(unknownID), "ID")
		if got.status != http.StatusNotFound || want.status != got.status ||
			asked.Replace(got.body) != asked.Replace(want.body) {
			t.Errorf("%s %s: %d %s\nbut for nobody's: %d %s",
				test.method, test.theirs, got.status, got.body, want.status, want.body)
		}
	}
	for _, addr := range []string{theirs, nobody} {
		for what, body := range map[string]string{
			"a change": changeBody(addr, "x.acme.example"),
			"a change beside another": `{"changes":[{"address":"192.0.2.11","name":"x.acme.example"},` +
				`{"address":"` + addr + `","name":"x.acme.example"}]}`,
		} {
			if r := w.call("acme", "POST", "/api/v1/changes", body); r.status != http.StatusNotFound {
				t.Errorf("%s of %s: %d %s", what, addr, r.status, r.body)
			}
		}
	}

	b := w.signIn("acme")
	for _, addr := range []string{theirs, theirV, nobody} {
		form := url.Values{"address": {addr}, "name": {"x.acme.example"}, "was": {""}}
		for what, r := range map[string]reply{
			"page":    b.get("/address/" + addr),
			"draft":   b.get("/draft?" + form.Encode()),
			"collect": b.post("/collect", form),
			"check":   b.post("/address/"+addr, nil),
		} {
			if r.status != http.StatusNotFound || strings.Contains(r.body, "web2") || strings.Contains(r.body, "bluebird") {
				t.Errorf("%s of %s: %d %s", what, addr, r.status, r.body)
			}
		}
	}
	for _, path := range []string{"/proposals/withdraw", "/proposals/push"} {
		if r := b.post(path, url.Values{"branch": {branch}}); r.status != http.StatusNotFound {
			t.Errorf("%s: %d %s", path, r.status, r.body)
		}
	}
	lists := map[string]reply{
		"page":     b.get("/"),
		"search":   b.get("/?q=bluebird"),
		"proposed": b.get("/proposals"),
	}
	for _, path := range []string{
		"/rdns", "/v1/servers", "/v1/servers?name=web2", "/v1/primary_ips", "/v1/primary_ips?ip=" + theirs, "/api/v1/addresses",
		"/api/v1/addresses?server=web2", "/api/v1/addresses?account=bluebird", "/api/v1/proposals",
	} {
		lists[path] = w.call("acme", "GET", path, "")
	}
	for what, r := range lists {
		for _, secret := range []string{
			"web2", "www.bluebird.example", "mail.bluebird.example", theirs, theirV, "192.0.2.21", "gw1",
		} {
			if strings.Contains(r.body, secret) {
				t.Errorf("%s shows %s:\n%s", what, secret, r.body)
			}
		}
	}
	w.contains(w.call("acme", "GET", "/rdns", "").body, "192.0.2.10", "192.0.2.11") // there are lists
	w.contains(lists["page"].body, "192.0.2.10", "192.0.2.11")
	if got := w.Git("branch", "--list", "rdns/*", "--format=%(refname:short)"); got != branch {
		t.Errorf("branches: %s", got)
	}
}

// TestLimit: one person's programs do not take all of the server's time.
func TestLimit(t *testing.T) {
	w := newWorld(t)
	w.serve()
	asked, r := 0, reply{}
	for r.status != http.StatusTooManyRequests && asked < 10000 {
		r = w.call("victor", "GET", "/v1/actions", "")
		asked++
	}
	if r.status != http.StatusTooManyRequests || r.header.Get("Retry-After") == "" || asked < 2000 {
		t.Errorf("request %d: %d %v %s", asked, r.status, r.header, r.body)
	}
	if r := w.call("acme", "GET", "/v1/actions", ""); r.status != http.StatusOK {
		t.Errorf("somebody else: %d %s", r.status, r.body)
	}
}

// TestForged: what somebody has made up lets nobody in.
func TestForged(t *testing.T) {
	w := newWorld(t)
	w.serve()
	_, tokens := people()
	good := tokens["olivia"]
	changed := []byte(good)
	changed[len(changed)-1] ^= 1
	for name, header := range map[string]string{
		"nothing":               "",
		"another token":         "Bearer " + string(changed),
		"half a token":          "Bearer " + good[:len(good)/2],
		"no token":              "Bearer ",
		"somebody else's token": "Basic " + basic("oscar", good),
		"wrong password":        "Basic " + basic("olivia", "wrong horse battery"),
		"no password":           "Basic " + basic("olivia", ""),
		"nobody":                "Basic " + basic("nobody", password),
		"no scheme":             good,
	} {
		for _, path := range []string{"/rdns/192.0.2.10", "/v1/servers", "/api/v1/addresses", "/api/v1/proposals"} {
			r, err := http.NewRequest("GET", w.url+path, nil)
			if err != nil {
				t.Fatal(err)
			}
			if header != "" {
				r.Header.Set("Authorization", header)
			}
			got, err := send(w.client, r)
			if err != nil {
				t.Fatal(err)
			}
			// Robot's clients know 403 for too many requests.
			refused := []int{http.StatusUnauthorized, http.StatusTooManyRequests, http.StatusForbidden}
			if !slices.Contains(refused, got.status) || strings.Contains(got.body, "miniserver") {
				t.Errorf("%s, %s: %d %s", name, path, got.status, got.body)
			}
		}
	}
	if r := w.call("olivia", "GET", "/rdns/192.0.2.10", ""); r.status != http.StatusOK {
		t.Errorf("the right token afterwards: %d %s", r.status, r.body)
	}

	real := w.signIn("oscar")
	u, err := url.Parse(w.url)
	if err != nil {
		t.Fatal(err)
	}
	cookie := real.client.Jar.Cookies(u)[0]
	forged := []byte(cookie.Value)
	forged[0] ^= 1
	for name, value := range map[string]string{
		"none": "", "another": string(forged), "half": cookie.Value[:len(cookie.Value)/2], "login": "oscar", "token": good,
	} {
		r, err := http.NewRequest("GET", w.url+"/address/192.0.2.10", nil)
		if err != nil {
			t.Fatal(err)
		}
		r.AddCookie(&http.Cookie{Name: cookie.Name, Value: value})
		got, err := send(w.client, r)
		if err != nil {
			t.Fatal(err)
		}
		if strings.Contains(got.body, "web1") || !strings.Contains(got.body, `name="password"`) {
			t.Errorf("cookie %s: %d %s", name, got.status, got.body)
		}
	}
	if r := real.get("/address/192.0.2.10"); !strings.Contains(r.body, "web1") {
		t.Errorf("the right cookie: %d %s", r.status, r.body)
	}
	real.post("/sign-out", nil)
	if r := real.get("/address/192.0.2.10"); strings.Contains(r.body, "web1") {
		t.Errorf("the cookie after signing out: %d %s", r.status, r.body)
	}
	w.contains(readAudit(w), `"login":"nobody","from":"127.0.0.1","result":"the login, password or token is wrong"`)
}
