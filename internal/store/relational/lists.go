package relational

import (
	"reflect"
	"slices"
	"strconv"

	"github.com/comity-exchange/comity/internal/store"
	"github.com/comity-exchange/comity/statement"
)

// lean is of a thread what it takes to know whether it is in a list.
type lean struct {
	mark   store.ThreadMark
	desk   string
	unread int
	store.Facets
}

const leanColumns = `t.no, t.desk, t.unread, t.peers, t.agreement, t.status, t.closed, t.track, t.precedence, t.tlp, t.exercise`

func readLean(scan func(...any) error, l *lean) error {
	return scan(&l.mark.At, &l.mark.No, &l.desk, &l.unread, peersColumn{&l.Peers}, emptyColumn{&l.Agreement}, &l.Status, &l.Closed, &l.Track, &l.Precedence, &l.TLP, &l.Exercise)
}

// in tells whether a thread is in a list, but for what is owed in it and what is due.
func (l *lean) in(q *store.ThreadQuery) bool {
	return (q.Desk == "" || l.desk == q.Desk) && (q.NotDesk == "" || l.desk != q.NotDesk) && (q.Peer == "" || slices.Contains(l.Peers, q.Peer)) &&
		(q.Agreement.IsZero() || l.Agreement == q.Agreement) && (q.Status == "" || l.Status == q.Status) && (!q.Open && !q.Owed || !l.Closed) && (!q.Closed || l.Closed) &&
		(q.Track == "" || l.Track == q.Track) && (q.Precedence == "" || l.Precedence == q.Precedence) && (q.TLP == "" || l.TLP == q.TLP) &&
		(q.Exercise == nil || l.Exercise == *q.Exercise) && (!q.Unread || l.unread > 0)
}

// stream is one list along an index, page by page.
type stream struct {
	query string // with what says which rows, after $1, $2: where the last page ended, and $3: how many
	args  []any
	page  []lean
	after store.ThreadMark
	limit int
	left  int // rows that it may still look at
	end   bool
	only  func(lean) bool // of two lists that overlap, what is in this one; nil: all
}

// next is the next row; nil after the last, and where it may look no further.
func (s *stream) next(t *txn) (*lean, error) {
	for {
		if len(s.page) == 0 && !s.end {
			if s.left <= 0 {
				return nil, nil
			}
			limit := min(s.limit, s.left)
			page, err := list(t, s.query, append([]any{s.after.At, s.after.No, limit}, s.args...), readLean)
			if err != nil {
				return nil, err
			}
			s.page, s.end, s.limit, s.left = page, len(page) < limit, min(4*s.limit, maxPage), s.left-len(page)
			if n := len(page); n > 0 {
				s.after = page[n-1].mark
			}
		}
		if len(s.page) == 0 {
			return nil, nil
		}
		l := s.page[0]
		s.page = s.page[1:]
		if s.only == nil || s.only(l) {
			return &l, nil
		}
		s.left++
	}
}

// merged is streams in one order, of which none holds the same row as another.
type merged struct {
	streams []*stream
	heads   []*lean
	rising  bool
}

// next is the next row of all; nil after the last. whole is false where a stream may look no further: what it would give next is not known, and nothing after it.
func (m *merged) next(t *txn) (_ *lean, whole bool, err error) {
	if m.heads == nil {
		m.heads = make([]*lean, len(m.streams))
		for i, s := range m.streams {
			if m.heads[i], err = s.next(t); err != nil {
				return nil, false, err
			}
		}
	}
	best := -1
	for i, l := range m.heads {
		if l == nil {
			if !m.streams[i].end {
				return nil, false, nil
			}
			continue
		}
		if best < 0 || m.before(l.mark, m.heads[best].mark) {
			best = i
		}
	}
	if best < 0 {
		return nil, true, nil
	}
	l := m.heads[best]
	m.heads[best], err = m.streams[best].next(t)
	return l, true, err
}

func (m *merged) before(a, b store.ThreadMark) bool {
	if !m.rising {
		a, b = b, a
	}
	return a.At < b.At || a.At == b.At && a.No < b.No
}

// newest is before every thread in an order that falls.
func newest() store.ThreadMark { return store.ThreadMark{At: never, No: 1<<63 - 1} }

const falling = ` AND (t.updated, t.no) < ($1, $2) ORDER BY t.updated DESC, t.no DESC LIMIT $3`

