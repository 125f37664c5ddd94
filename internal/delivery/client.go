package delivery

import (
	"bytes"
	"context"
	"crypto/sha256"
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"maps"
	"net"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"time"

	"github.com/go-json-experiment/json"

	"github.com/comity-exchange/comity/fault"
	"github.com/comity-exchange/comity/internal/exchange"
	"github.com/comity-exchange/comity/internal/journal"
	"github.com/comity-exchange/comity/internal/store"
	"github.com/comity-exchange/comity/party"
	"github.com/comity-exchange/comity/statement"
	"github.com/comity-exchange/comity/translog"
)

// Wire names of NET-2, NET-3 and NET-7.
const (
	mediaPacket  = "application/vnd.comity.packet"
	mediaProblem = "application/problem+json"
	pathPackets  = "/comity/v1/packets"
	pathPull     = "/comity/v1/pull"
	pathProof    = "/comity/v1/proof"
	pathMirror   = "/comity/v1/mirror"
	headAccepted = "Comity-Accepted" // greatest size of the other side's log that is accepted
	headBlob     = "Comity-Blob"     // <sha256>=<bytes here>, one header a blob that is not whole
	maxWire      = 16 << 20          // NET-6
)

// client makes the HTTPS client for one peer: TLS 1.3, pinned to the key in its letter, in both directions.
func (c *Courier) client(code party.Code) *http.Client {
	dial := c.Dial
	if dial == nil {
		dial = (&net.Dialer{Timeout: 10 * time.Second}).DialContext
	}
	var transport http.RoundTripper = &http.Transport{
		DialContext:           dial,
		TLSHandshakeTimeout:   10 * time.Second,
		ResponseHeaderTimeout: time.Minute,
		IdleConnTimeout:       90 * time.Second,
		MaxIdleConnsPerHost:   2,
		ForceAttemptHTTP2:     true,
		TLSClientConfig: &tls.Config{
			MinVersion:   tls.VersionTLS13,
			Certificates: []tls.Certificate{c.Certificate},
			// No authority is asked: VerifyConnection holds the key against the letter.
			// spec: NET-1
			InsecureSkipVerify: true,
			VerifyConnection: func(s tls.ConnectionState) error {
				letter, err := c.letterOf(context.Background(), code)
				if err != nil {
					return err
				}
				if len(s.PeerCertificates) == 0 || sha256.Sum256(s.PeerCertificates[0].RawSubjectPublicKeyInfo) != letter.TLS {
					return fault.New(fault.NotAuthentic, "NET-1", "what answers is not %s: its key is not the one in the letter", code)
				}
				return nil
			},
		},
	}
	if c.Transport != nil {
		transport = c.Transport(code, transport)
	}
	return &http.Client{
		Timeout:       5 * time.Minute,
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
		Transport:     transport,
	}
}

// ask makes one request, at the endpoint that answered last, or else at the next one that does: behind several stand several processes of the peer's, and
// none of them is everybody's first.
func (c *Courier) ask(ctx context.Context, letter *party.Letter, l *line, method, path string, body []byte, header http.Header) (*http.Response, error) {
	var errs []error
	for i := range letter.Endpoints {
		at := (l.endpoint + i) % len(letter.Endpoints)
		endpoint := letter.Endpoints[at]
		var content io.Reader
		if len(body) > 0 {
			content = bytes.NewReader(body)
		}
		req, err := http.NewRequestWithContext(ctx, method, endpoint+path, content)
		if err != nil {
			return nil, fault.Wrap(err, fault.Malformed, "LTR-3", "an endpoint of %s is no URL", letter.Code)
		}
		req.Header = header.Clone()
		if len(body) > 0 {
			req.Header.Set("Content-Type", mediaPacket)
		}
		asked := c.Now()
		resp, err := l.client.Do(req)
		if err == nil {
			if l.endpoint = at; resp.StatusCode >= http.StatusInternalServerError {
				l.endpoint++ // this one cannot now; the next time another is asked
			}
			c.dated(letter.Code, asked, resp.Header)
			return resp, nil
		}
		errs = append(errs, err)
	}
	err := errors.Join(errs...)
	var f *fault.Error
	if errors.As(err, &f) {
		return nil, f
	}
	return nil, fault.Wrap(err, fault.Unavailable, "NET-4", "%s cannot be reached", letter.Code)
}

