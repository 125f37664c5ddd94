package node

import (
	"github.com/comity-exchange/comity/desk/assist"
	"github.com/comity-exchange/comity/desk/credence"
	"github.com/comity-exchange/comity/desk/instrument"
	"github.com/comity-exchange/comity/desk/intel"
	"github.com/comity-exchange/comity/desk/office"
	"github.com/comity-exchange/comity/desk/recall"
	"github.com/comity-exchange/comity/thread"
)

// Desks is every desk of the node. Adding one is a folder and a line here.
func Desks() []thread.Desk {
	return []thread.Desk{
		assist.Desk{},
		instrument.Desk{},
		credence.Desk{},
		recall.Desk{},
		intel.Desk{},
		office.Desk{},
	}
}