// along is a list of threads by when they were updated: which is a condition that an index has before that.
func along(which string, args ...any) *stream {
	return &stream{query: `SELECT t.updated, ` + leanColumns + ` FROM thread t WHERE ` + which + falling, args: args}
}

// streams finds the lists of which a query's is a part, in its order: those that promise to hold the least beside it.
func (t *txn) streams(q *store.ThreadQuery) (*merged, error) {
	m := &merged{}
	switch {
	case q.Order == store.ByDue, q.Order == store.ByOthersDue:
		m.rising = true
		// Of the clocks of one side in one thread, only the first counts. They are found by their thread: the signs keep SQLite from going through all that are due before.
		m.streams = []*stream{{query: `SELECT c.due, ` + leanColumns + ` FROM clock c JOIN thread t ON t.no = c.thread WHERE c.mine = $4 AND c.due < $5 AND (c.due, c.thread) > ($1, $2)
			AND NOT EXISTS (SELECT 1 FROM clock e WHERE e.thread = c.thread AND +e.mine = c.mine AND (e.due + 0, e.n) < (c.due, c.n))
			ORDER BY c.due, c.thread LIMIT $3`, args: []any{bit(q.Order == store.ByDue), untilOf(q)}}}
	case q.Unread:
		m.streams = []*stream{along(`t.unread > 0`)}
	case !q.Agreement.IsZero():
		m.streams = []*stream{along(`t.agreement = $4 AND length(t.agreement) > 0`, q.Agreement[:])}
	case q.Peer != "" && !q.Open && !q.Owed:
		m.streams = []*stream{along(`t.peers = $4`, string(q.Peer)), {
			query: `SELECT p.updated, ` + leanColumns + ` FROM thread_peer p JOIN thread t ON t.no = p.thread
				WHERE p.peer = $4 AND (p.updated, p.thread) < ($1, $2) ORDER BY p.updated DESC, p.thread DESC LIMIT $3`,
			args: []any{string(q.Peer)}, only: func(l lean) bool { return len(l.Peers) > 1 },
		}}
	case q.Status != "", q.Open, q.Closed, q.Owed:
		return m, t.byStatus(q, m)
	case q.Desk != "":
		m.streams = []*stream{along(`t.desk = $4`, q.Desk)}
	default:
		desks, err := t.values(`desk`, `TRUE`)
		for _, d := range desks {
			if d != q.NotDesk || d == "" {
				m.streams = append(m.streams, along(`t.desk = $4`, d))
			}
		}
		return m, err
	}
	return m, nil
}

func untilOf(q *store.ThreadQuery) int64 {
	if q.Until.IsZero() {
		return never + 1
	}
	return millis(q.Until)
}

// byStatus is the lists of states.
func (t *txn) byStatus(q *store.ThreadQuery, m *merged) (err error) {
	for closed := range int64(2) {
		if closed == 1 && (q.Open || q.Owed) {
			break
		}
		if closed == 0 && q.Closed {
			continue
		}
		states := []string{q.Status}
		if q.Status == "" {
			if states, err = t.values(`status`, `closed = `+strconv.FormatInt(closed, 10)); err != nil {
				return err
			}
		}
		for _, s := range states {
			m.streams = append(m.streams, along(`t.closed = $4 AND t.status = $5`, closed, s))
		}
	}
	return nil
}

// values finds the different values of a column that an index begins with, or has after what which says: one look each.
func (t *txn) values(column, which string) (all []string, err error) {
	read := func(scan func(...any) error, v *string) error { return scan(v) }
	found, err := list(t, `SELECT `+column+` FROM thread WHERE `+which+` ORDER BY `+column+` LIMIT 1`, nil, read)
	for err == nil && len(found) == 1 {
		all = append(all, found[0])
		found, err = list(t, `SELECT `+column+` FROM thread WHERE `+which+` AND `+column+` > $1 ORDER BY `+column+` LIMIT 1`, []any{found[0]}, read)
	}
	return all, err
}

// ListThreads implements store.Statements.
func (t *txn) ListThreads(q store.ThreadQuery) (p store.ThreadPage, err error) {
	marks, next, more, err := t.walk(q, q.Limit)
	if err != nil {
		return p, err
	}
	p.Next, p.More = next, more
	for _, m := range marks {
		rows, err := list(t, `SELECT `+threadColumns+` FROM thread WHERE no = $1`, []any{m.No}, readThread)
		if err != nil {
			return p, err
		}
		p.Rows, p.Marks = append(p.Rows, rows...), append(p.Marks, m)
	}
	return p, nil
}

