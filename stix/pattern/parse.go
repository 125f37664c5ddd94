package pattern

import (
	"encoding/base64"
	"encoding/hex"
	"slices"
	"strconv"
	"strings"

	"github.com/comity-exchange/comity/fault"
	"github.com/comity-exchange/comity/stix"
)

// Limits bound a pattern. A field that is 0 has the default.
type Limits struct {
	Length int // bytes; default 256 KiB: lists of hashes are long
	Depth  int // parentheses inside each other; default 64
	Nodes  int // comparisons, operators and literals; default 20,000
}

func (l Limits) filled() Limits {
	if l.Length <= 0 {
		l.Length = 256 << 10
	}
	if l.Depth <= 0 {
		l.Depth = 64
	}
	if l.Nodes <= 0 {
		l.Nodes = 20_000
	}
	return l
}

// Parse reads a pattern within the default Limits. Errors: fault.Malformed with the byte at which it stops being a pattern;
// fault.TooLarge.
func Parse(text string) (*Pattern, error) { return ParseWithin(text, Limits{}) }

// ParseWithin reads a pattern within limits. See Parse.
func ParseWithin(text string, limits Limits) (*Pattern, error) {
	limits = limits.filled()
	if len(text) > limits.Length {
		return nil, fault.New(fault.TooLarge, "", "the pattern has %d bytes, at most %d are allowed", len(text), limits.Length)
	}
	p := &parser{lex: lexer{s: text}, limits: limits, out: &Pattern{text: text}}
	p.advance()
	p.out.root = p.followed()
	if p.err == nil && p.tok.kind != end {
		p.fail("the pattern goes on where it should end")
	}
	if p.err != nil {
		return nil, p.err
	}
	return p.out, nil
}

// parser reads by recursive descent with one token of foresight. The first error stays, and after it every token is the end.
type parser struct {
	lex    lexer
	tok    token
	limits Limits
	depth  int
	nodes  int
	tests  int
	out    *Pattern
	err    error
}

func (p *parser) advance() {
	if p.err != nil {
		return
	}
	t, reason := p.lex.next()
	if p.tok = t; reason != "" {
		p.fail(reason)
	}
}

func (p *parser) fail(reason string) {
	if p.err == nil {
		p.err = fault.New(fault.Malformed, "", "at byte %d of the pattern: %s", p.tok.at, reason)
	}
	p.tok.kind = end
}

// count takes one node from what is allowed.
func (p *parser) count() {
	if p.nodes++; p.nodes > p.limits.Nodes && p.err == nil {
		p.err = fault.New(fault.TooLarge, "", "the pattern has more than %d parts", p.limits.Nodes)
		p.tok.kind = end
	}
}

// deeper enters a parenthesis; the function that it returns leaves it.
func (p *parser) deeper() func() {
	if p.depth++; p.depth > p.limits.Depth && p.err == nil {
		p.err = fault.New(fault.TooLarge, "", "the pattern has more than %d parentheses inside each other", p.limits.Depth)
		p.tok.kind = end
	}
	return func() { p.depth-- }
}

func (p *parser) at(k kind, value string) bool { return p.tok.kind == k && p.tok.value == value }

// take passes the token if it is the one.
func (p *parser) take(k kind, value string) bool {
	if p.err != nil || !p.at(k, value) {
		return false
	}
	p.advance()
	return true
}

func (p *parser) must(k kind, value, reason string) {
	if !p.take(k, value) {
		p.fail(reason)
	}
}

// The three levels of operators between observations, the loosest first.

func (p *parser) followed() *observing { return p.joined("FOLLOWEDBY", p.either) }
func (p *parser) either() *observing   { return p.joined("OR", p.both) }
func (p *parser) both() *observing     { return p.joined("AND", p.qualified) }

func (p *parser) joined(op string, below func() *observing) *observing {
	left := below()
	for p.take(keyword, op) {
		p.count()
		left = &observing{op: op, left: left, right: below()}
	}
	return left
}

// qualified reads an observation and the qualifiers behind it. Directly behind brackets each kind stands once: which of two would count? Behind parentheses the OASIS validator lets one stand
// again, and each narrows what the one before it left.
func (p *parser) qualified() *observing {
	bare := p.at(sign, "[")
	o := p.observation()
	var seen []string
	for p.err == nil && p.tok.kind == keyword {
		q := p.tok.value
		if !slices.Contains([]string{"WITHIN", "REPEATS", "START"}, q) {
			break
		}
		if bare && slices.Contains(seen, q) {
			p.fail("a qualifier stands twice")
			break
		}
		seen = append(seen, q)
		p.count()
		p.advance()
		o = p.qualifier(q, o)
	}
	return o
}

