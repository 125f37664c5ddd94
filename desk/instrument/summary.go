package instrument

import (
	"time"

	"github.com/comity-exchange/comity/thread"
)

// seconds is a number of seconds as a span.
func seconds(n int64) time.Duration { return time.Duration(n) * time.Second }

// summary asks nothing of anybody but the chair, who closes a silence: nobody owes a signature.
func (st *state) summary() thread.Summary {
	stage := st.stage()
	s := thread.Summary{Status: string(stage), Closed: stage == StatusInForce || stage == Terminated}
	if stage == UnderSilence {
		s.Clocks = []thread.Clock{{Name: "silence", Owes: st.Chair, Of: st.Silence.ID, Until: st.Silence.Expires}}
	}
	return s
}
