package instrument

import (
	"slices"

	"github.com/comity-exchange/comity/fault"
	"github.com/comity-exchange/comity/party"
	"github.com/comity-exchange/comity/statement"
	"github.com/comity-exchange/comity/thread"
)

// What can be said.
const (
	KindDeposit statement.Kind = "instrument.deposit"
	KindSign    statement.Kind = "instrument.sign"
)

func kinds() []thread.KindSpec {
	// spec: AGR-7
	return []thread.KindSpec{
		{Kind: KindDeposit, Rank: 50, Opens: true, Facts: Deposit{}, Body: Document{}, Label: "deposit an agreement",
			Means: "Puts a text before all its parties for signature; the depositor signs like the others."},
		{Kind: KindSign, Rank: 50, Facts: Sign{}, Label: "sign",
			Means: "Binds the party to the text; it is in force once all have signed."},
	}
}

// Bounds of AGR-1.
const (
	MinParties = 2
	MaxParties = 64
)

// Deposit is the facts of instrument.deposit.
type Deposit struct {
	Digest  statement.Digest `json:"digest"` // of the document
	Parties []party.Code     `json:"parties"`
}

// Check wants the parties to be the author and those whom the head goes to, each once.
func (f Deposit) Check(h *statement.Head) error {
	// spec: AGR-7
	signers := slices.Sorted(slices.Values(f.Parties))
	present := slices.Sorted(slices.Values(append(slices.Clone(h.To), h.From)))
	switch {
	case f.Digest.IsZero():
		return fault.New(fault.Malformed, "AGR-7", "a deposit names the digest of its document")
	case len(signers) < MinParties || len(signers) > MaxParties:
		return fault.New(fault.Malformed, "AGR-7", "an agreement has 2 to 64 parties")
	case !slices.Equal(signers, present):
		return fault.New(fault.Malformed, "AGR-7", "a deposit goes to all other parties of its document and to nobody else")
	}
	return nil
}

// Document is what the body of instrument.deposit has: the agreement's text as it is signed.
type Document struct {
	Document string `json:"document"`
}

// Sign is the facts of instrument.sign.
type Sign struct {
	Digest statement.Digest `json:"digest"` // of the document
}
