package credence

import (
	"github.com/comity-exchange/comity/party"
	"github.com/comity-exchange/comity/statement"
	"github.com/comity-exchange/comity/thread"
)

// What can be said.
const (
	KindOffice   statement.Kind = "credence.office"
	KindWithdraw statement.Kind = "credence.withdraw-office"
)

func kinds() []thread.KindSpec {
	return []thread.KindSpec{
		{Kind: KindOffice, Rank: 50, Opens: true, Facts: party.OfficeFacts{}, Label: "introduce an office",
			Means: "Vouches for the letter of an office of the author: whoever trusts the author's log needs no words for it."},
		{Kind: KindWithdraw, Rank: 50, Opens: true, Facts: party.WithdrawOfficeFacts{}, Label: "withdraw an office",
			Means: "The author no longer vouches for the office."},
	}
}
