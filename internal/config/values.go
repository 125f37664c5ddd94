package config

import (
	"fmt"
	"net/url"
	"strings"
)

// Value is a setting as it holds on this node. It has no secret: of an address with a password, the password is left out.
type Value struct {
	Row
	Text string // "" where it is empty
	Own  bool   // it is not the default
}

// Values lists every setting in order, as it holds.
func (c *Config) Values() []Value {
	var out []Value
	own := settings()
	for i, row := range Reference() {
		v := Value{Row: row}
		if s := own[i]; !s.isEmpty(c) {
			v.Text = fmt.Sprint(s.value(c))
			if s.list != nil {
				v.Text = strings.Join(*s.list(c), ", ")
			}
		}
		v.Own = v.Text != row.Default
		if u, err := url.Parse(v.Text); err == nil && u.User != nil {
			v.Text = u.Redacted()
		}
		out = append(out, v)
	}
	return out
}
