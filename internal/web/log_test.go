package web_test

import (
	"archive/zip"
	"bytes"
	"fmt"
	"io"
	"net/http"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/transparency-dev/formats/log"
	formats "github.com/transparency-dev/formats/note"
	"golang.org/x/mod/sumdb/note"
	"golang.org/x/mod/sumdb/tlog"

	"github.com/comity-exchange/comity/party"
	"github.com/comity-exchange/comity/statement"
)

// grows has XA say so many things, each under a checkpoint of its own, and waits until XB has cosigned one of them.
func (d *desk) grows(n int) {
	d.Helper()
	for i := range n {
		d.f.Clock.Pass(time.Hour)
		v, err := d.xa.NewDraft(d.as("release"), d.request("Request "+strconv.Itoa(i)), nil)
		d.must(err)
		_, err = d.xa.ReleaseDraft(d.as("release"), v.ID, statement.Digest{})
		d.must(err)
	}
	d.xa.Until("a cosignature", func() bool {
		h, err := d.xa.LogHealth(d.Context())
		return err == nil && h.Cosigners > 0
	})
}

// TestLogPage: the log's growth as a picture and in numbers, its checkpoints by pages, and its evidence for whoever may take it out.
func TestLogPage(t *testing.T) {
	t.Parallel()
	d := newDesk(t)
	d.grows(70)
	html := d.page("release", "/log")
	d.has("the log", html, "Growth", "Statements in the log, over time", `aria-describedby="growth-means"`, `<polyline class="curve"`, "Checkpoints", "Verify now", `href="/log.csv"`, `href="/log/evidence"`,
		`href="/log/evidence?since=`, "The numbers")
	d.lacks("the log", html, "⟦", "NaN")
	if n := strings.Count(html, `class="seg point"`); n < 20 || n > 60 || n != strings.Count(html, `class="tip"`) {
		t.Errorf("%d points", n)
	}
	next := attribute(html, `rel="next" href="`)
	if !strings.HasPrefix(next, "/log?below=") {
		t.Fatalf("the next page is %q", next)
	}
	seen := map[string]bool{}
	pages := 0
	for path := "/log"; path != ""; pages++ {
		html := d.page("release", path)
		for _, row := range strings.Split(html, "<tr data-row>")[1:] {
			size := attribute(row, `<th scope="row">`)
			size, _, _ = strings.Cut(size, "<")
			if seen[size] {
				t.Errorf("%s lists %s again", path, size)
			}
			seen[size] = true
		}
		path = attribute(html, `rel="next" href="`)
	}
	if pages < 3 || len(seen) < 70 {
		t.Errorf("%d checkpoints on %d pages", len(seen), pages)
	}
	d.has("in Russian", d.page("release", "/log", "Cookie", "comity-language=ru"), "Контрольные точки", "Рост")
	d.lacks("whoever may not take evidence out", d.page("duty", "/log"), "/log/evidence")
	for path, want := range map[string]int{"/log/evidence": http.StatusForbidden, "/log?below=x": http.StatusBadRequest, "/log?below=-1": http.StatusBadRequest, "/log.csv": http.StatusOK} {
		if a := d.get("duty", path); a.Code != want {
			t.Errorf("%s as ada: %d", path, a.Code)
		}
	}
	if a := d.get("release", "/log/evidence?since=9999999"); a.Code != http.StatusNotFound {
		t.Errorf("since a size that never was: %d", a.Code)
	}
	table := strings.Split(strings.TrimSpace(d.page("duty", "/log.csv")), "\n")
	if table[0] != "time,size" || len(table) != 1+strings.Count(html, `class="seg point"`) {
		t.Errorf("the table has %d rows, under %s", len(table), table[0])
	}
}

// attribute is what follows a text, up to a quotation mark.
func attribute(html, after string) string {
	_, rest, ok := strings.Cut(html, after)
	if !ok {
		return ""
	}
	value, _, _ := strings.Cut(rest, `"`)
	return strings.TrimSuffix(value, "#checkpoints")
}

