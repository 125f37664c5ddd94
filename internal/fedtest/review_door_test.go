package fedtest

import (
	"bytes"
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"net/http"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/comity-exchange/comity/desk/credence"
	"github.com/comity-exchange/comity/evidence"
	"github.com/comity-exchange/comity/fault"
	"github.com/comity-exchange/comity/internal/exchange"
	"github.com/comity-exchange/comity/internal/keystore"
	"github.com/comity-exchange/comity/internal/store"
	"github.com/comity-exchange/comity/party"
	"github.com/comity-exchange/comity/statement"
)

// witnessed checks that the evidence of a statement shows exactly these parties as its witnesses.
func (p *Party) witnessed(id statement.ID, by ...party.Code) {
	p.F.T.Helper()
	b, err := p.Evidence(p.F.T.Context(), id, false)
	p.F.must(err)
	r := evidence.Verify(b, nil)
	var got []party.Code
	for _, w := range r.Items[0].Witnessed {
		got = append(got, w.Party)
	}
	if !r.OK() || !slices.Equal(got, by) {
		p.F.T.Errorf("%s: witnessed by %v, want %v; %s", p.Code, got, by, r.Items[0].Verdict)
	}
}

// status is what a party holds a letter for.
func (p *Party) status(l *party.Letter) (s store.LetterStatus) {
	p.F.T.Helper()
	all, err := p.Letters(p.F.T.Context())
	p.F.must(err)
	for _, v := range all {
		if v.Digest == l.Digest {
			s = v.Status
		}
	}
	return s
}

// A letter with a key of somebody else is right by itself, and its words are right. Whoever could have it confirmed would stand in the other's place at the door.
func TestBorrowedKeys(t *testing.T) {
	t.Parallel()
	f := New(t, "XA", "XB")
	xa, xb := f.At("XA"), f.At("XB")
	a, err := xa.OwnLetter(t.Context())
	f.must(err)
	b, err := xb.OwnLetter(t.Context())
	f.must(err)
	recovery, err := keystore.GenerateRecovery()
	f.must(err)
	public, err := recovery.PublicKeys(party.RoleRecovery)
	f.must(err)
	sign := func(d party.Letter, keys, recovery party.Signer) *party.Letter {
		d.Names, d.Issued = map[string]string{"en": "Somebody"}, statement.TimeOf(f.Clock.Now())
		raw, err := party.SignLetter(d, keys, recovery)
		f.must(err)
		l, err := party.ParseLetter(raw)
		f.must(err)
		return l
	}
	letter := func(code party.Code, borrow func(*party.Letter)) *party.Letter {
		keys, err := keystore.Generate(code, 1)
		f.must(err)
		d := keys.Draft(public)
		borrow(&d)
		return sign(d, keys, nil)
	}
	borrowed := func(err error) bool { return fault.CodeOf(err) == fault.NotAuthentic && fault.ClauseOf(err) == "LTR-3" }
	// spec: LTR-3
	for name, l := range map[string]*party.Letter{
		"the key at the door":  letter("XC", func(d *party.Letter) { d.TLS = a.TLS }),
		"the sealing key":      letter("XD", func(d *party.Letter) { d.Seal = a.Seal }),
		"the receiver's own":   letter("XE", func(d *party.Letter) { d.TLS = b.TLS }),
		"its principal's key":  letter("XA.press", func(d *party.Letter) { d.TLS = a.TLS }),
		"the receiver's seal":  letter("XF", func(d *party.Letter) { d.Seal = b.Seal }),
		"both, from two of us": letter("XG", func(d *party.Letter) { d.TLS, d.Seal = a.TLS, b.Seal }),
	} {
		_, err := xb.ImportLetter(t.Context(), l.Raw)
		f.must(err)
		if _, err = xb.Confirm(t.Context(), l.Code, l.Words()); !borrowed(err) || xb.status(l) != store.LetterImported {
			t.Errorf("%s: %v; the letter is %s", name, err, xb.status(l))
		}
	}
	// Nor where no words are asked for: an office whose principal vouches, and a letter that follows a confirmed one.
	office := letter("XA.cert", func(d *party.Letter) { d.TLS = a.TLS })
	said := xa.Say(exchange.Draft{Kind: credence.KindOffice, To: []party.Code{"XB"}}, party.OfficeFacts{Office: "XA.cert", Letter: office.Digest})
	xb.Has(said.ID)
	if _, err := xb.ImportLetter(t.Context(), office.Raw); !borrowed(err) || xb.status(office) == store.LetterConfirmed {
		t.Errorf("an office: %v", err)
	}
	keys, err := keystore.Generate("XH", 1)
	f.must(err)
	first := sign(keys.Draft(public), keys, nil)
	_, err = xb.ImportLetter(t.Context(), first.Raw)
	f.must(err)
	_, err = xb.Confirm(t.Context(), "XH", first.Words())
	f.must(err)
	d := first.Follow()
	d.Seal = a.Seal
	next := sign(d, keys, recovery)
	if _, err := xb.ImportLetter(t.Context(), next.Raw); !borrowed(err) || xb.status(first) != store.LetterConfirmed {
		t.Errorf("a letter that follows: %v; the one before is %s", err, xb.status(first))
	}
	f.honest()
}

