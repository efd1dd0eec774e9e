package source

import (
	"encoding/json"
	"fmt"
	"net/netip"
	"path/filepath"
	"reflect"
	"regexp"
	"slices"
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/google/go-cmp/cmp"
	"gopkg.in/yaml.v3"

	"github.com/revmap/revmap/docs"
)

// TestSchemaKeys holds the tables of schema.go and docs/records.schema.json to the same keys.
func TestSchemaKeys(t *testing.T) {
	type keys struct{ Legal, Required []string }
	want := map[string]keys{}
	add := func(place string, legal, required []string) {
		slices.Sort(legal)
		slices.Sort(required)
		want[place] = keys{legal, required}
	}
	add("#", names(rootFields), required(rootFields))
	add("#/$defs/included", names(includedFields), required(includedFields))
	add("#/$defs/defaults", names(defaultsFields), required(defaultsFields))
	add("#/$defs/soa", names(soaFields), required(soaFields))
	add("#/$defs/product", names(productFields), required(productFields))
	add("#/$defs/account", names(accountFields), required(accountFields))
	add("#/$defs/block", names(blockFields), required(blockFields))
	add("#/$defs/registry", names(registryFields), required(registryFields))
	add("#/$defs/delegation", names(delegationFields), required(delegationFields))
	add("#/$defs/server", names(serverFields), required(serverFields))
	add("#/$defs/names", names(addressFields), required(addressFields))
	add("#/$defs/lint", names(lintFields), required(lintFields))

	got := map[string]keys{}
	var walk func(place string, x any)
	walk = func(place string, x any) {
		switch x := x.(type) {
		case []any:
			for i, y := range x {
				walk(fmt.Sprintf("%s/%d", place, i), y)
			}
		case map[string]any:
			for k, y := range x {
				walk(place+"/"+k, y)
			}
			properties, ok := x["properties"].(map[string]any)
			if !ok || x["type"] == nil {
				return
			}
			var k keys
			for name, y := range properties {
				k.Legal = append(k.Legal, name)
				if s := y.(map[string]any); s["description"] == nil && s["$ref"] != "#/$defs/version" {
					t.Errorf("%s: %q has no description", place, name)
				}
			}
			list, _ := x["required"].([]any)
			for _, name := range list {
				k.Required = append(k.Required, name.(string))
			}
			slices.Sort(k.Legal)
			slices.Sort(k.Required)
			if x["additionalProperties"] != false {
				t.Errorf("%s allows any key", place)
			}
			got[place] = k
		}
	}
	walk("#", recordsSchema(t))
	if d := cmp.Diff(want, got); d != "" {
		t.Errorf("-parser +schema:\n%s", d)
	}
}

func required[T any](legal []field[T]) []string {
	var s []string
	for _, f := range legal {
		if f.required {
			s = append(s, f.name)
		}
	}
	return s
}

// TestSchemaDefaults compares the values that both say are filled in.
func TestSchemaDefaults(t *testing.T) {
	defs := recordsSchema(t)["$defs"].(map[string]any)
	tests := []struct {
		object, key string
		want        Seconds
	}{
		{"defaults", "ttl", standardDefaults.TTL},
		{"soa", "refresh", standardDefaults.SOA.Refresh},
		{"soa", "retry", standardDefaults.SOA.Retry},
		{"soa", "expire", standardDefaults.SOA.Expire},
		{"soa", "negative_ttl", standardDefaults.SOA.NegativeTTL},
	}
	for _, tt := range tests {
		s := defs[tt.object].(map[string]any)["properties"].(map[string]any)[tt.key].(map[string]any)["default"].(string)
		if got, ok := parseSeconds(s); !ok || got != uint64(tt.want.Value) {
			t.Errorf("%s.%s: %s in the schema, %d seconds in the parser", tt.object, tt.key, s, tt.want.Value)
		}
	}
}

// TestSchemaLanguage runs the good and the bad files through the schema: what the parser refuses for the keys and types
// in it the schema refuses too.
func TestSchemaLanguage(t *testing.T) {
	schema := recordsSchema(t)
	beyond := map[string]string{ // what a schema cannot see
		"wrong-type-ds-length":          "the length depends on the type",
		"wrong-type-duration-hex":       "YAML makes it 16",
		"address-invalid-mapped":        "format ipv6",
		"address-invalid-host-bits":     "pattern",
		"address-invalid-routed":        "pattern",
		"address-invalid-length":        "pattern",
		"address-invalid-mapped-prefix": "pattern",
	}
	structural := []string{"unknown-key", "missing-key", "wrong-type", "address-invalid", "severity-invalid"}
	for _, file := range slices.Concat(glob(t, "testdata/ok/*.yaml"), glob(t, "testdata/err/*.yaml")) {
		name := strings.TrimSuffix(filepath.Base(file), ".yaml")
		rule := slices.ContainsFunc(structural, func(rule string) bool { return strings.HasPrefix(name, rule) })
		good := strings.Contains(file, "/ok/")
		if !good && !rule {
			continue
		}
		var n yaml.Node
		if err := yaml.Unmarshal(readFile(t, file), &n); err != nil {
			t.Fatal(err)
		}
		c := checker{root: schema}
		problem := c.check("", schema, plain(n.Content[0]))
		_, blind := beyond[name]
		switch {
		case good && problem != "":
			t.Errorf("%s is good, but the schema finds %s", file, problem)
		case !good && !blind && problem == "":
			t.Errorf("%s is bad, but the schema finds nothing", file)
		case blind && problem != "":
			t.Errorf("%s: the schema finds %s after all", file, problem)
		}
	}
}

