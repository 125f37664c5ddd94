package i18n

import (
	"regexp"
	"slices"
	"strings"
	"testing"
	"testing/fstest"
	"time"

	"golang.org/x/text/feature/plural"
)

func catalog(t *testing.T) *Catalog {
	t.Helper()
	c, err := Load()
	if err != nil {
		t.Fatal(err)
	}
	return c
}

// ofKind tells messages that translate what the desks say in English: English has none of them, and a test of the pages holds them against the desks.
func ofKind(key string) bool { return strings.HasPrefix(key, "kind.") }

// TestComplete holds every language to what English has, no more, and no less but in the groups that it says it lacks.
func TestComplete(t *testing.T) {
	t.Parallel()
	c := catalog(t)
	english := c.Language("en")
	if !english.Complete() || !c.Language("ru").Complete() {
		t.Error("English and Russian are complete languages")
	}
	if len(english.Keys()) < 300 {
		t.Errorf("English has %d messages", len(english.Keys()))
	}
	for _, l := range c.Languages() {
		for _, key := range english.Keys() {
			group, _, _ := strings.Cut(key, ".")
			if _, ok := l.messages[key]; !ok && !slices.Contains(l.Lacks, group) {
				t.Errorf("%s lacks %s", l.Code(), key)
			}
		}
		for _, key := range l.Keys() {
			if _, ok := english.messages[key]; !ok && !ofKind(key) {
				t.Errorf("%s has %s, which English has not", l.Code(), key)
			}
		}
	}
}

var argument = regexp.MustCompile(`\{[^}]*\}`)

// arguments are those of a text, each once, sorted.
func arguments(text string) []string {
	all := argument.FindAllString(text, -1)
	slices.Sort(all)
	return slices.Compact(all)
}

// TestArguments wants the same arguments in every language. A form for one, two or none may leave the number out.
func TestArguments(t *testing.T) {
	t.Parallel()
	c := catalog(t)
	english := c.Language("en")
	for _, l := range c.Languages() {
		for key, m := range l.messages {
			want := arguments(english.messages[key].forms[plural.Other])
			if ofKind(key) {
				want = nil
			}
			for form, text := range m.forms {
				got := arguments(text)
				spelt := len(m.forms) > 1 && form != plural.Other && slices.Equal(got, slices.DeleteFunc(slices.Clone(want), func(a string) bool { return a == "{0}" }))
				if !slices.Equal(got, want) && !spelt {
					t.Errorf("%s %s: arguments %v, English has %v", l.Code(), key, got, want)
				}
				if strings.TrimSpace(text) == "" {
					t.Errorf("%s %s is empty", l.Code(), key)
				}
			}
		}
	}
}

// TestForms wants of each message with plural forms every form that its language tells apart.
func TestForms(t *testing.T) {
	t.Parallel()
	for _, l := range catalog(t).Languages() {
		needs := map[plural.Form]bool{}
		for n := range 200 {
			needs[plural.Cardinal.MatchPlural(l.Tag, n, 0, 0, 0, 0)] = true
		}
		for key, m := range l.messages {
			if len(m.forms) == 1 {
				continue
			}
			for form := range needs {
				if m.forms[form] == "" {
					t.Errorf("%s %s lacks the plural form %d", l.Code(), key, form)
				}
			}
		}
	}
}

func TestPlural(t *testing.T) {
	t.Parallel()
	c := catalog(t)
	for _, x := range []struct {
		language string
		n        int
		want     string
	}{
		{"en", 1, "1 answer is overdue"}, {"en", 2, "2 answers are overdue"}, {"en", 1234, "1,234 answers are overdue"},
		{"ru", 1, "Просрочен 1 ответ"}, {"ru", 3, "Просрочено 3 ответа"}, {"ru", 5, "Просрочено 5 ответов"}, {"ru", 21, "Просрочен 21 ответ"}, {"ru", 11, "Просрочено 11 ответов"},
		{"ar", 1, "رد واحد متأخر"}, {"ar", 2, "ردان متأخران"}, {"ar", 5, "5 ردود متأخرة"}, {"ar", 11, "11 ردًا متأخرًا"}, {"ar", 100, "100 رد متأخر"},
	} {
		if got := c.Printer(c.Language(x.language), nil).T("lead.over", x.n); got != x.want {
			t.Errorf("%s, %d: %q, want %q", x.language, x.n, got, x.want)
		}
	}
}

func TestMissing(t *testing.T) {
	t.Parallel()
	files := fstest.MapFS{
		"messages/en.toml": {Data: []byte(sample("English", "ltr") + "\n[a]\nb = \"bee {0}\"\nc = \"sea\"\n")},
		"messages/eo.toml": {Data: []byte(sample("Ixish", "rtl") + "lacks = [\"a\"]\n[a]\nb = \"иксы {0}\"\n")},
	}
	c, err := load(files)
	if err != nil {
		t.Fatal(err)
	}
	p := c.Printer(c.Language("eo"), nil)
	for want, got := range map[string]string{
		"иксы \u2068z\u2069": p.T("a.b", "z"), "иксы 7": p.T("a.b", "7"), "sea": p.T("a.c"), "⟦a.d⟧": p.T("a.d"), "other words": p.Or("a.d", "other words"), "{0}": p.fill("{0}", []any{"{0}"}),
	} {
		if got != want {
			t.Errorf("got %q, want %q", got, want)
		}
	}
	if p.Direction != "rtl" || p.Complete() || p.Has("a.c") || !p.Has("a.b") {
		t.Errorf("the language is read wrongly: %+v", p.Language)
	}
}

