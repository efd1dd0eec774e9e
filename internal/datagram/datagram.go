// Package datagram reads and answers UDP datagrams many at a time, from sockets that get all datagrams of their address
// although other sockets are bound to it too. It does so on Linux; elsewhere it holds nothing.
package datagram
