package fedtest

import (
	"bytes"
	"encoding/base64"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/go-json-experiment/json"

	"github.com/comity-exchange/comity/desk/assist"
	"github.com/comity-exchange/comity/desk/recall"
	"github.com/comity-exchange/comity/internal/auth"
	"github.com/comity-exchange/comity/internal/exchange"
	"github.com/comity-exchange/comity/internal/node"
	"github.com/comity-exchange/comity/internal/notice"
	"github.com/comity-exchange/comity/internal/notice/noticetest"
	"github.com/comity-exchange/comity/internal/store"
	"github.com/comity-exchange/comity/internal/store/postgres/pgtest"
	"github.com/comity-exchange/comity/marking"
	"github.com/comity-exchange/comity/party"
	"github.com/comity-exchange/comity/statement"
	"github.com/comity-exchange/comity/thread"
)

// ears hear what a party tells outside: a mail server, and a webhook's receiver that holds every signature against the specification's formula.
type ears struct {
	t    testing.TB
	post *noticetest.Post
	hook *httptest.Server

	mu     sync.Mutex
	status int      // of its answers; guarded by mu, and so is what follows
	posted []posted // that were answered with 200
	failed []string // ids of those that were not
	bytes  bytes.Buffer
}

type posted struct {
	ID   string
	Type string `json:"type"`
	Data struct {
		Party party.Code    `json:"party"`
		Lines []notice.Line `json:"lines"`
	} `json:"data"`
}

const hookSecret = "0123456789abcdef01234567"

func listening(t testing.TB) *ears {
	t.Helper()
	e := &ears{t: t, post: noticetest.Open(t, nil), status: http.StatusOK}
	e.hook = httptest.NewServer(http.HandlerFunc(e.take))
	t.Cleanup(e.hook.Close)
	return e
}

func (e *ears) take(w http.ResponseWriter, r *http.Request) {
	body, err := io.ReadAll(r.Body)
	id := r.Header.Get("webhook-id")
	unix, _ := strconv.ParseInt(r.Header.Get("webhook-timestamp"), 10, 64)
	if err != nil || r.Header.Get("webhook-signature") != notice.Sign([]byte(hookSecret), id, unix, body) {
		e.t.Errorf("a signature does not hold: %v", r.Header)
	}
	e.mu.Lock()
	defer e.mu.Unlock()
	_ = r.Header.WriteSubset(&e.bytes, map[string]bool{"Webhook-Signature": true, "Webhook-Id": true}) // of which any letters may be part
	e.bytes.Write(body)
	w.WriteHeader(e.status)
	if e.status != http.StatusOK {
		e.failed = append(e.failed, id)
		return
	}
	p := posted{ID: id}
	if err := json.Unmarshal(body, &p); err == nil {
		e.posted = append(e.posted, p)
	}
}

func (e *ears) answers(status int) {
	e.mu.Lock()
	defer e.mu.Unlock()
	e.status = status
}

func (e *ears) heard() (all []posted, failed []string) {
	e.mu.Lock()
	defer e.mu.Unlock()
	return slices.Clone(e.posted), slices.Clone(e.failed)
}

// all is every byte that came, by both ways.
func (e *ears) all() string {
	e.mu.Lock()
	defer e.mu.Unlock()
	out := e.bytes.String()
	for _, m := range e.post.Messages() {
		out += messageID.ReplaceAllString(m.Raw, "")
	}
	return out
}

var messageID = regexp.MustCompile(`(?m)^Message-ID:.*$`)

// env are the settings with which a party is heard.
func (e *ears) env(dir string, more ...string) []string {
	e.t.Helper()
	secret := filepath.Join(dir, "hook.secret")
	if err := os.WriteFile(secret, []byte("whsec_"+base64.StdEncoding.EncodeToString([]byte(hookSecret))), 0o600); err != nil {
		e.t.Fatal(err)
	}
	return append([]string{
		"COMITY_MAIL_SERVER=" + e.post.Address(), "COMITY_MAIL_TLS=none", "COMITY_MAIL_FROM=comity@node.example", "COMITY_MAIL_TO=duty@node.example",
		"COMITY_WEBHOOK_URL=" + e.hook.URL, "COMITY_WEBHOOK_SECRET_FILE=" + secret, "COMITY_WEB_URL=https://desk.node.example",
	}, more...)
}

