package relational

import (
	"context"
	"database/sql"
	"database/sql/driver"
	"errors"
	"sync"
	"time"

	"github.com/comity-exchange/comity/fault"
	"github.com/comity-exchange/comity/internal/store"
)

// readers is how many Views run at once; more wait.
const readers = 4

// Dialect is what one kind of database has for itself. Its methods may be called concurrently, but those of one transaction come one after the other, and
// there is one writing transaction of a Store at a time.
type Dialect interface {
	// Begin opens a transaction. One that writes waits here until no other process writes, and no longer than ctx lives. alone is what Tx.Alone tells.
	// Begin and Version give a Stale where the connection turns out to have broken earlier.
	Begin(ctx context.Context, c *Conn, write bool) (alone bool, err error)
	// Commit ends a transaction. It gives a fault, with "outcome unknown" where it may or may not have been written.
	Commit(ctx context.Context, c *Conn, write bool) error
	// Version is a number that is another one after any process has committed a write. c only ever asks for it.
	Version(ctx context.Context, c *Conn) (int64, error)
	// Broken turns what the driver says into a fault. Its message says what was attempted.
	Broken(err error, attempted string) error
	// Again tells that an error of the driver is a conflict with somebody else's transaction: nothing was written, and trying again may well work.
	Again(err error) bool
}

// Stale is the driver's error for a connection that is no longer one: on another, the same may well work.
type Stale struct{ Err error }

func (s *Stale) Error() string { return s.Err.Error() }

// Unwrap gives the driver's error.
func (s *Stale) Unwrap() error { return s.Err }

func isStale(err error) bool {
	var s *Stale
	return errors.As(err, &s)
}

// Options make a Store. All are required but Prepared and Patience.
type Options struct {
	Dialect Dialect
	Writer  *sql.DB // the Store closes both
	Reader  *sql.DB
	// Patience bounds the wait for the answer to one statement, where answers can stay away. Zero: there is no bound.
	Patience time.Duration
	// Prepared is told of each query when it is first used on a connection. Only tests set it.
	Prepared func(query string)
}

// Store implements store.Store, but for what only one kind of database has: Incarnation. Begin with New.
type Store struct {
	opt Options

	writer  *home // of the one writer
	readers *home
	done    chan struct{} // closed by Close
	closing sync.Once
	origins origins
	runs    knownRuns
	opened  sync.Pool // of *[smallPiece]byte: room for a piece of which a line is taken

	mu    sync.Mutex // guards the fields below
	watch *Conn      // only ever asks for the version
	seen  int64      // its last answer
	count int64      // how often the answer changed: what Version gives
}

// Conn is a connection with the statements that were prepared on it. One goroutine holds it at a time.
type Conn struct {
	*sql.Conn
	stmts    map[string]*sql.Stmt
	prepared func(string)
	used     bool // a transaction has been open on it

	// Incarnation names the data behind the connection, as Store.Incarnation does; "" where the data alone tell. The dialect sets it.
	Incarnation string
}

// New makes a Store of an open database whose tables are there.
func New(o Options) *Store {
	o.Writer.SetMaxOpenConns(1)
	o.Reader.SetMaxOpenConns(readers + 1) // and the one that watches
	return &Store{opt: o, writer: newHome(1), readers: newHome(readers), done: make(chan struct{})}
}

// Close waits for what is under way and closes the store. Later calls of any method but Close fail.
func (s *Store) Close() (err error) {
	s.closing.Do(func() {
		close(s.done)
		s.readers.empty()
		s.writer.empty()
		s.mu.Lock()
		defer s.mu.Unlock()
		s.watch.discard()
		s.watch = nil
		// The writer is the last: of SQLite's connections the last folds the WAL into the file, and must be one that may write.
		if err = errors.Join(s.opt.Reader.Close(), s.opt.Writer.Close()); err != nil {
			err = s.opt.Dialect.Broken(err, "close")
		}
	})
	return err
}

// Open fails with fault.Unavailable when the store is closed.
func (s *Store) Open() error {
	select {
	case <-s.done:
		return fault.New(fault.Unavailable, "", "the store is closed")
	default:
		return nil
	}
}

