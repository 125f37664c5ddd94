package delivery

import (
	"bytes"
	"context"
	"crypto/sha256"
	"crypto/tls"
	"net/http"
	"strconv"
	"time"

	"github.com/go-json-experiment/json"

	"github.com/comity-exchange/comity/fault"
	"github.com/comity-exchange/comity/internal/journal"
	"github.com/comity-exchange/comity/internal/store"
	"github.com/comity-exchange/comity/party"
	"github.com/comity-exchange/comity/statement"
	"github.com/comity-exchange/comity/translog"
)

// TLS is the server's side of NET-1: TLS 1.3 alone, and no handshake with a key that no confirmed letter names.
func (c *Courier) TLS() *tls.Config {
	return &tls.Config{
		MinVersion:             tls.VersionTLS13,
		Certificates:           []tls.Certificate{c.Certificate},
		ClientAuth:             tls.RequireAnyClientCert,
		SessionTicketsDisabled: true,
		NextProtos:             []string{"h2", "http/1.1"},
		// spec: NET-1
		VerifyConnection: func(s tls.ConnectionState) error {
			_, err := c.callerOf(context.Background(), &s)
			return err
		},
	}
}

// callerOf finds the party whose letter names the key of a connection.
func (c *Courier) callerOf(ctx context.Context, s *tls.ConnectionState) (party.Code, error) {
	unknown := fault.New(fault.Unknown, "NET-1", "no confirmed letter names this key")
	if s == nil || len(s.PeerCertificates) == 0 {
		return "", unknown
	}
	sum := sha256.Sum256(s.PeerCertificates[0].RawSubjectPublicKeyInfo)
	var found party.Code
	var bad error
	err := c.Store.View(ctx, func(tx store.Tx) error {
		return tx.EachLetter(func(row store.Letter) bool {
			if row.Status != store.LetterConfirmed || row.Code == c.Self {
				return true
			}
			l, err := c.Exchange.Parsed(row)
			if err != nil {
				bad = err
				return false
			}
			if l.TLS == sum {
				found = l.Code
			}
			return found == ""
		})
	})
	if err == nil {
		err = bad
	}
	if err == nil && found == "" {
		err = unknown
	}
	return found, err
}

// Handler serves peers (NET-2, NET-3). It must stand behind a listener with TLS's configuration.
func (c *Courier) Handler() http.Handler {
	mux := http.NewServeMux()
	mux.HandleFunc("POST "+pathPackets, c.guard(c.servePackets))
	mux.HandleFunc("POST "+pathPull, c.guard(c.servePull))
	mux.HandleFunc("GET "+pathProof, c.guard(c.serveProof))
	mux.HandleFunc("GET "+pathMirror, c.guard(c.serveMirror))
	mux.HandleFunc("/", func(w http.ResponseWriter, r *http.Request) {
		c.refuse(r.Context(), w, "", fault.New(fault.NotFound, "NET-2", "nothing is served here"))
	})
	return mux
}

// guard says who calls, and bounds how much.
func (c *Courier) guard(serve func(w http.ResponseWriter, r *http.Request, caller party.Code) error) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		caller, err := c.callerOf(r.Context(), r.TLS)
		if err != nil {
			c.refuse(r.Context(), w, "", err)
			return
		}
		q := c.quota(caller)
		// spec: NET-6
		if !q.take(time.Now()) {
			c.refuse(r.Context(), w, caller, fault.New(fault.Quota, "NET-6", "too many packets at once"))
			return
		}
		defer q.done()
		r.Body = http.MaxBytesReader(w, r.Body, maxWire)
		c.date(w)
		ctx, end := c.Observe.Step(r.Context(), "serve", caller, time.Time{})
		if err = serve(w, r.WithContext(ctx), caller); err != nil {
			c.refuse(c.about(ctx, err), w, caller, err)
		}
		end(err)
	}
}

// refuse answers with a problem document: code and clause, and a message that is safe to show.
func (c *Courier) refuse(ctx context.Context, w http.ResponseWriter, caller party.Code, err error) {
	// spec: NET-7
	f := fault.Of(err)
	c.Log.InfoContext(ctx, "refused", "peer", string(caller), "code", string(f.Code), "clause", f.Clause, "error", err)
	p := problem{Type: "about:blank", Title: f.Msg, Status: fault.HTTP(f.Code), Code: fault.Wire(f.Code), Clause: f.Clause}
	raw, err := json.Marshal(p)
	if err != nil {
		raw = []byte("{}")
	}
	w.Header().Set("Content-Type", mediaProblem)
	w.WriteHeader(p.Status)
	_, _ = w.Write(raw) // the caller is gone if this fails
}

