package users

import (
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
)

// secret is the password of everybody in example, at a cost for tests.
const (
	secret     = "correct horse"
	secretHash = "$2a$04$KdMaYP04.0r9yzHf8NrFIuAy2hLgHoxArZTOJCWsUykVzuXDfsUkq"
)

// The tokens of example; digests are of these.
const (
	acmeToken  = "rvm_00000000000000000000000000000000000000000000000000000000000000aa"
	carolToken = "rvm_00000000000000000000000000000000000000000000000000000000000000bb"
)

// example is a file with one person of each role.
var example = fmt.Sprintf(`{
  "version": 1,
  "people": [
    {"login": "alice", "full_name": "Alice Example", "email": "alice@example.net", "role": "operator",
     "password": %[1]q},
    {"login": "acme", "full_name": "Acme", "email": "admin@acme.example", "role": "account", "accounts": ["acme"],
     "password": %[1]q,
     "tokens": [{"id": "k1", "sha256": %[2]q, "created": "2026-01-02T03:04:05Z", "until": "2027-01-31",
                 "note": "sync"}]},
    {"login": "carol", "full_name": "Carol Example", "email": "carol@example.net", "role": "viewer",
     "tokens": [{"id": "k2", "sha256": %[3]q, "created": "2026-01-02T03:04:05Z", "read_only": true}]}
  ]
}
`, secretHash, hashOf(acmeToken), hashOf(carolToken))

// writeExample writes text to a file of users.
func writeExample(t *testing.T, text string) (path string) {
	t.Helper()
	path = filepath.Join(t.TempDir(), "users.json")
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

func TestRead(t *testing.T) {
	f, err := Read(writeExample(t, example))
	if err != nil {
		t.Fatal(err)
	}
	want := []Person{
		{Login: "acme", FullName: "Acme", Email: "admin@acme.example", Role: Account, Accounts: []string{"acme"}},
		{Login: "alice", FullName: "Alice Example", Email: "alice@example.net", Role: Operator},
		{Login: "carol", FullName: "Carol Example", Email: "carol@example.net", Role: Viewer},
	}
	if diff := cmp.Diff(want, f.People(), cmpopts.IgnoreUnexported(Person{})); diff != "" {
		t.Errorf("people (-want +got):\n%s", diff)
	}
	made := time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC)
	tokens := []Token{
		{ID: "k1", Login: "acme", Created: made, Until: time.Date(2027, 1, 31, 0, 0, 0, 0, time.UTC), Note: "sync"},
		{ID: "k2", Login: "carol", Created: made, ReadOnly: true},
	}
	if diff := cmp.Diff(tokens, f.Tokens()); diff != "" {
		t.Errorf("tokens (-want +got):\n%s", diff)
	}
}

