package node

import (
	"bytes"
	"context"
	"encoding/hex"
	"io"
	"strings"
	"time"

	"github.com/go-json-experiment/json/jsontext"

	"github.com/comity-exchange/comity/agreement"
	"github.com/comity-exchange/comity/fault"
	"github.com/comity-exchange/comity/internal/auth"
	"github.com/comity-exchange/comity/internal/exchange"
	"github.com/comity-exchange/comity/internal/store"
	"github.com/comity-exchange/comity/marking"
	"github.com/comity-exchange/comity/party"
	"github.com/comity-exchange/comity/statement"
	"github.com/comity-exchange/comity/thread"
)

// ThreadView is a thread as lists show it.
type ThreadView struct {
	ID         thread.ID            `json:"id"`
	Desk       string               `json:"desk"`
	Title      string               `json:"title,omitzero" doc:"of the opener's body, while it is here: its first 200 characters"`
	From       party.Code           `json:"from,omitzero"`
	To         []party.Code         `json:"to"`
	Agreement  agreement.ID         `json:"agreement,omitzero"` // that it is under; absent: the charter
	Track      statement.Track      `json:"track,omitzero"`
	Precedence statement.Precedence `json:"precedence,omitzero"`
	TLP        marking.TLP          `json:"tlp,omitzero"`
	Exercise   bool                 `json:"exercise"`
	Opened     statement.Time       `json:"opened,omitzero"`
	Updated    statement.Time       `json:"updated"`
	Summary    thread.Summary       `json:"summary"`
	Clocks     []ClockView          `json:"clocks"`
	Waiting    int                  `json:"waiting"` // heads that wait for ancestors
	Unread     int                  `json:"unread"`
	Moves      []thread.Move        `json:"moves"` // what this party may say next

	kind statement.Kind // of the opener
}

// ClockView is a clock that runs: who owes what, by when. Due is zero while no receipt covers the request: "no receipt yet".
type ClockView struct {
	Name    string         `json:"name"`
	Owes    party.Code     `json:"owes"`
	Due     statement.Time `json:"due,omitzero"`
	Overdue bool           `json:"overdue"`
}

// SaidView is one statement of a thread.
type SaidView struct {
	ID          statement.ID     `json:"id"`
	From        party.Code       `json:"from"`
	To          []party.Code     `json:"to"`
	Kind        statement.Kind   `json:"kind"`
	Means       string           `json:"means"`
	Marking     marking.Marking  `json:"marking"`
	Time        statement.Time   `json:"time"`
	By          statement.By     `json:"by"`
	Facts       jsontext.Value   `json:"facts"`
	Void        string           `json:"void,omitzero"`
	Folded      bool             `json:"folded"`
	Body        string           `json:"body"` // "none", "here", "not-here" or "erased"
	Title       string           `json:"title,omitzero"`
	Text        string           `json:"text,omitzero"`
	Attachments []AttachmentView `json:"attachments,omitempty"`
	Delivered   []DeliveredView  `json:"delivered,omitempty"` // of own statements: to whom, since when
	Refused     []RefusedView    `json:"refused,omitempty"`
	Opened      []OpenedView     `json:"opened,omitempty"` // by whom of the others, and when first
	Origin      party.Origin     `json:"origin"`
	Index       int64            `json:"index"`
}

// AttachmentView is a blob: what it is and how much of it is here.
type AttachmentView struct {
	statement.Blob
	Arrived int64 `json:"arrived"`
	Whole   bool  `json:"whole"`
	Erased  bool  `json:"erased"`
}

// DeliveredView is a recipient's receipt, or that there is none.
type DeliveredView struct {
	To    party.Code     `json:"to"`
	Head  statement.Time `json:"head,omitzero"`
	Body  statement.Time `json:"body,omitzero"`
	Blobs statement.Time `json:"blobs,omitzero"`
}

// RefusedView is a receipt.refused for a statement.
type RefusedView struct {
	By       party.Code `json:"by"`
	Clause   string     `json:"clause"`
	Reason   string     `json:"reason"`
	Articles []string   `json:"articles"`
}

// threadRows lists the threads of a desk, "" for all, before anything else is asked of the transaction.
func threadRows(tx store.Tx, desk string) (rows []store.ThreadRow, err error) {
	err = tx.Threads(desk, func(row store.ThreadRow) bool {
		rows = append(rows, row)
		return true
	})
	return rows, err
}

