package source

import (
	"fmt"
	"maps"
	"math/rand/v2"
	"net/netip"
	"os"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"github.com/revmap/revmap/gen/diag"
)

// A said is what a source says of one address.
type said struct {
	Server string // "" if it is of none
	Names  string
	TTL    string
}

// saidBy returns what s says of all addresses that it lists.
func saidBy(s *Source) map[netip.Addr]said {
	m := make(map[netip.Addr]said)
	add := func(server string, list []Address) {
		for _, a := range list {
			e := said{Server: server}
			for _, n := range a.Names {
				e.Names += n.Value + " "
			}
			if a.TTL.Pos.IsValid() {
				e.TTL = fmt.Sprint(a.TTL.Value)
			}
			m[a.Addr.Addr] = e
		}
	}
	add("", s.Addresses)
	for i := range s.Servers {
		add(s.Servers[i].Name.Value, s.Servers[i].Addresses)
	}
	return m
}

// edited returns what saidBy is to return when edits of s are made.
func edited(s *Source, edits []Edit) map[netip.Addr]said {
	m := saidBy(s)
	for i := range edits {
		edit(m, s, &edits[i])
	}
	return m
}

// edit makes an edit of s in what it says.
func edit(m map[netip.Addr]said, s *Source, e *Edit) {
	old, listed := m[e.Addr]
	if e.Name == "" {
		switch {
		case !listed || old.Names == "" && !e.Remove:
		case e.Remove || old.Server == "":
			delete(m, e.Addr)
		default:
			m[e.Addr] = said{Server: old.Server}
		}
		return
	}
	name, err := ParseName(e.Name)
	if err != nil {
		panic(err)
	}
	is := said{Server: old.Server, Names: name + " ", TTL: old.TTL}
	if !listed {
		is.Server = serverOf(s, e.Addr)
	}
	switch e.TTL {
	case "":
	case DefaultTTL:
		is.TTL = ""
	default:
		seconds, _ := parseSeconds(e.TTL)
		is.TTL = fmt.Sprint(seconds)
	}
	m[e.Addr] = is
}

// serverOf returns the server of an address that has no entry.
func serverOf(s *Source, addr netip.Addr) string {
	name, bits := "", -1
	for i := range s.Servers {
		for _, p := range s.Servers[i].Primary {
			if p.Addr == addr {
				return s.Servers[i].Name.Value
			}
		}
		for _, p := range s.Servers[i].Routed {
			if p.Contains(addr) && p.Bits() > bits {
				name, bits = s.Servers[i].Name.Value, p.Bits()
			}
		}
	}
	return name
}

// A writer writes sources in all styles that there are.
type writer struct {
	*rand.Rand
	strings.Builder
	free    []netip.Addr // addresses that the source does not have yet
	inBlock string       // indentation, "" in braces
	oneWay  bool         // the text is such that an entry that comes and goes leaves a trace
}

func (w *writer) chance(percent int) bool { return w.IntN(100) < percent }

func (w *writer) of(words ...string) string { return words[w.IntN(len(words))] }

// addr returns another address.
func (w *writer) addr() netip.Addr {
	i := w.IntN(len(w.free))
	a := w.free[i]
	w.free = slices.Delete(w.free, i, i+1)
	return a
}

func (w *writer) name() string {
	return w.of("a", "b-c", "d.e", "_f", "münchen") + w.of(".example", ".EXAMPLE.", ".example.net")
}

// quoted writes a name in one of its styles.
func (w *writer) quoted(name string) string {
	switch w.IntN(4) {
	case 0:
		return `"` + name + `"`
	case 1:
		return "'" + name + "'"
	}
	return name
}

// key writes an address as a key.
func (w *writer) key(a netip.Addr) string {
	text := w.of(a.String(), a.StringExpanded())
	if w.inBlock == "" && strings.HasPrefix(text, ":") {
		return `"` + text + `"`
	}
	return w.quoted(text)
}

