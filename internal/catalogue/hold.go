package catalogue

import (
	"github.com/comity-exchange/comity/fault"
	"github.com/comity-exchange/comity/internal/store"
	"github.com/comity-exchange/comity/party"
	"github.com/comity-exchange/comity/stix"
)

// newcomers holds the lines of new parcels against what is here, and against each other.
type newcomers struct {
	tx      store.Tx
	held    map[store.Term][]held    // of the new ones, by id
	others  map[int64]*store.Parcel  // those that were read; nil: it was erased
	changed map[int64]bool           // of these
	covers  map[int64]map[int64]bool // by number, the parcels because of which lines of one are hidden or older
}

// held is a line that another is held against.
type held struct {
	parcel       *store.Parcel
	line         int
	version, sum int64
	offset       int
	new          *parsed // nil: it was here before
}

// hold finds out whether line i is here already, older than what is here, or makes that older. Versions of other threads and classes stay beside it.
func (n *newcomers) hold(p *parsed, i int) error {
	l := &p.lines[i]
	before := n.held[l.id]
	before = before[:len(before):len(before)]
	_, err := each(n.tx, l.id, func(f store.Found) (bool, error) {
		q, err := n.parcel(f.Parcel)
		if q != nil { // nil: it was erased
			before = append(before, held{parcel: q, line: f.Line, version: f.Version, sum: f.Sum, offset: f.Offset})
		}
		return true, err
	})
	if err != nil {
		return err
	}
	for _, h := range before {
		switch q := h.parcel; {
		case q.Thread != p.Thread || q.Class != p.Class:
			p.Shared, q.Shared = p.Shared.Add(i), q.Shared.Add(h.line)
			n.touched(q)
			if err := n.revoke(p, i, h); err != nil {
				return err
			}
		case same(l.version, h.version, l.sum, h.sum):
			p.Hidden = p.Hidden.Add(i)
			n.covered(p.No, q.No)
			return nil
		case l.version < h.version || l.version == h.version && p.No < q.No: // what has no versions is the newer the later it came
			p.Older = p.Older.Add(i)
			n.covered(p.No, q.No)
		default:
			q.Older = q.Older.Add(h.line)
			n.covered(q.No, p.No)
			n.touched(q)
		}
	}
	n.held[l.id] = append(n.held[l.id], held{parcel: &p.Parcel, line: i, version: l.version, sum: l.sum, new: p})
	return nil
}

// revoke makes older what its author has revoked under another marking: whoever may not see that it was is not to go on with it either, and that it is gone tells nothing of why.
func (n *newcomers) revoke(p *parsed, i int, h held) error {
	// spec: INT-9
	l, q := &p.lines[i], h.parcel
	if q.Thread != p.Thread || l.version == h.version || p.void {
		return nil
	}
	later := l.version > h.version
	if later && !l.revoked {
		return nil
	}
	var from party.Code
	var counts, revoked bool // of what was here
	if h.new != nil {
		counts, from, revoked = !h.new.void, h.new.head.From, h.new.lines[h.line].revoked
	} else {
		head, err := counting(n.tx, statementOf(*q))
		if err != nil || head == nil {
			return err
		}
		counts, from = true, head.From
		if !later {
			if revoked, err = n.isRevoked(q, h.offset); err != nil {
				return err
			}
		}
	}
	switch {
	case !counts || from != p.head.From:
	case later:
		q.Older = q.Older.Add(h.line)
		n.touched(q)
		n.covered(q.No, p.No)
	case revoked:
		p.Older = p.Older.Add(i)
		n.covered(p.No, q.No)
	}
	return nil
}

// isRevoked reads whether a line of a parcel that was here before revokes its object.
func (n *newcomers) isRevoked(q *store.Parcel, offset int) (bool, error) {
	line, err := n.tx.ReadLine(q.Content, int64(offset))
	if err != nil {
		return false, gone(err)
	}
	o, err := stix.Parse(line)
	return err == nil && o.Revoked, nil
}

// same tells whether two lines say the same: an object with versions is the same in one of them, whatever else differs; one without is when no byte does.
func same(v, w, sum, other int64) bool { return v == w && (v != 0 || sum == other) }

// covered notes that a line of a parcel is behind one of another.
func (n *newcomers) covered(no, by int64) {
	switch {
	case no == by: // they go together
	case n.covers[no] == nil:
		n.covers[no] = map[int64]bool{by: true}
	default:
		n.covers[no][by] = true
	}
}

// touched notes that the sets of a parcel that was here before have changed; those of new ones are put with them.
func (n *newcomers) touched(q *store.Parcel) {
	if n.others[q.No] == q {
		n.changed[q.No] = true
	}
}

// parcel gives a parcel that is here; nil where it was erased.
func (n *newcomers) parcel(no int64) (*store.Parcel, error) {
	if q, ok := n.others[no]; ok {
		return q, nil
	}
	q, err := n.tx.Parcel(no)
	switch {
	case fault.CodeOf(err) == fault.NotFound:
		n.others[no] = nil
		return nil, nil
	case err != nil:
		return nil, err
	}
	n.others[no] = &q
	return &q, nil
}
