package node

import (
	"context"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/comity-exchange/comity/desk/recall"
	"github.com/comity-exchange/comity/fault"
	"github.com/comity-exchange/comity/internal/exchange"
	"github.com/comity-exchange/comity/internal/store"
	"github.com/comity-exchange/comity/marking"
	"github.com/comity-exchange/comity/party"
	"github.com/comity-exchange/comity/statement"
	"github.com/comity-exchange/comity/thread"
)

// Recalling is what an officer wants to take back.
type Recalling struct {
	IDs        []statement.ID // own statements
	Reason     recall.Reason
	Text       string
	Within     time.Duration // how soon an answer is asked for; 0: by no time
	Precedence statement.Precedence
	By         statement.By
	EraseOwn   bool // also here, so that who has not got it yet never will
}

// Recalled is what came of it: a recall for each circle of parties that got the same statements.
type Recalled struct {
	exchange.Said
	To []party.Code
	Of []statement.ID
}

// Recall asks everybody who got these statements of this party to erase what they said. Statements that went to different parties are recalled apart, so that nobody
// learns of what went to others alone. When it fails after it has asked some, it gives these beside the error.
func (n *Node) Recall(ctx context.Context, r Recalling) (out []Recalled, err error) {
	// spec: RCL-2
	var circles map[string]*circle
	err = n.Store.View(ctx, func(tx store.Tx) (err error) {
		circles, err = n.circles(tx, r.IDs)
		return err
	})
	if err != nil {
		return nil, err
	}
	for _, key := range slices.Sorted(maps.Keys(circles)) {
		c := circles[key]
		facts, err := marshal(recall.Ask{Of: c.of, Reason: r.Reason, Within: int64(r.Within / time.Second)})
		if err != nil {
			return out, err
		}
		said, err := n.Say(ctx, exchange.Draft{
			To: c.to, Kind: recall.KindAsk, Marking: c.marking, Track: c.track, Precedence: r.Precedence, Exercise: c.exercise, By: r.By, Facts: facts, Text: r.Text,
		})
		if err != nil {
			return out, err
		}
		out = append(out, Recalled{said, c.to, c.of})
		if r.EraseOwn {
			if err := n.eraseAndSay(ctx, said.Thread, c.marking.TLP, c.of, r.By, nil); err != nil {
				return out, err
			}
		}
	}
	return out, n.scrub(ctx)
}

// circle is the statements that went to the same parties.
type circle struct {
	to       []party.Code
	of       []statement.ID
	marking  marking.Marking // what is said of the strictest of them, without what only their contents need
	track    statement.Track
	exercise bool
}

func (n *Node) circles(tx store.Tx, ids []statement.ID) (map[string]*circle, error) {
	out := map[string]*circle{}
	for _, id := range ids {
		h, err := headOf(tx, id)
		if err != nil {
			return nil, err
		}
		switch desk := h.Kind.Desk(); {
		case h.From != n.Config.Code:
			return nil, fault.New(fault.Usage, "RCL-7", "%s is a statement of %s: only its author can recall it", id.Short(), h.From)
		case exchange.IsRecord(h.Kind) || h.Body == nil:
			return nil, fault.New(fault.Usage, "RCL-7", "%s has nothing to recall: it is %s, and what machines decide on stays", id.Short(), h.Kind)
		case desk == string(recall.Kind):
			return nil, fault.New(fault.Usage, "RCL-1", "%s is a recall, which is not recalled", id.Short())
		}
		to, err := exchange.Holders(tx, h)
		if err != nil {
			return nil, err
		}
		if len(to) == 0 {
			return nil, fault.New(fault.Usage, "RCL-2", "%s went to nobody: comity erase erases it here", id.Short())
		}
		slices.Sort(to)
		key := strings.Join(texts(to), " ")
		c := out[key]
		if c == nil {
			c = &circle{to: to, track: h.Track, exercise: h.Exercise}
			out[key] = c
		}
		all := marking.Combine(c.marking, h.Marking)
		c.marking = marking.Marking{TLP: all.TLP, PAP: all.PAP}
		c.exercise = c.exercise && h.Exercise
		if !slices.Contains(c.of, id) {
			c.of = append(c.of, id)
		}
		if len(c.of) > recall.MaxOf {
			return nil, fault.New(fault.Usage, "RCL-2", "one recall names at most %d statements: recall the others apart", recall.MaxOf)
		}
	}
	return out, nil
}

