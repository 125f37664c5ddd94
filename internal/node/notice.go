package node

import (
	"context"
	"crypto/rand"
	"fmt"
	mathrand "math/rand/v2"
	"slices"
	"strconv"
	"time"

	"github.com/go-json-experiment/json"

	"github.com/comity-exchange/comity/fault"
	"github.com/comity-exchange/comity/internal/auth"
	"github.com/comity-exchange/comity/internal/i18n"
	"github.com/comity-exchange/comity/internal/notice"
	"github.com/comity-exchange/comity/internal/store"
	"github.com/comity-exchange/comity/statement"
)

// noteNotices names what the store remembers of notices: a notice.State.
const noteNotices = "notices"

// Spans of telling.
const (
	noticePoll  = 2 * time.Second  // between two looks whether anything was written
	noticeLook  = 15 * time.Second // and, where nothing was, whether anything fell due
	noticeClaim = 30 * time.Second // of the process that tells, of those that share a database
	noticeGrace = 5 * time.Second  // that a node which ends leaves to what it is sending
	noticeWrite = 10 * time.Second // that it leaves to noting what came of it
)

// maxSends bounds what one round sends.
const maxSends = 32

// teller tells people outside that there is something to look at. It belongs to one goroutine.
type teller struct {
	*Node
	mail *notice.Mail
	hook *notice.Webhook
	text *i18n.Printer
	at   notice.Place

	version int64     // of the store, at the last look
	looked  time.Time // when that was
	claimed time.Time // until when no other process tells
}

// teller makes one as the settings have it; nil where they want nobody told.
func (n *Node) teller() (*teller, error) {
	c := &n.Config
	if !c.Mails() && !c.Hooks() {
		return nil, nil
	}
	all, err := i18n.Load()
	if err != nil {
		return nil, err
	}
	t := &teller{Node: n, text: all.Printer(all.Match(c.NoticeLanguage), nil), at: notice.Place(c.WebURL), version: -1}
	if c.Mails() {
		t.mail = &notice.Mail{Server: c.MailServer, Security: c.MailTLS, From: c.MailFrom, User: c.MailUser, Password: c.MailPassword}
	}
	if c.Hooks() {
		t.hook = &notice.Webhook{URL: c.WebhookURL, Secret: c.WebhookSecret}
	}
	return t, nil
}

// Told is what one round of telling did.
type Told struct {
	Sent   int `json:"sent"`
	Failed int `json:"failed"`
}

// Tell looks once what has happened since the last look, by whichever process, and sends what is to be sent. A node that is served does it by itself; it may be
// interrupted and repeated at any point. Where the settings want nobody told, it does nothing.
func (n *Node) Tell(ctx context.Context) (Told, error) {
	t, err := n.teller()
	if err != nil || t == nil {
		return Told{}, err
	}
	if err := t.gather(ctx); err != nil {
		return Told{}, err
	}
	return t.sendAll(ctx)
}

// tell tells again and again, until ctx ends.
func (n *Node) tell(ctx context.Context) {
	t, err := n.teller()
	if err != nil {
		n.component("notices").ErrorContext(ctx, "no notice is sent", "error", fault.Show(err))
	}
	if t == nil {
		return
	}
	timer := time.NewTimer(noticePoll)
	defer timer.Stop()
	for {
		looking, err := t.roundOf(ctx)
		if err != nil && ctx.Err() == nil {
			n.component("notices").WarnContext(ctx, "what has happened could not be told now; it is tried again", "error", fault.Show(err))
		}
		// While much comes, looking takes at most a tenth of the time: who writes comes first.
		timer.Reset(max(noticePoll, 9*looking))
		select {
		case <-ctx.Done():
			return
		case <-timer.C:
		}
	}
}

// roundOf looks and sends, where no other process that shares the database does it, and tells how long it took to look.
func (t *teller) roundOf(ctx context.Context) (looking time.Duration, err error) {
	if !t.mayTell(ctx) {
		return 0, nil
	}
	began := time.Now()
	err = t.gather(ctx)
	looking = time.Since(began)
	if err == nil {
		_, err = t.sendAll(ctx)
	}
	return looking, err
}

