package match

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"pgregory.net/rapid"
)

// TestNaiveValidity holds the scanner against Row.Valid: of every record those rows are reported that stand at its time, or, where it says none, at the time that was asked for.
func TestNaiveValidity(t *testing.T) {
	t.Parallel()
	noon := time.Date(2026, 11, 2, 12, 0, 0, 0, time.UTC)
	values := []string{"evil.example", "xn--bcher-kva.example", "192.0.2.1", "198.51.100.0/24", "d41d8cd98f00b204e9800998ecf8427e"}
	written := map[string][]string{
		"evil.example": {"www.EVIL[.]example", "http://evil.example/a"}, "xn--bcher-kva.example": {"bücher.example", `b\u00fccher.example`}, "192.0.2.1": {"::ffff:192.0.2.1", "192.0.2.1:53"},
		"198.51.100.0/24": {"198.51.100.200"}, "d41d8cd98f00b204e9800998ecf8427e": {"D41D8CD98F00B204E9800998ECF8427E"},
	}
	rapid.Check(t, func(t *rapid.T) {
		hour := rapid.Custom(func(t *rapid.T) time.Time {
			return noon.Add(time.Duration(rapid.IntRange(-3, 3).Draw(t, "hour")) * time.Hour)
		})
		b := NewBuilder(Key{7}, 16)
		rows := map[string][]Row{}
		for i := range rapid.IntRange(1, 10).Draw(t, "rows") {
			text := rapid.SampledFrom(values).Draw(t, "value")
			r := Row{ID: uint32(i + 1), Revoked: rapid.IntRange(0, 4).Draw(t, "revoked") == 0}
			if rapid.Bool().Draw(t, "has from") {
				r.From = hour.Draw(t, "from")
			}
			if rapid.Bool().Draw(t, "has until") {
				r.Until = hour.Draw(t, "until")
			}
			v, err := Parse(text, 0)
			if err == nil {
				err = b.Add(v, r)
			}
			if err != nil {
				t.Fatal(err)
			}
			rows[text] = append(rows[text], r)
		}
		set, _ := b.Build()
		o := Options{At: hour.Draw(t, "at"), Always: rapid.IntRange(0, 3).Draw(t, "always") == 0}
		var log strings.Builder
		var want []string
		void := int64(0)
		for line := range rapid.IntRange(1, 12).Draw(t, "lines") {
			value := rapid.SampledFrom(values).Draw(t, "seen")
			at, stamp := o.At, ""
			if rapid.Bool().Draw(t, "dated") {
				at = hour.Draw(t, "ts")
				stamp = fmt.Sprintf(`"ts":%d,`, at.Unix())
			}
			fmt.Fprintf(&log, "{%s\"v\":\"%s\"}\n", stamp, rapid.SampledFrom(written[value]).Draw(t, "written"))
			var ids []uint32
			for _, r := range rows[value] {
				if o.Always || r.Valid(at) {
					ids = append(ids, r.ID)
				}
			}
			switch {
			case len(ids) > 0:
				want = append(want, fmt.Sprint(line+1, value, ids))
			case len(rows[value]) > 0:
				void++
			}
		}
		var got []string
		stats, err := Scan(context.Background(), strings.NewReader(log.String()), set, o, func(f Occurrence) error {
			slices.Sort(f.IDs)
			got = append(got, fmt.Sprint(f.Line, f.Value, f.IDs))
			return nil
		})
		if err != nil || !slices.Equal(got, want) || stats.Void != void {
			t.Fatalf("%v: %+v\n%s\nfound %q\nnaive %q, %d void", err, stats, log.String(), got, want, void)
		}
	})
}
