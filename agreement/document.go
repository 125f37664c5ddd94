package agreement

import (
	"bytes"
	"errors"
	"fmt"
	"regexp"
	"slices"
	"strconv"
	"strings"

	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"

	"github.com/comity-exchange/comity/fault"
	"github.com/comity-exchange/comity/party"
	"github.com/comity-exchange/comity/statement"
	"github.com/comity-exchange/comity/thread"
)

// ID names an agreement: the id of the statement that deposited it (AGR-7).
type ID = statement.ID

// Bounds of AGR-1 to AGR-5. Seconds are those of a clock.
const (
	MaxDocument = 512 << 10 // bytes
	MaxParties  = 256
	MaxArticles = 512
	MaxRules    = 32     // of one article
	MaxAllRules = 1024   // of all articles
	MaxCodes    = 32_768 // codes that all rules name, with those of their groups
	MaxList     = 64     // values of one condition
	MaxSeconds  = 31_536_000
	MaxKept     = 3_155_760_000 // seconds of retention: a hundred years
	MaxPerDay   = 1_000_000
	MaxTerms    = 512 // definitions
	MaxCite     = 512 // bytes of one citation
)

// Text is one text in several languages: language tag → text.
type Text map[string]string

// In gives the text in language, else in the first of fallback that it has.
func (t Text) In(language string, fallback ...string) string {
	for _, l := range append([]string{language}, fallback...) {
		if s, ok := t[l]; ok {
			return s
		}
	}
	return ""
}

// Document is an agreement as it was written. It is not changed after Parse made it.
type Document struct {
	V         int          `json:"v"`
	Title     Text         `json:"title"`
	Parties   []party.Code `json:"parties"`
	Languages []string     `json:"languages"`
	InForce   InForce      `json:"in_force"`
	Consent   Consent      `json:"consent,omitzero"`
	Notice    int64        `json:"notice,omitzero"` // seconds
	Accession Accession    `json:"accession,omitzero"`
	// Authentic are the languages whose texts decide where texts differ; nil: all of Languages.
	Authentic   []string                 `json:"authentic,omitempty"`
	Review      statement.Time           `json:"review,omitzero"` // when the parties look at it again; nothing ends by it
	Definitions map[string]Text          `json:"definitions,omitempty"`
	Groups      map[string][]CodePattern `json:"groups,omitempty"` // rules name them as "@name"
	Articles    []Article                `json:"articles"`

	Raw    []byte           `json:"-"` // the bytes as written
	Digest statement.Digest `json:"-"` // SHA-256 of Raw
}

// Article is one article: what people read, and where it can be, what machines decide on (AGR-2).
type Article struct {
	Number  string                                `json:"number"`
	Title   Text                                  `json:"title"`
	Text    Text                                  `json:"text"`
	Rules   []Rule                                `json:"rules,omitempty"`
	Clocks  map[statement.Precedence]thread.Limit `json:"clocks,omitempty"`
	Grounds []string                              `json:"grounds,omitempty"`
	// What a recipient may do with what it got, of the kinds that the article's permitting rules name, or of every kind (Policy.Use).
	Onward      *Onward      `json:"onward,omitempty"`
	Proceedings *Proceedings `json:"proceedings,omitempty"`
	Retention   *int64       `json:"retention,omitempty"` // seconds after which content is erased where its head names no date
	Cites       []string     `json:"cites,omitempty"`     // the instruments that it follows, for people
	// Reservations, where it is false, keeps parties from making a reservation to the article.
	Reservations *bool `json:"reservations,omitempty"`
}

// Parse reads and checks a document. What it takes, Compile takes too. Errors: fault.TooLarge; fault.Malformed with the clause and a
// message that leads to the article and its member.
func Parse(raw []byte) (*Document, error) {
	// spec: AGR-1
	if len(raw) > MaxDocument {
		return nil, fault.New(fault.TooLarge, "AGR-1", "an agreement has at most %d bytes", MaxDocument)
	}
	if bytes.HasPrefix(raw, []byte("\xef\xbb\xbf")) {
		return nil, fault.New(fault.Malformed, "ENC-1", "the document begins with a byte order mark")
	}
	if err := checkSyntax(raw); err != nil {
		return nil, err
	}
	d := &Document{Raw: bytes.Clone(raw), Digest: statement.Sum(raw)}
	if err := json.Unmarshal(d.Raw, d, json.RejectUnknownMembers(true)); err != nil {
		return nil, misfit(d.Raw, err)
	}
	if err := d.check(); err != nil {
		return nil, err
	}
	return d, nil
}

