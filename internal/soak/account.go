package soak

import (
	"fmt"
	"maps"
	"slices"
	"sync"

	"github.com/comity-exchange/comity/party"
	"github.com/comity-exchange/comity/statement"
	"github.com/comity-exchange/comity/thread"
	"github.com/comity-exchange/comity/translog"
)

// violation is what must never be.
type violation struct {
	kind breach
	text string
}

// breach says of which kind.
type breach string

// The kinds.
const (
	lost    breach = "lost"    // acknowledged or received once, and not there, or not whole
	doubled breach = "doubled" // there twice
	forged  breach = "forged"  // there, and nobody said it, or not so
	badLog  breach = "log"     // a log that does not give what it signed
	parted  breach = "state"   // two nodes that see one thread differently
	unowned breach = "receipt" // arrived, and no receipt says so; or a receipt that says what is not so
	stuck   breach = "stuck"   // something waits that nothing holds up
)

func (v *violation) Error() string { return v.text }

func broken(kind breach, format string, args ...any) *violation {
	return &violation{kind, fmt.Sprintf(format, args...)}
}

// outcome is what is known of one attempt to say something.
type outcome int

const (
	unknown      outcome = iota // nobody has answered: somebody must look
	acknowledged                // Submit returned nil, and the child said so
	refused                     // Submit returned a refusal
	turnedUp                    // never acknowledged, and there
	absent                      // never acknowledged, and not there: it is said again
)

// attempt is one statement of the load, however often it is tried.
type attempt struct {
	say      *saying
	by       *house
	outcome  outcome // guarded by account.mu
	got      said    // when acknowledged or found; guarded by account.mu
	takedown bool    // its recipients refuse it
}

// account is what the parent knows by itself: what it had said, what was acknowledged, and what each log holds, computed from heads.
type account struct {
	houses []*house

	mu       sync.Mutex
	attempts map[string]*attempt // by serial; guarded by mu
	fresh    []*attempt          // acknowledged since somebody looked last; guarded by mu
	open     []*attempt          // unknown; guarded by mu
	count    int64               // of what was acknowledged; guarded by mu

	// The rest belongs to whoever looks.
	logs    map[party.Origin]*record
	touched map[thread.ID]map[party.Code]bool // threads with new heads, and who takes part
}

// record is one party's log.
type record struct {
	house   *house
	places  []place // by leaf
	byID    map[statement.ID]int64
	serials map[string]int64
	tiles   tiles
	root    translog.Hash
	refused map[statement.ID]bool         // heads of others that this party has refused
	owed    map[debt]owing                // receipts of others for this log
	lacks   map[party.Code]map[int64]bool // leaves that a recipient has not shown whole
}

// place is one leaf.
type place struct {
	id       statement.ID
	to       []party.Code
	thread   thread.ID
	receipt  bool // receipt.delivered, which is never receipted, nor said again when nobody misses it
	takedown bool
	blobs    int
}

type debt struct {
	index int64
	to    party.Code
}

// owing is what no receipt covers yet.
type owing struct{ head, body, blobs bool }

// tiles keeps a log's tiles in memory.
type tiles map[[2]int64][]byte

// Tile implements translog.Tiles.
func (t tiles) Tile(level int, n int64) ([]byte, error) { return t[[2]int64{int64(level), n}], nil }

func newAccount(houses []*house) *account {
	a := &account{houses: houses, attempts: map[string]*attempt{}, logs: map[party.Origin]*record{}, touched: map[thread.ID]map[party.Code]bool{}}
	for _, h := range houses {
		a.logs[h.letter.Origin] = &record{
			house: h, byID: map[statement.ID]int64{}, serials: map[string]int64{}, tiles: tiles{}, root: translog.EmptyRoot(),
			refused: map[statement.ID]bool{}, owed: map[debt]owing{}, lacks: map[party.Code]map[int64]bool{},
		}
	}
	return a
}

// again is an account that knows what was said, and has looked nowhere: for a look at all that there is.
func (a *account) again() *account {
	a.mu.Lock()
	defer a.mu.Unlock()
	b := newAccount(a.houses)
	b.attempts = maps.Clone(a.attempts)
	for _, t := range a.attempts {
		if t.outcome == acknowledged || t.outcome == turnedUp {
			b.fresh = append(b.fresh, t)
		}
	}
	return b
}

func (a *account) of(h *house) *record { return a.logs[h.letter.Origin] }

// ask says what h is to be asked for: what is new in its log, and what it has not shown of others'.
func (a *account) ask(h *house) *looking {
	o := &looking{From: map[party.Origin]int64{}, Threads: []thread.ID{}}
	for origin, r := range a.logs {
		o.From[origin] = int64(len(r.places))
		if r.house != h {
			for index := range r.lacks[h.code] {
				o.From[origin] = min(o.From[origin], index)
			}
		}
	}
	for id, who := range a.touched {
		if who[h.code] {
			o.Threads = append(o.Threads, id)
		}
	}
	return o
}

