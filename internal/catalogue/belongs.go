package catalogue

import (
	"bytes"
	"slices"
	"strings"

	"github.com/go-json-experiment/json"

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

// goes tells whether line i of a parcel belongs to the feed: by what it says, or by what the same source has said of the object before; but not where another source was first, unless it is this
// party's own word, nor where what has taken its place came before it, or lies elsewhere, and does not belong.
func (s *slice) goes(tx store.Tx, p store.Parcel, i int, line []byte) (goes bool, err error) {
	// spec: INT-4
	goes = s.belongs(line)
	if !goes {
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
	version := int64(0)
	if v := o.Version(); v != "" {
		version = v.Time().UnixMicro()
	}
	return s.stands(tx, p, o.ID, version)
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
	_, err = each(tx, s.c.hasher().term(byID, string(o.ID)), func(f store.Found) (bool, error) {
		if slices.Contains(s.earlier.all, f.Parcel) {
			found, err = s.went(tx, f, p)
		}
		return !found, err
	})
	return found, err
}

// stands tells of a line of which others know more whether it goes all the same.
func (s *slice) stands(tx store.Tx, p store.Parcel, id stix.ID, version int64) (bool, error) {
	first, stale := true, false
	ours := false // an earlier line of the same source belongs: it was the first, or was not
	_, err := each(tx, s.c.hasher().term(byID, string(id)), func(f store.Found) (bool, error) {
		q, err := tx.Parcel(f.Parcel)
		if err != nil || q.No == p.No {
			return true, gone(err)
		}
		before := q.No < p.No
		switch {
		case q.Thread != p.Thread && before && !ours && !s.own:
			other, err := s.went(tx, f, q)
			first = first && !other
			return first, err
		case q.Thread == p.Thread && f.Version > version && (before || q.Class != p.Class):
			later, err := s.went(tx, f, q)
			stale, ours = stale || !later, ours || before && later
			return !stale, err
		case q.Thread == p.Thread && before && !ours:
			ours, err = s.went(tx, f, q)
			return true, err
		}
		return true, nil
	})
	return first && !stale, err
}

// went tells whether a line that was found belongs to the feed by what it says, and may go there.
func (s *slice) went(tx store.Tx, f store.Found, q store.Parcel) (bool, error) {
	if q.No != f.Parcel {
		var err error
		if q, err = tx.Parcel(f.Parcel); err != nil {
			return false, gone(err)
		}
	}
	if q.Hidden.Has(f.Line) {
		return false, nil
	}
	id := statementOf(q)
	may, known := s.passes[id]
	if !known {
		row, err := tx.Statement(id)
		if err != nil {
			return false, err
		}
		h, err := headOf(tx, id)
		if err != nil {
			return false, err
		}
		if may = row.Void == "" && s.feed.takes(h); may {
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
	}
	if !may {
		return false, nil
	}
	line, err := s.c.line(tx, q.Content, f.Offset)
	if err != nil {
		return false, gone(err)
	}
	return s.belongs(line), nil
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
