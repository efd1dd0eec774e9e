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

// An otherMessage has room for what other responses usually hold: a referral its name servers, an alias what it leads to.
type otherMessage struct {
	message
	rrs   [4]dns.RR
	ns    [4]dns.NS
	cname [1]dns.CNAME
	ptr   [1]dns.PTR
}

// room is what is left in an otherMessage. The zero room is none: then all is allocated.
type room struct {
	rrs   []dns.RR
	ns    []dns.NS
	cname []dns.CNAME
	ptr   []dns.PTR
}

// next returns the next element of what is left, or a new one.
func next[T any](left *[]T) *T {
	if len(*left) == 0 {
		return new(T)
	}
	first := &(*left)[0]
	*left = (*left)[1:]
	return first
}

// reply returns the response to r that a, which is not Outside, decides. Its strings are those of a. It has no OPT
// RR: the server adds one where the request has one. The server also truncates, and sets TC if as much as one glue
// address does not fit (RFC 9471 section 3.1).
func reply(r *dns.Msg, a *authority.Answer) *dns.Msg {
	answer, ns := a.Len(authority.AnswerSection), a.Len(authority.AuthoritySection)
	var m *message
	switch {
	case answer == 1 && ns == 0 && a.Type == dns.TypePTR:
		m = onePTR(a)
	case answer == 1 && ns == 0 && a.Type == dns.TypeSOA:
		m = oneSOA(a, authority.AnswerSection)
		m.Answer = m.rr[:]
	case answer == 0 && ns == 1 && a.Kind != authority.Referral:
		m = oneSOA(a, authority.AuthoritySection)
		m.Ns = m.rr[:]
	default:
		m = other(a)
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

// onePTR returns a message with the PTR RR of a.
func onePTR(a *authority.Answer) *message {
	m := new(ptrMessage)
	r := a.Record(authority.AnswerSection, 0)
	setPTR(&m.ptr, &r)
	m.rr[0] = &m.ptr
	m.Answer = m.rr[:]
	return &m.message
}

// oneSOA returns a message with the SOA RR that a has in a section, in none of its sections yet.
func oneSOA(a *authority.Answer, s authority.Section) *message {
	m := new(soaMessage)
	r := a.Record(s, 0)
	setSOA(&m.soa, &r)
	m.rr[0] = &m.soa
	return &m.message
}

// other returns a message with all RRs of a.
func other(a *authority.Answer) *message {
	m := new(otherMessage)
	left := room{m.rrs[:], m.ns[:], m.cname[:], m.ptr[:]}
	m.Answer = left.section(a, authority.AnswerSection)
	m.Ns = left.section(a, authority.AuthoritySection)
	m.Extra = left.section(a, authority.AdditionalSection)
	return &m.message
}

// section returns the RRs of a section.
func (left *room) section(a *authority.Answer, s authority.Section) []dns.RR {
	n := a.Len(s)
	if n == 0 {
		return nil
	}
	var rrs []dns.RR
	if n <= len(left.rrs) {
		rrs, left.rrs = left.rrs[:n:n], left.rrs[n:]
	} else {
		rrs = make([]dns.RR, n)
	}
	for i := range rrs {
		rrs[i] = left.resourceRecord(a.Record(s, i))
	}
	return rrs
}

// resourceRecord returns r as an RR, with the strings of r.
func resourceRecord(r authority.Record) dns.RR { return new(room).resourceRecord(r) }

func (left *room) resourceRecord(r authority.Record) dns.RR {
	switch r.Type {
	case authority.TypeA:
		return &dns.A{Hdr: header(&r), A: r.Addr.AsSlice()}
	case authority.TypeAAAA:
		return &dns.AAAA{Hdr: header(&r), AAAA: r.Addr.AsSlice()}
	case authority.TypeNS:
		ns := next(&left.ns)
		ns.Hdr, ns.Ns = header(&r), r.Target
		return ns
	case authority.TypeCNAME:
		cname := next(&left.cname)
		cname.Hdr, cname.Target = header(&r), r.Target
		return cname
	case authority.TypeTXT:
		return &dns.TXT{Hdr: header(&r), Txt: []string{r.Text}}
	case authority.TypeDS:
		return &dns.DS{
			Hdr:        header(&r),
			KeyTag:     r.DS.KeyTag,
			Algorithm:  r.DS.Algorithm,
			DigestType: r.DS.DigestType,
			Digest:     hex.EncodeToString([]byte(r.DS.Digest)),
		}
	case authority.TypeSOA:
		soa := new(dns.SOA)
		setSOA(soa, &r)
		return soa
	}
	ptr := next(&left.ptr)
	setPTR(ptr, &r)
	return ptr
}

func header(r *authority.Record) dns.RR_Header {
	return dns.RR_Header{Name: r.Owner, Rrtype: r.Type, Class: dns.ClassINET, Ttl: r.TTL}
}

func setPTR(ptr *dns.PTR, r *authority.Record) { ptr.Hdr, ptr.Ptr = header(r), r.Target }

func setSOA(soa *dns.SOA, r *authority.Record) {
	z := r.SOA
	soa.Hdr = header(r)
	soa.Ns, soa.Mbox = z.SOA.Primary, z.SOA.Contact
	soa.Serial = z.Serial
	soa.Refresh, soa.Retry, soa.Expire, soa.Minttl = z.SOA.Refresh, z.SOA.Retry, z.SOA.Expire, z.SOA.Minimum
}
