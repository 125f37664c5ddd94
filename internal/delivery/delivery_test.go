package delivery

import (
	"bytes"
	"io"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/comity-exchange/comity/fault"
	"github.com/comity-exchange/comity/statement"
)

// Waits double, never exceed the longest, and never become nothing.
func TestBackoff(t *testing.T) {
	t.Parallel()
	c := New(Options{RetryMin: time.Second, RetryMax: 300 * time.Second})
	// spec: NET-4
	for failures := 1; failures < 200; failures++ {
		full := 300 * time.Second
		if failures < 10 {
			full = min(full, time.Second<<(failures-1))
		}
		for range 20 {
			if w := c.backoff(failures); w < full/2 || w > full {
				t.Fatalf("after %d failures: %s, want %s to %s", failures, w, full/2, full)
			}
		}
	}
}

// A peer's bucket holds a second's worth, fills with time, and four at once are enough.
func TestQuota(t *testing.T) {
	t.Parallel()
	now := time.Date(2026, 3, 2, 8, 0, 0, 0, time.UTC)
	q := &quota{tokens: perSecond}
	// spec: NET-6
	for i := range atOnce + 1 {
		if got := q.take(now); got != (i < atOnce) {
			t.Errorf("request %d at once: %v", i+1, got)
		}
	}
	for range atOnce {
		q.done()
	}
	served := atOnce
	for q.take(now) {
		q.done()
		served++
	}
	if served != perSecond {
		t.Errorf("%d in one moment", served)
	}
	if now = now.Add(100 * time.Millisecond); !q.take(now) {
		t.Error("nothing after a tenth of a second")
	}
	q.done()
	now, served = now.Add(time.Hour), 0
	for q.take(now) {
		q.done()
		served++
	}
	if served != perSecond {
		t.Errorf("%d after an hour: the bucket overflows", served)
	}
}

// What a peer's refusal says is believed as far as code and clause have the form of one; nothing else of it is repeated.
func TestProblemOf(t *testing.T) {
	t.Parallel()
	// spec: NET-7
	for _, c := range []struct {
		body, clause string
		code         fault.Code
	}{
		{`{"type":"about:blank","title":"<script>","status":409,"code":"parked","clause":"LOG-8"}`, "LOG-8", fault.Parked},
		{`{"code":"fork","clause":"no clause at all!"}`, "", fault.Fork},
		{`{"code":"Give up","clause":"LOG-8"}`, "NET-7", fault.Unavailable},
		{`{"code":"withheld"}`, "NET-7", fault.Unavailable},
		{`<html>`, "NET-7", fault.Unavailable},
		{``, "NET-7", fault.Unavailable},
		{strings.Repeat("x", 1<<20), "NET-7", fault.Unavailable},
	} {
		err := problemOf("XB", &http.Response{StatusCode: http.StatusConflict, Body: io.NopCloser(strings.NewReader(c.body))})
		if fault.CodeOf(err) != c.code || fault.ClauseOf(err) != c.clause || strings.Contains(err.Error(), "script") {
			t.Errorf("%.60s: %v", c.body, err)
		}
	}
}

func TestBlobHeader(t *testing.T) {
	t.Parallel()
	sum := statement.Sum([]byte("x"))
	h := http.Header{}
	blobHeaders(h, map[statement.Digest]int64{sum: 17})
	if got, n, err := parseBlobHeader(h.Get(headBlob)); err != nil || got != sum || n != 17 {
		t.Errorf("%v %s %d", err, got, n)
	}
	if _, n, err := parseBlobHeader(sum.String() + "=-1"); err != nil || n != -1 {
		t.Errorf("an erased one: %v %d", err, n)
	}
	for _, bad := range []string{"", "=", sum.String(), sum.String() + "=", sum.String() + "=-2", sum.String() + "=x", "00=1", sum.String() + "=9223372036854775808"} {
		if _, _, err := parseBlobHeader(bad); fault.CodeOf(err) != fault.Malformed {
			t.Errorf("%q: %v", bad, err)
		}
	}
}

// A window lets exactly its stretch through, however the stream is cut into pieces.
func TestWindow(t *testing.T) {
	t.Parallel()
	const all = "0123456789"
	for piece := 1; piece <= len(all); piece++ {
		for skip := range len(all) + 1 {
			for left := range len(all) - skip + 1 {
				var got bytes.Buffer
				w := &window{w: &got, skip: int64(skip), left: int64(left)}
				for at := 0; at < len(all); at += piece {
					part := all[at:min(at+piece, len(all))]
					if n, err := w.Write([]byte(part)); err != nil || n != len(part) {
						t.Fatalf("%d, %v", n, err)
					}
				}
				if got.String() != all[skip:skip+left] {
					t.Fatalf("pieces of %d, from %d, %d long: %q", piece, skip, left, got.String())
				}
			}
		}
	}
}
