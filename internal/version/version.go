// Package version tells which revmap this is.
package version

import (
	"runtime/debug"
	"strings"
)

const module = "github.com/revmap/revmap"

// version is set by the linker: -ldflags "-X github.com/revmap/revmap/internal/version.version=1.2.3".
var version string

// String returns revmap's own version, without a leading v and never empty: what the linker was told, else the version
// of the revmap module that Go built in (also where another main imports the plugin), else "devel".
func String() string {
	if version != "" {
		return version
	}
	if info, ok := debug.ReadBuildInfo(); ok {
		if v := built(info); v != "" {
			return v
		}
	}
	return "devel"
}

// built returns the version of the revmap module in info, without the leading v; "" if it has none.
func built(info *debug.BuildInfo) string {
	modules := append([]*debug.Module{&info.Main}, info.Deps...)
	for _, m := range modules {
		if m.Path != module {
			continue
		}
		if m.Version == "(devel)" || m.Replace != nil {
			return "" // a checkout, which has no version
		}
		return strings.TrimPrefix(m.Version, "v")
	}
	return ""
}
