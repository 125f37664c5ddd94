package misp

import (
	"bytes"
	"compress/gzip"
	"crypto/sha256"
	"encoding/hex"
	"io"
	"net/http"
	"strconv"
	"strings"

	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"

	"github.com/comity-exchange/comity/fault"
)

const mediaType = "application/json"

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
func (c *call) ask(into any) error { return c.askAtMost(maxAsked, into) }

func (c *call) askAtMost(most int64, into any) error {
	b, err := c.body(most)
	if err != nil {
		return err
	}
	if err := json.Unmarshal(b, into, jsontext.AllowDuplicateNames(true)); err != nil {
		return fault.Wrap(err, fault.Malformed, "", "what was sent is not the JSON that is asked for here")
	}
	return nil
}

// body reads what is sent, which an instance may have compressed. most bounds what comes of it, too.
func (c *call) body(most int64) ([]byte, error) {
	tooLarge := fault.New(fault.TooLarge, "", "what is sent here has at most %d bytes", most)
	if c.r.ContentLength > most {
		return nil, tooLarge
	}
	from := io.LimitReader(c.r.Body, most+1)
	switch encoding := c.r.Header.Get("Content-Encoding"); encoding {
	case "", "identity":
	case "gzip":
		unzipped, err := gzip.NewReader(from)
		if err != nil {
			return nil, fault.Wrap(err, fault.Malformed, "", "what was sent is not compressed as it says")
		}
		from = io.LimitReader(unzipped, most+1)
	default:
		return nil, fault.New(fault.Malformed, "", "what is sent is not compressed, or by gzip")
	}
	var b bytes.Buffer
	if n := c.r.ContentLength; n > 0 && c.r.Header.Get("Content-Encoding") == "" {
		b.Grow(int(n) + bytes.MinRead)
	}
	_, err := b.ReadFrom(from)
	switch {
	case err != nil:
		return nil, fault.Wrap(err, fault.Malformed, "", "what was sent cannot be read to its end")
	case int64(b.Len()) > most:
		return nil, tooLarge
	}
	return b.Bytes(), nil
}

// digest tells versions of an answer apart.
func digest(b []byte) string {
	sum := sha256.Sum256(b)
	return hex.EncodeToString(sum[:16])
}
