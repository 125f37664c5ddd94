package sqlite

import (
	"context"
	"database/sql"
	"embed"
	"errors"
	"io/fs"
	"net/url"
	"path/filepath"
	"strings"

	"github.com/pressly/goose/v3"
	"modernc.org/sqlite"
	lib "modernc.org/sqlite/lib"

	"github.com/comity-exchange/comity/fault"
	"github.com/comity-exchange/comity/internal/store/relational"
)

// What only SQLite has: connections, how transactions begin and end, error numbers, migrations.

// dialect is SQLite as relational.Dialect. The one writer guards its fields.
type dialect struct {
	writer *relational.Conn // of the last Update that succeeded
	begun  int64            // data_version in the Update under way
	wrote  int64            // data_version in the last Update that succeeded
}

// Begin implements relational.Dialect. A writer takes the file's write lock at once: one that took it later could find its snapshot outdated.
func (d *dialect) Begin(ctx context.Context, c *relational.Conn, write bool) (alone bool, err error) {
	if !write {
		return false, c.Exec(ctx, "BEGIN")
	}
	// The one statement that waits for others is also the one that the caller may interrupt.
	if err := c.Exec(ctx, "BEGIN IMMEDIATE"); err != nil {
		return false, err
	}
	d.begun, err = d.Version(context.WithoutCancel(ctx), c)
	return d.writer == c && d.wrote == d.begun, err
}

// Commit implements relational.Dialect.
func (d *dialect) Commit(ctx context.Context, c *relational.Conn, write bool) error {
	if err := c.Exec(ctx, "COMMIT"); err != nil {
		return brokenCommit(err)
	}
	if write {
		d.writer, d.wrote = c, d.begun
	}
	return nil
}

// Version implements relational.Dialect: a number that is another one on this connection after any other connection has committed a write.
func (*dialect) Version(ctx context.Context, c *relational.Conn) (n int64, err error) {
	err = c.Row(ctx, "PRAGMA data_version", nil, &n)
	return n, err
}

// Broken implements relational.Dialect.
func (*dialect) Broken(err error, attempted string) error { return broken(err, attempted) }

// Again implements relational.Dialect: writers do not conflict, they wait.
func (*dialect) Again(error) bool { return false }

// busyMillis bounds the wait for the writers of other processes.
const busyMillis = "10000"

// pool opens connections to the file at path, on a VFS if one is named.
func pool(path, vfs string, readOnly bool) (*sql.DB, error) {
	abs, err := filepath.Abs(path)
	if err != nil {
		return nil, err
	}
	abs = filepath.ToSlash(abs)
	if !strings.HasPrefix(abs, "/") {
		abs = "/" + abs
	}
	q := url.Values{
		"mode":          {"rw"},
		"_busy_timeout": {busyMillis},
		"_journal_mode": {"WAL"},
		"_synchronous":  {"FULL"},
		"_foreign_keys": {"1"},
		"_dqs":          {"0"},
		"_pragma": {
			"secure_delete(1)",             // erased bytes are overwritten, not only unlinked
			"temp_store(2)",                // sorts and undo records of savepoints stay in memory
			"cache_size(-8192)",            // KiB
			"wal_autocheckpoint(4000)",     // pages: what changes often is moved into the file once
			"journal_size_limit(67108864)", // bytes that a WAL keeps after a checkpoint
			"trusted_schema(0)",            // the file is data, not code
		},
		"_txlock": {"immediate"}, // for goose
	}
	if readOnly {
		q.Set("_query_only", "1")
	} else {
		q.Add("_pragma", "cache_size(-32768)")
	}
	if vfs != "" {
		q.Set("vfs", vfs)
	}
	u := url.URL{Scheme: "file", Path: abs, RawQuery: q.Encode()}
	c, err := sqlite.NewConnector(u.String())
	if err != nil {
		return nil, err
	}
	return sql.OpenDB(c), nil
}

// broken turns what the driver says into a fault. The message says what was attempted.
func broken(err error, attempted string) error {
	if err == nil {
		return nil
	}
	if errors.Is(err, context.Canceled) || errors.Is(err, context.DeadlineExceeded) {
		return relational.Canceled(err)
	}
	if e := (*sqlite.Error)(nil); errors.As(err, &e) && e.Code() == lib.SQLITE_IOERR_SHMSIZE { // the file beside the store could not grow
		return fault.Wrap(err, fault.Unavailable, "", "the disk is full: %s", attempted)
	}
	switch primary(err) {
	case lib.SQLITE_BUSY, lib.SQLITE_LOCKED, lib.SQLITE_PROTOCOL:
		return fault.Wrap(err, fault.Unavailable, "", "the store is busy: %s", attempted)
	case lib.SQLITE_FULL:
		return fault.Wrap(err, fault.Unavailable, "", "the disk is full: %s", attempted)
	case lib.SQLITE_NOMEM:
		return fault.Wrap(err, fault.Unavailable, "", "out of memory: %s", attempted)
	case lib.SQLITE_CORRUPT, lib.SQLITE_NOTADB:
		return fault.Wrap(err, fault.Internal, "", "the store's file is damaged: %s", attempted)
	}
	return fault.Wrap(err, fault.Internal, "", "the store failed: %s", attempted)
}

// brokenCommit is broken for a COMMIT. When the disk is full or the lock is not to be had, nothing was written; after any other
// failure the last bytes may or may not have reached the disk.
func brokenCommit(err error) error {
	switch primary(err) {
	case lib.SQLITE_BUSY, lib.SQLITE_FULL, lib.SQLITE_NOMEM, lib.SQLITE_CONSTRAINT:
		return broken(err, "commit")
	}
	return fault.Wrap(err, fault.Unavailable, "", "the store failed: commit, outcome unknown")
}

// primary is SQLite's result code without its extension, 0 for an error that is not SQLite's.
func primary(err error) int {
	var e *sqlite.Error
	if errors.As(err, &e) {
		return e.Code() & 0xff
	}
	return 0
}

//go:embed migrations/*.sql
var migrations embed.FS

// migrationTries is how often a process may come second: at most once at each migration.
const migrationTries = 16

// migrate brings the file's tables up to this program, and refuses a file that a newer program wrote. Two processes may do it at
// once: the one that comes second fails, looks again, and finds it done.
func migrate(ctx context.Context, db *sql.DB) error {
	dir, err := fs.Sub(migrations, "migrations")
	if err != nil {
		return err
	}
	p, err := goose.NewProvider(goose.DialectSQLite3, db, dir, goose.WithDisableGlobalRegistry(true))
	if err != nil {
		return err
	}
	for try := 0; ; try++ {
		var have int64
		if have, _, err = p.GetVersions(ctx); err == nil && have == 1 {
			return fault.New(fault.Internal, "", "the store was made by an unreleased program: make the node anew")
		}
		if err == nil {
			_, err = p.Up(ctx)
		}
		if err == nil {
			break
		}
		if try == migrationTries || ctx.Err() != nil {
			return err
		}
	}
	have, know, err := p.GetVersions(ctx)
	if err == nil && have > know {
		return fault.New(fault.Internal, "", "a newer program wrote the store: its tables have version %d, this program knows %d", have, know)
	}
	return err
}
