package node

import (
	"bytes"
	"context"

	"github.com/comity-exchange/comity/evidence"
	"github.com/comity-exchange/comity/fault"
	"github.com/comity-exchange/comity/internal/auth"
	"github.com/comity-exchange/comity/internal/journal"
	"github.com/comity-exchange/comity/internal/store"
	"github.com/comity-exchange/comity/party"
	"github.com/comity-exchange/comity/statement"
	"github.com/comity-exchange/comity/translog"
)

// Evidence gathers what proves a statement to a third party: its head, its body unless it is withheld, its path to a checkpoint that others have cosigned,
// and the receipts for it. Everything comes from this node's own store, whoever the author is.
func (n *Node) Evidence(ctx context.Context, id statement.ID, withBody bool) (*evidence.Bundle, error) {
	b := &evidence.Bundle{}
	err := n.Store.View(ctx, func(tx store.Tx) error {
		*b = evidence.Bundle{}
		if err := n.mayLook(ctx, tx, auth.ExportEvidence, auth.Matter{}); err != nil {
			return err
		}
		s, err := tx.Statement(id)
		if fault.CodeOf(err) == fault.NotFound {
			return fault.New(fault.NotFound, "EVD-2", "there is no statement %s here", id.Short())
		}
		if err != nil {
			return err
		}
		g := &proving{n: n, tx: tx, bundle: b}
		if err := g.item(s, withBody); err != nil {
			return err
		}
		if err := g.receipts(s); err != nil {
			return err
		}
		return g.letters()
	})
	return b, err
}

// MayShow tells whether what a statement says may be shown to a party, or, without a code, to somebody who is none. Error: fault.Denied, with the article that decides
// and whom to ask; fault.NotFound.
func (n *Node) MayShow(ctx context.Context, id statement.ID, to party.Code, proceedings bool) error {
	// spec: ONW-1, ONW-3
	return n.Store.View(ctx, func(tx store.Tx) error {
		h, err := headOf(tx, id)
		if err != nil || h.Body == nil {
			return err
		}
		p, err := n.Exchange.Onward(tx, h, to, proceedings)
		if err != nil {
			return err
		}
		return p.Denied()
	})
}

// proving builds a bundle in one transaction.
type proving struct {
	n      *Node
	tx     store.Tx
	bundle *evidence.Bundle
}

// item adds one statement with its proof.
func (g *proving) item(s store.Statement, withBody bool) error {
	// spec: EVD-2
	h, err := statement.ParseHead(s.Head)
	if err != nil {
		return err
	}
	it := evidence.Item{Head: h.Raw}
	if withBody && h.Body != nil {
		var raw bytes.Buffer
		err := g.tx.Read(store.ContentRef{Statement: s.ID, Part: store.BodyPart}, &raw)
		switch fault.CodeOf(err) {
		case "":
			it.Body = raw.Bytes()
		case fault.NotFound, fault.Withheld:
			return fault.New(fault.NotFound, "EVD-2", "the body of %s is not here: export the evidence without it", s.ID.Short())
		default:
			return err
		}
	}
	whole := int64(0) // leaves of an own log whose tree is here; of what stands beyond, in a log that was closed with a part of it lost, only the proof is
	if s.Origin.Code() == g.n.Config.Code {
		if whole, err = g.tx.Length(s.Origin); err != nil {
			return err
		}
	}
	if s.Index < whole {
		err = g.own(s, &it)
	} else {
		err = g.theirs(s, &it)
	}
	if err != nil {
		return err
	}
	g.bundle.Items = append(g.bundle.Items, it)
	return nil
}

// own proves an own statement against the earliest of the checkpoints that most parties cosigned, or the newest while nobody has.
func (g *proving) own(s store.Statement, it *evidence.Item) error {
	closing, err := g.revoked(s.Origin)
	if err != nil {
		return err
	}
	var best store.Checkpoint
	if err := g.tx.Checkpoints(s.Origin, s.Index+1, func(c store.Checkpoint) bool {
		if closing != nil && c.Size != closing.Size {
			return true
		}
		if c.Proven && (best.Note == nil || c.Cosigs > best.Cosigs || best.Cosigs == 0) {
			best = c
		}
		return true
	}); err != nil {
		return err
	}
	if best.Note == nil {
		return fault.New(fault.Unavailable, "EVD-2", "no checkpoint covers the statement yet")
	}
	path, err := translog.Inclusion(best.Size, s.Index, journal.Tiles{Log: g.tx, Origin: s.Origin})
	if err != nil {
		return err
	}
	it.Proof = evidence.Proof{Index: s.Index, Path: path, Checkpoint: best.Note}
	if best.Cosigs > 0 {
		it.Cosigned = best.Note
	}
	return nil
}