func texts(codes []party.Code) []string {
	out := make([]string, len(codes))
	for i, c := range codes {
		out[i] = string(c)
	}
	return out
}

// headOf reads a statement's head. Error: fault.NotFound.
func headOf(tx store.Tx, id statement.ID) (*statement.Head, error) {
	s, err := tx.Statement(id)
	if fault.CodeOf(err) == fault.NotFound {
		return nil, fault.New(fault.NotFound, "STM-2", "there is no statement %s here", id.Short())
	}
	if err != nil {
		return nil, err
	}
	return statement.Reread(s.ID, s.Head)
}

// RecallView is a recall with what everybody has answered.
type RecallView struct {
	ID       thread.ID      `json:"id"`
	By       party.Code     `json:"by"`
	Own      bool           `json:"own"`
	Reason   recall.Reason  `json:"reason"`
	Text     string         `json:"text,omitzero"`
	Asked    statement.Time `json:"asked"`
	Status   string         `json:"status"`
	Lines    []RecallLine   `json:"lines"`
	PassedOn []PassedOn     `json:"passed_on,omitempty"`
}

// RecallLine is one party's answer for one statement.
type RecallLine struct {
	Party     party.Code     `json:"party"`
	Statement statement.ID   `json:"statement"`
	Outcome   recall.Outcome `json:"outcome,omitzero"` // "erased", "kept", or nothing yet
	Ground    recall.Ground  `json:"ground,omitzero"`
	Receipt   statement.ID   `json:"receipt,omitzero"` // the head that says so
	At        statement.Time `json:"at,omitzero"`      // of Receipt, by its author's clock
	Arrived   statement.Time `json:"arrived,omitzero"` // of the recall there, by the party's receipt; zero: none is known here
	Due       statement.Time `json:"due,omitzero"`
	Overdue   bool           `json:"overdue"`
}

// PassedOn is a statement of this party that carries an attachment of one that is recalled.
type PassedOn struct {
	Of        statement.ID `json:"of"` // what is recalled
	Statement statement.ID `json:"statement"`
	To        []party.Code `json:"to"`
}

// Pending counts the lines without an answer.
func (v RecallView) Pending() (n int) {
	for _, l := range v.Lines {
		if l.Outcome == recall.Pending {
			n++
		}
	}
	return n
}

// Overdue tells whether somebody's answer is overdue.
func (v RecallView) Overdue() bool {
	return slices.ContainsFunc(v.Lines, func(l RecallLine) bool { return l.Overdue })
}

// Recalls lists all recalls, own and others', the last touched first.
func (n *Node) Recalls(ctx context.Context) ([]RecallView, error) {
	out := []RecallView{}
	err := n.Store.View(ctx, func(tx store.Tx) error {
		out = out[:0]
		rows, err := threadRows(tx, string(recall.Kind))
		if err != nil {
			return err
		}
		for _, row := range rows {
			v, ok, err := n.viewRecall(tx, row)
			if err != nil {
				return err
			}
			if ok {
				out = append(out, v)
			}
		}
		return nil
	})
	return out, err
}

// RecallPage is a page of recalls.
type RecallPage struct {
	Recalls []RecallView `json:"recalls"`
	Next    string       `json:"next,omitzero"` // the cursor of the next page; "" on the last alone
}

// RecallList gives a page of the recalls that whoever ctx is of may see, the last touched first; limit 0 is 50. A page may have fewer and not be the last. Errors:
// fault.Usage, for a cursor of another list too; fault.Denied.
func (n *Node) RecallList(ctx context.Context, cursor string, limit int) (RecallPage, error) {
	var p RecallPage
	var err error
	p.Next, err = n.eachOfDesk(ctx, string(recall.Kind), cursor, limit, func() { p.Recalls = []RecallView{} }, func(tx store.Tx, row store.ThreadRow) error {
		v, ok, err := n.viewRecall(tx, row)
		if ok {
			p.Recalls = append(p.Recalls, v)
		}
		return err
	})
	return p, err
}

