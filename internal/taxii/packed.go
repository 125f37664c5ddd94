package taxii

import (
	"io"
	"net/http"
	"strconv"
	"strings"

	"github.com/klauspost/compress/gzip"

	"github.com/comity-exchange/comity/fault"
)

// minPacked is from which size on an answer is compressed, for whoever asks for that.
const minPacked = 1 << 10

// asksPacked tells whether somebody takes an answer in gzip (RFC 9110, 12.5.3): named, or by "*", and not with the weight 0.
func asksPacked(headers []string) bool {
	named, any := -1.0, -1.0
	for one := range strings.SplitSeq(strings.Join(headers, ","), ",") {
		name, parameter, _ := strings.Cut(one, ";")
		weight := 1.0
		if q, ok := strings.CutPrefix(strings.TrimSpace(parameter), "q="); ok {
			var err error
			if weight, err = strconv.ParseFloat(q, 64); err != nil {
				weight = 0
			}
		}
		switch strings.ToLower(strings.TrimSpace(name)) {
		case "gzip", "x-gzip":
			named = max(named, weight)
		case "*":
			any = max(any, weight)
		}
	}
	if named >= 0 {
		return named > 0
	}
	return any > 0
}

// packing is an answer that is compressed, if it turns out to be of that size.
type packing struct {
	http.ResponseWriter
	zip  *gzip.Writer
	head bool // there is no body
}

// WriteHeader implements http.ResponseWriter. How long an answer would be without compression stands in the header already.
func (p *packing) WriteHeader(status int) {
	h := p.Header()
	h.Add("Vary", "Accept-Encoding")
	if size, err := strconv.Atoi(h.Get("Content-Length")); err == nil && size >= minPacked {
		h.Del("Content-Length")
		h.Set("Content-Encoding", "gzip")
		if !p.head {
			p.zip, _ = gzip.NewWriterLevel(p.ResponseWriter, gzip.BestSpeed) // the level is one
		}
	}
	p.ResponseWriter.WriteHeader(status)
}

// Write implements http.ResponseWriter.
func (p *packing) Write(b []byte) (int, error) {
	if p.zip != nil {
		return p.zip.Write(b)
	}
	return p.ResponseWriter.Write(b)
}

// close ends what was compressed.
func (p *packing) close() {
	if p.zip != nil {
		_ = p.zip.Close() // nobody is there to be told
	}
}

// unpacked is what a request brings, without compression; false where it is compressed in another way. How much comes out is bounded by whoever reads.
func unpacked(r *http.Request) (io.Reader, bool) {
	switch strings.ToLower(strings.TrimSpace(r.Header.Get("Content-Encoding"))) {
	case "", "identity":
		return r.Body, true
	case "gzip", "x-gzip":
		return &unpacking{src: &bounded{r.Body, maxContent}}, true
	}
	return nil, false
}

// unpacking begins with the first byte that is read.
type unpacking struct {
	src io.Reader
	zip *gzip.Reader
}

// Read implements io.Reader. Error: fault.Malformed where it is no gzip.
func (u *unpacking) Read(p []byte) (n int, err error) {
	if u.zip == nil {
		if u.zip, err = gzip.NewReader(u.src); err != nil {
			return 0, noGzip(err)
		}
	}
	n, err = u.zip.Read(p)
	if err != nil && err != io.EOF {
		err = noGzip(err)
	}
	return n, err
}

func noGzip(err error) error {
	if f := fault.Of(err); f.Code == fault.TooLarge {
		return f
	}
	return fault.Wrap(err, fault.Malformed, "", "what is posted is not whole, or is no gzip")
}