// take waits for a connection of one kind and opens it if need be. Whoever took one puts it back; nil when it is no longer fit for use.
func (s *Store) take(ctx context.Context, from *home, db *sql.DB) (*Conn, error) {
	if err := ctx.Err(); err != nil {
		return nil, Canceled(err)
	}
	if err := s.Open(); err != nil {
		return nil, err
	}
	select {
	case <-s.done:
		return nil, s.Open()
	case <-ctx.Done():
		return nil, Canceled(ctx.Err())
	case <-from.room:
		if c := from.pick(); c != nil {
			return c, nil
		}
		c, err := s.connect(ctx, db)
		if err != nil {
			from.put(nil)
		}
		return c, err
	}
}

func (s *Store) connect(ctx context.Context, db *sql.DB) (*Conn, error) {
	ctx, cancel := s.bounded(ctx)
	defer cancel()
	c, err := db.Conn(ctx)
	if err != nil {
		return nil, s.opt.Dialect.Broken(err, "connect")
	}
	return &Conn{Conn: c, stmts: map[string]*sql.Stmt{}, prepared: s.opt.Prepared}, nil
}

// bounded is the context of one statement.
func (s *Store) bounded(ctx context.Context) (context.Context, context.CancelFunc) {
	if s.opt.Patience == 0 {
		return ctx, func() {}
	}
	return context.WithTimeout(ctx, s.opt.Patience)
}

// stmt gives the statement for q, which it keeps.
func (c *Conn) stmt(ctx context.Context, q string) (*sql.Stmt, error) {
	if s, ok := c.stmts[q]; ok {
		return s, nil
	}
	if c.prepared != nil {
		c.prepared(q)
	}
	s, err := c.PrepareContext(ctx, q)
	if err == nil {
		c.stmts[q] = s
	}
	return s, err
}

// Exec runs a statement, which is kept prepared.
func (c *Conn) Exec(ctx context.Context, q string, args ...any) error {
	s, err := c.stmt(ctx, q)
	if err == nil {
		_, err = s.ExecContext(ctx, args...)
	}
	return err
}

// Row runs a query that gives one row, which is kept prepared.
func (c *Conn) Row(ctx context.Context, q string, args []any, dest ...any) error {
	s, err := c.stmt(ctx, q)
	if err != nil {
		return err
	}
	return s.QueryRowContext(ctx, args...).Scan(dest...)
}

// discard closes the connection for good, which undoes what it had not committed.
func (c *Conn) discard() {
	if c == nil {
		return
	}
	for _, s := range c.stmts {
		_ = s.Close()
	}
	_ = c.Raw(func(any) error { return driver.ErrBadConn }) // else it would go back to its pool
	_ = c.Close()
}

// maxTries bounds how often f is called for one Update.
const maxTries = 5

// Update implements store.Store.
func (s *Store) Update(ctx context.Context, f func(tx store.Tx) error) error {
	for try := 1; ; try++ {
		err, again := s.run(ctx, s.writer, s.opt.Writer, true, f)
		if !again || try == maxTries {
			return err
		}
	}
}

// View implements store.Store.
func (s *Store) View(ctx context.Context, f func(tx store.Tx) error) error {
	err, _ := s.run(ctx, s.readers, s.opt.Reader, false, f)
	return err
}

// run is one transaction. again tells that nothing was written, and that it may well work when it is tried at once.
func (s *Store) run(ctx context.Context, home *home, db *sql.DB, write bool, f func(tx store.Tx) error) (err error, again bool) {
	c, err := s.take(ctx, home, db)
	if err != nil {
		return err, false
	}
	t := &txn{store: s, conn: c, ctx: ctx, write: write, era: s.origins.now()}
	ended := false
	defer func() { // so that what is open is undone too when f panics
		_ = t.end() // the outcome is what raw and Commit say
		if !ended && t.conn != nil && t.raw("ROLLBACK") != nil {
			t.conn.discard() // in doubt whether a transaction is still open
			t.conn = nil
		}
		if t.conn == nil {
			s.origins.forget() // another server may answer next, and may lack what was learned from this one
		}
		home.put(t.conn)
	}()
	if err := t.begin(db); err != nil {
		return err, false
	}
	if err := f(t); err != nil {
		return err, write && t.again
	}
	err = t.writePostings()
	if err == nil {
		err = t.writeKeys()
	}
	if err != nil {
		return err, write && t.again
	}
	if err := t.end(); err != nil {
		return err, write && t.again
	}
	if err := ctx.Err(); err != nil {
		return Canceled(err), false
	}
	if err := s.commit(t); err != nil {
		return err, write && s.opt.Dialect.Again(err)
	}
	ended = true
	s.origins.learn(t.cache.origins, t.era)
	if write && t.postings.runs != nil {
		s.runs.put(t.postings.runs)
	}
	return nil, false
}