// mayTell keeps processes out of each other's way. What is told is told once without it, too.
func (t *teller) mayTell(ctx context.Context) bool {
	if t.sharing == nil {
		return true
	}
	now := t.Now()
	if now.Add(noticeClaim / 2).Before(t.claimed) {
		return true
	}
	until := now.Add(noticeClaim)
	ok, err := t.Store.Claim(ctx, "notices", t.sharing.name, statement.TimeOf(now), statement.TimeOf(until))
	if err != nil || !ok {
		return false
	}
	t.claimed = until
	return true
}

// sendAll sends what is due.
func (t *teller) sendAll(ctx context.Context) (out Told, err error) {
	for range maxSends {
		sent, any, err := t.sendOne(ctx)
		if err != nil || !any {
			return out, err
		}
		if sent {
			out.Sent++
		} else {
			out.Failed++
		}
		if ctx.Err() != nil {
			return out, nil
		}
	}
	return out, nil
}

// gather takes what is new into what is to be told. What has been looked at and what comes of it are written at once, so that neither is without the other.
func (t *teller) gather(ctx context.Context) error {
	now := t.Now()
	version, err := t.Store.Version(ctx)
	if err != nil {
		return err
	}
	if version == t.version && now.Sub(t.looked) < noticeLook {
		return nil
	}
	var was, is string
	err = t.Store.View(ctx, func(tx store.Tx) error {
		s, raw, err := stateOf(tx)
		if err != nil {
			return err
		}
		l := look{teller: t, tx: tx, now: statement.TimeOf(now), state: &s}
		if err := l.all(); err != nil {
			return err
		}
		s.Make(l.now, t.Config.NoticeEvery, t.ways(), rand.Text)
		was = raw
		is, err = written(s)
		return err
	})
	if err != nil {
		return err
	}
	done := is == was
	if !done {
		err = t.Exchange.Update(ctx, func(tx store.Tx) error {
			have, err := tx.Meta(noteNotices)
			if err != nil || have != was { // another process was faster: the next round looks again
				done = false
				return err
			}
			done = true
			return tx.SetMeta(noteNotices, is)
		})
	}
	if err == nil && done {
		t.version, t.looked = version, now
	}
	return err
}

// ways are those by which a notice goes.
func (t *teller) ways() (out []notice.Try) {
	if t.mail != nil {
		out = append(out, notice.Try{Way: notice.ByMail, To: t.Config.MailTo})
	}
	if t.hook != nil {
		out = append(out, notice.Try{Way: notice.ByWebhook})
	}
	return out
}

// stopped tells a way that the settings have no more.
func (t *teller) stopped(w notice.Way) bool {
	return w == notice.ByMail && t.mail == nil || w == notice.ByWebhook && t.hook == nil
}

func stateOf(tx store.Tx) (s notice.State, raw string, err error) {
	if raw, err = tx.Meta(noteNotices); err != nil || raw == "" {
		return s, raw, err
	}
	if json.Unmarshal([]byte(raw), &s) != nil {
		return notice.State{}, raw, nil // another program's: as if nothing had been told yet
	}
	return s, raw, nil
}

func written(s notice.State) (string, error) {
	raw, err := marshal(s)
	return string(raw), err
}

// change changes what is remembered, where change says that it did.
func (t *teller) change(ctx context.Context, change func(s *notice.State) bool) error {
	return t.Exchange.Update(ctx, func(tx store.Tx) error {
		s, _, err := stateOf(tx)
		if err != nil || !change(&s) {
			return err
		}
		raw, err := written(s)
		if err != nil {
			return err
		}
		return tx.SetMeta(noteNotices, raw)
	})
}

