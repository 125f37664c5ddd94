package fedtest

import (
	"bytes"
	"context"
	"database/sql"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/comity-exchange/comity/agreement"
	"github.com/comity-exchange/comity/desk/assist"
	"github.com/comity-exchange/comity/fault"
	"github.com/comity-exchange/comity/internal/cli"
	"github.com/comity-exchange/comity/internal/config"
	"github.com/comity-exchange/comity/internal/exchange"
	"github.com/comity-exchange/comity/internal/node"
	"github.com/comity-exchange/comity/internal/store"
	"github.com/comity-exchange/comity/internal/store/postgres/pgtest"
	"github.com/comity-exchange/comity/party"
	"github.com/comity-exchange/comity/statement"
)

// shared is XA, which several nodes serve from one database as on several machines, and XB, whose node keeps a file.
type shared struct {
	*Federation
	agreed agreement.ID
	xb     *Party
	posts  []*Party // of XA
	lines  atomic.Int64
}

// share begins such a federation.
func share(t *testing.T, address string, n int) *shared {
	t.Helper()
	s := &shared{Federation: New(t, "XB")}
	s.xb = s.At("XB")
	cfg := config.Defaults("XA")
	cfg.Store, cfg.PullInterval = address, config.MinPull
	for range n {
		l, err := new(net.ListenConfig).Listen(t.Context(), "tcp", "127.0.0.1:0")
		s.must(err)
		p := &Party{F: s.Federation, Code: "XA", door: openDoor(l)}
		t.Cleanup(p.door.shut)
		p.options = node.Options{
			Now: p.now, Dial: p.dial, Transport: p.transport, RetryMin: 20 * time.Millisecond, RetryMax: time.Second, Behind: true,
			Turn: time.Second, Claim: 500 * time.Millisecond, Poll: 50 * time.Millisecond,
			Log: slog.New(&lineCounter{Handler: testLog(t).Handler(), n: &s.lines}),
		}
		s.mu.Lock()
		s.addrs[l.Addr().String()] = "XA"
		s.mu.Unlock()
		s.posts, cfg.Endpoints = append(s.posts, p), append(cfg.Endpoints, "https://"+l.Addr().String())
	}
	first := filepath.Join(t.TempDir(), "1")
	cfg.Listen = s.posts[0].door.Addr().String()
	_, err := node.Init(t.Context(), first, node.Founding{Config: cfg, Names: map[string]string{"en": "Party XA"}, Now: s.posts[0].now})
	s.must(err)
	for i, p := range s.posts {
		dir := filepath.Join(filepath.Dir(first), fmt.Sprint(i+1))
		if i > 0 {
			s.must(copyFolder(first, dir))
			cfg.Listen = p.door.Addr().String()
			s.must(config.Write(filepath.Join(dir, config.FileName), cfg))
		}
		p.Start(dir)
		t.Cleanup(p.Stop)
	}
	s.Parties["XA"] = s.posts[0]
	s.posts[0].Meet(s.xb)
	s.xb.Meet(s.posts[0])
	s.agreed = s.Agree(Pact("XA", "XB"), "XA")
	return s
}

func copyFolder(from, to string) error {
	if err := os.Mkdir(to, 0o700); err != nil {
		return err
	}
	for _, name := range []string{"keys.age", "lock.key", "letter.jsonl"} {
		raw, err := os.ReadFile(filepath.Join(from, name))
		if err == nil {
			err = os.WriteFile(filepath.Join(to, name), raw, 0o600)
		}
		if err != nil {
			return err
		}
	}
	return nil
}

// lineCounter counts what a node writes into its diary.
type lineCounter struct {
	slog.Handler
	n *atomic.Int64
}

func (c *lineCounter) Enabled(_ context.Context, l slog.Level) bool { return l >= slog.LevelInfo }
func (c *lineCounter) Handle(ctx context.Context, r slog.Record) error {
	c.n.Add(1)
	if !c.Handler.Enabled(ctx, r.Level) {
		return nil
	}
	return c.Handler.Handle(ctx, r)
}
func (c *lineCounter) WithAttrs(a []slog.Attr) slog.Handler {
	return &lineCounter{c.Handler.WithAttrs(a), c.n}
}
func (c *lineCounter) WithGroup(g string) slog.Handler {
	return &lineCounter{c.Handler.WithGroup(g), c.n}
}

// ask has a node try to say something in so many words.
func (s *shared) ask(p *Party, text string, to party.Code) (exchange.Said, error) {
	return p.Try(exchange.Draft{Kind: assist.KindRequest, Agreement: s.agreed, To: []party.Code{to}, Text: text}, assist.Request{Type: assist.Information})
}

