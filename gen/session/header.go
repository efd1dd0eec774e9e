package session

import (
	"encoding/base64"
	"errors"
	"net/http"
	"strings"

	"github.com/revmap/revmap/gen/users"
)

// ErrMissing tells that a request comes without a login.
var ErrMissing = errors.New("want a login and password, or a token, in the Authorization header")

// FromHeader returns who sends a request with an Authorization header: Basic with a login and password, Basic with a
// token as the password and its person's login or none, or Bearer with a token. The error is ErrMissing,
// users.ErrWrong, perhaps with more, or a *LimitError. A right token is never made to wait.
func (m *Manager) FromHeader(r *http.Request) (*users.Person, error) {
	headers := r.Header.Values("Authorization")
	if len(headers) == 0 {
		return nil, ErrMissing
	}
	login, secret, ok := parseAuthorization(headers[0])
	switch {
	case !ok || len(headers) > 1:
		return nil, ErrMissing
	case users.IsToken(secret):
		return m.token(r, login, secret)
	}
	return m.password(r, login, secret)
}

// parseAuthorization returns what an Authorization header says. Bearer, which comes without a login, is for tokens
// only.
func parseAuthorization(header string) (login, secret string, ok bool) {
	scheme, rest, _ := strings.Cut(header, " ")
	rest = strings.Trim(rest, " ")
	switch {
	case strings.EqualFold(scheme, "Bearer"):
		return "", rest, users.IsToken(rest)
	case strings.EqualFold(scheme, "Basic"):
		text, err := base64.StdEncoding.DecodeString(rest)
		if err != nil {
			return "", "", false
		}
		return strings.Cut(string(text), ":")
	}
	return "", "", false
}
