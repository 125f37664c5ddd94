package fedtest

import (
	"bytes"
	"context"
	"crypto/tls"
	"net"
	"net/http"
	"strings"
	"sync"
	"testing"

	"github.com/comity-exchange/comity/fault"
	"github.com/comity-exchange/comity/internal/exchange"
	"github.com/comity-exchange/comity/internal/node"
	"github.com/comity-exchange/comity/internal/store"
	"github.com/comity-exchange/comity/packet"
	"github.com/comity-exchange/comity/party"
	"github.com/comity-exchange/comity/statement"
)

// XT's keys were stolen. It revokes them by a letter under its recovery key; from then on whoever has them is not heard, by whatever way he comes. Where the thief has come
// first, the letter is taken all the same, and what he said stands no longer.
func TestStolenLogKey(t *testing.T) {
	t.Parallel()
	f := New(t, "XA", "XB", "XC")
	thief, friend := f.stranger("XT", "XA", "XB"), f.stranger("XN", "XA", "XB")
	xa, xb := f.At("XA"), f.At("XB")
	last := thief.office(func(h *statement.Head) { h.To = []party.Code{"XA", "XB"} }) // by its owner, as yet
	thief.takes("XA", last)
	thief.takes("XB", last)
	_, closed := thief.tree(thief.ids)

	// The log's keys alone make no letter that anybody takes.
	recovery, err := thief.keys.Next(2)
	f.must(err)
	forged := thief.letter.Follow()
	forged.TLS, forged.Seal = recovery.TLSDigest(), recovery.Seal()
	raw, err := party.SignLetter(forged, thief.signer, nil)
	f.must(err)
	before := xa.holdings()
	// spec: LTR-6
	if _, err := xa.ImportLetter(t.Context(), raw); fault.CodeOf(err) != fault.NotAuthentic || fault.ClauseOf(err) != "LTR-6" {
		t.Errorf("a letter by the stolen keys alone: %v", err)
	}
	if changed := xa.holdings().since(before); changed != "" {
		t.Errorf("it left traces: %s", changed)
	}
	// At XB the thief is before the letter.
	early := thief.office(func(h *statement.Head) { h.To = []party.Code{"XB"} })
	thief.takes("XB", early)
	xb.Has(early.ID)

	// The owner revokes.
	next := thief.letter.Follow()
	recovery.Fill(&next)
	next.Closing = &party.Closing{Origin: "XT/1", Size: closed.Size, Root: closed.Root[:]}
	next.Revokes = true
	raw, err = party.SignLetter(next, recovery, thief.recovery)
	f.must(err)
	letter, err := party.ParseLetter(raw)
	f.must(err)
	for _, p := range []*Party{xa, xb} {
		// spec: LTR-7
		if _, err := p.ImportLetter(t.Context(), raw); err != nil || p.status(letter) != store.LetterConfirmed || p.status(thief.letter) != store.LetterRevoked {
			t.Errorf("%s: the letter that revokes: %v; it is %s, the one before %s", p.Code, err, p.status(letter), p.status(thief.letter))
		}
	}
	for _, to := range []party.Code{"XA", "XB"} {
		later := thief.office(func(h *statement.Head) { h.To = []party.Code{to} })
		// spec: NET-1
		thief.turnedAway(to, "over a connection that was open before", "NET-1", func() answer { return thief.send(to, thief.seal(to, thief.contents(to, later))) })
	}
	thief.client.CloseIdleConnections()
	for _, to := range []party.Code{"XA", "XB"} {
		later := thief.office(func(h *statement.Head) { h.To = []party.Code{to} })
		// Through the door: the letter names another TLS key.
		l, err := f.At(to).OwnLetter(t.Context())
		f.must(err)
		if resp, err := thief.client.Post(l.Endpoints[0]+"/comity/v1/packets", "", nil); err == nil {
			resp.Body.Close()
			t.Errorf("%s answers the thief: %s", to, resp.Status)
		}
		// By a party that it trusts.
		friend.turnedAway(to, "a packet of the closed log", "LTR-7", func() answer { return friend.send(to, thief.seal(to, thief.contents(to, later))) })
		// As a checkpoint that somebody has seen: it is passed over.
		before := f.At(to).holdings()
		c := friend.contents(to)
		c.Witnessed = [][]byte{thief.checkpoint(f.Clock.Now())}
		if a := friend.post(to, c); a.status != http.StatusNoContent {
			t.Errorf("%+v", a)
		}
		if changed := f.At(to).holdings().since(before, "peer", "meta", "checkpoint"); changed != "" || len(f.At(to).forks()) > 0 {
			t.Errorf("%s: it left traces: %s", to, changed)
		}
	}
	// Its owner goes on with the new log.
	owner, _ := f.faceless("XT")
	cert, err := recovery.Certificate()
	f.must(err)
	owner.keys, owner.signer, owner.serial, owner.client = recovery, recovery, 2, clientWith(t, cert)
	again := owner.office(nil)
	owner.takes("XA", again)
	xa.Has(again.ID)
	f.honest()
}

