package build

import (
	"encoding/binary"
	"net/netip"
	"time"

	"github.com/revmap/revmap/gen/diag"
	"github.com/revmap/revmap/gen/lint"
	"github.com/revmap/revmap/gen/packed"
	"github.com/revmap/revmap/gen/source"
)

// An encoder writes what a decoder reads: numbers as varints, text and lists with their length in front.
type encoder struct{ b []byte }

func (e *encoder) number(n int)   { e.b = binary.AppendUvarint(e.b, uint64(n)) }
func (e *encoder) text(s string)  { e.b = packed.AppendText(e.b, s) }
func (e *encoder) bytes(s []byte) { e.b = packed.AppendText(e.b, s) }
func (e *encoder) word(n uint64)  { e.b = binary.LittleEndian.AppendUint64(e.b, n) }

func (e *encoder) flag(b bool) {
	n := 0
	if b {
		n = 1
	}
	e.number(n)
}

// A decoder reads what an encoder has written.
type decoder struct{ packed.Reader }

func decode(data string) decoder { return decoder{packed.Reader{Rest: data}} }

func (d *decoder) word() uint64 {
	s := d.Take(8)
	if s == "" {
		return 0
	}
	return binary.LittleEndian.Uint64([]byte(s))
}

func (e *encoder) words(list []uint64) {
	e.number(len(list))
	for _, n := range list {
		e.word(n)
	}
}

func (d *decoder) words() []uint64 {
	n := d.Number()
	if n > len(d.Rest)/8 {
		d.Fail()
		return nil
	}
	list := make([]uint64, n)
	for i := range list {
		list[i] = d.word()
	}
	return list
}

// position writes p. Most are in the file of the result.
func (e *encoder) position(p diag.Position, file string) {
	switch p.File {
	case "":
		e.number(0)
	case file:
		e.number(1)
	default:
		e.number(2)
		e.text(p.File)
	}
	e.number(p.Line)
	e.number(p.Column)
}

func (d *decoder) position(file string) diag.Position {
	var p diag.Position
	switch d.Number() {
	case 0:
	case 1:
		p.File = file
	default:
		p.File = d.Text()
	}
	p.Line, p.Column = d.Number(), d.Number()
	return p
}

func (e *encoder) diagnostic(f *diag.Diagnostic, file string) {
	e.position(f.Pos, file)
	e.position(f.End, file)
	e.number(int(f.Severity))
	e.text(f.Rule)
	e.text(f.Message)
	e.text(f.Hint)
	e.number(len(f.Related))
	for _, r := range f.Related {
		e.position(r.Pos, file)
		e.text(r.Message)
	}
}

func (d *decoder) diagnostic(file string) diag.Diagnostic {
	f := diag.Diagnostic{
		Pos: d.position(file), End: d.position(file), Severity: diag.Severity(d.Number()),
		Rule: d.Text(), Message: d.Text(), Hint: d.Text(),
	}
	for range d.Count() {
		f.Related = append(f.Related, diag.Related{Pos: d.position(file), Message: d.Text()})
	}
	return f
}

func (e *encoder) diagnostics(l diag.List, file string) {
	e.number(len(l))
	for i := range l {
		e.diagnostic(&l[i], file)
	}
}

func (d *decoder) diagnostics(file string) diag.List {
	var l diag.List
	for range d.Count() {
		l = append(l, d.diagnostic(file))
	}
	return l
}

// encode returns p, which is of a file alone, as decodePart reads it.
func (p *part) encode(file string) []byte {
	e := encoder{make([]byte, 0, len(p.fragment.Entries)+len(p.fragment.Hosts)+8*(len(p.keys)+len(p.sought))+1<<10)}
	e.diagnostics(p.findings.Findings, file)
	e.number(len(p.findings.Groups))
	for _, g := range p.findings.Groups {
		e.text(g.Rule)
		e.text(g.Name)
		e.number(g.Total)
		e.number(len(g.First))
		for i := range g.First {
			e.bytes(g.First[i].Addr.AsSlice())
			e.diagnostic(&g.First[i].Diagnostic, file)
		}
	}
	e.text(p.fragment.Entries)
	e.text(p.fragment.Hosts)
	e.words(p.keys)
	e.words(p.sought)
	return e.b
}

