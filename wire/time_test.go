package wire

import (
	"testing"
	"time"

	"pgregory.net/rapid"
)

// TestTimeByHand holds the hand-made reader against package time.
func TestTimeByHand(t *testing.T) {
	t.Parallel()
	// spec: ENC-5
	rapid.Check(t, func(t *rapid.T) {
		s := rapid.OneOf(rapid.StringMatching(`(19|20|21|22)[0-9]{2}-[01][0-9]-[0-3][0-9]T[0-2][0-9]:[0-6][0-9]:[0-6][0-9]\.[0-9]{3}Z`),
			rapid.StringMatching(`2026-02-(28|29|30|31|00)T23:59:(59|60).00[09]Z`), rapid.StringMatching(`[0-9TZ:.-]{22,25}`)).Draw(t, "s")
		want, err := time.Parse(timeForm, s)
		good := err == nil && want.Format(timeForm) == s && want.Year() >= 2020 && want.Year() <= 2199
		got, err := ParseTime(s)
		if good != (err == nil) || good && !got.Std().Equal(want) {
			t.Fatalf("%q: %v, %v", s, got, err)
		}
	})
}
