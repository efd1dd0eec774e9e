package check

import (
	"net/netip"
	"testing"
)

func TestDrift(t *testing.T) {
	for _, test := range []struct {
		want, got []string
		kind      *Kind
	}{
		{[]string{"a."}, nil, ptrMissing},
		{[]string{"a.", "b."}, []string{"b."}, ptrMissing},
		{[]string{"a."}, []string{"b."}, ptrOther},
		{[]string{"a.", "b."}, []string{"b.", "c."}, ptrOther},
		{[]string{"a."}, []string{"a.", "b."}, ptrExtra},
		{nil, []string{"a."}, ptrExtra},
	} {
		if got := drift(test.want, test.got); got != test.kind {
			t.Errorf("drift(%q, %q) is %s, want %s", test.want, test.got, got.ID, test.kind.ID)
		}
	}
}

func TestListAddrs(t *testing.T) {
	addrs := []netip.Addr{netip.MustParseAddr("192.0.2.1")}
	for n, want := range []string{
		"192.0.2.1",
		"192.0.2.1 and 192.0.2.2",
		"192.0.2.1, 192.0.2.2 and 192.0.2.3",
		"192.0.2.1, 192.0.2.2, 192.0.2.3 and 192.0.2.4",
		"192.0.2.1, 192.0.2.2, 192.0.2.3, 192.0.2.4 and 192.0.2.5",
		"192.0.2.1, 192.0.2.2, 192.0.2.3, 192.0.2.4 and 2 more",
	} {
		if got := listAddrs(addrs); got != want {
			t.Errorf("%d addresses are %q, want %q", n+1, got, want)
		}
		addrs = append(addrs, addrs[n].Next())
	}
	if got := list(nil); got != "none" {
		t.Errorf("no words are %q, want none", got)
	}
}
