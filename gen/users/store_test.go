package users

import (
	"errors"
	"os"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"golang.org/x/crypto/bcrypt"
)

func open(t *testing.T, path string) *Store {
	t.Helper()
	s, err := Open(path)
	if err != nil {
		t.Fatal(err)
	}
	return s
}

// replace writes the file of a store again, and goes on to when the store has to have seen that.
func replace(t *testing.T, path, text string) {
	t.Helper()
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	time.Sleep(time.Second)
}

func TestPassword(t *testing.T) {
	long := strings.Repeat("x", maxPassword)
	hash, err := bcrypt.GenerateFromPassword([]byte(long), bcrypt.MinCost)
	if err != nil {
		t.Fatal(err)
	}
	s := open(t, writeExample(t, strings.Replace(example, secretHash, string(hash), 1))) // that of alice
	for _, c := range []struct {
		name, login, password string
		fine                  bool
	}{
		{"right", "acme", secret, true},
		{"right again", "acme", secret, true},
		{"wrong", "acme", secret + "r", false},
		{"empty", "acme", "", false},
		{"of another login", "alice", secret, false},
		{"long", "alice", long, true},
		{"beyond what bcrypt looks at", "alice", long + "y", false},
		{"no such login", "mallory", secret, false},
		{"no login", "", "", false},
		{"other letters", "Acme", secret, false},
		{"who has no password", "carol", secret, false},
		{"who has no password, empty", "carol", "", false},
		{"a token", "acme", acmeToken, false},
	} {
		p, err := s.Password(c.login, c.password)
		if c.fine && (err != nil || p.Login != c.login || p.Token != "" || p.ReadOnly) {
			t.Errorf("%s: %+v, error %v", c.name, p, err)
		}
		if !c.fine && (!errors.Is(err, ErrWrong) || p != nil) {
			t.Errorf("%s: %+v, error %v, want ErrWrong", c.name, p, err)
		}
	}
}

// TestNoHash: for a login that is not there, bcrypt does its work, at the cost that the others have.
func TestNoHash(t *testing.T) {
	hash := open(t, writeExample(t, example)).state.noHash
	if c, err := costOf(hash); c != bcrypt.MinCost || err != nil {
		t.Errorf("cost %d, error %v", c, err)
	}
	err := bcrypt.CompareHashAndPassword([]byte(hash), []byte(secret))
	if !errors.Is(err, bcrypt.ErrMismatchedHashAndPassword) {
		t.Errorf("error %v", err)
	}
	empty := open(t, writeExample(t, `{"version": 1}`)).state.noHash
	if c, err := costOf(empty); c != cost || err != nil {
		t.Errorf("without passwords: cost %d, error %v", c, err)
	}
}

// TestRemembered: a password that was right is not compared again for a while, if nothing changes.
func TestRemembered(t *testing.T) {
	path := writeExample(t, example)
	synctest.Test(t, func(t *testing.T) {
		s := open(t, path)
		was := func(login, password string) bool {
			now := s.current()
			return now.wasRight(login, now.mac(password))
		}
		if was("acme", secret) {
			t.Error("remembered before it was shown")
		}
		if _, err := s.Password("acme", secret+"r"); err == nil || was("acme", secret+"r") {
			t.Error("a wrong password is remembered")
		}
		if _, err := s.Password("acme", secret); err != nil || !was("acme", secret) {
			t.Error("the right password is not remembered")
		}
		if was("acme", secret+"r") || was("alice", secret) {
			t.Error("another login or password counts as remembered")
		}
		time.Sleep(remember - time.Second)
		if !was("acme", secret) {
			t.Error("forgotten too early")
		}
		time.Sleep(time.Second)
		if was("acme", secret) {
			t.Error("remembered too long")
		}
		if _, err := s.Password("acme", secret); err != nil {
			t.Error(err)
		}
		replace(t, path, strings.Replace(example, "Carol", "Caroline", 1))
		if was("acme", secret) {
			t.Error("remembered in a file that has changed")
		}
	})
}

func TestToken(t *testing.T) {
	path := writeExample(t, example)
	synctest.Test(t, func(t *testing.T) {
		s := open(t, path)
		if p, err := s.Token(acmeToken); err != nil || p.Login != "acme" || p.Token != "k1" || p.ReadOnly || p.Sees("other") {
			t.Errorf("acme: %+v, error %v", p, err)
		}
		if p, err := s.Token(carolToken); err != nil || p.Login != "carol" || p.Token != "k2" || !p.ReadOnly {
			t.Errorf("carol: %+v, error %v", p, err)
		}
		for _, wrong := range []string{
			"", tokenPrefix, acmeToken + "a", strings.ToUpper(acmeToken), hashOf(acmeToken), secret,
		} {
			if p, err := s.Token(wrong); !errors.Is(err, ErrWrong) || p != nil {
				t.Errorf("%q: %+v, error %v", wrong, p, err)
			}
		}
		if p := s.Person("acme"); p.Token != "" || p.ReadOnly {
			t.Errorf("a token has changed the person: %+v", p)
		}

		time.Sleep(time.Until(time.Date(2027, 1, 31, 23, 59, 59, 0, time.UTC)))
		if _, err := s.Token(acmeToken); err != nil {
			t.Errorf("on its last day: %v", err)
		}
		time.Sleep(time.Second)
		const ended = "the token k1 has ended on 2027-01-31"
		if p, err := s.Token(acmeToken); !errors.Is(err, ErrWrong) || !strings.Contains(err.Error(), ended) || p != nil {
			t.Errorf("after its last day: %+v, error %v", p, err)
		}
		if _, err := s.Token(carolToken); err != nil {
			t.Errorf("without an end: %v", err)
		}
	})
}