// theirs proves a statement of another party from the tile that came with it, and goes on to the nearest cosigned checkpoint.
func (g *proving) theirs(s store.Statement, it *evidence.Item) error {
	n := s.Index / translog.TileWidth
	tp, err := g.tx.TilePath(s.Origin, n, s.ProofAt)
	if err != nil {
		return err
	}
	hashes, err := g.tx.Tile(s.Origin, 0, n)
	if err != nil {
		return err
	}
	width := min(translog.TileWidth, s.ProofAt-n*translog.TileWidth)
	proof := translog.TileProof{N: n, Path: tp.Path, Hashes: make([]translog.Hash, width)}
	for i := range proof.Hashes {
		copy(proof.Hashes[i][:], hashes[i*32:])
	}
	path, err := proof.Inclusion(s.ProofAt, s.Index)
	if err != nil {
		return err
	}
	notes := map[int64]store.Checkpoint{}
	if err := g.tx.Checkpoints(s.Origin, s.ProofAt, func(c store.Checkpoint) bool {
		if c.Proven || s.Origin.Code() == g.n.Config.Code { // the own keys signed it
			notes[c.Size] = c
		}
		return true
	}); err != nil {
		return err
	}
	it.Proof = evidence.Proof{Index: s.Index, Path: path, Checkpoint: notes[s.ProofAt].Note}
	return g.steps(s, it, notes)
}

// revoked is the closing of a log whose keys are no longer to be trusted: a proof has to lead to it (EVD-3). nil for any other log.
func (g *proving) revoked(origin party.Origin) (*party.Closing, error) {
	// spec: EVD-3
	logs, err := g.n.Exchange.Logs(g.tx, origin.Code())
	if fault.CodeOf(err) == fault.Unknown {
		return nil, nil
	}
	for _, l := range logs {
		if l.Origin == origin && l.Revoked {
			return l.Closing, nil
		}
	}
	return nil, err
}

// steps finds the shortest way of consistency proofs from a statement's checkpoint to one that was cosigned; where the keys were revoked, to the closing one.
func (g *proving) steps(s store.Statement, it *evidence.Item, notes map[int64]store.Checkpoint) error {
	closing, err := g.revoked(s.Origin)
	if err != nil {
		return err
	}
	from := map[int64][]store.Consistency{}
	if err := g.tx.Consistencies(s.Origin, s.ProofAt, func(c store.Consistency) bool {
		from[c.From] = append(from[c.From], c)
		return true
	}); err != nil {
		return err
	}
	came := map[int64]*store.Consistency{s.ProofAt: nil}
	for queue := []int64{s.ProofAt}; len(queue) > 0; queue = queue[1:] {
		at := queue[0]
		if closing == nil && notes[at].Cosigs > 0 || closing != nil && at == closing.Size && notes[at].Note != nil {
			it.Cosigned = notes[at].Note
			for step := came[at]; step != nil; step = came[step.From] {
				it.Consistency = append([]evidence.Step{{From: step.From, To: step.To, Hashes: step.Hashes}}, it.Consistency...)
			}
			return nil
		}
		for _, c := range from[at] {
			if _, seen := came[c.To]; !seen {
				came[c.To] = &c
				queue = append(queue, c.To)
			}
		}
	}
	return nil // nobody has cosigned: the proof stands, unwitnessed
}

// receipts adds the receipts that prove the statement's arrival (EVD-5).
func (g *proving) receipts(s store.Statement) error {
	// spec: EVD-5
	seen := map[statement.ID]bool{}
	add := func(id statement.ID) error {
		if id.IsZero() || seen[id] {
			return nil
		}
		seen[id] = true
		r, err := g.tx.Statement(id)
		if err != nil {
			return err
		}
		return g.item(r, false)
	}
	by := []party.Code{g.n.Config.Code}
	if s.Origin.Code() == g.n.Config.Code {
		h, err := statement.ParseHead(s.Head)
		if err != nil {
			return err
		}
		by = h.To
	}
	for _, code := range by {
		for _, what := range []store.ArrivalKind{store.HeadArrived, store.BodyArrived, store.BlobArrived} {
			a, err := g.tx.ArrivedAt(code, s.Origin, what, s.Index)
			if fault.CodeOf(err) == fault.NotFound {
				continue
			}
			if err == nil {
				err = add(a.Receipt)
			}
			if err != nil {
				return err
			}
		}
	}
	return nil
}

// letters adds the letters of the authors, and of those whose cosignatures may be on the notes: of each party the oldest that something rests on, and all
// that have followed it, without a gap.
func (g *proving) letters() error {
	// spec: EVD-6
	var codes []party.Code
	if err := g.tx.EachLetter(func(row store.Letter) bool {
		if row.Status == store.LetterConfirmed {
			codes = append(codes, row.Code)
		}
		return true
	}); err != nil {
		return err
	}
	for _, code := range codes {
		chain, err := g.n.Exchange.Held(g.tx, code)
		if err != nil {
			return err
		}
		for _, l := range chain[g.rests(chain):] {
			g.bundle.Letters = append(g.bundle.Letters, l.Raw)
		}
	}
	return nil
}

// rests is the place of the oldest letter of a party that something in the bundle rests on; their number where nothing does.
func (g *proving) rests(chain []*party.Letter) int {
	needs := map[party.Origin]bool{}
	cosigned := map[string]bool{}
	for _, it := range g.bundle.Items {
		if origin, err := translog.PeekOrigin(it.Proof.Checkpoint); err == nil {
			needs[origin] = true
		}
		for _, l := range chain {
			if bytes.Contains(it.Cosigned, []byte("\u2014 "+l.Witness.Name+" ")) {
				cosigned[l.Witness.Name] = true
			}
		}
	}
	for i, l := range chain {
		last := i+1 == len(chain)
		if needs[l.Origin] && (last || chain[i+1].Origin != l.Origin) || cosigned[l.Witness.Name] && (last || chain[i+1].Witness.Name != l.Witness.Name) {
			return i
		}
	}
	return len(chain)
}