// decodePart is the inverse of encode. It reports whether data is what that wrote.
func decodePart(data string, file string) (p part, ok bool) {
	d := decode(data)
	p.findings.Findings = d.diagnostics(file)
	for range d.Count() {
		g := lint.Group{Rule: d.Text(), Name: d.Text(), Total: d.Number()}
		for range d.Count() {
			addr, _ := netip.AddrFromSlice([]byte(d.Text()))
			g.First = append(g.First, lint.Grouped{Addr: addr, Diagnostic: d.diagnostic(file)})
		}
		if lint.Find(g.Rule) == nil || len(g.First) == 0 {
			return part{}, false
		}
		p.findings.Groups = append(p.findings.Groups, g)
	}
	p.fragment.Entries, p.fragment.Hosts = d.Text(), d.Text()
	p.keys, p.sought = d.words(), d.words()
	return p, !d.Failed && d.Rest == ""
}

// encode returns f as decodeFacts reads it.
func (f *facts) encode(file string) string {
	var e encoder
	e.b = append(e.b, f.frame[:]...)
	e.number(len(f.accounts))
	for i := range f.accounts {
		e.text(f.accounts[i].name)
		e.b = append(e.b, f.accounts[i].digest[:]...)
	}
	e.number(len(f.wants))
	for _, name := range f.wants {
		e.text(name)
	}
	for _, word := range f.lengths {
		e.word(word)
	}
	e.number(len(f.waivers))
	for i := range f.waivers {
		w := &f.waivers[i]
		e.position(w.Pos, file)
		e.position(w.End, file)
		e.number(w.Line)
		e.number(len(w.Rules))
		for _, r := range w.Rules {
			e.text(r.Value)
			e.position(r.Pos, file)
		}
		until := ""
		if !w.Until.IsZero() {
			until = w.Until.Format(time.DateOnly)
		}
		e.text(until)
		e.text(w.Reason)
	}
	e.diagnostics(f.findings, file)
	return string(e.b)
}

// decodeFacts is the inverse of encode. It reports whether data is what that wrote.
func decodeFacts(data string, file string) (f facts, ok bool) {
	d := decode(data)
	copy(f.frame[:], d.Take(len(f.frame)))
	for range d.Count() {
		a := account{name: d.Text()}
		copy(a.digest[:], d.Take(len(a.digest)))
		f.accounts = append(f.accounts, a)
	}
	for range d.Count() {
		f.wants = append(f.wants, d.Text())
	}
	for i := range f.lengths {
		f.lengths[i] = d.word()
	}
	for range d.Count() {
		w := source.Waiver{Pos: d.position(file), End: d.position(file), Line: d.Number()}
		for range d.Count() {
			w.Rules = append(w.Rules, source.Text{Value: d.Text(), Pos: d.position(file)})
		}
		if until := d.Text(); until != "" {
			day, err := time.Parse(time.DateOnly, until)
			if err != nil {
				return facts{}, false
			}
			w.Until = day
		}
		w.Reason = d.Text()
		f.waivers = append(f.waivers, w)
	}
	f.findings = d.diagnostics(file)
	if d.Failed || d.Rest != "" {
		return facts{}, false
	}
	return f, true
}

// encodeAccount returns what a definition says, and where.
func encodeAccount(a *source.Account) []byte {
	var e encoder
	e.text(a.Name.Value)
	e.position(a.Name.Pos, "")
	for _, n := range a.Domains {
		e.text(n.Value)
		e.position(n.Pos, "")
	}
	return e.b
}