// sendOne makes one try that is due; any is false where there is none. Before it is made it is put off, so that nobody else makes it meanwhile, nor this process once
// more when it was killed over it.
func (t *teller) sendOne(ctx context.Context) (sent, any bool, err error) {
	now := statement.TimeOf(t.Now())
	var s notice.State
	err = t.Store.View(ctx, func(tx store.Tx) (err error) {
		s, _, err = stateOf(tx)
		return err
	})
	if err != nil || len(s.Out) == 0 {
		return false, false, err
	}
	lost := 0
	var n notice.Notice
	var try notice.Try
	err = t.change(ctx, func(s *notice.State) bool {
		before, waiting := s.Lost, len(s.Out)
		n, try, any = s.Take(now, mathrand.Float64(), t.stopped)
		lost = s.Lost - before
		return any || lost > 0 || len(s.Out) != waiting
	})
	if lost > 0 {
		t.component("notices").WarnContext(ctx, "notices could not be sent within a day and are given up", "notices", lost)
	}
	if err != nil || !any {
		return false, any, err
	}
	left, why := t.send(ctx, n, try)
	says := ""
	if why != nil {
		says = fault.Show(why)
		t.component("notices").WarnContext(ctx, "a notice could not be sent now; it is tried again", "way", string(try.Way), "attempts", try.Attempts, "error", says)
	}
	// What has gone out is noted although the node ends.
	noting, cancel := context.WithTimeout(context.WithoutCancel(ctx), noticeWrite)
	defer cancel()
	return why == nil, true, t.change(noting, func(s *notice.State) bool {
		s.Done(n.ID, try.Way, left, says, statement.TimeOf(t.Now()))
		return true
	})
}

// send makes a try. One that is under way when ctx ends has a little time.
func (t *teller) send(ctx context.Context, n notice.Notice, try notice.Try) (left []string, err error) {
	sending, cancel := context.WithTimeout(context.WithoutCancel(ctx), notice.Lease)
	defer cancel()
	stop := context.AfterFunc(ctx, func() {
		select {
		case <-sending.Done():
		case <-time.After(noticeGrace):
			cancel()
		}
	})
	defer stop()
	switch try.Way {
	case notice.ByMail:
		to := slices.DeleteFunc(slices.Clone(try.To), func(a string) bool { return !slices.Contains(t.Config.MailTo, a) })
		if len(to) == 0 {
			return nil, nil // nobody is to get it any more
		}
		return t.mail.Send(sending, n.ID, n.Made.Std(), to, notice.Write(n, t.Config.Code, t.at, t.text))
	case notice.ByWebhook:
		body, err := notice.Payload(n, t.Config.Code, t.at)
		if err != nil {
			return nil, err
		}
		return nil, t.hook.Send(sending, n.ID, t.Now(), body)
	}
	return nil, nil
}

// Tried is what came of a test of one way.
type Tried struct {
	Way  notice.Way `json:"way"`
	Sent bool       `json:"sent"`
	Says string     `json:"says,omitzero"`
}

// TryNotice sends a notice that tells of nothing by every way, at once and once, and says what came of it. Errors: fault.Denied; fault.Usage where the settings have
// no way.
func (n *Node) TryNotice(ctx context.Context) ([]Tried, error) {
	if err := n.Authorize(ctx, auth.ManageOfficers, auth.Matter{}); err != nil {
		return nil, err
	}
	t, err := n.teller()
	if err != nil {
		return nil, err
	}
	if t == nil {
		return nil, fault.New(fault.Usage, "", "the settings name neither mail_server nor webhook_url: nobody is told anything")
	}
	test := notice.Notice{ID: rand.Text(), Made: statement.TimeOf(n.Now()), Lines: []notice.Line{{Kind: notice.Test, Count: 1}}}
	var out []Tried
	for _, w := range t.ways() {
		v := Tried{Way: w.Way, Sent: true}
		if _, err := t.send(ctx, test, w); err != nil {
			v.Sent, v.Says = false, fault.Show(err)
		}
		out = append(out, v)
	}
	return out, nil
}

