// Package revmap is a CoreDNS plugin that answers for reverse zones, with authority, from a snapshot that the revmap
// command compiled. It watches the file and swaps what it serves without dropping a query.
//
// What is answered is decided by package authority. This package is everything around it: the Corefile, the chain of
// plugins, DNS messages, reloading, metrics and readiness.
package revmap

import (
	"context"
	"strings"

	"github.com/coredns/coredns/plugin"
	"github.com/coredns/coredns/plugin/metadata"
	"github.com/coredns/coredns/plugin/pkg/fall"
	clog "github.com/coredns/coredns/plugin/pkg/log"
	"github.com/miekg/dns"

	"github.com/revmap/revmap/internal/authority"
)

const name = "revmap" // of the plugin and its directive

var log = clog.NewWithPlugin(name)

// A handler is one use of the plugin in a Corefile. It is safe for concurrent use once the server has started.
type handler struct {
	Next plugin.Handler

	zones    zones
	fall     fall.F
	store    *store
	instance *instance // that the store belongs to
	answers  answerCounters
	metadata bool // the metadata plugin is loaded
}

// Name implements plugin.Handler.
func (h *handler) Name() string { return name }

// ServeDNS implements plugin.Handler.
func (h *handler) ServeDNS(ctx context.Context, w dns.ResponseWriter, r *dns.Msg) (int, error) {
	m, rcode := h.answer(ctx, r)
	switch {
	case m != nil:
		w.WriteMsg(m)
		return dns.RcodeSuccess, nil
	case rcode == passOn && h.Next != nil:
		return plugin.NextOrFailure(name, h.Next, ctx, w, r)
	case rcode == passOn:
		return dns.RcodeRefused, nil // NextOrFailure would make that a SERVFAIL, but nothing has failed
	}
	return rcode, nil
}

// passOn is no RCODE: the query is for the next plugin, or refused if there is none.
const passOn = -1

// answer returns the response to r, or nil and the RCODE that the server is to answer with, or passOn.
//
// The server answers each query on a new goroutine, whose stack has to grow on the way down to the socket. What answer
// and its callees need of it is free again by then, which saves a tenth of all that a query costs.
//
//go:noinline
func (h *handler) answer(ctx context.Context, r *dns.Msg) (m *dns.Msg, rcode int) {
	q := &r.Question[0] // the server drops messages without a question
	if q.Qclass != dns.ClassINET || !h.zones.contain(q.Name) {
		return nil, passOn
	}
	g := h.store.generation.Load()
	if g == nil {
		return nil, dns.RcodeServerFailure // started with wait
	}
	opt := r.IsEdns0()
	a := g.Answer(q.Name, q.Qtype, opt != nil && opt.Do())
	switch {
	case a.Kind == authority.Outside:
		return nil, passOn
	case r.Opcode != dns.OpcodeQuery: // NOTIFY, which is for secondaries
		return nil, dns.RcodeNotImplemented
	case q.Qtype == dns.TypeAXFR || q.Qtype == dns.TypeIXFR: // the transfer plugin did not take it
		return nil, dns.RcodeRefused
	case a.Kind == authority.NXDomain && a.Len(authority.AnswerSection) == 0 && // of an alias, the target does not exist
		h.Next != nil && h.fall.Through(q.Name):
		return nil, passOn
	}
	if h.metadata {
		metadata.SetValueFunc(ctx, "revmap/kind", a.Kind.String)
		metadata.SetValueFunc(ctx, "revmap/commit", g.Reader().Commit)
	}
	h.answers[a.Kind].Inc()
	return reply(r, &a), dns.RcodeSuccess
}

// zones are the names at or below which the plugin answers: lower case, with the final dot.
type zones []string

// contain does what plugin.Zones.Contains does, which splits both names into labels and allocates for every query.
func (z zones) contain(qname string) bool {
	for _, zone := range z {
		n := len(qname) - len(zone)
		switch {
		case zone == ".":
			return true
		case n < 0 || n > 0 && !dns.IsFqdn(qname[:n]): // a dot in a label ends none
		case qname[n:] == zone || strings.EqualFold(qname[n:], zone):
			return true
		}
	}
	return false
}
