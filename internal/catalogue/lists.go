package catalogue

import (
	"errors"
	"io"
	"iter"
	"strings"
	"time"

	"github.com/comity-exchange/comity/fault"
	"github.com/comity-exchange/comity/match"
	"github.com/comity-exchange/comity/stix"
	"github.com/comity-exchange/comity/thread"
)

// FromList reads a plain list of indicators, or a CSV one (match.ReadList), as STIX: an indicator for each line that is one, and for each other line why it is none. The same value in the same
// source has the same id and version every time, so that a list that is imported again brings only what is new in it; a line that is revoked is a second version.
func FromList(r io.Reader, csv bool, source thread.ID, opened stix.Timestamp) iter.Seq2[stix.Item, error] {
	namespace := [16]byte(source[:16])
	return func(yield func(stix.Item, error) bool) {
		_, err := match.ReadList(r, csv, func(l match.Listed) error {
			item := stix.Item{Index: l.Line - 1, Err: l.Err}
			if l.Err == nil {
				item.Object, item.Err = listed(l, namespace, opened)
			}
			if !yield(item, nil) {
				return errEnough
			}
			return nil
		})
		if err != nil && !errors.Is(err, errEnough) {
			yield(stix.Item{}, err)
		}
	}
}

// errEnough ends a list that nobody wants more of.
var errEnough = errors.New("enough")

func listed(l match.Listed, namespace [16]byte, opened stix.Timestamp) (*stix.Object, error) {
	pattern := l.Pattern()
	i := stix.Indicator{
		Common: stix.Common{ID: stix.DeriveID("indicator", namespace, []byte(pattern)), Created: opened, Revoked: l.Revoked},
		Name:   l.Text, Pattern: pattern, ValidFrom: opened,
	}
	if !l.From.IsZero() {
		i.ValidFrom = stix.At(l.From)
	}
	if !l.Until.IsZero() {
		i.ValidUntil = stix.At(l.Until)
		if l.From.IsZero() && !opened.Time().Before(l.Until) {
			i.ValidFrom = "1970-01-01T00:00:00.000Z" // it had ended before it came here, and must have begun before that (STIX 2.1, 4.7)
		}
	}
	if l.Revoked {
		i.Modified = stix.At(opened.Time().Add(time.Millisecond))
	}
	o, err := i.Object()
	if err != nil { // it says a byte of the object that was to be made, which whoever wrote the list has never seen
		why := fault.Show(err)
		if _, rest, ok := strings.Cut(why, ": "); ok && strings.HasPrefix(why, "at byte ") {
			why = rest
		}
		return nil, fault.Wrap(err, fault.CodeOf(err), "", "line %d: %s", l.Line, why)
	}
	return o, nil
}
