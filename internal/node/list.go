package node

import (
	"context"
	"crypto/aes"
	"crypto/cipher"
	"encoding/base64"
	"encoding/binary"
	"errors"
	"fmt"
	"math"

	"github.com/comity-exchange/comity/agreement"
	"github.com/comity-exchange/comity/desk/office"
	"github.com/comity-exchange/comity/fault"
	"github.com/comity-exchange/comity/internal/auth"
	drafts "github.com/comity-exchange/comity/internal/draft"
	"github.com/comity-exchange/comity/internal/store"
	"github.com/comity-exchange/comity/marking"
	"github.com/comity-exchange/comity/party"
	"github.com/comity-exchange/comity/statement"
)

// Filter narrows a list of threads; empty members hold for all.
type Filter struct {
	Desk       string // without one the party's records of its own officers (office) are left out
	Peer       party.Code
	Unread     bool
	Owed       bool // only those in which this party owes something
	Agreement  agreement.ID
	Status     string
	Open       bool // only those in which something may still come
	Closed     bool // only those in which nothing may
	Track      statement.Track
	Precedence statement.Precedence
	TLP        marking.TLP
	Exercise   *bool
}

// Order is the order of a list.
type Order string

// The orders. In the last two stand only threads with clocks, of this party and of others, each where its next clock is due; one that does not run yet stands last. What
// is looked for by words comes the newest thread first, whatever was asked for.
const (
	ByUpdated   Order = "updated" // the last touched first; also ""
	ByDue       Order = "due"
	ByOthersDue Order = "others-due"
)

// Query asks for a page of a list of threads.
type Query struct {
	Filter
	Text   string // words that all stand in what was said in a thread; one that ends with a star stands for all that begin so
	Order  Order
	Cursor string // Page.Next of the page before, under the same query; "": the first page
	Limit  int    // of threads; 0: 50. At most MaxPage
}

// MaxPage bounds a page.
const MaxPage = 200

// Page is a page of a list. A page may have fewer threads than were asked for, or none, and not be the last: Next is "" on the last alone.
type Page struct {
	Threads []ThreadView `json:"threads"`
	Next    string       `json:"next,omitzero"`
}

// However many threads there are and however few of them fit, making a page looks at no more than this.
const (
	pageLook   = 800 // rows of an index
	pageHidden = 300 // threads that whoever asks may not see
)

// List gives a page of a list of threads, as far as whoever ctx is of may see them. Errors: fault.Usage, for a cursor of another list too; fault.Denied.
func (n *Node) List(ctx context.Context, q Query) (Page, error) {
	sq, about, err := n.storeQuery(q)
	if err != nil {
		return Page{}, err
	}
	if len(sq.Words) > 0 {
		if err := n.indexSome(ctx, indexAtOnce); err != nil {
			return Page{}, err
		}
	}
	var p Page
	err = n.Store.View(ctx, func(tx store.Tx) error {
		sees, err := n.sight(ctx, tx, q.Desk)
		if err != nil {
			return err
		}
		p, err = n.list(tx, sq, about, sees)
		return err
	})
	return p, err
}

// list gives a page of a list inside a transaction.
func (n *Node) list(tx store.Tx, sq store.ThreadQuery, about []byte, sees func(ThreadView) bool) (Page, error) {
	p := Page{Threads: []ThreadView{}}
	next, err := n.eachOfPage(tx, sq, about, func(row store.ThreadRow) (bool, error) {
		v, err := n.viewThread(tx, row)
		if err != nil || !sees(v) {
			return false, err
		}
		p.Threads = append(p.Threads, v)
		return true, nil
	})
	p.Next = next
	return p, err
}

// eachOfPage goes through the rows of a page, and gives the cursor of the next one. take tells whether whoever asks may see the row: what they may not fills no page.
func (n *Node) eachOfPage(tx store.Tx, sq store.ThreadQuery, about []byte, take func(store.ThreadRow) (bool, error)) (next string, err error) {
	want, taken, hidden := sq.Limit, 0, 0
	for {
		sq.Limit = want - taken
		page, err := tx.ListThreads(sq)
		if err != nil {
			return "", err
		}
		for _, row := range page.Rows {
			ok, err := take(row)
			if err != nil {
				return "", err
			}
			if ok {
				taken++
			} else {
				hidden++
			}
		}
		sq.After = page.Next
		if !page.More {
			return "", nil
		}
		if taken == want || hidden >= pageHidden || len(page.Rows) < sq.Limit {
			return n.cursor(sq.After, about)
		}
	}
}

