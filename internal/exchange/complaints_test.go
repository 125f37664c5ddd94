package exchange

import (
	"bytes"
	"log/slog"
	"strings"
	"testing"
	"time"

	"github.com/comity-exchange/comity/fault"
)

// However often batches fail, the diary tells of it now and then, and when it is over; another reason is told at once.
func TestComplaints(t *testing.T) {
	t.Parallel()
	var diary bytes.Buffer
	log := slog.New(slog.NewTextHandler(&diary, nil))
	now := time.Date(2026, 3, 2, 8, 0, 0, 0, time.UTC)
	down, full := fault.New(fault.Unavailable, "", "the database does not answer"), fault.New(fault.Internal, "", "the database is damaged")
	var c complaints
	c.tell(log, 1, nil, now)
	for range 25_000 { // for 25 s
		now = now.Add(time.Millisecond)
		c.tell(log, 1, down, now)
	}
	c.tell(log, 1, full, now)
	c.tell(log, 1, nil, now)
	c.tell(log, 1, nil, now)
	c.tell(log, 1, down, now)
	var got []string
	for line := range strings.Lines(diary.String()) {
		_, rest, _ := strings.Cut(line, "level=")
		got = append(got, strings.TrimSpace(rest))
	}
	want := []string{
		`ERROR msg="a batch was not written" jobs=1 failed=1 error="the database does not answer"`,
		`ERROR msg="a batch was not written" jobs=1 failed=10001 error="the database does not answer"`,
		`ERROR msg="a batch was not written" jobs=1 failed=20001 error="the database does not answer"`,
		`ERROR msg="a batch was not written" jobs=1 failed=1 error="the database is damaged"`,
		`INFO msg="batches are written again" failed=1`,
		`ERROR msg="a batch was not written" jobs=1 failed=1 error="the database does not answer"`,
	}
	if strings.Join(got, "\n") != strings.Join(want, "\n") {
		t.Errorf("the diary has\n%s\nand not\n%s", strings.Join(got, "\n"), strings.Join(want, "\n"))
	}
}