// RecallOf shows one recall. Error: fault.NotFound.
func (n *Node) RecallOf(ctx context.Context, id thread.ID) (v RecallView, err error) {
	err = n.Store.View(ctx, func(tx store.Tx) error {
		row, err := tx.Thread(id)
		ok := false
		if err == nil {
			v, ok, err = n.viewRecall(tx, row)
		}
		if fault.CodeOf(err) == fault.NotFound || err == nil && !ok {
			return fault.New(fault.NotFound, "RCL-1", "there is no recall %s here", id.Short())
		}
		return err
	})
	return v, err
}

func (n *Node) viewRecall(tx store.Tx, row store.ThreadRow) (RecallView, bool, error) {
	// spec: RCL-6, RCP-6
	if len(row.State) == 0 {
		return RecallView{}, false, nil
	}
	s, err := thread.ParseState(row.State)
	if err != nil {
		return RecallView{}, false, err
	}
	r, ok := recall.Read(s)
	if !ok {
		return RecallView{}, false, nil
	}
	opener, err := tx.Statement(row.ID)
	if err != nil {
		return RecallView{}, false, err
	}
	h, err := statement.Reread(opener.ID, opener.Head)
	if err != nil {
		return RecallView{}, false, err
	}
	v := RecallView{ID: r.ID, By: r.By, Own: r.By == n.Config.Code, Reason: r.Reason, Asked: h.Time, Status: n.Rules.Summary(s).Status, Lines: []RecallLine{}}
	if body, err := readBody(tx, h); err != nil {
		return v, false, err
	} else if body != nil {
		v.Text = body.Text
	}
	now := statement.TimeOf(n.Now())
	for _, l := range r.Lines {
		line := RecallLine{Party: l.Party, Statement: l.Statement, Outcome: l.Outcome, Ground: l.Ground, Receipt: l.Head, At: l.Time}
		if line.Arrived, err = n.arrivedAt(tx, opener, l.Party); err != nil {
			return v, false, err
		}
		if r.Within > 0 && !line.Arrived.IsZero() {
			line.Due = line.Arrived.Add(time.Duration(r.Within) * time.Second)
		}
		line.Overdue = l.Outcome == recall.Pending && !line.Due.IsZero() && line.Due.Before(now)
		v.Lines = append(v.Lines, line)
	}
	for _, id := range r.Of {
		passed, err := n.passedOn(tx, id)
		if err != nil {
			return v, false, err
		}
		v.PassedOn = append(v.PassedOn, passed...)
	}
	return v, true, nil
}

