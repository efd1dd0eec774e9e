package users

import (
	"strings"
	"testing"
)

func TestCheck(t *testing.T) {
	for _, c := range []struct {
		name   string
		change func(*Person)
		want   string // a part of the error; "" for none
	}{
		{"fine", func(*Person) {}, ""},
		{"one letter", func(p *Person) { p.Login = "a" }, ""},
		{"all characters", func(p *Person) { p.Login = "0a.b-c_d" }, ""},
		{"no login", func(p *Person) { p.Login = "" }, "login is"},
		{"capital", func(p *Person) { p.Login = "Alice" }, "login is"},
		{"slash", func(p *Person) { p.Login = "a/b" }, "login is"},
		{"line", func(p *Person) { p.Login = "alice\n" }, "login is"},
		{"hidden", func(p *Person) { p.Login = ".alice" }, "login is"},
		{"option", func(p *Person) { p.Login = "-alice" }, "login is"},
		{"dot last", func(p *Person) { p.Login = "alice." }, "login is"},
		{"long", func(p *Person) { p.Login = strings.Repeat("a", 33) }, "login is"},
		{"dots", func(p *Person) { p.Login = "a..b" }, "names no branch"},
		{"lock", func(p *Person) { p.Login = "a.lock" }, "names no branch"},
		{"no name", func(p *Person) { p.FullName = "" }, "full name"},
		{"name of dots", func(p *Person) { p.FullName = "..." }, "full name"},
		{"name with address", func(p *Person) { p.FullName = "Alice <a@example.net>" }, "full name"},
		{"name with line", func(p *Person) { p.FullName = "Alice\nB" }, "full name"},
		{"name that turns text around", func(p *Person) { p.FullName = "Alice \u202eB" }, "full name"},
		{"name with space", func(p *Person) { p.FullName = "Alice " }, "full name"},
		{"no email", func(p *Person) { p.Email = "" }, "email is"},
		{"email without host", func(p *Person) { p.Email = "alice@" }, "email is"},
		{"email with space", func(p *Person) { p.Email = "alice b@example.net" }, "email is"},
		{"no role", func(p *Person) { p.Role = "" }, "role is"},
		{"other role", func(p *Person) { p.Role = "admin" }, "role is"},
		{"operator with account", func(p *Person) { p.Accounts = []string{"acme"} }, "has all accounts"},
		{"account without", func(p *Person) { p.Role = Account }, "needs an account"},
		{"account", func(p *Person) { p.Role, p.Accounts = Account, []string{"acme"} }, ""},
		{"account without name", func(p *Person) { p.Role, p.Accounts = Account, []string{""} }, "want names"},
		{"viewer", func(p *Person) { p.Role = Viewer }, ""},
		{"viewer of an account", func(p *Person) { p.Role, p.Accounts = Viewer, []string{"acme"} }, ""},
	} {
		p := &Person{Login: "alice", FullName: "Alice B. Example", Email: "alice@example.net", Role: Operator}
		c.change(p)
		err := p.Check()
		if c.want == "" && err != nil || c.want != "" && (err == nil || !strings.Contains(err.Error(), c.want)) {
			t.Errorf("%s: error %v, want %q", c.name, err, c.want)
		}
	}
}

func TestRights(t *testing.T) {
	for _, c := range []struct {
		person           Person
		edits            bool
		acme, other, own bool // sees; own is addresses of no account
	}{
		{Person{Role: Operator}, true, true, true, true},
		{Person{Role: Operator, ReadOnly: true}, false, true, true, true},
		{Person{Role: Account, Accounts: []string{"acme"}}, true, true, false, false},
		{Person{Role: Account, Accounts: []string{"acme", "bluebird"}}, true, true, true, false},
		{Person{Role: Account, Accounts: []string{}}, true, false, false, false},
		{Person{Role: Account}, true, false, false, false},
		{Person{}, false, false, false, false},
		{Person{Role: Viewer}, false, true, true, true},
		{Person{Role: Viewer, Accounts: []string{"acme"}}, false, true, false, false},
	} {
		p := &c.person
		got := []bool{p.MayEdit(), p.Sees("acme"), p.Sees("bluebird"), p.Sees("")}
		for i, want := range []bool{c.edits, c.acme, c.other, c.own} {
			if got[i] != want {
				t.Errorf("%+v: may edit, sees acme, bluebird, none: %v, want %v", c.person, got,
					[]bool{c.edits, c.acme, c.other, c.own})
				break
			}
		}
	}
}

func TestHashPassword(t *testing.T) {
	for _, c := range []struct{ name, password, want string }{
		{"short", "123456789", "shorter than 10 characters"},
		{"short in characters", "ääääääääü", "shorter than 10 characters"},
		{"long", strings.Repeat("x", 73), "longer than 72 bytes"},
		{"long in bytes", strings.Repeat("ä", 37), "longer than 72 bytes"},
		{"login", "Alice.example", "is the login"},
		{"token", "rvm_0123456789", `begins with "rvm_"`},
		{"lines", "first line\nsecond", "control characters"},
		{"NUL", "abcdefghij\x00", "control characters"},
		{"Latin-1", "abcdefghij\xe4", "not UTF-8"},
	} {
		hash, err := hashPassword("alice.example", c.password)
		if err == nil || !strings.Contains(err.Error(), c.want) || hash != "" {
			t.Errorf("%s: hash %q, error %v, want %q", c.name, hash, err, c.want)
		}
	}
	for _, password := range []string{"ten chars!", strings.Repeat("x", 72)} {
		hash, err := hashPassword("alice", password)
		if err != nil {
			t.Errorf("%q: %v", password, err)
			continue
		}
		if c, err := costOf(hash); c != cost || err != nil {
			t.Errorf("%q: cost %d, error %v", password, c, err)
		}
		if !matches(hash, password) {
			t.Errorf("%q does not match its hash", password)
		}
	}
}
