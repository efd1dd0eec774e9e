package version

import (
	"runtime/debug"
	"testing"
)

func TestBuilt(t *testing.T) {
	other := debug.Module{Path: "github.com/coredns/coredns", Version: "v1.15.0"}
	tests := []struct {
		name string
		info debug.BuildInfo
		want string
	}{
		{"own main, installed", debug.BuildInfo{Main: debug.Module{Path: module, Version: "v1.2.3"}}, "1.2.3"},
		{"own main, checkout", debug.BuildInfo{Main: debug.Module{Path: module, Version: "(devel)"}}, ""},
		{"dependency of another main", debug.BuildInfo{
			Main: other, Deps: []*debug.Module{{Path: module, Version: "v1.2.3"}},
		}, "1.2.3"},
		{"replaced by a checkout", debug.BuildInfo{
			Main: other, Deps: []*debug.Module{{Path: module, Version: "v0.0.0", Replace: &debug.Module{Path: "../revmap"}}},
		}, ""},
		{"not there", debug.BuildInfo{Main: other}, ""},
	}
	for _, tt := range tests {
		if got := built(&tt.info); got != tt.want {
			t.Errorf("%s: built = %q, want %q", tt.name, got, tt.want)
		}
	}
}

func TestStringNeverEmpty(t *testing.T) {
	if String() == "" {
		t.Error("String() is empty")
	}
}
