package ledger

import (
	"cmp"
	"slices"

	"github.com/comity-exchange/comity/party"
	"github.com/comity-exchange/comity/statement"
)

// Held is a head that one side has for a ledger, and where it stands.
type Held struct {
	Origin party.Origin
	Index  int64
	ID     statement.ID
}

// Difference is a head that one side has and the other lacks.
type Difference struct {
	Held
	Ours bool // we have it, they lack it; else the other way
}

// FirstDifference finds where two sides of a ledger whose first party is a part: the first head, by log a, then the other, then
// index, that one of them lacks. ok is false when both hold the same. The order of the lists does not matter; they are not changed.
func FirstDifference(a party.Code, ours, theirs []Held) (d Difference, ok bool) {
	// spec: LED-7
	order := func(x, y Held) int {
		return cmp.Or(logFirst(a, x.Origin)-logFirst(a, y.Origin), cmp.Compare(x.Origin.Code(), y.Origin.Code()),
			cmp.Compare(x.Origin.Serial(), y.Origin.Serial()), cmp.Compare(x.Index, y.Index), x.ID.Compare(y.ID))
	}
	x := slices.Compact(slices.SortedFunc(slices.Values(ours), order))
	y := slices.Compact(slices.SortedFunc(slices.Values(theirs), order))
	for len(x) > 0 && len(y) > 0 && x[0] == y[0] {
		x, y = x[1:], y[1:]
	}
	switch {
	case len(x) == 0 && len(y) == 0:
		return Difference{}, false
	case len(y) == 0 || len(x) > 0 && order(x[0], y[0]) < 0:
		return Difference{x[0], true}, true
	}
	return Difference{y[0], false}, true
}

func logFirst(a party.Code, o party.Origin) int {
	if o.Code() == a {
		return 0
	}
	return 1
}
