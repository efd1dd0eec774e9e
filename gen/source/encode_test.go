package source

import (
	"fmt"
	"math/rand/v2"
	"net/netip"
	"path/filepath"
	"reflect"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/revmap/revmap/gen/diag"
	"github.com/revmap/revmap/internal/hostname"
)

// everything compares documents in all their fields.
var everything = cmp.Options{same, cmp.AllowUnexported(document{})}

func checkForm(t *testing.T, file string, d *document, findings diag.List) {
	t.Helper()
	form := encode(file, d, findings, new(room))
	got, found, ok := decode(file, form)
	if !ok {
		t.Fatalf("the form is not decoded: %q", form)
	}
	if d := cmp.Diff(d, got, everything); d != "" {
		t.Errorf("document (-encoded +decoded):\n%s", d)
	}
	if d := cmp.Diff(findings, found, everything); d != "" {
		t.Errorf("findings (-encoded +decoded):\n%s", d)
	}
	if again := encode(file, got, found, new(room)); again != form {
		t.Errorf("the form of the same is another:\n%q\n%q", again, form)
	}
	for i := range min(len(form), 100) {
		if _, _, ok := decode(file, form[:i]); ok {
			t.Errorf("%d bytes of %d are a form", i, len(form))
		}
	}
	if _, _, ok := decode(file, form+"\x00"); ok {
		t.Error("what follows the form is ignored")
	}
}

func TestEncodeTestdata(t *testing.T) {
	for _, file := range slices.Concat(glob(t, "testdata/ok/*.yaml"), glob(t, "testdata/err/*.yaml")) {
		t.Run(filepath.Base(file), func(t *testing.T) {
			for _, included := range []bool{false, true} {
				p := parse(file, readFile(t, file), included, new(room))
				checkForm(t, file, &p.doc, p.findings.Sort())
			}
		})
	}
}

func TestEncodeRandom(t *testing.T) {
	for seed := range uint64(200) {
		w := &writer{Rand: rand.New(rand.NewPCG(seed, 0))}
		for i := range 60 {
			w.free = append(w.free, netip.AddrFrom4([4]byte{192, 0, 2, byte(i)}))
		}
		p := parse("a.yaml", w.file(0, "version: 1\n"), true, new(room))
		checkForm(t, "a.yaml", &p.doc, p.findings.Sort())
	}
}

// TestEncodeEveryField fills in all that the types have. What the form lacks is missing afterwards.
func TestEncodeEveryField(t *testing.T) {
	for seed := range uint64(20) {
		f := filler{Rand: rand.New(rand.NewPCG(seed, 0))}
		var d document
		var findings diag.List
		f.fill(t, reflect.ValueOf(&d).Elem())
		f.fill(t, reflect.ValueOf(&findings).Elem())
		d.Root, d.Files = "f", []string{"f"} // known without the form
		d.Forwards = nil                     // those of all files together
		checkForm(t, "f", &d, findings)
	}
}

// A filler makes values that are not zero.
type filler struct{ *rand.Rand }

