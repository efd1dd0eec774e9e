package api

import (
	"bufio"
	"encoding/json"
	"io"
	"net/http"
	"net/netip"
	"net/url"

	"github.com/revmap/revmap/gen/desk"
	"github.com/revmap/revmap/gen/table"
)

// A robotEntry is an address with its name, as the Robot webservice has it. Ptr is "" only where a name has just been
// taken away.
type robotEntry struct {
	RDNS struct {
		IP  netip.Addr `json:"ip"`
		PTR string     `json:"ptr"`
	} `json:"rdns"`
}

func entryOf(addr netip.Addr, name string) (e robotEntry) {
	e.RDNS.IP, e.RDNS.PTR = addr, name
	return e
}

// robotList answers GET /rdns. It writes entries as it finds them: there may be a million.
func (a *api) robotList(w http.ResponseWriter, r *http.Request, seat *desk.Seat) error {
	none := &failure{kind: notFound, message: "No reverse DNS entries found"}
	var list []table.Row // nil for all
	if r.URL.Query().Has("server_ip") {
		addr, ok := parseAddr(r.URL.Query().Get("server_ip"))
		if !ok {
			return wrong("server_ip", "invalid input")
		}
		row, err := seat.At(addr)
		if err != nil || row.Server == "" {
			return none
		}
		if list = rowsOf(seat, row.Server); len(list) == 0 {
			return none
		}
	}
	want := wantedBy(seat, list)
	out := bufio.NewWriter(w)
	e := json.NewEncoder(out)
	first := true
	put := func(row *table.Row) bool {
		name := want.name(row)
		if name == "" {
			return true
		}
		if first {
			first = false
			w.Header().Set("Content-Type", "application/json")
			out.WriteByte('[')
		} else {
			out.WriteByte(',')
		}
		return e.Encode(entryOf(row.Addr, name)) == nil // else the client has gone
	}
	for i := range list {
		if !put(&list[i]) {
			return nil
		}
	}
	if list == nil {
		for row := range rows(seat, table.Query{}) {
			if !put(row) {
				return nil
			}
		}
		for row := range unlisted(seat, func(string) bool { return true }) {
			if !put(&row) {
				return nil
			}
		}
	}
	if first {
		return none
	}
	out.WriteString("]\n")
	out.Flush()
	return nil
}

// robotAt returns the address in the path of a request, and its name.
func robotAt(r *http.Request, seat *desk.Seat) (netip.Addr, string, error) {
	addr, err := addrOf(r)
	if err != nil {
		return addr, "", robotUnknown(r)
	}
	row, err := seat.At(addr)
	if err != nil {
		return addr, "", robotUnknown(r)
	}
	return addr, wantedBy(seat, []table.Row{row}).name(&row), nil
}

func robotUnknown(r *http.Request) error {
	return &failure{kind: unknown, message: "The IP address " + r.PathValue("ip") + " was not found"}
}

// robotGet answers GET /rdns/{ip}.
func (a *api) robotGet(w http.ResponseWriter, r *http.Request, seat *desk.Seat) error {
	addr, name, err := robotAt(r, seat)
	if err != nil {
		return err
	}
	if name == "" {
		return &failure{kind: noEntry, message: "The IP address " + r.PathValue("ip") + " has no reverse DNS entry yet"}
	}
	write(w, http.StatusOK, "application/json", entryOf(addr, name))
	return nil
}

// robotPut answers PUT /rdns/{ip}, which makes an entry where there is none.
func (a *api) robotPut(w http.ResponseWriter, r *http.Request, seat *desk.Seat) error {
	addr, has, err := robotAt(r, seat)
	if err != nil {
		return err
	}
	name, err := robotName(w, r)
	if err != nil {
		return err
	}
	if has != "" {
		return &failure{kind: exists, message: "There is already an existing reverse DNS entry"}
	}
	return a.robotSet(w, r, seat, addr, name, http.StatusCreated)
}

// robotPost answers POST /rdns/{ip}, which makes an entry or changes it.
func (a *api) robotPost(w http.ResponseWriter, r *http.Request, seat *desk.Seat) error {
	addr, has, err := robotAt(r, seat)
	if err != nil {
		return err
	}
	name, err := robotName(w, r)
	if err != nil {
		return err
	}
	status := http.StatusOK
	if has == "" {
		status = http.StatusCreated
	}
	return a.robotSet(w, r, seat, addr, name, status)
}

