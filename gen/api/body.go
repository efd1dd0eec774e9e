package api

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"strings"
)

// members are those of bodies, and what is wanted there.
var members = map[string]string{
	"changes": "a list of changes",
	"reason":  "a string",
	"dry_run": "true or false",
	"address": "an IP address in a string",
	"name":    "a name in a string, or null for the default",
	"ttl":     `whole seconds, a string such as "5m", or "default"`,
	"was":     "a name in a string, or null for none",
	"ip":      "an IP address in a string",
	"dns_ptr": "a name in a string, or null for the default",
}

// A bodyError tells what is wrong with a body, in the words of the API.
type bodyError struct{ message string }

func (e *bodyError) Error() string { return e.message }

// inWords returns what an error of encoding/json means for the part of a body that was decoded; "" is all of it.
func inWords(err error, part string) error {
	var (
		known  *bodyError
		kind   *json.UnmarshalTypeError
		syntax *json.SyntaxError
	)
	all := part == ""
	if all {
		part = "the body"
	}
	said := func(format string, args ...any) error { return &bodyError{part + fmt.Sprintf(format, args...)} }
	switch {
	case errors.As(err, &known):
		return known
	case errors.As(err, &kind):
		got := kind.Value
		switch got {
		case "array":
			got = "a list"
		case "object":
			got = "an object"
		case "bool":
			got = "a boolean"
		case "string", "number":
			got = "a " + got
		default: // that does not fit
			got = strings.TrimPrefix(got, "number ")
		}
		if want, ok := members[kind.Field]; ok {
			return said(": %s is %s: want %s", kind.Field, got, want)
		}
		if all {
			return said(" is %s: want an object", got)
		}
		return said(" is %s: want an object with address and name", got)
	case errors.As(err, &syntax):
		return said(" is no JSON: %v, after %d bytes", syntax, syntax.Offset)
	case errors.Is(err, io.EOF):
		return said(" is empty: want an object in JSON")
	case errors.Is(err, io.ErrUnexpectedEOF):
		return said(" is no JSON: it ends too early")
	}
	if key, ok := strings.CutPrefix(err.Error(), "json: unknown field "); ok { // which has no type of its own
		return said(": there is no member %s", key)
	}
	return err
}

// kindOf returns what a value in JSON is, as encoding/json calls it.
func kindOf(data []byte) string {
	switch data[0] {
	case '{':
		return "object"
	case '[':
		return "array"
	case '"':
		return "string"
	case 't', 'f':
		return "bool"
	case 'n':
		return "null"
	}
	return "number"
}
