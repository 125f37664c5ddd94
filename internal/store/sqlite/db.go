package sqlite

import (
	"context"
	"database/sql"
	"errors"
	"io/fs"
	"os"
	"path/filepath"

	"github.com/comity-exchange/comity/fault"
	"github.com/comity-exchange/comity/internal/store"
	"github.com/comity-exchange/comity/internal/store/relational"
)

// DB is a store in one file. It implements store.Store.
type DB struct {
	*relational.Store
	path string
	vfs  string
}

var _ store.Store = (*DB)(nil)

// Open opens the store at path, and creates it, readable by its owner alone, when there is none. The folder must be there, on a local disk. Errors:
// fault.Unavailable when it is busy, else fault.Internal.
func Open(ctx context.Context, path string) (*DB, error) { return OpenOn(ctx, path, "") }

// OpenOn is Open on one of SQLite's file systems (VFS), by its name; "" is the operating system's.
func OpenOn(ctx context.Context, path, vfs string) (*DB, error) { return open(ctx, path, vfs, nil) }

// open tells prepared of each query that is prepared.
func open(ctx context.Context, path, vfs string, prepared func(string)) (*DB, error) {
	if err := create(path); err != nil {
		return nil, fault.Wrap(err, fault.Internal, "", "the store's file cannot be made")
	}
	var pools [2]*sql.DB
	for i := range pools {
		var err error
		if pools[i], err = pool(path, vfs, i == 1); err != nil {
			return nil, broken(err, "open")
		}
	}
	d := &DB{path: path, vfs: vfs}
	d.Store = relational.New(relational.Options{Dialect: &dialect{}, Writer: pools[0], Reader: pools[1], Prepared: prepared})
	err := migrate(ctx, pools[0])
	if err == nil {
		err = d.Finished(ctx)
	}
	if err == nil {
		_, err = d.Version(ctx)
	}
	if err != nil {
		_ = d.Close()
		if f := (*fault.Error)(nil); errors.As(err, &f) {
			return nil, err
		}
		return nil, broken(err, "open")
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
	if err := os.Link(tmp, path); err != nil && !errors.Is(err, fs.ErrExist) { // another process may have been faster
		return err
	}
	return settle(filepath.Dir(path)) // a commit is worth nothing in a file whose name is lost
}

// blank makes an empty file in dir that only its owner can read.
func blank(dir string) (string, error) {
	f, err := os.CreateTemp(dir, ".store-*")
	if err != nil {
		return "", err
	}
	return f.Name(), f.Close()
}

// settle brings a file or folder to the disk.
func settle(path string) error {
	f, err := os.Open(path)
	if err != nil {
		return err
	}
	return errors.Join(f.Sync(), f.Close())
}

// Incarnation implements store.Store: a random name that a store gets when it is made.
func (d *DB) Incarnation(ctx context.Context) (name string, err error) {
	err = d.View(ctx, func(tx store.Tx) (err error) {
		name, err = tx.Meta("incarnation")
		return err
	})
	return name, err
}
