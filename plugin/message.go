package revmap

import (
	"github.com/miekg/dns"

	"github.com/revmap/revmap/internal/authority"
	"github.com/revmap/revmap/internal/snapshot"
)

// A message is a response with room for its question and one RR. Responses of one RR, which are nearly all, embed it
// beside that RR, so that they take one allocation. They are not reused, and no RR is shared between them: other
// plugins keep responses, or change them in place.
type message struct {
	dns.Msg
	question [1]dns.Question
	rr       [1]dns.RR
}

type ptrMessage struct {
	message
	ptr dns.PTR
}

type soaMessage struct {
	message
	soa dns.SOA
}

// reply returns the response to r that a, which is not Outside, decides. Its strings alias the generation. It has no
// OPT RR: the server adds one where the request has one.
func reply(r *dns.Msg, a *authority.Answer) *dns.Msg {
	qname := r.Question[0].Name // the owner, spelled as it was asked for
	switch a.Type {
	case dns.TypePTR:
		if a.Len() > 1 {
			m := new(message)
			m.setReply(r)
			for i := range a.Len() {
				m.Answer = append(m.Answer, &dns.PTR{Hdr: header(qname, dns.TypePTR, a.TTL()), Ptr: a.Target(i)})
			}
			return &m.Msg
		}
		m := &ptrMessage{ptr: dns.PTR{Hdr: header(qname, dns.TypePTR, a.TTL()), Ptr: a.Target(0)}}
		m.setReply(r)
		m.rr[0] = &m.ptr
		m.Answer = m.rr[:]
		return &m.Msg
	case dns.TypeNS:
		m := new(message)
		m.setReply(r)
		for _, ns := range a.Zone.NS {
			m.Answer = append(m.Answer, &dns.NS{Hdr: header(qname, dns.TypeNS, a.TTL()), Ns: ns})
		}
		return &m.Msg
	case dns.TypeSOA:
		m := &soaMessage{soa: soa(qname, a.TTL(), a.Zone)}
		m.setReply(r)
		m.rr[0] = &m.soa
		m.Answer = m.rr[:]
		return &m.Msg
	}
	m := &soaMessage{soa: soa(a.Zone.Name, a.NegativeTTL(), a.Zone)}
	m.setReply(r)
	if a.Kind == authority.NXDomain {
		m.Rcode = dns.RcodeNameError
	}
	m.rr[0] = &m.soa
	m.Ns = m.rr[:]
	return &m.Msg
}

// setReply does what that of dns.Msg does, without allocating for the question, and sets AA.
func (m *message) setReply(r *dns.Msg) {
	m.Id = r.Id
	m.Response = true
	m.Opcode = r.Opcode
	m.Authoritative = true
	m.RecursionDesired = r.RecursionDesired
	m.CheckingDisabled = r.CheckingDisabled
	m.question[0] = r.Question[0]
	m.Question = m.question[:]
}

func header(owner string, rrtype uint16, ttl uint32) dns.RR_Header {
	return dns.RR_Header{Name: owner, Rrtype: rrtype, Class: dns.ClassINET, Ttl: ttl}
}

func soa(owner string, ttl uint32, z *snapshot.Zone) dns.SOA {
	return dns.SOA{
		Hdr:     header(owner, dns.TypeSOA, ttl),
		Ns:      z.SOA.Primary,
		Mbox:    z.SOA.Contact,
		Serial:  z.Serial,
		Refresh: z.SOA.Refresh,
		Retry:   z.SOA.Retry,
		Expire:  z.SOA.Expire,
		Minttl:  z.SOA.Minimum,
	}
}
