package agreement

import (
	"bytes"
	"errors"
	"slices"

	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"

	"github.com/comity-exchange/comity/fault"
	"github.com/comity-exchange/comity/statement"
)

// Problems says all that is wrong with a document, for whoever drafts it: each is an error as Parse gives it, which stops at the first. Where
// an article cannot be read at all, what stands between it and others is not looked at. None: Parse takes the document.
func Problems(raw []byte) []*fault.Error {
	_, err := Parse(raw)
	if err == nil {
		return nil
	}
	first := fault.Of(err)
	d, unread, ok := readParts(raw)
	if !ok {
		return []*fault.Error{first}
	}
	out := unread
	for _, p := range d.problems() {
		out = append(out, fault.Of(d.fault(p)))
	}
	if !slices.ContainsFunc(out, func(e *fault.Error) bool { return e.Msg == first.Msg }) {
		out = slices.Insert(out, 0, first)
	}
	return out
}

// readParts decodes the document's members, and its articles one by one, and says what of it cannot be read. ok is false when it is no JSON
// object with articles.
func readParts(raw []byte) (d *Document, unread []*fault.Error, ok bool) {
	if len(raw) > MaxDocument || bytes.HasPrefix(raw, []byte("\xef\xbb\xbf")) || checkSyntax(raw) != nil {
		return nil, nil, false
	}
	var members map[string]jsontext.Value
	var articles []jsontext.Value
	if json.Unmarshal(raw, &members) != nil || json.Unmarshal(members["articles"], &articles) != nil || len(articles) == 0 {
		return nil, nil, false
	}
	d = &Document{}
	keep := func(err error, at jsontext.Pointer) bool {
		var se *json.SemanticError
		if err != nil && errors.As(err, &se) {
			se.JSONPointer = at + se.JSONPointer
			unread = append(unread, fault.Of(misfit(raw, err)))
		}
		return err == nil
	}
	for _, name := range sortedKeys(members) {
		one, err := json.Marshal(map[string]jsontext.Value{name: members[name]})
		if name == "articles" || err != nil {
			continue
		}
		if !keep(json.Unmarshal(one, d, json.RejectUnknownMembers(true)), "") {
			return nil, nil, false // what follows from it would not be news
		}
	}
	for i, v := range articles {
		var a Article
		if keep(json.Unmarshal(v, &a, json.RejectUnknownMembers(true)), jsontext.Pointer("/articles").AppendToken(itoa(i))) {
			d.Articles = append(d.Articles, a)
		}
	}
	d.Raw, d.Digest = raw, statement.Sum(raw)
	return d, unread, len(d.Articles) > 0
}