// post delivers one packet and takes the receipts that answer it.
func (c *Courier) post(ctx context.Context, code party.Code, letter *party.Letter, l *line, p *parcel) error {
	c.Reached.At(pointPacked)
	var sealed bytes.Buffer
	if err := c.Codec.Seal(&sealed, letter.Seal, &p.contents); err != nil {
		return err
	}
	ctx = c.sealed(ctx, p, sealed.Bytes())
	c.Reached.At(pointSealed)
	tree, err := c.theirs(ctx, letter.Origin)
	if err != nil {
		return err
	}
	header := http.Header{}
	header.Set(headAccepted, strconv.FormatInt(tree.Size, 10)) // so that the answer proves from there
	resp, err := c.ask(c.traced(ctx), letter, l, http.MethodPost, pathPackets, sealed.Bytes(), header)
	if err != nil {
		return err
	}
	defer resp.Body.Close()
	c.Reached.At(pointAnswered)
	if err := c.heed(ctx, code, l, p.tree.Origin, resp.Header, resp.StatusCode == http.StatusConflict); err != nil {
		return err
	}
	c.Reached.At(pointHeeded)
	switch resp.StatusCode {
	case http.StatusNoContent:
		return nil
	case http.StatusOK:
		_, err := c.receive(ctx, code, io.LimitReader(resp.Body, maxWire), c.prover(letter, l))
		return err
	}
	return problemOf(letter.Code, resp)
}

// maxStale is how often in a row a packet is made anew because the peer had accepted more of the own log than was known here.
const maxStale = 5

// send packs and posts until the packet's proof is one that the peer can check: an answer that was on its way may have told it more of the own log in the
// meantime. It gives what was sent, which is empty when there was nothing to send, and nil when nothing was ever said here. With last, a packet of that
// signature is not sent again: taken and not receipted, it would go round for ever.
func (c *Courier) send(ctx context.Context, code party.Code, letter *party.Letter, l *line, origin party.Origin, only []statement.ID, last string) (*parcel, error) {
	for try := 1; ; try++ {
		began := time.Now()
		p, err := c.pack(ctx, code, origin, only, l.have)
		if fault.CodeOf(err) == fault.NotFound {
			return nil, nil
		}
		if err != nil || only == nil && p.empty() {
			return p, err
		}
		if last != "" && p.signature() == last {
			return p, fault.New(fault.Unavailable, "NET-4", "%s takes packets and receipts nothing", code)
		}
		if p.fresh {
			clear(l.have) // what the peer has of one statement's blob says nothing of another's
		}
		err = c.posting(ctx, code, letter, l, p, began)
		// spec: LOG-8
		if fault.CodeOf(err) != fault.Parked || fault.ClauseOf(err) != "LOG-8" || try == maxStale {
			return p, err
		}
	}
}

// prover fetches proofs of consistency from a peer, of its own log.
func (c *Courier) prover(letter *party.Letter, l *line) exchange.Prover {
	return func(ctx context.Context, origin party.Origin, from, to int64) ([]translog.Hash, error) {
		path := fmt.Sprintf("%s?from=%d&to=%d", pathProof, from, to)
		if origin != letter.Origin {
			path += "&origin=" + url.QueryEscape(string(origin))
		}
		resp, err := c.ask(ctx, letter, l, http.MethodGet, path, nil, http.Header{})
		if err != nil {
			return nil, err
		}
		defer resp.Body.Close()
		if resp.StatusCode != http.StatusOK {
			return nil, problemOf(letter.Code, resp)
		}
		raw, err := io.ReadAll(io.LimitReader(resp.Body, 64<<10))
		if err != nil {
			return nil, fault.Wrap(err, fault.Unavailable, "NET-4", "%s broke off", letter.Code)
		}
		size, proof, err := translog.ParseConsistency(raw)
		if err == nil && size != from {
			err = fault.New(fault.Malformed, "LOG-8", "%s proved something else", letter.Code)
		}
		return proof, err
	}
}

// heed takes what an answer's headers say: how much of the own log the peer has, and how much of each blob.
func (c *Courier) heed(ctx context.Context, code party.Code, l *line, origin party.Origin, h http.Header, parked bool) error {
	// spec: NET-9
	for _, v := range h.Values(headBlob) {
		sum, n, err := parseBlobHeader(v)
		if err != nil {
			return err
		}
		l.have[sum] = n
	}
	size, err := strconv.ParseInt(h.Get(headAccepted), 10, 64)
	if err != nil || size < 0 {
		return nil // not said
	}
	return c.accepted(ctx, code, origin, size, parked)
}

