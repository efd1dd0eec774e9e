package report

import (
	"cmp"
	"fmt"
	"io"
	"maps"
	"net/netip"
	"path/filepath"
	"slices"
	"strings"

	"github.com/revmap/revmap/gen/diag"
	"github.com/revmap/revmap/gen/diff"
)

// changesMarker is the first line of what Markdown writes of changes. No reader sees it; by it, whoever posts the next
// comment finds the one before.
const changesMarker = "<!-- revmap diff -->"

// What the parts of a comment may take of maxMarkdown, in bytes. The folded tables have what these leave.
const (
	maxAllowed = 4_000
	maxSummary = 8_000
	maxEffects = 12_000
)

// maxStops is how many of the things that a gate says are listed.
const maxStops = 10

// Markdown writes the changes as GitHub Flavored Markdown, for a comment in a pull request, which a reviewer
// understands from the top: what the gates say, one line for each kind of change, what receivers of mail will see, and
// then tables of everything, folded. However much changes, it fits into one comment; what is left out is counted.
// Nothing of a name means anything in Markdown. The error is that of w.
func (r *Review) Markdown(w io.Writer) error {
	var b strings.Builder
	b.WriteString(changesMarker + "\n### " + r.verdict() + "\n")
	for _, side := range []struct {
		name   string
		errors int
	}{{r.Old, r.OldErrors}, {r.New, r.NewErrors}} {
		if side.errors > 0 {
			fmt.Fprintf(&b, "\n**%s has errors** (%s), which `revmap lint` shows. "+
				"What they concern may be missing here.\n", code(side.name), Number(side.errors))
		}
	}
	r.markdownStops(&b)
	r.markdownSummary(&b)
	r.markdownEffects(&b)
	var end string
	if r.Old != "" || r.New != "" {
		end = "\nFrom " + code(clip(r.Old)) + " to " + code(clip(r.New)) + ".\n"
	}
	r.markdownDetails(&b, maxMarkdown-b.Len()-len(end))
	b.WriteString(end)
	_, err := io.WriteString(w, b.String())
	return err
}

// verdict says in one line whether the change may pass, and how large it is.
func (r *Review) verdict() string {
	switch n := len(r.Stops); {
	case r.empty():
		return "Nothing changes"
	case n == 1:
		return "Stopped by a gate; " + r.headline()
	case n > 1:
		return "Stopped by " + Number(n) + " gates; " + r.headline()
	case len(r.Allowed) > 0:
		return "Allowed; " + r.headline()
	}
	return "No gate stops this; " + r.headline()
}

func (r *Review) markdownStops(b *strings.Builder) {
	if len(r.Stops) > 0 {
		b.WriteByte('\n')
		stops := varied(r.Stops)
		shown := stops[:min(len(stops), maxStops)]
		for _, s := range shown {
			b.WriteString("- " + prose(clip(s.Message)) + " (" + code(s.Gate) + ")\n")
		}
		left := len(stops) - len(shown)
		if left > 0 {
			fmt.Fprintf(b, "\n…and %s more.\n", Number(left))
		}
		b.WriteString("\nIf that is meant, let the message of a commit end with:\n\n```\n")
		for _, s := range shown {
			b.WriteString(printable(trailer(s.Allow)) + "\n")
		}
		b.WriteString("```\n")
		if left > 0 {
			last := stops[len(stops)-1].Gate
			b.WriteString("\nand so on, or a line without a subject for all of a kind: " + code(trailer(last)) + "\n")
		}
	}
	if len(r.Ignored) > 0 {
		b.WriteString("\nNot counted:\n\n")
		list(b, maxAllowed, len(r.Ignored), func(n int) string {
			i := &r.Ignored[n]
			return "- " + given(code(clip(i.Text)), prose(clip(i.By))) + ": " + prose(clip(i.Why)) + "\n"
		})
	}
	if len(r.Allowed) > 0 {
		b.WriteString("\nAllowed:\n\n")
		allowed := varied(r.Allowed)
		list(b, maxAllowed, len(r.Allowed), func(i int) string {
			a := &allowed[i]
			return "- " + prose(clip(a.Message)) + " (" + code(a.Gate) + "), by " + prose(clip(a.AllowedBy)) + "\n"
		})
	}
}

