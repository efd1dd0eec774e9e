// Package users holds who may use revmap serve, what each of them may see and do, and how they show who they are:
// people by a password, programs by a token. All of it is in one file, which revmap user writes and a Store reads.
package users

import (
	"errors"
	"fmt"
	"regexp"
	"slices"
	"strings"
	"time"
	"unicode"
)

// A Role tells what a person may do.
type Role string

// The roles.
const (
	Operator Role = "operator" // sees all addresses, gives them any name
	Account  Role = "account"  // sees the addresses of its accounts' servers, gives them names in the accounts' domains
	Viewer   Role = "viewer"   // sees all addresses, or those of its accounts if it has some, and changes nothing
)

// A Person is somebody who has signed in, or whose token was shown.
type Person struct {
	Login    string   // letters, digits, "-", "_" and ".": part of the names of branches
	FullName string   // for commits; never empty
	Email    string   // for commits; never empty
	Role     Role     //
	Accounts []string // nil for all, as an operator has; read-only
	Token    string   // id of the token that was shown; "" for a password
	ReadOnly bool     // the token is for reading only

	password string // its hash
}

// MayEdit reports whether p may change names at all.
func (p *Person) MayEdit() bool { return (p.Role == Operator || p.Role == Account) && !p.ReadOnly }

// Sees reports whether p sees the addresses of an account's servers. Addresses of no account have "".
func (p *Person) Sees(account string) bool {
	if p.Accounts == nil {
		return p.Role == Operator || p.Role == Viewer
	}
	return account != "" && slices.Contains(p.Accounts, account)
}

// Same reports whether q is p with the same password, role and accounts: whoever has signed in as p need not do so
// again.
func (p *Person) Same(q *Person) bool {
	return p.Login == q.Login && p.password == q.password && p.Role == q.Role && slices.Equal(p.Accounts, q.Accounts)
}

// loginForm keeps logins fit for names of branches and of files, on file systems that do not tell capitals apart, too.
var loginForm = regexp.MustCompile(`^[a-z0-9]([a-z0-9._-]{0,30}[a-z0-9])?$`)

// Check returns an error that tells what is wrong with p, if something is.
func (p *Person) Check() error {
	switch {
	case !loginForm.MatchString(p.Login):
		return fmt.Errorf(`login is %q, want 1 to 32 of a-z, 0-9, "-", "_" and ".", a letter or digit first and last`,
			p.Login)
	case strings.Contains(p.Login, ".."), strings.HasSuffix(p.Login, ".lock"):
		return fmt.Errorf(`login is %q, which names no branch: want no ".." in it, and no ".lock" at its end`, p.Login)
	case !inCommit(p.FullName) || !strings.ContainsFunc(p.FullName, letterOrDigit):
		return fmt.Errorf(`%s: full name is %q, want text for a commit, without "<" and ">"`, p.Login, p.FullName)
	case !inCommit(p.Email) || strings.Contains(p.Email, " ") || !strings.Contains(strings.Trim(p.Email, "@"), "@"):
		return fmt.Errorf("%s: email is %q, want an address as in person@example.net", p.Login, p.Email)
	case slices.ContainsFunc(p.Accounts, func(a string) bool { return a == "" || !printable(a) }):
		return fmt.Errorf("%s: accounts are %q, want names", p.Login, p.Accounts)
	}
	switch p.Role {
	case Operator:
		if len(p.Accounts) > 0 {
			return fmt.Errorf("%s: role operator has all accounts, want none with it", p.Login)
		}
	case Account:
		if len(p.Accounts) == 0 {
			return fmt.Errorf("%s: role account needs an account", p.Login)
		}
	case Viewer:
	default:
		return fmt.Errorf("%s: role is %q, want operator, account or viewer", p.Login, p.Role)
	}
	return nil
}

// inCommit reports whether Git takes s as a part of an author, and people see what it holds.
func inCommit(s string) bool {
	return s == strings.TrimSpace(s) && !strings.ContainsAny(s, "<>") && printable(s)
}

// printable reports whether s has neither control characters nor those that change how others are shown.
func printable(s string) bool {
	return !strings.ContainsFunc(s, func(r rune) bool { return !unicode.IsPrint(r) })
}

func letterOrDigit(r rune) bool { return unicode.IsLetter(r) || unicode.IsDigit(r) }

// A Token is what programs show in place of a password. It lets in whoever has it, as the person whose it is.
type Token struct {
	ID       string // public, for removing it
	Login    string
	Created  time.Time
	Until    time.Time // the last day on which it holds, in UTC; zero for no end
	ReadOnly bool
	Note     string
}

// ended reports whether t holds no more.
func (t *Token) ended(now time.Time) bool {
	return !t.Until.IsZero() && !now.Before(t.Until.AddDate(0, 0, 1))
}

// ErrWrong tells that a login, password or token is wrong; not which, since that is for nobody to find out.
var ErrWrong = errors.New("the login, password or token is wrong")
