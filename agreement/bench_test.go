package agreement

import (
	"fmt"
	"strings"
	"testing"

	"github.com/comity-exchange/comity/marking"
	"github.com/comity-exchange/comity/party"
	"github.com/comity-exchange/comity/statement"
)

// fiftyDocument is an agreement of 50 articles with a rule each, all of which are about the kind that is asked, so that no index helps:
// every fifth forbids, and three permit what is asked.
func fiftyDocument() []byte {
	var b strings.Builder
	b.WriteString(`{"v":1,"title":{"en":"Fifty"},"parties":["XA","XB"],"languages":["en"],"in_force":{"when":"all"},"articles":[`)
	for i := range 50 {
		if i > 0 {
			b.WriteByte(',')
		}
		rule := fmt.Sprintf(`{"effect":"permit","kinds":["assist.*"],"from":["XA.*","XB"],"tlp_max":"AMBER","purposes":["purpose-%d","recovery"],"body_max":%d}`, i, 100*i)
		switch {
		case i%5 == 4:
			rule = `{"effect":"forbid","kinds":["assist.*","intel.*"],"personal_data":"allowed","tracks":["leadership"]}`
		case i%20 == 10 || i == 45:
			rule = strings.Replace(rule, "recovery", "incident-response", 1)
		}
		fmt.Fprintf(&b, `{"number":"%d","title":{"en":"t"},"text":{"en":"t"},"rules":[%s]}`, i+1, rule)
	}
	b.WriteString("]}")
	return []byte(b.String())
}

func must[T any](v T, err error) T {
	if err != nil {
		panic(err)
	}
	return v
}

func asking() Question {
	return Question{
		From: "XA", To: []party.Code{"XB"}, Kind: "assist.request", Marking: marking.Marking{TLP: marking.Amber, Handling: []string{"H1"}},
		Track: statement.Technical, Precedence: statement.Immediate, Time: must(statement.ParseTime("2026-11-21T08:00:00.000Z")),
		Role: "duty-officer", BodyBytes: 700, Purpose: "incident-response", Type: "information",
	}
}

// BenchmarkDecide50 is the budget's: at most 20 µs. New is a question that was not asked before.
func BenchmarkDecide50(b *testing.B) {
	p := must(Compile(must(Parse(fiftyDocument()))))
	b.Run("new", func(b *testing.B) {
		q := asking()
		b.ReportAllocs()
		for b.Loop() {
			clear(p.memo.seen)
			if !p.Decide(q).Permitted {
				b.Fatal("denied")
			}
		}
	})
	b.Run("seen", func(b *testing.B) {
		q := asking()
		b.ReportAllocs()
		for b.Loop() {
			if !p.Decide(q).Permitted {
				b.Fatal("denied")
			}
		}
	})
	b.Run("denied", func(b *testing.B) {
		q := asking()
		q.Marking.TLP = marking.Red
		b.ReportAllocs()
		for b.Loop() {
			if p.Decide(q).Permitted {
				b.Fatal("permitted")
			}
		}
	})
}

func BenchmarkCharter(b *testing.B) {
	p := Charter()
	q := asking()
	q.Kind = "receipt.delivered"
	b.ReportAllocs()
	for b.Loop() {
		if !p.Decide(q).Permitted {
			b.Fatal("denied")
		}
	}
}

func BenchmarkCompile50(b *testing.B) {
	d := must(Parse(fiftyDocument()))
	for b.Loop() {
		if _, err := Compile(d); err != nil {
			b.Fatal(err)
		}
	}
}
