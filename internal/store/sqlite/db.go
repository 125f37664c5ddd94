package sqlite

import (
	"context"
	"database/sql"
	"database/sql/driver"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"sync"

	"github.com/comity-exchange/comity/fault"
	"github.com/comity-exchange/comity/internal/store"
)

// readers is how many Views run at once; more wait.
const readers = 4

// DB is a store in one file. It implements store.Store.
type DB struct {
	path string
	vfs  string
	wdb  *sql.DB // one connection, which writes
	rdb  *sql.DB // connections that only read

	writer  chan *conn    // holds the one writer while nobody writes; nil stands for one that is yet to be opened
	readers chan *conn    // likewise
	done    chan struct{} // closed by Close
	closing sync.Once

	origins origins

	mu    sync.Mutex // guards the fields below
	watch *conn      // only ever asks for data_version
	seen  int64      // its last answer
	count int64      // how often the answer changed: what Version gives
}

var _ store.Store = (*DB)(nil)

// conn is a connection with the statements that were prepared on it. One goroutine holds it at a time.
type conn struct {
	*sql.Conn
	stmts map[string]*sql.Stmt
	wrote int64 // data_version of its last Update that succeeded; 0 before the first
}

// Open opens the store at path, and creates it, readable by its owner alone, when there is none. The folder must be there, on a local disk. Errors:
// fault.Unavailable when it is busy, else fault.Internal.
func Open(ctx context.Context, path string) (*DB, error) { return OpenOn(ctx, path, "") }

// OpenOn is Open on one of SQLite's file systems (VFS), by its name; "" is the operating system's.
func OpenOn(ctx context.Context, path, vfs string) (*DB, error) {
	if err := create(path); err != nil {
		return nil, fault.Wrap(err, fault.Internal, "", "the store's file cannot be made")
	}
	d := &DB{path: path, vfs: vfs, writer: make(chan *conn, 1), readers: make(chan *conn, readers), done: make(chan struct{})}
	var err error
	if d.wdb, err = pool(path, vfs, false); err != nil {
		return nil, broken(err, "open")
	}
	if d.rdb, err = pool(path, vfs, true); err != nil {
		return nil, broken(err, "open")
	}
	d.wdb.SetMaxOpenConns(1)
	d.rdb.SetMaxOpenConns(readers + 1) // and the one that watches
	err = migrate(ctx, d.wdb)
	if err == nil {
		_, err = d.Version(ctx)
	}
	if err != nil {
		_ = d.wdb.Close()
		_ = d.rdb.Close()
		if f := (*fault.Error)(nil); errors.As(err, &f) {
			return nil, err
		}
		return nil, broken(err, "open")
	}
	d.writer <- nil
	for range readers {
		d.readers <- nil
	}
	return d, nil
}

// create makes an empty file, for SQLite gives a new one, and the files beside it, wider permissions. The file gets its name only after it was
// closed: closing any descriptor of a file drops all locks that this process has on it.
func create(path string) error {
	if _, err := os.Stat(path); !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	tmp, err := blank(filepath.Dir(path))
	if err != nil {
		return err
	}
	defer os.Remove(tmp)
	if err := os.Link(tmp, path); !errors.Is(err, fs.ErrExist) { // another process may have been faster
		return err
	}
	return nil
}

// blank makes an empty file in dir that only its owner can read.
func blank(dir string) (string, error) {
	f, err := os.CreateTemp(dir, ".store-*")
	if err != nil {
		return "", err
	}
	return f.Name(), f.Close()
}

// Close waits for what is under way and closes the store. Later calls of any method but Close fail.
func (d *DB) Close() (err error) {
	d.closing.Do(func() {
		close(d.done)
		for range readers {
			(<-d.readers).discard()
		}
		(<-d.writer).discard()
		d.mu.Lock()
		defer d.mu.Unlock()
		d.watch.discard()
		d.watch = nil
		// The last connection of all folds the WAL into the file; it must be one that may write.
		err = broken(errors.Join(d.rdb.Close(), d.wdb.Close()), "close")
	})
	return err
}

func (d *DB) closed() error {
	select {
	case <-d.done:
		return fault.New(fault.Unavailable, "", "the store is closed")
	default:
		return nil
	}
}

// take waits for a connection of one kind and opens it if need be. give puts it back; nil when it is no longer fit for use.
func (d *DB) take(ctx context.Context, from chan *conn, db *sql.DB) (*conn, error) {
	if err := ctx.Err(); err != nil {
		return nil, canceled(err)
	}
	if err := d.closed(); err != nil {
		return nil, err
	}
	select {
	case <-d.done:
		return nil, d.closed()
	case <-ctx.Done():
		return nil, canceled(ctx.Err())
	case c := <-from:
		if c != nil {
			return c, nil
		}
		c, err := open(ctx, db)
		if err != nil {
			from <- nil
		}
		return c, err
	}
}