// A State withdraws its offices: one that it had introduced, and one whose words were read out. Neither is heard from then on; and nobody else can withdraw them.
func TestWithdrawnOffice(t *testing.T) {
	t.Parallel()
	f := New(t, "XA", "XB", "XM", "XA.law")
	f.add("XA.cert", true)
	xa, xb := f.At("XA"), f.At("XB")
	m := f.corrupt("XM", f.Agree(Pact("XB", "XM"), "XB"))
	own, err := f.At("XA.cert").OwnLetter(t.Context())
	f.must(err)
	said := xa.Say(exchange.Draft{Kind: credence.KindOffice, To: []party.Code{"XB"}}, party.OfficeFacts{Office: "XA.cert", Letter: own.Digest})
	xb.Has(said.ID)
	v, err := xb.ImportLetter(t.Context(), own.Raw)
	f.must(err)
	if v.Status != store.LetterConfirmed {
		t.Fatalf("the letter that its State vouches for is %s", v.Status)
	}
	f.At("XA.cert").Meet(xb)
	deposit := func(p *Party) statement.ID {
		d, err := p.Deposit(t.Context(), []byte(Pact(string(p.Code), "XB")), p.By("legal-adviser", "first"))
		f.must(err)
		return d.ID
	}
	offices := []*Party{f.At("XA.cert"), f.At("XA.law")}
	for _, p := range offices {
		m.takes("XB", m.say(func(h *statement.Head) {
			h.To, h.Kind, h.Agreement, h.Facts = []party.Code{"XB"}, credence.KindWithdraw, nil, []byte(`{"office":"`+p.Code+`"}`)
		}))
		xb.Has(deposit(p)) // XM withdraws what is not its own
	}
	f.Quiet()
	for _, p := range offices {
		out := xa.Say(exchange.Draft{Kind: credence.KindWithdraw, To: []party.Code{"XB"}}, party.WithdrawOfficeFacts{Office: p.Code})
		xb.Has(out.ID)
		id := deposit(p)
		// spec: LTR-10
		p.Until("to be turned away", func() bool { return p.queue("XB").Attempts > 0 })
		var bag bytes.Buffer
		_, _, err := p.Pack(t.Context(), "XB", &bag)
		f.must(err)
		if _, err := xb.Unpack(t.Context(), &bag, new(bytes.Buffer)); fault.CodeOf(err) != fault.Unknown || fault.ClauseOf(err) != "LTR-8" {
			t.Errorf("a packet of %s as a file: %v", p.Code, err)
		}
		if xb.here(id) {
			t.Errorf("%s is still heard", p.Code)
		}
	}
	f.honest()
}

// liar answers for a party whatever comes, with one lie after the other.
type liar struct {
	lies []http.Header

	mu   sync.Mutex
	told int // guarded by mu
}

func (l *liar) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	_, _ = io.Copy(io.Discard, r.Body)
	l.mu.Lock()
	n := l.told
	l.told++
	l.mu.Unlock()
	for name, values := range l.lies[n%len(l.lies)] {
		w.Header()[name] = values
	}
	switch n % 3 {
	case 0:
		w.WriteHeader(http.StatusNoContent)
	case 1:
		w.WriteHeader(http.StatusConflict)
	case 2:
		_, _ = w.Write([]byte("this is no packet"))
	}
}

// count is how many lies were told.
func (l *liar) count() int {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.told
}

