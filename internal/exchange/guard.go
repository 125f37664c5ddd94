package exchange

import (
	"context"
	"slices"

	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"

	"github.com/comity-exchange/comity/fault"
	"github.com/comity-exchange/comity/internal/store"
	"github.com/comity-exchange/comity/marking"
	"github.com/comity-exchange/comity/party"
	"github.com/comity-exchange/comity/statement"
	"github.com/comity-exchange/comity/thread"
)

// Proposal is a draft that was composed and may pass, before it is said.
type Proposal struct {
	Head     *statement.Head // as it would be said; nonce, time and ancestors are of this moment
	Verdict  Verdict
	Approval store.DraftID // what Draft.Approval says

	draft *Draft
	blobs []statement.Blob
}

// Attachments are the draft's, with their digests.
func (p *Proposal) Attachments() []statement.Blob { return p.blobs }

// Deny is the refusal of a verdict that does not permit, as Submit would give it.
func Deny(v Verdict) error { return denied(v) }

// exact is what an approval covers: all that is said but what no officer chooses (nonces, time, ancestors, which signatures the agreement rests on).
type exact struct {
	From       party.Code                `json:"from"`
	To         []party.Code              `json:"to"`
	Thread     thread.ID                 `json:"thread"`
	Kind       statement.Kind            `json:"kind"`
	Agreement  statement.ID              `json:"agreement"`
	Text       statement.Digest          `json:"agreement_digest"`
	Marking    marking.Marking           `json:"marking"`
	Track      statement.Track           `json:"track"`
	Precedence statement.Precedence      `json:"precedence"`
	Exercise   bool                      `json:"exercise"`
	By         statement.By              `json:"by"`
	Facts      jsontext.Value            `json:"facts"`
	Title      string                    `json:"title"`
	Body       string                    `json:"text"`
	Rest       map[string]jsontext.Value `json:"rest"`
	Blobs      []statement.Blob          `json:"blobs"`
}

// Digest covers exactly what would be said. It is another one as soon as a recipient, a word, an attachment or the agreement's text is another one.
func (p *Proposal) Digest() (statement.Digest, error) {
	h, d := p.Head, p.draft
	e := exact{
		From: h.From, To: slices.Clone(h.To), Thread: d.Thread, Kind: h.Kind, Marking: h.Marking, Track: h.Track, Precedence: h.Precedence, Exercise: h.Exercise,
		By: h.By, Facts: h.Facts, Title: d.Title, Body: d.Text, Rest: d.Rest, Blobs: p.blobs,
	}
	slices.Sort(e.To)
	if h.Agreement != nil {
		e.Agreement, e.Text = h.Agreement.ID, h.Agreement.Digest
	}
	raw, err := json.Marshal(e, json.Deterministic(true))
	if err != nil {
		return statement.Digest{}, fault.Wrap(err, fault.Internal, "", "what is to be approved cannot be written")
	}
	return statement.Sum(append([]byte("comity/approval/v1\n"), raw...)), nil
}

// spoken is d with whom it speaks as.
func (x *Exchange) spoken(ctx context.Context, tx store.Tx, d Draft) (_ Draft, err error) {
	if x.Speaks != nil {
		d.By, err = x.Speaks(ctx, tx, &d)
	}
	return d, err
}

// guard asks whether a composed draft may be said now.
func (x *Exchange) guard(ctx context.Context, tx store.Tx, d *Draft, blobs []statement.Blob, h *statement.Head, v Verdict) error {
	if x.Guard == nil {
		return nil
	}
	return x.Guard(ctx, tx, Proposal{Head: h, Verdict: v, Approval: d.Approval, draft: d, blobs: blobs})
}

// Propose composes a draft and decides on it as Submit would, and says nothing. What the verdict does not permit has no error.
func (x *Exchange) Propose(ctx context.Context, d Draft) (p Proposal, err error) {
	d.Blobs = slices.Clone(d.Blobs)
	blobs, err := describe(d.Blobs)
	if err != nil {
		return p, err
	}
	err = x.Store.View(ctx, func(tx store.Tx) error {
		first, err := tx.Length(x.Journal.Origin())
		if err != nil {
			return err
		}
		d, err := x.spoken(ctx, tx, d)
		if err != nil {
			return err
		}
		h, body, err := x.compose(reading(tx, first), d, blobs)
		if err != nil {
			return err
		}
		v, err := x.Decide(tx, h)
		if err != nil {
			return err
		}
		if v, err = x.caveats(v, h); err == nil && v.Permitted {
			v, err = x.passing(tx, v, h, body)
		}
		p = Proposal{Head: h, Verdict: v, Approval: d.Approval, draft: &d, blobs: blobs}
		return err
	})
	return p, err
}

// Together says d, and what also gives, in one transaction: all of it or nothing. also is called in it when d was said, and may write; when it fails nothing was said.
// What it gives has no attachments. The contract is else that of Submit.
func (x *Exchange) Together(ctx context.Context, d Draft, also func(tx store.Tx, said Said) ([]Draft, error)) (Said, error) {
	var said Said
	drafts, errs := []Draft{d}, []error{nil}
	ctx, end := x.submitting(ctx, drafts)
	defer func() { end(errs) }()
	say := x.sayingFor(ctx, d, &said)
	errs[0] = x.write(ctx, func(b *batch) error {
		if err := say(b); err != nil {
			return err
		}
		more, err := also(b.tx, said)
		for _, d := range more {
			var s Said
			if err == nil {
				err = x.sayingFor(ctx, d, &s)(b)
			}
		}
		return err
	})
	if errs[0] != nil {
		return Said{}, errs[0]
	}
	return said, nil
}
