package source

import (
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/revmap/revmap/gen/diag"
)

func TestWaivers(t *testing.T) {
	at := func(line, column int) diag.Position { return diag.Position{File: "a.zone", Line: line, Column: column} }
	got, found := Waivers("a.zone", []byte("; zone\r\n"+
		"größe A 192.0.2.1 ; revmap:ignore a, b-2 until=2027-01-31 reason=\"it's ; so\"\r\n"+
		";revmap:ignore c reason=x\r\n"+
		"\r\n"+
		"; more\r\n"+
		"mail A 192.0.2.2 ; not revmap:ignore d\r\n"), ';')
	want := []Waiver{
		{
			Pos: at(2, 19), End: at(2, 77), Line: 2, Rules: []Text{{"a", at(2, 35)}, {"b-2", at(2, 38)}},
			Until: time.Date(2027, 1, 31, 0, 0, 0, 0, time.UTC), Reason: "it's ; so",
		},
		{Pos: at(3, 1), End: at(3, 26), Line: 6, Rules: []Text{{"c", at(3, 16)}}, Reason: "x"},
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("waivers (-want +got):\n%s", diff)
	}
	if len(found) > 0 {
		t.Errorf("%+v", found)
	}
}

func TestWaiverExpired(t *testing.T) {
	until := Waiver{Until: time.Date(2027, 1, 31, 0, 0, 0, 0, time.UTC)}
	for day, want := range map[string]bool{
		"2027-01-31T00:00:00Z": false, "2027-01-31T23:59:59Z": false, "2027-02-01T00:00:00Z": true,
		"2027-02-01T00:30:00+02:00": false, "2026-12-31T12:00:00Z": false,
	} {
		now, err := time.Parse(time.RFC3339, day)
		if err != nil {
			t.Fatal(err)
		}
		if got := until.Expired(now); got != want {
			t.Errorf("at %s: %v", day, got)
		}
		if new(Waiver).Expired(now) {
			t.Errorf("one without a day expires at %s", day)
		}
	}
}

func FuzzWaivers(f *testing.F) {
	f.Add([]byte("# revmap:ignore name-shared until=2027-01-31 reason=\"x\"\n"))
	f.Add([]byte("a: b # revmap:ignore x, y reason=z\n# revmap:\nrevmap:revmap:"))
	f.Fuzz(func(t *testing.T, data []byte) {
		list, found := Waivers("f", data, '#')
		for _, w := range list {
			if len(w.Rules) == 0 || w.Reason == "" || w.Line < w.Pos.Line || w.Pos.Compare(w.End) >= 0 {
				t.Errorf("%+v", w)
			}
		}
		for _, d := range found {
			if d.Pos.Line < 1 || d.Pos.Column < 1 || d.Pos.Compare(d.End) >= 0 {
				t.Errorf("%+v", d)
			}
		}
	})
}
