package postgres

import (
	"context"
	"crypto/rand"
	"database/sql"
	"database/sql/driver"
	"encoding/hex"
	"errors"
	"io"
	"net"
	"strings"
	"sync/atomic"

	"github.com/jackc/pgx/v5/pgconn"

	"github.com/comity-exchange/comity/fault"
	"github.com/comity-exchange/comity/internal/store/relational"
)

// dialect is PostgreSQL as relational.Dialect. The one writer guards what may change.
type dialect struct {
	me    string // who has the turn, in the table
	begun int64  // fence of the Update under way
	wrote int64  // fence of the last Update that succeeded; 0 before the first

	cut atomic.Bool // the commit in hand did not wait for a standby; see commit.go
}

func newDialect() *dialect {
	me := make([]byte, 16)
	rand.Read(me) // never fails
	return &dialect{me: hex.EncodeToString(me)}
}

// Begin implements relational.Dialect. A writer takes the turn: it locks the row until the transaction ends, and nobody else writes meanwhile. Each
// statement sees what is committed when it begins, so everything after the turn sees what everybody wrote before.
//
// The fence counts turns that were committed. Where this process had the one before, and it is the one that it knows of, nobody else has written since: not on
// a server either that went over to a standby without it.
func (d *dialect) Begin(ctx context.Context, c *relational.Conn, write bool) (bool, error) {
	if err := named(ctx, c); err != nil {
		return false, stale(err)
	}
	if !write {
		return false, stale(c.Exec(ctx, `BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY`))
	}
	if err := c.Exec(ctx, `BEGIN ISOLATION LEVEL READ COMMITTED READ WRITE`); err != nil {
		return false, stale(err)
	}
	var previous string
	err := c.Row(ctx, `UPDATE turn SET previous = holder, holder = $1, fence = fence + 1, taken = now() WHERE name = 'write' RETURNING fence, previous`,
		[]any{d.me}, &d.begun, &previous)
	return previous == d.me && d.wrote > 0 && d.begun == d.wrote+1, stale(err)
}

// undone tells that the server said that it did not do the COMMIT that gave err.
func undone(err error) bool {
	p := (*pgconn.PgError)(nil)
	if !errors.As(err, &p) {
		return false
	}
	switch class(p) {
	case "23", "25", "40", "53": // constraints; timeouts that took the turn; conflicts; no resources
		return true
	}
	return false
}

// unsent tells that what gave err never went to the server: the connection was gone before.
func unsent(err error) bool {
	return errors.Is(err, driver.ErrBadConn) || errors.Is(err, sql.ErrConnDone) || pgconn.SafeToRetry(err)
}

// Version implements relational.Dialect.
func (*dialect) Version(ctx context.Context, c *relational.Conn) (fence int64, err error) {
	err = c.Row(ctx, `SELECT fence FROM turn WHERE name = 'write'`, nil, &fence)
	return fence, stale(err)
}

// Broken implements relational.Dialect.
func (*dialect) Broken(err error, attempted string) error { return broken(err, attempted) }

// Again implements relational.Dialect. PostgreSQL itself gives no cause: writers wait. Engines that have no locks on rows let one of two fail.
func (*dialect) Again(err error) bool { return isOneOf(err, "40001", "40P01") }

// stale marks the error of a connection that is gone.
func stale(err error) error {
	if err != nil && gone(err) {
		return &relational.Stale{Err: err}
	}
	return err
}

func class(p *pgconn.PgError) string { return p.Code[:min(2, len(p.Code))] }

func isOneOf(err error, codes ...string) bool {
	p := (*pgconn.PgError)(nil)
	return errors.As(err, &p) && strings.Contains(strings.Join(codes, " "), p.Code)
}

// gone tells of an error after which there is no connection any more, or was none.
func gone(err error) bool {
	if errors.Is(err, context.Canceled) || errors.Is(err, context.DeadlineExceeded) {
		return false
	}
	if p := (*pgconn.PgError)(nil); errors.As(err, &p) {
		return class(p) == "08" || class(p) == "57" && p.Code != "57014"
	}
	var network net.Error
	var connect *pgconn.ConnectError
	for _, e := range []error{io.EOF, io.ErrUnexpectedEOF, net.ErrClosed} {
		if errors.Is(err, e) {
			return true
		}
	}
	return unsent(err) || errors.As(err, &network) || errors.As(err, &connect)
}

// broken turns what the driver says into a fault. The message says what was attempted.
func broken(err error, attempted string) error {
	if f := (*fault.Error)(nil); err == nil || errors.As(err, &f) {
		return err
	}
	wrap := func(code fault.Code, why string) error { return fault.Wrap(err, code, "", "%s: %s", why, attempted) }
	if p := (*pgconn.PgError)(nil); errors.As(err, &p) {
		switch {
		case p.Code == "25P03" || p.Code == "25P04":
			return wrap(fault.Unavailable, "the turn to write was lost, and nothing was written")
		case p.Code == "55P03" || p.Code == "57014":
			return wrap(fault.Unavailable, "the database is busy")
		case class(p) == "40":
			return wrap(fault.Unavailable, "others wrote at the same time")
		case p.Code == "53100":
			return wrap(fault.Unavailable, "the database's disk is full")
		case class(p) == "53":
			return wrap(fault.Unavailable, "the database has no room for more")
		case p.Code == "25006":
			return wrap(fault.Unavailable, "the database only reads: it may have become a standby")
		case class(p) == "28" || p.Code == "3D000" || p.Code == "42501":
			return wrap(fault.Usage, "the database does not let this node in")
		case class(p) == "XX":
			return wrap(fault.Internal, "the database is damaged")
		}
	}
	switch {
	case errors.Is(err, context.Canceled) || errors.Is(err, context.DeadlineExceeded):
		return relational.Canceled(err)
	case errors.Is(err, driver.ErrBadConn) || errors.Is(err, sql.ErrConnDone): // found out before anything was sent
		return wrap(fault.Unavailable, "the connection to the database was lost, and nothing was written")
	case gone(err):
		return wrap(fault.Unavailable, "the database does not answer")
	}
	return wrap(fault.Internal, "the database failed")
}
