package catalogue

import (
	"bytes"
	"context"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/binary"
	"hash"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/go-json-experiment/json"
	"golang.org/x/crypto/blake2b"

	"github.com/comity-exchange/comity/desk/intel"
	"github.com/comity-exchange/comity/fault"
	"github.com/comity-exchange/comity/internal/exchange"
	"github.com/comity-exchange/comity/internal/store"
	"github.com/comity-exchange/comity/marking"
	"github.com/comity-exchange/comity/match"
	"github.com/comity-exchange/comity/party"
	"github.com/comity-exchange/comity/statement"
	"github.com/comity-exchange/comity/stix"
	"github.com/comity-exchange/comity/thread"
)

// Exchange is what the catalogue asks of package exchange.
type Exchange interface {
	Submit(ctx context.Context, d exchange.Draft) (exchange.Said, error)
	SubmitAll(ctx context.Context, drafts []exchange.Draft) ([]exchange.Said, []error) // each by itself, and so few as an import says in one transaction
	Update(ctx context.Context, f func(tx store.Tx) error) error
	Onward(tx store.Tx, h *statement.Head, to party.Code, proceedings bool) (exchange.Passage, error)
}

// Options make a Catalogue. All are wanted.
type Options struct {
	Self     party.Code
	Store    store.Store
	Exchange Exchange
	Key      []byte                                    // of the hashes that objects are found by; it is not in the store
	Words    func() func(texts ...string) []store.Word // makes what tells what stands for the words of texts; not for concurrent use, and what that gives holds until the next call
	LookFor  func(text string) ([]store.Word, error)   // what stands for the words that somebody looks for
	Now      func() time.Time
}

// Catalogue answers for the objects of one store. It is safe for concurrent use; several processes on one store may each have one.
type Catalogue struct {
	Options
	seen     sightings
	opened   opened
	idle     idle
	arrivals arrivals
	merged   atomic.Bool   // nothing was put into the index since there was nothing to merge
	rounds   chan struct{} // whoever indexes holds its one place: two at once would parse the same, and one of them for nothing
}

// New makes one.
func New(o Options) *Catalogue { return &Catalogue{Options: o, rounds: make(chan struct{}, 1)} }

// hasher makes terms: keyed BLAKE2b (RFC 7693). It is not for concurrent use.
type hasher struct {
	hash.Hash
	in  []byte
	out [sha256.Size]byte
}

const termBytes = 8

func (c *Catalogue) hasher() *hasher {
	h, err := blake2b.New(termBytes, c.Key)
	if err != nil { // a key longer than 64 bytes
		h = hmac.New(sha256.New, c.Key)
	}
	return &hasher{Hash: h}
}

// What a term stands for is told apart by its first byte.
const (
	byID    = 'i' // the object itself
	byRef   = 'r' // objects that refer to it
	byValue = 'v' // a value that it is or looks for
	byType  = 't' // its type, for those that are not too many
	byLine  = 'l' // the bytes of a line
	byClass = 'c' // a marking
)

// hash stands for a text of one kind.
func (h *hasher) hash(kind byte, text string) int64 {
	h.in = append(append(h.in[:0], kind), text...)
	h.Reset()
	_, _ = h.Write(h.in)
	return int64(binary.BigEndian.Uint64(h.Sum(h.out[:0])))
}

func (h *hasher) term(kind byte, text string) store.Term { return store.Term(h.hash(kind, text)) }

// class stands for all by which a head is judged (ONW-1): how it is marked, by whom it is, for whom, and under what. So who sees one line of a class sees all of them, and nobody makes
// older, or takes the place of, what another has said; across classes only what its own author revokes becomes older (see newcomers.revoke). What does not count is a class of its own: it is
// shown to nobody, and hides nothing of what counts.
func (c *Catalogue) class(head *statement.Head, void bool) store.Class {
	b, err := json.Marshal(struct {
		Marking   marking.Marking
		From      party.Code
		To        []party.Code
		Agreement *statement.AgreementRef
		Void      bool `json:",omitzero"`
	}{head.Marking, head.From, head.To, head.Agreement, void}, json.Deterministic(true))
	if err != nil {
		return 0 // what came from a head can be written
	}
	mac := hmac.New(sha256.New, c.Key)
	_, _ = mac.Write([]byte{byClass})
	_, _ = mac.Write(b)
	return store.Class(binary.BigEndian.Uint64(mac.Sum(nil)))
}

