package demo

import (
	"bytes"
	"context"
	"errors"
	"io"
	"net/http"
	"net/http/cookiejar"
	"net/url"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"sync"
	"testing"
	"time"
	"unicode/utf8"

	"github.com/comity-exchange/comity/fault"
	"github.com/comity-exchange/comity/internal/node"
)

// tell lets Run tell the whole story, and gives it.
func tell(t *testing.T, o Options) string {
	t.Helper()
	var out bytes.Buffer
	o.Once, o.Out = true, &out
	if err := Run(t.Context(), o); err != nil {
		t.Fatalf("%v\n%s", err, &out)
	}
	return out.String()
}

func TestStory(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	story := tell(t, Options{Dir: dir})
	for line := range strings.Lines(story) {
		if n := utf8.RuneCountInString(strings.TrimRight(line, "\n")); n > width {
			t.Errorf("a line of %d columns: %s", n, line)
		}
	}
	if !strings.HasSuffix(story, " checks held.\n") || strings.Contains(story, "✗") || strings.Contains(story, "\x1b") {
		t.Errorf("the story does not end well:\n%s", story)
	}
	if err := Run(t.Context(), Options{Once: true, Dir: dir, Out: &bytes.Buffer{}}); fault.CodeOf(err) != fault.Exists {
		t.Errorf("a second story in the same folder: %v", err)
	}
}

func TestStoryWithLargeInput(t *testing.T) {
	t.Parallel()
	const input = "../../../shared/data/stix/ics-attack.json.gz"
	if _, err := os.Stat(input); err != nil {
		t.Skip("SKIPPED: the real data are not beside the project: ", err)
	}
	if story := tell(t, Options{Input: input, Color: true}); !strings.Contains(story, "ics-attack.json.gz") || !strings.Contains(story, colorOf("XA")) {
		t.Error("the story names no attachment, or is not in colour")
	}
}

func TestInputThatIsNotThere(t *testing.T) {
	t.Parallel()
	err := Run(t.Context(), Options{Once: true, Input: filepath.Join(t.TempDir(), "nothing"), Out: &bytes.Buffer{}})
	if fault.CodeOf(err) != fault.Usage {
		t.Error(err)
	}
}

// letsIn uses a one-time link as its page does, and looks at the duty desk.
func letsIn(t *testing.T, link string) {
	t.Helper()
	u, err := url.Parse(link)
	if err != nil {
		t.Fatal(err)
	}
	jar, err := cookiejar.New(nil)
	if err != nil {
		t.Fatal(err)
	}
	browser := &http.Client{Jar: jar}
	form := strings.NewReader(url.Values{"key": {u.Query().Get("key")}}.Encode())
	r, err := http.NewRequestWithContext(t.Context(), http.MethodPost, u.Scheme+"://"+u.Host+u.Path, form)
	if err != nil {
		t.Fatal(err)
	}
	r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	for _, path := range []string{"", "/"} {
		if path != "" {
			if r, err = http.NewRequestWithContext(t.Context(), http.MethodGet, u.Scheme+"://"+u.Host+path, nil); err != nil {
				t.Fatal(err)
			}
		}
		answer, err := browser.Do(r)
		if err != nil {
			t.Fatal(err)
		}
		body, err := io.ReadAll(io.LimitReader(answer.Body, 1<<20))
		if err := errors.Join(err, answer.Body.Close()); err != nil {
			t.Fatal(err)
		}
		if answer.StatusCode != http.StatusOK || !strings.Contains(string(body), "Duty officer of X") {
			t.Errorf("%s %s: %d", link, path, answer.StatusCode)
		}
	}
}

// signal is an Out that says when a text has been written.
type signal struct {
	mu   sync.Mutex
	text bytes.Buffer
	want string
	seen chan struct{}
}

func (s *signal) String() string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.text.String()
}

func (s *signal) Write(b []byte) (int, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	before := strings.Contains(s.text.String(), s.want)
	s.text.Write(b)
	if !before && strings.Contains(s.text.String(), s.want) {
		close(s.seen)
	}
	return len(b), nil
}

// After the story the nodes stay up, another process can use their folders, and an interruption is no failure.
func TestNodesGoOn(t *testing.T) {
	t.Parallel()
	ctx, stop := context.WithCancel(t.Context())
	out := &signal{want: " doctor\n", seen: make(chan struct{})}
	dir := t.TempDir()
	ended := make(chan error, 1)
	go func() { ended <- Run(ctx, Options{Dir: dir, Out: out}) }()
	select {
	case <-out.seen:
	case err := <-ended:
		t.Fatalf("it did not go on: %v\n%s", err, &out.text)
	}
	n, err := node.Open(ctx, filepath.Join(dir, "XC"), node.Options{})
	if err != nil {
		t.Fatal(err)
	}
	threads, err := n.Threads(ctx, node.Filter{Desk: "assist"})
	if err != nil || len(threads) != 2 {
		t.Errorf("XC has %d threads, %v", len(threads), err)
	}
	links := regexp.MustCompile(`http://\S+`).FindAllString(out.String(), -1)
	if len(links) != 2 {
		t.Errorf("the links: %q", links)
	}
	for _, link := range links {
		letsIn(t, link)
	}
	if err := n.Close(); err != nil {
		t.Error(err)
	}
	stop()
	if err := <-ended; err != nil {
		t.Error(err)
	}
}

func TestInterrupted(t *testing.T) {
	t.Parallel()
	ctx, stop := context.WithCancel(t.Context())
	out := &signal{want: "they were set back", seen: make(chan struct{})}
	ended := make(chan error, 1)
	go func() { ended <- Run(ctx, Options{Out: out, Pace: time.Hour}) }()
	select {
	case <-out.seen:
	case err := <-ended:
		t.Fatalf("it did not begin: %v", err)
	}
	stop()
	if err := <-ended; fault.CodeOf(err) != fault.Canceled {
		t.Error(err)
	}
}

func TestFailedCheckFails(t *testing.T) {
	t.Parallel()
	var out bytes.Buffer
	p := &teller{out: &out}
	p.check(true, "this holds")
	p.check(false, "XA does that")
	err := p.sum()
	if fault.CodeOf(err) != fault.Failed || !strings.Contains(out.String(), "1 checks held, 1 did not:\n  ✗ XA does that\n") {
		t.Errorf("%v\n%s", err, &out)
	}
}

func TestWrap(t *testing.T) {
	t.Parallel()
	word := strings.Repeat("é", 40)
	for name, c := range map[string]struct {
		text string
		want []string
	}{
		"nothing":     {"", []string{"> "}},
		"one line":    {"a  b\nc", []string{"> a b c"}},
		"two lines":   {word + " " + word + " " + word, []string{"> " + word + " " + word, ". " + word}},
		"a long word": {strings.Repeat("x", 120) + " y", []string{"> " + strings.Repeat("x", 120), ". y"}},
	} {
		if got := wrap("> ", ". ", c.text); strings.Join(got, "\n") != strings.Join(c.want, "\n") {
			t.Errorf("%s: %q", name, got)
		}
	}
}

func TestLasting(t *testing.T) {
	t.Parallel()
	for d, want := range map[time.Duration]string{
		20 * time.Second: "less than a minute", 25 * time.Minute: "25 minutes", 100 * time.Minute: "100 minutes", 4 * time.Hour: "4 hours",
		290 * time.Minute: "4 h 50 min", 72 * time.Hour: "3 days",
	} {
		if got := lasting(d); got != want {
			t.Errorf("%v: %q, want %q", d, got, want)
		}
	}
}
