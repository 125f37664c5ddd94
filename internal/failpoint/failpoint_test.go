package failpoint_test

import (
	"slices"
	"testing"

	"github.com/comity-exchange/comity/internal/delivery"
	"github.com/comity-exchange/comity/internal/exchange"
	"github.com/comity-exchange/comity/internal/failpoint"
	"github.com/comity-exchange/comity/internal/journal"
)

func TestAt(t *testing.T) {
	t.Parallel()
	failpoint.Func(nil).At("nobody listens")
	var told []string
	failpoint.Func(func(point string) { told = append(told, point) }).At("here")
	if !slices.Equal(told, []string{"here"}) {
		t.Errorf("told %q", told)
	}
}

// A name that stands for two moments would let a test believe that it has been at both.
func TestPointsAreDistinct(t *testing.T) {
	t.Parallel()
	seen := map[string]bool{}
	for _, p := range slices.Concat(exchange.Points(), journal.Points(), delivery.Points()) {
		if p == "" || seen[p] {
			t.Errorf("the point %q stands twice", p)
		}
		seen[p] = true
	}
}