// Has tells whether code itself is one of the parties.
func (d *Document) Has(code party.Code) bool { return slices.Contains(d.Parties, code) }

// Article finds an article by its number.
func (d *Document) Article(number string) (*Article, bool) {
	for i := range d.Articles {
		if d.Articles[i].Number == number {
			return &d.Articles[i], true
		}
	}
	return nil, false
}

// checkSyntax refuses what is no JSON, repeated names (ENC-2) and null, which no member may be.
func checkSyntax(raw []byte) error {
	dec := jsontext.NewDecoder(bytes.NewReader(raw))
	if dec.PeekKind() != '{' && len(bytes.TrimSpace(raw)) > 0 {
		return fault.New(fault.Malformed, "AGR-1", "the document is no JSON object")
	}
	for dec.StackDepth() > 0 || dec.InputOffset() == 0 {
		tok, err := dec.ReadToken()
		switch {
		case errors.Is(err, jsontext.ErrDuplicateName):
			// spec: ENC-2
			var se *jsontext.SyntacticError
			errors.As(err, &se)
			return bad(raw, "ENC-2", se.JSONPointer, "is given twice")
		case err != nil:
			return fault.Wrap(err, fault.Malformed, "AGR-1", "line %d: not valid JSON", lineOf(raw, err, dec.InputOffset()))
		case tok.Kind() == 'n':
			return bad(raw, "AGR-1", dec.StackPointer(), "is null; leave the member out instead")
		}
	}
	if rest := bytes.TrimLeft(raw[dec.InputOffset():], " \t\r\n"); len(rest) > 0 {
		return fault.New(fault.Malformed, "AGR-1", "line %d: something follows the document", 1+bytes.Count(raw[:len(raw)-len(rest)], []byte("\n")))
	}
	return nil
}

func lineOf(raw []byte, err error, at int64) int {
	var se *jsontext.SyntacticError
	if errors.As(err, &se) {
		at = se.ByteOffset
	}
	return 1 + bytes.Count(raw[:min(max(at, 0), int64(len(raw)))], []byte("\n"))
}

// form says what each member is, for the person who wrote something else.
var form = map[string]string{
	"":              "is a JSON object",
	"v":             "is 1",
	"title":         "is an object of language tag and text",
	"text":          "is an object of language tag and text",
	"parties":       "is a list of party codes, like XA or XA.cert",
	"languages":     "is a list of language tags, like en or fr",
	"in_force":      `is {"when":"all"}, {"when":"count","count":n} or {"when":"date","date":time}`,
	"when":          `is one of all, count, date`,
	"count":         "is a number of parties, from 2 to all of them",
	"days":          "is a number of days, from 0 to 3650",
	"date":          "is a time, like 2026-12-31T00:00:00.000Z",
	"consent":       "is ratification, or is left out where a signature is enough",
	"notice":        "is a number of seconds, from 0 to 31536000",
	"accession":     "is open or invitation, or is left out where nobody may join later",
	"reservations":  "is true or false",
	"articles":      "is a list of articles",
	"number":        "is an identifier in quotes",
	"rules":         "is a list of rules",
	"effect":        "is permit, forbid or approve",
	"kinds":         "is a list of kinds, like assist.request, or assist.* for all of a desk",
	"from":          "is a list of party codes, like XA, XA.cert, or XA.* for XA and all its offices, or a group, like @responders",
	"to":            "is a list of party codes, like XA, XA.cert, or XA.* for XA and all its offices, or a group, like @responders",
	"tlp_max":       "is one of CLEAR, GREEN, AMBER, AMBER+STRICT, RED",
	"tlp_min":       "is one of CLEAR, GREEN, AMBER, AMBER+STRICT, RED",
	"pap_max":       "is one of CLEAR, GREEN, AMBER, RED",
	"personal_data": "is one of none, minimised, allowed",
	"precedence":    "is a list of flash, immediate, priority, routine",
	"tracks":        "is a list of technical, diplomatic, leadership",
	"exercise":      "is true or false",
	"purposes":      "is a list of identifiers",
	"sectors":       "is a list of identifiers",
	"types":         "is a list of identifiers",
	"handling":      "is a list of handling codes, which are identifiers",
	"body_max":      "is a number of bytes, from 0 to 2^53−1",
	"clocks":        `is an object of precedence and {"acknowledge":seconds,"answer":seconds}`,
	"acknowledge":   "is a number of seconds, from 1 to 31536000",
	"answer":        "is a number of seconds, from 1 to 31536000",
	"grounds":       "is a list of identifiers",
	"authentic":     "is a list of some of the document's languages",
	"review":        "is a time, like 2026-12-31T00:00:00.000Z",
	"definitions":   "is an object of term and text",
	"groups":        "is an object of name and list of party codes",
	"without":       "is a list of handling codes, which are identifiers",
	"retain_max":    "is a number of seconds, from 1 to 3155760000",
	"per_day":       "is a number of statements, from 1 to 1000000",
	"onward":        "is one of none, parties, ask, free",
	"proceedings":   "is one of no, permission, yes",
	"retention":     "is a number of seconds, from 1 to 3155760000",
	"cites":         "is a list of texts of at most 512 bytes",
}