func recordsSchema(t *testing.T) map[string]any {
	t.Helper()
	var schema map[string]any
	if err := json.Unmarshal(docs.RecordsSchema, &schema); err != nil {
		t.Fatal(err)
	}
	return schema
}

// plain returns what a JSON Schema sees of a YAML node.
func plain(n *yaml.Node) any {
	switch n.Kind {
	case yaml.MappingNode:
		m := map[string]any{}
		for i := 0; i < len(n.Content); i += 2 {
			m[n.Content[i].Value] = plain(n.Content[i+1])
		}
		return m
	case yaml.SequenceNode:
		list := []any{}
		for _, item := range n.Content {
			list = append(list, plain(item))
		}
		return list
	}
	var v any = n.Value
	switch n.ShortTag() {
	case "!!null", "!!bool", "!!int", "!!float":
		if err := n.Decode(&v); err != nil {
			return n.Value
		}
	}
	if i, ok := v.(int); ok {
		return float64(i)
	}
	return v
}

// A checker knows as much of JSON Schema as docs/records.schema.json uses. It fails on other keywords.
type checker struct {
	root map[string]any
}

// check returns what is wrong with v at a place, "" if nothing is.
func (c *checker) check(place string, schema any, v any) string {
	if allowed, ok := schema.(bool); ok {
		if !allowed {
			return place + " is not allowed"
		}
		return ""
	}
	s := schema.(map[string]any)
	m, isMap := v.(map[string]any)
	list, isList := v.([]any)
	text, isText := v.(string)
	number, isNumber := v.(float64)
	for keyword, arg := range s {
		problem := ""
		switch keyword {
		case "$schema", "$id", "$defs", "title", "description", "examples", "default":
		case "patternProperties", "additionalProperties": // see properties
		case "$ref":
			var target any = c.root
			for _, name := range strings.Split(arg.(string), "/")[1:] {
				target = target.(map[string]any)[name]
			}
			problem = c.check(place, target, v)
		case "type":
			words, ok := arg.([]any)
			if !ok {
				words = []any{arg}
			}
			kind := map[reflect.Kind]string{
				reflect.Invalid: "null", reflect.Bool: "boolean", reflect.Float64: "number", reflect.String: "string",
				reflect.Map: "object", reflect.Slice: "array",
			}[reflect.ValueOf(v).Kind()]
			if !slices.ContainsFunc(words, func(w any) bool {
				return w == kind || w == "integer" && isNumber && number == float64(int64(number))
			}) {
				problem = fmt.Sprintf("%s is %v", place, v)
			}
		case "const":
			if v != arg {
				problem = fmt.Sprintf("%s is %v", place, v)
			}
		case "enum":
			if !slices.Contains(arg.([]any), v) {
				problem = fmt.Sprintf("%s is %v", place, v)
			}
		case "pattern":
			if isText && !regexp.MustCompile(arg.(string)).MatchString(text) {
				problem = fmt.Sprintf("%s is %q", place, text)
			}
		case "format":
			a, err := netip.ParseAddr(text)
			if isText && (err != nil || a.Zone() != "" || a.Is4() != (arg == "ipv4")) {
				problem = fmt.Sprintf("%s is %q", place, text)
			}
		case "minLength":
			if isText && utf8.RuneCountInString(text) < int(arg.(float64)) {
				problem = place + " is too short"
			}
		case "minimum", "maximum":
			if isNumber && (number < arg.(float64)) == (keyword == "minimum") && number != arg {
				problem = fmt.Sprintf("%s is %v", place, v)
			}
		case "minItems":
			if isList && len(list) < int(arg.(float64)) {
				problem = place + " has too few items"
			}
		case "items":
			for i, item := range list {
				problem += c.check(fmt.Sprintf("%s/%d", place, i), arg, item)
			}
		case "required":
			for _, name := range arg.([]any) {
				if _, ok := m[name.(string)]; isMap && !ok {
					problem = fmt.Sprintf("%s lacks %s", place, name)
				}
			}
		case "propertyNames":
			for name := range m {
				problem += c.check(place+"/"+name, arg, name)
			}
		case "properties":
			for name, value := range m {
				if p, ok := arg.(map[string]any)[name]; ok {
					problem += c.check(place+"/"+name, p, value)
				}
			}
		case "anyOf":
			problem = place + " fits nothing"
			for _, x := range arg.([]any) {
				if c.check(place, x, v) == "" {
					problem = ""
				}
			}
		case "not":
			if c.check(place, arg, v) == "" {
				problem = place + " is what it must not be"
			}
		default:
			return "the keyword " + keyword
		}
		if problem != "" {
			return problem
		}
	}
	properties, _ := s["properties"].(map[string]any)
	patterns, _ := s["patternProperties"].(map[string]any)
	for name, value := range m {
		_, known := properties[name]
		for pattern, x := range patterns {
			if regexp.MustCompile(pattern).MatchString(name) {
				known = true
				if problem := c.check(place+"/"+name, x, value); problem != "" {
					return problem
				}
			}
		}
		if additional, ok := s["additionalProperties"]; ok && !known {
			if problem := c.check(place+"/"+name, additional, value); problem != "" {
				return problem
			}
		}
	}
	return ""
}
