package postgres

import (
	"context"
	"database/sql"
	"embed"
	"fmt"
	"io/fs"
	"strconv"
	"strings"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"
	"github.com/jackc/pgx/v5/stdlib"
	"github.com/pressly/goose/v3"

	"github.com/comity-exchange/comity/fault"
	"github.com/comity-exchange/comity/internal/store"
	"github.com/comity-exchange/comity/internal/store/relational"
)

// Options of a store. The zero value is good.
type Options struct {
	// Turn is how long the server lets a process that says nothing keep the turn to write; zero: 30 s. Others wait a little longer for theirs.
	Turn time.Duration

	prepared func(query string) // see relational.Options
}

const (
	defaultTurn = 30 * time.Second
	grace       = 5 * time.Second  // beyond the turn of another, for its end to be noticed
	connectTime = 10 * time.Second // for each server that the address names
	oldest      = 14               // major version of the server
)

// DB is a store in one database. It implements store.Store.
type DB struct {
	*relational.Store
}

var _ store.Store = (*DB)(nil)

// Open opens the store in the database that address names: a postgres:// URL or a keyword string of libpq, with several hosts if need be. It makes
// the tables where there are none. Errors: fault.Usage for an address that cannot be read and for a server that must not be used, saying why;
// fault.Unavailable when none answers that may be written to; else fault.Internal.
func Open(ctx context.Context, address string, o Options) (*DB, error) {
	if o.Turn <= 0 {
		o.Turn = defaultTurn
	}
	config, err := pgx.ParseConfig(address)
	if err != nil {
		return nil, fault.New(fault.Usage, "", "the database's address cannot be read") // it may hold a password
	}
	if config.ConnectTimeout == 0 {
		config.ConnectTimeout = connectTime
	}
	if config.RuntimeParams["application_name"] == "" {
		config.RuntimeParams["application_name"] = "comity"
	}
	if config.ValidateConnect == nil { // a standby would only refuse later
		config.ValidateConnect = pgconn.ValidateConnectTargetSessionAttrsReadWrite
	}
	dialect := newDialect()
	writer := stdlib.OpenDB(*config, stdlib.OptionBeforeConnect(dialect.leaveCommits), stdlib.OptionAfterConnect(o.prepareWriter))
	reader := stdlib.OpenDB(*config, stdlib.OptionAfterConnect(o.prepareReader))
	d := &DB{relational.New(relational.Options{
		Dialect: dialect, Writer: writer, Reader: reader, Patience: o.Turn + 2*grace, Prepared: o.prepared,
	})}
	err = usable(ctx, writer)
	if err == nil {
		err = migrate(ctx, writer)
	}
	if err == nil {
		err = d.Finished(ctx)
	}
	if err == nil {
		_, err = d.Version(ctx)
	}
	if err != nil {
		_ = d.Close()
		return nil, broken(err, "open")
	}
	return d, nil
}

// prepareWriter bounds, by the server's clock, how long this process can stand in the way of others.
func (o Options) prepareWriter(ctx context.Context, c *pgx.Conn) error {
	turn := o.Turn.Milliseconds()
	set := []string{
		fmt.Sprintf(`SET idle_in_transaction_session_timeout = %d`, turn),
		`SET statement_timeout = 0`, // it would cut short a commit that waits for its standby: see commit.go
		fmt.Sprintf(`SET lock_timeout = %d`, turn+grace.Milliseconds()/2),
		// Off, a commit would be answered before it is on a disk.
		`SELECT set_config('synchronous_commit', 'on', false) WHERE current_setting('synchronous_commit') = 'off'`,
	}
	if major(c) >= 17 {
		set = append(set, fmt.Sprintf(`SET transaction_timeout = %d`, 10*turn))
	}
	return execAll(ctx, c, set)
}

// prepareReader makes sure that what only reads does not write, nor waits for ever for what upkeep has locked.
func (o Options) prepareReader(ctx context.Context, c *pgx.Conn) error {
	return execAll(ctx, c, []string{
		`SET default_transaction_read_only = on`,
		fmt.Sprintf(`SET lock_timeout = %d`, o.Turn.Milliseconds()),
	})
}

func execAll(ctx context.Context, c *pgx.Conn, all []string) error {
	for _, q := range all {
		if _, err := c.Exec(ctx, q, pgx.QueryExecModeSimpleProtocol); err != nil {
			return err
		}
	}
	return nil
}