func open(ctx context.Context, db *sql.DB) (*conn, error) {
	c, err := db.Conn(ctx)
	if err != nil {
		return nil, broken(err, "connect")
	}
	return &conn{Conn: c, stmts: map[string]*sql.Stmt{}}, nil
}

// prepared gives the statement for q, which it keeps.
func (c *conn) prepared(q string) (*sql.Stmt, error) {
	if s, ok := c.stmts[q]; ok {
		return s, nil
	}
	s, err := c.PrepareContext(context.Background(), q)
	if err == nil {
		c.stmts[q] = s
	}
	return s, err
}

// dataVersion is a number that is another one on this connection after any other connection has committed a write. It is never 0.
func (c *conn) dataVersion() (n int64, err error) {
	s, err := c.prepared("PRAGMA data_version")
	if err == nil {
		err = s.QueryRowContext(context.Background()).Scan(&n)
	}
	return n, err
}

// discard closes the connection for good, which undoes what it had not committed.
func (c *conn) discard() {
	if c == nil {
		return
	}
	for _, s := range c.stmts {
		_ = s.Close()
	}
	_ = c.Raw(func(any) error { return driver.ErrBadConn }) // else it would go back to its pool
	_ = c.Close()
}

// Update implements store.Store. It calls f once: writers do not conflict, they wait.
func (d *DB) Update(ctx context.Context, f func(tx store.Tx) error) error {
	c, err := d.take(ctx, d.writer, d.wdb)
	if err != nil {
		return err
	}
	return d.run(ctx, c, d.writer, beginWrite, f)
}

// View implements store.Store.
func (d *DB) View(ctx context.Context, f func(tx store.Tx) error) error {
	c, err := d.take(ctx, d.readers, d.rdb)
	if err != nil {
		return err
	}
	return d.run(ctx, c, d.readers, beginRead, f)
}

// run is one transaction on c, which it puts back to home. The undoing is deferred, so that it happens too when f panics.
func (d *DB) run(ctx context.Context, c *conn, home chan *conn, begin string, f func(tx store.Tx) error) error {
	t := &txn{conn: c, ctx: ctx, write: begin == beginWrite, known: &d.origins}
	ended := false
	defer func() {
		_ = t.end() // the outcome is what raw and commit say
		if !ended && t.raw(rollback) != nil {
			c.discard() // in doubt whether a transaction is still open
			c = nil
		}
		home <- c
	}()
	// The one statement that waits for others is also the one that the caller may interrupt.
	if _, err := c.ExecContext(ctx, begin); err != nil {
		return broken(err, "begin")
	}
	version := int64(0)
	if t.write {
		var err error
		if version, err = c.dataVersion(); err != nil {
			return broken(err, "begin")
		}
		t.alone = c.wrote == version
	}
	if err := f(t); err != nil {
		return err
	}
	if err := t.writeKeys(); err != nil {
		return err
	}
	if err := t.end(); err != nil {
		return err
	}
	if err := ctx.Err(); err != nil {
		return canceled(err)
	}
	if err := t.raw(commit); err != nil {
		return brokenCommit(err)
	}
	ended, c.wrote = true, version
	d.origins.learn(t.cache.origins)
	return nil
}

// Version implements store.Store. It asks on a connection that never writes, for SQLite tells each connection only about the commits of others.
func (d *DB) Version(ctx context.Context) (int64, error) {
	if err := ctx.Err(); err != nil {
		return 0, canceled(err)
	}
	d.mu.Lock()
	defer d.mu.Unlock()
	if err := d.closed(); err != nil {
		return 0, err
	}
	if d.watch == nil {
		c, err := open(ctx, d.rdb)
		if err != nil {
			return 0, err
		}
		d.watch = c
		d.count++ // something may have been missed
	}
	now, err := d.watch.dataVersion()
	if err != nil {
		d.watch.discard()
		d.watch = nil
		return 0, broken(err, "version")
	}
	if now != d.seen {
		d.seen = now
		d.count++
	}
	return d.count, nil
}

// Incarnation implements store.Store.
func (d *DB) Incarnation(ctx context.Context) (name string, err error) {
	err = d.View(ctx, func(tx store.Tx) (err error) {
		name, err = tx.Meta(incarnationKey)
		return err
	})
	return name, err
}

// incarnationKey names the random name that a store gets when it is made.
const incarnationKey = "incarnation"

// canceled says that the caller gave up or ran out of time.
func canceled(err error) error {
	if errors.Is(err, context.DeadlineExceeded) {
		return fault.Wrap(err, fault.Unavailable, "", "the store did not answer in time")
	}
	return fault.Wrap(err, fault.Canceled, "", "interrupted")
}
