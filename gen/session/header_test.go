package session

import (
	"encoding/base64"
	"errors"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/revmap/revmap/gen/users"
)

func basic(login, password string) string {
	return "Authorization: Basic " + base64.StdEncoding.EncodeToString([]byte(login+":"+password))
}

func TestFromHeader(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t, Options{})
		for _, c := range []struct {
			name    string
			headers []string
			login   string // "" for an error
			token   string
			err     error
		}{
			{"password", []string{basic("acme", secret)}, "acme", "", nil},
			{"token as password", []string{basic("acme", token)}, "acme", "k1", nil},
			{"token as password, no login", []string{basic("", token)}, "acme", "k1", nil},
			{"token of another person", []string{basic("alice", token)}, "", "", users.ErrWrong},
			{"token", []string{"Authorization: Bearer " + token}, "acme", "k1", nil},
			{"scheme in other letters", []string{"Authorization: bEARER  " + token}, "acme", "k1", nil},
			{"wrong password", []string{basic("acme", "wrong")}, "", "", users.ErrWrong},
			{"wrong token", []string{"Authorization: Bearer rvm_1"}, "", "", users.ErrWrong},
			{"none", nil, "", "", ErrMissing},
			{"empty", []string{"Authorization: "}, "", "", ErrUnclear},
			{"scheme alone", []string{"Authorization: Basic"}, "", "", ErrUnclear},
			{"password as token", []string{"Authorization: Bearer " + secret}, "", "", ErrUnclear},
			{"token without its begin", []string{"Authorization: Bearer " + token[4:]}, "", "", ErrUnclear},
			{"no base64", []string{"Authorization: Basic acme:" + secret}, "", "", ErrUnclear},
			{"no colon", []string{"Authorization: Basic YWNtZQ=="}, "", "", ErrUnclear},
			{"another scheme", []string{"Authorization: Token " + token}, "", "", ErrUnclear},
			{"token alone", []string{"Authorization: " + token}, "", "", ErrUnclear},
			{"two", []string{"Authorization: Bearer " + token, basic("alice", secret)}, "", "", ErrUnclear},
			{"a cookie", []string{w.signIn("acme")}, "", "", ErrMissing},
		} {
			p, err := w.FromHeader(request(somewhere, c.headers...))
			if c.login != "" && (err != nil || p.Login != c.login || p.Token != c.token) ||
				c.login == "" && (!errors.Is(err, c.err) || p != nil) {
				t.Errorf("%s: %+v, error %v", c.name, p, err)
			}
			if err != nil && (strings.Contains(err.Error(), secret) || strings.Contains(err.Error(), token[4:])) {
				t.Errorf("%s: the error tells a secret: %v", c.name, err)
			}
		}
		for header, want := range map[string]string{
			"Bearer xyz": "what follows Bearer is no token: want one whole, from its rvm_ on; a password goes with Basic",
			"Basic xyz":  "what follows Basic is not login:password in base64",
			"Token rvm_": "want Bearer and a token, which begins with rvm_, or Basic and login:password in base64",
		} {
			_, err := w.FromHeader(request(somewhere, "Authorization: "+header))
			if want = "the Authorization header is not understood: " + want; err == nil || err.Error() != want {
				t.Errorf("%s: %v, want %s", header, err, want)
			}
		}
		if p, ok := w.FromCookie(request(somewhere, basic("acme", secret))); ok {
			t.Errorf("a header counts as a cookie: %+v", p)
		}
		time.Sleep(31 * 24 * time.Hour)
		_, err := w.FromHeader(request(somewhere, "Authorization: Bearer "+token))
		if !errors.Is(err, users.ErrWrong) || !strings.Contains(err.Error(), "has ended on 2000-01-31") {
			t.Errorf("after the token's end: %v", err)
		}
	})
}

// FuzzAuthorization: what a header says is what Basic and Bearer would write, and lets in nobody who is not known.
func FuzzAuthorization(f *testing.F) {
	f.Add("Basic YWNtZTpjb3JyZWN0IGhvcnNl")
	f.Add("basic  YTo6Yg== ")
	f.Add("Bearer rvm_0")
	f.Add("Bearer")
	f.Fuzz(func(t *testing.T, header string) {
		login, secret, ok := parseAuthorization(header)
		if !ok {
			return
		}
		scheme, rest, _ := strings.Cut(header, " ")
		if strings.EqualFold(scheme, "bearer") {
			if login != "" || !users.IsToken(secret) || !strings.Contains(rest, secret) {
				t.Errorf("%q: login %q, secret %q", header, login, secret)
			}
			return
		}
		text, err := base64.StdEncoding.DecodeString(strings.Trim(rest, " "))
		if err != nil || login+":"+secret != string(text) || strings.Contains(login, ":") ||
			!strings.EqualFold(scheme, "basic") {
			t.Errorf("%q: login %q, secret %q, text %q, error %v", header, login, secret, text, err)
		}
	})
}