// tell has a party look and send, beside what it does by itself, and waits until so many notices have come by either way in all.
func (e *ears) tell(p *Party, want int) []posted {
	e.t.Helper()
	p.Until(strconv.Itoa(want)+" notices", func() bool {
		if _, err := p.Tell(e.t.Context()); err != nil {
			e.t.Fatal(err)
		}
		all, _ := e.heard()
		return len(all) >= want && len(e.post.Messages()) >= want
	})
	all, _ := e.heard()
	if len(all) != want || len(e.post.Messages()) != want {
		e.t.Fatalf("%d posts and %d mails came, want %d: %+v", len(all), len(e.post.Messages()), want, all)
	}
	return all
}

// still has it look again, and wants nothing new to come.
func (e *ears) still(p *Party, want int) {
	e.t.Helper()
	for range 3 {
		e.tell(p, want)
	}
}

func counts(p posted) map[notice.Kind]int {
	out := map[notice.Kind]int{}
	for _, l := range p.Data.Lines {
		out[l.Kind] += l.Count
	}
	return out
}

func expect(t *testing.T, p posted, want map[notice.Kind]int) {
	t.Helper()
	got := counts(p)
	for k, n := range want {
		if got[k] != n {
			t.Errorf("of %s it tells %d, want %d: %+v", k, got[k], n, p)
		}
	}
	if len(got) != len(want) {
		t.Errorf("it tells %v, want %v", got, want)
	}
}

// TestNotices: what comes to XB is told once by mail and once by webhook, at once or in a digest, across restarts, and not a word of it.
func TestNotices(t *testing.T) {
	t.Parallel()
	f := New(t, "XA", "XB")
	xa, xb := f.At("XA"), f.At("XB")
	agreed := f.Agree(Pact("XA", "XB"), "XA")
	e := listening(t)
	xb.Restart(func(o *node.Options) { o.Env = e.env(xb.Dir) })
	e.still(xb, 0) // what lay there before is no news
	f.Clock.Pass(5 * time.Minute)

	ask := func(precedence statement.Precedence) exchange.Said {
		said := xa.Ask(agreed, exchange.Draft{
			Precedence: precedence, Title: "canary-title", Text: "canary-text",
			Blobs: []exchange.Attachment{{Name: "canary-name.txt", Type: "text/plain", Data: strings.NewReader("canary-bytes")}},
		}, "XB")
		xb.Has(said.ID)
		return said
	}
	flash := ask(statement.Flash)
	first := e.tell(xb, 1)[0]
	expect(t, first, map[notice.Kind]int{notice.Arrived: 1})
	if l := first.Data.Lines[0]; l.Desk != "assist" || l.Precedence != statement.Flash || l.Party != "" || l.TLP != "" || first.Data.Party != "XB" {
		t.Errorf("%+v", first)
	}
	e.still(xb, 1)
	xb.Restart(nil)
	e.still(xb, 1)

	// The first digest was made then: what can wait, waits for the next, and flash does not.
	ask(statement.Routine)
	ask(statement.Priority)
	e.still(xb, 1)
	f.Clock.Pass(2 * time.Minute)
	ask(statement.Flash)
	expect(t, e.tell(xb, 2)[1], map[notice.Kind]int{notice.Arrived: 1})
	xb.Restart(nil)
	e.still(xb, 2)
	f.Clock.Pass(15 * time.Minute)
	digest := e.tell(xb, 3)[2]
	expect(t, digest, map[notice.Kind]int{notice.Arrived: 2})
	if digest.Data.Lines[0].Precedence != statement.Priority {
		t.Errorf("%+v", digest)
	}

	// A recall is told as what it is, and a log with two histories once.
	_, err := xa.Recall(t.Context(), node.Recalling{IDs: []statement.ID{flash.ID}, Reason: recall.WrongRecipient, Precedence: statement.Routine, By: xa.By("duty-officer", "one")})
	f.must(err)
	xb.Until("the recall", func() bool {
		all, err := xb.Recalls(t.Context())
		return err == nil && len(all) == 1
	})
	f.must(xb.Exchange.Update(t.Context(), func(tx store.Tx) error {
		return tx.PutFork(store.Fork{Origin: "XC/1", NoteA: []byte("a"), NoteB: []byte("b"), Found: statement.TimeOf(xb.now()), Why: "equal-size"})
	}))
	f.Clock.Pass(15 * time.Minute)
	expect(t, e.tell(xb, 4)[3], map[notice.Kind]int{notice.Recall: 1, notice.Fork: 1})
	f.Clock.Pass(24 * time.Hour)
	e.still(xb, 4)

	all := e.all()
	for _, canary := range []string{"canary", "Party", "AMBER", "wrong-recipient", flash.ID.String()[:8], xa.Dir} {
		if strings.Contains(all, canary) {
			t.Errorf("what went out has %q in it:\n%s", canary, all)
		}
	}
	if other := regexp.MustCompile(`\bX[AC]\b`).FindString(all); other != "" {
		t.Errorf("what went out names %s:\n%s", other, all)
	}
	if !strings.Contains(all, "XB") || !strings.Contains(all, "https://desk.node.example/threads?") {
		t.Errorf("what went out lacks what it may have:\n%s", all)
	}
}

