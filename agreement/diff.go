package agreement

import (
	"bytes"
	"maps"
	"slices"

	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"

	"github.com/comity-exchange/comity/statement"
)

// Changes is what one text of an agreement says otherwise than another, article by article. It is for people: nothing is decided by it.
type Changes struct {
	Before   statement.Digest `json:"before"`
	After    statement.Digest `json:"after"`
	Document []Change         `json:"document,omitempty"` // members beside the articles
	Articles []ArticleChange  `json:"articles,omitempty"` // those that changed, in the order of the text after, then those that are gone
}

// What became of an article.
type What string

// An article that is new, gone, has another number and nothing else, or has changed (and may have another number, too).
const (
	Added      What = "new"
	Removed    What = "gone"
	Renumbered What = "renumbered"
	Changed    What = "changed"
)

// ArticleChange is what became of one article. Number is that of the text after, or of the text before where it is gone.
type ArticleChange struct {
	What    What     `json:"what"`
	Number  string   `json:"number"`
	Was     string   `json:"was,omitzero"` // its number before, where that was another
	Title   Text     `json:"title"`
	Changes []Change `json:"changes,omitempty"` // of a new or gone article: all that it says
}

// Change is one member that differs: words of a text in one language, or values before and after, of which one may be absent. A member inside
// others is named like "rules[0].tlp_max", by its place in the text after, or before where it is gone.
type Change struct {
	Member   string         `json:"member"`
	Language string         `json:"language,omitzero"`
	Words    []Span         `json:"words,omitempty"`
	Before   jsontext.Value `json:"before,omitzero"`
	After    jsontext.Value `json:"after,omitzero"`
}

// Diff compares two texts. Either may be nil: then all of the other is new, or gone.
func Diff(before, after *Document) Changes {
	if before == nil {
		before = &Document{}
	}
	if after == nil {
		after = &Document{}
	}
	c := Changes{Before: before.Digest, After: after.Digest}
	c.Document = compare("", before.members(), after.members())
	pairs := match(before.Articles, after.Articles)
	for i := range after.Articles {
		a, j := &after.Articles[i], pairs[i]
		one := ArticleChange{What: Changed, Number: a.Number, Title: a.Title}
		switch {
		case j < 0:
			one.What, one.Changes = Added, compare("", nil, a.members())
		default:
			b := &before.Articles[j]
			if one.Changes = compare("", b.members(), a.members()); b.Number != a.Number {
				one.Was = b.Number
			}
			if len(one.Changes) == 0 {
				one.What = Renumbered
				if one.Was == "" {
					continue
				}
			}
		}
		c.Articles = append(c.Articles, one)
	}
	for j := range before.Articles {
		if b := &before.Articles[j]; !slices.Contains(pairs, j) {
			c.Articles = append(c.Articles, ArticleChange{What: Removed, Number: b.Number, Title: b.Title, Changes: compare("", b.members(), nil)})
		}
	}
	return c
}

// Empty tells whether nothing differs but, perhaps, the way it is written.
func (c *Changes) Empty() bool { return len(c.Document) == 0 && len(c.Articles) == 0 }

// match finds for each article after the one before that it was: first the same under the same number, then the same under another, then one
// of the same title, then one of the same number. -1: it is new.
func match(before, after []Article) []int {
	pairs := slices.Repeat([]int{-1}, len(after))
	taken := make([]bool, len(before))
	bodies := func(list []Article) []string {
		out := make([]string, len(list))
		for i := range list {
			a := list[i]
			a.Number = ""
			out[i] = string(written(a))
		}
		return out
	}
	was, is := bodies(before), bodies(after)
	for _, same := range []func(i, j int) bool{
		func(i, j int) bool { return is[i] == was[j] && after[i].Number == before[j].Number },
		func(i, j int) bool { return is[i] == was[j] },
		func(i, j int) bool {
			return maps.Equal(after[i].Title, before[j].Title) && after[i].Number == before[j].Number
		},
		func(i, j int) bool { return maps.Equal(after[i].Title, before[j].Title) },
		func(i, j int) bool { return after[i].Number == before[j].Number },
	} {
		for i := range after {
			for j := range before {
				if pairs[i] < 0 && !taken[j] && same(i, j) {
					pairs[i], taken[j] = j, true
				}
			}
		}
	}
	return pairs
}