// major is the server's major version, 0 when it does not say.
func major(c *pgx.Conn) int {
	n, _, _ := strings.Cut(c.PgConn().ParameterStatus("server_version"), ".")
	v, err := strconv.Atoi(n)
	if err != nil {
		return 0
	}
	return v
}

// usable refuses a server that cannot keep what it acknowledges, or compares text in another way.
func usable(ctx context.Context, db *sql.DB) error {
	var version, number, encoding, fsync string
	err := db.QueryRowContext(ctx, `SELECT version(), current_setting('server_version_num'), current_setting('server_encoding'),
		COALESCE(current_setting('fsync', true), 'on')`).Scan(&version, &number, &encoding, &fsync)
	if err != nil {
		return err
	}
	n, err := strconv.Atoi(number)
	switch {
	// Engines that only speak PostgreSQL's protocol count in their own way.
	case strings.HasPrefix(version, "PostgreSQL ") && (err != nil || n < oldest*10000):
		return fault.New(fault.Usage, "", "the database server is older than PostgreSQL %d", oldest)
	case encoding != "UTF8":
		return fault.New(fault.Usage, "", "the database's encoding is %s: make one with ENCODING 'UTF8'", encoding)
	case fsync == "off":
		return fault.New(fault.Usage, "", "the database server runs with fsync = off: it would lose what it has acknowledged; switch fsync on")
	}
	return nil
}

//go:embed migrations/*.sql
var migrations embed.FS

// migrationTries is how often a process may come second: at most once at each migration.
const migrationTries = 16

// migrate brings the database's tables up to this program, and refuses one that a newer program wrote. Two processes may do it at once: the one that comes
// second fails, looks again, and finds it done.
func migrate(ctx context.Context, db *sql.DB) error {
	dir, err := fs.Sub(migrations, "migrations")
	if err != nil {
		return err
	}
	if done, err := migrated(ctx, db, dir); done || err != nil {
		return err
	}
	p, err := goose.NewProvider(goose.DialectPostgres, db, dir, goose.WithDisableGlobalRegistry(true))
	if err != nil {
		return err
	}
	for try := 0; ; try++ {
		if _, err = p.Up(ctx); err == nil {
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

// migrated tells whether there is nothing to do, as nearly always: by one question, where goose has many. Where there are no tables, it fails.
func migrated(ctx context.Context, db *sql.DB, dir fs.FS) (bool, error) {
	files, err := fs.ReadDir(dir, ".")
	if err != nil || len(files) == 0 {
		return false, err
	}
	number, _, _ := strings.Cut(files[len(files)-1].Name(), "_") // they are listed by name
	newest, err := strconv.ParseInt(number, 10, 64)
	if err != nil {
		return false, err
	}
	var have int64
	err = db.QueryRowContext(ctx, `SELECT MAX(version_id) FROM goose_db_version WHERE is_applied`).Scan(&have)
	return err == nil && have == newest, nil
}

// Incarnation implements store.Store: the random name that the tables got when they were made, the server's own, and its timeline, which is another one after
// a standby was promoted or a backup put back. Engines that have no such names give the first alone.
func (d *DB) Incarnation(ctx context.Context) (name string, err error) {
	err = d.View(ctx, func(tx store.Tx) (err error) {
		name, err = tx.Incarnation()
		return err
	})
	return name, err
}

// named has a connection know the incarnation of what it reads and writes. As long as it lives, that stays the same: a server takes up another timeline, or other
// data, only when it starts, or becomes from a standby, to which none of ours connects. It asks outside of any transaction, for where the server has no such
// names, the question fails.
func named(ctx context.Context, c *relational.Conn) error {
	if c.Incarnation != "" {
		return nil
	}
	var name, server string
	if err := c.QueryRowContext(ctx, `SELECT value FROM meta WHERE name = 'incarnation'`).Scan(&name); err != nil {
		return err
	}
	err := c.QueryRowContext(ctx, `SELECT system_identifier || '/' || substr(pg_walfile_name(pg_current_wal_lsn()), 1, 8) FROM pg_control_system()`).Scan(&server)
	switch {
	case err == nil:
		name += "/" + server
	case !isOneOf(err, "42883", "42501", "0A000"): // no such function, not allowed, not supported
		return err
	}
	c.Incarnation = name
	return nil
}
