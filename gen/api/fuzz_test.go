package api

import (
	"encoding/json"
	"fmt"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"
)

// FuzzRequest: whatever is sent, the answer is no failure of ours, it is JSON if there is some, and only a request that
// is taken changes something.
func FuzzRequest(f *testing.F) {
	for _, c := range [][3]string{
		{"GET", "/rdns?server_ip=192.0.2.10", ""}, {"GET", "/rdns/2001:db8:0:1::2", ""}, {"PUT", "/rdns/192.0.2.11",
			"ptr=a.acme.example"},
		{"POST", "/rdns/192.0.2.12?ptr=%00", "ptr=%zz"}, {"DELETE", "/rdns/192.0.2.10", ""}, {"GET", "/rdns/%2e%2e/rdns", ""},
		{"GET", "/v1/servers?page=2&per_page=1", ""}, {"GET", "/v1/servers?page=1000000000&per_page=50", ""}, {"GET",
			"/v1/servers?name=web1", ""},
		{"POST", "/v1/servers/1009982675547132/actions/change_dns_ptr", `{"ip":"192.0.2.10","dns_ptr":"mx.acme.example"}`},
		{"POST", "/v1/primary_ips/1497633528354352/actions/change_dns_ptr", `{"ip":"192.0.2.10","dns_ptr":null}`},
		{"GET", "/v1/actions?id=1", ""}, {"GET", "/v1/primary_ips/-1", ""},
		{"GET", "/api/v1/addresses?search=a+b&block=::/0&offset=9223372036854775807&limit=1000&sort=findings&order=desc", ""},
		{"GET", "/api/v1/addresses/::ffff:192.0.2.1", ""}, {"GET", "/api/v1/proposals/rdns/acme/api", ""}, {"DELETE",
			"/api/v1/proposals/main", ""},
		{"POST", "/api/v1/changes",
			`{"changes":[{"address":"192.0.2.11","name":"a.acme.example","ttl":"1w","was":null}],"dry_run":true,"reason":"x"}`},
		{"POST", "/api/v1/changes", `{"changes":[{"address":"2001:db8:0:1::","name":"ü.acme.example","was":"x"}]}`},
		{"POST", "/api/v1/changes", `{"changes":[{"address":"192.0.2.11","name":" . ","ttl":"default"}]}`},
	} {
		f.Add(c[0], c[1], c[2])
	}
	s := newSite(f)
	f.Fuzz(func(t *testing.T, method, target, body string) {
		u, err := url.ParseRequestURI(target)
		if err != nil || !strings.HasPrefix(target, "/") || !tokenLike(method) {
			t.Skip()
		}
		before := fmt.Sprint(s.editor.Open())
		r := httptest.NewRequest(method, "/", strings.NewReader(body))
		r.URL = u
		r.Header.Set("Authorization", "Bearer "+s.tokens["acme"])
		w := httptest.NewRecorder()
		s.handler.ServeHTTP(w, r)
		if w.Code >= 500 {
			t.Errorf("%s %q %q: %d %s", method, target, body, w.Code, w.Body)
		}
		if w.Body.Len() > 0 && !json.Valid(w.Body.Bytes()) || w.Body.Len() == 0 && w.Code >= 300 {
			t.Errorf("%s %q %q: %d %s is no JSON", method, target, body, w.Code, w.Body)
		}
		if w.Code >= 300 || method == "GET" || method == "HEAD" {
			if after := fmt.Sprint(s.editor.Open()); after != before {
				t.Errorf("%s %q %q: %d, but proposals are\n%s", method, target, body, w.Code, after)
			}
		}
	})
}

// tokenLike reports whether a method is one that an HTTP server lets through.
func tokenLike(method string) bool {
	return method != "" && strings.Trim(method, "ABCDEFGHIJKLMNOPQRSTUVWXYZ") == ""
}
