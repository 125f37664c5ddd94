package config

import (
	"strings"
	"unicode"
)

// nearest finds the known key that a wrong one was most likely meant to be: the fewest letters to change; of equals, the first.
func nearest(key string, known []string) string {
	best, least := "", 1<<30
	for _, k := range known {
		// A key within a table ([lock] key_file) is compared by its last part too.
		d := min(distance(key, k), distance(key[strings.LastIndexByte(key, '.')+1:], k))
		if d < least {
			best, least = k, d
		}
	}
	return best
}

// distance is Levenshtein's, by bytes.
func distance(a, b string) int {
	row := make([]int, len(b)+1)
	for j := range row {
		row[j] = j
	}
	for i := range len(a) {
		diagonal := row[0]
		row[0] = i + 1
		for j := range len(b) {
			change := diagonal
			if a[i] != b[j] {
				change++
			}
			diagonal = row[j+1]
			row[j+1] = min(change, row[j]+1, diagonal+1)
		}
	}
	return row[len(b)]
}

// printable shortens a key for a message and takes out what a terminal might act on.
func printable(key string) string {
	key = strings.Map(func(r rune) rune {
		if unicode.IsGraphic(r) {
			return r
		}
		return -1
	}, key)
	if r := []rune(key); len(r) > 64 {
		key = string(r[:64]) + "…"
	}
	return key
}