func (n *Node) viewThread(tx store.Tx, row store.ThreadRow) (ThreadView, error) {
	v := ThreadView{
		ID: row.ID, Desk: row.Desk, Opened: row.Opened, Updated: row.Updated, Waiting: row.Waiting, Unread: row.Unread,
		To: []party.Code{}, Clocks: []ClockView{}, Moves: []thread.Move{}, Summary: thread.Summary{Status: "waiting"},
	}
	if len(row.State) == 0 {
		return v, nil
	}
	s, err := thread.ParseState(row.State)
	if err != nil {
		return v, err
	}
	v.From, v.To, v.Precedence, v.Exercise = s.Opener.From, s.Opener.To, s.Opener.Precedence, s.Opener.Exercise
	v.Agreement, v.Track, v.kind = s.Opener.Agreement, s.Opener.Track, s.Opener.Kind
	v.Summary = n.Rules.Summary(s)
	if m := n.Rules.Moves(s, n.Config.Code); m != nil {
		v.Moves = m
	}
	head, err := tx.Statement(row.ID)
	if err != nil {
		return v, err
	}
	h, err := statement.ParseHead(head.Head)
	if err != nil {
		return v, err
	}
	v.TLP = h.Marking.TLP
	if v.Title, err = n.titleOf(tx, h); err != nil {
		return v, err
	}
	for _, c := range v.Summary.Clocks {
		cv, err := n.viewClock(tx, head, c)
		if err != nil {
			return v, err
		}
		v.Clocks = append(v.Clocks, cv)
	}
	return v, nil
}

// viewClock adds to a clock of the fold when it began: the arrival of the request at who owes (RCP-6).
func (n *Node) viewClock(tx store.Tx, of store.Statement, c thread.Clock) (ClockView, error) {
	// spec: RCP-6
	v := ClockView{Name: c.Name, Owes: c.Owes, Due: c.Until}
	if v.Due.IsZero() {
		began, err := n.arrivedAt(tx, of, c.Owes)
		if err != nil {
			return v, err
		}
		if !began.IsZero() {
			v.Due = began.Add(time.Duration(c.Seconds) * time.Second)
		}
	}
	v.Overdue = !v.Due.IsZero() && v.Due.Before(statement.TimeOf(n.Now()))
	return v, nil
}

// arrivedAt is when a statement arrived at a party, by that party's own receipt; zero where no receipt is known here.
func (n *Node) arrivedAt(tx store.Tx, s store.Statement, at party.Code) (statement.Time, error) {
	if s.Origin.Code() != n.Config.Code && at != n.Config.Code {
		return statement.Time{}, nil
	}
	a, err := tx.ArrivedAt(at, s.Origin, store.HeadArrived, s.Index)
	if fault.CodeOf(err) == fault.NotFound {
		return statement.Time{}, nil
	}
	return a.Time, err
}

// readBody gives a statement's body; nil when it has none or it is not here.
func readBody(tx store.Tx, h *statement.Head) (*statement.Body, error) {
	if h.Body == nil {
		return nil, nil
	}
	var raw bytes.Buffer
	err := tx.Read(store.ContentRef{Statement: h.ID, Part: store.BodyPart}, &raw)
	switch fault.CodeOf(err) {
	case "":
		return statement.ParseBody(raw.Bytes())
	case fault.NotFound, fault.Withheld:
		return nil, nil
	}
	return nil, err
}

// Thread shows one thread with everything said in it, in the order in which it arrived. It costs as much as the thread is long: see ThreadPart.
func (n *Node) Thread(ctx context.Context, id thread.ID) (ThreadView, []SaidView, error) {
	var v ThreadView
	var said []SaidView
	err := n.Store.View(ctx, func(tx store.Tx) (err error) {
		if v, err = n.lookAtThread(ctx, tx, id); err != nil {
			return err
		}
		said = []SaidView{}
		var rows []store.Statement
		if err := tx.EachOfThread(id, func(s store.Statement) bool {
			rows = append(rows, s)
			return true
		}); err != nil {
			return err
		}
		heard := newEchoes()
		for _, s := range rows {
			one, err := n.viewSaid(tx, s, heard)
			if err != nil {
				return err
			}
			said = append(said, one)
		}
		heard.onto(said)
		return nil
	})
	return v, said, err
}

func (n *Node) viewSaid(tx store.Tx, s store.Statement, heard *echoes) (SaidView, error) {
	h, err := statement.ParseHead(s.Head)
	if err != nil {
		return SaidView{}, err
	}
	v := SaidView{
		ID: h.ID, From: h.From, To: h.To, Kind: h.Kind, Marking: h.Marking, Time: h.Time, By: h.By, Facts: h.Facts,
		Void: s.Void, Folded: s.Folded, Body: "none", Origin: s.Origin, Index: s.Index,
	}
	if spec, ok := n.Rules.Spec(h.Kind); ok {
		v.Means = spec.Means
	}
	heard.hear(s, h)
	if err := n.viewContent(tx, h, &v); err != nil {
		return v, err
	}
	if h.From != n.Config.Code {
		return v, nil
	}
	for _, to := range h.To {
		d := DeliveredView{To: to}
		for what, at := range map[store.ArrivalKind]*statement.Time{
			store.HeadArrived: &d.Head, store.BodyArrived: &d.Body, store.BlobArrived: &d.Blobs,
		} {
			a, err := tx.ArrivedAt(to, s.Origin, what, s.Index)
			if err != nil && fault.CodeOf(err) != fault.NotFound {
				return v, err
			}
			*at = a.Time
		}
		v.Delivered = append(v.Delivered, d)
	}
	return v, nil
}

