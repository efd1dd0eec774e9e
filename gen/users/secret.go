package users

import (
	"crypto/rand"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"regexp"
	"strings"
	"unicode/utf8"

	"golang.org/x/crypto/bcrypt"
)

const (
	minPassword = 10 // characters
	maxPassword = 72 // bytes: bcrypt looks at no more
	cost        = 12 // of bcrypt: about a quarter of a second
	maxCost     = 14
)

// tokenPrefix tells tokens from passwords, and lets scanners find those that were published.
const tokenPrefix = "rvm_"

// IsToken reports whether a secret has the form of a token; a password never has.
func IsToken(secret string) bool { return strings.HasPrefix(secret, tokenPrefix) }

// NewPassword returns a password that nobody can guess.
func NewPassword() string { return strings.ToLower(rand.Text()) }

func newToken() string {
	var b [32]byte
	rand.Read(b[:])
	return tokenPrefix + hex.EncodeToString(b[:])
}

// hashOf returns what is kept of a token. It needs no salt and no work: nobody tries all of 2^256.
func hashOf(token string) string {
	sum := sha256.Sum256([]byte(token))
	return hex.EncodeToString(sum[:])
}

// hashPassword returns what is kept of a password, if it is fit to be one.
func hashPassword(login, password string) (string, error) {
	switch {
	case !utf8.ValidString(password), strings.ContainsFunc(password, func(r rune) bool { return r < ' ' || r == 0x7f }):
		return "", errors.New("the password has control characters, or is not UTF-8")
	case utf8.RuneCountInString(password) < minPassword:
		return "", fmt.Errorf("the password is shorter than %d characters", minPassword)
	case len(password) > maxPassword:
		return "", fmt.Errorf("the password is longer than %d bytes, of which bcrypt ignores the rest", maxPassword)
	case strings.EqualFold(password, login):
		return "", errors.New("the password is the login")
	case IsToken(password):
		return "", fmt.Errorf("the password begins with %q, as only tokens do", tokenPrefix)
	}
	hash, err := bcrypt.GenerateFromPassword([]byte(password), cost)
	return string(hash), err
}

var passwordHash = regexp.MustCompile(`^\$2[aby]\$\d\d\$[./A-Za-z0-9]{53}$`)

// costOf returns how much work it is to compare a password with a hash.
func costOf(hash string) (int, error) {
	if !passwordHash.MatchString(hash) {
		return 0, errors.New("the password is not kept as bcrypt does")
	}
	c, err := bcrypt.Cost([]byte(hash))
	if err == nil && c > maxCost {
		err = fmt.Errorf("the cost of the password is %d, want at most %d", c, maxCost)
	}
	return c, err
}

// noHash returns a hash of no password, to compare with what is none: it takes the same time.
func noHash(cost int) string {
	return fmt.Sprintf("$2a$%02d$%s", cost, strings.Repeat("revmap.", 8)[:53])
}

// matches reports whether hash is that of password.
func matches(hash, password string) bool {
	err := bcrypt.CompareHashAndPassword([]byte(hash), []byte(password))
	return err == nil && len(password) <= maxPassword
}
