package forward

import (
	"fmt"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// What is wrong with zone files is found at its line.
func TestFindings(t *testing.T) {
	for _, test := range []struct {
		name  string
		files map[string]string
		want  []string
	}{
		{"nothing", map[string]string{"a.example.zone": soa}, nil},
		{"no address", map[string]string{"a.example.zone": soa + "; comment\nwww A 192.0.2.300 ; where\nb A 192.0.2.1\n"}, []string{
			`a.example.zone:3:7: want an IPv4 address, not "192.0.2.300"`,
		}},
		{"no IPv6 address", map[string]string{"a.example.zone": soa + "www AAAA 192.0.2.1\n"}, []string{
			`a.example.zone:2:10: want an IPv6 address, not "192.0.2.1"`,
		}},
		{"an address is missing", map[string]string{"a.example.zone": soa + "www A\n\n; later\nw2 A 192.0.2.1\n"}, []string{
			`a.example.zone:2:5: the A record has no data`,
		}},
		{"the last address is missing", map[string]string{"a.example.zone": soa + "www A\n"}, []string{
			`a.example.zone:2:5: the A record has no data`,
		}},
		{"the last alias leads nowhere", map[string]string{"a.example.zone": soa + "www CNAME\n"}, []string{
			`a.example.zone:2:5: the CNAME record has no data`,
		}},
		{"in a file that is included", map[string]string{
			"z/a.example.zone": soa + "a A 192.0.2.1\n$INCLUDE hosts.inc\n", "z/hosts.inc": "\nb A 192.0.2.1\nc A x\n",
		}, []string{
			`z/hosts.inc:3:5: want an IPv4 address, not "x"`,
		}},
		{"after a file that is included", map[string]string{
			"z/a.example.zone": soa + "$INCLUDE hosts.inc\n\nc A x\n", "z/hosts.inc": "b A 192.0.2.1",
		}, []string{
			`z/a.example.zone:4:5: want an IPv4 address, not "x"`,
		}},
		{"from $GENERATE", map[string]string{"a.example.zone": soa + "a A 192.0.2.1\n$GENERATE 250-260 h$ A 192.0.2.$\n"}, []string{
			`a.example.zone:3: want an IPv4 address, not "192.0.2.256"`,
		}},
		{"no such file", map[string]string{"z/a.example.zone": soa + "$INCLUDE hosts.inc\n"}, []string{
			`z/a.example.zone:2:10: z/hosts.inc: cannot be read: no such file or directory`,
		}},
		{"out of the folder", map[string]string{"z/a.example.zone": soa + "$INCLUDE ../../etc/passwd\n"}, []string{
			`z/a.example.zone:2:10: ../etc/passwd: not below the root file's folder`,
		}},
		{"not out of the folder", map[string]string{"z/a.example.zone": soa + "$INCLUDE /etc/passwd\n"}, []string{
			`z/a.example.zone:2:10: etc/passwd: cannot be read: no such file or directory`,
		}},
		{"a file that includes itself", map[string]string{"a.example.zone": soa + "$INCLUDE a.example.zone\n"}, []string{
			`a.example.zone:2:10: $INCLUDE: a.example.zone: it includes itself`,
		}},
		{"files that include each other", map[string]string{
			"a.example.zone": soa + "$INCLUDE b.example.zone\n", "b.example.zone": soa + "$INCLUDE a.example.zone\n",
		}, []string{
			`a.example.zone:2:10: $INCLUDE: b.example.zone: it includes itself`,
			`b.example.zone:2:10: $INCLUDE: a.example.zone: it includes itself`,
		}},
		{"no zone", map[string]string{"hosts": "a A 192.0.2.1\n"}, []string{
			`hosts:1:1: nothing tells which zone this file is: neither an SOA record with an absolute name nor the name of the file ` +
				`(begin it with $ORIGIN, or name it after its zone: "acme.example.zone")`,
		}},
		{"no records", map[string]string{"a.example.zone": "; to be written\n", "b.example.zone": ""}, []string{
			`a.example.zone:1:1: there are no records in this file`,
			`b.example.zone:1:1: there are no records in this file`,
		}},
		{"a type that nobody knows", map[string]string{"a.example.zone": soa + "a AAA 192.0.2.1\n"}, []string{
			`a.example.zone:2:3: want a type, class or TTL, not "AAA"`,
		}},
		{"no zone file", map[string]string{"a.yaml": "version: 1\n"}, []string{
			`a.yaml:1: the record has no type`,
		}},
		{"two files of one zone", map[string]string{"a.example.zone": soa, "sub/a.example.zone": soa}, []string{
			`sub/a.example.zone:1:1: this file holds the zone "a.example.", and so does a.example.zone ` +
				`(name only the one that is served to the world)`,
		}},
		{"a file that is included and named", map[string]string{"a.example.zone": soa + "$INCLUDE hosts\n", "hosts": "a A 192.0.2.1\n"}, nil},
		{"outside of the zone", map[string]string{"a.example.zone": soa + "a.exmaple. A 192.0.2.1\nb.exmaple. A 192.0.2.2\n"}, []string{
			`a.example.zone:2:14: "a.exmaple." lies outside of the zone "a.example." of this file: name servers do not serve it`,
		}},
		{"a waiver", map[string]string{"a.example.zone": soa + "; revmap:ignore reverse-missing\n"}, []string{
			`a.example.zone:2:1: the waiver has no reason (write: revmap:ignore RULE until=2027-01-31 reason="why"; until may be left out)`,
		}},
		{"a quote that does not end", map[string]string{"a.example.zone": soa + "a TXT \"b\nc A 192.0.2.1\n"}, []string{
			`a.example.zone:2:1: a quoted text does not end`,
		}},
		{"a bracket that does not end", map[string]string{"a.example.zone": soa + "a A ( 192.0.2.1\n"}, []string{
			`a.example.zone:2:1: a parenthesis is not closed`,
		}},
	} {
		t.Run(test.name, func(t *testing.T) {
			_, findings := load(t, test.files)
			var got []string
			for _, d := range findings {
				s := fmt.Sprintf("%s: %s", d.Pos, d.Message)
				if d.Hint != "" {
					s += " (" + d.Hint + ")"
				}
				got = append(got, s)
			}
			if diff := cmp.Diff(test.want, got); diff != "" {
				t.Errorf("(-want +got):\n%s", diff)
			}
		})
	}
}
