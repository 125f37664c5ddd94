package auth

import (
	"fmt"
	"net/netip"
	"testing"
	"time"
)

// TestLimiter: a burst, then one at a time, each key for itself; and no key costs memory for ever.
func TestLimiter(t *testing.T) {
	t.Parallel()
	now := time.Date(2026, 11, 21, 8, 0, 0, 0, time.UTC)
	l := NewLimiter(3, 2*time.Second, 10, func() time.Time { return now })
	for i := range 3 {
		if l.Take("a") != 0 {
			t.Errorf("attempt %d has to wait", i)
		}
	}
	if got := l.Take("a"); got != 2*time.Second {
		t.Errorf("wait %v", got)
	}
	if l.Take("b") != 0 {
		t.Error("another has to wait")
	}
	now = now.Add(time.Second)
	if got := l.Take("a"); got != time.Second {
		t.Errorf("wait %v", got)
	}
	now = now.Add(time.Second)
	if l.Take("a") != 0 || l.Take("a") == 0 {
		t.Error("not one more")
	}
	now = now.Add(-time.Hour)
	if l.Take("a") == 0 {
		t.Error("a clock that goes back fills the bucket")
	}
	now = now.Add(24 * time.Hour)
	for range 3 {
		l.Take("a")
	}
	if l.Take("a") == 0 {
		t.Error("a day gives more than the burst")
	}
	for i := range 100 {
		l.Take(fmt.Sprint(i))
	}
	if len(l.buckets) != 10 || l.used.Len() != 10 {
		t.Errorf("%d buckets, %d in the list", len(l.buckets), l.used.Len())
	}
}

func TestAddressKey(t *testing.T) {
	t.Parallel()
	for in, want := range map[string]string{
		"192.0.2.7": "192.0.2.7", "::ffff:192.0.2.7": "192.0.2.7", "2001:db8:1:2:3::4": "2001:db8:1:2::/64", "fe80::1%eth0": "fe80::/64",
	} {
		if got := AddressKey(netip.MustParseAddr(in)); got != want {
			t.Errorf("%s: %s", in, got)
		}
	}
}
