package page

import (
	"errors"
	"net/http"
	"net/url"
	"strconv"
	"strings"

	"github.com/revmap/revmap/gen/session"
)

// A signInPage asks who somebody is.
type signInPage struct {
	Login   string
	Next    string // where to go on
	Problem string
}

// askToSignIn answers a request of nobody.
func (p *pages) askToSignIn(w http.ResponseWriter, r *http.Request) {
	if forScript(r) {
		writeJSON(w, http.StatusUnauthorized, map[string]any{"error": "You are signed out. Load the page again to sign in."})
		return
	}
	next := "/"
	if r.Method == http.MethodGet {
		next = r.URL.RequestURI()
	} else if back, err := url.Parse(r.Referer()); err == nil && back.Host == r.Host { // the form that was sent
		next = local(back.RequestURI(), "/")
	}
	http.Redirect(w, r, "/sign-in?next="+url.QueryEscape(next), http.StatusSeeOther)
}

func (p *pages) signInForm(w http.ResponseWriter, r *http.Request) {
	next := local(r.URL.Query().Get("next"), "/")
	if _, ok := p.o.Sessions.FromCookie(r); ok {
		http.Redirect(w, r, next, http.StatusSeeOther)
		return
	}
	p.render(w, r, nil, http.StatusOK, "sign-in", "Sign in", signInPage{Next: next})
}

func (p *pages) signIn(w http.ResponseWriter, r *http.Request) {
	form := signInPage{Login: strings.TrimSpace(r.PostFormValue("login")), Next: local(r.PostFormValue("next"), "/")}
	err := p.o.Sessions.SignIn(w, r, form.Login, r.PostFormValue("password"))
	var limit *session.LimitError
	status := http.StatusUnauthorized
	switch {
	case err == nil:
		http.Redirect(w, r, form.Next, http.StatusSeeOther)
		return
	case errors.As(err, &limit):
		status = http.StatusTooManyRequests
		w.Header().Set("Retry-After", strconv.Itoa(limit.Seconds()))
		form.Problem = "There were too many attempts. Wait for " + count(limit.Seconds(), "second") + ", then try again."
	default:
		form.Problem = "There is no such login with this password. Check both, and whether Caps Lock is on."
	}
	p.render(w, r, nil, status, "sign-in", "Sign in", form)
}

func (p *pages) signOut(w http.ResponseWriter, r *http.Request) {
	p.o.Sessions.SignOut(w, r)
	http.Redirect(w, r, "/sign-in", http.StatusSeeOther)
}
