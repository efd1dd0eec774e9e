package users

import (
	"crypto/hmac"
	"crypto/rand"
	"crypto/sha256"
	"fmt"
	"io/fs"
	"os"
	"sync"
	"time"
)

// remember is how long a password that was right need not be compared by bcrypt again.
const remember = 5 * time.Minute

// A Store answers who somebody is by what the file of the users says. It reads the file again when it has changed, and
// keeps what it knew if the file is broken then. It is safe for concurrent use.
type Store struct {
	// Log, if not nil, is told when the file was read again: of what is wrong with it, or of nil. It must be set before
	// the Store is used, and must not use it.
	Log func(error)

	path    string
	lock    sync.Mutex // for what follows
	checked time.Time
	info    fs.FileInfo // of the file when it was last read; nil if that failed
	failed  string      // what was wrong with it then
	state   *state
}

// Open reads the file of the users.
func Open(path string) (*Store, error) {
	s := &Store{path: path, checked: time.Now()}
	f, data, info, err := read(path)
	if err != nil {
		return nil, err
	}
	s.info, s.state = info, newState(f, data)
	return s, nil
}

// A state is what one text of the file says.
type state struct {
	sum    [sha256.Size]byte // of the text
	people map[string]*Person
	tokens map[string]*heldToken // by hash
	noHash string                // to compare with if there is no such login

	key   [32]byte // for MACs
	lock  sync.Mutex
	right map[string]rightPassword // by login: the last password that bcrypt has found right
}

type heldToken struct {
	Token
	person Person // whose it is, as it makes them
}

type rightPassword struct {
	mac   [sha256.Size]byte
	until time.Time
}

func newState(f *File, data []byte) *state {
	s := &state{
		sum:    sha256.Sum256(data),
		people: make(map[string]*Person),
		tokens: make(map[string]*heldToken),
		right:  make(map[string]rightPassword),
	}
	rand.Read(s.key[:])
	most := 0
	for _, e := range f.entries {
		p := e.person()
		s.people[e.Login] = &p
		if e.Password != "" {
			c, _ := costOf(e.Password) // checked when it was read
			most = max(most, c)
		}
		for _, t := range e.Tokens {
			h := &heldToken{t.of(e.Login), p}
			h.person.Token, h.person.ReadOnly = t.ID, t.ReadOnly
			s.tokens[t.SHA256] = h
		}
	}
	if most == 0 {
		most = cost
	}
	s.noHash = noHash(most)
	return s
}

// current returns what the file says, after a look at it if the last was a second ago.
func (s *Store) current() *state {
	s.lock.Lock()
	defer s.lock.Unlock()
	if now := time.Now(); now.Sub(s.checked) >= time.Second {
		s.checked = now
		s.refresh()
	}
	return s.state
}

// refresh reads the file if it has changed.
func (s *Store) refresh() {
	info, err := os.Stat(s.path)
	if err == nil && s.info != nil && unchanged(s.info, info) {
		return
	}
	f, data, info, err := read(s.path)
	if err != nil {
		s.info = nil // to be tried again
		if s.failed != err.Error() {
			s.failed = err.Error()
			s.tell(fmt.Errorf("%w; what it said before holds", err))
		}
		return
	}
	s.info = info
	if s.failed == "" && s.state.sum == sha256.Sum256(data) {
		return
	}
	s.failed = ""
	s.state = newState(f, data)
	s.tell(nil)
}

func (s *Store) tell(err error) {
	if s.Log != nil {
		s.Log(err)
	}
}

// unchanged reports whether a file is as it was when it was read. One that was written just before might have been
// written again since, within one tick of the clock for files.
func unchanged(was, is fs.FileInfo) bool {
	return os.SameFile(was, is) && was.Size() == is.Size() && was.Mode() == is.Mode() &&
		was.ModTime().Equal(is.ModTime()) && time.Since(is.ModTime()) > 2*time.Second
}

// Person returns a person as the file has it now; nil if it does not.
func (s *Store) Person(login string) *Person { return s.current().people[login] }

// Password returns the person with a login and password, or ErrWrong. That a login is not there takes as long to tell
// as that the password is wrong; a password that was right some minutes ago takes no time.
func (s *Store) Password(login, password string) (*Person, error) {
	now := s.current()
	p := now.people[login]
	mac := now.mac(password)
	if now.wasRight(login, mac) {
		return p, nil
	}
	hash := now.noHash
	if p != nil && p.password != "" {
		hash = p.password
	}
	if !matches(hash, password) || p == nil || p.password == "" {
		return nil, ErrWrong
	}
	now.lock.Lock()
	defer now.lock.Unlock()
	now.right[login] = rightPassword{mac, time.Now().Add(remember)}
	return p, nil
}

// mac returns a digest of a password, with a key that ends with the state.
func (s *state) mac(password string) [sha256.Size]byte {
	h := hmac.New(sha256.New, s.key[:])
	h.Write([]byte(password))
	return [sha256.Size]byte(h.Sum(nil))
}

func (s *state) wasRight(login string, mac [sha256.Size]byte) bool {
	s.lock.Lock()
	defer s.lock.Unlock()
	r, ok := s.right[login]
	return ok && hmac.Equal(r.mac[:], mac[:]) && time.Now().Before(r.until)
}

// Token returns the person whose token it is, with Token and ReadOnly set; or an error that is ErrWrong, and tells of
// the end of one that was right.
func (s *Store) Token(token string) (*Person, error) {
	t, ok := s.current().tokens[hashOf(token)]
	if !ok {
		return nil, ErrWrong
	}
	if t.ended(time.Now()) {
		return nil, fmt.Errorf("%w: the token %s has ended on %s", ErrWrong, t.ID, t.Until.Format(time.DateOnly))
	}
	return &t.person, nil
}
