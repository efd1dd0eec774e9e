package main

import (
	"math"
	"slices"
	"strconv"
	"strings"
)

// A table is one of Markdown.
type table struct {
	head []string
	left int // so many columns are aligned left, the others right
	rows [][]string
}

func (t *table) add(cells ...string) { t.rows = append(t.rows, cells) }

func (t *table) String() string {
	var b strings.Builder
	row := func(cells []string) { b.WriteString("| " + strings.Join(cells, " | ") + " |\n") }
	row(t.head)
	rule := make([]string, len(t.head))
	for i := range rule {
		if rule[i] = "---"; i >= t.left {
			rule[i] = "---:"
		}
	}
	row(rule)
	for _, cells := range t.rows {
		row(cells)
	}
	return b.String()
}

// digits writes a number with three significant digits, of which at most three are decimals. Whole numbers have all of
// their digits.
func digits(v float64) string {
	if v == math.Trunc(v) || v >= 1000 {
		return thousands(int(math.Round(v)))
	}
	decimals := 0
	for x := v; x < 100 && decimals < 3; x *= 10 {
		decimals++
	}
	return strconv.FormatFloat(v, 'f', decimals, 64)
}

// thousands writes a number with a comma before each three digits.
func thousands(n int) string {
	s := strconv.Itoa(n)
	for i := len(s) - 3; i > 0; i -= 3 {
		s = s[:i] + "," + s[i:]
	}
	return s
}

// mega returns megabytes, of 2^20 bytes.
func mega(bytes int64) float64 { return float64(bytes) / (1 << 20) }

// median returns the median of what value returns for each element, the mean of the two middle ones if their number is
// even. There has to be an element.
func median[E any](all []E, value func(E) float64) float64 {
	values := make([]float64, len(all))
	for i, e := range all {
		values[i] = value(e)
	}
	slices.Sort(values)
	return (values[(len(values)-1)/2] + values[len(values)/2]) / 2
}