// Normal is a value as it is looked for. What package match knows as an address, range, endpoint, name, URL, mail address or hash has the form that it has there, however it is written; of
// anything else case and the usual defanging mean nothing, but for case behind the host of a URL. Objects that were indexed by another form are found by this one when they are indexed anew.
func Normal(value string) string {
	if v, err := match.Parse(value, 0); err == nil && v.Kind != match.Path && v.Kind != match.File {
		return v.Text
	}
	v := match.Refang(strings.TrimSpace(value))
	if rest, ok := cutFold(v, "hxxp"); ok {
		v = "http" + rest
	}
	scheme, rest, ok := strings.Cut(v, "://")
	if !ok {
		return strings.ToLower(strings.TrimSuffix(v, "."))
	}
	host, path, slash := strings.Cut(rest, "/")
	v = strings.ToLower(scheme) + "://" + strings.ToLower(host)
	if slash {
		v += "/" + path
	}
	return v
}

func cutFold(s, prefix string) (rest string, ok bool) {
	if len(s) < len(prefix) || !strings.EqualFold(s[:len(prefix)], prefix) {
		return s, false
	}
	return s[len(prefix):], true
}

// read gives the bytes of a parcel.
func read(tx store.Tx, ref store.ContentRef) ([]byte, error) {
	c, err := tx.Content(ref)
	if err != nil {
		return nil, err
	}
	if c.Size > intel.MaxParcelBytes { // spec: INT-2
		return nil, fault.New(fault.TooLarge, "INT-2", "a parcel has at most %d bytes", intel.MaxParcelBytes)
	}
	b := bytes.NewBuffer(make([]byte, 0, c.Size))
	err = tx.Read(ref, b)
	return b.Bytes(), err
}

// lines calls yield with each line of a parcel, its number and where it begins; the line feed is not part of it.
func lines(parcel []byte, yield func(n, offset int, line []byte) bool) {
	for n, at := 0, 0; at < len(parcel); n++ {
		end := bytes.IndexByte(parcel[at:], '\n')
		next := at + end + 1
		if end < 0 {
			end, next = len(parcel)-at, len(parcel)
		}
		if !yield(n, at, parcel[at:at+end]) {
			return
		}
		at = next
	}
}

// definitions finds what marking definitions say: first among those of lately, then among the objects that are here. What a definition means is said by whoever marks with it: one that somebody
// else has given under its id would loosen, or tighten, what is not theirs.
type definitions struct {
	c      *Catalogue
	tx     store.Tx   // nil: only those that are known
	author party.Code // who marks
	source thread.ID  // where it is this party: the source whose marks they are
	known  map[stix.ID]stix.Definition
	h      *hasher
}

const markingDefinition = "marking-definition"

func (d *definitions) learn(o *stix.Object) {
	if o.Type == markingDefinition && len(d.known) < maxDefinitions {
		d.known[o.ID] = stix.ParseDefinition(o)
	}
}

func (d *definitions) find(id stix.ID) (stix.Definition, bool) {
	// spec: INT-3
	if def, ok := d.known[id]; ok || d.tx == nil {
		return def, ok
	}
	o, err := d.c.newest(d.tx, d.h, id, func(p store.Parcel) (bool, error) {
		if d.author == d.c.Self {
			return p.Thread == d.source, nil
		}
		h, err := headOf(d.tx, statementOf(p))
		return err == nil && h.From == d.author, err
	})
	if err != nil || o == nil {
		return stix.Definition{}, false
	}
	def := stix.ParseDefinition(o)
	d.known[id] = def
	return def, true
}

