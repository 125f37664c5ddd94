package misp

import (
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"io"
	"net/http"
	"strconv"
	"strings"

	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"

	"github.com/comity-exchange/comity/fault"
)

const mediaType = "application/json"

// maxListed is how many elements a list has that is sent.
const maxListed = 1 << 18

// problem is what MISP answers where it refuses: programs read message, PyMISP all of it.
type problem struct {
	Saved   *bool      `json:"saved,omitempty"`
	Name    string     `json:"name"`
	Message string     `json:"message"`
	URL     string     `json:"url"`
	Errors  any        `json:"errors,omitempty"`
	Code    fault.Code `json:"error_code,omitzero"` // Comity's own, as in the API
}

func problemOf(r *http.Request, message string) problem {
	return problem{Name: message, Message: message, URL: strings.TrimPrefix(r.URL.Path, strings.TrimSuffix(Root, "/")), Errors: []string{message}}
}

// fail answers with what went wrong. What is withheld is what is not there. An instance takes 403 alone for a key that is not good; a feed's reader is asked for its password.
func fail(w http.ResponseWriter, r *http.Request, status int, err error) {
	f := fault.Of(err)
	p := problemOf(r, f.Msg)
	if f.Code == fault.Withheld {
		p = problemOf(r, "there is no such thing here")
	}
	p.Code = fault.Wire(f.Code)
	if status == http.StatusUnauthorized && !strings.HasPrefix(r.URL.Path, feedRoot) {
		w.Header().Del("WWW-Authenticate")
		status = http.StatusForbidden
	}
	if status == http.StatusServiceUnavailable {
		w.Header().Set("Retry-After", "10")
	}
	write(w, status, p)
}

// write writes an answer.
func write(w http.ResponseWriter, status int, v any) {
	b, err := json.Marshal(v, json.Deterministic(true))
	if err != nil {
		status, b = http.StatusInternalServerError, []byte(`{"name":"Internal Server Error","message":"internal error","url":""}`)
	}
	w.Header().Set("Content-Type", mediaType)
	w.Header().Set("Content-Length", strconv.Itoa(len(b)))
	w.WriteHeader(status)
	_, _ = w.Write(b) // nobody is there to be told
}

// ask reads what a request asks, a JSON value of any kind. A name may come twice: PHP takes the last.
func (c *call) ask(into any) error {
	b, err := c.body(maxAsked)
	if err != nil {
		return err
	}
	if err := json.UnmarshalRead(b.reader(), into, jsontext.AllowDuplicateNames(true)); err != nil {
		return notAsked(err)
	}
	return nil
}

func notAsked(err error) error {
	return fault.Wrap(err, fault.Malformed, "", "what was sent is not the JSON that is asked for here")
}

// listed reads a list that is sent, as it is or in an object by a name. Its elements are counted before they are held: the shortest are a hundred times as large here.
func listed[T any](c *call, most int64, name string) (all []T, err error) {
	b, err := c.body(most)
	if err != nil {
		return nil, err
	}
	in := jsontext.NewDecoder(b.reader(), jsontext.AllowDuplicateNames(true))
	if in.PeekKind() == '{' && name != "" {
		return within[T](in, name)
	}
	if all, err = elements[T](in); err != nil {
		return nil, err
	}
	return all, ended(in)
}

// within reads the list that an object has by a name, and passes over what else it has.
func within[T any](in *jsontext.Decoder, name string) (all []T, err error) {
	if _, err := in.ReadToken(); err != nil {
		return nil, notAsked(err)
	}
	for in.PeekKind() == '"' {
		at, err := in.ReadToken()
		if err != nil {
			return nil, notAsked(err)
		}
		if at.String() != name {
			err = in.SkipValue()
		} else if all, err = elements[T](in); err != nil {
			return nil, err
		}
		if err != nil {
			return nil, notAsked(err)
		}
	}
	if _, err := in.ReadToken(); err != nil {
		return nil, notAsked(err)
	}
	return all, ended(in)
}

func elements[T any](in *jsontext.Decoder) (all []T, err error) {
	if begin, err := in.ReadToken(); err != nil || begin.Kind() != '[' {
		return nil, notAsked(err)
	}
	for in.PeekKind() != ']' {
		if len(all) == maxListed {
			return nil, fault.New(fault.TooLarge, "", "a list that is sent here has at most %d elements", maxListed)
		}
		var one T
		if err := json.UnmarshalDecode(in, &one); err != nil {
			return nil, notAsked(err)
		}
		all = append(all, one)
	}
	if _, err := in.ReadToken(); err != nil {
		return nil, notAsked(err)
	}
	return all, nil
}

// ended makes sure that nothing comes behind a value.
func ended(in *jsontext.Decoder) error {
	if _, err := in.ReadToken(); !errors.Is(err, io.EOF) {
		return notAsked(err)
	}
	return nil
}

// digest tells versions of an answer apart.
func digest(b []byte) string {
	sum := sha256.Sum256(b)
	return hex.EncodeToString(sum[:16])
}
