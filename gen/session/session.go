// Package session knows who sends a request: by the cookie of somebody who has signed in, or by a password or token that
// comes with it. It counts what was wrong, and lets nobody guess fast.
package session
