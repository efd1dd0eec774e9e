package api

import (
	"encoding/json"
	"io"
	"net/http"
	"net/netip"
	"slices"
	"strconv"
	"sync"
	"time"

	"github.com/revmap/revmap/gen/desk"
	"github.com/revmap/revmap/gen/table"
)

// A cloudServer is a server as the Cloud API has it, as far as there is something to say of it here.
type cloudServer struct {
	ID         int64             `json:"id"`
	Name       string            `json:"name"`
	Status     string            `json:"status"`
	Created    time.Time         `json:"created"`
	Labels     map[string]string `json:"labels"`
	Locked     bool              `json:"locked"`
	ServerType struct {
		ID   int64  `json:"id"`
		Name string `json:"name"`
	} `json:"server_type"`
	Protection struct {
		Delete  bool `json:"delete"`
		Rebuild bool `json:"rebuild"`
	} `json:"protection"`
	PublicNet struct {
		IPv4        *cloudIPv4 `json:"ipv4"`
		IPv6        *cloudIPv6 `json:"ipv6"`
		FloatingIPs []int64    `json:"floating_ips"`
		Firewalls   []int64    `json:"firewalls"`
	} `json:"public_net"`
	PrivateNet []int64 `json:"private_net"`
	Volumes    []int64 `json:"volumes"`
}

type cloudIPv4 struct {
	ID      int64      `json:"id"`
	IP      netip.Addr `json:"ip"`
	Blocked bool       `json:"blocked"`
	DNSPtr  string     `json:"dns_ptr"`
}

type cloudIPv6 struct {
	ID      int64        `json:"id"`
	IP      netip.Prefix `json:"ip"`
	Blocked bool         `json:"blocked"`
	DNSPtr  []cloudPtr   `json:"dns_ptr"`
}

type cloudPtr struct {
	IP     netip.Addr `json:"ip"`
	DNSPtr string     `json:"dns_ptr"`
}

// A cloudPrimaryIP is any address: the Cloud API has no other kind of which each is a thing of its own.
type cloudPrimaryIP struct {
	ID           int64             `json:"id"`
	Name         string            `json:"name"`
	IP           string            `json:"ip"`
	Type         string            `json:"type"`
	Created      time.Time         `json:"created"`
	Labels       map[string]string `json:"labels"`
	AssigneeID   *int64            `json:"assignee_id"`
	AssigneeType string            `json:"assignee_type"`
	AutoDelete   bool              `json:"auto_delete"`
	Blocked      bool              `json:"blocked"`
	DNSPtr       []cloudPtr        `json:"dns_ptr"`
	Protection   struct {
		Delete bool `json:"delete"`
	} `json:"protection"`
}

// created is when everything was: nobody has written it down.
var created = time.Unix(0, 0).UTC()

func serverID(name string) int64      { return idOf("server", name) }
func addressID(addr netip.Addr) int64 { return idOf("address", addr.String()) }
func labelsOf(s string) map[string]string {
	if s == "" {
		return map[string]string{}
	}
	return map[string]string{"account": s}
}

// serverOf returns a server, whose rows these are, with the names of its addresses. There is at least one row.
func (want wanted) serverOf(rows []table.Row) cloudServer {
	first := rows[0]
	c := cloudServer{
		ID: serverID(first.Server), Name: first.Server, Status: "running", Created: created, Labels: labelsOf(first.Account),
		PrivateNet: []int64{}, Volumes: []int64{},
	}
	c.ServerType.ID, c.ServerType.Name = idOf("product", first.Product), first.Product
	net := &c.PublicNet
	net.FloatingIPs, net.Firewalls = []int64{}, []int64{}
	primary6 := false
	for i := range rows {
		row := &rows[i]
		name := want.name(row)
		if row.Addr.Is4() {
			if net.IPv4 == nil || row.Primary {
				net.IPv4 = &cloudIPv4{ID: addressID(row.Addr), IP: row.Addr, DNSPtr: name}
			}
			continue
		}
		if net.IPv6 == nil {
			net.IPv6 = &cloudIPv6{DNSPtr: []cloudPtr{}}
		}
		if net.IPv6.ID == 0 || row.Primary && !primary6 {
			primary6 = row.Primary
			net.IPv6.ID = addressID(row.Addr)
			net.IPv6.IP, _ = row.Addr.Prefix(64)
		}
		if name != "" {
			net.IPv6.DNSPtr = append(net.IPv6.DNSPtr, cloudPtr{row.Addr, name})
		}
	}
	return c
}

// serverRows returns the rows of a server, also of what is not listed but was given a name in a proposal.
func serverRows(seat *desk.Seat, name string) ([]table.Row, error) {
	if name == "" { // which is that of addresses of no server
		return nil, desk.ErrUnknown
	}
	list := rowsOf(seat, name)
	if len(list) == 0 || !list[0].Listed {
		return nil, desk.ErrUnknown
	}
	return list, nil
}