// clauseOf is the clause that defines a member, by the innermost part of the document that holds it.
func clauseOf(pointer jsontext.Pointer) string {
	p := string(pointer)
	switch {
	case strings.Contains(p, "/rules/"):
		return "AGR-3"
	case strings.Contains(p, "/clocks"):
		return "AGR-4"
	case strings.Contains(p, "/grounds"):
		return "AGR-5"
	case strings.HasPrefix(p, "/articles/"):
		return "AGR-2"
	}
	return "AGR-1"
}

// misfit turns the decoder's error into one that leads to the member.
func misfit(raw []byte, err error) error {
	var se *json.SemanticError
	if !errors.As(err, &se) {
		return fault.Wrap(err, fault.Malformed, "AGR-1", "the document cannot be read")
	}
	if errors.Is(err, json.ErrUnknownName) {
		name := "a member"
		// A name is shown only when it is a word: it is what somebody typed.
		if last := lastName(se.JSONPointer); memberPattern.MatchString(last) {
			name = "the member " + last
		}
		return bad(raw, clauseOf(se.JSONPointer), se.JSONPointer.Parent(), "has %s, which this version does not define", name)
	}
	return bad(raw, clauseOf(se.JSONPointer), se.JSONPointer, "%s", form[lastMember(se.JSONPointer)])
}

var memberPattern = regexp.MustCompile(`^[A-Za-z][A-Za-z0-9_-]{0,31}$`)

func lastName(p jsontext.Pointer) string { return p.LastToken() }

// lastMember is the innermost member on the way to p that a form is known for.
func lastMember(p jsontext.Pointer) string {
	for ; p != ""; p = p.Parent() {
		if _, ok := form[p.LastToken()]; ok {
			return p.LastToken()
		}
	}
	return ""
}

// bad makes the fault for the member at p. The document is read again for the article's number, since it may not have been decoded.
func bad(raw []byte, clause string, p jsontext.Pointer, format string, args ...any) error {
	var numbers struct {
		Articles []struct {
			Number jsontext.Value `json:"number"`
		} `json:"articles"`
	}
	// What cannot be read so far just lacks its number below.
	_ = json.Unmarshal(raw, &numbers, jsontext.AllowDuplicateNames(true))
	return badAt(func(i int) string {
		var n string
		if i < len(numbers.Articles) && json.Unmarshal(numbers.Articles[i].Number, &n) == nil && statement.IsIdentifier(n) {
			return n
		}
		return ""
	}, clause, p, format, args...)
}

// badAt words the place: "article 4, rules[0].tlp_max".
func badAt(number func(int) string, clause string, p jsontext.Pointer, format string, args ...any) error {
	var where strings.Builder
	tokens := slices.Collect(p.Tokens())
	if len(tokens) >= 2 && tokens[0] == "articles" {
		if i, err := strconv.Atoi(tokens[1]); err == nil {
			if n := number(i); n != "" {
				where.WriteString("article " + n)
			} else {
				fmt.Fprintf(&where, "articles[%d]", i)
			}
			tokens = tokens[2:]
		}
	}
	for i, t := range tokens {
		_, err := strconv.Atoi(t)
		switch {
		case err == nil:
			where.WriteString("[" + t + "]")
			continue
		case !memberPattern.MatchString(t):
			t = "(a member)"
		}
		switch {
		case i == 0 && where.Len() > 0:
			where.WriteString(", ")
		case where.Len() > 0:
			where.WriteByte('.')
		}
		where.WriteString(t)
	}
	if where.Len() == 0 {
		where.WriteString("the document")
	}
	return fault.New(fault.Malformed, clause, "%s %s", where.String(), fmt.Sprintf(format, args...))
}
