package fedtest

import (
	"archive/tar"
	"bytes"
	"crypto/rand"
	"crypto/tls"
	"io"
	"net/http"
	"strconv"
	"testing"
	"time"

	"filippo.io/age"
	"github.com/go-json-experiment/json"
	"github.com/klauspost/compress/zstd"

	"github.com/comity-exchange/comity/internal/journal"
	"github.com/comity-exchange/comity/internal/keystore"
	"github.com/comity-exchange/comity/internal/store"
	"github.com/comity-exchange/comity/marking"
	"github.com/comity-exchange/comity/packet"
	"github.com/comity-exchange/comity/party"
	"github.com/comity-exchange/comity/statement"
	"github.com/comity-exchange/comity/translog"
)

// mallory is a party with real keys and a confirmed letter that has thrown its node away and speaks the protocol as it likes.
type mallory struct {
	*testing.T
	f        *Federation
	keys     *keystore.Keys // of its node, or but for TLS
	code     party.Code
	signer   party.Signer       // of its log
	serial   int                // of its log; 0: the first
	recovery *keystore.Recovery // of a stranger
	letter   *party.Letter      // likewise
	client   *http.Client
	ids      []statement.ID // its log
	accepted map[party.Code]int64
	under    *statement.AgreementRef
	deposit  *statement.AgreementRef // the same agreement, as it was before anybody had signed
}

// corrupt makes a mallory of a party of a federation in which everybody has agreed.
func (f *Federation) corrupt(code party.Code, agreed statement.ID) *mallory {
	f.T.Helper()
	f.Quiet()
	p := f.At(code)
	m := &mallory{T: f.T.(*testing.T), f: f, keys: p.Keys, code: code, signer: p.Keys, accepted: map[party.Code]int64{}}
	v, err := p.Agreement(f.T.Context(), agreed)
	f.must(err)
	other := v.Parties[0]
	if code == other {
		other = v.Parties[1]
	}
	f.must(p.Store.View(f.T.Context(), func(tx store.Tx) (err error) {
		if m.under, err = p.Exchange.Reliance(tx, agreed, other); err != nil {
			return err
		}
		return tx.Scan(p.Journal.Origin(), "", 0, func(s store.Statement) bool {
			m.ids = append(m.ids, s.ID)
			return true
		})
	}))
	m.deposit = &statement.AgreementRef{ID: agreed, Digest: m.under.Digest, At: []statement.ID{agreed}}
	for _, other := range f.Parties {
		if other == p {
			continue
		}
		f.must(other.Store.View(f.T.Context(), func(tx store.Tx) error {
			tree, err := journal.Newest(tx, p.Journal.Origin())
			m.accepted[other.Code] = tree.Size
			return err
		}))
	}
	p.Stop()
	delete(f.Parties, code)
	cert, err := m.keys.Certificate()
	f.must(err)
	m.client = clientWith(m.T, cert)
	return m
}

func clientWith(t *testing.T, cert tls.Certificate) *http.Client {
	transport := &http.Transport{TLSClientConfig: &tls.Config{
		MinVersion: tls.VersionTLS13, Certificates: []tls.Certificate{cert}, InsecureSkipVerify: true, // mallory does not care who it is
	}}
	t.Cleanup(transport.CloseIdleConnections)
	return &http.Client{Transport: transport}
}

// draft is a request to XA that XA would take, for a test to spoil.
func (m *mallory) draft() statement.Head {
	m.Helper()
	nonce, err := statement.MakeNonce(rand.Reader)
	m.f.must(err)
	return statement.Head{
		Nonce: nonce, From: m.code, To: []party.Code{"XA"}, Kind: "assist.request", Agreement: m.under, Marking: marking.Marking{TLP: marking.Amber},
		Track: statement.Technical, Precedence: statement.Immediate, Time: statement.TimeOf(m.f.Clock.Now()), By: statement.By{Role: "duty-officer"},
		Facts: []byte(`{"type":"information"}`),
	}
}

// compose writes a head without logging it.
func (m *mallory) compose(change func(*statement.Head)) *statement.Head {
	m.Helper()
	d := m.draft()
	if change != nil {
		change(&d)
	}
	h, err := statement.Compose(d)
	m.f.must(err)
	return h
}

// say composes and logs.
func (m *mallory) say(change func(*statement.Head)) *statement.Head {
	m.Helper()
	h := m.compose(change)
	m.ids = append(m.ids, h.ID)
	return h
}

// with gives a head a body.
func (m *mallory) with(change func(*statement.Body)) (func(*statement.Head), *statement.Body) {
	m.Helper()
	nonce, err := statement.MakeNonce(rand.Reader)
	m.f.must(err)
	draft := statement.Body{Nonce: nonce, Text: "Hello."}
	if change != nil {
		change(&draft)
	}
	b, err := statement.ComposeBody(draft)
	m.f.must(err)
	return func(h *statement.Head) { ref := b.Ref(); h.Body = &ref }, b
}

// tree is a log in memory.
type tree map[[2]int64][]byte

func (t tree) Tile(level int, n int64) ([]byte, error) { return t[[2]int64{int64(level), n}], nil }

func (m *mallory) tree(ids []statement.ID) (tree, translog.Tree) {
	m.Helper()
	tiles := tree{}
	root, changed, err := translog.Append(0, tiles, ids)
	m.f.must(err)
	for _, c := range changed {
		tiles[[2]int64{int64(c.Level), c.N}] = c.Hashes
	}
	return tiles, translog.Tree{Origin: party.MakeOrigin(m.code, max(m.serial, 1)), Size: int64(len(ids)), Root: root}
}

