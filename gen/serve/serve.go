// Package serve makes one HTTP server of the page and the API: who may connect, sign in and send how much.
package serve