// servePackets takes a packet and answers with the receipts (NET-2).
func (c *Courier) servePackets(w http.ResponseWriter, r *http.Request, caller party.Code) error {
	// spec: NET-2
	if err := c.hears(r, caller); err != nil {
		return err
	}
	if err := c.stands(r.Context()); err != nil {
		return err
	}
	c.Reached.At(pointAsked)
	got, err := c.receive(r.Context(), caller, r.Body, nil)
	c.Reached.At(pointReceived)
	if got.Author == caller {
		w.Header().Set(headAccepted, strconv.FormatInt(got.Accepted, 10))
	}
	if err != nil {
		return err
	}
	blobHeaders(w.Header(), got.Blobs)
	if len(got.Receipts) == 0 {
		w.WriteHeader(http.StatusNoContent)
		return nil
	}
	p, err := c.next(r.Context(), caller, got.Receipts, nil)
	if err != nil {
		return err
	}
	return c.answer(w, r, caller, p)
}

// hears takes from a request how much of the own log the caller has accepted.
func (c *Courier) hears(r *http.Request, caller party.Code) error {
	// spec: NET-9
	size, err := strconv.ParseInt(r.Header.Get(headAccepted), 10, 64)
	if err != nil || size < 0 {
		return nil // not said
	}
	if err := c.heardOf(r.Context(), caller, size); err != nil {
		return err
	}
	return c.accepted(r.Context(), caller, c.Origin, size, false)
}

// servePull hands the caller its next packet (NET-3).
func (c *Courier) servePull(w http.ResponseWriter, r *http.Request, caller party.Code) error {
	// spec: NET-3
	if err := c.hears(r, caller); err != nil {
		return err
	}
	if err := c.stands(r.Context()); err != nil {
		return err
	}
	have := map[statement.Digest]int64{}
	for _, v := range r.Header.Values(headBlob) {
		sum, n, err := parseBlobHeader(v)
		if err != nil {
			return err
		}
		have[sum] = n
	}
	p, err := c.next(r.Context(), caller, nil, have)
	if fault.CodeOf(err) == fault.NotFound || err == nil && p.empty() {
		w.WriteHeader(http.StatusNoContent)
		return nil
	}
	if err != nil {
		return err
	}
	if err := c.answer(w, r, caller, p); err != nil {
		return err
	}
	c.Reached.At(pointPulled)
	if err := c.taken(r.Context(), caller, p); err != nil {
		c.Log.WarnContext(r.Context(), "a peer's row was not written", "peer", string(caller), "error", err) // it was answered; nothing hangs on the row
	}
	return nil
}

// answer seals a parcel for the caller. Sealed whole before the first byte goes, so that a failure is still a problem document.
func (c *Courier) answer(w http.ResponseWriter, r *http.Request, caller party.Code, p *parcel) error {
	letter, err := c.letterOf(r.Context(), caller)
	if err != nil {
		return err
	}
	var sealed bytes.Buffer
	if err := c.Codec.Seal(&sealed, letter.Seal, &p.contents); err != nil {
		return err
	}
	c.Reached.At(pointReady)
	w.Header().Set("Content-Type", mediaPacket)
	w.Header().Set("Content-Length", strconv.Itoa(sealed.Len()))
	began := time.Now()
	_, _ = w.Write(sealed.Bytes()) // a caller that is gone asks again
	c.Observe.Packet(c.sealed(r.Context(), p, sealed.Bytes()), caller, true, int64(sealed.Len()), time.Since(began), nil)
	c.Reached.At(pointHanded)
	// The next proof starts where this one ends: nothing receipts an answer. Where it was lost, the caller says so with its next request, or parks what
	// comes and says from where.
	defer c.Reached.At(pointNoted)
	return c.accepted(r.Context(), caller, p.tree.Origin, p.tree.Size, false)
}

// serveProof proves that the own log of one size is the beginning of that of another.
func (c *Courier) serveProof(w http.ResponseWriter, r *http.Request, _ party.Code) error {
	// spec: NET-10
	from, err1 := strconv.ParseInt(r.URL.Query().Get("from"), 10, 64)
	to, err2 := strconv.ParseInt(r.URL.Query().Get("to"), 10, 64)
	if err1 != nil || err2 != nil || from < 1 || to < from {
		return fault.New(fault.Malformed, "LOG-8", "from and to are sizes, from not above to")
	}
	origin, err := c.ownLog(r)
	if err != nil {
		return err
	}
	var proof []translog.Hash
	err = c.Store.View(r.Context(), func(tx store.Tx) error {
		tree, err := journal.Newest(tx, origin)
		if err != nil {
			return err
		}
		if to > tree.Size {
			return fault.New(fault.NotFound, "LOG-8", "the log has no size %d", to)
		}
		proof, err = translog.Consistency(from, to, c.Journal.Tiles(tx, origin))
		return err
	})
	if err != nil {
		return err
	}
	w.Header().Set("Content-Type", "text/plain; charset=utf-8")
	_, _ = w.Write(translog.FormatConsistency(from, proof))
	return nil
}
