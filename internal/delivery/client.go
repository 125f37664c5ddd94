package delivery

import (
	"bytes"
	"context"
	"crypto/sha256"
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
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
	return &http.Client{
		Timeout:       5 * time.Minute,
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
		Transport: &http.Transport{
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
		},
	}
}

// ask makes one request at the first endpoint that answers.
func (c *Courier) ask(ctx context.Context, letter *party.Letter, l *line, method, path string, body []byte, header http.Header) (*http.Response, error) {
	var errs []error
	for _, endpoint := range letter.Endpoints {
		req, err := http.NewRequestWithContext(ctx, method, endpoint+path, bytes.NewReader(body))
		if err != nil {
			return nil, fault.Wrap(err, fault.Malformed, "LTR-3", "an endpoint of %s is no URL", letter.Code)
		}
		req.Header = header.Clone()
		if len(body) > 0 {
			req.Header.Set("Content-Type", mediaPacket)
		}
		resp, err := l.client.Do(req)
		if err == nil {
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
	var sealed bytes.Buffer
	if err := c.Codec.Seal(&sealed, letter.Seal, &p.contents); err != nil {
		return err
	}
	tree, err := c.theirs(ctx, letter.Origin)
	if err != nil {
		return err
	}
	header := http.Header{}
	header.Set(headAccepted, strconv.FormatInt(tree.Size, 10)) // so that the answer proves from there
	resp, err := c.ask(ctx, letter, l, http.MethodPost, pathPackets, sealed.Bytes(), header)
	if err != nil {
		return err
	}
	defer resp.Body.Close()
	if err := c.heed(ctx, code, l, resp.Header); err != nil {
		return err
	}
	switch resp.StatusCode {
	case http.StatusNoContent:
		return nil
	case http.StatusOK:
		_, err := c.Exchange.Receive(ctx, code, io.LimitReader(resp.Body, maxWire))
		return err
	}
	return problemOf(letter.Code, resp)
}

// heed takes what an answer's headers say: how much of the own log the peer has, and how much of each blob.
func (c *Courier) heed(ctx context.Context, code party.Code, l *line, h http.Header) error {
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
	return c.accepted(ctx, code, size)
}

// accepted notes how much of the own log a peer says that it has. It is only a hint for the next proof, so a lie harms the liar.
func (c *Courier) accepted(ctx context.Context, code party.Code, size int64) error {
	var row store.Peer
	err := c.Store.View(ctx, func(tx store.Tx) (err error) {
		row, err = tx.Peer(code)
		return err
	})
	if err != nil || row.Accepted == size {
		return err
	}
	c.note(ctx, code, func(row *store.Peer) { row.Accepted = size })
	return nil
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

// pull fetches packets from a peer until there are none, and posts the receipts.
func (c *Courier) pull(ctx context.Context, code party.Code, letter *party.Letter, l *line) error {
	// spec: NET-3, NET-5
	here := map[statement.Digest]int64{}
	for {
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
		more, err := c.fetched(ctx, code, letter, l, resp, here)
		if err != nil || !more {
			return err
		}
	}
}

// fetched takes the answer to one pull.
func (c *Courier) fetched(ctx context.Context, code party.Code, letter *party.Letter, l *line, resp *http.Response, here map[statement.Digest]int64) (more bool, err error) {
	defer resp.Body.Close()
	switch resp.StatusCode {
	case http.StatusNoContent:
		return false, nil
	case http.StatusOK:
	default:
		return false, problemOf(letter.Code, resp)
	}
	got, err := c.Exchange.Receive(ctx, code, io.LimitReader(resp.Body, maxWire))
	if err != nil {
		return false, err
	}
	clear(here)
	for sum, n := range got.Blobs {
		here[sum] = n
	}
	c.note(ctx, code, func(row *store.Peer) {
		row.LastSuccess = statement.TimeOf(c.Now())
		row.LastTry, row.Attempts, row.NextTry, row.LastError, row.LastCode = row.LastSuccess, 0, statement.Time{}, "", ""
	})
	if len(got.Receipts) == 0 {
		return len(got.Blobs) > 0, nil
	}
	p, err := c.pack(ctx, code, got.Receipts, nil)
	if err != nil {
		return false, err
	}
	return true, c.post(ctx, code, letter, l, p)
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

// settleViews asks a peer to prove checkpoints of its log that third parties showed and that are not known to be consistent with what it showed here.
func (c *Courier) settleViews(ctx context.Context, code party.Code, letter *party.Letter, l *line) error {
	// spec: LOG-8, LOG-9
	var open []store.Checkpoint
	var newest translog.Tree
	err := c.Store.View(ctx, func(tx store.Tx) (err error) {
		open = nil
		if newest, err = journal.Newest(tx, letter.Origin); err != nil {
			return err
		}
		return tx.Checkpoints(letter.Origin, 0, func(cp store.Checkpoint) bool {
			if !cp.Proven && cp.Size <= newest.Size {
				open = append(open, cp)
			}
			return len(open) < 16
		})
	})
	if err != nil {
		return err
	}
	for _, cp := range open {
		path := fmt.Sprintf("%s?from=%d&to=%d", pathProof, cp.Size, newest.Size)
		resp, err := c.ask(ctx, letter, l, http.MethodGet, path, nil, http.Header{})
		if err != nil {
			return err
		}
		if err := c.settleView(ctx, code, cp, newest, resp); err != nil {
			return err
		}
	}
	return nil
}

func (c *Courier) settleView(ctx context.Context, code party.Code, cp store.Checkpoint, newest translog.Tree, resp *http.Response) error {
	defer resp.Body.Close()
	if resp.StatusCode != http.StatusOK {
		return problemOf(code, resp)
	}
	raw, err := io.ReadAll(io.LimitReader(resp.Body, 64<<10))
	if err != nil {
		return fault.Wrap(err, fault.Unavailable, "NET-4", "%s broke off", code)
	}
	from, proof, err := translog.ParseConsistency(raw)
	if err == nil && from == cp.Size {
		err = translog.CheckConsistency(proof, cp.Size, newest.Size, cp.Root, newest.Root)
	}
	if err != nil {
		return fault.Wrap(err, fault.Fork, "LOG-9", "%s cannot show that its log, as others saw it, is the one that it shows here", code)
	}
	return c.Exchange.Update(ctx, func(tx store.Tx) error {
		cp.Proven = true
		if err := tx.PutCheckpoint(cp); err != nil || cp.Size == newest.Size {
			return err
		}
		return tx.PutConsistency(store.Consistency{Origin: cp.Origin, From: cp.Size, To: newest.Size, Hashes: proof})
	})
}