// NoticesView is how telling stands.
type NoticesView struct {
	Mail    bool            `json:"mail"`
	Webhook bool            `json:"webhook"`
	Lines   []notice.Line   `json:"lines"`   // what is told next
	Waiting []notice.Notice `json:"waiting"` // what is made, and has not gone all its ways
	Sent    statement.Time  `json:"sent,omitzero"`
	// SentBy is when one went out last by each way.
	SentBy   map[notice.Way]statement.Time `json:"sent_by,omitempty"`
	Lost     int                           `json:"lost"` // given up after a day, ever
	LastLost statement.Time                `json:"last_lost,omitzero"`
}

// Notices shows what is to be told and sent. Who may read the log and not the threads sees whether it works, and of what is told only how much. Error: fault.Denied.
func (n *Node) Notices(ctx context.Context) (NoticesView, error) {
	v := NoticesView{Mail: n.Config.Mails(), Webhook: n.Config.Hooks(), Lines: []notice.Line{}, Waiting: []notice.Notice{}}
	bare := n.Authorize(ctx, auth.Read, auth.Matter{}) != nil
	if bare {
		if err := n.Authorize(ctx, auth.ReadLog, auth.Matter{}); err != nil {
			return v, err
		}
	}
	err := n.Store.View(ctx, func(tx store.Tx) error {
		s, _, err := stateOf(tx)
		v.Lines, v.Waiting = append(v.Lines[:0], s.Lines...), append(v.Waiting[:0], s.Out...)
		for i := range v.Waiting {
			if bare {
				v.Waiting[i].Lines = nil
			}
			for j := range v.Waiting[i].Left {
				v.Waiting[i].Left[j].To = nil // whose addresses these are is for whoever may read the settings
			}
		}
		for i := range v.Lines {
			if bare {
				v.Lines[i] = notice.Line{Kind: v.Lines[i].Kind, Count: v.Lines[i].Count}
			}
		}
		v.Sent, v.SentBy, v.Lost, v.LastLost = s.Sent, s.SentBy, s.Lost, s.LastLost
		return err
	})
	return v, err
}

// noticing is the doctor's look at it; false where nobody is to be told.
func (n *Node) noticing(ctx context.Context) (Finding, bool, error) {
	if !n.Config.Mails() && !n.Config.Hooks() {
		return Finding{}, false, nil
	}
	var s notice.State
	err := n.Store.View(ctx, func(tx store.Tx) (err error) {
		s, _, err = stateOf(tx)
		return err
	})
	if err != nil {
		return Finding{}, true, err
	}
	f := Finding{Check: "notices", Health: Good, Says: "nothing waits; none was sent yet"}
	if !s.Sent.IsZero() {
		f.Says = "nothing waits; the last was sent " + s.Sent.Std().UTC().Format(time.DateTime) + "Z"
	}
	t, failing := s.Failing()
	switch {
	case failing:
		f.Health = Warning
		f.Says = fmt.Sprintf("%s; by %s, after %s: %s", plural(len(s.Out), "waits", "wait"), t.Way, plural(t.Attempts, "attempt", "attempts"), t.Error)
		f.Do = "it is tried again by itself for a day; comity notice test tries at once"
	case len(s.Out) > 0:
		f.Says = plural(len(s.Out), "waits", "wait") + " to be sent"
		if n.Now().Sub(s.Out[0].Made.Std()) > time.Hour {
			f.Health, f.Do = Warning, "notices are sent while the node is served (comity serve)"
		}
	}
	if s.Lost > 0 && n.Now().Sub(s.LastLost.Std()) < 7*24*time.Hour {
		f.Health, f.Says = Warning, f.Says+"; "+strconv.Itoa(s.Lost)+" could not be sent within a day and were given up, the last "+s.LastLost.Std().UTC().Format(time.DateTime)+"Z"
		if f.Do == "" {
			f.Do = "comity notice test tries whether they come through now"
		}
	}
	return f, true, nil
}
