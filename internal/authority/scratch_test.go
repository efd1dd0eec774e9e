package authority_test

import (
	"reflect"
	"slices"
	"strings"
	"testing"

	gocmp "github.com/google/go-cmp/cmp"
	"github.com/miekg/dns"

	"github.com/revmap/revmap/internal/arpa"
	"github.com/revmap/revmap/internal/authority"
	"github.com/revmap/revmap/internal/oracle"
)

// A scratchTest asks the same questions with a Scratch.
type scratchTest struct {
	*authority.Generation
	authority.Scratch
	places [3]authority.Place // of this question and the last two
	asked  int
}

// compare compares what is answered by the name, and by the place if it has one, with what the oracle says.
func (s *scratchTest) compare(t *testing.T, want oracle.Response, qname string, qtype uint16, do bool) {
	t.Helper()
	var a authority.Answer
	s.Scratch.Answer(&a, s.Generation, qname, qtype, do)
	compareScratch(t, want, &a, qname, qtype)
	place := &s.places[s.asked%len(s.places)]
	s.asked++
	place.Prefix, _ = arpa.Parse(qname)
	s.Find(s.Generation, s.places[:])
	if place.Prefix.IsValid() && s.AnswerPlace(&a, s.Generation, place, len(qname), qtype, do) {
		compareScratch(t, want, &a, qname, qtype)
	}
}

func compareScratch(t *testing.T, want oracle.Response, a *authority.Answer, qname string, qtype uint16) {
	t.Helper()
	got := oracle.Response{Rcode: "REFUSED"}
	if a.Kind != authority.Outside {
		got = oracle.Response{
			Rcode: dns.RcodeToString[a.Rcode()], AA: a.AA(),
			Answer:     scratchSection(t, a, qname, authority.AnswerSection),
			Authority:  scratchSection(t, a, qname, authority.AuthoritySection),
			Additional: scratchSection(t, a, qname, authority.AdditionalSection),
		}
	}
	if !reflect.DeepEqual(want, got) {
		t.Fatalf("%s %s with a scratch (-oracle +got):\n%s", qname, dns.TypeToString[qtype], gocmp.Diff(want, got))
	}
}

// scratchSection writes a section in the words of the oracle.
func scratchSection(t *testing.T, a *authority.Answer, qname string, s authority.Section) (rrs []string) {
	t.Helper()
	for i := range a.Len(s) {
		r := a.Record(s, i)
		if r.Owner == "" {
			r.Owner = qname
		}
		if a.Above(s) && !strings.HasSuffix("."+strings.ToLower(qname), "."+r.Owner) && r.Owner != qname {
			t.Errorf("%s is said to be above %s", r.Owner, qname)
		}
		rrs = append(rrs, strings.Clone(text(r)))
	}
	slices.Sort(rrs)
	return rrs
}

// allocatesNothing holds that an answer and its records take no allocation.
func (s *scratchTest) allocatesNothing(t *testing.T, qname string, qtype uint16) {
	t.Helper()
	var a authority.Answer
	places := make([]authority.Place, 1)
	places[0].Prefix, _ = arpa.Parse(qname)
	records := func() {
		for section := authority.AnswerSection; section <= authority.AdditionalSection; section++ {
			for i := range a.Len(section) {
				a.Record(section, i)
			}
		}
	}
	allocs := testing.AllocsPerRun(10, func() {
		s.Scratch.Answer(&a, s.Generation, qname, qtype, true)
		records()
		s.Find(s.Generation, places)
		s.AnswerPlace(&a, s.Generation, &places[0], len(qname), qtype, true)
		records()
	})
	if allocs > 0 {
		t.Errorf("%s %s: %v allocations with a scratch", qname, dns.TypeToString[qtype], allocs)
	}
}