// TestStoreFollowsFile changes the file of a store in all ways.
func TestStoreFollowsFile(t *testing.T) {
	path := writeExample(t, example)
	synctest.Test(t, func(t *testing.T) {
		s := open(t, path)
		var log []string
		s.Log = func(err error) {
			if err == nil {
				err = errors.New("read")
			}
			log = append(log, err.Error())
		}
		expect := func(step, name string, told ...string) {
			t.Helper()
			for range 3 {
				time.Sleep(time.Second) // what is told of is told once
				p := s.Person("carol")
				if name == "" && p != nil || name != "" && (p == nil || p.FullName != name) {
					t.Errorf("%s: carol is %+v, want the name %q", step, p, name)
				}
			}
			if len(log) != len(told) {
				t.Errorf("%s: told %q, want %q", step, log, told)
			} else {
				for i := range log {
					if !strings.Contains(log[i], told[i]) {
						t.Errorf("%s: told %q, want %q", step, log[i], told[i])
					}
				}
			}
			log = nil
		}
		renamed := strings.Replace(example, "Carol Example", "Carol Renamed", 1)
		expect("at first", "Carol Example")
		replace(t, path, example)
		expect("written with the same text", "Carol Example")
		replace(t, path, renamed)
		expect("written with the same size", "Carol Renamed", "read")
		replace(t, path, "{")
		expect("broken", "Carol Renamed", "or no file at all; what it said before holds")
		replace(t, path, renamed)
		expect("mended", "Carol Renamed", "read")
		if err := os.Chmod(path, 0o644); err != nil {
			t.Fatal(err)
		}
		expect("open to others", "Carol Renamed", "chmod 600")
		if err := os.Remove(path); err != nil {
			t.Fatal(err)
		}
		expect("gone", "Carol Renamed", "no such file")
		replace(t, path, example)
		expect("back", "Carol Example", "read")
		if err := Edit(path, func(f *File) error { return f.Remove("carol") }); err != nil {
			t.Fatal(err)
		}
		expect("edited", "", "read")
	})
}

// TestStoreLooksOnceASecond: not for each request.
func TestStoreLooksOnceASecond(t *testing.T) {
	path := writeExample(t, example)
	synctest.Test(t, func(t *testing.T) {
		s := open(t, path)
		if err := os.WriteFile(path, []byte(`{"version": 1}`), 0o600); err != nil {
			t.Fatal(err)
		}
		time.Sleep(time.Second - 1)
		if s.Person("carol") == nil {
			t.Error("the file was looked at within the second")
		}
		time.Sleep(time.Nanosecond)
		if s.Person("carol") != nil {
			t.Error("the file was not looked at after a second")
		}
	})
}

func TestUnchanged(t *testing.T) {
	long := time.Now().Add(-time.Hour)
	for _, c := range []struct {
		name   string
		change func(path string) error
		want   bool
	}{
		{"nothing", func(string) error { return nil }, true},
		{"read", func(path string) error { _, err := os.ReadFile(path); return err }, true},
		{"mode", func(path string) error { return os.Chmod(path, 0o644) }, false},
		{"size", func(path string) error { return errors.Join(os.Truncate(path, 1), os.Chtimes(path, long, long)) }, false},
		{"time", func(path string) error { return os.Chtimes(path, long, long.Add(time.Nanosecond)) }, false},
		{"an older one", func(path string) error { return os.Chtimes(path, long, long.Add(-time.Hour)) }, false},
		{"another one of the same size and time", func(path string) error {
			return errors.Join(os.WriteFile(path+".new", []byte(example), 0o600), os.Chtimes(path+".new", long, long),
				os.Rename(path+".new", path))
		}, false},
	} {
		path := writeExample(t, example)
		if err := os.Chtimes(path, long, long); err != nil {
			t.Fatal(err)
		}
		was, err := os.Stat(path)
		if err != nil {
			t.Fatal(err)
		}
		if err := c.change(path); err != nil {
			t.Fatal(err)
		}
		is, err := os.Stat(path)
		if err != nil {
			t.Fatal(err)
		}
		if got := unchanged(was, is); got != c.want {
			t.Errorf("%s: unchanged: %v, want %v", c.name, got, c.want)
		}
	}
	young, err := os.Stat(writeExample(t, example))
	if err != nil {
		t.Fatal(err)
	}
	if unchanged(young, young) {
		t.Error("a file that was written just now might have been written again")
	}
}

func TestSame(t *testing.T) {
	path := writeExample(t, example)
	for _, c := range []struct {
		name, old, changed string
		want               bool
	}{
		{"nothing", "", "", true},
		{"name", `"Acme"`, `"Acme Inc"`, true},
		{"email", "admin@acme.example", "root@acme.example", true},
		{"token", `"note": "sync"`, `"note": "other"`, true},
		{"role", `"account"`, `"viewer"`, false},
		{"accounts", `["acme"]`, `["acme", "bluebird"]`, false},
		{"password", secretHash, strings.Replace(secretHash, "Kd", "dK", 1), false},
	} {
		synctest.Test(t, func(t *testing.T) {
			replace(t, path, example)
			s := open(t, path)
			was := s.Person("acme")
			replace(t, path, strings.ReplaceAll(example, c.old, c.changed))
			if is := s.Person("acme"); was.Same(is) != c.want || c.old != "" && is == was {
				t.Errorf("%s: same: %v, want %v", c.name, was.Same(is), c.want)
			}
		})
	}
}