// take holds what was seen against what must be. A violation is one whatever happens next; what is only not so yet is open, nil when all is as it must
// be and nothing is under way.
func (a *account) take(sights map[party.Code]*seen) (open *violation, err error) {
	note := func(v *violation) {
		if open == nil {
			open = v
		}
	}
	for _, h := range a.houses {
		if f := sights[h.code].Forks; len(f) > 0 {
			return nil, broken(badLog, "%s has seen two histories of %s", h.code, f[0])
		}
		if err := a.own(h, sights[h.code]); err != nil {
			return nil, err
		}
		v, err := a.marked(h, sights[h.code])
		if err != nil {
			return nil, err
		}
		note(v)
	}
	if err := a.keeps(); err != nil {
		return nil, err
	}
	for _, h := range a.houses {
		for origin, r := range a.logs {
			if r.house == h {
				continue
			}
			for _, row := range sights[h.code].Rows[origin] {
				v, err := a.theirs(h, r, row)
				if err != nil {
					return nil, err
				}
				note(v)
			}
		}
	}
	note(a.outstanding(sights))
	note(a.agree(sights))
	return open, nil
}

// own takes what is new in a party's own log.
func (a *account) own(h *house, s *seen) error {
	r, origin := a.of(h), h.letter.Origin
	if s.Size < int64(len(r.places)) {
		return broken(lost, "the log of %s had %d leaves and has %d", h.code, len(r.places), s.Size)
	}
	first := int64(len(r.places))
	var ids []statement.ID
	for _, row := range s.Rows[origin] {
		if row.Index < int64(len(r.places)) { // with an index of its own each, by the store's keys
			return broken(doubled, "the log of %s has two statements at %d", h.code, row.Index)
		}
		if row.Index != int64(len(r.places)) {
			return broken(lost, "the log of %s has no statement at %d", h.code, len(r.places))
		}
		if err := a.enter(r, row); err != nil {
			return err
		}
		ids = append(ids, row.ID)
	}
	if int64(len(r.places)) != s.Size {
		return broken(lost, "the log of %s has %d leaves and shows %d statements", h.code, s.Size, len(r.places))
	}
	root, changed, err := translog.Append(first, r.tiles, ids)
	if err != nil {
		return err
	}
	for _, t := range changed {
		r.tiles[[2]int64{int64(t.Level), t.N}] = t.Hashes
	}
	r.root = root
	if s.Size == 0 {
		return nil
	}
	cp, err := translog.OpenCheckpoint(s.Note, origin, h.letter.Log)
	switch {
	case err != nil:
		return broken(badLog, "the newest checkpoint of %s does not verify: %v", h.code, err)
	case cp.Size != s.Size || cp.Root != root:
		return broken(badLog, "the newest checkpoint of %s signs %d leaves with another root than its %d statements give", h.code, cp.Size, s.Size)
	case s.Tiles != statement.Digest(root):
		return broken(badLog, "the tiles of %s do not give the root that its %d statements give", h.code, s.Size)
	}
	return nil
}

// enter takes one leaf.
func (a *account) enter(r *record, row row) error {
	h, err := statement.ParseHead(row.Head)
	switch at, known := r.byID[row.ID]; {
	case err != nil || h.ID != row.ID || h.From != r.house.code:
		return broken(forged, "the bytes of %s's statement at %d are not those of its id, or not its own", r.house.code, row.Index)
	case known:
		return broken(doubled, "%s is at %d and at %d of %s's log", row.ID.Short(), at, row.Index, r.house.code)
	case row.Content != none && row.Content != entire:
		return broken(lost, "%s has of its own statement at %d only this: %s", r.house.code, row.Index, row.Content)
	}
	p := place{id: h.ID, to: h.To, receipt: h.Kind == thread.KindDelivered}
	if h.Body != nil {
		p.blobs = h.Body.Blobs
	}
	index := int64(len(r.places))
	if h.By.Role == role {
		t, err := a.serial(r, h, index)
		if err != nil {
			return err
		}
		p.takedown = t.takedown
	}
	if h.Kind == thread.KindRefused {
		f, err := thread.Facts[thread.Refused](h)
		if err != nil {
			return broken(forged, "%s refused something at %d in facts that nobody can read", r.house.code, index)
		}
		r.refused[f.ID] = true
	}
	if !p.receipt {
		p.thread = h.ThreadID()
		a.touch(p.thread, append(slices.Clone(h.To), h.From))
		for _, to := range h.To {
			r.owed[debt{index, to}] = owing{head: true, body: h.Body != nil, blobs: p.blobs > 0}
		}
	}
	for _, to := range h.To {
		if r.lacks[to] == nil {
			r.lacks[to] = map[int64]bool{}
		}
		r.lacks[to][index] = true
	}
	r.byID[h.ID] = index
	r.places = append(r.places, p)
	return nil
}

