package session

import (
	"encoding/base64"
	"errors"
	"fmt"
	"net/http"
	"strings"

	"github.com/revmap/revmap/gen/users"
)

// ErrMissing tells that a request comes without a login.
var ErrMissing = errors.New("want a login and password, or a token, in the Authorization header")

// ErrUnclear tells that the Authorization header of a request says no login. What it says is never told: it may be a
// secret at the wrong place.
var ErrUnclear = errors.New("the Authorization header is not understood")

// FromHeader returns who sends a request with an Authorization header: Basic with a login and password, Basic with a
// token as the password and its person's login or none, or Bearer with a token. The error is ErrMissing; ErrUnclear or
// users.ErrWrong, perhaps with more; or a *LimitError. A right token is never made to wait.
func (m *Manager) FromHeader(r *http.Request) (*users.Person, error) {
	headers := r.Header.Values("Authorization")
	if len(headers) == 0 {
		return nil, ErrMissing
	}
	if len(headers) > 1 {
		return nil, fmt.Errorf("%w: there are %d of it: want one", ErrUnclear, len(headers))
	}
	login, secret, ok := parseAuthorization(headers[0])
	switch {
	case !ok:
		return nil, fmt.Errorf("%w: %s", ErrUnclear, wanted(headers[0]))
	case users.IsToken(secret):
		return m.token(r, login, secret)
	}
	return m.password(r, login, secret)
}

// wanted returns what an Authorization header should be that says no login.
func wanted(header string) string {
	switch scheme, _, _ := strings.Cut(header, " "); {
	case strings.EqualFold(scheme, "Bearer"):
		return "what follows Bearer is no token: want one whole, from its rvm_ on; a password goes with Basic"
	case strings.EqualFold(scheme, "Basic"):
		return "what follows Basic is not login:password in base64"
	}
	return "want Bearer and a token, which begins with rvm_, or Basic and login:password in base64"
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