func (p *parser) qualifier(q string, of *observing) *observing {
	o := &observing{op: q, left: of}
	switch q {
	case "WITHIN":
		n, err := strconv.ParseFloat(p.tok.value, 64)
		if p.tok.kind != integer && p.tok.kind != decimal || err != nil || n <= 0 || n > 1e12 {
			p.fail("WITHIN needs a positive number of seconds")
			return o
		}
		o.seconds = n
		p.advance()
		p.must(keyword, "SECONDS", "WITHIN counts in SECONDS")
	case "REPEATS":
		n, err := strconv.ParseInt(p.tok.value, 10, 32)
		if p.tok.kind != integer || err != nil || n <= 0 {
			p.fail("REPEATS needs a positive whole number")
			return o
		}
		o.count = int(n)
		p.advance()
		p.must(keyword, "TIMES", "REPEATS counts in TIMES")
	case "START":
		o.start = p.time()
		p.must(keyword, "STOP", "START needs STOP")
		o.stop = p.time()
		if p.err == nil && o.stop.Compare(o.start) <= 0 {
			p.fail("STOP is not after START")
		}
	}
	return o
}

func (p *parser) time() stix.Timestamp {
	if p.tok.kind != stamp {
		p.tok.value = ""
	}
	t := stix.Timestamp(p.tok.value)
	if p.moment(p.tok.value); p.err != nil {
		return ""
	}
	p.advance()
	return t
}

// moment holds a timestamp to its form. A day up to the 31st that its month does not have is of that form, and the OASIS validator passes it; but nothing happens on it.
func (p *parser) moment(text string) {
	if _, err := stix.ParseTimestamp(text); err == nil {
		return
	}
	const day = len("2026-11-")
	if len(text) > day+2 && slices.Contains([]string{"29", "30", "31"}, text[day:day+2]) {
		if _, err := stix.ParseTimestamp(text[:day] + "01" + text[day+2:]); err == nil {
			p.out.flaws = append(p.out.flaws, "a timestamp names a day that its month does not have")
			return
		}
	}
	p.fail("a timestamp is like t'2026-11-21T08:00:00Z'")
}

func (p *parser) observation() *observing {
	p.count()
	switch {
	case p.take(sign, "["):
		o := &observing{op: "[]", id: p.tests}
		p.tests++
		o.test = p.comparison()
		p.must(sign, "]", "a closing bracket is missing")
		if p.err == nil {
			p.oneObject(o.test)
		}
		return o
	case p.at(sign, "("):
		defer p.deeper()()
		p.advance()
		o := p.followed()
		p.must(sign, ")", "a closing parenthesis is missing")
		return o
	}
	p.fail("an observation in brackets is missing")
	return &observing{op: "[]", test: &comparing{}}
}

// comparison reads what stands in brackets: AND binds tighter than OR.
func (p *parser) comparison() *comparing {
	return p.compared("OR", func() *comparing { return p.compared("AND", p.test) })
}

func (p *parser) compared(op string, below func() *comparing) *comparing {
	left := below()
	for p.take(keyword, op) {
		p.count()
		left = &comparing{op: op, left: left, right: below()}
	}
	return left
}

// maxTypes is how many types one pair of brackets may name; the standard knows 18.
const maxTypes = 256

// oneObject notes an AND of types that no object has all of: every comparison in a pair of brackets starts from the same (§9.5). It gives
// the types of the objects for which c can hold.
func (p *parser) oneObject(c *comparing) []string {
	if c.left == nil {
		return []string{c.path.Type}
	}
	l, r := p.oneObject(c.left), p.oneObject(c.right)
	if c.op == "OR" {
		for _, t := range r {
			if !slices.Contains(l, t) {
				l = append(l, t)
			}
		}
		if len(l) > maxTypes && p.err == nil {
			p.err = fault.New(fault.TooLarge, "", "more than %d types stand in one pair of brackets", maxTypes)
		}
		return l[:min(len(l), maxTypes)]
	}
	both := slices.DeleteFunc(l, func(t string) bool { return !slices.Contains(r, t) })
	if len(both) == 0 && len(l) > 0 && len(r) > 0 {
		p.out.flaws = append(p.out.flaws, "AND joins comparisons of different types, and no object has both")
	}
	return both
}

func (p *parser) test() *comparing {
	p.count()
	if p.at(sign, "(") {
		defer p.deeper()()
		p.advance()
		c := p.comparison()
		p.must(sign, ")", "a closing parenthesis is missing")
		return c
	}
	c := &comparing{}
	if p.at(keyword, "NOT") {
		c.not = true
		p.advance()
		if !p.at(keyword, "EXISTS") {
			p.fail("NOT stands behind the path, or before EXISTS")
			return c
		}
	}
	if p.take(keyword, "EXISTS") {
		c.op, c.path = "EXISTS", p.path()
		return c
	}
	c.path = p.path()
	c.not = p.take(keyword, "NOT")
	c.op = p.tok.value
	switch {
	case p.tok.kind == sign && slices.Contains([]string{"=", "!=", "<", "<=", ">", ">="}, c.op):
		p.advance()
		c.values = []Literal{p.literal()}
		if c.op != "=" && c.op != "!=" && c.values[0].Kind == Bool {
			p.fail("true and false have no order")
		}
	case p.at(keyword, "IN"):
		p.advance()
		c.values = p.set()
	case p.tok.kind == keyword && slices.Contains([]string{"LIKE", "MATCHES", "ISSUBSET", "ISSUPERSET"}, c.op):
		p.advance()
		c.values = []Literal{p.literal()}
		if p.err == nil && c.values[0].Kind != String {
			p.fail(c.op + " needs a string")
		}
		p.prepare(c)
	default:
		p.fail("a comparison operator is missing")
	}
	p.hash(c)
	return c
}

