package api

import (
	"fmt"
	"net"
	"net/netip"
	"os"
	"os/exec"
	"strconv"
	"strings"
	"testing"

	"github.com/hetznercloud/hcloud-go/v2/hcloud"

	"github.com/revmap/revmap/internal/peer"
)

// TestIDs: ids are what they have always been, since clients keep them.
func TestIDs(t *testing.T) {
	for _, tt := range []struct {
		kind, name string
		want       int64
	}{
		{"server", "web1", 1009982675547132},
		{"address", "192.0.2.10", 1497633528354352},
		{"address", "2001:db8:0:1::2", 4489046981405398},
	} {
		if got := idOf(tt.kind, tt.name); got != tt.want {
			t.Errorf("the id of %s %s is %d, want %d", tt.kind, tt.name, got, tt.want)
		}
	}
}

// id returns the id that the Cloud API gives something.
func (s *site) id(kind, name string) string {
	s.Helper()
	return strconv.FormatInt(idOf(kind, name), 10)
}

// TestCloud goes through the calls one after the other.
func TestCloud(t *testing.T) {
	s := newSite(t)
	web1, ip12 := "/v1/servers/"+s.id("server", "web1"), "/v1/primary_ips/"+s.id("address", "192.0.2.12")
	server := func(v4, v6 string) string {
		return `{"id":` + s.id("server", "web1") + `,"name":"web1","status":"running","created":"1970-01-01T00:00:00Z",
			"labels":{"account":"acme"},"locked":false,
			"server_type":{"id":` + s.id("product", "vps") + `,"name":"vps"},"protection":{"delete":false,"rebuild":false},
				"private_net":[],"volumes":[],
			"public_net":{"floating_ips":[],"firewalls":[],"ipv4":{"id":` + s.id("address", "192.0.2.10") + `,
				"ip":"192.0.2.10","blocked":false,"dns_ptr":"` + v4 + `"},
			"ipv6":{"id":` + s.id("address", "2001:db8:0:1::2") + `,"ip":"2001:db8:0:1::/64","blocked":false,
				"dns_ptr":[` + v6 + `]}}}`
	}
	ip := func(ptr string) string {
		return `{"id":` + s.id("address", "192.0.2.12") + `,"name":"192.0.2.12","ip":"192.0.2.12","type":"ipv4",
			"created":"1970-01-01T00:00:00Z","labels":{"account":"acme"},
			"assignee_id":` + s.id("server", "web1") + `,"assignee_type":"server","auto_delete":false,"blocked":false,
				"dns_ptr":[` + ptr + `],"protection":{"delete":false}}`
	}
	meta := func(page, size, previous, next, last, total string) string {
		return `"meta":{"pagination":{"page":` + page + `,"per_page":` + size + `,"previous_page":` + previous +
			`,"next_page":` + next +
			`,"last_page":` + last + `,"total_entries":` + total + `}}`
	}
	const default6 = `{"ip":"2001:db8:0:1::2","dns_ptr":"web1.miniserver.example"}`
	for _, step := range []struct {
		method, path, body string
		status             int
		want               string // "" for any
	}{
		{"GET", web1, "", 200, `{"server":` + server("mail.acme.example", default6) + `}`},
		{"GET", "/v1/servers?name=web1", "", 200, `{"servers":[` + server("mail.acme.example", default6) +
			`],` + meta("1", "25", "null", "null", "1", "1") + `}`},
		{"GET", "/v1/servers?name=web9", "", 200, `{"servers":[],` + meta("1", "25", "null", "null", "1", "0") + `}`},
		{"GET", "/v1/servers?name=", "", 200, `{"servers":[],` + meta("1", "25", "null", "null", "1", "0") + `}`},
		{"GET", "/v1/servers?page=9", "", 200, `{"servers":[],` + meta("9", "25", "8", "null", "1", "3") + `}`},
		{"GET", ip12, "", 200, `{"primary_ip":` + ip(`{"ip":"192.0.2.12","dns_ptr":"shop.acme.example"}`) + `}`},
		{"GET", "/v1/primary_ips?name=192.0.2.12", "", 200,
			`{"primary_ips":[` + ip(`{"ip":"192.0.2.12",
				"dns_ptr":"shop.acme.example"}`) + `],` + meta("1", "25", "null", "null", "1", "1") + `}`},
		{"GET", "/v1/primary_ips?ip=192.0.2.12", "", 200,
			`{"primary_ips":[` + ip(`{"ip":"192.0.2.12",
				"dns_ptr":"shop.acme.example"}`) + `],` + meta("1", "25", "null", "null", "1", "1") + `}`},
		{"GET", "/v1/primary_ips?name=192.0.2.99", "", 200, `{"primary_ips":[],` + meta("1", "25", "null", "null", "1",
			"0") + `}`}, // not listed
		{"GET", "/v1/primary_ips?name=web1", "", 200, `{"primary_ips":[],` + meta("1", "25", "null", "null", "1", "0") + `}`},
		{"GET", "/v1/servers/1", "", 404,
			`{"error":{"code":"not_found","message":"there is no such address, server or proposal"}}`},
		{"GET", "/v1/servers/web1", "", 404, ""},
		{"GET", "/v1/primary_ips/1", "", 404, ""},
		{"GET", "/v1/primary_ips/99999999999999999999", "", 404, ""},
		{"GET", "/v1/actions/1", "", 404, ""},
		{"GET", "/v1/actions", "", 200, `{"actions":[],` + meta("1", "25", "null", "null", "1", "0") + `}`},
		{"GET", "/v1/servers?page=0", "", 400,
			`{"error":{"code":"invalid_input","message":"page: want a number from 1","details":{"fields":[{"name":"page",
				"messages":["page: want a number from 1"]}]}}}`},
		{"GET", "/v1/servers?per_page=many", "", 400, ""},
		{"GET", "/v1/servers?label_selector=account%3Dacme", "", 400, ""},

		{"POST", web1 + "/actions/change_dns_ptr", `{"ip":"192.0.2.10","dns_ptr":"mx.acme.example"}`, 201, ""},
		{"POST", web1 + "/actions/change_dns_ptr", `{"ip":"2001:db8:0:1::25","dns_ptr":"lists.acme.example"}`, 201, ""},
		// routed
		{"POST", web1 + "/actions/change_dns_ptr", `{"ip":"192.0.2.12","dns_ptr":null}`, 201, ""},
		{"GET", web1, "", 200, `{"server":` + server("mx.acme.example",
			default6+`,{"ip":"2001:db8:0:1::25","dns_ptr":"lists.acme.example"}`) + `}`},
		{"GET", ip12, "", 200, `{"primary_ip":` + ip("") + `}`},
		{"POST", ip12 + "/actions/change_dns_ptr", `{"ip":"192.0.2.12","dns_ptr":"www.acme.example"}`, 201, ""},
		{"GET", ip12, "", 200, `{"primary_ip":` + ip(`{"ip":"192.0.2.12","dns_ptr":"www.acme.example"}`) + `}`},
		{"POST", web1 + "/actions/change_dns_ptr", `{"ip":"192.0.2.10","dns_ptr":null}`, 201, ""},
		{"GET", web1, "", 200, `{"server":` + server("web1.miniserver.example",
			default6+`,{"ip":"2001:db8:0:1::25","dns_ptr":"lists.acme.example"}`) + `}`},

		{"POST", web1 + "/actions/change_dns_ptr", `{"ip":"192.0.2.10","dns_ptr":["mx.acme.example"]}`, 400,
			`{"error":{"code":"invalid_input","details":{"fields":[]},
				"message":"the body: dns_ptr is a list: want a name in a string, or null for the default"}}`},
		{"POST", web1 + "/actions/change_dns_ptr", `{"ip":"192.0.2.20","dns_ptr":"mx.acme.example"}`, 400,
			`{"error":{"code":"invalid_input","message":"192.0.2.20 is no address of server \"web1\"",
				"details":{"fields":[{"name":"ip","messages":["192.0.2.20 is no address of server \"web1\""]}]}}}`},
		{"POST", web1 + "/actions/change_dns_ptr", `{"ip":"203.0.113.9","dns_ptr":"mx.acme.example"}`, 400,
			`{"error":{"code":"invalid_input","message":"203.0.113.9 is no address of server \"web1\"",
				"details":{"fields":[{"name":"ip","messages":["203.0.113.9 is no address of server \"web1\""]}]}}}`},
		{"POST", ip12 + "/actions/change_dns_ptr", `{"ip":"192.0.2.10","dns_ptr":"mx.acme.example"}`, 400, ""},
		{"POST", web1 + "/actions/change_dns_ptr", `{"ip":"192.0.2.10"}`, 400, ""},
		{"POST", web1 + "/actions/change_dns_ptr", `{"dns_ptr":"mx.acme.example"}`, 400, ""},
		{"POST", web1 + "/actions/change_dns_ptr", `{`, 400, ""},
		{"POST", web1 + "/actions/change_dns_ptr", ``, 400, ""},
		{"POST", web1 + "/actions/change_dns_ptr", `{"ip":"192.0.2.10","dns_ptr":"` + strings.Repeat("x", 70_000) +
			`"}`, 413, ""},
		{"POST", web1 + "/actions/change_dns_ptr", `{"ip":"192.0.2.10","dns_ptr":"no name"}`, 422, ""},
		{"POST", "/v1/servers/1/actions/change_dns_ptr", `{"ip":"192.0.2.10","dns_ptr":"mx.acme.example"}`, 404, ""},
		{"POST", "/v1/primary_ips/1/actions/change_dns_ptr", `{"ip":"192.0.2.10","dns_ptr":"mx.acme.example"}`, 404, ""},
	} {
		header := []string{jsonType}
		if step.method == "GET" {
			header = nil
		}
		a := s.do(step.method, step.path, step.body, header...)
		if a.status != step.status || step.want != "" && compact(a.body) != compact(step.want) {
			t.Errorf("%s %s %.80s: %d %s\nwant %d %s", step.method, step.path, step.body, a.status, a.body, step.status,
				step.want)
		}
	}

	// So has the list what is not listed in the source yet.
	if a := s.do("GET", "/v1/servers", ""); !strings.Contains(a.body,
		default6+`,{"ip":"2001:db8:0:1::25","dns_ptr":"lists.acme.example"}`) {
		t.Errorf("%s", a.body)
	}

	// The actions are there for who has made them, and are done.
	list := s.do("GET", "/v1/actions?per_page=2&page=2", "")
	if s.get(list, "meta", "pagination", "total_entries") != 5.0 || s.get(list, "actions", 0, "status") != "success" {
		t.Errorf("%s", list.body)
	}
	id := fmt.Sprint(int64(s.get(list, "actions", 0, "id").(float64)))
	if a := s.do("GET", "/v1/actions/"+id, ""); a.status != 200 || s.get(a, "action", "command") != "change_dns_ptr" {
		t.Errorf("%d %s", a.status, a.body)
	}
	if a := s.do("GET", "/v1/actions?id="+id+"&id=1", ""); s.get(a, "meta", "pagination", "total_entries") != 1.0 {
		t.Errorf("%d %s", a.status, a.body)
	}
	s.as = "vera"
	if a := s.do("GET", "/v1/actions/"+id, ""); a.status != 404 {
		t.Errorf("%d %s", a.status, a.body)
	}

	// Names for the account only in its domains.
	s.as = "acme"
	a := s.do("POST", web1+"/actions/change_dns_ptr", `{"ip":"192.0.2.10","dns_ptr":"mx.bluebird.example"}`, jsonType)
	if a.status != 403 || s.get(a, "error", "code") != "forbidden" {
		t.Errorf("%d %s", a.status, a.body)
	}
	s.as = "reader"
	a = s.do("POST", web1+"/actions/change_dns_ptr", `{"ip":"192.0.2.10","dns_ptr":"mx.acme.example"}`, jsonType)
	if a.status != 403 || s.get(a, "error", "code") != "token_readonly" {
		t.Errorf("%d %s", a.status, a.body)
	}
}

