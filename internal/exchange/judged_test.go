package exchange

import (
	"slices"
	"testing"

	"github.com/comity-exchange/comity/internal/store"
	"github.com/comity-exchange/comity/statement"
)

// judging is a store of one statement that notes what is taken into the catalogue anew.
type judging struct {
	store.Tx
	s    store.Statement
	anew []statement.ID
}

func (j *judging) Statement(statement.ID) (store.Statement, error) { return j.s, nil }

func (j *judging) UpdateStatement(s store.Statement) error { j.s = s; return nil }

func (j *judging) Recatalogue(id statement.ID) error { j.anew = append(j.anew, id); return nil }

// TestWhatBecomesVoidIsTakenAnew: what a statement brought comes into the catalogue anew when it stops to count, or begins to; not when it is only folded again.
func TestWhatBecomesVoidIsTakenAnew(t *testing.T) {
	t.Parallel()
	// spec: INT-9, THR-7
	id := statement.ID{7}
	j := &judging{s: store.Statement{ID: id}}
	b := &batch{tx: j}
	for _, c := range []struct {
		void string
		anew bool
	}{{"", false}, {"", false}, {"not-admissible", true}, {"not-admissible", false}, {"bad-facts", true}, {"", true}} {
		j.anew = nil
		if err := b.mark(id, c.void); err != nil {
			t.Fatal(err)
		}
		if !j.s.Folded || j.s.Void != c.void || slices.Equal(j.anew, []statement.ID{id}) != c.anew {
			t.Errorf("%q: %+v, %v", c.void, j.s, j.anew)
		}
	}
}