func (a *account) touch(id thread.ID, codes []party.Code) {
	if a.touched[id] == nil {
		a.touched[id] = map[party.Code]bool{}
	}
	for _, c := range codes {
		a.touched[id][c] = true
	}
}

// serial finds the attempt that a head came from, and whether it may be here, and only once.
func (a *account) serial(r *record, h *statement.Head, index int64) (*attempt, error) {
	a.mu.Lock()
	defer a.mu.Unlock()
	t := a.attempts[h.By.Officer]
	before, twice := r.serials[h.By.Officer]
	switch {
	case t == nil || t.by != r.house || t.say.Kind != h.Kind:
		return nil, broken(forged, "%s has at %d what nobody told it to say", r.house.code, index)
	case twice:
		return nil, broken(doubled, "%s has said one thing twice, at %d and at %d", r.house.code, before, index)
	case t.outcome == refused:
		return nil, broken(forged, "%s has at %d what it had refused to say", r.house.code, index)
	case t.outcome == absent:
		return nil, broken(doubled, "%s has at %d what was not there when somebody looked", r.house.code, index)
	}
	r.serials[h.By.Officer] = index
	return t, nil
}

// keeps holds what was acknowledged against the logs.
func (a *account) keeps() error {
	a.mu.Lock()
	defer a.mu.Unlock()
	for _, t := range a.fresh {
		r := a.of(t.by)
		at, here := r.serials[t.say.Serial]
		switch {
		case !here || t.got.Index >= int64(len(r.places)):
			return broken(lost, "%s acknowledged %s at %d of its log, and does not have it", t.by.code, t.got.ID.Short(), t.got.Index)
		case at != t.got.Index || r.places[at].id != t.got.ID:
			return broken(lost, "%s acknowledged %s at %d of its log, and has something else there", t.by.code, t.got.ID.Short(), t.got.Index)
		}
	}
	a.fresh = nil
	return nil
}

// marked holds a party's high-water marks, one a post, against its log.
func (a *account) marked(h *house, s *seen) (open *violation, err error) {
	// spec: LOG-12
	r := a.of(h)
	for _, p := range h.posts {
		m, err := p.mark.Read()
		switch {
		case err != nil:
			return nil, broken(badLog, "the high-water mark of %s cannot be read: %v", h.code, err)
		case m.Size == s.Size && s.Size > 0 && translog.Hash(m.Root) != r.root:
			return nil, broken(badLog, "the high-water mark of %s names another root of %d leaves than its statements give", h.code, s.Size)
		case m.Size != s.Size && open == nil:
			open = broken(badLog, "the high-water mark of %s is at %d, its log at %d", h.code, m.Size, s.Size)
		}
	}
	return open, nil
}

// theirs takes what a party shows of another's log.
func (a *account) theirs(h *house, r *record, row row) (open *violation, err error) {
	if row.Index >= int64(len(r.places)) {
		return broken(lost, "%s has a statement of %s's at %d, where %s has none", h.code, r.house.code, row.Index, r.house.code), nil
	}
	p := r.places[row.Index]
	switch {
	case p.id != row.ID || statement.IDOf(row.Head) != row.ID:
		return nil, broken(forged, "%s has something else at %d of %s's log than %s itself", h.code, row.Index, r.house.code, r.house.code)
	case !slices.Contains(p.to, h.code):
		return nil, broken(forged, "%s has what %s said to others", h.code, r.house.code)
	case row.Content == corrupt:
		return nil, broken(lost, "%s has other bytes than %s sent at %d", h.code, r.house.code, row.Index)
	}
	if p.receipt {
		delete(r.lacks[h.code], row.Index)
		return nil, a.receipt(h, r, row)
	}
	refused := a.of(h).refused[p.id]
	switch {
	case refused != p.takedown:
		return nil, broken(forged, "%s refused a statement at %d of %s's log, or took one, against its own rules", h.code, row.Index, r.house.code)
	case refused && row.Content != none && row.Content != nothing:
		return nil, broken(forged, "%s has kept the body of what it refused, at %d of %s's log", h.code, row.Index, r.house.code)
	case !refused && row.Content != none && row.Content != entire, !row.Folded:
		return nil, nil // something is still to come
	}
	delete(r.lacks[h.code], row.Index)
	return nil, nil
}