// TestCloudNewServer: an id works as soon as the main branch has the server.
func TestCloudNewServer(t *testing.T) {
	s := newSite(t)
	path := "/v1/servers/" + s.id("server", "web4")
	if a := s.do("GET", path, ""); a.status != 404 {
		t.Fatalf("%d %s", a.status, a.body)
	}
	s.commit(strings.Replace(source, "servers:\n",
		"servers:\n  web4: {product: vps, account: acme, primary: 192.0.2.40}\n", 1))
	if a := s.do("GET", path, ""); a.status != 200 || s.get(a, "server", "name") != "web4" {
		t.Errorf("%d %s", a.status, a.body)
	}
	s.commit(source)
	if a := s.do("GET", path, ""); a.status != 404 {
		t.Errorf("%d %s", a.status, a.body)
	}
}

// TestHCloudGo: Hetzner's own library lists, reads back and sets names.
func TestHCloudGo(t *testing.T) {
	s := newSite(t)
	ctx := t.Context()
	c := hcloud.NewClient(hcloud.WithEndpoint(s.url+"/v1"), hcloud.WithToken(s.tokens["acme"]))
	servers, err := c.Server.All(ctx)
	if err != nil || len(servers) != 2 {
		t.Fatalf("%d servers, %v", len(servers), err)
	}
	web1, _, err := c.Server.Get(ctx, "web1")
	if err != nil || web1 == nil {
		t.Fatal(web1, err)
	}
	if nothing, _, err := c.Server.Get(ctx, "web2"); err != nil || nothing != nil {
		t.Errorf("web2 is %v, %v", nothing, err)
	}
	lists := net.ParseIP("2001:db8:0:1::25")
	if _, err := hcloud.RDNSLookup(web1, lists); err == nil {
		t.Error("2001:db8:0:1::25 has a name already")
	}
	for ip, name := range map[string]string{"192.0.2.10": "mx.acme.example", "2001:db8:0:1::25": "lists.acme.example"} {
		action, _, err := c.RDNS.ChangeDNSPtr(ctx, web1, net.ParseIP(ip), &name)
		if err != nil {
			t.Fatal(err)
		}
		if err := c.Action.WaitFor(ctx, action); err != nil {
			t.Error(err)
		}
		if again, _, err := c.Action.GetByID(ctx, action.ID); err != nil || again == nil ||
			again.Status != hcloud.ActionStatusSuccess {
			t.Errorf("action %v, %v", again, err)
		}
		web1, _, err = c.Server.GetByID(ctx, web1.ID)
		if err != nil {
			t.Fatal(err)
		}
		if got, err := hcloud.RDNSLookup(web1, net.ParseIP(ip)); got != name {
			t.Errorf("%s is %q, %v", ip, got, err)
		}
	}
	if _, _, err := c.RDNS.ChangeDNSPtr(ctx, web1, lists, nil); err != nil {
		t.Error(err)
	}
	ips, err := c.PrimaryIP.All(ctx)
	if err != nil || len(ips) != 6 {
		t.Errorf("%d primary IPs, %v", len(ips), err)
	}
	ip, _, err := c.PrimaryIP.GetByIP(ctx, "192.0.2.12")
	if err != nil || ip == nil || ip.AssigneeID != web1.ID {
		t.Fatal(ip, err)
	}
	name := "store.acme.example"
	if _, _, err := c.RDNS.ChangeDNSPtr(ctx, ip, ip.IP, &name); err != nil {
		t.Error(err)
	}
	if ip, _, err = c.PrimaryIP.GetByID(ctx, ip.ID); err != nil {
		t.Fatal(err)
	}
	if got, _ := hcloud.RDNSLookup(ip, ip.IP); got != name {
		t.Errorf("192.0.2.12 is %q", got)
	}
	six, _, err := c.PrimaryIP.GetByName(ctx, "2001:db8:0:1::2")
	if err != nil || six == nil || !six.IP.Equal(net.ParseIP("2001:db8:0:1::2")) {
		t.Errorf("%+v, %v", six, err)
	}

	// Errors are the library's.
	foreign := "www.bluebird.example"
	if _, _, err := c.RDNS.ChangeDNSPtr(ctx, web1, net.ParseIP("192.0.2.10"), &foreign); !hcloud.IsError(err,
		hcloud.ErrorCodeForbidden) {
		t.Error(err)
	}
	bad := "no name"
	_, _, err = c.RDNS.ChangeDNSPtr(ctx, ip, net.ParseIP("192.0.2.10"), &bad)
	if e, ok := err.(hcloud.Error); !ok || e.Code != hcloud.ErrorCodeInvalidInput ||
		len(e.Details.(hcloud.ErrorDetailsInvalidInput).Fields) != 1 {
		t.Errorf("%#v", err)
	}
	c = hcloud.NewClient(hcloud.WithEndpoint(s.url+"/v1"), hcloud.WithToken("rvm_wrong"))
	if _, err := c.Server.All(ctx); !hcloud.IsError(err, hcloud.ErrorCodeUnauthorized) {
		t.Error(err)
	}
	text := s.read("rdns/acme/api")
	for _, want := range []string{"192.0.2.10: mx.acme.example", "name: store.acme.example"} {
		if !strings.Contains(text, want) {
			t.Errorf("no %q in\n%s", want, text)
		}
	}
	if strings.Contains(text, "lists.acme") {
		t.Errorf("the name that was taken back is in\n%s", text)
	}
}

