package fastpath_test

import (
	"runtime"
	"testing"
	"weak"

	"github.com/miekg/dns"

	"github.com/revmap/revmap/internal/fastpath"
	"github.com/revmap/revmap/internal/snapshot"
)

// pack returns a query, with some EDNS options if there are any.
func pack(t testing.TB, qname string, qtype uint16, options ...dns.EDNS0) []byte {
	t.Helper()
	m := new(dns.Msg).SetQuestion(qname, qtype)
	if len(options) > 0 {
		m.SetEdns0(1232, false)
		m.IsEdns0().Option = options
	}
	b, err := m.Pack()
	if err != nil {
		t.Fatal(err)
	}
	return b
}

// TestOptions asks questions that are ours or not depending on what else there is.
func TestOptions(t *testing.T) {
	const (
		apex    = "2.0.192.in-addr.arpa."
		name4   = "10." + apex
		none4   = "11." + apex
		alias   = "160.2.0.192.in-addr.arpa." // whose target is not ours
		aliased = "194.2.0.192.in-addr.arpa." // whose target does not exist
		odd     = "x.2.0.192.in-addr.arpa."
		host    = "web1.host.example."
		none    = "none.host.example."
		name6   = "1.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.8.b.d.0.1.0.0.2.ip6.arpa."
	)
	all := []string{"."}
	g := generation(t, content(t))
	type options = fastpath.Options
	for _, test := range []struct {
		what  string
		o     options
		qname string
		qtype uint16
		ours  bool
	}{
		{"everything", options{Zones: all}, name4, dns.TypePTR, true},
		{"no zone", options{}, name4, dns.TypePTR, false},
		{"another zone", options{Zones: []string{"ip6.arpa."}}, name4, dns.TypePTR, false},
		{"another zone, a name of no address", options{Zones: []string{"ip6.arpa."}}, odd, dns.TypePTR, false},
		{"arpa", options{Zones: []string{"arpa."}}, name6, dns.TypePTR, true},
		{"the zone itself", options{Zones: []string{apex}}, "2.0.192.IN-addr.arpa.", dns.TypeSOA, true},
		{"the name itself", options{Zones: []string{name4}}, name4, dns.TypePTR, true},
		{"below the name", options{Zones: []string{"1." + name4}}, name4, dns.TypePTR, false},
		{"no label", options{Zones: []string{"92.in-addr.arpa."}}, name4, dns.TypePTR, false},
		{"no label of a name of no address", options{Zones: []string{"92.in-addr.arpa."}}, odd, dns.TypePTR, false},

		{"a dot in a label", options{Zones: []string{"web1.host.example."}}, `x\.` + host, dns.TypeA, false},
		{"a backslash in a label", options{Zones: []string{"web1.host.example."}}, `x\\.` + host, dns.TypeA, true},
		{"a dot in a label above", options{Zones: []string{"host.example."}}, `x\.` + host, dns.TypeA, true},
		{"a dot in a label elsewhere", options{Zones: all, Elsewhere: []string{host}}, `x\.` + host, dns.TypeA, true},

		{"elsewhere", options{Zones: all, Elsewhere: []string{"192.in-addr.arpa."}}, name4, dns.TypePTR, false},
		{"elsewhere, no address", options{Zones: all, Elsewhere: []string{"192.in-addr.arpa."}}, odd, dns.TypePTR, false},
		{"elsewhere, at the name", options{Zones: all, Elsewhere: []string{host}}, host, dns.TypeA, false},
		{"beside", options{Zones: all, Elsewhere: []string{"198.in-addr.arpa.", "net."}}, name4, dns.TypePTR, true},
		{"DS beside", options{Zones: all, DSElsewhere: true}, name4, dns.TypeDS, false},
		{"PTR beside", options{Zones: all, DSElsewhere: true}, name4, dns.TypePTR, true},
		{"DS alone", options{Zones: all}, name4, dns.TypeDS, true},

		{"falls through", options{Zones: all, Fallthrough: all}, none4, dns.TypePTR, false},
		{"falls through, a name of no address", options{Zones: all, Fallthrough: all}, odd, dns.TypePTR, false},
		{"falls through, a host", options{Zones: all, Fallthrough: []string{"example."}}, none, dns.TypeA, false},
		{"falls through elsewhere", options{Zones: all, Fallthrough: []string{"example."}}, none4, dns.TypePTR, true},
		{"is there", options{Zones: all, Fallthrough: all}, name4, dns.TypePTR, true},
		{"is there without the type", options{Zones: all, Fallthrough: all}, name4, dns.TypeA, true},
		{"an alias is there", options{Zones: all, Fallthrough: all}, aliased, dns.TypePTR, true},
		{"an alias to elsewhere is there", options{Zones: all, Fallthrough: all}, alias, dns.TypePTR, true},
	} {
		out := make([]byte, fastpath.MaxResponse)
		r := fastpath.New(test.o).Respond(out, pack(t, test.qname, test.qtype), g)
		if ours := r.N > 0; ours != test.ours {
			t.Errorf("%s: %s %s is answered: %t, want %t", test.what, test.qname, dns.TypeToString[test.qtype], ours, test.ours)
		}
	}
}