// passedOn finds the own statements that carry an attachment of another one: who got these has it too. A text that was copied leaves no such trace.
func (n *Node) passedOn(tx store.Tx, id statement.ID) (out []PassedOn, err error) {
	h, err := headOf(tx, id)
	if fault.CodeOf(err) == fault.NotFound || err == nil && h.Body == nil {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	seen := map[statement.ID]bool{id: true}
	for part := range h.Body.Blobs {
		c, err := tx.Content(store.ContentRef{Statement: id, Part: part})
		if fault.CodeOf(err) == fault.NotFound || err == nil && c.SHA256.IsZero() {
			continue
		}
		if err != nil {
			return nil, err
		}
		refs, err := tx.FindBlobs(c.SHA256)
		if err != nil {
			return nil, err
		}
		for _, ref := range refs {
			if seen[ref.Statement] {
				continue
			}
			seen[ref.Statement] = true
			other, err := headOf(tx, ref.Statement)
			if err != nil {
				return nil, err
			}
			if other.From == n.Config.Code && len(other.To) > 0 {
				out = append(out, PassedOn{id, other.ID, other.To})
			}
		}
	}
	return out, nil
}

// ConfirmRecall erases what is here of a recall, and says so: what its author has said and this party has not answered for; with kept, also what it has said that it
// keeps. It gives what was erased. Errors: fault.NotFound for no recall, or where nothing of it can be erased here.
func (n *Node) ConfirmRecall(ctx context.Context, id thread.ID, kept bool, by statement.By) ([]statement.ID, error) {
	// spec: RCL-4, RCL-7
	by, err := n.eraser(ctx, by)
	if err != nil {
		return nil, err
	}
	var p pending
	err = n.Store.View(ctx, func(tx store.Tx) (err error) {
		p, err = n.pending(tx, id, kept)
		return err
	})
	switch {
	case err != nil:
		return nil, err
	case len(p.erasable) == 0 && len(p.foreign) > 0:
		return nil, fault.New(fault.Inadmissible, "RCL-7", "%s recalls what another party has said: say that it is kept, on the ground not-author", p.by)
	case len(p.erasable) == 0 && len(p.records) > 0:
		return nil, fault.New(fault.Inadmissible, "RCL-7", "what is recalled are texts that others are judged by: say that they are kept, on the ground record")
	case len(p.erasable) == 0:
		return nil, fault.New(fault.NotFound, "RCL-7", "nothing of the recall %s is here that was not erased and confirmed already", id.Short())
	}
	err = n.eraseAndSay(ctx, id, p.tlp, p.erasable, by, func(h *statement.Head) error {
		if h.From != p.by {
			return fault.New(fault.Denied, "RCL-7", "%s is no statement of %s", h.ID.Short(), p.by)
		}
		return nil
	})
	if err != nil {
		return nil, err
	}
	return p.erasable, n.scrub(ctx)
}

// KeepRecalled says that what is recalled is kept, on a ground; without ids it is all that was not answered for.
func (n *Node) KeepRecalled(ctx context.Context, id thread.ID, ids []statement.ID, ground recall.Ground, text string, by statement.By) (exchange.Said, error) {
	// spec: RCL-3
	var p pending
	err := n.Store.View(ctx, func(tx store.Tx) (err error) {
		p, err = n.pending(tx, id, false)
		return err
	})
	if err != nil {
		return exchange.Said{}, err
	}
	if len(ids) == 0 {
		ids = slices.Concat(p.erasable, p.records, p.foreign, p.missing)
	}
	if len(ids) == 0 {
		return exchange.Said{}, fault.New(fault.Inadmissible, "RCL-3", "this party has answered for everything in the recall %s", id.Short())
	}
	facts, err := marshal(recall.Keep{IDs: ids, Ground: ground})
	if err != nil {
		return exchange.Said{}, err
	}
	return n.Say(ctx, exchange.Draft{Thread: id, Kind: recall.KindKeep, Marking: marking.Marking{TLP: p.tlp}, By: by, Facts: facts, Text: text})
}

// pending is what this party is asked for in a recall and has not answered for.
type pending struct {
	by       party.Code
	tlp      marking.TLP
	erasable []statement.ID // here, and said by who recalls it
	records  []statement.ID // texts that others are judged by
	foreign  []statement.ID // said by somebody else
	missing  []statement.ID // not here yet
}

// pending sorts the lines of this party. With kept, those that it keeps count too.
func (n *Node) pending(tx store.Tx, id thread.ID, kept bool) (pending, error) {
	// spec: RCL-7
	var p pending
	none := fault.New(fault.NotFound, "RCL-1", "there is no recall %s here in which this party is asked", id.Short())
	row, err := tx.Thread(id)
	if fault.CodeOf(err) == fault.NotFound || err == nil && len(row.State) == 0 {
		return p, none
	}
	if err != nil {
		return p, err
	}
	s, err := thread.ParseState(row.State)
	if err != nil {
		return p, err
	}
	r, ok := recall.Read(s)
	if !ok || !slices.Contains(s.Opener.To, n.Config.Code) {
		return p, none
	}
	opener, err := headOf(tx, row.ID)
	if err != nil {
		return p, err
	}
	p.by, p.tlp = r.By, opener.Marking.TLP
	for _, l := range r.Lines {
		if l.Party != n.Config.Code || l.Outcome == recall.Erased || l.Outcome == recall.Kept && !kept {
			continue
		}
		h, err := headOf(tx, l.Statement)
		switch {
		case fault.CodeOf(err) == fault.NotFound:
			p.missing = append(p.missing, l.Statement)
		case err != nil:
			return p, err
		case h.From != r.By:
			p.foreign = append(p.foreign, l.Statement)
		case exchange.IsRecord(h.Kind):
			p.records = append(p.records, l.Statement)
		default:
			p.erasable = append(p.erasable, l.Statement)
		}
	}
	return p, nil
}
