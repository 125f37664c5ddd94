package office

import "github.com/comity-exchange/comity/thread"

// The statuses: of an officer, then of a draft.
const (
	Enrolled = "enrolled"
	Disabled = "disabled"

	Submitted = "submitted"
	Editing   = "editing"
	Returned  = "returned"
	Approved  = "approved"
	Released  = "released"
	Dropped   = "dropped"
)

// summary asks nothing of anybody outside.
func (st *state) summary() thread.Summary {
	return thread.Summary{Status: st.Status, Closed: true}
}
