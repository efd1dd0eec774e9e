package users

import (
	"bytes"
	"cmp"
	"crypto/rand"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"reflect"
	"runtime"
	"slices"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/revmap/revmap/internal/durable"
)

// version is that of the form of the file.
const version = 1

// A File is what the file of the users says. It is not safe for concurrent use.
type File struct {
	entries []*entry
}

// A form is the file in JSON.
type form struct {
	Version int      `json:"version"`
	People  []*entry `json:"people"`
}

// An entry is a person as the file has it.
type entry struct {
	Login    string   `json:"login"`
	FullName string   `json:"full_name"`
	Email    string   `json:"email"`
	Role     Role     `json:"role"`
	Accounts []string `json:"accounts,omitempty"`
	Password string   `json:"password,omitempty"` // as bcrypt writes it
	Tokens   []*token `json:"tokens,omitempty"`
}

// A token is a Token as the file has it.
type token struct {
	ID       string    `json:"id"`
	SHA256   string    `json:"sha256"` // of the whole token, in hexadecimal
	Created  time.Time `json:"created"`
	Until    string    `json:"until,omitempty"` // a date
	ReadOnly bool      `json:"read_only,omitempty"`
	Note     string    `json:"note,omitempty"`
}

func (e *entry) person() Person {
	p := Person{
		Login: e.Login, FullName: e.FullName, Email: e.Email, Role: e.Role, Accounts: e.Accounts, password: e.Password,
	}
	if len(p.Accounts) == 0 {
		p.Accounts = nil
	}
	return p
}

func (t *token) of(login string) Token {
	until, _ := time.Parse(time.DateOnly, t.Until) // zero if there is none; check has seen it
	return Token{ID: t.ID, Login: login, Created: t.Created, Until: until, ReadOnly: t.ReadOnly, Note: t.Note}
}

// Read reads the file of the users.
func Read(path string) (*File, error) {
	f, _, _, err := read(path)
	return f, err
}

// read also returns the data, and what was known of the file when it was opened.
func read(path string) (*File, []byte, fs.FileInfo, error) {
	fail := func(err error) (*File, []byte, fs.FileInfo, error) {
		return nil, nil, nil, fmt.Errorf("read users: %w", err)
	}
	o, err := os.Open(path)
	if err != nil {
		return fail(err)
	}
	defer o.Close()
	info, err := o.Stat()
	if err != nil {
		return fail(err)
	}
	if err := checkMode(path, info); err != nil {
		return fail(err)
	}
	data, err := io.ReadAll(o)
	if err != nil {
		return fail(err)
	}
	f, err := parse(data)
	if err != nil {
		return fail(fmt.Errorf("%s: %w", place(path, data, err), err))
	}
	return f, data, info, nil
}

// A mistake is an error at a place of the file.
type mistake struct {
	offset int // of the byte
	error
}

// place returns path, with line and column if err is at a place of data.
func place(path string, data []byte, err error) string {
	var m mistake
	if !errors.As(err, &m) {
		return path
	}
	before := data[:min(max(0, m.offset), len(data))]
	line := before[bytes.LastIndexByte(before, '\n')+1:]
	return fmt.Sprintf("%s:%d:%d", path, 1+bytes.Count(before, []byte("\n")), 1+utf8.RuneCount(line))
}

// checkMode refuses a file that others may read: with the hashes in it, they could guess passwords as fast as they
// like.
func checkMode(path string, info fs.FileInfo) error {
	if !info.Mode().IsRegular() {
		return fmt.Errorf("%s is not a regular file", path)
	}
	if perm := info.Mode().Perm(); perm&0o077 != 0 && runtime.GOOS != "windows" {
		return fmt.Errorf("%s has mode %04o, with which others may read or write it: chmod 600 %s", path, perm, path)
	}
	return nil
}

// parse returns what data says, or the first thing that is wrong with it: a mistake if it is wrong as JSON, or has other
// keys and types.
func parse(data []byte) (*File, error) {
	if err := checkKeys(data); err != nil {
		return nil, err
	}
	var f form
	var other *json.UnmarshalTypeError
	if err := json.Unmarshal(data, &f); errors.As(err, &other) {
		err = fmt.Errorf("%s is of the type %s, want %s", cmp.Or(other.Field, "the whole"), other.Value, typeName(other.Type))
		return nil, mistake{int(other.Offset) - 1, err}
	} else if err != nil {
		return nil, fmt.Errorf(`"created" of a token: %w`, err) // no other value has a form of its own
	}
	if f.Version != version {
		return nil, fmt.Errorf("version is %d, want %d", f.Version, version)
	}
	if err := check(f.People); err != nil {
		return nil, err
	}
	return &File{f.People}, nil
}