func parseBlobHeader(v string) (statement.Digest, int64, error) {
	name, count, ok := strings.Cut(v, "=")
	sum, err := statement.ParseDigest(name)
	n, err2 := strconv.ParseInt(count, 10, 64)
	if !ok || err != nil || err2 != nil || n < exchange.Dropped {
		return sum, 0, fault.New(fault.Malformed, "NET-2", "a %s header is malformed", headBlob)
	}
	return sum, n, nil
}

func blobHeaders(h http.Header, blobs map[statement.Digest]int64) {
	for sum, n := range blobs {
		h.Add(headBlob, fmt.Sprintf("%s=%d", sum, n))
	}
}

// pull fetches packets from a peer until there are none, or what is to go out has waited for as long as it may, and posts the receipts.
func (c *Courier) pull(ctx context.Context, code party.Code, letter *party.Letter, l *line) error {
	// spec: NET-3, NET-5
	here := l.here
	began := time.Now()
	for barren := 0; barren < 2; {
		if time.Since(began) >= c.PullEvery {
			l.more = l.more || barren == 0
			return nil
		}
		header := http.Header{}
		tree, err := c.theirs(ctx, letter.Origin)
		if err != nil {
			return err
		}
		header.Set(headAccepted, strconv.FormatInt(tree.Size, 10))
		blobHeaders(header, here)
		resp, err := c.ask(ctx, letter, l, http.MethodPost, pathPull, nil, header)
		if err != nil {
			return err
		}
		found, progress, err := c.fetched(ctx, code, letter, l, resp, here)
		if err != nil || !found {
			return err
		}
		// The same packet may come twice, where its receipts were lost; one that keeps coming is left for the next time.
		if barren++; progress {
			barren = 0
		}
	}
	return nil
}

// fetched takes the answer to one pull: whether there was a packet, and whether it brought anything.
func (c *Courier) fetched(ctx context.Context, code party.Code, letter *party.Letter, l *line, resp *http.Response, here map[statement.Digest]int64) (found, progress bool, err error) {
	defer resp.Body.Close()
	switch resp.StatusCode {
	case http.StatusNoContent:
		return false, false, nil
	case http.StatusOK:
	default:
		return false, false, problemOf(letter.Code, resp)
	}
	c.Reached.At(pointFetched)
	got, err := c.receive(ctx, code, io.LimitReader(resp.Body, maxWire), c.prover(letter, l))
	if err != nil {
		return false, false, err
	}
	c.Reached.At(pointGot)
	progress = len(got.New) > 0
	for sum, n := range got.Blobs {
		before, known := here[sum]
		progress = progress || !known || n != before
	}
	clear(here)
	maps.Copy(here, got.Blobs)
	c.note(ctx, code, succeeded(statement.TimeOf(c.Now())))
	if len(got.Receipts) > 0 {
		_, err = c.send(ctx, code, letter, l, c.logOf(ctx, got.Receipts), got.Receipts, "")
		c.Reached.At(pointReplied)
	}
	return true, progress, err
}

func (c *Courier) theirs(ctx context.Context, origin party.Origin) (tree translog.Tree, err error) {
	err = c.Store.View(ctx, func(tx store.Tx) error {
		tree, err = journal.Newest(tx, origin)
		return err
	})
	return tree, err
}

// problem is the part of a problem document that a peer reads (NET-7).
type problem struct {
	Type   string     `json:"type"`
	Title  string     `json:"title"`
	Status int        `json:"status"`
	Code   fault.Code `json:"code"`
	Clause string     `json:"clause,omitzero"`
}

// problemOf makes a fault of a refusal. What the peer wrote is not repeated but for code and clause, and these only in their own forms.
func problemOf(code party.Code, resp *http.Response) error {
	raw, err := io.ReadAll(io.LimitReader(resp.Body, 64<<10))
	if err != nil {
		return fault.Wrap(err, fault.Unavailable, "NET-4", "%s broke off", code)
	}
	var p problem
	if json.Unmarshal(raw, &p) != nil || fault.Wire(p.Code) != p.Code || !statement.IsIdentifier(string(p.Code)) {
		return fault.New(fault.Unavailable, "NET-7", "%s answered with status %d", code, resp.StatusCode)
	}
	if !statement.IsIdentifier(p.Clause) {
		p.Clause = ""
	}
	return fault.New(p.Code, p.Clause, "%s does not take it: %s", code, p.Code)
}
