package match

import "testing"

// TestWide: what would be found on every line is told apart from what is somebody's network.
func TestWide(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]bool{
		"0.0.0.0/0": true, "::/0": true, "10.0.0.0/7": true, "10.0.0.0/8": false, "2001::/15": true, "2001::/16": false, "192.0.2.0/24": false, "2001:db8::/32": false, "192.0.2.1": false, "co.example": false,
	} {
		v, err := Parse(text, 0)
		if err != nil || v.Wide() != want {
			t.Errorf("%s: %t, %v", text, v.Wide(), err)
		}
	}
	for _, text := range []string{"com", "com.", ".com", "*.com"} { // all names below it
		if v, err := Parse(text, Domain); err == nil {
			t.Errorf("%s is looked for as %q", text, v.Text)
		}
	}
}