// chorus is people who say things at every node, and note what came of it.
type chorus struct {
	s    *shared
	stop chan struct{}
	wg   sync.WaitGroup

	mu     sync.Mutex
	said   map[string]statement.ID // by text: acknowledged
	unsaid map[string]bool         // refused for sure
	open   map[string]bool         // nobody knows
	odd    error                   // another error than may be
}

func (s *shared) chorus() *chorus {
	c := &chorus{s: s, stop: make(chan struct{}), said: map[string]statement.ID{}, unsaid: map[string]bool{}, open: map[string]bool{}}
	for i, p := range append([]*Party{s.xb}, s.posts...) {
		to := party.Code("XB")
		if p == s.xb {
			to = "XA"
		}
		c.wg.Go(func() {
			for n := 0; ; n++ {
				select {
				case <-c.stop:
					return
				case <-time.After(5 * time.Millisecond): // people think
				}
				text := fmt.Sprintf("Voice %d says number %d", i, n)
				said, err := s.ask(p, text, to)
				c.note(text, said, err)
			}
		})
	}
	return c
}

func (c *chorus) note(text string, said exchange.Said, err error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	switch {
	case err == nil:
		c.said[text] = said.ID
	case store.OutcomeUnknown(err):
		c.open[text] = true
	default:
		c.unsaid[text] = true
		if code := fault.CodeOf(err); code != fault.Unavailable && c.odd == nil {
			c.odd = fmt.Errorf("%s: %w", text, err)
		}
	}
}

func (c *chorus) count() (said int) {
	c.mu.Lock()
	defer c.mu.Unlock()
	return len(c.said)
}

// more waits until so many more were acknowledged.
func (c *chorus) more(n int) {
	c.s.T.Helper()
	want := c.count() + n
	for late := time.Now().Add(2 * Patience); c.count() < want; time.Sleep(5 * time.Millisecond) { // gives the nodes their turn
		if time.Now().After(late) {
			c.s.T.Fatalf("%d of %d were acknowledged in %s; %v", c.count(), want, 2*Patience, c.odd)
		}
	}
}

// end has everybody be silent, and holds what was said against what is there: on both sides once, whole, and nothing that was refused.
func (c *chorus) end() {
	t := c.s.T
	t.Helper()
	close(c.stop)
	c.wg.Wait()
	for text, id := range c.said { // a node that has much to do changes nothing for a while, and is not done
		if strings.HasPrefix(text, "Voice 0 ") {
			c.s.posts[0].Has(id)
		} else {
			c.s.xb.Has(id)
		}
	}
	c.s.Quiet()
	if c.odd != nil {
		t.Errorf("somebody was told: %v", c.odd)
	}
	xa := c.s.posts[0]
	for who, p := range map[string]*Party{"XA": xa, "XB": c.s.xb} {
		for origin, own := range map[party.Origin]bool{"XA/1": p == xa, "XB/1": p != xa} {
			c.verify(who, p, origin, own)
		}
		r, err := p.VerifyLog(t.Context())
		if err != nil || len(r.Problems) > 0 {
			t.Errorf("%s: %v %v", who, err, r.Problems)
		}
		c.s.noForks(p)
	}
}

// verify goes through one log as one party has it.
func (c *chorus) verify(who string, p *Party, origin party.Origin, own bool) {
	t := c.s.T
	t.Helper()
	seen := map[string]statement.ID{}
	c.s.must(p.Store.View(t.Context(), func(tx store.Tx) error {
		clear(seen)
		var bad error
		err := tx.Scan(origin, "", 0, func(s store.Statement) bool {
			if s.Kind != assist.KindRequest {
				return true
			}
			var body bytes.Buffer
			if bad = tx.Read(store.ContentRef{Statement: s.ID, Part: store.BodyPart}, &body); bad != nil {
				return false
			}
			b, err := statement.ParseBody(body.Bytes())
			if bad = err; bad != nil {
				return false
			}
			if _, twice := seen[b.Text]; twice {
				t.Errorf("%s has %q twice in %s", who, b.Text, origin)
			}
			seen[b.Text] = s.ID
			return true
		})
		return errors.Join(err, bad)
	}))
	xb := strings.HasPrefix(string(origin), "XB")
	for text, id := range c.said {
		if strings.HasPrefix(text, "Voice 0 ") == xb && seen[text] != id {
			t.Errorf("%s: %q was acknowledged as %s and is not in %s", who, text, id.Short(), origin)
		}
	}
	for text := range seen {
		if c.unsaid[text] {
			t.Errorf("%s: %q was refused and is in %s", who, text, origin)
		}
	}
	if own && len(seen) == 0 {
		t.Errorf("%s has said nothing", who)
	}
}

func (f *Federation) noForks(p *Party) {
	f.T.Helper()
	f.must(p.Store.View(f.T.Context(), func(tx store.Tx) error {
		return tx.Forks(func(k store.Fork) bool {
			f.T.Errorf("%s has seen two histories of %s", p.Code, k.Origin)
			return true
		})
	}))
}

