package credence

import "github.com/comity-exchange/comity/thread"

// The statuses.
const (
	Introduced = "introduced"
	Withdrawn  = "withdrawn"
)

// summary asks nothing of anybody.
func (st *state) summary() thread.Summary {
	if st.Withdrawn {
		return thread.Summary{Status: Withdrawn, Closed: true}
	}
	return thread.Summary{Status: Introduced, Closed: true}
}
