package zonetext

import (
	"fmt"
	"io/fs"
	"path"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// list returns what a zone file has, one line for each record and problem, and how many files were opened. They are by
// name, the zone file is "zone". Made is what directives have made of it before.
func list(t *testing.T, files map[string]string, made int) (lines []string, opened int) {
	t.Helper()
	r := New("zone", []byte(files["zone"]), "example.", func(name, from string) (string, []byte, error) {
		opened++
		name = path.Join(path.Dir(from), name)
		text, ok := files[name]
		if !ok {
			return "", nil, fmt.Errorf("%s: %w", name, fs.ErrNotExist)
		}
		return name, []byte(text), nil
	})
	r.made = made
	for rr, wrong := range r.Records() {
		switch {
		case wrong != nil && wrong.Hint != "":
			lines = append(lines, fmt.Sprintf("%s: %s (%s)", wrong.Pos, wrong.Message, wrong.Hint))
		case wrong != nil:
			lines = append(lines, fmt.Sprintf("%s: %s", wrong.Pos, wrong.Message))
		default:
			lines = append(lines, fmt.Sprintf("%s: %s", r.Entry().Last(), strings.ReplaceAll(rr.String(), "\t", " ")))
		}
	}
	return lines, opened
}

// Records are read with the place of their data, and problems with theirs.
func TestRecords(t *testing.T) {
	for _, test := range []struct {
		name, text string
		want       []string
	}{
		{"nothing", "; x\n\n  ; y\n", nil},
		{"places", "$TTL 60\na A 192.0.2.1 ; x\n\u00e4 ( A\n 192.0.2.2 ) ; )\n  TXT \"b;\nc\" d\n", []string{
			"zone:2:5: a.example. 60 IN A 192.0.2.1",
			"zone:4:2: \\195\\164.example. 60 IN A 192.0.2.2",
			"zone:6:4: \\195\\164.example. 60 IN TXT \"b;\\010c\" \"d\"",
		}},
		{"quoted owners", "$TTL 60\n\"a\" A 192.0.2.1\n\"$TTL\" 61\n\"a b\" A 192.0.2.1\n\"\" A 192.0.2.1\nb A 192.0.2.2\n", []string{
			"zone:2:7: a.example. 60 IN A 192.0.2.1",
			`zone:3:1: the owner "$TTL" is not a domain name`,
			`zone:4:1: the owner "a b" is not a domain name`,
			`zone:5:1: the owner "" is not a domain name`,
			"zone:6:5: b.example. 60 IN A 192.0.2.2",
		}},
		{"a backslash at the end of a line", "$TTL 60\na TXT b\\\nc A 192.0.2.1 ; d\\\ne A 192.0.2.2", []string{
			`zone:2:7: bad TXT Txt "b\\"`,
			"zone:3:5: c.example. 60 IN A 192.0.2.1",
			"zone:4:5: e.example. 60 IN A 192.0.2.2",
		}},
		{"no data", "$TTL 60\na A\nb TXT\nc cname ( ; x\n)\nd A ; x\ne AAAA ::1", []string{
			"zone:2:3: the A record has no data",
			"zone:3:3: the TXT record has no data",
			"zone:4:3: the CNAME record has no data",
			"zone:6:3: the A record has no data",
			"zone:7:8: e.example. 60 IN AAAA ::1",
		}},
		{"wrong data", "a A b\n  MX x b ; x\n$GENERATE 1-2 $ A b\nc ( A\n  ::1 )\nd A 192.0.2.1 e\n" + `f A "192.0.2.1"`, []string{
			`zone:1:5: want an IPv4 address, not "b"`,
			`zone:2:3: the first record has no owner`,
			`zone:3: want an IPv4 address, not "b"`,
			`zone:5:3: want an IPv4 address, not "::1"`,
			`zone:6:15: more than a record has: "e"`,
			`zone:7:5: want an IPv4 address, not "\""`,
		}},
		{"directives", "$TTL 1h1x\n$FOO\n$GENERATE 2-1 $ A 192.0.2.1\n$INCLUDE ; x", []string{
			`zone:1:6: $TTL: "1h1x" is not a TTL`,
			"zone:2:1: $FOO: there is no such directive",
			`zone:3:11: $GENERATE: "2-1" is not a range such as 1-254 or 0-62/2`,
			"zone:4:1: $INCLUDE: 0 fields after it are not as many as it takes",
		}},
		{"TTLs", "a A 192.0.2.1\nb 60 A 192.0.2.2\nc A 192.0.2.3\n$TTL 61\nd A 192.0.2.4\n", []string{
			"zone:1:5: a.example. 4294967295 IN A 192.0.2.1",
			"zone:2:8: b.example. 60 IN A 192.0.2.2",
			"zone:3:5: c.example. 60 IN A 192.0.2.3",
			"zone:5:5: d.example. 61 IN A 192.0.2.4",
		}},
		{"no text", "a 1 A 192.0.2.1\n\x00", []string{
			"zone:2: this is no text: it has a zero byte " +
				"(if BIND wrote it, make text of it: named-compilezone -f raw -F text -o FILE.zone ZONE FILE)",
		}},
	} {
		t.Run(test.name, func(t *testing.T) {
			got, _ := list(t, map[string]string{"zone": test.text}, 0)
			if diff := cmp.Diff(test.want, got); diff != "" {
				t.Errorf("(-want +got):\n%s", diff)
			}
		})
	}
}

// A file is opened once for each directive that names it in another way, and origins end with it.
func TestInclude(t *testing.T) {
	got, opened := list(t, map[string]string{
		"zone": "$TTL 60\na A 192.0.2.1\n$INCLUDE x/b sub\n$INCLUDE x/b\n  A 192.0.2.4\n$INCLUDE x/none\n$INCLUDE x/loop\nd A 192.0.2.5",
		"x/b":  "\ufeff  A 192.0.2.2\n$ORIGIN c\nb A 192.0.2.3", "x/loop": "$INCLUDE ../x/loop",
	}, 0)
	if diff := cmp.Diff([]string{
		"zone:2:5: a.example. 60 IN A 192.0.2.1",
		"x/b:1:5: a.example. 60 IN A 192.0.2.2",
		"x/b:3:5: b.c.sub.example. 60 IN A 192.0.2.3",
		"x/b:1:5: b.c.sub.example. 60 IN A 192.0.2.2",
		"x/b:3:5: b.c.example. 60 IN A 192.0.2.3",
		"zone:5:5: b.c.example. 60 IN A 192.0.2.4",
		"zone:6:10: $INCLUDE: x/none: file does not exist",
		"x/loop:1:10: $INCLUDE: ../x/loop: it includes itself",
		"zone:8:5: d.example. 60 IN A 192.0.2.5",
	}, got); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
	if opened != 4 {
		t.Errorf("%d files were opened", opened)
	}
}

// A small zone file does not keep its reader busy for hours.
func TestLimits(t *testing.T) {
	const enough = "with this, directives make more than 128 MiB of text in one zone file: include each file once, and $GENERATE less"
	deep := make(map[string]string)
	for i := range 40 {
		deep[fmt.Sprint(i)] = fmt.Sprintf("$INCLUDE %d\n%d 60 A 192.0.2.1\n", i+1, i)
	}
	deep["zone"] = deep["0"]
	wide := make(map[string]string) // that include the next one ten times each
	for i := range 20 {
		wide[fmt.Sprint(i)] = strings.Repeat(fmt.Sprintf("$INCLUDE %d\n", i+1), 10)
	}
	wide["zone"], wide["20"] = wide["0"], strings.Repeat(";", 1<<20)
	for _, test := range []struct {
		name  string
		files map[string]string
		made  int
		want  []string // the first and the last line
	}{
		{"deep", deep, 0, []string{
			"31:1:10: $INCLUDE: 32: more than 32 files of which each one includes the next", "zone:2:8: 0.example. 60 IN A 192.0.2.1",
		}},
		{"wide", wide, 0, []string{"19:9:10: $INCLUDE: 20: " + enough}},
		{"endless", map[string]string{"zone": strings.Repeat("a 60 A (\n", 200_000)}, 0, []string{
			"zone:1:1: a parenthesis is not closed", "zone:100:1: a parenthesis is not closed, as before: nothing after it is read",
		}},
		{"repeated", map[string]string{"zone": "a 60 A 192.0.2.1\n$GENERATE 1-9 $ 60 A 192.0.2.1\nb 60 A 192.0.2.1"}, maxMade - 40,
			[]string{"zone:1:8: a.example. 60 IN A 192.0.2.1", "zone:2:11: $GENERATE: " + enough}},
	} {
		t.Run(test.name, func(t *testing.T) {
			got, opened := list(t, test.files, test.made)
			got = slices.Compact([]string{got[0], got[len(got)-1]})
			if diff := cmp.Diff(test.want, got); diff != "" {
				t.Errorf("(-want +got):\n%s", diff)
			}
			if opened > len(test.files) {
				t.Errorf("%d files were opened", opened)
			}
		})
	}
}

// Whoever has enough is not given more.
func TestEnd(t *testing.T) {
	for _, text := range []string{"a 60 A 192.0.2.1\nb 60 A 192.0.2.2", "$GENERATE 1-2 $ 60 A 192.0.2.1\na", "$INCLUDE x\na"} {
		r := New("zone", []byte(text), "example.", func(string, string) (string, []byte, error) {
			return "x", []byte("a 60 A 192.0.2.1\nb 60 A 192.0.2.2\n"), nil
		})
		n := 0
		for range r.Records() { // panics if it is called after the break
			n++
			break
		}
		if n != 1 {
			t.Errorf("%q: %d records", text, n)
		}
	}
}
