package exchange

import (
	"errors"
	"slices"

	"github.com/comity-exchange/comity/agreement"
	"github.com/comity-exchange/comity/fault"
	"github.com/comity-exchange/comity/internal/store"
	"github.com/comity-exchange/comity/party"
	"github.com/comity-exchange/comity/statement"
	"github.com/comity-exchange/comity/thread"
)

// Verdict is a decision with what it rested on.
type Verdict struct {
	agreement.Verdict
	Agreement statement.ID `json:"agreement,omitzero"` // zero: the charter
	Caveat    bool         `json:"caveat,omitzero"`    // a caveat of this party decided, not what both signed

	// AskedBy are this party's caveats that ask for a second officer's approval, beside the articles of ApprovalBy (DEC-10).
	AskedBy []string `json:"asked_by,omitempty"`
}

// Denial is the cause of a fault.Denied; VerdictOf finds it.
type Denial struct{ Verdict Verdict }

func (d *Denial) Error() string { return d.Verdict.Reason }

// denied makes the refusal of a verdict that does not permit.
func denied(v Verdict) error {
	return fault.Wrap(&Denial{v}, fault.Denied, v.Clause, "%s", v.Reason)
}

// Decide says whether a head may pass, from the head and the agreement's making alone (DEC-1 to DEC-5). An error means that it can't be said yet:
// fault.Parked when heads of the agreement that the author relied on have not arrived.
func (x *Exchange) Decide(tx store.Tx, h *statement.Head) (Verdict, error) {
	if len(h.To) == 0 { // spec: CHR-2
		return Verdict{Verdict: agreement.Verdict{Permitted: true, Clause: "CHR-2", Reason: "a local record needs no permission"}}, nil
	}
	q, err := agreement.Ask(h)
	if err != nil {
		return Verdict{}, err
	}
	if agreement.ByCharter(h) { // spec: DEC-5, CHR-1
		return Verdict{Verdict: x.Charter.Decide(q)}, nil
	}
	standing, err := x.made(tx, *h.Agreement)
	if err != nil {
		return Verdict{}, err
	}
	return x.under(tx, standing, h, q)
}

// under decides under an agreement as it stands: the text that binds the author and every recipient at the head's time must be the one that it relies on, and permit it.
func (x *Exchange) under(tx store.Tx, standing *agreement.Standing, h *statement.Head, q agreement.Question) (Verdict, error) {
	// spec: DEC-2
	v := Verdict{Agreement: h.Agreement.ID}
	v.Clause = "DEC-2"
	var version *agreement.Version
	for _, to := range h.To {
		binds, why := standing.Binds(h.Time, h.From, to)
		switch {
		case binds == nil && len(h.To) > 1:
			v.Reason = "To " + string(to) + ": " + why
		case binds == nil:
			v.Reason = why
		case binds.Digest != h.Agreement.Digest:
			v.Reason = "The text that binds " + string(h.From) + " and " + string(to) + " to each other is not the one that the statement relies on."
		}
		if v.Reason != "" {
			return v, nil
		}
		version = binds
	}
	policy, err := x.policy(tx, version)
	switch fault.CodeOf(err) {
	case "":
	case fault.Internal, fault.Unavailable, fault.Canceled, fault.Parked:
		return Verdict{}, err
	default:
		v.Reason = "The agreement's text cannot be relied on here: it was refused, was erased, or is not the one that was signed."
		return v, nil
	}
	q.Under(version)
	if policy.Counts() {
		if q.Today, err = x.today(tx, h); err != nil {
			return Verdict{}, err
		}
	}
	v.Verdict = policy.Decide(q)
	return v, nil
}

// caveats adds what this party alone forbids (DEC-7).
func (x *Exchange) caveats(v Verdict, h *statement.Head) (Verdict, error) {
	// spec: DEC-7
	if x.caveat.Load() == nil || !v.Permitted || len(h.To) == 0 || h.Kind.Desk() == "receipt" || h.Kind.Desk() == "recall" {
		return v, nil
	}
	q, err := agreement.Ask(h)
	if err != nil {
		return v, err
	}
	c := x.caveat.Load().Decide(q)
	if !c.Permitted {
		return Verdict{Verdict: c, Agreement: v.Agreement, Caveat: true}, nil
	}
	// spec: DEC-10
	v.Approval, v.AskedBy = v.Approval || c.Approval, c.ApprovalBy
	return v, nil
}

// Partners lists the parties of every agreement in force in which both this node's party and peer take part, the two left out.
func (x *Exchange) Partners(tx store.Tx, peer party.Code) ([]party.Code, error) {
	var codes []party.Code
	var bad error
	err := tx.Threads(deskMaking, func(row store.ThreadRow) bool {
		if len(row.State) == 0 {
			return true
		}
		s, err := thread.ParseState(row.State)
		if bad = err; bad != nil {
			return false
		}
		standing, ok := x.Standing(s)
		if !ok {
			return true
		}
		for i := range standing.Versions {
			from := standing.Versions[i].From
			if _, ours := from[x.Self]; !ours {
				continue // what is not in force is anybody's to make: it opens nothing
			}
			if _, theirs := from[peer]; !theirs {
				continue
			}
			for c := range from {
				if c != x.Self && c != peer && !slices.Contains(codes, c) {
					codes = append(codes, c)
				}
			}
		}
		return true
	})
	slices.Sort(codes)
	return codes, errors.Join(err, bad)
}