// TestLogEvidence verifies what the page hands out with other people's programs: golang.org/x/mod and transparency-dev/formats.
//
// spec: LOG-3, LOG-8, LOG-11
func TestLogEvidence(t *testing.T) {
	t.Parallel()
	d := newDesk(t)
	d.grows(9)
	checked := 0
	for _, since := range []string{"", "?since=1", "?since=" + strconv.FormatInt(d.sizeOf()-1, 10)} {
		a := d.get("release", "/log/evidence"+since)
		if a.Code == http.StatusNotFound && since != "" {
			continue // no checkpoint is of exactly this size: receipts are written several at once
		}
		if a.Code != http.StatusOK || !strings.Contains(a.Header().Get("Content-Disposition"), "attachment") {
			t.Fatalf("%s: %d", since, a.Code)
		}
		d.verifies(unzip(t, []byte(a.body)), since == "")
		checked++
	}
	if checked == 0 {
		t.Error("nothing was verified")
	}
	files := unzip(t, []byte(d.page("release", "/log/evidence")))
	if strings.Contains(fmt.Sprint(files), "Request 1") || strings.Contains(fmt.Sprint(files), "assist.") {
		t.Error("it says what is in the log")
	}
}

func (d *desk) sizeOf() int64 {
	h, err := d.xa.LogHealth(d.Context())
	d.must(err)
	return h.Size
}

func unzip(t *testing.T, raw []byte) map[string]string {
	t.Helper()
	z, err := zip.NewReader(bytes.NewReader(raw), int64(len(raw)))
	if err != nil {
		t.Fatal(err)
	}
	out := map[string]string{}
	for _, f := range z.File {
		r, err := f.Open()
		if err != nil {
			t.Fatal(err)
		}
		b, err := io.ReadAll(r)
		if err != nil {
			t.Fatal(err)
		}
		out[f.Name] = string(b)
	}
	return out
}

// verifies holds two checkpoints and the proof between them as somebody does who has never seen this program.
// Which checkpoints it chooses by itself are such that a witness has signed one of them.
func (d *desk) verifies(files map[string]string, witnessed bool) {
	d.Helper()
	var logKeys, witnesses []note.Verifier
	for key := range strings.FieldsSeq(files["keys"]) {
		v, err := note.NewVerifier(key)
		if err != nil {
			if v, err = formats.NewVerifierForCosignatureV1(key); err != nil {
				if v, err = formats.NewMLDSAVerifier(key); err != nil {
					d.Fatal(err)
				}
			}
		}
		if strings.Contains(key, "/witness/") {
			witnesses = append(witnesses, v)
		} else {
			logKeys = append(logKeys, v)
		}
	}
	open := func(name string) (*log.Checkpoint, int) {
		cp, _, n, err := log.ParseCheckpoint([]byte(files[name]), "XA/1", logKeys[0], append(logKeys[1:], witnesses...)...)
		if err != nil {
			d.Fatalf("%s: %v", name, err)
		}
		return cp, len(n.Sigs)
	}
	newest, signatures := open("checkpoint")
	older, before := open("checkpoint-older")
	if signatures < 2 || before < 2 || witnessed && signatures+before < 6 {
		d.Errorf("%d and %d signatures: the log's two on each, and a witness's two on one are wanted", signatures, before)
	}
	old, rest, _ := strings.Cut(files["add-checkpoint"], "\n")
	proof, again, _ := strings.Cut(rest, "\n\n")
	if strings.HasPrefix(rest, "\n") {
		proof, again = "", strings.TrimPrefix(rest, "\n")
	}
	if old != fmt.Sprintf("old %d", older.Size) || again != files["checkpoint"] {
		d.Errorf("the request begins with %q", old)
	}
	var path tlog.TreeProof
	for line := range strings.FieldsSeq(proof) {
		h, err := tlog.ParseHash(line)
		d.must(err)
		path = append(path, h)
	}
	if err := tlog.CheckTree(path, int64(newest.Size), tlog.Hash(newest.Hash), int64(older.Size), tlog.Hash(older.Hash)); err != nil && older.Size != newest.Size {
		d.Errorf("from %d to %d: %v", older.Size, newest.Size, err)
	}
	for name, text := range files {
		if strings.HasPrefix(name, "letters/") {
			if _, err := party.ParseLetter([]byte(text)); err != nil {
				d.Errorf("%s: %v", name, err)
			}
		}
	}
}
