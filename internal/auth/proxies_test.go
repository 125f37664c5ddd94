package auth

import "testing"

// TestProxies: only what a proxy of one's own has seen last counts; what anybody else writes into the header is theirs.
func TestProxies(t *testing.T) {
	t.Parallel()
	p := ParseProxies([]string{"192.0.2.1", "no address"})
	for _, c := range []struct {
		remote    string
		forwarded []string
		want      string
	}{
		{"192.0.2.1:1", []string{"203.0.113.9, 198.51.100.7"}, "198.51.100.7"},
		{"[::ffff:192.0.2.1]:1", []string{"203.0.113.9", "198.51.100.7"}, "198.51.100.7"},
		{"192.0.2.1:1", nil, "192.0.2.1"},
		{"192.0.2.1:1", []string{"rubbish"}, "192.0.2.1"},
		{"192.0.2.2:1", []string{"198.51.100.7"}, "192.0.2.2"},
		{"@", []string{"198.51.100.7"}, "unknown"},
	} {
		if got := p.Client(c.remote, c.forwarded); got != c.want {
			t.Errorf("%s, %v: %s, want %s", c.remote, c.forwarded, got, c.want)
		}
	}
}
