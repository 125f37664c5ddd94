package postgres

import (
	"context"

	"github.com/comity-exchange/comity/internal/store/relational"
)

// Scrub makes the server write the table of keys anew, without those that were overwritten, and give back the space of what was erased. Everybody waits
// meanwhile for that one table, which has some 40 bytes for each body and blob. Then it has what is in memory written, and a new file of the write-ahead log
// begun, where it lets this node. It does not reach what the server keeps elsewhere: docs/postgres.md tells of that.
// Errors: fault.Unavailable when the table is not to be had; then nothing is lost, and a later Scrub does the whole work.
func (d *DB) Scrub(ctx context.Context) error {
	// spec: STM-7
	return d.OnWriter(ctx, func(c *relational.Conn) error {
		for _, q := range []string{`VACUUM (FULL) content_key`, `VACUUM content, content_piece, draft, officer`} {
			if _, err := c.ExecContext(ctx, q); err != nil {
				return broken(err, "scrub")
			}
		}
		for _, q := range []string{`CHECKPOINT`, `SELECT pg_switch_wal()`} {
			if _, err := c.ExecContext(ctx, q); err != nil && !isOneOf(err, "42501", "42883", "0A000", "42601") {
				return broken(err, "scrub")
			}
		}
		return nil
	})
}
