package cli

import (
	"strings"
	"testing"
	"time"

	"github.com/go-json-experiment/json"

	"github.com/comity-exchange/comity/statement"
)

// hostile is a text that sets a terminal's title, turns the direction of writing, and rubs out what stands before it.
const hostile = "ev\x1b]0;pwn\x07il\u202egpj\u2066.\x7f\u009b2J\r\x1b[2K\u061c\U000e0041"

// steering tells what of a text would steer a terminal; paint's own colours do not count.
func steering(s string) (bad []rune) {
	for _, code := range []string{"0", "1", "2", "1;31"} {
		s = strings.ReplaceAll(s, "\x1b["+code+"m", "")
	}
	for _, r := range s {
		if steers(r) {
			bad = append(bad, r)
		}
	}
	return bad
}

// TestPageSteersNothing: no command can forget to clean what others wrote, whether it is in a table, a sentence, a painted word or JSON.
func TestPageSteersNothing(t *testing.T) {
	t.Parallel()
	for _, colour := range []bool{false, true} {
		p := &page{now: statement.TimeOf(time.Unix(0, 0)), colour: colour}
		rows := newTable("object", "name")
		rows.add("indicator--1", hostile)
		rows.addAlert(true, "two\nlines", hostile+" "+hostile)
		p.table(rows)
		p.say("%s says %v", hostile, []string{hostile})
		p.say("%s", p.warn(hostile))
		if bad := steering(p.String()); len(bad) > 0 {
			t.Errorf("colour %t: %q steers: %q", colour, bad, p.String())
		}
		if got := strings.Count(p.String(), "\n"); got != 5 {
			t.Errorf("%d lines of 5: %q", got, p.String())
		}
		if got := strings.Contains(p.String(), "\x1b[1;31m"); got != colour {
			t.Errorf("painted %t with colour %t", got, colour)
		}
	}
}

// TestShownJSONSteersNothing: what is printed as JSON says what it said, and steers no terminal.
func TestShownJSONSteersNothing(t *testing.T) {
	t.Parallel()
	var out, notes strings.Builder
	s := &session{out: &out, err: &notes, now: time.Now, json: true}
	if err := s.show(map[string]string{"name": hostile}, nil); err != nil {
		t.Fatal(err)
	}
	if s.note(hostile); len(steering(out.String()+notes.String())) > 0 {
		t.Errorf("%q, %q", out.String(), notes.String())
	}
	var back map[string]string
	if err := json.Unmarshal([]byte(out.String()), &back); err != nil || back["name"] != hostile {
		t.Errorf("%q: %v", back["name"], err)
	}
}