// A second letter for a party that is confirmed already, which does not follow the first, is nobody's: even with its words read out, whoever made it does not take the party's place.
func TestSecondLetter(t *testing.T) {
	t.Parallel()
	f := New(t, "XA", "XB")
	xa := f.At("XA")
	impostor := f.stranger("XM", "XA") // whose letter comes first, and waits for its words
	f.must(xa.Exchange.Update(t.Context(), func(tx store.Tx) error {
		row, err := tx.Letter("XM")
		row.Status = store.LetterImported
		return firstOf(err, tx.PutLetter(row))
	}))
	m := f.stranger("XM", "XA")
	_, err := xa.Confirm(t.Context(), "XM", impostor.letter.Words())
	// spec: LTR-6, LTR-8
	if fault.CodeOf(err) != fault.Inadmissible || fault.ClauseOf(err) != "LTR-6" || xa.status(impostor.letter) != store.LetterImported || xa.status(m.letter) != store.LetterConfirmed {
		t.Errorf("%v; the impostor's letter is %s, the party's is %s", err, xa.status(impostor.letter), xa.status(m.letter))
	}
	h := m.office(nil)
	m.takes("XA", h)
	xa.Has(h.ID)
	f.honest()
}

func firstOf(errs ...error) error {
	for _, err := range errs {
		if err != nil {
			return err
		}
	}
	return nil
}

// tap hears all that goes over a party's connections, and what it sends inside them.
type tap struct {
	mu       sync.Mutex
	outside  bytes.Buffer // guarded by mu
	requests [][]byte     // guarded by mu
}

type tapped struct {
	net.Conn
	t *tap
}

func (c tapped) Write(b []byte) (int, error) {
	c.t.mu.Lock()
	c.t.outside.Write(b)
	c.t.mu.Unlock()
	return c.Conn.Write(b)
}

// RoundTrip keeps what a request carries.
func (t *tap) trip(base http.RoundTripper) roundTrip {
	return func(req *http.Request) (*http.Response, error) {
		if req.GetBody != nil {
			body, err := req.GetBody()
			if err != nil {
				return nil, err
			}
			var raw bytes.Buffer
			if _, err := raw.ReadFrom(body); err != nil {
				return nil, err
			}
			t.mu.Lock()
			t.requests = append(t.requests, raw.Bytes())
			t.mu.Unlock()
		}
		return base.RoundTrip(req)
	}
}

type roundTrip func(*http.Request) (*http.Response, error)

func (r roundTrip) RoundTrip(req *http.Request) (*http.Response, error) { return r(req) }

// Somebody reads along between XA and XB. Of the connection he sees TLS 1.3 alone; and if he broke that, he would have packets that XB alone opens.
func TestReadOnTheWire(t *testing.T) {
	t.Parallel()
	f := New(t, "XA", "XB", "XC")
	xa, xb := f.At("XA"), f.At("XB")
	f.Quiet()
	wire := &tap{}
	xa.Restart(func(o *node.Options) {
		dial := o.Dial
		o.Dial = func(ctx context.Context, network, address string) (net.Conn, error) {
			c, err := dial(ctx, network, address)
			if err != nil {
				return nil, err
			}
			return tapped{c, wire}, nil
		}
		o.Transport = func(_ party.Code, base http.RoundTripper) http.RoundTripper { return wire.trip(base) }
	})
	said := xa.Say(exchange.Draft{Kind: "credence.office", To: []party.Code{"XB"}, Text: "The word is walnut."}, party.OfficeFacts{Office: "XA.cert", Letter: statement.Digest{1}})
	xb.Has(said.ID)
	xa.Delivered(said.ID)
	wire.mu.Lock()
	defer wire.mu.Unlock()
	// spec: NET-1, PKT-1
	for _, plain := range []string{"walnut", "credence.office", "comity/v1", "XA/1", "Party XA"} {
		if bytes.Contains(wire.outside.Bytes(), []byte(plain)) {
			t.Errorf("%q shows on the wire", plain)
		}
	}
	if len(wire.requests) == 0 || wire.outside.Len() < len(wire.requests[0]) {
		t.Fatalf("nothing was heard: %d requests, %d bytes", len(wire.requests), wire.outside.Len())
	}
	for _, raw := range wire.requests {
		for _, plain := range []string{"walnut", "credence.office", "XA/1"} {
			if bytes.Contains(raw, []byte(plain)) {
				t.Errorf("%q shows inside TLS", plain)
			}
		}
		if err := packet.NewCodec().Open(bytes.NewReader(raw), f.At("XC").Keys.Identity(), &unpacked{}); fault.CodeOf(err) != fault.NotAddressed || fault.ClauseOf(err) != "PKT-1" {
			t.Errorf("XC opens what was sealed to XB: %v", err)
		}
	}
	// And nobody is talked into an older TLS.
	own, err := xb.OwnLetter(t.Context())
	f.must(err)
	cert, err := xa.Keys.Certificate()
	f.must(err)
	c, err := (&tls.Dialer{Config: &tls.Config{MaxVersion: tls.VersionTLS12, Certificates: []tls.Certificate{cert}, InsecureSkipVerify: true}}).DialContext(
		t.Context(), "tcp", strings.TrimPrefix(own.Endpoints[0], "https://"))
	if err == nil {
		c.Close()
		t.Error("XB speaks TLS 1.2")
	}
}
