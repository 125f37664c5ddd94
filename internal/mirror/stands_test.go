package mirror

import "testing"

// TestStands: a cursor of a file or a feed in words, whoever has written it.
func TestStands(t *testing.T) {
	t.Parallel()
	for cursor, want := range map[string]string{
		`{"modified":"Sun, 01 Nov 2026 08:30:00 GMT","etag":"x"}`: "all of what the server had as of 2026-11-01 08:30:00 UTC",
		`{"etag":"\"x\""}`: "all of what the server had when it was read last; it tells by a mark of its own whether that has changed",
		`{"behind":"5a0b0000-0000-4000-8000-0000000000aa"}`: "the event 5a0b0000-0000-4000-8000-0000000000aa of the manifest; the rest of it is next",
		`{"modified":"yesterday"}`:                          "all of what the server had when it was read last; it tells by a mark of its own whether that has changed",
		`not ours`:                                          "the beginning",
	} {
		if got := Stands(cursor); got != want {
			t.Errorf("%s: %q, want %q", cursor, got, want)
		}
	}
}