// written is a value's JSON, the same for the same value. What cannot be written, which no document that Parse took has, is null.
func written(v any) jsontext.Value {
	raw, err := json.Marshal(v, json.Deterministic(true))
	if err != nil {
		return jsontext.Value("null")
	}
	return raw
}

// parts are the members of an object; nil for what is none.
func parts(v jsontext.Value) (out map[string]jsontext.Value) {
	if json.Unmarshal(v, &out) != nil {
		return nil
	}
	return out
}

func (d *Document) members() map[string]jsontext.Value {
	m := parts(written(d))
	delete(m, "articles")
	if d.V == 0 {
		return nil
	}
	return m
}

func (a *Article) members() map[string]jsontext.Value {
	m := parts(written(a))
	delete(m, "number")
	return m
}

// order is that in which members are shown; what is not in it comes between.
var order = []string{"title", "text", "definitions", "groups", "rules", "clocks", "grounds"}

// compare lists the members that differ.
func compare(within string, before, after map[string]jsontext.Value) (out []Change) {
	names := slices.Collect(maps.Keys(before))
	for name := range after {
		if before[name] == nil {
			names = append(names, name)
		}
	}
	slices.SortFunc(names, func(a, b string) int {
		if i, j := slices.Index(order, a), slices.Index(order, b); i >= 0 && j >= 0 {
			return i - j
		} else if i >= 0 || j >= 0 {
			return j - i // what has a place comes first
		}
		return bytes.Compare([]byte(a), []byte(b))
	})
	for _, name := range names {
		b, a := before[name], after[name]
		if bytes.Equal(b, a) {
			continue
		}
		switch path := within + name; name {
		case "title", "text":
			out = append(out, texts(path, b, a)...)
		case "definitions":
			for _, term := range sortedKeys(both(parts(b), parts(a))) {
				out = append(out, texts(path+"."+term, parts(b)[term], parts(a)[term])...)
			}
		case "groups", "clocks":
			out = append(out, compare(path+".", parts(b), parts(a))...)
		case "rules":
			out = append(out, rules(b, a)...)
		default:
			out = append(out, Change{Member: path, Before: b, After: a})
		}
	}
	return out
}

func both(a, b map[string]jsontext.Value) map[string]jsontext.Value {
	out := map[string]jsontext.Value{}
	maps.Copy(out, a)
	maps.Copy(out, b)
	return out
}

// texts lists the languages whose words differ.
func texts(member string, before, after jsontext.Value) (out []Change) {
	was, is := Text{}, Text{}
	// What is absent has no language.
	_, _ = json.Unmarshal(before, &was), json.Unmarshal(after, &is)
	for _, language := range slices.Sorted(maps.Keys(both(parts(before), parts(after)))) {
		if was[language] != is[language] {
			out = append(out, Change{Member: member, Language: language, Words: reword(was[language], is[language])})
		}
	}
	return out
}

// rules compares two lists in which order has no meaning: the same ones are left out, and what remains is compared one by one.
func rules(before, after jsontext.Value) (out []Change) {
	was, is := elements(before), elements(after)
	rest := func(list, other []jsontext.Value) (left []int) {
		pool := slices.Clone(other)
		for i, r := range list {
			if j := slices.IndexFunc(pool, func(o jsontext.Value) bool { return bytes.Equal(o, r) }); j >= 0 {
				pool = slices.Delete(pool, j, j+1)
			} else {
				left = append(left, i)
			}
		}
		return left
	}
	gone, made := rest(was, is), rest(is, was)
	for n := range max(len(gone), len(made)) {
		switch {
		case n >= len(gone):
			out = append(out, Change{Member: "rules[" + itoa(made[n]) + "]", After: is[made[n]]})
		case n >= len(made):
			out = append(out, Change{Member: "rules[" + itoa(gone[n]) + "]", Before: was[gone[n]]})
		default:
			out = append(out, compare("rules["+itoa(made[n])+"].", parts(was[gone[n]]), parts(is[made[n]]))...)
		}
	}
	return out
}

func elements(v jsontext.Value) (out []jsontext.Value) {
	if json.Unmarshal(v, &out) != nil {
		return nil
	}
	return out
}
