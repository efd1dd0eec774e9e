// Package git runs the git program. It runs no hooks, and takes no configuration from where a pull request could put it.
package git
