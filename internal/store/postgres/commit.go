package postgres

import (
	"context"
	"errors"
	"net"
	"sync/atomic"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"

	"github.com/comity-exchange/comity/fault"
	"github.com/comity-exchange/comity/internal/store/relational"
)

// A commit may have to wait for a standby. Whatever cuts that wait short, the server then says that it is done, and warns: it is done here, and nowhere else. So
// nothing of ours cuts it short, neither a bound of the server nor a request to cancel, and where somebody else does, the outcome is taken to be unknown. Until
// it is over, nobody sees what it wrote, and nobody else has the turn.

// Commit implements relational.Dialect.
func (d *dialect) Commit(ctx context.Context, c *relational.Conn, write bool) error {
	if write {
		d.cut.Store(false)
	}
	err := c.Exec(ctx, `COMMIT`)
	switch {
	case err == nil && write && d.cut.Load():
		return fault.New(fault.Unavailable, "", "the database did not wait for its standby: commit, outcome unknown")
	case err == nil && write:
		d.wrote = d.begun
		return nil
	case err == nil || !write:
		return broken(err, "commit")
	case unsent(err):
		return fault.Wrap(err, fault.Unavailable, "", "the turn to write was lost, and nothing was written: commit")
	case undone(err):
		return broken(err, "commit")
	}
	return fault.Wrap(err, fault.Unavailable, "", "the database did not answer: commit, outcome unknown")
}

var errAbandoned = errors.New("a connection that writes is left, and what it does is not canceled")

// leaveCommits has the connections that write told of warnings, and keeps the driver from canceling what they do when it gives one up: it would dial anew for that.
func (d *dialect) leaveCommits(_ context.Context, config *pgx.ConnConfig) error {
	const warning = "01000"
	config.OnNotice = func(_ *pgconn.PgConn, n *pgconn.Notice) {
		if n.Code == warning {
			d.cut.Store(true)
		}
	}
	connected := new(atomic.Bool)
	dial := config.DialFunc
	config.DialFunc = func(ctx context.Context, network, address string) (net.Conn, error) {
		if connected.Load() {
			return nil, errAbandoned
		}
		return dial(ctx, network, address)
	}
	config.AfterConnect = func(context.Context, *pgconn.PgConn) error {
		connected.Store(true)
		return nil
	}
	return nil
}