// eachOfDesk goes through a page of the threads of a desk that whoever ctx is of may see, the last touched first.
func (n *Node) eachOfDesk(ctx context.Context, desk, cursor string, limit int, begin func(), take func(tx store.Tx, row store.ThreadRow) error) (next string, err error) {
	sq, about, err := n.storeQuery(Query{Filter: Filter{Desk: desk}, Cursor: cursor, Limit: limit})
	if err != nil {
		return "", err
	}
	err = n.Store.View(ctx, func(tx store.Tx) error {
		begin()
		sees, err := n.sight(ctx, tx, desk)
		if err != nil {
			return err
		}
		look := &seen{n: n, tx: tx, sees: sees}
		next, err = n.eachOfPage(tx, sq, about, func(row store.ThreadRow) (bool, error) {
			may, err := look.may(row.ID)
			if err != nil || !may {
				return false, err
			}
			return true, take(tx, row)
		})
		return err
	})
	return next, err
}

// Threads lists threads, the last touched first: all of them, in one moment.
func (n *Node) Threads(ctx context.Context, f Filter) ([]ThreadView, error) {
	sq, _, err := n.storeQuery(Query{Filter: f, Limit: MaxPage})
	if err != nil {
		return nil, err
	}
	out := []ThreadView{}
	err = n.Store.View(ctx, func(tx store.Tx) error {
		out = out[:0]
		sees, err := n.sight(ctx, tx, f.Desk)
		if err != nil {
			return err
		}
		sq := sq
		for {
			page, err := tx.ListThreads(sq)
			if err != nil {
				return err
			}
			for _, row := range page.Rows {
				v, err := n.viewThread(tx, row)
				if err != nil {
					return err
				}
				if sees(v) {
					out = append(out, v)
				}
			}
			if !page.More {
				return nil
			}
			sq.After = page.Next
		}
	})
	return out, err
}

// storeQuery is a query as the store has it. about binds cursors to it.
func (n *Node) storeQuery(q Query) (sq store.ThreadQuery, about []byte, err error) {
	bad := func(what string) error { return fault.New(fault.Usage, "", "%s", what) }
	sq = store.ThreadQuery{
		Desk: q.Desk, Peer: q.Peer, Agreement: q.Agreement, Status: q.Status, Open: q.Open, Closed: q.Closed, Track: q.Track, Precedence: q.Precedence, TLP: q.TLP, Exercise: q.Exercise,
		Unread: q.Unread, Owed: q.Owed, Limit: q.Limit, Look: pageLook,
	}
	if q.Peer == n.Config.Code {
		sq.Peer = "" // it takes part in all that is here
	}
	if q.Desk == "" {
		sq.NotDesk = string(office.Kind)
	}
	if sq.Limit == 0 {
		sq.Limit = 50
	}
	if sq.Limit < 1 || sq.Limit > MaxPage {
		return sq, nil, bad(fmt.Sprintf("a page has 1 to %d threads", MaxPage))
	}
	switch q.Order {
	case ByUpdated, "":
	case ByDue:
		sq.Order = store.ByDue
	case ByOthersDue:
		sq.Order = store.ByOthersDue
	default:
		return sq, nil, bad("the orders are updated, due and others-due")
	}
	if q.Text != "" {
		if sq.Words, err = n.lookFor(q.Text); err != nil {
			return sq, nil, err
		}
		sq.Order = store.ByArrival
	}
	exercise := "-"
	if q.Exercise != nil {
		exercise = fmt.Sprint(*q.Exercise)
	}
	about = fmt.Appendf(nil, "comity/cursor/v2 %q %q %s %v %v %q %v %v %q %q %q %s %v %d", q.Desk, q.Peer, q.Agreement, q.Unread, q.Owed, q.Status, q.Open, q.Closed, q.Track, q.Precedence, q.TLP,
		exercise, sq.Words, sq.Order)
	sq.After, err = n.placeOf(q.Cursor, about)
	return sq, about, err
}