// primaryIPOf returns a row as a primary IP.
func (want wanted) primaryIPOf(row *table.Row) cloudPrimaryIP {
	c := cloudPrimaryIP{
		ID: addressID(row.Addr), Name: row.Addr.String(), IP: row.Addr.String(), Type: "ipv4", Created: created,
		Labels: labelsOf(row.Account), AssigneeType: "server", DNSPtr: []cloudPtr{},
	}
	if row.Addr.Is6() {
		c.Type, c.IP = "ipv6", netip.PrefixFrom(row.Addr, 128).String()
	}
	if row.Server != "" {
		id := serverID(row.Server)
		c.AssigneeID = &id
	}
	if name := want.name(row); name != "" {
		c.DNSPtr = append(c.DNSPtr, cloudPtr{row.Addr, name})
	}
	return c
}

// cloudServers answers GET /v1/servers.
func (a *api) cloudServers(w http.ResponseWriter, r *http.Request, seat *desk.Seat) error {
	p, err := cloudPageOf(r)
	if err != nil {
		return err
	}
	list := []cloudServer{}
	if q := r.URL.Query(); q.Has("name") {
		if rows, err := serverRows(seat, q.Get("name")); err == nil {
			p.total, list = 1, append(list, wantedBy(seat, rows).serverOf(rows))
		}
	} else {
		x := a.indexes.get(seat, true)
		p.total = len(x.first)
		from, to := x.span(p)
		list = serversOf(seat, seat.List(table.Query{Sort: table.ByServer, Offset: from, Limit: to - from}).Rows)
	}
	write(w, http.StatusOK, "application/json", map[string]any{"servers": list, "meta": p.meta()})
	return nil
}

// serversOf returns the servers of rows: all rows that are listed of each, one after the other.
func serversOf(seat *desk.Seat, listed []table.Row) []cloudServer {
	of := make(map[string][]table.Row)
	for _, row := range listed {
		of[row.Server] = append(of[row.Server], row)
	}
	all := slices.Clip(listed)
	for row := range unlisted(seat, func(server string) bool { return of[server] != nil }) {
		of[row.Server] = append(of[row.Server], row)
		all = append(all, row)
	}
	want, list := wantedBy(seat, all), []cloudServer{}
	for i, row := range listed {
		if i == 0 || row.Server != listed[i-1].Server {
			list = append(list, want.serverOf(of[row.Server]))
		}
	}
	return list
}

// cloudServerAt returns the rows of the server with the id in the path of a request.
func (a *api) cloudServerAt(r *http.Request, seat *desk.Seat) ([]table.Row, error) {
	id, err := strconv.ParseInt(r.PathValue("id"), 10, 64)
	if err != nil {
		return nil, desk.ErrUnknown
	}
	name, ok := a.indexes.server(seat, id)
	if !ok {
		return nil, desk.ErrUnknown
	}
	return serverRows(seat, name)
}

// cloudServer answers GET /v1/servers/{id}.
func (a *api) cloudServer(w http.ResponseWriter, r *http.Request, seat *desk.Seat) error {
	rows, err := a.cloudServerAt(r, seat)
	if err != nil {
		return err
	}
	write(w, http.StatusOK, "application/json", map[string]any{"server": wantedBy(seat, rows).serverOf(rows)})
	return nil
}

// cloudServerChange answers POST /v1/servers/{id}/actions/change_dns_ptr.
func (a *api) cloudServerChange(w http.ResponseWriter, r *http.Request, seat *desk.Seat) error {
	rows, err := a.cloudServerAt(r, seat)
	if err != nil {
		return err
	}
	server := rows[0].Server
	addr, name, err := cloudChange(w, r)
	if err != nil {
		return err
	}
	if row, err := seat.At(addr); err != nil || row.Server != server {
		return wrong("ip", "%s is no address of server %q", addr, server)
	}
	return a.cloudSet(w, r, seat, addr, name, cloudResource{serverID(server), "server"})
}

// cloudPrimaryIPs answers GET /v1/primary_ips.
func (a *api) cloudPrimaryIPs(w http.ResponseWriter, r *http.Request, seat *desk.Seat) error {
	p, err := cloudPageOf(r)
	if err != nil {
		return err
	}
	var rows []table.Row
	q := r.URL.Query()
	if text := q.Get("name") + q.Get("ip"); q.Has("name") || q.Has("ip") {
		if addr, ok := parseAddr(text); ok {
			if row, err := seat.At(addr); err == nil && row.Listed {
				rows, p.total = []table.Row{row}, 1
			}
		}
	} else {
		page := seat.List(table.Query{Offset: p.offset(), Limit: p.size})
		rows, p.total = page.Rows, page.Total
	}
	want, list := wantedBy(seat, rows), []cloudPrimaryIP{}
	for i := range rows {
		list = append(list, want.primaryIPOf(&rows[i]))
	}
	write(w, http.StatusOK, "application/json", map[string]any{"primary_ips": list, "meta": p.meta()})
	return nil
}

