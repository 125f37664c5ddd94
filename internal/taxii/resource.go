package taxii

import (
	"net/http"
	"strconv"
	"time"

	"github.com/go-json-experiment/json"

	"github.com/comity-exchange/comity/fault"
)

// problem is the error message of TAXII 2.1, 3.6.1.
type problem struct {
	Title       string     `json:"title"`
	Description string     `json:"description,omitzero"`
	Code        fault.Code `json:"error_code"`
	HTTPStatus  string     `json:"http_status"` // what the answer's is, as a string
}

// fail answers with what went wrong. What is withheld is what is not there.
func fail(w http.ResponseWriter, err error) {
	f := fault.Of(err)
	failAs(w, fault.HTTP(f.Code), err)
}

func failAs(w http.ResponseWriter, status int, err error) {
	f := fault.Of(err)
	p := problem{Title: http.StatusText(status), Description: f.Msg, Code: fault.Wire(f.Code)}
	if f.Code == fault.Withheld {
		p.Description = "there is no such thing here"
	}
	write(w, status, p)
}

// write writes a resource.
func write(w http.ResponseWriter, status int, v any) {
	if p, ok := v.(problem); ok {
		p.HTTPStatus = strconv.Itoa(status)
		v = p
	}
	b, err := json.Marshal(v, json.Deterministic(true))
	if err != nil {
		status, b = http.StatusInternalServerError, []byte(`{"title":"Internal Server Error","error_code":"internal","http_status":"500"}`)
	}
	writeRaw(w, status, b)
}

func writeRaw(w http.ResponseWriter, status int, b []byte) {
	w.Header().Set("Content-Type", mediaType)
	w.Header().Set("Content-Length", strconv.Itoa(len(b)))
	w.WriteHeader(status)
	_, _ = w.Write(b) // nobody is there to be told
}

// at writes a date of the catalogue as TAXII wants it: UTC, in microseconds (3.1).
func at(micros int64) string {
	return time.UnixMicro(micros).UTC().Format("2006-01-02T15:04:05.000000Z")
}

// discovery tells where the API root is (4.1).
func discovery(c *call) error {
	write(c.w, http.StatusOK, struct {
		Title   string   `json:"title"`
		Default string   `json:"default"`
		Roots   []string `json:"api_roots"`
	}{"Comity node of " + string(c.node.Config.Code), apiRoot, []string{apiRoot}})
	return nil
}

// root tells of the API root (4.2).
func root(c *call) error {
	write(c.w, http.StatusOK, struct {
		Title    string   `json:"title"`
		Versions []string `json:"versions"`
		Max      int      `json:"max_content_length"`
	}{"Intelligence of " + string(c.node.Config.Code), []string{mediaType}, maxContent})
	return nil
}