// sealer seals cursors: one tells where a thread stands that its reader may not see.
func (n *Node) sealer() (cipher.AEAD, error) {
	block, err := aes.NewCipher(n.Keys.Derive("cursors"))
	if err != nil {
		return nil, fault.Wrap(err, fault.Internal, "", "no cipher")
	}
	return cipher.NewGCMWithRandomNonce(block)
}

// cursor seals a place in a list.
func (n *Node) cursor(m store.ThreadMark, about []byte) (string, error) {
	aead, err := n.sealer()
	if err != nil {
		return "", err
	}
	var b [16]byte
	binary.BigEndian.PutUint64(b[:8], uint64(m.At))
	binary.BigEndian.PutUint64(b[8:], uint64(m.No))
	return base64.RawURLEncoding.EncodeToString(aead.Seal(nil, nil, b[:], about)), nil
}

// placeOf opens a cursor.
func (n *Node) placeOf(cursor string, about []byte) (store.ThreadMark, error) {
	if cursor == "" {
		return store.ThreadMark{}, nil
	}
	no := fault.New(fault.Usage, "", "this cursor is not one of this list: begin with the first page")
	aead, err := n.sealer()
	if err != nil {
		return store.ThreadMark{}, err
	}
	if len(cursor) > 128 {
		return store.ThreadMark{}, no
	}
	raw, err := base64.RawURLEncoding.Strict().DecodeString(cursor)
	if err != nil {
		return store.ThreadMark{}, no
	}
	b, err := aead.Open(nil, nil, raw, about)
	if err != nil || len(b) != 16 {
		return store.ThreadMark{}, no
	}
	at, num := binary.BigEndian.Uint64(b[:8]), binary.BigEndian.Uint64(b[8:])
	if at > math.MaxInt64 || num > math.MaxInt64 {
		return store.ThreadMark{}, no
	}
	return store.ThreadMark{At: int64(at), No: int64(num)}, nil
}

// Counts is how much there is of what an officer on duty looks at first. A number of MaxCount stands for that many or more.
type Counts struct {
	Overdue       int `json:"overdue"`        // threads in which this party owes something, and is late
	DueSoon       int `json:"due_soon"`       // and those in which it is due within a day
	Owed          int `json:"owed"`           // all in which this party owes something, overdue and due soon too
	OthersOverdue int `json:"others_overdue"` // threads in which others are late
	OthersOwe     int `json:"others_owe"`     // all in which others owe something
	Unread        int `json:"unread"`         // threads with something unread
	Approve       int `json:"approve"`        // drafts that whoever asks may approve
	Drafts        int `json:"drafts"`         // drafts of whoever asks
}

// MaxCount is as far as counts go; where rules of an operator hide threads from some, they go as far as maxSeen.
const (
	MaxCount = 1000
	maxSeen  = 200
)

// dueSoon is how long before it is due something is due soon.
const dueSoon = 24 * 60 * 60 * 1000 // milliseconds

// Counts counts what waits, as far as whoever ctx is of may see it.
func (n *Node) Counts(ctx context.Context) (Counts, error) {
	var c Counts
	err := n.Store.View(ctx, func(tx store.Tx) error {
		sees, err := n.sight(ctx, tx, "")
		if err != nil {
			return err
		}
		c, err = n.counts(ctx, tx, sees)
		return err
	})
	return c, err
}