// Clocks are told before and when they run out, drafts when they wait; each once, with what the settings let be told.
func TestNoticesOfDuties(t *testing.T) {
	t.Parallel()
	f := New(t, "XA", "XB")
	xa, xb := f.At("XA"), f.At("XB")
	agreed := f.Agree(Pact("XA", "XB"), "XA")
	e := listening(t)
	said := xa.Say(exchange.Draft{Kind: assist.KindRequest, Agreement: agreed, To: []party.Code{"XB"}, Precedence: statement.Routine, Marking: marking.Marking{TLP: marking.Green}},
		assist.Request{Type: assist.Information, Clock: &thread.Limit{Acknowledge: 6 * 3600, Answer: 6 * 3600}})
	xb.Has(said.ID)
	f.Quiet() // XB's own receipt starts the clock
	xb.Restart(func(o *node.Options) {
		o.Env = e.env(xb.Dir, "COMITY_NOTICE_PARTIES=tell", "COMITY_NOTICE_MARKING=TLP:GREEN", "COMITY_NOTICE_LANGUAGE=ru")
	})
	e.still(xb, 0)
	f.Clock.Pass(3*time.Hour + 50*time.Minute)
	e.still(xb, 0)
	f.Clock.Pass(20 * time.Minute)
	due := e.tell(xb, 1)[0]
	expect(t, due, map[notice.Kind]int{notice.Due: 1})
	if l := due.Data.Lines[0]; l.Party != "XA" || l.TLP != marking.Green || l.Desk != "assist" {
		t.Errorf("%+v", l)
	}
	e.still(xb, 1)
	f.Clock.Pass(2 * time.Hour)
	expect(t, e.tell(xb, 2)[1], map[notice.Kind]int{notice.Overdue: 1})
	xb.Restart(nil)
	f.Clock.Pass(time.Hour)
	e.still(xb, 2)

	s := staff(xb, map[string][]auth.Role{"night": {auth.DutyOfficer, auth.Analyst}})
	d := s.request(agreed, "canary-text")
	d.To, d.Title = []party.Code{"XA"}, "canary-title"
	v, err := s.NewDraft(s.as["night"], d, nil)
	f.must(err)
	e.still(xb, 2)
	_, _, err = s.SubmitDraft(s.as["night"], v.ID)
	f.must(err)
	draft := e.tell(xb, 3)[2]
	expect(t, draft, map[notice.Kind]int{notice.Approval: 1})
	if l := draft.Data.Lines[0]; l.TLP != "" || l.Precedence != statement.Immediate {
		t.Errorf("%+v", l) // it is AMBER
	}
	e.still(xb, 3)
	if all := e.all(); strings.Contains(all, "canary") || strings.Contains(all, "Officer") {
		t.Error(all)
	}
}

