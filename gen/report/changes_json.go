package report

import (
	"bufio"
	"bytes"
	"encoding/json"
	"io"
	"net/netip"

	"github.com/revmap/revmap/gen/diag"
	"github.com/revmap/revmap/gen/diff"
)

type jsonStop struct {
	Gate      string `json:"gate"`
	Subject   string `json:"subject,omitempty"`
	Message   string `json:"message"`
	Allow     string `json:"allow"`
	AllowedBy string `json:"allowed_by,omitempty"`
	jsonPosition
}

type jsonIgnored struct {
	Text string `json:"text"`
	By   string `json:"by,omitempty"`
	Why  string `json:"why"`
}

type jsonTotal struct {
	Block   string `json:"block,omitempty"`
	Old     int    `json:"old"`
	New     int    `json:"new"`
	Lost    int    `json:"lost"`
	Changed int    `json:"changed"`
	jsonPosition
}

type jsonItem struct {
	Subject     string        `json:"subject"`
	Kinds       []diff.Kind   `json:"kinds"`
	Detail      []string      `json:"detail,omitempty"`
	Old         []netip.Addr  `json:"old,omitempty"` // of servers
	New         []netip.Addr  `json:"new,omitempty"`
	OldPosition *jsonPosition `json:"old_position,omitempty"`
	NewPosition *jsonPosition `json:"new_position,omitempty"`
}

type jsonAddress struct {
	Address netip.Addr   `json:"address"`
	Kinds   []diff.Kind  `json:"kinds"`
	Old     jsonState    `json:"old"`
	New     jsonState    `json:"new"`
	Effects []jsonEffect `json:"effects,omitempty"`
}

type jsonState struct {
	Names      []string `json:"names"`
	TTL        uint32   `json:"ttl,omitempty"`
	Origin     string   `json:"origin"`
	Server     string   `json:"server,omitempty"`
	Primary    bool     `json:"primary,omitempty"`
	Delegation string   `json:"delegation,omitempty"`
	Block      string   `json:"block,omitempty"`
	HELO       string   `json:"helo,omitempty"`
	jsonPosition
}

type jsonEffect struct {
	ID       string        `json:"id"`
	Severity diag.Severity `json:"severity"`
	Message  string        `json:"message"`
}

// JSON writes the changes as one JSON object, in which each change has a line of its own:
//
//	{"version": 1, "old": "…", "new": "…", "old_errors": 0, "new_errors": 0, "stopped": true,
//	 "kinds": {"name-removed": 1}, "effects": {"ptr-disappears": 1},
//	 "total": {"old": 3, "new": 2, "lost": 1, "changed": 1},
//	 "stops": [{"gate": "lost", "subject": "192.0.2.0/24", "message": "…", "allow": "…", "file": "…", "line": 7}],
//	 "allowed": [{"allowed_by": "--allow", …}],
//	 "ignored": [{"text": "Revmap-Allow: lost", "by": "commit 4f2a9c1 by A Person", "why": "…"}],
//	 "totals": [{"block": "192.0.2.0/24", …}],
//	 "blocks": [{"subject": "192.0.2.0/24", "kinds": ["block-added"], "detail": ["…"],
//	             "old_position": {"file": "…", "line": 7, "column": 3}, "new_position": {…}}],
//	 "zones": […], "delegations": […], "rules": […], "servers": […],
//	 "addresses": [{"address": "192.0.2.10", "kinds": ["name-removed"],
//	                "old": {"names": ["…"], "ttl": 3600, "origin": "explicit", "server": "…", "primary": true, …},
//	                "new": {"names": [], "origin": "none"},
//	                "effects": [{"id": "ptr-disappears", "severity": "error", "message": "…"}]}]}
//
// Kinds counts each kind, also the second ones of a change. Positions and times to live are as everywhere; what is
// unknown or empty is left out, but the arrays of changes and names are always there. The error is that of w.
func (r *Review) JSON(w io.Writer) error {
	kinds, effects := make(map[diff.Kind]int), make(map[string]int)
	for i := range r.Addresses {
		a := &r.Addresses[i]
		for _, k := range a.Kinds {
			kinds[k]++
		}
		for _, e := range a.Effects {
			effects[e.ID]++
		}
	}
	groups := r.groups()
	for _, g := range groups {
		for _, c := range g.items {
			for _, k := range c.kinds {
				kinds[k]++
			}
		}
	}

	o := jsonObject{w: bufio.NewWriter(w)}
	o.member("version", jsonVersion)
	o.member("old", r.Old)
	o.member("new", r.New)
	o.member("old_errors", r.OldErrors)
	o.member("new_errors", r.NewErrors)
	o.member("stopped", len(r.Stops) > 0)
	o.member("kinds", kinds)
	o.member("effects", effects)
	o.member("total", totalOf(&r.Total))
	array(&o, "stops", r.Stops, stopOf)
	array(&o, "allowed", r.Allowed, stopOf)
	array(&o, "ignored", r.Ignored, func(i *Ignored) jsonIgnored { return jsonIgnored(*i) })
	array(&o, "totals", r.Totals, totalOf)
	for _, g := range groups {
		array(&o, g.name, g.items, itemOf)
	}
	array(&o, "addresses", r.Addresses, addressOf)
	return o.end()
}

