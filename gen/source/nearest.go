package source

import "strings"

// Nearest returns the word of legal that is most like word, or that word abbreviates; "" if there is none.
func Nearest(word string, legal []string) string {
	best, least := "", max(2, len(word)/3)+1
	for _, w := range legal {
		if d := distance(word, w); d < least && d < len(w) {
			best, least = w, d
		}
	}
	for _, w := range legal {
		if best == "" && len(word) >= 3 && strings.HasPrefix(w, word) {
			best = w
		}
	}
	return best
}

// distance is the Levenshtein distance of a and b in bytes.
func distance(a, b string) int {
	row := make([]int, len(b)+1)
	for j := range row {
		row[j] = j
	}
	for i := range len(a) {
		diagonal := row[0]
		row[0] = i + 1
		for j := range len(b) {
			cost := diagonal
			if a[i] != b[j] {
				cost = 1 + min(diagonal, row[j], row[j+1])
			}
			diagonal, row[j+1] = row[j+1], cost
		}
	}
	return row[len(b)]
}