// prepare makes ready what MATCHES and the two set operators compare with.
func (p *parser) prepare(c *comparing) {
	if p.err != nil {
		return
	}
	var ok bool
	switch s := c.values[0].Text; c.op {
	case "MATCHES":
		var why string
		if c.expr, c.steps, why = compile(s); why != "" {
			p.out.flaws = append(p.out.flaws, why)
		}
	case "ISSUBSET", "ISSUPERSET":
		if c.network, ok = parseNetwork(s); !ok {
			p.fail(c.op + " needs an address or a range of addresses")
		}
	}
}

// hash refuses a hash that no file can have: it would be looked for in vain.
func (p *parser) hash(c *comparing) {
	n := len(c.path.Steps)
	if p.err != nil || n < 2 || c.path.Steps[n-2].Name != "hashes" || c.op != "=" && c.op != "IN" {
		return
	}
	want := hashDigits(c.path.Steps[n-1].Name)
	for _, v := range c.values {
		if want != 0 && v.Kind == String && (len(v.Text) != want || !isHex(v.Text)) {
			p.fail("a hash has not the length or the digits that its algorithm gives it")
		}
	}
}

func hashDigits(name string) int {
	switch strings.ToUpper(strings.ReplaceAll(name, "-", "")) {
	case "MD5":
		return 32
	case "SHA1":
		return 40
	case "SHA256", "SHA3256":
		return 64
	case "SHA512", "SHA3512":
		return 128
	}
	return 0
}

func isHex(s string) bool { return strings.Trim(s, "0123456789abcdefABCDEF") == "" }

func (p *parser) set() (set []Literal) {
	p.must(sign, "(", "IN needs a list in parentheses")
	if p.take(sign, ")") {
		return nil
	}
	for p.err == nil {
		p.count()
		l := p.literal()
		if len(set) > 0 && l.family() != set[0].family() {
			p.fail("the values of IN are not all of one kind")
		}
		set = append(set, l)
		if !p.take(sign, ",") {
			break
		}
	}
	p.must(sign, ")", "a closing parenthesis is missing")
	return set
}

// family is the kind of the constant, where numbers are one.
func (l Literal) family() Kind {
	if l.Kind == Integer {
		return Float
	}
	return l.Kind
}

func (p *parser) literal() (l Literal) {
	l.Text = p.tok.value
	switch p.tok.kind {
	case text:
		l.Kind = String
	case integer:
		l.Kind = Integer
		if _, err := strconv.ParseInt(l.Text, 10, 64); err != nil {
			p.fail("a number is larger than 64 bits hold")
		}
	case decimal:
		l.Kind = Float
	case hexed:
		l.Kind = Hex
		if _, err := hex.DecodeString(l.Text); err != nil {
			p.fail("h'' holds pairs of hexadecimal digits")
		}
	case based:
		l.Kind = Binary
		if _, err := base64.StdEncoding.Strict().DecodeString(l.Text); err != nil {
			p.fail("b'' holds base64")
		}
	case stamp:
		l.Kind = Timestamp
		p.moment(l.Text)
	default:
		l.Kind = Bool
		if !p.at(keyword, "true") && !p.at(keyword, "false") {
			p.fail("a value is missing")
		}
	}
	p.advance()
	return l
}

// path reads type:name.name[n]…. A hyphen belongs to types; names that have one are quoted.
func (p *parser) path() (path Path) {
	if p.tok.kind != word {
		p.fail("the path of a property is missing")
		return path
	}
	path.Type = p.tok.value
	p.advance()
	p.must(sign, ":", "a colon is missing behind the type")
	path.Steps = append(path.Steps, p.name())
	for p.err == nil {
		switch {
		case p.take(sign, "."):
			path.Steps = append(path.Steps, p.name())
		case p.take(sign, "["):
			path.Steps = append(path.Steps, p.place())
			p.must(sign, "]", "a closing bracket is missing")
		default:
			return path
		}
		p.count()
	}
	return path
}

func (p *parser) name() (s Step) {
	switch {
	case p.tok.kind == text && p.tok.value != "", p.tok.kind == word && !strings.Contains(p.tok.value, "-"):
		s.Name = p.tok.value
		p.advance()
	case p.tok.kind == word:
		p.fail("a name with a hyphen stands in quotes")
	default:
		p.fail("the name of a property is missing")
	}
	return s
}

func (p *parser) place() (s Step) {
	if p.take(sign, "*") {
		return Step{Any: true}
	}
	n, err := strconv.ParseUint(p.tok.value, 10, 31)
	if p.tok.kind != integer || err != nil {
		p.fail("the place in a list is a whole number from 0, or a star")
		return s
	}
	p.advance()
	return Step{Index: int(n)}
}