// counts is Counts inside a transaction.
func (n *Node) counts(ctx context.Context, tx store.Tx, sees func(ThreadView) bool) (c Counts, err error) {
	now := statement.TimeOf(n.Now())
	soon := now.Add(dueSoon * 1e6)
	for _, one := range []struct {
		into *int
		q    store.ThreadQuery
	}{
		{&c.Overdue, store.ThreadQuery{Order: store.ByDue, Until: now}},
		{&c.DueSoon, store.ThreadQuery{Order: store.ByDue, Until: soon, After: store.ThreadMark{At: now.Std().UnixMilli()}}},
		{&c.Owed, store.ThreadQuery{Order: store.ByDue}},
		{&c.OthersOverdue, store.ThreadQuery{Order: store.ByOthersDue, Until: now}},
		{&c.OthersOwe, store.ThreadQuery{Order: store.ByOthersDue}},
		{&c.Unread, store.ThreadQuery{Unread: true}},
	} {
		one.q.Look = 2 * MaxCount // records of officers have no clocks, and nobody else says anything in them
		if *one.into, err = n.count(tx, one.q, sees); err != nil {
			return c, err
		}
	}
	return c, n.countDrafts(ctx, tx, &c)
}

// count counts the threads of a list that may be seen. Only rules of an operator hide any, and only then they are looked at.
func (n *Node) count(tx store.Tx, q store.ThreadQuery, sees func(ThreadView) bool) (seen int, err error) {
	if !n.office.Rules.Restricted() {
		return tx.CountThreads(q, MaxCount)
	}
	q.Limit = maxSeen
	page, err := tx.ListThreads(q)
	for _, row := range page.Rows {
		v, err := n.viewThread(tx, row)
		if err != nil {
			return seen, err
		}
		if sees(v) {
			seen++
		}
	}
	return seen, err
}

func (n *Node) countDrafts(ctx context.Context, tx store.Tx, c *Counts) error {
	a, staffed, err := n.actor(ctx, tx)
	if err != nil {
		return err
	}
	var bad error
	err = tx.EachDraft(func(row store.Draft) bool {
		if row.Author == a.ID {
			c.Drafts++
			return true
		}
		if row.Status != string(drafts.Submitted) {
			return true
		}
		var d drafts.Draft
		if d, bad = drafts.Parse(row); bad == nil && n.office.Rules.Authorize(a, auth.Approve, matterOfDraft(&d), staffed).Permitted {
			c.Approve++
		}
		return bad == nil
	})
	return errors.Join(err, bad)
}

// listAnew has an earlier program's threads found in lists. It happens once, when the store is first opened by this one: some seconds for 100,000 threads.
func (n *Node) listAnew(ctx context.Context) error {
	for {
		listed, err := n.Exchange.List(ctx, listedAtOnce)
		if err != nil || listed == 0 {
			return err
		}
	}
}

// listedAtOnce is how many threads one transaction lists anew.
const listedAtOnce = 500

// Sees refuses a statement, or a thread by its id, that whoever ctx is of may not see. What an operator's own rules hide looks like what is not here: fault.Withheld.
// A statement whose thread cannot be judged yet is for those who may see everything.
func (n *Node) Sees(ctx context.Context, id statement.ID) error {
	return n.Store.View(ctx, func(tx store.Tx) error {
		staffed, err := n.hasOfficers(tx)
		if err != nil || !staffed {
			return err
		}
		hidden := fault.New(fault.Withheld, "", "a rule of this node hides it")
		of := id
		s, unknown := tx.Statement(id)
		switch {
		case unknown == nil && !s.Thread.IsZero():
			of = s.Thread
		case unknown != nil && fault.CodeOf(unknown) != fault.NotFound:
			return unknown
		}
		row, err := tx.Thread(of)
		if fault.CodeOf(err) == fault.NotFound {
			if err := n.may(ctx, tx, auth.Read, auth.Matter{}); err != nil || unknown == nil {
				return err
			}
			return fault.New(fault.NotFound, "", "there is no such thing here")
		}
		if err != nil {
			return err
		}
		if err := n.may(ctx, tx, lookAt(row.Desk), auth.Matter{}); err != nil || !n.office.Rules.Restricted() {
			return err
		}
		v, err := n.viewThread(tx, row)
		if err != nil {
			return err
		}
		if n.may(ctx, tx, lookAt(row.Desk), matterOfThread(v)) != nil {
			return hidden
		}
		return nil
	})
}

// SeesDraft refuses a draft that whoever ctx is of may not see. Errors: fault.NotFound, fault.Denied; fault.Usage for what is no id.
func (n *Node) SeesDraft(ctx context.Context, prefix string) error {
	_, err := n.findDraft(ctx, prefix, auth.Read)
	return err
}