// ready asks a node's health.
func (p *Party) ready() (int, string) {
	w := httptest.NewRecorder()
	p.Watch.Handler().ServeHTTP(w, httptest.NewRequest(http.MethodGet, "/readyz", nil))
	return w.Code, w.Body.String()
}

// doctor runs the command beside the node.
func (p *Party) doctor() (status int, says string) {
	var out bytes.Buffer
	status = cli.Main(context.WithoutCancel(p.F.T.Context()), []string{"--dir", p.Dir, "doctor"}, nil, strings.NewReader(""), &out, &out)
	return status, strings.Join(strings.Fields(out.String()), " ")
}

// The database stops while everybody speaks, in good order and at once, and comes back. Meanwhile whoever asks is told what is the case; nothing that was
// acknowledged is lost, nothing that was refused turns up, and all goes on by itself.
func TestDatabaseStops(t *testing.T) {
	t.Parallel()
	server := pgtest.New(t)
	s := share(t, pgtest.URL(server.Database(t, "xa")), 2)
	voices := s.chorus()
	voices.more(30)
	for name, stop := range map[string]func() error{"in good order": server.Stop, "at once": server.Crash} {
		s.must(stop())
		for _, p := range s.posts {
			p.Until("a report that it is not ready", func() bool {
				status, says := p.ready()
				return status == http.StatusServiceUnavailable && strings.Contains(says, `"check":"store","ok":false,"says":"the database does not answer`)
			})
			if _, err := p.Letters(t.Context()); fault.CodeOf(err) != fault.Unavailable || !strings.HasPrefix(fault.Show(err), "the database does not answer") {
				t.Errorf("stopped %s, whoever reads is told: %v", name, err)
			}
		}
		before := s.lines.Load()
		for i := range 500 {
			p := s.posts[i%2]
			text := fmt.Sprintf("To nobody, number %d, stopped %s", i, name)
			said, err := s.ask(p, text, "XB")
			voices.note(text, said, err)
			if fault.CodeOf(err) != fault.Unavailable || !strings.HasPrefix(fault.Show(err), "the database does not answer") {
				t.Fatalf("stopped %s, an officer is told: %v", name, err)
			}
		}
		if lines := s.lines.Load() - before; lines > 50 {
			t.Errorf("stopped %s: %d lines in the diaries for 500 failures", name, lines)
		}
		status, says := s.posts[1].doctor()
		if status != fault.Exit(fault.New(fault.Failed, "", "")) || !strings.Contains(says, "bad database the database does not answer") || !strings.Contains(says, "look whether PostgreSQL at "+filepath.Dir(server.Data())) {
			t.Errorf("stopped %s, the doctor gives %d and says: %s", name, status, says)
		}
		s.must(server.Start())
		voices.more(30)
		for _, p := range s.posts {
			p.Until("a report that it is ready", func() bool { status, _ := p.ready(); return status == http.StatusOK })
		}
	}
	voices.end()
	if len(voices.unsaid) == 0 {
		t.Error("nobody noticed")
	}
}

// The server is lost while everybody speaks, and its standby takes its place, which has all that was acknowledged. Both nodes find it, see that it is another one,
// hold their marks against it, and go on.
func TestDatabaseFailsOver(t *testing.T) {
	t.Parallel()
	// spec: LOG-14
	server := pgtest.New(t)
	server.Database(t, "xa")
	standby := server.Standby(t)
	s := share(t, pgtest.URL(server.Either(t, standby, "xa")), 2)
	before, err := s.posts[0].Store.Incarnation(t.Context())
	s.must(err)
	voices := s.chorus()
	voices.more(30)
	s.must(errors.Join(server.Crash(), standby.Promote(t.Context())))
	voices.more(50)
	for _, p := range s.posts {
		if after, err := p.Store.Incarnation(t.Context()); err != nil || after == before {
			t.Errorf("after the change of servers the data is called %q as before, %v", after, err)
		}
	}
	voices.end()

	// Another change, while one of the two nodes is gone for good. The other waits for what its mark would say, until it is told not to, and the peers have been asked.
	s.posts[1].Stop()
	s.posts[0].Stop()
	s.Cut("XA", "XB")
	rename(t, server.Either(t, standby, "xa"))
	one := s.posts[0]
	one.Start(one.Dir)
	if _, err := s.ask(one, "Nobody knows what the other one has said.", "XB"); fault.CodeOf(err) != fault.Unavailable || !strings.Contains(fault.Show(err), "not all processes that share it have looked") {
		t.Errorf("an officer is told: %v", err)
	}
	one.Until("a report that it is not ready", func() bool {
		status, says := one.ready()
		return status == http.StatusServiceUnavailable && strings.Contains(says, `"check":"processes","ok":false`)
	})
	_, says := one.doctor()
	name := absent(t, one)
	if !strings.Contains(says, name+" has not looked whether it lacks anything") || !strings.Contains(says, "comity processes forget "+name) {
		t.Errorf("the doctor says: %s", says)
	}
	if err := one.Forget(t.Context(), name, nil); fault.CodeOf(err) != fault.Unavailable || !strings.HasSuffix(fault.Show(err), "XB (LOG-14)") {
		t.Errorf("while the peer cannot be asked: %v", err)
	}
	s.Mend("XA", "XB")
	s.must(one.Forget(t.Context(), name, nil))
	said, err := s.ask(one, "We are one less.", "XB")
	s.must(err)
	one.Delivered(said.ID)
	s.noForks(s.xb)
}

