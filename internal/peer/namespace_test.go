package peer

import (
	"net"
	"os"
	"strings"
	"testing"
)

func TestIsolated(t *testing.T) {
	const resolver = "nameserver 192.0.2.53\n"
	if !Isolated(t, "192.0.2.0/24", map[string]string{"/etc/resolv.conf": resolver}) {
		if text, err := os.ReadFile("/etc/resolv.conf"); err == nil && string(text) == resolver {
			t.Error("/etc/resolv.conf has changed outside, too")
		}
		return
	}
	if text, err := os.ReadFile("/etc/resolv.conf"); err != nil || string(text) != resolver {
		t.Errorf("/etc/resolv.conf is %q, %v", text, err)
	}
	for _, addr := range []string{"192.0.2.53:53", "127.0.0.1:25"} {
		l, err := net.Listen("tcp", addr)
		if err != nil {
			t.Fatal(err)
		}
		defer l.Close()
		d := net.Dialer{LocalAddr: &net.TCPAddr{IP: net.IPv4(192, 0, 2, 10)}}
		conn, err := d.Dial("tcp", addr)
		if err != nil {
			t.Fatal(err)
		}
		defer conn.Close()
		if got := conn.LocalAddr().String(); !strings.HasPrefix(got, "192.0.2.10:") {
			t.Errorf("connects from %s, not from 192.0.2.10", got)
		}
	}
	if conn, err := net.Dial("tcp", "198.51.100.1:25"); err == nil {
		conn.Close()
		t.Error("there is a way out")
	}
}
