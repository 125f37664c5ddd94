package sqlite

import (
	"context"
	"errors"
	"io/fs"
	"os"
	"path/filepath"

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

// Backup writes a copy of the store, as it is at one moment, to a new file at path that only its owner can read. Writers go on meanwhile.
// The copy holds keys of contents like the store itself. Errors: fault.Exists when there is a file at path.
func (d *DB) Backup(ctx context.Context, path string) error {
	if err := d.Store.Open(); err != nil {
		return err
	}
	if _, err := os.Lstat(path); !errors.Is(err, fs.ErrNotExist) {
		return fault.Wrap(err, fault.Exists, "", "there is already a file where the backup should go")
	}
	tmp, err := blank(filepath.Dir(path))
	if err != nil {
		return fault.Wrap(err, fault.Internal, "", "the backup cannot be made there")
	}
	defer os.Remove(tmp)
	if err := d.copyTo(ctx, tmp); err != nil {
		return err
	}
	if err := settle(tmp); err != nil {
		return fault.Wrap(err, fault.Internal, "", "the backup did not reach the disk")
	}
	if err := os.Link(tmp, path); err != nil {
		return fault.Wrap(err, fault.Exists, "", "there is already a file where the backup should go")
	}
	if err := settle(filepath.Dir(path)); err != nil {
		return fault.Wrap(err, fault.Internal, "", "the backup did not reach the disk")
	}
	return nil
}

// copyTo writes a compact copy into the empty file at path, over a connection of its own.
func (d *DB) copyTo(ctx context.Context, path string) error {
	db, err := pool(d.path, d.vfs, false)
	if err != nil {
		return broken(err, "backup")
	}
	defer db.Close()
	if _, err := db.ExecContext(ctx, `VACUUM INTO $1`, path); err != nil {
		return broken(err, "backup")
	}
	return nil
}

// settle brings a file or folder to the disk.
func settle(path string) error {
	f, err := os.Open(path)
	if err != nil {
		return err
	}
	return errors.Join(f.Sync(), f.Close())
}
