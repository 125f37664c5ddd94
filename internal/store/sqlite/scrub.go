package sqlite

import (
	"context"

	"github.com/comity-exchange/comity/fault"
	"github.com/comity-exchange/comity/internal/store/relational"
)

// Scrub moves everything from the write-ahead log into the file and empties the log, so that what was erased before is in neither:
// secure_delete has overwritten it in the file. It waits for Views that are under way, at most ten seconds. Errors:
// fault.Unavailable when they take longer; then nothing is lost, and a later Scrub does the whole work.
func (d *DB) Scrub(ctx context.Context) error {
	// spec: STM-7
	return d.OnWriter(ctx, func(c *relational.Conn) error {
		var busy, frames, moved int64
		if err := c.QueryRowContext(ctx, `PRAGMA wal_checkpoint(TRUNCATE)`).Scan(&busy, &frames, &moved); err != nil {
			return broken(err, "scrub")
		}
		if busy != 0 {
			return fault.New(fault.Unavailable, "", "the store is busy: scrub")
		}
		return nil
	})
}