func (f *filler) fill(t *testing.T, v reflect.Value) {
	number := 1 + f.IntN(1<<f.IntN(17))
	switch x := v.Addr().Interface().(type) {
	case *diag.Position:
		*x = diag.Position{File: "f", Line: number, Column: f.IntN(200)}
		return
	case *netip.Addr:
		*x = netip.AddrFrom4([4]byte{198, 51, 100, byte(number)})
		if f.IntN(2) == 0 {
			*x = netip.AddrFrom16([16]byte{0x20, 1, 13, 0xb8, 15: byte(number)})
		}
		return
	case *netip.Prefix:
		var a netip.Addr
		f.fill(t, reflect.ValueOf(&a).Elem())
		*x = netip.PrefixFrom(a, f.IntN(a.BitLen()+1))
		return
	case **hostname.Template:
		var err error
		if *x, err = hostname.Parse(fmt.Sprintf("{server}.n%d.example", number)); err != nil {
			t.Fatal(err)
		}
		return
	case *time.Time:
		*x = time.Date(f.IntN(10000), 1, number, 0, 0, 0, 0, time.UTC)
		return
	}
	switch v.Kind() {
	case reflect.Struct:
		for i := range v.NumField() {
			field := v.Field(i)
			if !field.CanSet() { // document has fields of its own
				field = reflect.NewAt(field.Type(), field.Addr().UnsafePointer()).Elem()
			}
			f.fill(t, field)
		}
	case reflect.Slice:
		v.Set(reflect.MakeSlice(v.Type(), 1+f.IntN(3), 3))
		for i := range v.Len() {
			f.fill(t, v.Index(i))
		}
	case reflect.String:
		v.SetString(fmt.Sprint("text", number)[:1+f.IntN(4)])
	case reflect.Int:
		v.SetInt(int64(number))
	case reflect.Uint8:
		v.SetUint(uint64(1 + number%255))
	case reflect.Uint16, reflect.Uint32:
		v.SetUint(uint64(number))
	default:
		t.Fatalf("no value for the type %v: teach filler and coder about it", v.Type())
	}
}

// A list that is decoded does not share its room with the next one.
func TestDecodedListsAreApart(t *testing.T) {
	p := parse("f", benchmarkFile(3), true, new(room))
	d, _, ok := decode("f", encode("f", &p.doc, nil, new(room)))
	if !ok {
		t.Fatal("not decoded")
	}
	for i := range d.Servers {
		s := &d.Servers[i]
		s.Primary = append(s.Primary, Addr{})
		s.Addresses = append(s.Addresses, Address{})
		for j := range s.Addresses {
			s.Addresses[j].Names = append(s.Addresses[j].Names, Name{})
		}
	}
	for i := range d.Servers {
		s := &d.Servers[i]
		if len(s.Primary) != 3 || !s.Primary[0].IsValid() || !s.Addresses[0].Addr.IsValid() ||
			s.Addresses[0].Names[0].Value != fmt.Sprintf("mail%d.acme.example.", i) {
			t.Errorf("overwritten: %+v", s)
		}
	}
}

// A form with a prefix that is none is no form: who uses prefixes counts on their length.
func TestDecodedPrefixesAreValid(t *testing.T) {
	d := new(document)
	d.Root, d.Files = "f", []string{"f"}
	d.Servers = []Server{{Routed: []Prefix{{Prefix: netip.MustParsePrefix("192.0.2.0/24")}}}}
	form := encode("f", d, nil, new(room))
	for bits, want := range map[byte]bool{24: true, 0: true, 32: true, 33: false, 127: false} {
		changed := strings.Replace(form, "\x04\xc0\x00\x02\x00\x18", "\x04\xc0\x00\x02\x00"+string([]byte{bits}), 1)
		if _, _, ok := decode("f", changed); ok != want {
			t.Errorf("a length of %d bits: decoded is %v, want %v", bits, ok, want)
		}
	}
}

// FuzzDecode checks that no bytes make decode panic, and that what it takes for a form is one.
func FuzzDecode(f *testing.F) {
	for _, file := range []string{"testdata/ok/base.yaml", "testdata/err/duplicate-key-many.yaml"} {
		p := parse("f", readFile(f, file), false, new(room))
		f.Add(encode("f", &p.doc, p.findings.Sort(), new(room)))
	}
	f.Fuzz(func(t *testing.T, form string) {
		d, findings, ok := decode("f", form)
		if !ok {
			return
		}
		again, found, ok := decode("f", encode("f", d, findings, new(room)))
		if diff := cmp.Diff(d, again, everything); !ok || diff != "" {
			t.Errorf("document (-first +second):\n%s", diff)
		}
		if diff := cmp.Diff(findings, found, everything); diff != "" {
			t.Errorf("findings (-first +second):\n%s", diff)
		}
	})
}