// check sorts the entries of a file by login, and returns what is wrong with them, or with two of them together.
func check(entries []*entry) error {
	if i := slices.Index(entries, nil); i >= 0 {
		return fmt.Errorf("person %d is null", i+1)
	}
	slices.SortStableFunc(entries, func(a, b *entry) int { return strings.Compare(a.Login, b.Login) })
	seen := make(map[string]bool)
	for _, e := range entries {
		p := e.person()
		if err := p.Check(); err != nil {
			return err
		}
		if seen["login "+e.Login] {
			return fmt.Errorf("%s is there twice", e.Login)
		}
		seen["login "+e.Login] = true
		if e.Password != "" {
			if _, err := costOf(e.Password); err != nil {
				return fmt.Errorf("%s: %w", e.Login, err)
			}
		}
		for i, t := range e.Tokens {
			if t == nil {
				return fmt.Errorf("%s: token %d is null", e.Login, i+1)
			}
			if err := t.check(); err != nil {
				return fmt.Errorf("%s: token %q: %w", e.Login, t.ID, err)
			}
			for _, one := range []string{"id " + t.ID, "hash " + t.SHA256} {
				if seen[one] {
					return fmt.Errorf("%s: token %q is there twice", e.Login, t.ID)
				}
				seen[one] = true
			}
		}
	}
	return nil
}

func (t *token) check() error {
	if t.ID == "" || strings.ContainsFunc(t.ID, func(r rune) bool { return !letterOrDigit(r) }) {
		return errors.New("want an id of letters and digits")
	}
	if b, err := hex.DecodeString(t.SHA256); err != nil || len(b) != 32 || t.SHA256 != strings.ToLower(t.SHA256) {
		return fmt.Errorf("sha256 is %q, want 64 hexadecimal digits in lower case", t.SHA256)
	}
	if _, err := time.Parse(time.DateOnly, t.Until); err != nil && t.Until != "" {
		return fmt.Errorf("until is %q, want a date as in 2027-01-31", t.Until)
	}
	if !printable(t.Note) {
		return fmt.Errorf("note is %q, want characters that can be seen", t.Note)
	}
	return nil
}

// typeName returns what JSON calls a type.
func typeName(t reflect.Type) string {
	switch t.Kind() {
	case reflect.Struct, reflect.Pointer:
		return "object"
	case reflect.Slice:
		return "array"
	case reflect.Int:
		return "number"
	}
	return t.Kind().String()
}

// keys has those of an object by how deep it is nested, as it can be only in one place.
var keys = map[int][]string{
	0: keysOf(reflect.TypeFor[form]()),
	2: keysOf(reflect.TypeFor[entry]()),
	4: keysOf(reflect.TypeFor[token]()),
}

func keysOf(t reflect.Type) (list []string) {
	for i := range t.NumField() {
		key, _, _ := strings.Cut(t.Field(i).Tag.Get("json"), ",")
		list = append(list, key)
	}
	return list
}

// checkKeys refuses what is no JSON, and what encoding/json reads over: keys that are there twice, of which it takes the
// last, and those that we do not have, or have in other letters.
func checkKeys(data []byte) error {
	var all json.RawMessage
	var wrong *json.SyntaxError
	if err := json.Unmarshal(data, &all); errors.As(err, &wrong) {
		at := int(wrong.Offset) - 1
		switch {
		case int(wrong.Offset) >= len(data) && strings.HasPrefix(wrong.Error(), "unexpected end"):
			return errors.New("it ends too early: want what revmap user has written, or no file at all")
		case strings.HasSuffix(wrong.Error(), "after top-level value"):
			return mistake{at, errors.New("there is more behind the end")}
		case strings.Contains(wrong.Error(), "looking for beginning of") && strings.ContainsRune("]}", rune(data[at])):
			err = fmt.Errorf("%w: is there a comma too many before it?", err)
		}
		return mistake{at, err}
	}
	d := json.NewDecoder(bytes.NewReader(data))
	return checkValue(d, data, 0)
}

func checkValue(d *json.Decoder, data []byte, depth int) error {
	t, err := d.Token()
	if err != nil {
		return err
	}
	fault := func(format string, args ...any) error { // with what was read last
		end := int(d.InputOffset()) - 1
		begin := end
		if data[end] == '"' {
			begin = bytes.LastIndexByte(data[:end], '"')
		}
		return mistake{begin, fmt.Errorf(format, args...)}
	}
	if depth > 10 {
		return fault("it is nested too deep")
	}
	open, ok := t.(json.Delim)
	if !ok {
		return nil
	}
	seen := make(map[string]bool)
	for d.More() {
		if open == '{' {
			t, err := d.Token()
			if err != nil {
				return err
			}
			key := t.(string) // or there was an error
			if known := keys[depth]; known != nil && !slices.Contains(known, key) {
				return fault("unknown key %q, want one of: %s", key, strings.Join(known, " "))
			}
			if seen[key] {
				return fault("key %q is there twice", key)
			}
			seen[key] = true
		}
		if err := checkValue(d, data, depth+1); err != nil {
			return err
		}
	}
	_, err = d.Token()
	return err
}

// People returns everybody, by login.
func (f *File) People() []Person {
	var people []Person
	for _, e := range f.entries {
		people = append(people, e.person())
	}
	return people
}

