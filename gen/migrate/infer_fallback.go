package migrate

import (
	"net/netip"
	"slices"
	"strings"

	"github.com/revmap/revmap/gen/model"
	"github.com/revmap/revmap/gen/source"
	"github.com/revmap/revmap/internal/hostname"
)

// inferFallback returns a template that makes the names of z out of their addresses: it has to give all of them but
// those that have other names, at least half, and no name to an address that has none. A block of IPv6 has too many.
func (m *maker) inferFallback(z keptZone) source.Template {
	if z.Prefix.Addr().Is6() || z.Prefix.Bits() < 16 || len(z.PTRs) == 0 {
		return source.Template{}
	}
	var votes poll
	step := max(1, len(z.PTRs)/64)
	for i := 0; i < len(z.PTRs); i += step {
		for _, t := range templatesOf(z.PTRs[i]) {
			votes.vote(t, 0)
		}
	}
	text, _ := votes.leader()
	if text == "" {
		return source.Template{}
	}
	t, err := hostname.Parse(text)
	if err != nil || t.Invertible(false) != nil {
		return source.Template{}
	}
	made, others, rest := 0, 0, z.delegations
	for a := z.Prefix.Addr(); z.Prefix.Contains(a); a = a.Next() {
		for len(rest) > 0 && rest[0].Prefix.Addr().Less(a) && !rest[0].Prefix.Contains(a) {
			rest = rest[1:]
		}
		if len(rest) > 0 && rest[0].Prefix.Contains(a) {
			continue
		}
		i, ok := m.byAddr[a]
		if !ok || len(m.hosts[i].names) == 0 {
			return source.Template{}
		}
		h := &m.hosts[i]
		name, err := t.Expand(hostname.Values{Addr: a})
		if err == nil && len(h.names) == 1 && h.names[0].Value == name && !h.ttl.Pos.IsValid() {
			made++
		} else {
			others++
		}
	}
	if made < others || made == 0 {
		return source.Template{}
	}
	return source.Template{T: t, Pos: z.Pos}
}

// isFallback reports whether the fallback of its block gives h its names.
func (m *maker) isFallback(h *host) bool {
	e, _ := m.inv.Lookup(h.addr.Addr)
	return e.Origin == model.Fallback && len(h.names) == 1 && h.names[0].Value == e.Names[0] && !h.ttl.Pos.IsValid()
}

// A form is how names have the octets of an address.
type form struct {
	text  string // in a template
	whole bool   // it has all octets
	*hostname.Template
}

// forms are those of names that are made of addresses, the likely ones first.
var forms = []form{
	newForm("{ip}", true),
	newForm("{a}.{b}.{c}.{d}", true),
	newForm("{rev}", true),
	newForm("{d}-{c}-{b}-{a}", true),
	newForm("{a:03}-{b:03}-{c:03}-{d:03}", true),
	newForm("{a:03}{b:03}{c:03}{d:03}", true),
	newForm("{a:02x}{b:02x}{c:02x}{d:02x}", true),
	newForm("{c}-{d}", false),
	newForm("{d}-{c}", false),
	newForm("{d:03}", false),
	newForm("{d}", false),
}

func newForm(text string, whole bool) form {
	t, err := hostname.Parse(text)
	if err != nil {
		panic(err) // one of those above is wrong
	}
	return form{text, whole, t}
}

// within returns the offsets in name where f has the octets of addr, with no digit beside them.
func (f *form) within(name string, addr netip.Addr) (offsets []int, size int) {
	var buf [64]byte
	b, err := f.Append(buf[:0], hostname.Values{Addr: addr})
	if err != nil {
		return nil, 0
	}
	octets := string(b[:len(b)-1]) // without the final dot
	digit := func(i int) bool { return i >= 0 && i < len(name) && '0' <= name[i] && name[i] <= '9' }
	for i := 0; ; i++ {
		n := strings.Index(name[i:], octets)
		if n < 0 {
			return offsets, len(octets)
		}
		if i += n; !digit(i-1) && !digit(i+len(octets)) {
			offsets = append(offsets, i)
		}
	}
}

// templatesOf returns the templates that can have made the name of p.
func templatesOf(p PTR) (list []string) {
	for _, f := range forms {
		offsets, size := f.within(p.Name, p.Addr)
		for _, i := range offsets {
			list = append(list, p.Name[:i]+f.text+p.Name[i+size:])
		}
	}
	return list
}

// isMadeOf reports whether g is one address of IPv4 whose name is made of it.
func isMadeOf(g []*host) bool {
	return len(g) == 1 && g[0].addr.Is4() && slices.ContainsFunc(forms, func(f form) bool {
		offsets, _ := f.within(g[0].names[0].Value, g[0].addr.Addr)
		return f.whole && len(offsets) > 0
	})
}
