package revmap

import (
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"testing"
	"time"

	"github.com/coredns/caddy"
	"github.com/coredns/coredns/core/dnsserver"
	"github.com/coredns/coredns/plugin/pkg/fall"
	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
	"github.com/revmap/revmap/internal/snapshot"
)

func TestParse(t *testing.T) {
	const seconds = time.Second
	block := zones{"in-addr.arpa.", "ip6.arpa."} // of the server block
	defaults := options{"/x.snapshot", block, 15 * seconds, 50, false, 0, fall.F{}}
	for _, tc := range []struct {
		input string
		want  options // without fall
		fall  []string
		err   string // part of the error, which names the fix
	}{
		{input: "revmap /x.snapshot", want: defaults},
		{input: "revmap /x.snapshot {\n}", want: defaults},
		{input: "revmap x.snapshot", want: options{"/etc/coredns/x.snapshot", block, 15 * seconds, 50, false, 0, fall.F{}}},
		{input: "revmap ./a/../x.snapshot",
			want: options{"/etc/coredns/x.snapshot", block, 15 * seconds, 50, false, 0, fall.F{}}},
		{input: "revmap /x.snapshot Example.ORG 192.0.2.0/23",
			want: options{"/x.snapshot", zones{"example.org.", "2.0.192.in-addr.arpa.", "3.0.192.in-addr.arpa."},
				15 * seconds, 50, false, 0, fall.F{}}},
		{input: "revmap /x.snapshot {\nreload 1m30s\nmax_shrink 10\nwait\n}",
			want: options{"/x.snapshot", block, 90 * seconds, 10, true, 0, fall.F{}}},
		{input: "revmap /x.snapshot {\nreload 0\nmax_shrink 0\n}",
			want: options{"/x.snapshot", block, 0, 0, false, 0, fall.F{}}},
		{input: "revmap /x.snapshot {\nmax_shrink 100\n}",
			want: options{"/x.snapshot", block, 15 * seconds, 100, false, 0, fall.F{}}},
		{input: "revmap /x.snapshot {\nfastpath 3\n}",
			want: options{"/x.snapshot", block, 15 * seconds, 50, false, 3, fall.F{}}},
		{input: "revmap /x.snapshot {\nfastpath\n}",
			want: options{"/x.snapshot", block, 15 * seconds, 50, false, runtime.GOMAXPROCS(0), fall.F{}}},
		{input: "revmap /x.snapshot {\nfallthrough\n}", want: defaults,
			fall: []string{"."}},
		{input: "revmap /x.snapshot {\nfallthrough IP6.arpa 192.0.2.0/24\n}",
			want: defaults,
			fall: []string{"ip6.arpa.", "2.0.192.in-addr.arpa."}},

		{input: "revmap", err: "the path of the snapshot is missing: write revmap SNAPSHOT [ZONES...]"},
		{input: "revmap {\nwait\n}", err: "the path of the snapshot is missing"},
		{input: "revmap /x.snapshot a..b", err: "'a..b' is no zone: write a domain name or an address prefix"},
		{input: "revmap /x.snapshot example.org ::/0", err: "'::/0' is no zone"},
		{input: "revmap /x.snapshot 192.0.2.0/33", err: "'192.0.2.0/33' is no zone: write a domain name or an address prefix"},
		{input: "revmap /x.snapshot 0/25.2.0.192.in-addr.arpa",
			want: options{"/x.snapshot", zones{"0/25.2.0.192.in-addr.arpa."}, 15 * seconds, 50, false, 0, fall.F{}}},
		{input: "revmap /x.snapshot\nrevmap /y.snapshot", err: "only be used once per Server Block: one snapshot holds"},
		{input: "revmap /x.snapshot {\nreload\n}", err: "reload needs one duration, for example reload 30s"},
		{input: "revmap /x.snapshot {\nreload 1s 2s\n}", err: "reload needs one duration"},
		{input: "revmap /x.snapshot {\nreload 30\n}", err: "reload '30' is no duration: write a number and a unit"},
		{input: "revmap /x.snapshot {\nreload -1s\n}", err: "reload '-1s' is negative: 0 turns reloading off"},
		{input: "revmap /x.snapshot {\nreload 1s\nreload 2s\n}", err: "a second 'reload': keep one of them"},
		{input: "revmap /x.snapshot {\nmax_shrink\n}", err: "max_shrink needs one percentage"},
		{input: "revmap /x.snapshot {\nmax_shrink 101\n}",
			err: "max_shrink '101' is no percentage: write a whole number from 0 to 100"},
		{input: "revmap /x.snapshot {\nmax_shrink -1\n}", err: "max_shrink '-1' is no percentage"},
		{input: "revmap /x.snapshot {\nmax_shrink 50%\n}", err: "max_shrink '50%' is no percentage"},
		{input: "revmap /x.snapshot {\nmax_shrink 1\nmax_shrink 1\n}", err: "a second 'max_shrink'"},
		{input: "revmap /x.snapshot {\nwait 5s\n}", err: "wait takes no argument: remove '5s'"},
		{input: "revmap /x.snapshot {\nwait\nwait\n}", err: "a second 'wait'"},
		{input: "revmap /x.snapshot {\nwait\nreload 0\n}", err: "wait with reload 0 would wait for ever: remove one of them"},
		{input: "revmap /x.snapshot {\nfallthrough a..b\n}", err: "'a..b' is no zone"},
		{input: "revmap /x.snapshot {\nfallthrough\nfallthrough\n}", err: "a second 'fallthrough'"},
		{input: "revmap /x.snapshot {\nfastpath 1 2\n}", err: "fastpath takes one number of workers, for example fastpath 2"},
		{input: "revmap /x.snapshot {\nfastpath 0\n}",
			err: "fastpath '0' is no number of workers: write a whole number from 1 to 256"},
		{input: "revmap /x.snapshot {\nfastpath all\n}", err: "fastpath 'all' is no number"},
		{input: "revmap /x.snapshot {\nslowpath\n}",
			err: "unknown property 'slowpath': there are reload, max_shrink, wait, fastpath and fallthrough"},
	} {
		t.Run(strings.ReplaceAll(tc.input, "\n", ";"), func(t *testing.T) {
			c := caddy.NewTestController("dns", tc.input)
			c.ServerBlockKeys = []string{"dns://in-addr.arpa.:1053", "dns://ip6.arpa.:1053"}
			dnsserver.GetConfig(c).Root = "/etc/coredns"
			got, err := parse(c)
			if tc.err != "" {
				if err == nil || !strings.Contains(err.Error(), tc.err) {
					t.Fatalf("Error is %v, want one with %q", err, tc.err)
				}
				return
			}
			if err != nil {
				t.Fatal(err)
			}
			tc.want.fall.Zones = tc.fall
			if diff := cmp.Diff(tc.want, got, cmp.AllowUnexported(options{}), cmpopts.EquateEmpty()); diff != "" {
				t.Errorf("Options (-want +got):\n%s", diff)
			}
		})
	}
}

