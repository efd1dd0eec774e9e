package generic

import "testing"

func BenchmarkPTR(b *testing.B) {
	for _, name := range []string{
		"mail.acme.example.",
		"examplaaa1.miniserver.example.",
		"192-0-2-10.static.example.net.",
	} {
		b.Run(name, func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				PTR(name)
			}
		})
	}
}