// varied returns stops, the first one of each gate before all others: what is cut must not hide a gate.
func varied(stops []diff.Stop) []diff.Stop {
	var first, rest []diff.Stop
	seen := make(map[string]bool)
	for _, s := range stops {
		if seen[s.Gate] {
			rest = append(rest, s)
		} else {
			first = append(first, s)
		}
		seen[s.Gate] = true
	}
	return append(first, rest...)
}

// markdownSummary writes a row for each way in which something changes: what concerns most addresses first.
func (r *Review) markdownSummary(b *strings.Builder) {
	if r.empty() {
		return
	}
	groups := r.groups()
	wide, servers := groups[:len(groups)-1], groups[len(groups)-1]
	var rows []string
	for _, g := range wide {
		rows = append(rows, g.summary()...)
	}
	kinds, of := r.byKind()
	for _, k := range kinds {
		rows = append(rows, summaryRow(words(k), len(of[k]), addressesInBrief(of[k])))
	}
	rows = append(rows, servers.summary()...)
	b.WriteString("\n| what | how many | which |\n|---|--:|---|\n")
	list(b, maxSummary, len(rows), func(i int) string { return rows[i] })
}

// summary returns a row for each way in which items change; what is lost comes first.
func (g *group) summary() []string {
	of := make(map[string][]*item)
	for i := range g.items {
		way := g.items[i].inWords()
		of[way] = append(of[way], &g.items[i])
	}
	ways := slices.SortedFunc(maps.Keys(of), func(a, b string) int {
		return cmp.Or(compareKinds(of[a][0].kinds[0], of[b][0].kinds[0]), strings.Compare(a, b))
	})
	rows := make([]string, len(ways))
	for i, way := range ways {
		rows[i] = summaryRow(way, len(of[way]), itemsInBrief(of[way]))
	}
	return rows
}

func summaryRow(what string, n int, which string) string {
	return "| " + what + " | " + Number(n) + " | " + cell(which) + " |\n"
}

// itemsInBrief names a few of the items, and what changes of them.
func itemsInBrief(items []*item) string {
	var parts []string
	for _, c := range items[:min(len(items), maxListed)] {
		text := code(clip(c.subject))
		if details := c.details(); len(details) > 0 {
			text += ": " + prose(clip(strings.Join(details, "; ")))
		}
		parts = append(parts, text)
	}
	if len(items) > maxListed {
		parts = append(parts, "…")
	}
	return strings.Join(parts, "; ")
}

// addressesInBrief names addresses if they are few, or else the blocks that have the most of them.
func addressesInBrief(addresses []*diff.Address) string {
	var parts []string
	if len(addresses) <= maxListed {
		for _, a := range addresses {
			text := code(a.Addr.String())
			if names := answers(a); names != "" {
				text += ": " + prose(clip(names))
			}
			parts = append(parts, text)
		}
		return strings.Join(parts, "; ")
	}
	counts := make(map[netip.Prefix]int)
	var blocks []netip.Prefix
	for _, a := range addresses {
		block := blockOf(a)
		if counts[block] == 0 {
			blocks = append(blocks, block)
		}
		counts[block]++
	}
	slices.SortStableFunc(blocks, func(p, q netip.Prefix) int { return cmp.Compare(counts[q], counts[p]) })
	for _, block := range blocks[:min(len(blocks), maxListed)] {
		where := "in no block"
		if block.IsValid() {
			where = "in " + code(block.String())
		}
		parts = append(parts, Number(counts[block])+" "+where)
	}
	if len(blocks) > maxListed {
		parts = append(parts, "…")
	}
	return strings.Join(parts, ", ")
}

// markdownEffects writes what receivers of mail see.
func (r *Review) markdownEffects(b *strings.Builder) {
	effects := r.byEffect()
	if len(effects) == 0 {
		return
	}
	b.WriteString("\n**What receivers of mail will see**\n\n")
	var lines []string
	for _, g := range effects {
		begin := "- **" + g.severity.String() + "** "
		if n := len(g.addresses); n > maxListed {
			begin += code(g.id) + " at " + Number(n) + " addresses (" + addressesInBrief(g.addresses) + "), such as "
			lines = append(lines, begin+code(g.addresses[0].Addr.String())+": "+prose(clip(g.messages[0]))+"\n")
			continue
		}
		for i, a := range g.addresses {
			lines = append(lines, begin+code(a.Addr.String())+": "+prose(clip(g.messages[i]))+" ("+code(g.id)+")\n")
		}
	}
	list(b, maxEffects, len(lines), func(i int) string { return lines[i] })
}