func TestParseWithoutRoot(t *testing.T) {
	dir, err := os.Getwd()
	if err != nil {
		t.Fatal(err)
	}
	o, err := parse(caddy.NewTestController("dns", "revmap x.snapshot"))
	if want := filepath.Join(dir, "x.snapshot"); err != nil || o.path != want {
		t.Errorf("Path is %q (%v), want %q", o.path, err, want)
	}
}

// TestSetupZones is about zones that the server and the snapshot do not share.
func TestSetupZones(t *testing.T) {
	path := snapshotFile(t, encode(t, []snapshot.Zone{
		testZone("2.0.192.in-addr.arpa.", "192.0.2.0/24", 1), forwardZone("host.example.", 1),
	}, nil))
	const none, elsewhere = "No zone of snapshot", "Not served, since they are outside of"
	for zones, want := range map[string][]string{
		".":                                nil,
		"192.0.0.0/16 example":             nil,
		"192.0.2.128/25 host.example":      nil,
		"192.0.2.0/24":                     {": host.example. and 0 more"},
		"192.0.2.0/24 host.exampel":        {": host.example. and 0 more", none},
		"192.0.3.0/24 2.0.192.in-addr.arp": {": 2.0.192.in-addr.arpa. and 1 more", none, none},
	} {
		for _, again := range []string{"", "again "} { // with the snapshot that is served already
			logged.take()
			newHandler(t, "revmap "+path+" "+zones, nil)
			l := logged.take()
			if strings.Count(l, none)+strings.Count(l, elsewhere) != len(want) {
				t.Errorf("%s%s: logged %q, want %q", again, zones, l, want)
			}
			for _, w := range want {
				if !strings.Contains(l, w) {
					t.Errorf("%s%s: logged %q, want %q", again, zones, l, w)
				}
			}
		}
	}
}

func TestSetup(t *testing.T) {
	good := snapshotFile(t, encodeGeneration(t, 1, 2))
	bad := snapshotFile(t, encodeGeneration(t, 1, 2)[:100])
	source := filepath.Join("..", "records.yaml")
	for _, tc := range []struct {
		name, input string
		err         string
		ready       bool
	}{
		{name: "good", input: "revmap " + good, ready: true},
		{name: "good and wait", input: "revmap " + good + " {\nwait\n}", ready: true},
		{name: "missing", input: "\nrevmap " + good + ".missing {\nreload 1s\n}",
			err: "plugin/revmap: Testfile:2: stat " + good + ".missing: no such file or directory: make one with revmap compile -o " + good},
		{name: "a source", input: "revmap " + source, err: "make a snapshot of it with revmap compile, or use wait"},
		{name: "missing and wait", input: "revmap " + good + ".missing {\nwait\n}"},
		{name: "bad", input: "revmap " + bad, err: "plugin/revmap: "},
		{name: "bad and wait", input: "revmap " + bad + " {\nwait\n}"},
		{name: "a directory", input: "revmap " + filepath.Dir(good), err: filepath.Dir(good) + " is not a regular file"},
	} {
		t.Run(tc.name, func(t *testing.T) {
			h, err := setupHandler(tc.input, nil)
			if tc.err != "" {
				if err == nil || !strings.Contains(err.Error(), tc.err) {
					t.Fatalf("Error is %v, want one with %q", err, tc.err)
				}
				return
			}
			if err != nil {
				t.Fatal(err)
			}
			if h.Ready() != tc.ready {
				t.Errorf("Ready() = %t, want %t", h.Ready(), tc.ready)
			}
		})
	}
}