// A receiver that fails holds up nothing else, gets the same id again, and nobody reads an address of it; when it has failed for a day, that is said.
func TestNoticesThatFail(t *testing.T) {
	t.Parallel()
	f := New(t, "XA", "XB")
	xa, xb := f.At("XA"), f.At("XB")
	agreed := f.Agree(Pact("XA", "XB"), "XA")
	e := listening(t)
	var diary lockedBuffer
	xb.Restart(func(o *node.Options) { o.Env, o.Log = e.env(xb.Dir), slog.New(slog.NewTextHandler(&diary, nil)) })
	e.still(xb, 0)
	f.Clock.Pass(5 * time.Minute)
	e.answers(http.StatusInternalServerError)
	xb.Has(xa.Ask(agreed, exchange.Draft{Precedence: statement.Flash}, "XB").ID)
	tried := func(n int) (ids []string) {
		xb.Until("the attempts", func() bool {
			_, err := xb.Tell(t.Context())
			f.must(err)
			_, ids = e.heard()
			return len(ids) >= n
		})
		return ids
	}
	tried(1)
	if _, ids := e.heard(); len(ids) != 1 {
		t.Errorf("it was tried %d times at once", len(ids))
	}
	if mails := e.post.Messages(); len(mails) != 1 {
		t.Errorf("%d mails came", len(mails))
	}
	xb.Restart(nil)
	f.Clock.Pass(2 * time.Minute)
	if ids := tried(2); ids[0] != ids[1] {
		t.Errorf("ids %v", ids)
	}
	finding := func() string {
		all, err := xb.Doctor(t.Context())
		f.must(err)
		i := slices.IndexFunc(all, func(f node.Finding) bool { return f.Check == "notices" })
		if i < 0 {
			t.Fatal("the doctor does not speak of notices")
		}
		return string(all[i].Health) + ": " + all[i].Says
	}
	says := ""
	xb.Until("the failure", func() bool { says = finding(); return strings.Contains(says, "it answers 500") })
	if !strings.HasPrefix(says, "warning: 1 wait") || !strings.Contains(diary.String(), "it answers 500") {
		t.Errorf("%s\n%s", says, diary.String())
	}
	e.answers(http.StatusOK)
	f.Clock.Pass(4 * time.Minute)
	_, ids := e.heard()
	if got := e.tell(xb, 1); got[0].ID != ids[0] {
		t.Errorf("it came as %s, not as %s", got[0].ID, ids[0])
	}
	xb.Until("health", func() bool { return strings.HasPrefix(finding(), "good: nothing waits; the last was sent") })

	e.hook.Close()
	f.Clock.Pass(time.Hour)
	xb.Has(xa.Ask(agreed, exchange.Draft{Precedence: statement.Flash}, "XB").ID)
	xb.Until("the mail", func() bool {
		_, err := xb.Tell(t.Context())
		f.must(err)
		return len(e.post.Messages()) == 2
	})
	f.Clock.Pass(25 * time.Hour)
	xb.Until("the end of it", func() bool {
		_, err := xb.Tell(t.Context())
		f.must(err)
		return strings.Contains(finding(), "1 could not be sent within a day and were given up")
	})
	for _, secret := range []string{"node.example", "127.0.0.1", e.post.Address(), e.hook.URL, hookSecret} {
		if strings.Contains(says+finding()+diary.String(), secret) {
			t.Errorf("%s is named: %s\n%s", secret, says, diary.String())
		}
	}
}

// lockedBuffer is a diary that is read while it is written.
type lockedBuffer struct {
	mu sync.Mutex
	b  bytes.Buffer
}

func (b *lockedBuffer) Write(p []byte) (int, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.b.Write(p)
}

func (b *lockedBuffer) String() string {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.b.String()
}

// Processes that share a database tell everything once, whoever of them looks, and all at the same time.
func TestNoticesOfSeveralProcesses(t *testing.T) {
	t.Parallel()
	server := pgtest.New(t)
	s := share(t, pgtest.URL(server.Database(t, "xa")), 2)
	e := listening(t)
	for _, p := range s.posts {
		p.Restart(func(o *node.Options) { o.Env = e.env(p.Dir) })
	}
	e.still(s.posts[0], 0)
	s.Clock.Pass(5 * time.Minute)
	for round := range 3 {
		said := s.xb.Ask(s.agreed, exchange.Draft{Precedence: statement.Flash, Text: "x"}, "XA")
		for _, p := range s.posts {
			p.Has(said.ID)
		}
		var both sync.WaitGroup
		for range 4 {
			for _, p := range s.posts {
				both.Go(func() {
					if _, err := p.Tell(t.Context()); err != nil {
						t.Error(err)
					}
				})
			}
		}
		both.Wait()
		expect(t, e.tell(s.posts[round%2], round+1)[round], map[notice.Kind]int{notice.Arrived: 1})
		s.Clock.Pass(2 * time.Minute)
		e.still(s.posts[1-round%2], round+1)
	}
}