func (m *mallory) checkpoint(at time.Time) []byte {
	m.Helper()
	_, t := m.tree(m.ids)
	note, err := translog.SignCheckpoint(m.signer, t, at)
	m.f.must(err)
	return note
}

// contents is a right packet with these heads, as they stand in the log now.
func (m *mallory) contents(to party.Code, heads ...*statement.Head) *packet.Contents {
	m.Helper()
	tiles, t := m.tree(m.ids)
	c := &packet.Contents{Checkpoint: m.checkpoint(m.f.Clock.Now())}
	if from := m.accepted[to]; from > 0 && from < t.Size {
		proof, err := translog.Consistency(from, t.Size, tiles)
		m.f.must(err)
		c.Consistency = translog.FormatConsistency(from, proof)
	}
	for n := range (t.Size + translog.TileWidth - 1) / translog.TileWidth {
		p, err := translog.ProveTile(t.Size, n, tiles)
		m.f.must(err)
		c.Tiles = append(c.Tiles, p.MarshalLine())
	}
	for _, h := range heads {
		c.Heads = append(c.Heads, h.Raw)
	}
	return c
}

// answer is what a node says to a packet.
type answer struct {
	status int
	Code   string `json:"code"`
	Clause string `json:"clause"`
	reply  []byte
}

func (m *mallory) seal(to party.Code, c *packet.Contents) []byte {
	m.Helper()
	l, err := m.f.At(to).OwnLetter(m.Context())
	m.f.must(err)
	var sealed bytes.Buffer
	m.f.must(packet.NewCodec().Seal(&sealed, l.Seal, c))
	return sealed.Bytes()
}

// post sends a packet that is sealed right.
func (m *mallory) post(to party.Code, c *packet.Contents) answer {
	m.Helper()
	a := m.send(to, m.seal(to, c))
	if a.status < 300 {
		m.accepted[to] = int64(len(m.ids))
	}
	return a
}

// send posts bytes.
func (m *mallory) send(to party.Code, raw []byte) (a answer) {
	m.Helper()
	l, err := m.f.At(to).OwnLetter(m.Context())
	m.f.must(err)
	req, err := http.NewRequestWithContext(m.Context(), http.MethodPost, l.Endpoints[0]+"/comity/v1/packets", bytes.NewReader(raw))
	m.f.must(err)
	req.Header.Set("Content-Type", "application/vnd.comity.packet")
	return m.answered(req)
}

// answered makes a request and reads the answer: a refusal must be a problem document.
func (m *mallory) answered(req *http.Request) (a answer) {
	m.Helper()
	resp, err := m.client.Do(req)
	m.f.must(err)
	defer resp.Body.Close()
	a.reply, err = io.ReadAll(resp.Body)
	m.f.must(err)
	a.status = resp.StatusCode
	if a.status >= 300 {
		p := struct {
			Type, Title, Code, Clause string
			Status                    int
		}{}
		m.f.must(json.Unmarshal(a.reply, &p, json.MatchCaseInsensitiveNames(true)))
		a.Code, a.Clause = p.Code, p.Clause
		if p.Status != a.status || resp.Header.Get("Content-Type") != "application/problem+json" {
			m.Errorf("no problem document: status %d and %d", p.Status, a.status)
		}
	}
	return a
}

// file is a member of a tar that no honest packer would make.
type file struct {
	name string
	data []byte
	size int64 // more than data: zeros
}

// raw packs files by hand.
func (m *mallory) raw(to party.Code, files ...file) []byte {
	m.Helper()
	l, err := m.f.At(to).OwnLetter(m.Context())
	m.f.must(err)
	recipient, err := age.ParseHybridRecipient(l.Seal)
	m.f.must(err)
	var sealed bytes.Buffer
	a, err := age.Encrypt(&sealed, recipient)
	m.f.must(err)
	z, err := zstd.NewWriter(a, zstd.WithEncoderConcurrency(1))
	m.f.must(err)
	w := tar.NewWriter(z)
	for _, f := range files {
		size := max(f.size, int64(len(f.data)))
		m.f.must(w.WriteHeader(&tar.Header{Typeflag: tar.TypeReg, Name: f.name, Size: size, Mode: 0o644, Format: tar.FormatUSTAR}))
		_, err := w.Write(f.data)
		m.f.must(err)
		_, err = io.CopyN(w, zeros{}, size-int64(len(f.data)))
		m.f.must(err)
	}
	m.f.must(w.Close())
	m.f.must(z.Close())
	m.f.must(a.Close())
	return sealed.Bytes()
}

type zeros struct{}

func (zeros) Read(b []byte) (int, error) { clear(b); return len(b), nil }

// traces is all that a packet may leave at a party: what must not change when it is refused.
func (p *Party) traces(of party.Origin) string {
	p.F.T.Helper()
	n, accepted, views := 0, int64(0), 0
	p.F.must(p.Store.View(p.F.T.Context(), func(tx store.Tx) error {
		t, err := journal.Newest(tx, of)
		if err != nil {
			return err
		}
		accepted = t.Size
		if err := tx.Scan(of, "", 0, func(store.Statement) bool { n++; return true }); err != nil {
			return err
		}
		return tx.Checkpoints(of, 0, func(store.Checkpoint) bool { views++; return true })
	}))
	return "log of " + strconv.FormatInt(p.LogSize(), 10) + ", accepted " + strconv.FormatInt(accepted, 10) + " of theirs, " +
		strconv.Itoa(n) + " statements, " + strconv.Itoa(views) + " checkpoints"
}
