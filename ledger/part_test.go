package ledger

import (
	"bytes"
	"encoding/csv"
	"slices"
	"testing"
	"time"

	"github.com/comity-exchange/comity/party"
	"github.com/comity-exchange/comity/statement"
)

func TestUnder(t *testing.T) {
	t.Parallel()
	// spec: LED-6
	l := &Ledger{Parties: [2]party.Code{"XA", "XB"}, Entries: []Entry{
		{Asker: "XA", Agreement: statement.ID{1}, Outcome: "granted"},
		{Asker: "XB", Agreement: statement.ID{1}, Outcome: "refused"},
		{Asker: "XA", Agreement: statement.ID{2}, Outcome: "refused"},
		{Asker: "XA", Agreement: statement.ID{2}, Outcome: "granted", Exercise: true},
	}}
	for agreement, want := range map[statement.ID][4]int{{}: {4, 2, 1, 1}, {1}: {2, 1, 1, 0}, {2}: {2, 1, 0, 1}, {3}: {0, 0, 0, 0}} {
		p := l.Under(agreement)
		if got := [4]int{len(p.Entries), p.Totals[0].Asked, p.Totals[1].Asked, p.Totals[0].Refused}; got != want || p.Totals[1].Asker != "XB" {
			t.Errorf("under %s: %v, want %v", agreement.Short(), got, want)
		}
	}
}

func TestUsed(t *testing.T) {
	t.Parallel()
	// spec: LED-4
	begin := time.Date(2026, 3, 2, 8, 0, 0, 0, time.UTC)
	at := func(h int) statement.Time { return statement.TimeOf(begin.Add(time.Duration(h) * time.Hour)) }
	for name, tt := range map[string]struct {
		e    Entry
		want float64
		ok   bool
	}{
		"half of it":        {Entry{ArrivedAt: at(0), DueAnswer: at(8), AnswerArrivedAt: at(4)}, 0.5, true},
		"late":              {Entry{ArrivedAt: at(0), DueAnswer: at(8), AnswerArrivedAt: at(12)}, 1.5, true},
		"on the dot":        {Entry{ArrivedAt: at(0), DueAnswer: at(8), AnswerArrivedAt: at(8)}, 1, true},
		"nothing due":       {Entry{ArrivedAt: at(0), AnswerArrivedAt: at(8)}, 0, false},
		"no answer":         {Entry{ArrivedAt: at(0), DueAnswer: at(8)}, 0, false},
		"no receipt of it":  {Entry{DueAnswer: at(8), AnswerArrivedAt: at(4)}, 0, false},
		"before it arrived": {Entry{ArrivedAt: at(1), DueAnswer: at(8), AnswerArrivedAt: at(0)}, 0, true},
		"due at once":       {Entry{ArrivedAt: at(1), DueAnswer: at(1), AnswerArrivedAt: at(2)}, 0, false},
	} {
		if got, ok := tt.e.Used(); got != tt.want || ok != tt.ok {
			t.Errorf("%s: %v, %v", name, got, ok)
		}
	}
}

func TestCSV(t *testing.T) {
	t.Parallel()
	kept := true
	p := Part{Entries: []Entry{
		{ID: statement.ID{1}, Asker: "XA", Asked: "XB", Kind: "assist.request", Outcome: "refused", Grounds: []string{"sovereignty", "security"}, Kept: &kept, Exercise: true},
		{Asker: "XB", Asked: "XA", Outcome: `a "word", and more`},
	}}
	raw, err := p.CSV()
	if err != nil {
		t.Fatal(err)
	}
	rows, err := csv.NewReader(bytes.NewReader(raw)).ReadAll() // each row has as many cells as the first
	if err != nil || len(rows) != 3 {
		t.Fatal(rows, err)
	}
	cell := func(row int, name string) string { return rows[row][slices.Index(rows[0], name)] }
	if cell(1, "grounds") != "sovereignty security" || cell(1, "kept") != "true" || cell(1, "exercise") != "true" || cell(1, "agreement") != "" || cell(2, "outcome") != `a "word", and more` || cell(2, "kept") != "" {
		t.Errorf("%s", raw)
	}
}
