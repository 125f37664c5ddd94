package instrument

import "github.com/comity-exchange/comity/thread"

// The statuses.
const (
	OpenForSignature = "open-for-signature"
	StatusInForce    = "in-force"
)

// summary asks nothing of anybody: nobody owes a signature.
func (st *state) summary() thread.Summary {
	if st.InForce.IsZero() {
		return thread.Summary{Status: OpenForSignature}
	}
	return thread.Summary{Status: StatusInForce, Closed: true}
}