// TestReadRefuses changes one thing in a good file.
func TestReadRefuses(t *testing.T) {
	for _, c := range []struct{ name, old, changed, want string }{
		{"nothing", example, "", "it ends too early"},
		{"null", example, "null", "version is 0"},
		{"list", example, "[]", ":1:1: the whole is of the type array, want object"},
		{"cut short", "]\n}\n", "", "it ends too early"},
		{"more", "]\n}\n", "]\n} {}", "more behind the end"},
		{"no version", `"version": 1,`, "", "version is 0, want 1"},
		{"newer version", `"version": 1`, `"version": 2`, "version is 2, want 1"},
		{"unknown key", `"version": 1`, `"version": 1, "admins": []`, `:2:17: unknown key "admins", want one of: version people`},
		{"unknown key of a person", `"role": "viewer"`, `"role": "viewer", "roles": "viewer"`, `:10:102: unknown key "roles", want one of: login `},
		{"unknown key of a token", `"read_only"`, `"readonly"`, `unknown key "readonly", want one of: id `},
		{"comma too many", `"role": "viewer"`, `"role": "viewer",}`, ":10:101: invalid character '}' looking for " +
			"beginning of object key string: is there a comma too many before it?"},
		{"comma too few", `"version": 1,`, `"version": 1`, ":3:3: invalid character '\"' after object key:value pair"},
		{"other letters", `"role": "viewer"`, `"Role": "viewer"`, `unknown key "Role"`},
		{"letters that fold to ours", `"role": "viewer"`, `"role": "viewer", "paſſword": ""`, `unknown key "paſſword"`},
		{"key twice", `"role": "viewer"`, `"role": "viewer", "role": "operator"`, `:10:102: key "role" is there twice`},
		{"wrong type", `["acme"]`, `"acme"`, ":6:111: people.accounts is of the type string, want array"},
		{"null person", `"people": [`, `"people": [null,`, "person 1 is null"},
		{"null token", `"tokens": [`, `"tokens": [null,`, "token 1 is null"},
		{"login twice", `"login": "carol"`, `"login": "alice"`, "alice is there twice"},
		{"bad person", `"role": "viewer"`, `"role": "root"`, `role is "root"`},
		{"account sees nothing", `["acme"]`, `[]`, "role account needs an account"},
		{"password in the clear", secretHash, secret, "not kept as bcrypt does"},
		{"broken hash", secretHash, secretHash[:59], "not kept as bcrypt does"},
		{"cost that stops the server", "$2a$04$", "$2a$15$", "cost of the password is 15, want at most 14"},
		{"cost that is none", "$2a$04$", "$2a$03$", "cost 3"},
		{"no id", `"id": "k1"`, `"id": ""`, "want an id"},
		{"id twice", `"id": "k1"`, `"id": "k2"`, `"k2" is there twice`},
		{"token twice", hashOf(acmeToken), hashOf(carolToken), `"k2" is there twice`},
		{"token in the clear", hashOf(acmeToken), acmeToken, "want 64 hexadecimal digits"},
		{"capitals", hashOf(acmeToken), strings.ToUpper(hashOf(acmeToken)), "want 64 hexadecimal digits"},
		{"no time", `"2026-01-02T03:04:05Z"`, `"2026-01-02"`, `"created" of a token: parsing time`},
		{"no date", `"2027-01-31"`, `"2027-01-32"`, "want a date"},
		{"note that clears the terminal", `"sync"`, `"\u001b[2J"`, "want characters that can be seen"},
		{"deep", `["acme"]`, strings.Repeat("[", 20) + strings.Repeat("]", 20), "nested too deep"},
	} {
		text := strings.Replace(example, c.old, c.changed, 1)
		if text == example {
			t.Errorf("%s: nothing is changed", c.name)
		}
		f, err := Read(writeExample(t, text))
		if err == nil || !strings.Contains(err.Error(), c.want) || f != nil {
			t.Errorf("%s: %v, error %v, want %q", c.name, f, err, c.want)
		}
	}
}

func TestReadMode(t *testing.T) {
	path := writeExample(t, example)
	for mode, fine := range map[fs.FileMode]bool{
		0o600: true, 0o400: true, 0o640: false, 0o604: false, 0o620: false, 0o602: false, 0o644: false,
	} {
		if err := os.Chmod(path, mode); err != nil {
			t.Fatal(err)
		}
		_, err := Read(path)
		if fine != (err == nil) || err != nil && !strings.Contains(err.Error(), "chmod 600 "+path) {
			t.Errorf("mode %04o: error %v", mode, err)
		}
	}
}

func TestEdit(t *testing.T) {
	path := filepath.Join(t.TempDir(), "users.json")
	bob := &Person{Login: "bob", FullName: "Bob <&> Bob", Email: "bob@example.net", Role: Viewer}
	edit := func(want string, f func(*File) error) {
		t.Helper()
		before, _ := os.ReadFile(path)
		err := Edit(path, f)
		if want == "" && err != nil || want != "" && (err == nil || !strings.Contains(err.Error(), want)) {
			t.Errorf("error %v, want %q", err, want)
		}
		after, _ := os.ReadFile(path)
		if same := string(before) == string(after); same != (want != "") {
			t.Errorf("error %v; before:\n%s\nafter:\n%s", err, before, after)
		}
		if names, _ := filepath.Glob(path + ".*"); names != nil {
			t.Errorf("left behind: %s", names)
		}
	}
	edit("full name", func(f *File) error { return f.Add(bob, NewPassword()) })
	bob.FullName = "Bob"
	edit("shorter than", func(f *File) error { return f.Add(bob, "bob") })
	edit("", func(f *File) error { return f.Add(bob, NewPassword()) })
	edit("is there already", func(f *File) error { return f.Add(bob, NewPassword()) })
	edit("", func(f *File) error { return f.SetPassword("bob", secret) })
	edit("shorter than", func(f *File) error { return f.SetPassword("bob", "x") })
	edit(`there is no "carol"`, func(f *File) error { return f.SetPassword("carol", secret) })
	day := time.Date(2027, 1, 31, 0, 0, 0, 0, time.UTC)
	token := Token{Login: "bob", Note: "inventory <sync>", ReadOnly: true, Until: day}
	edit("", func(f *File) error { _, err := f.AddToken(&token); return err })
	edit(`there is no "carol"`, func(f *File) error { _, err := f.AddToken(&Token{Login: "carol"}); return err })
	edit("can be seen", func(f *File) error { _, err := f.AddToken(&Token{Login: "bob", Note: "\x07"}); return err })
	f, err := Read(path)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff([]Person{*bob}, f.People(), cmpopts.IgnoreUnexported(Person{})); diff != "" {
		t.Errorf("people (-want +got):\n%s", diff)
	}
	if diff := cmp.Diff([]Token{token}, f.Tokens()); diff != "" || token.ID == "" {
		t.Errorf("tokens (-want +got):\n%s", diff)
	}
	edit("there is no token", func(f *File) error { return f.RemoveToken("bob") })
	edit("", func(f *File) error { return f.RemoveToken(token.ID) })
	edit("", func(f *File) error { return f.Remove("bob") })
	edit("there is no", func(f *File) error { return f.Remove("bob") })
	if f, err = Read(path); err != nil || f.People() != nil || f.Tokens() != nil {
		t.Errorf("the file without users: %+v, error %v", f, err)
	}
	if info, err := os.Stat(path); err != nil || info.Mode().Perm() != 0o600 {
		t.Errorf("mode %v, error %v", info.Mode(), err)
	}
}

