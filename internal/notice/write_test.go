package notice

import (
	"os"
	"path/filepath"
	"testing"

	"github.com/comity-exchange/comity/internal/i18n"
	"github.com/comity-exchange/comity/statement"
)

func printer(t testing.TB, language string) *i18n.Printer {
	t.Helper()
	c, err := i18n.Load()
	if err != nil {
		t.Fatal(err)
	}
	return c.Printer(c.Language(language), nil)
}

func everything() Notice {
	return Notice{ID: "N1", Made: moment(0), Lines: []Line{
		{Kind: Fork, Count: 1},
		{Kind: Approval, Desk: "assist", Count: 1, Precedence: statement.Routine},
		{Kind: Arrived, Desk: "assist", Count: 2, Precedence: statement.Flash, TLP: "GREEN", Party: "XB"},
		{Kind: Arrived, Desk: "instrument", Count: 1, Precedence: statement.Routine},
		{Kind: Recall, Desk: "recall", Count: 1, Precedence: statement.Immediate, TLP: "AMBER"},
		{Kind: Due, Desk: "assist", Count: 5, Precedence: statement.Priority},
		{Kind: Overdue, Desk: "assist", Count: 1, Precedence: statement.Routine},
	}}
}

// TestWrite holds letters to the files of testdata, which are to be read aloud.
func TestWrite(t *testing.T) {
	t.Parallel()
	one := Notice{ID: "N2", Made: moment(0), Lines: []Line{{Kind: Fork, Count: 1}}}
	test := Notice{ID: "N3", Made: moment(0), Lines: []Line{{Kind: Test, Count: 1}}}
	for _, language := range []string{"en", "ru"} {
		p := printer(t, language)
		got := ""
		for _, l := range []Letter{
			Write(everything(), "XA", "https://desk.xa.example", p), Write(one, "XA", "", p), Write(test, "XA", "https://desk.xa.example", p),
		} {
			got += "Subject: " + l.Subject + "\n\n" + l.Text + "\n---\n"
		}
		name := filepath.Join("testdata", "letters."+language+".txt")
		if os.Getenv("COMITY_WRITE_LETTERS") != "" {
			if err := os.WriteFile(name, []byte(got), 0o644); err != nil {
				t.Fatal(err)
			}
		}
		want, err := os.ReadFile(name)
		if err != nil || got != string(want) {
			t.Errorf("%s is not what is written now (%v); COMITY_WRITE_LETTERS=1 writes it:\n%s", name, err, got)
		}
	}
}