func totalOf(t *diff.Total) jsonTotal {
	return jsonTotal{prefixText(t.Block), t.Old, t.New, t.Lost, t.Changed, jsonPosition(t.Pos)}
}

func stopOf(s *diff.Stop) jsonStop {
	return jsonStop{s.Gate, s.Subject, s.Message, s.Allow, s.AllowedBy, jsonPosition(s.Pos)}
}

func itemOf(c *item) jsonItem {
	return jsonItem{c.subject, c.kinds, c.detail, c.old, c.new, position(c.oldPos), position(c.pos)}
}

func addressOf(a *diff.Address) jsonAddress {
	j := jsonAddress{Address: a.Addr, Kinds: a.Kinds, Old: stateOf(&a.Old), New: stateOf(&a.New)}
	for _, e := range a.Effects {
		j.Effects = append(j.Effects, jsonEffect(e))
	}
	return j
}

func stateOf(s *diff.State) jsonState {
	return jsonState{
		append([]string{}, s.Names...), s.TTL, s.Origin.String(), s.Server, s.Primary,
		prefixText(s.Delegation), prefixText(s.Block), s.HELO, jsonPosition(s.Pos),
	}
}

// prefixText returns a prefix, "" for the zero Prefix.
func prefixText(p netip.Prefix) string {
	if !p.IsValid() {
		return ""
	}
	return p.String()
}

// position returns a place, nil if it is unknown.
func position(p diag.Position) *jsonPosition {
	if !p.IsValid() {
		return nil
	}
	j := jsonPosition(p)
	return &j
}

// A jsonObject writes an object piece by piece: a change of a million addresses is not in memory as text.
type jsonObject struct {
	w     *bufio.Writer
	begun bool
	err   error // of a value; w keeps its own
}

// member writes a member.
func (o *jsonObject) member(key string, value any) {
	o.key(key)
	o.value(value)
}

// array writes a member that is an array of all items, each on a line of its own.
func array[T, J any](o *jsonObject, key string, items []T, value func(*T) J) {
	o.key(key)
	o.w.WriteByte('[')
	for i := range items {
		if i > 0 {
			o.w.WriteByte(',')
		}
		o.w.WriteString("\n    ")
		o.value(value(&items[i]))
	}
	if len(items) > 0 {
		o.w.WriteString("\n  ")
	}
	o.w.WriteByte(']')
}

func (o *jsonObject) key(key string) {
	if o.begun {
		o.w.WriteString(",\n  ")
	} else {
		o.w.WriteString("{\n  ")
	}
	o.begun = true
	o.value(key)
	o.w.WriteString(": ")
}

func (o *jsonObject) value(v any) {
	var b bytes.Buffer
	e := json.NewEncoder(&b)
	e.SetEscapeHTML(false)
	if err := e.Encode(v); err != nil && o.err == nil {
		o.err = err
	}
	o.w.Write(bytes.TrimSuffix(b.Bytes(), []byte("\n")))
}

// end writes the end of the object.
func (o *jsonObject) end() error {
	o.w.WriteString("\n}\n")
	if o.err != nil {
		return o.err
	}
	return o.w.Flush()
}