// value writes the value of an address behind its key, with the colon.
func (w *writer) value(key string, ofServer bool) string {
	if ofServer && w.chance(30) {
		if w.inBlock == "" && !strings.ContainsAny(key, `"'`) {
			if bare := w.chance(20) && !strings.HasSuffix(key, ":"); bare {
				return ""
			}
			return w.of(": ", ": ~", ": {}", ": {ttl: 5m}")
		}
		return w.of(":", ": ~", ": null", ": {}", ": {ttl: 5m}")
	}
	name := w.quoted(w.name())
	if w.inBlock != "" && w.chance(30) {
		in := "\n" + w.inBlock + w.of(" ", "    ")
		return ":" + w.of("", " # c", "\n# c") + w.of(
			in+name,
			in+"name: "+name+w.of("", " # d"),
			in+"name: "+name+in+"ttl: 90",
			in+"# e"+in+"ttl: 1h # f"+in+"name: "+name,
			in+"names: ["+name+"]"+in+"ttl: 1h",
			in+"names:"+in+"- "+name+in+"- other.example",
		)
	}
	return ":" + w.of(" ", "  ", "\t") + w.of(name, name, "{name: "+name+"}", "{name: "+name+", ttl: 5m}",
		"{ ttl: 90, name: "+name+" }", "{names: ["+name+", other.example]}", "{names: [ "+name+" ]}")
}

// comment ends a line of a block, and may write more.
func (w *writer) comment() {
	w.WriteString(w.of("", "", " # ä", "  ") + "\n")
	w.WriteString(w.of("", "", "", "\n", w.inBlock+"# about what follows\n", "\n# left\n\n"))
}

// addresses writes the mapping of addresses behind its key and colon.
func (w *writer) addresses(ofServer bool, prefix string) {
	n := w.IntN(5)
	if !ofServer {
		n++
	}
	var entries []string
	w.oneWay = w.oneWay || n == 0 // an empty mapping goes with its last entry
	in := w.inBlock
	lines := false
	if in == "" || n == 0 || w.chance(30) {
		w.inBlock = ""
		lines = in != "" && w.chance(50)
	} else {
		w.inBlock += w.of(" ", "  ", "    ")
	}
	for range n {
		key := w.key(w.addr())
		entries = append(entries, key+w.value(key, ofServer))
	}
	if prefix != "" && n > 0 {
		entries[w.IntN(n)] = `"` + prefix + `"` + w.of(": ", ": ~")
	}
	switch {
	case w.inBlock != "":
		w.comment()
		for _, e := range entries {
			w.WriteString(w.inBlock + e)
			w.comment()
		}
	case lines:
		w.WriteString(" {" + w.of("", " # x"))
		for i, e := range entries {
			w.WriteString("\n" + in + "   " + e)
			if i+1 < len(entries) || w.chance(30) {
				w.WriteString(",")
			}
			w.WriteString(w.of("", " # c"))
		}
		w.WriteString("\n" + in + " }\n")
	default:
		separator := w.of(", ", ", ", ",", " , ")
		w.oneWay = w.oneWay || separator != ", "
		w.WriteString(" {" + strings.Join(entries, separator) + w.of("}", " }"))
		if in != "" {
			w.inBlock = in
			w.comment()
		}
	}
	w.inBlock = in
}

// server writes a server.
func (w *writer) server(i int) {
	prefix := ""
	if w.chance(50) {
		prefix = fmt.Sprintf("2001:db8:%d::/48", i)
	}
	primary := []string{w.addr().String(), w.addr().String()}
	list := "primary: [" + primary[0] + `, "` + primary[1] + `"]`
	w.inBlock = "  "
	fmt.Fprintf(w, "  s%d:", i)
	if w.chance(40) {
		w.inBlock = ""
		w.WriteString(" {")
		if w.chance(50) {
			w.WriteString("addresses:")
			w.addresses(true, prefix)
			w.WriteString(", ")
		}
		w.WriteString(list + w.of("}", " }", "\n  }", ",\n  }"))
		w.inBlock = "  "
		w.comment()
		return
	}
	w.inBlock += w.of(" ", "  ")
	w.comment()
	for _, k := range w.Perm(3) {
		switch {
		case k == 0 && w.chance(50):
			w.WriteString(w.inBlock + "product: vps")
			w.comment()
		case k == 1:
			w.WriteString(w.inBlock + list)
			w.comment()
		case k == 2 && w.chance(70):
			w.WriteString(w.inBlock + "addresses:")
			w.addresses(true, prefix)
		}
	}
}

