package peer

import (
	"fmt"
	"net/smtp"
	"strings"
	"testing"
)

// TestPostfix: it takes mail for example.com only, and ends with all its processes.
func TestPostfix(t *testing.T) {
	var s *Server
	t.Run("mail", func(t *testing.T) {
		s = Postfix(t, "", "myhostname = mx.example.com")
		if err := smtp.SendMail(s.Addr, nil, "a@example.net", []string{"b@example.com"}, []byte("text\r\n")); err != nil {
			t.Fatal(err)
		}
		Wait(t, func() bool { return strings.Contains(s.Log(), "status=sent") },
			func() string { return fmt.Sprintf("the message is not delivered:\n%s", s.Log()) })
		err := smtp.SendMail(s.Addr, nil, "a@example.net", []string{"b@example.net"}, []byte("text\r\n"))
		if err == nil || !strings.Contains(err.Error(), "Relay access denied") {
			t.Errorf("mail for others: %v, want it refused", err)
		}
	})
	if s != nil && s.greets() {
		t.Error("it still runs when the test has ended")
	}
}