// TestEditFollowsLinks: the file that a link leads to is replaced, not the link.
func TestEditFollowsLinks(t *testing.T) {
	path := writeExample(t, example)
	link := filepath.Join(t.TempDir(), "link.json")
	if err := os.Symlink(path, link); err != nil {
		t.Fatal(err)
	}
	if err := Edit(link, func(f *File) error { return f.Remove("carol") }); err != nil {
		t.Fatal(err)
	}
	if f, err := Read(path); err != nil || len(f.People()) != 2 {
		t.Errorf("the file: %+v, error %v", f, err)
	}
	if info, err := os.Lstat(link); err != nil || info.Mode()&fs.ModeSymlink == 0 {
		t.Errorf("the link: %v, error %v", info, err)
	}
}

// TestEditsAtOnce: no edit is lost.
func TestEditsAtOnce(t *testing.T) {
	path := writeExample(t, example)
	const n = 20
	var wg sync.WaitGroup
	for range n {
		wg.Go(func() {
			err := Edit(path, func(f *File) error { _, err := f.AddToken(&Token{Login: "alice"}); return err })
			if err != nil {
				t.Error(err)
			}
		})
	}
	wg.Wait()
	f, err := Read(path)
	if err != nil {
		t.Fatal(err)
	}
	if got := len(f.Tokens()); got != n+2 {
		t.Errorf("%d tokens, want %d", got, n+2)
	}
}

// TestEditWaits: what an edit that was killed has left is not waited for without end.
func TestEditWaits(t *testing.T) {
	path := writeExample(t, example)
	if err := os.WriteFile(path+".lock", nil, 0o600); err != nil {
		t.Fatal(err)
	}
	synctest.Test(t, func(t *testing.T) {
		start := time.Now()
		err := Edit(path, func(*File) error { return errors.New("called") })
		if err == nil || !strings.Contains(err.Error(), path+".lock is there") || time.Since(start) < patience {
			t.Errorf("after %v: error %v", time.Since(start), err)
		}
	})
	if _, err := os.Stat(path + ".lock"); err != nil {
		t.Errorf("somebody else's lock: %v", err)
	}
}

// FuzzParse: what is read says the same when it is written and read again.
func FuzzParse(f *testing.F) {
	f.Add([]byte(example))
	f.Add([]byte(`{"version":1}`))
	f.Add([]byte(`{"version":1,"people":[{}]}`))
	f.Fuzz(func(t *testing.T, data []byte) {
		file, err := parse(data)
		if err != nil {
			if file != nil {
				t.Error("a file with an error")
			}
			return
		}
		text, err := json.Marshal(form{version, file.entries})
		if err != nil {
			t.Fatal(err)
		}
		again, err := parse(text)
		if err != nil {
			t.Fatalf("%v:\n%s", err, text)
		}
		if diff := cmp.Diff(file.entries, again.entries, cmpopts.EquateEmpty()); diff != "" {
			t.Errorf("written and read again (-first +again):\n%s", diff)
		}
	})
}