// CountThreads implements store.Statements. What an officer on duty counts is counted along an index alone.
func (t *txn) CountThreads(q store.ThreadQuery, limit int) (n int, err error) {
	rest := q
	rest.Order, rest.Until, rest.After, rest.Unread, rest.Limit, rest.Look = 0, statement.Time{}, store.ThreadMark{}, false, 0, 0
	clocks := q.Order == store.ByDue || q.Order == store.ByOthersDue
	if !reflect.ValueOf(rest).IsZero() || q.Unread == clocks || q.Unread && q.After != (store.ThreadMark{}) {
		marks, _, _, err := t.walk(q, limit)
		return len(marks), err
	}
	count := func(func(...any) error) error { // of a row, nothing is read but that it is there
		n++
		return nil
	}
	if !clocks {
		err = t.query(`SELECT no FROM thread WHERE unread > 0 ORDER BY updated LIMIT $1`, []any{limit}, count)
		return n, err
	}
	err = t.query(`SELECT c.thread FROM clock c WHERE c.mine = $1 AND c.due < $2 AND (c.due, c.thread) > ($3, $4)
		AND NOT EXISTS (SELECT 1 FROM clock e WHERE e.thread = c.thread AND +e.mine = c.mine AND (e.due + 0, e.n) < (c.due, c.n)) LIMIT $5`,
		[]any{bit(q.Order == store.ByDue), untilOf(&q), q.After.At, q.After.No, limit}, count)
	return n, err
}

// walk finds at most limit threads of a list. next is where it ended, more that it may not have been the end.
func (t *txn) walk(q store.ThreadQuery, limit int) (found []store.ThreadMark, next store.ThreadMark, more bool, err error) {
	if len(q.Words) > 0 {
		return t.walkWords(q, limit)
	}
	rising := q.Order == store.ByDue || q.Order == store.ByOthersDue
	next = q.After
	if next == (store.ThreadMark{}) && !rising {
		next = newest()
	}
	m, err := t.streams(&q)
	if err != nil {
		return nil, next, false, err
	}
	for _, s := range m.streams {
		s.after, s.limit, s.left = next, min(limit+2, maxPage), max(q.Look, 1) // one more tells whether there are more, and its successor is looked up with it
	}
	for looked := 0; ; looked++ {
		l, whole, err := m.next(t)
		if err != nil || l == nil {
			return found, next, !whole, err
		}
		if len(found) == limit || looked >= max(q.Look, 1) {
			return found, next, true, nil
		}
		next = l.mark
		in, err := t.isIn(l, &q)
		if err != nil {
			return nil, next, false, err
		}
		if in {
			found = append(found, l.mark)
		}
	}
}

// isIn tells whether a thread is in a list.
func (t *txn) isIn(l *lean, q *store.ThreadQuery) (in bool, err error) {
	if !l.in(q) {
		return false, nil
	}
	if !q.Owed || q.Order == store.ByDue {
		return true, nil
	}
	var n int
	return t.one(`SELECT n FROM clock WHERE thread = $1 AND mine = 1 LIMIT 1`, []any{l.mark.No}, &n)
}

// walkWords is walk by words: the newest thread first.
func (t *txn) walkWords(q store.ThreadQuery, limit int) (found []store.ThreadMark, next store.ThreadMark, more bool, err error) {
	next = q.After
	if next == (store.ThreadMark{}) {
		next = newest()
	}
	for left := max(q.Look, 1); left > 0; {
		page, rest, looked, done, err := t.wordedBefore(q.Words, next.No, min(limit+1, maxPage), left)
		if err != nil {
			return nil, next, false, err
		}
		left -= max(looked, 1)
		for _, no := range page {
			rows, err := list(t, `SELECT t.no, `+leanColumns+` FROM thread t WHERE t.no = $1`, []any{no}, readLean)
			if err != nil {
				return nil, next, false, err
			}
			if len(found) == limit {
				return found, next, true, nil
			}
			next = store.ThreadMark{No: no}
			if len(rows) == 0 {
				continue
			}
			in, err := t.isIn(&rows[0], &q)
			if err != nil {
				return nil, next, false, err
			}
			if in {
				found = append(found, next)
			}
		}
		if done {
			return found, next, false, nil
		}
		next = store.ThreadMark{No: rest}
	}
	return found, next, true, nil
}
