// Package session knows who sends a request: by the cookie of somebody who has signed in, or by a password or token
// that comes with it. It counts what was wrong, and lets nobody guess fast.
package session

import (
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
	"net/http"
	"sync"
	"time"

	"github.com/revmap/revmap/gen/users"
)

// How long a session lasts.
const (
	defaultIdle = 12 * time.Hour
	longest     = 7 * 24 * time.Hour
)

// sessions is how many a person has at once; another one ends the one that was used least recently.
const sessions = 20

// Options tell how a Manager works. The zero value is for a server that speaks plain HTTP.
type Options struct {
	Secure      bool          // cookies go over TLS only
	IdleTimeout time.Duration // after which a session ends that was not used; 0 for 12 hours

	// Failed, if not nil, is told of each login, password or token that was refused, and why: users.ErrWrong, or a
	// *LimitError. The login is what was sent; it is "" with a token alone.
	Failed func(r *http.Request, login string, err error)
}

// A Manager knows who has signed in. What it knows ends with the process. It is safe for concurrent use.
type Manager struct {
	o      Options
	store  *users.Store
	logins limiter // by login
	nets   limiter // by network
	slots  chan struct{}

	lock     sync.Mutex
	sessions map[[sha256.Size]byte]*session // by the hash of what the cookie holds
}

type session struct {
	person  *users.Person // as it was when it signed in
	created time.Time
	used    time.Time
}

// New returns a Manager of the people in a store.
func New(store *users.Store, o Options) *Manager {
	if o.IdleTimeout == 0 {
		o.IdleTimeout = defaultIdle
	}
	return &Manager{
		o: o, store: store,
		logins:   newLimiter(5, time.Minute),
		nets:     newLimiter(20, 15*time.Minute),
		slots:    make(chan struct{}, slots()),
		sessions: make(map[[sha256.Size]byte]*session),
	}
}

// LocalPerson returns who uses a server that asks nobody to sign in: an operator. Its commits have the name and
// address, if there are some that are fit for it.
func LocalPerson(fullName, email string) *users.Person {
	p := &users.Person{Login: "local", FullName: "Local user", Email: "local@localhost", Role: users.Operator}
	named := *p
	named.FullName, named.Email = fullName, email
	if named.Check() == nil {
		return &named
	}
	return p
}

// cookie returns the cookie with a value. Its name keeps it to this host and TLS, if the server is reached by that. It
// comes with links from elsewhere, such as one that a colleague has sent, but with no form from there.
func (m *Manager) cookie(value string) *http.Cookie {
	c := &http.Cookie{
		Name: "revmap", Value: value, Path: "/", HttpOnly: true, Secure: m.o.Secure, SameSite: http.SameSiteLaxMode,
	}
	if m.o.Secure {
		c.Name = "__Host-" + c.Name
	}
	return c
}

// SignIn begins a session, which the cookie in the answer stands for; it ends the one that the request came with. The
// error is users.ErrWrong or a *LimitError.
func (m *Manager) SignIn(w http.ResponseWriter, r *http.Request, login, password string) error {
	p, err := m.password(r, login, password)
	if err != nil {
		return err
	}
	var b [32]byte
	rand.Read(b[:])
	value := base64.RawURLEncoding.EncodeToString(b[:])
	now := time.Now()
	m.lock.Lock()
	defer m.lock.Unlock()
	m.end(r)
	m.makeRoom(p.Login, now)
	m.sessions[sha256.Sum256([]byte(value))] = &session{p, now, now}
	http.SetCookie(w, m.cookie(value))
	return nil
}

// SignOut ends the session of a request.
func (m *Manager) SignOut(w http.ResponseWriter, r *http.Request) {
	m.lock.Lock()
	defer m.lock.Unlock()
	m.end(r)
	c := m.cookie("")
	c.MaxAge = -1
	http.SetCookie(w, c)
}

// end ends the sessions of a request. The caller has the lock.
func (m *Manager) end(r *http.Request) {
	for _, c := range r.CookiesNamed(m.cookie("").Name) {
		delete(m.sessions, sha256.Sum256([]byte(c.Value)))
	}
}

// makeRoom forgets the sessions that have ended, and one of a person who has as many as there may be. The caller has
// the lock.
func (m *Manager) makeRoom(login string, now time.Time) {
	var oldest [sha256.Size]byte
	var last time.Time
	have := 0
	for key, s := range m.sessions {
		switch {
		case m.ended(s, now):
			delete(m.sessions, key)
		case s.person.Login == login:
			if have == 0 || s.used.Before(last) {
				oldest, last = key, s.used
			}
			have++
		}
	}
	if have >= sessions {
		delete(m.sessions, oldest)
	}
}

func (m *Manager) ended(s *session, now time.Time) bool {
	return now.Sub(s.used) >= m.o.IdleTimeout || now.Sub(s.created) >= longest
}

// FromCookie returns who has signed in. A session has ended if it was not used for long, or is old, or the person's
// password, role or accounts have changed since it began.
func (m *Manager) FromCookie(r *http.Request) (*users.Person, bool) {
	cookies := r.CookiesNamed(m.cookie("").Name)
	if len(cookies) == 0 {
		return nil, false
	}
	now := time.Now()
	m.lock.Lock()
	defer m.lock.Unlock()
	for _, c := range cookies {
		key := sha256.Sum256([]byte(c.Value))
		s := m.sessions[key]
		if s == nil {
			continue
		}
		p := m.store.Person(s.person.Login)
		if m.ended(s, now) || p == nil || !p.Same(s.person) {
			delete(m.sessions, key)
			continue
		}
		s.used = now
		return p, true
	}
	return nil, false
}
