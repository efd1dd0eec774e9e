package peer

import (
	"net"
	"os"
	"testing"
)

func TestIsolated(t *testing.T) {
	const resolver = "nameserver 192.0.2.53\n"
	addrs := []string{"192.0.2.10", "192.0.2.53", "2001:db8::10"}
	if !Isolated(t, addrs, map[string]string{"/etc/resolv.conf": resolver}) {
		if text, err := os.ReadFile("/etc/resolv.conf"); err == nil && string(text) == resolver {
			t.Error("/etc/resolv.conf has changed outside, too")
		}
		return
	}
	if text, err := os.ReadFile("/etc/resolv.conf"); err != nil || string(text) != resolver {
		t.Errorf("/etc/resolv.conf is %q, %v", text, err)
	}
	for addr, from := range map[string]string{
		"192.0.2.53:53": "192.0.2.10", "127.0.0.1:25": "192.0.2.10", "[2001:db8::10]:25": "2001:db8::10", "[::1]:25": "::1",
	} {
		l, err := net.Listen("tcp", addr)
		if err != nil {
			t.Fatal(err)
		}
		defer l.Close()
		d := net.Dialer{LocalAddr: &net.TCPAddr{IP: net.ParseIP(from)}}
		conn, err := d.Dial("tcp", addr)
		if err != nil {
			t.Fatal(err)
		}
		conn.Close()
	}
	if conn, err := net.Dial("tcp", "198.51.100.1:25"); err == nil {
		conn.Close()
		t.Error("there is a way out")
	}
}
