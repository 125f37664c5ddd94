package party

import (
	"testing"
	"time"
)

func TestDutyAt(t *testing.T) {
	t.Parallel()
	at := func(text string) time.Time {
		v, err := time.Parse(time.RFC3339, text)
		if err != nil {
			t.Fatal(err)
		}
		return v
	}
	monday, sunday := "2026-11-23T", "2026-11-22T"
	for _, tt := range []struct {
		hours, at string
		want      Duty
	}{
		{"24/7", sunday + "03:00:00Z", OnDuty},
		{" 24/7 ", sunday + "03:00:00Z", OnDuty},
		{"Mon-Fri 08:00-17:00", monday + "08:00:00Z", OnDuty},
		{"Mon-Fri 08:00-17:00", monday + "17:00:00Z", OffDuty},
		{"Mon-Fri 08:00-17:00", sunday + "09:00:00Z", OffDuty},
		{"Mon-Fri 08:00-17:00 UTC+3", monday + "05:00:00Z", OnDuty},
		{"Mon-Fri 08:00-17:00 UTC+3", monday + "14:00:00Z", OffDuty},
		{"Mon-Fri 08:00-17:00 UTC-03:30", monday + "11:29:00Z", OffDuty},
		{"Mon-Fri 08:00-17:00 UTC-03:30", monday + "11:30:00Z", OnDuty},
		{"22:00-06:00", sunday + "23:00:00Z", OnDuty},
		{"22:00-06:00", sunday + "05:59:00Z", OnDuty},
		{"22:00-06:00", sunday + "12:00:00Z", OffDuty},
		{"Sun 22:00-06:00", monday + "05:00:00Z", OnDuty},
		{"Sun 22:00-06:00", monday + "23:00:00Z", OffDuty},
		{"Fri-Mon 00:00-24:00", monday + "23:59:00Z", OnDuty},
		{"Mon,Wed 08:00-12:00; Sun 09:00-10:00", sunday + "09:30:00Z", OnDuty},
		{"Mon,Wed 08:00-12:00; Sun 09:00-10:00", sunday + "10:30:00Z", OffDuty},
		{"", monday + "08:00:00Z", Unstated},
		{"office hours", monday + "08:00:00Z", Unstated},
		{"Mon-Fri", monday + "08:00:00Z", Unstated},
		{"Mon-Xyz 08:00-17:00", monday + "09:00:00Z", Unstated},
		{"08:00-25:00", monday + "09:00:00Z", Unstated},
		{"08:00-08:00", monday + "09:00:00Z", Unstated},
		{"24:00-06:00", monday + "03:00:00Z", Unstated},
		{"08:00-17:00 UTC+15", monday + "03:00:00Z", Unstated},
		{"08:00-17:00 UTC3", monday + "03:00:00Z", Unstated},
		{"08:00-17:00 CET", monday + "09:00:00Z", Unstated},
		{"08:00-17:00; and else", monday + "20:00:00Z", Unstated},
	} {
		if got := DutyAt(tt.hours, at(tt.at)); got != tt.want {
			t.Errorf("%q at %s: %s, want %s", tt.hours, tt.at, got, tt.want)
		}
	}
}

func FuzzDutyAt(f *testing.F) {
	for _, s := range []string{"24/7", "Mon-Fri 08:00-17:00 UTC+3", "22:00-06:00; Sun 09:00-10:00", ";", "UTC"} {
		f.Add(s)
	}
	when := time.Date(2026, 11, 22, 5, 0, 0, 0, time.UTC)
	f.Fuzz(func(t *testing.T, hours string) {
		if d := DutyAt(hours, when); d != OnDuty && d != OffDuty && d != Unstated {
			t.Errorf("%q: %q", hours, d)
		}
	})
}