// TestHCloudGoPages: the library turns the pages of a list.
func TestHCloudGoPages(t *testing.T) {
	var b strings.Builder
	b.WriteString(strings.Split(source, "servers:\n")[0] + "servers:\n")
	addr := netip.MustParseAddr("192.0.2.1")
	for i := range 120 {
		fmt.Fprintf(&b, "  web%d: {product: vps, account: acme, primary: %s}\n", i, addr)
		addr = addr.Next()
	}
	s := newSiteOf(t, b.String(), "")
	c := hcloud.NewClient(hcloud.WithEndpoint(s.url+"/v1"), hcloud.WithToken(s.tokens["ada"]))
	servers, err := c.Server.All(t.Context())
	names := make(map[string]bool)
	for _, server := range servers {
		names[server.Name] = true
	}
	if err != nil || len(servers) != 120 || len(names) != 120 {
		t.Errorf("%d servers, %d names, %v", len(servers), len(names), err)
	}
	ips, err := c.PrimaryIP.All(t.Context())
	if err != nil || len(ips) != 120 {
		t.Errorf("%d primary IPs, %v", len(ips), err)
	}
}

// TestHCloudCLI: so does Hetzner's command line.
func TestHCloudCLI(t *testing.T) {
	program := peer.Needs(t, "hcloud")[0]
	s := newSite(t)
	run := func(args ...string) {
		t.Helper()
		cmd := exec.Command(program, args...)
		cmd.Env = append(os.Environ(), "HCLOUD_TOKEN="+s.tokens["acme"], "HCLOUD_ENDPOINT="+s.url+"/v1", "HOME="+t.TempDir())
		if out, err := cmd.CombinedOutput(); err != nil {
			t.Fatalf("hcloud %s: %v\n%s", args, err, out)
		}
	}
	run("server", "set-rdns", "web1", "--hostname", "mx.acme.example") // its IPv4 address
	run("server", "set-rdns", s.id("server", "web1"), "--ip", "2001:db8:0:1::25", "--hostname", "lists.acme.example")
	run("primary-ip", "set-rdns", s.id("address", "192.0.2.12"), "--ip", "192.0.2.12", "--hostname", "store.acme.example")
	run("server", "set-rdns", "web1", "--ip", "192.0.2.12", "--hostname", "") // old versions have no --reset
	s.as = "acme"
	for ip, name := range map[string]string{"192.0.2.10": "mx.acme.example", "2001:db8:0:1::25": "lists.acme.example"} {
		s.want(s.do("GET", "/rdns/"+ip, ""), 200, entry(ip, name))
	}
	if a := s.do("GET", "/rdns/192.0.2.12", ""); a.status != 404 {
		t.Errorf("192.0.2.12: %s", a.body)
	}
	cmd := exec.Command(program, "server", "set-rdns", "web1", "--hostname", "www.bluebird.example")
	cmd.Env = append(os.Environ(), "HCLOUD_TOKEN="+s.tokens["acme"], "HCLOUD_ENDPOINT="+s.url+"/v1", "HOME="+t.TempDir())
	if out, err := cmd.CombinedOutput(); err == nil || !strings.Contains(string(out), "lies in none of the domains") {
		t.Errorf("%v: %s", err, out)
	}
}
