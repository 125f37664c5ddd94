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
	// The values of body_max, retain_max (in milliseconds) and per_day, ascending: what lies between two of them is alike.
	sizes, kept, days []int64

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
	kept                 int   // retain_max: 0 without a date, else one more than the step
	today                int   // per_day: the step
	joined               uint8 // 1 the author, 2 the recipient
	reserved             string
}

func newMemo(s *set) *memo {
	m := &memo{seen: map[memoKey]RecipientVerdict{}}
	for i := range s.entries {
		r := s.entries[i].rule
		if r == nil {
			continue
		}
		if r.BodyMax != nil {
			m.sizes = append(m.sizes, *r.BodyMax)
		}
		if r.RetainMax != nil {
			m.kept = append(m.kept, *r.RetainMax*1000)
		}
		if r.PerDay != nil {
			m.days = append(m.days, *r.PerDay-1) // below it is at most one less
		}
	}
	for _, steps := range []*[]int64{&m.sizes, &m.kept, &m.days} {
		slices.Sort(*steps)
		*steps = slices.Compact(*steps)
	}
	return m
}

// key is what the policy can look at; reserved are the articles that do not hold between the two. A nil memo remembers nothing.
func (m *memo) key(q *Question, to party.Code, reserved []string) memoKey {
	if m == nil {
		return memoKey{}
	}
	k := memoKey{
		from: q.From, to: to, kind: q.Kind, tlp: q.Marking.TLP, pap: q.Marking.PAP.Rank(), personal: q.Marking.PersonalData.Rank(),
		precedence: q.Precedence, track: q.Track, exercise: q.Exercise, purpose: q.Purpose, sector: q.Sector, typ: q.Type,
		handling: strings.Join(q.Marking.Handling, ","), reserved: strings.Join(reserved, ","), // an identifier has no comma (ENC-9)
	}
	k.step, _ = slices.BinarySearch(m.sizes, q.BodyBytes)
	if len(m.kept) > 0 {
		if ms, dated := q.retention(); dated {
			k.kept, _ = slices.BinarySearch(m.kept, ms)
			k.kept++
		}
	}
	if len(m.days) > 0 {
		k.today, _ = slices.BinarySearch(m.days, q.Today[to])
	}
	if slices.Contains(q.Joined, q.From) {
		k.joined |= 1
	}
	if slices.Contains(q.Joined, to) {
		k.joined |= 2
	}
	return k
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