// file writes a file. The first address of the list of those that are free is not in it.
func (w *writer) file(first int, top string) []byte {
	w.Reset()
	w.WriteString(top)
	w.inBlock = ""
	sections := []func(){
		func() {
			w.WriteString("servers:\n")
			for i := range 3 {
				w.server(first + i)
			}
		},
		func() {
			if w.chance(60) {
				w.WriteString("addresses:")
				w.inBlock = " "
				w.addresses(false, "")
			}
		},
	}
	for _, i := range w.Perm(len(sections)) {
		w.inBlock = ""
		sections[i]()
	}
	text := w.String()
	if w.chance(20) {
		text = strings.TrimRight(text, "\n")
	}
	if w.chance(20) {
		text = strings.ReplaceAll(text, "\n", "\r\n")
	}
	if w.chance(10) {
		text = "\ufeff" + text
	}
	return []byte(text)
}

// edit returns any edit.
func (w *writer) edit(s *Source) Edit {
	listed := slices.SortedFunc(maps.Keys(saidBy(s)), netip.Addr.Compare)
	for _, server := range s.Servers {
		for _, p := range server.Primary {
			listed = append(listed, p.Addr)
		}
	}
	e := Edit{Pos: diag.Position{File: "edit"}}
	if e.Addr = w.addr(); w.chance(70) {
		e.Addr = listed[w.IntN(len(listed))]
	}
	switch w.IntN(4) {
	case 0:
		e.Remove = w.chance(50)
	default:
		e.Name = w.of("x", "y.z") + w.of(".example", ".example.")
		e.TTL = w.of("", "", "", "1h", "5m", DefaultTTL)
	}
	return e
}

// source writes a source of two files into the current folder, and reads it.
func (w *writer) source(t *testing.T) (files *Files, text string) {
	for i := range 60 {
		w.free = append(w.free, netip.AddrFrom4([4]byte{192, 0, 2, byte(i)}))
	}
	for i := range 42 {
		w.free = append(w.free, netip.MustParseAddr(fmt.Sprintf("2001:db8:%d::%x", i/6, i%6)))
	}
	top := head + "blocks: {192.0.2.0/24: {}, 2001:db8::/32: {}}\nproducts: {vps: {hostname: '{server}.example'}}\n" +
		"include: [a.yaml]\n"
	for i, name := range []string{"records.yaml", "a.yaml"} {
		data := w.file(3*i, top)
		if err := os.WriteFile(name, data, 0o644); err != nil {
			t.Fatal(err)
		}
		text += name + ":\n" + string(data)
		top = "version: 1\n"
	}
	files = readRecords(t)
	if _, found := files.Join(); len(found) > 0 {
		t.Fatalf("%s%s", findingLines(found), text)
	}
	return files, text
}

// randomEdits makes n random edits in a random source, in all styles that there are. What the source says then is what
// it said with the edits made. More returns what is wrong beyond that.
func randomEdits(t *testing.T, seed uint64, n int, more func(w *writer, s *Source, e Edit, got *EditedFiles) string) {
	w := &writer{Rand: rand.New(rand.NewPCG(seed, 0))}
	files, text := w.source(t)
	s, _ := files.Join()
	var edits []Edit
	for range n {
		e := w.edit(s)
		if !slices.ContainsFunc(edits, func(f Edit) bool { return f.Addr == e.Addr }) {
			edits = append(edits, e)
		}
	}
	failed := func(format string, args ...any) {
		t.Helper()
		t.Fatalf("seed %d: %+v: %s\n%s", seed, edits, fmt.Sprintf(format, args...), text)
	}
	got, findings, err := files.Edit(edits, os.ReadFile)
	if err != nil || len(findings) > 0 {
		failed("%v, findings:\n%s", err, findingLines(findings))
	}
	is, found := got.Files.Join()
	if d := cmp.Diff(edited(s, edits), saidBy(is), cmpopts.EquateComparable(netip.Addr{})); d != "" {
		failed("(-want +got):\n%s", d)
	}
	if len(found) > 0 {
		failed("findings of the edited source:\n%s", findingLines(found))
	}
	if wrong := more(w, s, edits[0], got); wrong != "" {
		failed("%s", wrong)
	}
}