func sample(name, direction string) string {
	twelve := strings.TrimSuffix(strings.Repeat(`"m",`, 12), ",")
	seven := strings.TrimSuffix(strings.Repeat(`"w",`, 7), ",")
	return "[language]\nname = \"" + name + "\"\ndirection = \"" + direction + "\"\nmonths = [" + twelve + "]\nweekdays = [" + seven + "]\ndate = \"{day}\"\nshort_date = \"{day}\"\n"
}

func TestRefusedFiles(t *testing.T) {
	t.Parallel()
	english := &fstest.MapFile{Data: []byte(sample("English", "ltr"))}
	for name, text := range map[string]string{
		"no table": "a = \"b\"", "no name": strings.Replace(sample("", "ltr"), "name", "nom", 1), "a direction": sample("X", "up"), "no TOML": "= =",
		"a number": sample("X", "ltr") + "\n[x]\na = 3", "eleven months": strings.Replace(sample("X", "ltr"), `"m",`, "", 1),
	} {
		if _, err := load(fstest.MapFS{"messages/en.toml": english, "messages/fr.toml": {Data: []byte(text)}}); err == nil {
			t.Errorf("%s: it was taken", name)
		}
	}
	if _, err := load(fstest.MapFS{"messages/ru.toml": english}); err == nil {
		t.Error("a catalog without English was taken")
	}
}

func TestMatch(t *testing.T) {
	t.Parallel()
	c := catalog(t)
	for _, x := range []struct {
		wanted []string
		want   string
	}{
		{nil, "en"}, {[]string{""}, "en"}, {[]string{"ru"}, "ru"}, {[]string{"", "ru-RU,ru;q=0.9,en;q=0.8"}, "ru"}, {[]string{"ar-EG, fr"}, "ar"},
		{[]string{"fr, ru;q=0.5"}, "ru"}, {[]string{"ja", "ar"}, "ar"}, {[]string{"ja"}, "en"}, {[]string{";;;"}, "en"},
	} {
		if got := c.Match(x.wanted...).Code(); got != x.want {
			t.Errorf("%q: %s, want %s", x.wanted, got, x.want)
		}
	}
}

func TestDirection(t *testing.T) {
	t.Parallel()
	c := catalog(t)
	for code, want := range map[string]string{"en": "ltr", "ru": "ltr", "ar": "rtl"} {
		if got := c.Language(code).Direction; got != want {
			t.Errorf("%s is written %s", code, got)
		}
	}
}

// TestZoneName: a zone without a name is told by its offset, and a name by it too: there are three of "IST".
func TestZoneName(t *testing.T) {
	t.Parallel()
	c := catalog(t)
	now := time.Date(2026, 3, 2, 12, 0, 0, 0, time.UTC)
	for name, want := range map[string]string{
		"UTC": "UTC", "Asia/Tehran": "UTC+3:30", "Asia/Kathmandu": "UTC+5:45", "Asia/Kolkata": "IST (UTC+5:30)", "America/St_Johns": "NST (UTC−3:30)", "Europe/London": "GMT (UTC)",
		"Asia/Dubai": "UTC+4", "America/New_York": "EST (UTC−5)",
	} {
		zone, err := time.LoadLocation(name)
		if err != nil {
			t.Fatal(err)
		}
		if got := c.Printer(c.Language("en"), zone).ZoneName(now); got != want {
			t.Errorf("%s: %q, want %q", name, got, want)
		}
	}
}

func TestDates(t *testing.T) {
	t.Parallel()
	c := catalog(t)
	paris, err := time.LoadLocation("Europe/Paris")
	if err != nil {
		t.Fatal(err)
	}
	now := time.Date(2026, 3, 2, 23, 30, 0, 0, time.UTC) // it is the 3rd in Paris
	en, ru, ar := c.Printer(c.Language("en"), paris), c.Printer(c.Language("ru"), paris), c.Printer(c.Language("ar"), nil)
	for _, x := range []struct{ got, want string }{
		{en.Time(now), "3 March 2026, 00:30 CET (UTC+1)"},
		{ru.Date(now), "3 марта 2026 г."},
		{ar.Date(now), "2 مارس 2026"},
		{en.When(now.Add(time.Hour), now), "today, 01:30"},
		{en.When(now.Add(-time.Hour), now), "yesterday, 23:30"},
		{ru.When(now.Add(24*time.Hour), now), "завтра, 00:30"},
		{en.When(now.Add(72*time.Hour), now), "Fri 6 March, 00:30"},
		{en.When(now.Add(30*24*time.Hour), now), "2 April, 01:30"}, // summer time has begun
		{en.When(now.Add(400*24*time.Hour), now), "7 April 2027, 01:30"},
		{en.Span(0), "0 s"}, {en.Span(59 * time.Second), "59 s"}, {en.Span(2 * time.Hour), "2 h"}, {en.Span(-125 * time.Minute), "2 h 5 min"},
		{ru.Span(50 * time.Hour), "2 дн. 2 ч"}, {ar.Span(3 * time.Minute), "3 د"},
		{en.Number(1234567), "1,234,567"}, {ru.Number(1234567), "1\u00a0234\u00a0567"}, {ar.Number(12), "12"},
		{en.Size(900), "900 B"}, {en.Size(1536), "1.5 KiB"}, {ru.Size(200 << 20), "200 МиБ"},
		{en.List([]string{"a", "b", "c"}), "a, b and c"}, {en.List([]string{"a"}), "a"}, {en.List(nil), ""}, {ru.List([]string{"а", "б"}), "а и б"},
	} {
		if x.got != x.want {
			t.Errorf("%q, want %q", x.got, x.want)
		}
	}
}