// begin opens the transaction. A connection that was opened for an earlier one may have broken since, with nobody to tell: then it is tried on a new one.
func (t *txn) begin(db *sql.DB) (err error) {
	d := t.store.opt.Dialect
	t.alone, err = d.Begin(t.ctx, t.conn, t.write)
	if err != nil && t.conn.used && isStale(err) && t.ctx.Err() == nil {
		t.conn.discard()
		t.store.origins.forget()
		if t.conn, err = t.store.connect(t.ctx, db); err != nil {
			return err
		}
		t.era = t.store.origins.now()
		t.alone, err = d.Begin(t.ctx, t.conn, t.write)
	}
	if err != nil {
		return d.Broken(err, "begin")
	}
	t.conn.used = true
	return nil
}

func (s *Store) commit(t *txn) error {
	ctx, cancel := s.bounded(context.WithoutCancel(t.ctx))
	defer cancel()
	return s.opt.Dialect.Commit(ctx, t.conn, t.write)
}

// OnWriter runs f on the connection that writes, while nobody else in this process does.
func (s *Store) OnWriter(ctx context.Context, f func(c *Conn) error) error {
	return s.on(ctx, s.writer, s.opt.Writer, f)
}

// OnReader runs f on a connection that only reads, outside of any transaction.
func (s *Store) OnReader(ctx context.Context, f func(c *Conn) error) error {
	return s.on(ctx, s.readers, s.opt.Reader, f)
}

func (s *Store) on(ctx context.Context, home *home, db *sql.DB, f func(c *Conn) error) error {
	c, err := s.take(ctx, home, db)
	if err != nil {
		return err
	}
	defer func() { home.put(c) }()
	// It may have broken since it was used last, and be broken by what f does.
	if !s.alive(c) {
		c.discard()
		if c, err = s.connect(ctx, db); err != nil {
			return err
		}
	}
	err = f(c)
	if !s.alive(c) {
		c.discard()
		c = nil
	}
	return err
}

func (s *Store) alive(c *Conn) bool {
	ctx, cancel := s.bounded(context.Background())
	defer cancel()
	return c.PingContext(ctx) == nil
}

// Version implements store.Store. It asks on a connection that never writes, for SQLite tells each connection only about the commits of others.
func (s *Store) Version(ctx context.Context) (int64, error) {
	if err := ctx.Err(); err != nil {
		return 0, Canceled(err)
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if err := s.Open(); err != nil {
		return 0, err
	}
	for fresh := false; ; {
		if s.watch == nil {
			c, err := s.connect(ctx, s.opt.Reader)
			if err != nil {
				return 0, err
			}
			s.watch, fresh = c, true
			s.count++ // something may have been missed
		}
		now, err := s.ask(ctx)
		if err == nil {
			if now != s.seen {
				s.seen = now
				s.count++
			}
			return s.count, nil
		}
		s.watch.discard()
		s.watch = nil
		if fresh || !isStale(err) {
			return 0, s.opt.Dialect.Broken(err, "version")
		}
	}
}

func (s *Store) ask(ctx context.Context) (int64, error) {
	ctx, cancel := s.bounded(context.WithoutCancel(ctx))
	defer cancel()
	return s.opt.Dialect.Version(ctx, s.watch)
}

// Canceled says that the caller gave up or ran out of time.
func Canceled(err error) error {
	if errors.Is(err, context.DeadlineExceeded) {
		return fault.Wrap(err, fault.Unavailable, "", "the store did not answer in time")
	}
	return fault.Wrap(err, fault.Canceled, "", "interrupted")
}