// rename makes a server's data another copy for whoever connects from now on, as a restored server's are.
func rename(t *testing.T, address string) {
	t.Helper()
	db, err := sql.Open("pgx", address)
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	if _, err := db.ExecContext(t.Context(), `UPDATE meta SET value = value || 'x' WHERE name = 'incarnation'`); err != nil {
		t.Fatal(err)
	}
}

// absent is the one process that has not looked at the database as it is now.
func absent(t *testing.T, p *Party) (name string) {
	t.Helper()
	all, err := p.Sharing(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	for _, v := range all {
		if v.State == "unheard" {
			name = v.Name
		}
	}
	if len(all) != 2 || name == "" {
		t.Fatalf("%+v", all)
	}
	return name
}

// A standby that was not waited for takes the place of the server: it lacks what one node has said and put into its mark, and let leave or not. The other node's mark
// knows nothing of that. Neither signs upon what is left: not the other, while the one is away, nor any of them once it is back.
func TestDatabaseLosesStatements(t *testing.T) {
	t.Parallel()
	// spec: LOG-12, LOG-14
	server := pgtest.New(t)
	server.Database(t, "xa")
	standby := server.Standby(t)
	s := share(t, pgtest.URL(server.Either(t, standby, "xa")), 2)
	one, other := s.posts[0], s.posts[1]
	for _, p := range s.posts {
		said, err := s.ask(p, "Before.", "XB")
		s.must(err)
		p.Delivered(said.ID)
	}
	s.Quiet()
	other.Stop()
	s.Cut("XA", "XB")
	for _, q := range []string{`ALTER SYSTEM RESET synchronous_standby_names`, `SELECT pg_reload_conf()`} {
		s.must(server.Exec(t.Context(), q))
	}
	one.Until("commits that wait for nobody", func() bool {
		v, err := server.Ask(t.Context(), `SHOW synchronous_standby_names`)
		return err == nil && v == ""
	})
	s.must(standby.Stop())
	kept := one.LogSize()
	for range 3 {
		_, err := s.ask(one, "Lost with the server.", "XB")
		s.must(err)
	}
	one.Stop()
	s.must(errors.Join(server.Crash(), standby.Start(), standby.Promote(t.Context())))

	silent := func(p *Party, code fault.Code, text string) {
		t.Helper()
		for range 3 {
			if _, err := s.ask(p, "Signed over.", "XB"); fault.CodeOf(err) != code || !strings.Contains(fault.Show(err), text) {
				t.Errorf("an officer is told: %v", err)
			}
		}
		if n := p.LogSize(); n != kept {
			t.Errorf("the log went from %d to %d", kept, n)
		}
	}
	other.Start(other.Dir)
	silent(other, fault.Unavailable, "not all processes that share it have looked")
	s.Mend("XA", "XB")
	_, err := s.ask(s.xb, "Is anybody there?", "XA")
	s.must(err)
	s.xb.Until("a refusal by XA", func() bool { q := s.xb.queue("XA"); return q.Waiting > 0 && q.LastError != "" })
	silent(other, fault.Unavailable, "not all processes that share it have looked")

	one.Start(one.Dir)
	for _, p := range s.posts {
		p.Until("a report of what is lacking", func() bool {
			st, err := p.Node.State(t.Context())
			status, _ := p.ready()
			return err == nil && !st.Ready() && st.Known == kept+3 && status == http.StatusServiceUnavailable
		})
		silent(p, fault.Behind, "")
		if status, says := p.doctor(); status == 0 || !strings.Contains(says, "something has left") && !strings.Contains(says, "lacks something that has left") {
			t.Errorf("the doctor gives %d and says: %s", status, says)
		}
	}
	other.Restart(nil) // it stays so
	silent(other, fault.Behind, "")
	s.noForks(s.xb)
	if n := s.xb.LengthOf("XA/1"); n != kept {
		t.Errorf("XB has %d leaves of XA's log, not %d", n, kept)
	}
}