// receipt takes a receipt that h has of r's party.
func (a *account) receipt(h *house, r *record, row row) error {
	// spec: RCP-1
	head, err := statement.ParseHead(row.Head)
	if err != nil {
		return broken(forged, "%s has a receipt that nobody can read", h.code)
	}
	d, err := thread.Facts[thread.Delivered](head)
	mine := a.of(h)
	if err != nil || d.Origin != h.letter.Origin || d.Size > int64(len(mine.places)) {
		return broken(unowned, "%s has a receipt of %s's for what it never said", h.code, r.house.code)
	}
	if root, err := translog.Root(d.Size, mine.tiles); err != nil || root != translog.Hash(d.Root) {
		return broken(unowned, "%s has a receipt of %s's that names a root of %d leaves which its log never had", h.code, r.house.code, d.Size)
	}
	pay := func(index int64, change func(*owing)) {
		k := debt{index, r.house.code}
		o, owed := mine.owed[k]
		if !owed {
			return
		}
		change(&o)
		if mine.owed[k] = o; o == (owing{}) {
			delete(mine.owed, k)
		}
	}
	for _, g := range d.Heads {
		for i := g[0]; i < g[1]; i++ {
			pay(i, func(o *owing) {
				if o.head = false; r.refused[mine.places[i].id] {
					*o = owing{} // of what is refused, no more than the head is receipted
				}
			})
		}
	}
	for _, g := range d.Bodies {
		for i := g[0]; i < g[1]; i++ {
			pay(i, func(o *owing) { o.body = false })
		}
	}
	for _, b := range d.Blobs {
		if b.Arrived == mine.places[b.Index].blobs {
			pay(b.Index, func(o *owing) { o.blobs = false })
		}
	}
	return nil
}

// outstanding finds something that has not arrived, or that no receipt covers.
func (a *account) outstanding(sights map[party.Code]*seen) *violation {
	for _, h := range a.houses {
		r := a.of(h)
		for code, lacks := range r.lacks {
			for index := range lacks {
				if !r.places[index].receipt {
					return broken(lost, "%s does not have all of %s's statement at %d", code, h.code, index)
				}
			}
		}
		for k := range r.owed {
			return broken(unowned, "no receipt of %s's covers all of %s's statement at %d", k.to, h.code, k.index)
		}
		for code, n := range sights[h.code].Waiting {
			if n > 0 {
				return broken(stuck, "%s has %d statements in its queue for %s, which has them", h.code, n, code)
			}
		}
	}
	return nil
}

// agree compares the states of threads with new heads.
func (a *account) agree(sights map[party.Code]*seen) *violation {
	// spec: THR-3
	for id, who := range a.touched {
		var first *folded
		var at party.Code
		for code := range who {
			s, here := sights[code].States[id]
			switch {
			case !here:
				return broken(lost, "%s does not have the thread %s", code, id.Short())
			case s.Waiting > 0:
				return broken(stuck, "at %s the thread %s waits for heads that are there", code, id.Short())
			case first == nil:
				first, at = &s, code
			case s.State != first.State:
				return broken(parted, "%s and %s see the thread %s differently", at, code, id.Short())
			}
		}
	}
	return nil
}

// settled notes that all is as it must be: what nobody has acknowledged by now is there or not, and receipts that nobody misses are let go.
func (a *account) settled() (found, gone int) {
	clear(a.touched)
	for _, r := range a.logs {
		for _, lacks := range r.lacks {
			clear(lacks)
		}
	}
	a.mu.Lock()
	defer a.mu.Unlock()
	for _, t := range a.open {
		r := a.of(t.by)
		at, here := r.serials[t.say.Serial]
		if !here {
			t.outcome = absent
			gone++
			continue
		}
		p := r.places[at]
		t.outcome, t.got = turnedUp, said{ID: p.id, Thread: p.thread, Index: at}
		found++
	}
	a.open = nil
	return found, gone
}

// counted is how many statements were acknowledged since it was asked last.
func (a *account) counted() int64 {
	a.mu.Lock()
	defer a.mu.Unlock()
	n := a.count
	a.count = 0
	return n
}

// compared holds a look at all that there is against what was seen bit by bit: what was there once is there still.
func (a *account) compared(whole *account) error {
	for origin, r := range a.logs {
		all := whole.logs[origin]
		if len(all.places) < len(r.places) {
			return broken(lost, "the log of %s had %d leaves and has %d", r.house.code, len(r.places), len(all.places))
		}
		for i, p := range r.places {
			if all.places[i].id != p.id {
				return broken(lost, "the log of %s has another statement at %d than it had", r.house.code, i)
			}
		}
	}
	return nil
}

var _ translog.Tiles = tiles{}
