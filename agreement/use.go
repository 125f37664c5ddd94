package agreement

import (
	"slices"
	"strconv"
	"strings"

	"github.com/go-json-experiment/json/jsontext"

	"github.com/comity-exchange/comity/statement"
)

// Onward says to whom a recipient may pass on what it got under an agreement.
type Onward string

// The degrees, from the narrowest.
const (
	OnwardNone    Onward = "none"    // to nobody
	OnwardParties Onward = "parties" // to other parties of the agreement
	OnwardAsk     Onward = "ask"     // to whom the author says, when asked
	OnwardFree    Onward = "free"    // as the marking allows
)

// Proceedings says whether what was got may serve in judicial proceedings.
type Proceedings string

// The answers.
const (
	ProceedingsNo         Proceedings = "no"
	ProceedingsPermission Proceedings = "permission" // with the author's permission
	ProceedingsYes        Proceedings = "yes"
)

// Use is what a recipient may do with what it got, and the articles that say so. A member is empty where the agreement does not say.
type Use struct {
	Onward      Onward      `json:"onward,omitzero"`
	Proceedings Proceedings `json:"proceedings,omitzero"`
	Retention   int64       `json:"retention,omitzero"` // seconds from the head's time, where its marking names no date

	OnwardBy      string `json:"onward_by,omitzero"`
	ProceedingsBy string `json:"proceedings_by,omitzero"`
	RetentionBy   string `json:"retention_by,omitzero"`
}

// use is what one article says, and of which kinds: nil is every kind.
type use struct {
	*Article
	kinds []KindPattern
}

// uses are the articles that say anything of use: those that name kinds first, since they go before those of every kind.
func (d *Document) uses() []use {
	// spec: AGR-2
	var named, general []use
	for i := range d.Articles {
		a := &d.Articles[i]
		if a.Onward == nil && a.Proceedings == nil && a.Retention == nil {
			continue
		}
		u := use{Article: a, kinds: a.permitted()}
		if u.kinds == nil {
			general = append(general, u)
		} else {
			named = append(named, u)
		}
	}
	return append(named, general...)
}

// permitted are the kinds that the article's permitting rules name; nil: every kind.
func (a *Article) permitted() []KindPattern {
	var kinds []KindPattern
	for i := range a.Rules {
		switch r := &a.Rules[i]; {
		case r.Effect != Permit:
		case r.Kinds == nil:
			return nil
		default:
			kinds = append(kinds, r.Kinds...)
		}
	}
	return kinds
}

func (u *use) speaksOf(kind statement.Kind) bool {
	return u.kinds == nil || slices.ContainsFunc(u.kinds, func(k KindPattern) bool { return k.Matches(kind) })
}

// Use says what a recipient may do with statements of a kind.
func (p *Policy) Use(kind statement.Kind) Use {
	// spec: AGR-2
	var out Use
	for i := range p.uses {
		u := &p.uses[i]
		if !u.speaksOf(kind) {
			continue
		}
		if out.OnwardBy == "" && u.Onward != nil {
			out.Onward, out.OnwardBy = *u.Onward, u.Number
		}
		if out.ProceedingsBy == "" && u.Proceedings != nil {
			out.Proceedings, out.ProceedingsBy = *u.Proceedings, u.Number
		}
		if out.RetentionBy == "" && u.Retention != nil {
			out.Retention, out.RetentionBy = *u.Retention, u.Number
		}
	}
	return out
}

// checkUse holds what one article says of use against its bounds.
func (a *Article) checkUse() (member, why string) {
	// spec: AGR-2
	switch {
	case a.Onward != nil && !slices.Contains([]Onward{OnwardNone, OnwardParties, OnwardAsk, OnwardFree}, *a.Onward):
		return "onward", form["onward"]
	case a.Proceedings != nil && !slices.Contains([]Proceedings{ProceedingsNo, ProceedingsPermission, ProceedingsYes}, *a.Proceedings):
		return "proceedings", form["proceedings"]
	case a.Retention != nil && (*a.Retention < 1 || *a.Retention > MaxKept):
		return "retention", form["retention"]
	}
	return "", ""
}

// disagreements adds articles that say something else of the use of the same kinds than an earlier one.
func (d *Document) disagreements(all *problems) {
	// spec: AGR-2
	uses := d.uses()
	for _, m := range []struct {
		name  string
		value func(*use) string
	}{
		{"onward", func(u *use) string { return word(u.Onward) }},
		{"proceedings", func(u *use) string { return word(u.Proceedings) }},
		{"retention", func(u *use) string {
			if u.Retention == nil {
				return ""
			}
			return strconv.FormatInt(*u.Retention, 10)
		}},
	} {
		s := sayings{exact: map[KindPattern]saying{}, desks: map[string][]saying{}}
		for i := range uses {
			u, v := &uses[i], m.value(&uses[i])
			if v == "" {
				continue
			}
			if other := s.clash(u, v); other != "" {
				n := slices.IndexFunc(d.Articles, func(a Article) bool { return a.Number == u.Number })
				all.add("AGR-2", jsontext.Pointer("/articles").AppendToken(itoa(n)).AppendToken(m.name), "differs from that of article "+other+" for the same kinds")
			}
		}
	}
}

func word[T ~string](v *T) string {
	if v == nil {
		return ""
	}
	return string(*v)
}

// saying is what an article says of one member.
type saying struct{ value, article string }

// sayings are what articles have said of one member so far: of every kind, of single kinds and of whole desks under the kind, and of each
// desk at most two different ones of any of its kinds, which is enough to tell whether a third differs.
type sayings struct {
	every saying
	exact map[KindPattern]saying
	desks map[string][]saying
}

// clash gives the article that has said something else of the same kinds, and takes down what is said now.
func (s *sayings) clash(u *use, value string) (other string) {
	now := saying{value, u.Number}
	against := func(before saying) {
		if before.article != "" && before.value != value && before.article != u.Number && other == "" {
			other = before.article
		}
	}
	if u.kinds == nil {
		against(s.every)
		s.every = now
		return other
	}
	for _, k := range u.kinds {
		desk, _, _ := strings.Cut(string(k), ".")
		if k.Desk() != "" {
			for _, before := range s.desks[desk] {
				against(before)
			}
		}
		against(s.exact[k])
		against(s.exact[k.whole()])
		s.exact[k] = now
		if said := s.desks[desk]; len(said) < 2 && !slices.ContainsFunc(said, func(b saying) bool { return b.value == value }) {
			s.desks[desk] = append(said, now)
		}
	}
	return other
}
