package i18n

import (
	"embed"
	"fmt"
	"io/fs"
	"slices"
	"strings"
	_ "time/tzdata" // an officer's time zone is known wherever the node runs

	"github.com/knadh/koanf/parsers/toml/v2"
	"golang.org/x/text/feature/plural"
	"golang.org/x/text/language"

	"github.com/comity-exchange/comity/fault"
)

//go:embed messages/*.toml
var files embed.FS

// Language is one that pages can be shown in.
type Language struct {
	Tag       language.Tag
	Name      string   // as its own speakers call it
	Direction string   // "ltr" or "rtl"
	Lacks     []string // groups of messages that it has in part or not at all: there English is shown

	messages map[string]text
	dates    dates
}

// Code is the language as HTML and cookies name it.
func (l *Language) Code() string { return l.Tag.String() }

// Complete tells whether it lacks nothing that English has.
func (l *Language) Complete() bool { return len(l.Lacks) == 0 }

// Keys lists the messages that the language has itself, sorted.
func (l *Language) Keys() []string {
	out := make([]string, 0, len(l.messages))
	for k := range l.messages {
		out = append(out, k)
	}
	slices.Sort(out)
	return out
}

// text is one message, with {0}, {1}… for what is put in. Where one has no plural forms it has Other alone.
type text struct {
	forms map[plural.Form]string
}

// formNames are the plural forms of CLDR as the files call them.
func formNames() map[string]plural.Form {
	return map[string]plural.Form{
		"zero": plural.Zero, "one": plural.One, "two": plural.Two, "few": plural.Few, "many": plural.Many, "other": plural.Other,
	}
}

// Catalog is all languages. It never changes and is safe for concurrent use.
type Catalog struct {
	languages []*Language // English first, then by code
	matcher   language.Matcher
}

// Load reads the files that come with the program. Error: fault.Malformed, a defect that a test finds.
func Load() (*Catalog, error) { return load(files) }

func load(from fs.FS) (*Catalog, error) {
	names, err := fs.Glob(from, "messages/*.toml")
	if err != nil {
		return nil, fault.Wrap(err, fault.Internal, "", "the files of languages cannot be listed")
	}
	c := &Catalog{}
	for _, name := range names {
		raw, err := fs.ReadFile(from, name)
		if err != nil {
			return nil, fault.Wrap(err, fault.Internal, "", "%s cannot be read", name)
		}
		l, err := parse(strings.TrimSuffix(strings.TrimPrefix(name, "messages/"), ".toml"), raw)
		if err != nil {
			return nil, fault.Wrap(err, fault.Malformed, "", "%s: %v", name, err)
		}
		c.languages = append(c.languages, l)
	}
	slices.SortFunc(c.languages, func(a, b *Language) int {
		switch {
		case a.Tag == language.English:
			return -1
		case b.Tag == language.English:
			return 1
		}
		return strings.Compare(a.Code(), b.Code())
	})
	if len(c.languages) == 0 || c.languages[0].Tag != language.English {
		return nil, fault.New(fault.Malformed, "", "there is no file for English")
	}
	tags := make([]language.Tag, len(c.languages))
	for i, l := range c.languages {
		tags[i] = l.Tag
	}
	c.matcher = language.NewMatcher(tags)
	return c, nil
}

// parse reads one file.
func parse(code string, raw []byte) (*Language, error) {
	tag, err := language.Parse(code)
	if err != nil {
		return nil, fmt.Errorf("its name is no language: %w", err)
	}
	all, err := toml.Parser().Unmarshal(raw)
	if err != nil {
		return nil, err
	}
	l := &Language{Tag: tag, Direction: "ltr", messages: map[string]text{}}
	about, ok := all["language"].(map[string]any)
	if !ok {
		return nil, fmt.Errorf("the table [language] is missing")
	}
	delete(all, "language")
	l.Name, _ = about["name"].(string)
	if d, ok := about["direction"].(string); ok {
		l.Direction = d
	}
	lacks, _ := about["lacks"].([]any)
	for _, group := range lacks {
		l.Lacks = append(l.Lacks, fmt.Sprint(group))
	}
	if l.Name == "" || l.Direction != "ltr" && l.Direction != "rtl" {
		return nil, fmt.Errorf("[language] gives a name, and the direction ltr or rtl")
	}
	if l.dates, err = parseDates(about); err != nil {
		return nil, err
	}
	return l, l.add("", all)
}

// add takes the messages of a table, under the keys that lead to it.
func (l *Language) add(prefix string, table map[string]any) error {
	for name, v := range table {
		key := prefix + name
		switch v := v.(type) {
		case string:
			l.messages[key] = text{map[plural.Form]string{plural.Other: v}}
		case map[string]any:
			if !plurals(v) {
				if err := l.add(key+".", v); err != nil {
					return err
				}
				continue
			}
			m, err := parseForms(v)
			if err != nil {
				return fmt.Errorf("%s: %w", key, err)
			}
			l.messages[key] = m
		default:
			return fmt.Errorf("%s: a text, or plural forms, is wanted", key)
		}
	}
	return nil
}

// plurals tells whether a table is the plural forms of one message.
func plurals(table map[string]any) bool {
	names := formNames()
	for name := range table {
		if _, ok := names[name]; !ok {
			return false
		}
	}
	_, other := table["other"]
	return other
}

func parseForms(v map[string]any) (text, error) {
	m := text{map[plural.Form]string{}}
	names := formNames()
	for name, text := range v {
		form, known := names[name]
		s, ok := text.(string)
		if !known || !ok {
			return m, fmt.Errorf("plural forms are zero, one, two, few, many and other")
		}
		m.forms[form] = s
	}
	return m, nil
}

// Languages lists them, English first.
func (c *Catalog) Languages() []*Language { return slices.Clone(c.languages) }

// Language finds one by its code; nil where there is none.
func (c *Catalog) Language(code string) *Language {
	for _, l := range c.languages {
		if l.Code() == code {
			return l
		}
	}
	return nil
}

// Match is the language that fits best, from lists in the form of Accept-Language, the most wanted first. English where nothing fits.
func (c *Catalog) Match(wanted ...string) *Language {
	for _, w := range wanted {
		tags, _, err := language.ParseAcceptLanguage(w)
		if err != nil || len(tags) == 0 {
			continue
		}
		if _, i, how := c.matcher.Match(tags...); how != language.No {
			return c.languages[i]
		}
	}
	return c.languages[0]
}