// A table is one of the folded ones.
type table struct {
	title string
	head  string
	n     int
	row   func(i int) string
}

// markdownDetails writes folded tables of all changes into so many bytes. Each has an equal share, and what the smaller
// ones do not need is for the larger ones.
func (r *Review) markdownDetails(b *strings.Builder, room int) {
	var tables []table
	for _, g := range r.groups() {
		if len(g.items) > 0 {
			tables = append(tables, table{
				title: g.title(), n: len(g.items),
				head: "| | change | | source |\n|---|---|---|---|\n",
				row:  func(i int) string { return itemRow(&g.items[i]) },
			})
		}
	}
	kinds, of := r.byKind()
	for _, k := range kinds {
		tables = append(tables, table{
			title: "Addresses: " + words(k), n: len(of[k]),
			head: "| address | before | after | and | mail | source |\n|---|---|---|---|---|---|\n",
			row:  func(i int) string { return addressRow(of[k][i]) },
		})
	}
	totals := slices.DeleteFunc(slices.Clone(r.Totals), func(t diff.Total) bool {
		return t.Changed == 0 && t.Old == t.New
	})
	if len(totals) > 0 {
		tables = append(tables, table{
			title: "Names in each block", n: len(totals),
			head: "| block | before | after | lost | changed |\n|---|--:|--:|--:|--:|\n",
			row:  func(i int) string { return totalRow(&totals[i]) },
		})
	}
	bySize := make([]*table, len(tables))
	for i := range tables {
		bySize[i] = &tables[i]
	}
	slices.SortStableFunc(bySize, func(s, t *table) int { return cmp.Compare(s.n, t.n) })
	texts := make(map[*table]string)
	for i, t := range bySize {
		texts[t] = t.text(room / (len(bySize) - i))
		room -= len(texts[t])
	}
	for i := range tables {
		b.WriteString(texts[&tables[i]])
	}
}

// text returns the table in at most so many bytes; "" if not even its title fits.
func (t *table) text(room int) string {
	var b strings.Builder
	fmt.Fprintf(&b, "\n<details><summary>%s (%s)</summary>\n\n%s", t.title, Number(t.n), t.head)
	const end = "\n</details>\n"
	room -= b.Len() + len(end)
	if room < 0 {
		return ""
	}
	list(&b, room, t.n, t.row)
	b.WriteString(end)
	return b.String()
}

func itemRow(c *item) string {
	return row(code(c.subject), c.inWords(), prose(strings.Join(c.details(), "; ")), place(c.place()))
}

func addressRow(a *diff.Address) string {
	effects := make([]string, len(a.Effects))
	for i, e := range a.Effects {
		effects[i] = code(e.ID)
	}
	and := a.Kinds[1:]
	if subjectOf(a, a.Kinds[0]) != "" {
		and = a.Kinds
	}
	return row(code(a.Addr.String()), prose(namesOf(&a.Old, &a.New)), prose(namesOf(&a.New, &a.Old)),
		prose(inWords(a, and)), strings.Join(effects, " "), place(placeOf(a)))
}

func totalRow(t *diff.Total) string {
	return row(code(t.Block.String()), Number(t.Old), Number(t.New), Number(t.Lost), Number(t.Changed))
}

// row returns a row of a table.
func row(cells ...string) string {
	var b strings.Builder
	for _, c := range cells {
		b.WriteString("| " + cell(c) + " ")
	}
	return b.String() + "|\n"
}

// cell returns Markdown for a cell of a table, where a bar would end it even in a code span.
func cell(markdown string) string { return strings.ReplaceAll(markdown, "|", `\|`) }

func place(p diag.Position) string {
	if !p.IsValid() {
		return ""
	}
	return code(filepath.ToSlash(p.String()))
}

// list writes the first of n lines that fit into so many bytes, and how many do not.
func list(b *strings.Builder, room, n int, line func(i int) string) {
	const reserve = 40 // for the count
	room -= reserve
	for i := range n {
		text := line(i)
		if room -= len(text); room < 0 {
			fmt.Fprintf(b, "\n…and %s more.\n", Number(n-i))
			return
		}
		b.WriteString(text)
	}
}

// clip cuts text that is too long for an overview.
func clip(text string) string {
	const most = 200 // code points
	runes := []rune(text)
	if len(runes) <= most {
		return text
	}
	return string(runes[:most-1]) + "…"
}