// cloudAddressAt returns the row of the address with the id in the path of a request.
func (a *api) cloudAddressAt(r *http.Request, seat *desk.Seat) (table.Row, error) {
	id, err := strconv.ParseInt(r.PathValue("id"), 10, 64)
	if err != nil {
		return table.Row{}, desk.ErrUnknown
	}
	addr, ok := a.indexes.address(seat, id)
	if !ok {
		return table.Row{}, desk.ErrUnknown
	}
	return seat.At(addr)
}

// cloudPrimaryIP answers GET /v1/primary_ips/{id}.
func (a *api) cloudPrimaryIP(w http.ResponseWriter, r *http.Request, seat *desk.Seat) error {
	row, err := a.cloudAddressAt(r, seat)
	if err != nil {
		return err
	}
	want := wantedBy(seat, []table.Row{row})
	write(w, http.StatusOK, "application/json", map[string]any{"primary_ip": want.primaryIPOf(&row)})
	return nil
}

// cloudPrimaryIPChange answers POST /v1/primary_ips/{id}/actions/change_dns_ptr.
func (a *api) cloudPrimaryIPChange(w http.ResponseWriter, r *http.Request, seat *desk.Seat) error {
	row, err := a.cloudAddressAt(r, seat)
	if err != nil {
		return err
	}
	addr, name, err := cloudChange(w, r)
	if err != nil {
		return err
	}
	if addr != row.Addr {
		return wrong("ip", "this primary IP is %s", row.Addr)
	}
	return a.cloudSet(w, r, seat, addr, name, cloudResource{addressID(addr), "primary_ip"})
}

// cloudChange returns what a request wants to change: an address, and its name, "" for the default.
func cloudChange(w http.ResponseWriter, r *http.Request) (addr netip.Addr, name string, err error) {
	var body struct {
		IP     string `json:"ip"`
		DNSPtr maybe  `json:"dns_ptr"`
	}
	data, err := io.ReadAll(http.MaxBytesReader(w, r.Body, smallBody))
	if err != nil {
		return addr, "", err
	}
	if err := json.Unmarshal(data, &body); err != nil {
		return addr, "", &failure{kind: malformed, message: inWords(err, "").Error()}
	}
	addr, ok := parseAddr(body.IP)
	switch {
	case !ok:
		return addr, "", wrong("ip", "%q is no IP address", body.IP)
	case !body.DNSPtr.set:
		return addr, "", wrong("dns_ptr", "dns_ptr is missing: want a name, or null for the default")
	}
	return addr, body.DNSPtr.text(), nil
}

// cloudSet gives an address a name, and answers with the action that has done it.
func (a *api) cloudSet(
	w http.ResponseWriter, r *http.Request, seat *desk.Seat, addr netip.Addr, name string, resource cloudResource,
) error {
	started := time.Now()
	if err := a.set(r, seat, addr, name); err != nil {
		return err
	}
	action := a.actions.add(seat.Person().Login, cloudAction{
		Command: "change_dns_ptr", Status: "success", Progress: 100,
		Started: started.UTC(), Finished: time.Now().UTC(), Resources: []cloudResource{resource},
	})
	write(w, http.StatusCreated, "application/json", map[string]any{"action": action})
	return nil
}

// A cloudAction is something that was done: nothing goes on behind a request.
type cloudAction struct {
	ID        int64           `json:"id"`
	Command   string          `json:"command"`
	Status    string          `json:"status"`
	Progress  int             `json:"progress"`
	Started   time.Time       `json:"started"`
	Finished  time.Time       `json:"finished"`
	Resources []cloudResource `json:"resources"`
	Error     *struct{}       `json:"error"` // null
	login     string
}

type cloudResource struct {
	ID   int64  `json:"id"`
	Type string `json:"type"`
}

// actions are the last ones, for those who ask what has become of theirs.
type actions struct {
	lock sync.Mutex
	last int64
	list []cloudAction // by id
}

// maxActions is how many are remembered.
const maxActions = 1000

// add remembers an action of a person, and returns it with its id. Ids go on from the time, so that those of before a
// restart do not come again.
func (l *actions) add(login string, action cloudAction) cloudAction {
	l.lock.Lock()
	defer l.lock.Unlock()
	l.last = max(l.last+1, action.Started.UnixMicro())
	action.ID, action.login = l.last, login
	if len(l.list) >= maxActions {
		l.list = slices.Delete(l.list, 0, maxActions/2)
	}
	l.list = append(l.list, action)
	return action
}

