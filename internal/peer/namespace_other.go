//go:build !linux

package peer

import "testing"

// Isolated needs Linux.
func Isolated(t *testing.T, addrs []string, files map[string]string) bool {
	t.Helper()
	unavailable(t, "network namespaces need Linux")
	return false
}