// Tokens returns all tokens by the login of whose they are, then as they were made.
func (f *File) Tokens() []Token {
	var tokens []Token
	for _, e := range f.entries {
		for _, t := range e.Tokens {
			tokens = append(tokens, t.of(e.Login))
		}
	}
	return tokens
}

func (f *File) find(login string) (*entry, error) {
	for _, e := range f.entries {
		if e.Login == login {
			return e, nil
		}
	}
	return nil, fmt.Errorf("there is no %q", login)
}

// Add adds a person, who must not be there.
func (f *File) Add(p *Person, password string) error {
	if _, err := f.find(p.Login); err == nil {
		return fmt.Errorf("%q is there already", p.Login)
	}
	if err := p.Check(); err != nil {
		return err
	}
	hash, err := hashPassword(p.Login, password)
	if err != nil {
		return err
	}
	f.entries = append(f.entries, &entry{
		Login: p.Login, FullName: p.FullName, Email: p.Email, Role: p.Role, Accounts: p.Accounts, Password: hash,
	})
	return nil
}

// SetPassword gives a person another password.
func (f *File) SetPassword(login, password string) error {
	e, err := f.find(login)
	if err != nil {
		return err
	}
	hash, err := hashPassword(login, password)
	if err != nil {
		return err
	}
	e.Password = hash
	return nil
}

// Remove removes a person, with all tokens.
func (f *File) Remove(login string) error {
	e, err := f.find(login)
	if err != nil {
		return err
	}
	f.entries = slices.DeleteFunc(f.entries, func(other *entry) bool { return other == e })
	return nil
}

// AddToken makes a token for t.Login, with the Until, ReadOnly and Note of t, and sets the rest of t. It returns the
// token itself, which can be had only now.
func (f *File) AddToken(t *Token) (string, error) {
	e, err := f.find(t.Login)
	if err != nil {
		return "", err
	}
	secret := newToken()
	kept := &token{
		ID: strings.ToLower(rand.Text()[:8]), SHA256: hashOf(secret), Created: time.Now().UTC().Truncate(time.Second),
		ReadOnly: t.ReadOnly, Note: t.Note,
	}
	if !t.Until.IsZero() {
		kept.Until = t.Until.Format(time.DateOnly)
	}
	e.Tokens = append(e.Tokens, kept)
	*t = kept.of(e.Login)
	return secret, nil
}

// RemoveToken removes a token.
func (f *File) RemoveToken(id string) error {
	for _, e := range f.entries {
		if i := slices.IndexFunc(e.Tokens, func(t *token) bool { return t.ID == id }); i >= 0 {
			e.Tokens = slices.Delete(e.Tokens, i, i+1)
			return nil
		}
	}
	return fmt.Errorf("there is no token %q", id)
}

// patience is how long Edit waits for another one.
const patience = 10 * time.Second

// Edit changes the file of the users, or leaves it as it is if edit returns an error. A file that is not there is one
// without users. The new text is written to a file beside it, which keeps others from editing meanwhile, and renamed.
func Edit(path string, edit func(*File) error) (err error) {
	if target, err := filepath.EvalSymlinks(path); err == nil {
		path = target // the link stays
	}
	lock, err := createLock(path + ".lock")
	if err != nil {
		return fmt.Errorf("write users: %w", err)
	}
	defer func() {
		if lock != nil { // not renamed
			err = errors.Join(err, lock.Close(), os.Remove(lock.Name()))
		}
	}()
	f, _, info, err := read(path)
	if errors.Is(err, fs.ErrNotExist) {
		f, err = &File{}, nil
	}
	if err != nil {
		return err
	}
	if err := edit(f); err != nil {
		return err
	}
	if err := check(f.entries); err != nil {
		return err
	}
	err = f.write(lock)
	if err == nil && info != nil {
		err = keepOwner(lock, info)
	}
	if err == nil {
		err = os.Rename(lock.Name(), path)
	}
	if err != nil {
		return fmt.Errorf("write users: %w", err)
	}
	err = lock.Close()
	lock = nil
	return errors.Join(err, durable.SyncDir(filepath.Dir(path)))
}

// createLock makes a file that must not be there, for the owner alone. It waits a while for another one's to go.
func createLock(path string) (*os.File, error) {
	for end := time.Now().Add(patience); ; time.Sleep(20 * time.Millisecond) {
		f, err := os.OpenFile(path, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o600)
		if !errors.Is(err, fs.ErrExist) {
			return f, err
		}
		if time.Now().After(end) {
			return nil, fmt.Errorf("%s is there, as long as another revmap user is at work: remove it if there is none", path)
		}
	}
}

// write writes f to a file, in a form that parse takes.
func (f *File) write(to *os.File) error {
	data, err := json.MarshalIndent(form{version, append([]*entry{}, f.entries...)}, "", "  ")
	if err != nil {
		return err
	}
	if _, err := to.Write(append(data, '\n')); err != nil {
		return err
	}
	return to.Sync()
}
