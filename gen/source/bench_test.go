package source

import (
	"bytes"
	"fmt"
	"testing"

	"gopkg.in/yaml.v3"
)

// file returns an included file with n servers.
func benchmarkFile(n int) []byte {
	var b bytes.Buffer
	b.WriteString("servers:\n")
	for i := range n {
		fmt.Fprintf(&b, "  server%d:\n    product: vps\n    account: acme\n    primary: [198.18.%d.%d, 2001:db8::%x]\n",
			i, i/256, i%256, i)
		fmt.Fprintf(&b, "    addresses:\n      198.18.%d.%d: mail%d.acme.example\n      198.19.%d.%d:\n",
			i/256, i%256, i, i/256, i%256)
	}
	return b.Bytes()
}

// BenchmarkParse is what ReadFiles does with one file. It is to be read beside BenchmarkYAML, its floor: what it costs
// more is ours.
func BenchmarkParse(b *testing.B) {
	data := benchmarkFile(1000)
	b.SetBytes(int64(len(data)))
	b.ReportAllocs()
	for b.Loop() {
		var f file
		if f.read("f", data, true, nil, nil); len(f.form) == 0 {
			b.Fatal("nothing")
		}
	}
}

// BenchmarkYAML parses the same file into YAML nodes.
func BenchmarkYAML(b *testing.B) {
	data := benchmarkFile(1000)
	b.SetBytes(int64(len(data)))
	b.ReportAllocs()
	for b.Loop() {
		var n yaml.Node
		if err := yaml.Unmarshal(data, &n); err != nil {
			b.Fatal(err)
		}
	}
}

// BenchmarkDecode is what Read costs, to be read beside BenchmarkParse.
func BenchmarkDecode(b *testing.B) {
	data := benchmarkFile(1000)
	p := parse("f", data, true, new(room))
	form := encode("f", &p.doc, p.findings, new(room))
	b.SetBytes(int64(len(data)))
	b.ReportAllocs()
	for b.Loop() {
		if _, _, ok := decode("f", form); !ok {
			b.Fatal("not decoded")
		}
	}
	b.ReportMetric(float64(len(form))/float64(len(data)), "form/file")
}

// BenchmarkEncode is a part of BenchmarkParse.
func BenchmarkEncode(b *testing.B) {
	data := benchmarkFile(1000)
	r := new(room)
	p := parse("f", data, true, r)
	b.SetBytes(int64(len(data)))
	b.ReportAllocs()
	for b.Loop() {
		encode("f", &p.doc, p.findings, r)
	}
}

// TestAllocs holds what makes the above fast: hardly any memory of our own beside the nodes, and few allocations when a
// form is decoded.
func TestAllocs(t *testing.T) {
	data := benchmarkFile(1000)
	nodes := testing.AllocsPerRun(3, func() {
		var n yaml.Node
		if err := yaml.Unmarshal(data, &n); err != nil {
			t.Fatal(err)
		}
	})
	var f file
	if n := testing.AllocsPerRun(3, func() { f.read("f", data, true, nil, nil) }); n > 1.05*nodes {
		t.Errorf("a file is read with %v allocations, its nodes with %v", n, nodes)
	}
	if n := testing.AllocsPerRun(3, func() { f.decode() }); n > 100 {
		t.Errorf("a thousand servers are decoded with %v allocations, want at most 100", n)
	}
}