// XM lies about what it has, in what it asks and in what it answers. Nobody else notices, nothing counts as arrived, and all that waits for it reaches it once it
// behaves.
func TestFalseHints(t *testing.T) {
	t.Parallel()
	f := New(t, "XA", "XB", "XM")
	agreed := f.Agree(Pact("XA", "XB", "XM"), "XA")
	f.Quiet()
	xa, xb, xm := f.At("XA"), f.At("XB"), f.At("XM")
	xm.Stop()
	cert, err := xm.Keys.Certificate()
	f.must(err)
	own, err := xa.OwnLetter(t.Context())
	f.must(err)
	blob := attachment("a", 100<<10, 12)
	var raw bytes.Buffer
	_, err = io.Copy(&raw, blob.Data)
	f.must(err)
	sum := statement.Sum(raw.Bytes()).String()
	blob.Data = bytes.NewReader(raw.Bytes())
	asked := xa.Ask(agreed, exchange.Draft{Text: "An image.", Blobs: []exchange.Attachment{blob}}, "XB", "XM")
	xb.wholeBlobs(asked.ID, 1)

	var lies []http.Header
	for _, size := range []string{"9223372036854775807", "9223372036854775808", "-1", "0", "1", "many", ""} {
		for _, part := range []string{sum + "=9223372036854775807", sum + "=99999", sum + "=-2", sum, "=1", "\x01", statement.Digest{1}.String() + "=5"} {
			lies = append(lies, http.Header{"Comity-Accepted": {size}, "Comity-Blob": {part, part}})
		}
	}
	client := clientWith(t, cert)
	for _, lie := range lies {
		for _, path := range []string{"/comity/v1/pull", "/comity/v1/packets"} {
			req, err := http.NewRequestWithContext(t.Context(), http.MethodPost, own.Endpoints[0]+path, nil)
			f.must(err)
			req.Header = lie.Clone()
			resp, err := client.Do(req)
			if err != nil {
				continue // a header that cannot be sent
			}
			resp.Body.Close()
			if resp.StatusCode >= http.StatusInternalServerError {
				t.Errorf("%s with %v: %s", path, lie, resp.Status)
			}
		}
	}
	l := &liar{lies: lies}
	server := &http.Server{Handler: l, TLSConfig: &tls.Config{MinVersion: tls.VersionTLS13, Certificates: []tls.Certificate{cert}, ClientAuth: tls.RequireAnyClientCert}}
	ended := make(chan error, 1)
	go func() { ended <- server.ServeTLS(xm.door.open(), "", "") }()
	xa.Until("all lies", func() bool {
		xa.Courier.Kick("XM")
		return l.count() >= len(lies)
	})
	// spec: NET-9
	for _, d := range xa.said(asked.ID).Delivered {
		if d.To == "XM" && !(d.Head.IsZero() && d.Blobs.IsZero()) {
			t.Errorf("a hint counts as a receipt: %+v", d)
		}
	}
	f.honest()
	f.must(server.Close())
	if err := <-ended; !errors.Is(err, http.ErrServerClosed) {
		t.Error(err)
	}
	xm.Start(xm.Dir)
	xa.Courier.Kick("XM")
	if got := xm.wholeBlobs(asked.ID, 1); !bytes.Equal(got, raw.Bytes()) {
		t.Errorf("%d other bytes arrived", len(got))
	}
	xa.Delivered(asked.ID)
	f.Quiet()
}

// damage changes a copy of bytes in one of the ways in which bytes go wrong, or are made to. It puts in no white space, which some forms would not mind.
func damage(r *rand.Rand, in []byte) []byte {
	b := slices.Clone(in)
	i := r.IntN(len(b))
	j := min(len(b), i+1+r.IntN(64))
	switch r.IntN(5) {
	case 0:
		b[i] ^= byte(1 + r.IntN(255))
	case 1:
		b = slices.Delete(b, i, j)
	case 2:
		b = slices.Insert(b, i, byte(0x80|r.IntN(128)))
	case 3:
		b = slices.Insert(b, i, append([]byte{0xff}, b[i:j]...)...)
	case 4:
		b = b[:i]
	}
	return b
}

// plain keeps a member's name such that a tar can hold it.
func plain(c rune) rune {
	if c < ' ' || c > '~' {
		return 'x'
	}
	return c
}

// Two hundred packets, each damaged somewhere, inside its seal or outside: each is refused by a fault that the protocol has a name for, nothing of it is kept, and
// the node goes on.
func TestDamagedPackets(t *testing.T) {
	t.Parallel()
	f := New(t, "XA", "XB", "XM")
	m := f.corrupt("XM", f.Agree(Pact("XA", "XB", "XM"), "XA"))
	xa := f.At("XA")
	set, body := m.with(nil)
	h := m.say(set)
	whole := m.contents("XA", h)
	whole.Bodies = [][]byte{body.Raw}
	files := func() []file {
		line := func(b []byte) []byte { return append(slices.Clone(b), '\n') }
		return []file{
			{name: "checkpoint", data: whole.Checkpoint}, {name: "heads.jsonl", data: line(h.Raw)}, {name: "tiles", data: line(whole.Tiles[0])},
			{name: "bodies.jsonl", data: line(body.Raw)},
		}
	}
	sealed := m.raw("XA", files()...)
	r := rand.New(rand.NewPCG(1, 2))
	before := xa.traces("XM/1")
	seen := map[fault.Code]int{}
	for i := range 200 {
		raw, what := damage(r, sealed), "the sealed packet"
		if i%4 != 0 {
			parts := files()
			k := r.IntN(len(parts))
			if what = parts[k].name; r.IntN(10) == 0 {
				parts[k].name = strings.Map(plain, string(damage(r, []byte(parts[k].name))))
			} else {
				parts[k].data = damage(r, parts[k].data)
			}
			raw = m.raw("XA", parts...)
		}
		_, err := xa.Exchange.Receive(t.Context(), "XM", bytes.NewReader(raw))
		// spec: NET-7
		code := fault.CodeOf(err)
		if code == "" || code == fault.Internal || fault.Wire(code) != code || fault.ClauseOf(err) == "" {
			t.Errorf("%d, damage to %s: %v", i, what, err)
		}
		seen[code]++
		if after := xa.traces("XM/1"); after != before {
			t.Fatalf("%d, damage to %s left traces: %s, before: %s", i, what, after, before)
		}
	}
	if len(seen) < 2 {
		t.Errorf("all fail alike, so all fail early: %s", fmt.Sprint(seen))
	}
	if a := m.post("XA", whole); a.status != http.StatusOK {
		t.Fatalf("the packet as it was: %+v", a)
	}
	xa.Has(h.ID)
	f.honest()
}