// Viewer is who gets objects: an officer at the desk, a program of the party's own, or somebody outside.
type Viewer struct {
	Officer bool        // sees all that is here; who may sit at the desk is held by package node
	Party   party.Code  // for whom it is: Self for a program of its own, exchange.Outside for who is no party
	Max     marking.TLP // what a program's or partner's token is good for; an officer's look has no bound where it says none

	at int64 // the store's version when it began to look; set by Catalogue.from
}

// AsOf is a viewer for one look that begins now, where the caller has just asked for the store's version: verdicts of before it do not count. It is not kept for a later look.
func (v Viewer) AsOf(version int64) Viewer {
	v.at = version
	return v
}

// from notes what the store's version is as a viewer begins to look: verdicts of before it do not count.
func (c *Catalogue) from(ctx context.Context, v Viewer) (_ Viewer, err error) {
	if v.at != 0 {
		return v, nil
	}
	v.at, err = c.Store.Version(ctx)
	return v, err
}

// maxSeen and keepSeen bound the verdicts that are remembered. One counts while nothing is written: what an agreement says, and whether a statement counts, stands in the store.
const (
	maxSeen  = 4096
	keepSeen = time.Minute
)

// sightings remembers verdicts on passing statements on.
type sightings struct {
	mu      sync.Mutex
	since   time.Time
	version int64             // of the store, the highest at which somebody began to look
	all     map[sighting]bool // guarded by mu
}

type sighting struct {
	head statement.ID
	v    Viewer
}

func (s *sightings) get(k sighting, now time.Time) (may, ok bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.all == nil || len(s.all) >= maxSeen || now.Sub(s.since) > keepSeen || now.Before(s.since) || k.v.at > s.version {
		s.all, s.since, s.version = map[sighting]bool{}, now, k.v.at
	}
	may, ok = s.all[k]
	return may, ok
}

func (s *sightings) put(k sighting, may bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.all != nil {
		s.all[k] = may
	}
}

// sees tells whether v gets what came with a statement. The verdict is remembered while nothing is written.
func (c *Catalogue) sees(tx store.Tx, v Viewer, id statement.ID) (may bool, err error) {
	k := sighting{id, v}
	if v.at != 0 {
		if may, ok := c.seen.get(k, c.Now()); ok {
			return may, nil
		}
	}
	if may, err = c.judge(tx, v, id); err == nil && v.at != 0 {
		c.seen.put(k, may)
	}
	return may, err
}

// judge asks what the marking and the agreement say. Nobody gets what does not count in its thread: others could put there what they like.
func (c *Catalogue) judge(tx store.Tx, v Viewer, id statement.ID) (bool, error) {
	// spec: INT-9, ONW-1, THR-7
	s, err := tx.Statement(id)
	if err != nil || s.Void != "" || v.Officer && v.Max == "" {
		return err == nil && s.Void == "", err
	}
	h, err := statement.Reread(s.ID, s.Head)
	if err != nil || h.Marking.TLP.Rank() > v.Max.Rank() || v.Officer {
		return err == nil && h.Marking.TLP.Rank() <= v.Max.Rank(), err
	}
	p, err := c.Exchange.Onward(tx, h, v.Party, false)
	return err == nil && p.Permitted, err
}

// Shows tells of statements whether a viewer gets what came with each.
func (c *Catalogue) Shows(ctx context.Context, v Viewer, ids ...statement.ID) (may []bool, err error) {
	if v, err = c.from(ctx, v); err != nil {
		return nil, err
	}
	err = c.Store.View(ctx, func(tx store.Tx) error {
		may = make([]bool, len(ids))
		for i, id := range ids {
			if may[i], err = c.sees(tx, v, id); err != nil {
				return err
			}
		}
		return nil
	})
	return may, err
}

// counting gives the head of a statement that counts in its thread; nil where it does not.
func counting(tx store.Tx, id statement.ID) (*statement.Head, error) {
	// spec: THR-7
	s, err := tx.Statement(id)
	if err != nil || s.Void != "" {
		return nil, err
	}
	return statement.Reread(s.ID, s.Head)
}

func headOf(tx store.Tx, id statement.ID) (*statement.Head, error) {
	s, err := tx.Statement(id)
	if err != nil {
		return nil, err
	}
	return statement.Reread(s.ID, s.Head)
}