// viewContent fills in what is here of a statement's body and blobs.
func (n *Node) viewContent(tx store.Tx, h *statement.Head, v *SaidView) error {
	if h.Body == nil {
		return nil
	}
	c, err := tx.Content(store.ContentRef{Statement: h.ID, Part: store.BodyPart})
	switch {
	case fault.CodeOf(err) == fault.NotFound || err == nil && !c.Whole && !c.Erased:
		v.Body = "not-here"
		return nil
	case err != nil:
		return err
	case c.Erased:
		v.Body = "erased"
		return nil
	}
	v.Body = "here"
	body, err := readBody(tx, h)
	if err != nil || body == nil {
		return err
	}
	v.Title, v.Text = body.Title, body.Text
	for i, b := range body.Blobs {
		c, err := tx.Content(store.ContentRef{Statement: h.ID, Part: i})
		if err != nil && fault.CodeOf(err) != fault.NotFound {
			return err
		}
		v.Attachments = append(v.Attachments, AttachmentView{Blob: b, Arrived: c.Arrived, Whole: c.Whole, Erased: c.Erased})
	}
	return nil
}

// Opened notes that an officer has opened a thread, and says so to the others where the thread admits it (receipt.retrieved).
func (n *Node) Opened(ctx context.Context, id thread.ID, by statement.By) error {
	// spec: RCP-3
	if err := n.Authorize(ctx, auth.Open, auth.Matter{}); fault.CodeOf(err) == fault.Denied {
		return nil // whoever may look and not speak (an auditor) leaves no trace of it with others
	} else if err != nil {
		return err
	}
	var ids []statement.ID
	var tlp marking.TLP
	err := n.Exchange.Opened(ctx, id, func(tx store.Tx) error {
		ids = nil
		seen := map[statement.ID]bool{}
		heads, err := exchange.Heads(tx, id)
		if err != nil {
			return err
		}
		for _, h := range heads {
			if h.Kind == thread.KindRetrieved && h.From == n.Config.Code {
				if f, err := thread.Facts[thread.Retrieved](h); err == nil {
					for _, i := range f.IDs {
						seen[i] = true
					}
				}
			}
		}
		for _, h := range heads {
			if h.From != n.Config.Code && h.Kind.Desk() != "receipt" && !seen[h.ID] {
				ids = append(ids, h.ID)
			}
			if h.IsOpener() {
				tlp = h.Marking.TLP
			}
		}
		return nil
	})
	if err != nil || len(ids) == 0 || tlp == "" {
		return err
	}
	const most = 150 // of ids in one head, by the bound of STM-4
	ids = ids[max(0, len(ids)-most):]
	facts, err := marshal(thread.Retrieved{IDs: ids})
	if err != nil {
		return err
	}
	_, err = n.Exchange.Submit(ctx, exchange.Draft{
		Thread: id, Kind: thread.KindRetrieved, Marking: marking.Marking{TLP: tlp}, By: by, Facts: facts,
	})
	return err
}

// Find completes the beginning of an id to that of a statement that is here. It needs at least six digits.
func (n *Node) Find(ctx context.Context, prefix string) (statement.ID, error) {
	if id, err := statement.ParseID(prefix); err == nil {
		return id, nil
	}
	p := strings.ToLower(prefix)
	if _, err := hex.DecodeString(p + strings.Repeat("0", len(p)%2)); err != nil || len(p) < 6 || len(p) > 64 {
		return statement.ID{}, fault.New(fault.Usage, "ENC-4", "an id is given by its 64 hexadecimal digits, or the first six or more of them")
	}
	var found []statement.ID
	err := n.Store.View(ctx, func(tx store.Tx) (err error) {
		found, err = tx.FindStatements(p, 2)
		return err
	})
	switch {
	case err != nil:
		return statement.ID{}, err
	case len(found) == 0:
		return statement.ID{}, fault.New(fault.NotFound, "", "no statement here begins with %s", p)
	case len(found) > 1:
		return statement.ID{}, fault.New(fault.Usage, "", "more than one statement begins with %s: give more digits", p)
	}
	return found[0], nil
}

// Save writes a statement's attachment to w.
func (n *Node) Save(ctx context.Context, id statement.ID, part int, w io.Writer) error {
	return n.Store.View(ctx, func(tx store.Tx) error {
		if err := n.mayLook(ctx, tx, auth.Read, auth.Matter{}); err != nil {
			return err
		}
		return tx.Read(store.ContentRef{Statement: id, Part: part}, w)
	})
}