func TestEchoed(t *testing.T) {
	g := generation(t, content(t))
	cookie := &dns.EDNS0_COOKIE{Code: dns.EDNS0COOKIE, Cookie: "0123456789abcdef"}
	nsid := &dns.EDNS0_NSID{Code: dns.EDNS0NSID}
	for _, test := range []struct {
		what    string
		echoed  uint16 // 0 is none
		options []dns.EDNS0
		ours    bool
	}{
		{"nothing is echoed", 0, []dns.EDNS0{cookie, nsid}, true},
		{"one of both is", dns.EDNS0NSID, []dns.EDNS0{cookie, nsid}, false},
		{"another is", dns.EDNS0NSID, []dns.EDNS0{cookie}, true},
		{"no options", dns.EDNS0NSID, nil, true},
	} {
		o := fastpath.Options{Zones: []string{"."}, Echoed: func(code uint16) bool { return code == test.echoed }}
		out := make([]byte, fastpath.MaxResponse)
		r := fastpath.New(o).Respond(out, pack(t, "10.2.0.192.in-addr.arpa.", dns.TypePTR, test.options...), g)
		if ours := r.N > 0; ours != test.ours {
			t.Errorf("%s: it is answered: %t, want %t", test.what, ours, test.ours)
		}
	}
}

// TestGeneration: without one there is nothing to answer, and each batch is answered from its own.
func TestGeneration(t *testing.T) {
	r := fastpath.New(fastpath.Options{Zones: []string{"."}})
	out := make([]byte, fastpath.MaxResponse)
	packet := pack(t, "10.2.0.192.in-addr.arpa.", dns.TypePTR)
	if result := r.Respond(out, packet, nil); result != (fastpath.Result{}) {
		t.Errorf("without a generation: %+v", result)
	}
	for range 3 {
		if result := r.Respond(out, packet, generation(t, content(t))); result.N == 0 {
			t.Error("no response")
		}
	}
}

// TestLetsGo: between batches, nothing keeps a generation in memory.
func TestLetsGo(t *testing.T) {
	r := fastpath.New(fastpath.Options{Zones: []string{"."}})
	out := make([]byte, fastpath.MaxResponse)
	packets := [][]byte{
		pack(t, "10.2.0.192.in-addr.arpa.", dns.TypePTR), pack(t, "193.2.0.192.in-addr.arpa.", dns.TypePTR),
		pack(t, "6.113.0.203.in-addr.arpa.", dns.TypePTR), pack(t, "web1.host.example.", dns.TypeA),
	}
	answered := func() weak.Pointer[snapshot.Reader] {
		g := generation(t, content(t))
		r.Prepare(packets, g)
		for i := range packets {
			if r.RespondTo(i, out).N == 0 {
				t.Errorf("packet %d is not answered", i)
			}
		}
		r.Prepare(nil, nil)
		r.Respond(out, packets[0], g)
		return weak.Make(g.Reader())
	}()
	for range 10 {
		runtime.GC()
		if answered.Value() == nil {
			break
		}
	}
	if answered.Value() != nil {
		t.Error("the generation is still there")
	}
	runtime.KeepAlive(r)
}

func TestNothingIsAllocated(t *testing.T) {
	c := newComparison(t, content(t), 0, ".")
	g := newGenerator(c.g, 3)
	for range 200 {
		var batch [][]byte
		for _, p := range g.batch(t) {
			batch = append(batch, p.b)
		}
		allocs := testing.AllocsPerRun(1, func() { // which runs once before
			c.responder.Prepare(batch, c.g)
			for i := range batch {
				c.responder.RespondTo(i, c.out)
			}
			c.responder.Prepare(nil, nil)
		})
		if allocs > 0 {
			t.Fatalf("%v allocations for %x", allocs, batch)
		}
	}
}

// FuzzRespond compares what is answered with what CoreDNS answers.
func FuzzRespond(f *testing.F) {
	c := newComparison(f, content(f), 0, ".")
	g := newGenerator(c.g, 4)
	for range 500 {
		f.Add(g.packet(f).b)
	}
	f.Fuzz(func(t *testing.T, b []byte) {
		r := c.compare(t, packet{b, false})[0]
		if r.N > 0 && b[2]&0x80 != 0 {
			t.Error("a response to a response")
		}
	})
}