// TestEditRandom makes single edits: no lines change but those of the edit, and taking it back gives the old text.
func TestEditRandom(t *testing.T) {
	t.Chdir(t.TempDir())
	for seed := range uint64(1000) {
		randomEdits(t, seed, 1, func(w *writer, s *Source, e Edit, got *EditedFiles) string {
			if len(got.Texts) == 0 {
				return ""
			}
			f := got.Texts[0]
			entry := entryOf(s, e.Addr)
			first, old := changedLines(f.Old, f.New)
			switch last := first + len(old) - 1; {
			case len(got.Texts) > 1:
				return fmt.Sprintf("%d files change", len(got.Texts))
			case entry == nil && len(old) > 1,
				entry != nil && e.Name != "" && (first < entry.Addr.Pos.Line || last > lastLine(entry)):
				return fmt.Sprintf("these lines change: %q", old)
			}
			back := Edit{Addr: e.Addr, Remove: true}
			if entry != nil {
				if len(entry.Names) != 1 || e.Name == "" || e.TTL != "" {
					return ""
				}
				back = Edit{Addr: e.Addr, Name: asWritten(f.Old, entry.Names[0].Pos)}
			} else if w.oneWay {
				return ""
			}
			if err := got.Write(); err != nil {
				return err.Error()
			}
			sameFiles(t, got.Files, readRecords(t))
			again, findings, err := got.Files.Edit([]Edit{back}, os.ReadFile)
			if err != nil || len(findings) > 0 || len(again.Texts) != 1 {
				return fmt.Sprintf("back: %v, findings:\n%s", err, findingLines(findings))
			}
			return cmp.Diff(string(f.Old), string(again.Texts[0].New))
		})
	}
}

// TestEditManyRandom makes many edits at once, which must not get in each other's way.
func TestEditManyRandom(t *testing.T) {
	t.Chdir(t.TempDir())
	for seed := range uint64(1000) {
		randomEdits(t, seed, 2+int(seed%30), func(*writer, *Source, Edit, *EditedFiles) string { return "" })
	}
}

// entryOf returns the entry of an address, nil if it has none.
func entryOf(s *Source, addr netip.Addr) *Address {
	is := func(a Address) bool { return a.Addr.Addr == addr }
	if i := slices.IndexFunc(s.Addresses, is); i >= 0 {
		return &s.Addresses[i]
	}
	for _, server := range s.Servers {
		if i := slices.IndexFunc(server.Addresses, is); i >= 0 {
			return &server.Addresses[i]
		}
	}
	return nil
}

// lastLine returns the last line of an entry.
func lastLine(a *Address) int {
	last := max(a.Addr.Pos.Line, a.TTL.Pos.Line)
	for _, n := range a.Names {
		last = max(last, n.Pos.Line)
	}
	return last
}

// asWritten returns the name at a position, without quotes.
func asWritten(data []byte, pos diag.Position) string {
	line := strings.Split(strings.TrimPrefix(string(data), "\ufeff"), "\n")[pos.Line-1]
	rest := strings.TrimLeft(string([]rune(line)[pos.Column-1:]), `"'`)
	return rest[:strings.IndexAny(rest+" ", "\"', }]\t\r")]
}

// changedLines returns the lines of old that are not at the beginning or end of both texts, and the number of the
// first.
func changedLines(old, edited []byte) (first int, lines []string) {
	a, b := strings.SplitAfter(string(old), "\n"), strings.SplitAfter(string(edited), "\n")
	for first = 1; len(a) > 0 && len(b) > 0 && a[0] == b[0]; first++ {
		a, b = a[1:], b[1:]
	}
	for len(a) > 0 && len(b) > 0 && a[len(a)-1] == b[len(b)-1] {
		a, b = a[:len(a)-1], b[:len(b)-1]
	}
	return first, a
}