// robotSet gives an address a name, and answers with what it has then.
func (a *api) robotSet(
	w http.ResponseWriter, r *http.Request, seat *desk.Seat, addr netip.Addr, name string, status int,
) error {
	if err := a.set(r, seat, addr, name); err != nil {
		return err
	}
	_, name, err := robotAt(r, seat)
	if err != nil {
		return err
	}
	write(w, status, "application/json", entryOf(addr, name))
	return nil
}

// robotDelete answers DELETE /rdns/{ip}: the address gets its default again.
func (a *api) robotDelete(w http.ResponseWriter, r *http.Request, seat *desk.Seat) error {
	addr, _, err := robotAt(r, seat)
	if err != nil {
		return err
	}
	return a.set(r, seat, addr, "")
}

// robotName returns the parameter ptr, "" for the default. Clients send it in the body, some without a Content-Type, or
// in the query string.
func robotName(w http.ResponseWriter, r *http.Request) (string, error) {
	body, err := io.ReadAll(http.MaxBytesReader(w, r.Body, smallBody))
	if err != nil {
		return "", err
	}
	form, err := url.ParseQuery(string(body))
	if err != nil {
		return "", wrong("ptr", "invalid input: the body is no form: %v", err)
	}
	for _, values := range []url.Values{form, r.URL.Query()} {
		if values.Has("ptr") {
			return values.Get("ptr"), nil
		}
	}
	return "", &failure{kind: malformed, message: "invalid input", missing: []string{"ptr"}}
}

// robotCodes has the status and code of each kind of failure. RATE_LIMIT_EXCEEDED has that status there, too.
var robotCodes = map[kind]struct {
	status int
	code   string
}{
	unauthorized: {http.StatusUnauthorized, "UNAUTHORIZED"},
	readOnly:     {http.StatusForbidden, "FORBIDDEN"},
	denied:       {http.StatusBadRequest, "INVALID_INPUT"},
	notFound:     {http.StatusNotFound, "NOT_FOUND"},
	foreign:      {http.StatusForbidden, "FORBIDDEN"},
	misdirected:  {http.StatusMisdirectedRequest, "MISDIRECTED_REQUEST"},
	badMethod:    {http.StatusMethodNotAllowed, "METHOD_NOT_ALLOWED"},
	unknown:      {http.StatusNotFound, "IP_NOT_FOUND"},
	noEntry:      {http.StatusNotFound, "RDNS_NOT_FOUND"},
	exists:       {http.StatusConflict, "RDNS_ALREADY_EXISTS"},
	malformed:    {http.StatusBadRequest, "INVALID_INPUT"},
	refused:      {http.StatusBadRequest, "INVALID_INPUT"},
	conflict:     {http.StatusConflict, "CONFLICT"},
	needsReview:  {http.StatusConflict, "REVIEW_NEEDED"},
	tooLarge:     {http.StatusRequestEntityTooLarge, "INVALID_INPUT"},
	tooMany:      {http.StatusForbidden, "RATE_LIMIT_EXCEEDED"},
	stale:        {http.StatusServiceUnavailable, "RDNS_UPDATE_FAILED"},
	failed:       {http.StatusInternalServerError, "RDNS_UPDATE_FAILED"},
}

type robotError struct {
	Status   int       `json:"status"`
	Code     string    `json:"code"`
	Message  string    `json:"message"`
	Missing  *[]string `json:"missing,omitempty"` // with INVALID_INPUT alone
	Invalid  *[]string `json:"invalid,omitempty"`
	Interval int       `json:"interval,omitempty"` // with RATE_LIMIT_EXCEEDED alone: seconds
}

// robotFail writes a failure.
func robotFail(w http.ResponseWriter, f *failure) {
	c := robotCodes[f.kind]
	e := robotError{Status: c.status, Code: c.code, Message: f.message}
	if f.kind == tooMany {
		e.Interval = seconds(f.wait)
	}
	if c.code == "INVALID_INPUT" {
		e.Missing, e.Invalid = &f.missing, &f.invalid
		if f.kind != malformed {
			e.Message = "invalid input: " + f.message
		}
	}
	write(w, c.status, "application/json", map[string]robotError{"error": e})
}
