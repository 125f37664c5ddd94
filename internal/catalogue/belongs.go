package catalogue

import (
	"bytes"
	"slices"
	"strings"

	"github.com/go-json-experiment/json"

	"github.com/comity-exchange/comity/desk/intel"
	"github.com/comity-exchange/comity/fault"
	"github.com/comity-exchange/comity/internal/store"
	"github.com/comity-exchange/comity/statement"
	"github.com/comity-exchange/comity/stix"
)

// earlier are the parcels before one, or the one itself, of which it has later versions.
type earlier struct {
	by  int64 // its number; 0: none was asked about
	all []int64
}

// goes tells whether line i of a parcel, which came with h, belongs to the feed: by what it says, or by what the same source has said of the object before; but not where another source was first,
// unless it is this party's own word, nor where what has taken its place came before it, or lies elsewhere, and does not belong.
func (s *slice) goes(tx store.Tx, h *statement.Head, p store.Parcel, i int, line []byte) (goes bool, err error) {
	// spec: INT-4
	if goes = s.belongs(line); !goes {
		if goes, err = s.follows(tx, p, line); err != nil || !goes {
			return false, err
		}
	}
	if !p.Older.Has(i) && !p.Shared.Has(i) {
		return true, nil
	}
	o, err := s.parser.Parse(line)
	if err != nil {
		return false, nil
	}
	return s.stands(tx, p, o.ID, versionOf(o), h.From == s.c.Self && !intel.Desk{}.Gathers(h))
}

// versions calls yield with the lines that have an object, by parcel and line, until it gives false.
func (s *slice) versions(tx store.Tx, id stix.ID, yield func(f store.Found) (bool, error)) error {
	if s.h == nil {
		s.h = s.c.hasher()
	}
	_, err := each(tx, s.h.term(byID, string(id)), yield)
	return err
}

// follows tells whether a line is a later version of what belongs. Most parcels have no later version of anything, which is one small question for each.
func (s *slice) follows(tx store.Tx, p store.Parcel, line []byte) (found bool, err error) {
	if s.earlier.by != p.No {
		all, err := tx.Covered(p.No)
		if err != nil {
			return false, err
		}
		all = slices.DeleteFunc(all, func(no int64) bool { return no > p.No })
		if p.Older.Any() {
			all = append(all, p.No)
		}
		s.earlier = earlier{p.No, all}
	}
	if len(s.earlier.all) == 0 {
		return false, nil
	}
	o, err := s.parser.Parse(line)
	if err != nil {
		return false, nil
	}
	err = s.versions(tx, o.ID, func(f store.Found) (bool, error) {
		if !slices.Contains(s.earlier.all, f.Parcel) {
			return true, nil
		}
		q, err := tx.Parcel(f.Parcel)
		if err != nil {
			return true, gone(err)
		}
		found, err = s.went(tx, q, f)
		return !found, err
	})
	return found, err
}

// stands tells of a line of which others know more whether it goes all the same. own tells that it is this party's own word.
func (s *slice) stands(tx store.Tx, p store.Parcel, id stix.ID, version int64, own bool) (bool, error) {
	first, stale := true, false
	ours := false // an earlier line of the same source belongs: it was the first, or was not
	err := s.versions(tx, id, func(f store.Found) (bool, error) {
		q, err := tx.Parcel(f.Parcel)
		if err != nil || q.No == p.No {
			return true, gone(err)
		}
		before := q.No < p.No
		switch {
		case q.Thread != p.Thread && before && !ours && !own:
			other, err := s.went(tx, q, f)
			first = !other
			return first, err
		case q.Thread == p.Thread && f.Version > version && (before || q.Class != p.Class):
			later, err := s.went(tx, q, f)
			stale, ours = !later, ours || before && later
			return !stale, err
		case q.Thread == p.Thread && before && !ours:
			ours, err = s.went(tx, q, f)
			return true, err
		}
		return true, nil
	})
	return first && !stale, err
}

// went tells whether a line of parcel q that was found belongs to the feed by what it says, and may go there.
func (s *slice) went(tx store.Tx, q store.Parcel, f store.Found) (bool, error) {
	if q.Hidden.Has(f.Line) {
		return false, nil
	}
	if may, err := s.may(tx, statementOf(q)); err != nil || !may {
		return false, err
	}
	line, err := s.c.line(tx, q.Content, f.Offset)
	if err != nil {
		return false, gone(err)
	}
	return s.belongs(line), nil
}

// may tells whether what came with a statement may go into the feed. Of some it is remembered while the increment is made.
func (s *slice) may(tx store.Tx, id statement.ID) (bool, error) {
	if may, known := s.passes[id]; known {
		return may, nil
	}
	h, err := counting(tx, id)
	if err != nil {
		return false, err
	}
	may := h != nil && s.feed.takes(h)
	if may {
		passage, err := s.c.Exchange.Onward(tx, h, s.feed.To, false)
		if err != nil {
			return false, err
		}
		may = passage.Permitted
	}
	if s.passes == nil || len(s.passes) >= maxSeeable {
		s.passes = map[statement.ID]bool{}
	}
	s.passes[id] = may
	return may, nil
}

// gone forgives that something was erased.
func gone(err error) error {
	if code := fault.CodeOf(err); code == fault.NotFound || code == fault.Withheld {
		return nil
	}
	return err
}

// belongs holds an object against the offer.
func (s *slice) belongs(line []byte) bool {
	// spec: INT-4
	o := s.feed.View.Offer
	if o.Types == nil && o.Labels == nil && o.Sector == "" && o.ConfidenceMin == 0 && !bytes.Contains(line, []byte(`"sighting"`)) {
		return true
	}
	p, err := s.parser.Parse(line)
	if err != nil {
		return false
	}
	switch {
	case o.Types != nil && !slices.Contains(o.Types, string(p.Type)), o.Types == nil && p.Type == "sighting":
		return false
	case o.Labels != nil && !slices.ContainsFunc(p.Labels, func(l string) bool { return slices.Contains(o.Labels, l) }):
		return false
	case int64(max(p.Confidence, 0)) < o.ConfidenceMin:
		return false
	}
	return o.Sector == "" || ofSector(p, o.Sector)
}

// ofSector tells whether an object names a sector, bare or after a prefix.
func ofSector(o *stix.Object, sector string) bool {
	names := func(v string) bool { return v == sector || strings.HasSuffix(v, ":"+sector) }
	if slices.ContainsFunc(o.Labels, names) {
		return true
	}
	text, ok := o.Property("sectors")
	var sectors []string
	return ok && json.Unmarshal([]byte(text), &sectors) == nil && slices.ContainsFunc(sectors, names)
}
