package revmap

import (
	"encoding/hex"

	"github.com/miekg/dns"

	"github.com/revmap/revmap/internal/authority"
)

// A message is a response with room for its question and one RR. Responses of one PTR or SOA RR, which are nearly all,
// embed it beside that RR, so that they take one allocation. They are not reused, and no RR is shared between them:
// other plugins keep responses, or change them in place.
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
// OPT RR: the server adds one where the request has one. The server also truncates, and sets TC if as much as one glue
// address does not fit (RFC 9471 section 3.1).
func reply(r *dns.Msg, a *authority.Answer) *dns.Msg {
	var m *message
	answer, ns, extra := a.Len(authority.AnswerSection), a.Len(authority.AuthoritySection), a.Len(authority.AdditionalSection)
	switch {
	case answer+ns+extra == 1 && answer == 1 && a.Type == dns.TypePTR:
		p := new(ptrMessage)
		setPTR(&p.ptr, a.Record(authority.AnswerSection, 0))
		m, p.rr[0] = &p.message, &p.ptr
		m.Answer = m.rr[:]
	case answer+ns+extra == 1 && answer == 1 && a.Type == dns.TypeSOA:
		s := new(soaMessage)
		setSOA(&s.soa, a.Record(authority.AnswerSection, 0))
		m, s.rr[0] = &s.message, &s.soa
		m.Answer = m.rr[:]
	case answer+ns+extra == 1 && ns == 1 && a.Kind != authority.Referral:
		s := new(soaMessage)
		setSOA(&s.soa, a.Record(authority.AuthoritySection, 0))
		m, s.rr[0] = &s.message, &s.soa
		m.Ns = m.rr[:]
	default:
		m = new(message)
		m.Answer = section(a, authority.AnswerSection, answer)
		m.Ns = section(a, authority.AuthoritySection, ns)
		m.Extra = section(a, authority.AdditionalSection, extra)
	}
	// What SetReply of dns.Msg does, without allocating for the question.
	m.Id = r.Id
	m.Response = true
	m.Opcode = r.Opcode
	m.Authoritative = a.AA()
	m.RecursionDesired = r.RecursionDesired
	m.CheckingDisabled = r.CheckingDisabled
	m.Rcode = a.Rcode()
	m.question[0] = r.Question[0]
	m.Question = m.question[:]
	return &m.Msg
}

// section returns the n RRs of a section.
func section(a *authority.Answer, s authority.Section, n int) []dns.RR {
	if n == 0 {
		return nil
	}
	rrs := make([]dns.RR, n)
	for i := range rrs {
		rrs[i] = resourceRecord(a.Record(s, i))
	}
	return rrs
}

// resourceRecord returns r as an RR, whose strings alias the generation.
func resourceRecord(r authority.Record) dns.RR {
	h := header(r)
	switch r.Type {
	case authority.TypeA:
		return &dns.A{Hdr: h, A: r.Addr.AsSlice()}
	case authority.TypeAAAA:
		return &dns.AAAA{Hdr: h, AAAA: r.Addr.AsSlice()}
	case authority.TypeNS:
		return &dns.NS{Hdr: h, Ns: r.Target}
	case authority.TypeCNAME:
		return &dns.CNAME{Hdr: h, Target: r.Target}
	case authority.TypeTXT:
		return &dns.TXT{Hdr: h, Txt: []string{r.Text}}
	case authority.TypeDS:
		return &dns.DS{
			Hdr:        h,
			KeyTag:     r.DS.KeyTag,
			Algorithm:  r.DS.Algorithm,
			DigestType: r.DS.DigestType,
			Digest:     hex.EncodeToString([]byte(r.DS.Digest)),
		}
	case authority.TypeSOA:
		soa := new(dns.SOA)
		setSOA(soa, r)
		return soa
	}
	ptr := new(dns.PTR)
	setPTR(ptr, r)
	return ptr
}

func header(r authority.Record) dns.RR_Header {
	return dns.RR_Header{Name: r.Owner, Rrtype: r.Type, Class: dns.ClassINET, Ttl: r.TTL}
}

func setPTR(ptr *dns.PTR, r authority.Record) { ptr.Hdr, ptr.Ptr = header(r), r.Target }

func setSOA(soa *dns.SOA, r authority.Record) {
	z := r.SOA
	*soa = dns.SOA{
		Hdr:     header(r),
		Ns:      z.SOA.Primary,
		Mbox:    z.SOA.Contact,
		Serial:  z.Serial,
		Refresh: z.SOA.Refresh,
		Retry:   z.SOA.Retry,
		Expire:  z.SOA.Expire,
		Minttl:  z.SOA.Minimum,
	}
}