// of returns the actions of a person, only those with the given ids if there are some.
func (l *actions) of(login string, ids []string) []cloudAction {
	l.lock.Lock()
	defer l.lock.Unlock()
	found := []cloudAction{}
	for _, a := range l.list {
		if a.login == login && (len(ids) == 0 || slices.Contains(ids, strconv.FormatInt(a.ID, 10))) {
			found = append(found, a)
		}
	}
	return found
}

// cloudActions answers GET /v1/actions.
func (a *api) cloudActions(w http.ResponseWriter, r *http.Request, seat *desk.Seat) error {
	p, err := cloudPageOf(r)
	if err != nil {
		return err
	}
	list := a.actions.of(seat.Person().Login, r.URL.Query()["id"])
	p.total = len(list)
	from := min(p.offset(), len(list))
	list = list[from:min(from+p.size, len(list))]
	write(w, http.StatusOK, "application/json", map[string]any{"actions": list, "meta": p.meta()})
	return nil
}

// cloudAction answers GET /v1/actions/{id}.
func (a *api) cloudAction(w http.ResponseWriter, r *http.Request, seat *desk.Seat) error {
	list := a.actions.of(seat.Person().Login, []string{r.PathValue("id")})
	if len(list) == 0 {
		return &failure{kind: unknown, message: "there is no such action, or not any more"}
	}
	write(w, http.StatusOK, "application/json", map[string]any{"action": list[0]})
	return nil
}

// A cloudPage is a part of a list.
type cloudPage struct {
	number int // from 1
	size   int // how many items a page has
	total  int // how many items all pages have
}

// cloudPageOf returns the page that a request asks for.
func cloudPageOf(r *http.Request) (cloudPage, error) {
	q := r.URL.Query()
	p := cloudPage{number: 1, size: 25}
	for name, n := range map[string]*int{"page": &p.number, "per_page": &p.size} {
		if !q.Has(name) {
			continue
		}
		var err error
		if *n, err = strconv.Atoi(q.Get(name)); err != nil || *n < 1 || *n > 1e9 {
			return p, wrong(name, "%s: want a number from 1", name)
		}
	}
	if p.size = min(p.size, 50); q.Get("label_selector") != "" {
		return p, wrong("label_selector", "label_selector is not supported: ask by name")
	}
	return p, nil
}

func (p cloudPage) offset() int { return (p.number - 1) * p.size }

// meta returns what clients find the next page by.
func (p cloudPage) meta() any {
	last := max(1, (p.total+p.size-1)/p.size)
	var previous, next *int
	if n := p.number - 1; n > 0 {
		previous = &n
	}
	if n := p.number + 1; n <= last {
		next = &n
	}
	return map[string]any{"pagination": map[string]any{
		"page": p.number, "per_page": p.size, "previous_page": previous, "next_page": next,
		"last_page": last, "total_entries": p.total,
	}}
}

// cloudCodes has the status and code of each kind of failure. It is never "conflict": clients take that for a reason to
// try again.
var cloudCodes = map[kind]struct {
	status int
	code   string
}{
	unauthorized: {http.StatusUnauthorized, "unauthorized"},
	readOnly:     {http.StatusForbidden, "token_readonly"},
	denied:       {http.StatusForbidden, "forbidden"},
	notFound:     {http.StatusNotFound, "not_found"},
	foreign:      {http.StatusForbidden, "forbidden"},
	misdirected:  {http.StatusMisdirectedRequest, "misdirected_request"},
	badMethod:    {http.StatusMethodNotAllowed, "method_not_allowed"},
	unknown:      {http.StatusNotFound, "not_found"},
	malformed:    {http.StatusBadRequest, "invalid_input"},
	refused:      {http.StatusUnprocessableEntity, "invalid_input"},
	conflict:     {http.StatusLocked, "locked"},
	needsReview:  {http.StatusForbidden, "forbidden"},
	tooLarge:     {http.StatusRequestEntityTooLarge, "invalid_input"},
	tooMany:      {http.StatusTooManyRequests, "rate_limit_exceeded"},
	stale:        {http.StatusServiceUnavailable, "maintenance"},
	failed:       {http.StatusInternalServerError, "server_error"},
}

type cloudField struct {
	Name     string   `json:"name"`
	Messages []string `json:"messages"`
}

// cloudFail writes a failure.
func cloudFail(w http.ResponseWriter, f *failure) {
	c := cloudCodes[f.kind]
	e := map[string]any{"code": c.code, "message": f.message}
	if c.code == "invalid_input" {
		fields := []cloudField{}
		for _, name := range append(f.missing[:len(f.missing):len(f.missing)], f.invalid...) {
			if name == "ptr" {
				name = "dns_ptr"
			}
			fields = append(fields, cloudField{name, []string{f.message}})
		}
		e["details"] = map[string]any{"fields": fields}
	}
	write(w, c.status, "application/json", map[string]any{"error": e})
}
