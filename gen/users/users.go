// Package users holds who may use revmap serve, and what each of them may see and do.
package users

import "time"

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
	Accounts []string // nil for all, as an operator has
	Token    string   // id of the token that was shown; "" for a password
	ReadOnly bool     // the token is for reading only
}

// MayEdit reports whether p may change names at all.
func (p *Person) MayEdit() bool { return p.Role != Viewer && !p.ReadOnly }

// Sees reports whether p sees the addresses of an account's servers. Addresses of no account have "".
func (p *Person) Sees(account string) bool {
	if p.Accounts == nil {
		return true
	}
	for _, a := range p.Accounts {
		if a == account && a != "" {
			return true
		}
	}
	return false
}

// A Token is what programs show in place of a password.
type Token struct {
	ID       string // public, for removing it
	Login    string
	Created  time.Time
	ReadOnly bool
	Note     string
}
