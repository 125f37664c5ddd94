package agreement

import (
	"slices"
	"strings"
	"sync"

	"github.com/comity-exchange/comity/marking"
	"github.com/comity-exchange/comity/party"
	"github.com/comity-exchange/comity/statement"
)

// memo keeps what a policy permitted, for policies that look at nothing but what is in memoKey: those of an agreement, which do not speak of
// times or roles (AGR-3). Traffic asks the same few questions over and over. It is an economy: without it every
// answer is the same (TestMemo). Denials are not kept, since their words name exact figures.
type memo struct {
	steps []int64 // the values of body_max, ascending: sizes between two of them are alike

	mu   sync.Mutex
	seen map[memoKey]RecipientVerdict // guarded by mu
}

// memoSize bounds the memo, since peers choose what is asked. A full one is emptied.
const memoSize = 1024

type memoKey struct {
	from, to             party.Code
	kind                 statement.Kind
	tlp                  marking.TLP
	pap, personal, step  int
	precedence           statement.Precedence
	track                statement.Track
	exercise             bool
	purpose, sector, typ string
	handling             string
}

func newMemo(s *set) *memo {
	m := &memo{seen: map[memoKey]RecipientVerdict{}}
	for i := range s.entries {
		if r := s.entries[i].rule; r != nil && r.BodyMax != nil {
			m.steps = append(m.steps, *r.BodyMax)
		}
	}
	slices.Sort(m.steps)
	m.steps = slices.Compact(m.steps)
	return m
}

// A nil memo remembers nothing.
func (m *memo) key(q *Question, to party.Code) memoKey {
	if m == nil {
		return memoKey{}
	}
	step, _ := slices.BinarySearch(m.steps, q.BodyBytes)
	return memoKey{
		from: q.From, to: to, kind: q.Kind, tlp: q.Marking.TLP, pap: q.Marking.PAP.Rank(), personal: q.Marking.PersonalData.Rank(),
		precedence: q.Precedence, track: q.Track, exercise: q.Exercise, purpose: q.Purpose, sector: q.Sector, typ: q.Type,
		handling: strings.Join(q.Marking.Handling, ","), step: step, // an identifier has no comma (ENC-9)
	}
}

func (m *memo) get(k memoKey) (RecipientVerdict, bool) {
	if m == nil {
		return RecipientVerdict{}, false
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	r, ok := m.seen[k]
	return r, ok
}

func (m *memo) put(k memoKey, r RecipientVerdict) {
	if m == nil {
		return
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	if len(m.seen) >= memoSize {
		clear(m.seen)
	}
	m.seen[k] = r
}
