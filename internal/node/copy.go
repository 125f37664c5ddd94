package node

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"time"

	"filippo.io/age"
	"golang.org/x/sys/unix"

	"github.com/comity-exchange/comity/fault"
	"github.com/comity-exchange/comity/internal/config"
	"github.com/comity-exchange/comity/internal/journal"
	"github.com/comity-exchange/comity/internal/keystore"
	"github.com/comity-exchange/comity/internal/store"
	"github.com/comity-exchange/comity/internal/store/archive"
	"github.com/comity-exchange/comity/party"
)

// Backup writes all that the node remembers, as it is at one moment, sealed to the node's own key: without the keys in the folder nobody can open it. The
// node may be served meanwhile. Keys, settings and mark are not in it.
func (n *Node) Backup(ctx context.Context, w io.Writer) (archive.Manifest, error) {
	to, err := age.ParseHybridRecipient(n.Keys.Seal())
	if err != nil {
		return archive.Manifest{}, fault.Wrap(err, fault.Internal, "", "the node's own key cannot seal")
	}
	sealed, err := age.Encrypt(w, to)
	if err != nil {
		return archive.Manifest{}, fault.Wrap(err, fault.Unavailable, "", "the backup cannot be written")
	}
	m, err := archive.Write(ctx, n.Store, sealed)
	if e := sealed.Close(); err == nil && e != nil {
		err = fault.Wrap(e, fault.Unavailable, "", "the backup cannot be written")
	}
	return m, err
}

// CheckBackup reads a backup to its end and checks all of it.
func (n *Node) CheckBackup(r io.Reader) (archive.Manifest, error) {
	plain, err := opened(r, n.Keys)
	if err != nil {
		return archive.Manifest{}, err
	}
	return archive.Verify(plain)
}

// Manifest says what a backup holds.
type Manifest = archive.Manifest

// Erased writes a list of what was erased here, so that a backup from before can be put back without it.
func (n *Node) Erased(ctx context.Context, w io.Writer) error {
	all, err := archive.Erased(ctx, n.Store)
	if err != nil {
		return err
	}
	return archive.FormatErased(w, all)
}

func opened(r io.Reader, keys *keystore.Keys) (io.Reader, error) {
	plain, err := age.Decrypt(r, keys.Identity())
	if err != nil {
		return nil, fault.Wrap(err, fault.Failed, "", "the backup is damaged, or was sealed to other keys than those in this folder")
	}
	return plain, nil
}

// Restored is what came of putting a backup back.
type Restored struct {
	archive.Manifest
	Aside  string `json:"aside,omitzero"` // where the store that was there is now
	Erased int    `json:"erased"`         // contents that were not put back, since they were erased after the backup was made
}

// Restore puts a backup into the node in dir, which must not be served. A store that is there in a file is set aside, and what was erased in it is not put
// back; list names what was erased beside (Erased). A database must be empty. The node then signs nothing until its peers were asked (LOG-12).
func Restore(ctx context.Context, dir string, env []string, r, list io.Reader, now time.Time) (Restored, error) {
	erased, err := archive.ParseErased(list)
	if err != nil {
		return Restored{}, err
	}
	cfg, err := config.Load(dir, env)
	if err != nil {
		return Restored{}, err
	}
	keys, err := keystore.Load(in(dir, cfg.Keys), lockOf(dir, cfg))
	if err != nil {
		return Restored{}, err
	}
	plain, err := opened(r, keys)
	if err != nil {
		return Restored{}, err
	}
	free, err := occupy(dir)
	if err != nil {
		return Restored{}, err
	}
	defer free()
	var out Restored
	if _, database := cfg.Database(); !database {
		var buried []store.ContentRef
		if out.Aside, buried, err = setAside(ctx, dir, cfg, now); err != nil {
			return out, err
		}
		erased = append(erased, buried...)
	}
	db, err := openStore(ctx, dir, cfg, "")
	if err != nil {
		return out, err
	}
	out.Manifest, err = archive.Restore(ctx, db, plain, archive.RestoreOptions{Erased: erased, Now: now})
	out.Erased = len(erased)
	return out, errors.Join(err, db.Close())
}

// setAside gives the store's files other names, after it has read from them what was erased. A store that cannot be read any more tells nothing, and is
// set aside all the same.
func setAside(ctx context.Context, dir string, cfg config.Config, now time.Time) (aside string, erased []store.ContentRef, err error) {
	name := in(dir, cfg.Store)
	if _, err := os.Stat(name); errors.Is(err, fs.ErrNotExist) {
		return "", nil, nil
	}
	if db, err := openStore(ctx, dir, cfg, ""); err == nil {
		erased, err = archive.Erased(ctx, db)
		if err = errors.Join(err, db.Close()); err != nil {
			erased = nil
		}
	}
	aside = name + ".before-" + now.UTC().Format("20060102T150405Z")
	for _, suffix := range []string{"", "-wal", "-shm"} {
		if err := os.Rename(name+suffix, aside+suffix); err != nil && !errors.Is(err, fs.ErrNotExist) {
			return "", nil, fault.Wrap(err, fault.Unavailable, "", "the store that is there cannot be set aside")
		}
	}
	return aside, erased, nil
}

// occupy takes a folder for this process alone: to serve its node, or to change what keeps its memory. The lock goes with the process.
func occupy(dir string) (free func(), err error) {
	f, err := os.OpenFile(filepath.Join(dir, "served.lock"), os.O_CREATE|os.O_RDWR, 0o600)
	if err != nil {
		return nil, fault.Wrap(err, fault.Unavailable, "", "the folder cannot be locked")
	}
	if err := unix.Flock(int(f.Fd()), unix.LOCK_EX|unix.LOCK_NB); err != nil {
		_ = f.Close() // it was not locked
		return nil, fault.Wrap(err, fault.Unavailable, "", "another process serves the node in this folder, or changes its store: stop it first")
	}
	return func() { _ = f.Close() }, nil // which unlocks it
}

func in(dir, name string) string {
	if filepath.IsAbs(name) {
		return name
	}
	return filepath.Join(dir, name)
}

// Move copies all that the node in dir remembers into another store, empty and of either kind, compares what is in both, and writes the new one into the
// settings. The node must not be served: what it writes meanwhile is found, and nothing is changed then. The old store stays where it is.
func Move(ctx context.Context, dir string, env []string, to string) (archive.Manifest, error) {
	cfg, err := config.Load(dir, env)
	if err != nil {
		return archive.Manifest{}, err
	}
	free, err := occupy(dir)
	if err != nil {
		return archive.Manifest{}, err
	}
	defer free()
	next := cfg
	if next.Store = to; next.Store == cfg.Store {
		return archive.Manifest{}, fault.New(fault.Usage, "", "that is where the node's memory is already")
	}
	if err := next.Check(); err != nil {
		return archive.Manifest{}, err
	}
	old, err := openStore(ctx, dir, cfg, "")
	if err != nil {
		return archive.Manifest{}, err
	}
	defer old.Close()
	fresh, err := openStore(ctx, dir, next, "")
	if err != nil {
		return archive.Manifest{}, err
	}
	defer fresh.Close()
	m, err := copied(ctx, old, fresh)
	if err != nil {
		return m, err
	}
	if err := follow(ctx, dir, cfg.Code, old, fresh); err != nil {
		return m, err
	}
	return m, config.Write(filepath.Join(dir, config.FileName), next)
}

// follow has the high-water marks go with the new store, which holds what the old one did.
func follow(ctx context.Context, dir string, code party.Code, old, fresh store.Store) error {
	// spec: LOG-14
	from, err := old.Incarnation(ctx)
	if err != nil {
		return err
	}
	to, err := fresh.Incarnation(ctx)
	if err != nil {
		return err
	}
	for serial := 1; ; serial++ {
		name := filepath.Join(dir, fmt.Sprintf("%s-%d", markName, serial))
		if _, err := os.Lstat(name); errors.Is(err, fs.ErrNotExist) {
			return nil
		}
		if err := journal.NewMark(name, party.MakeOrigin(code, serial)).Follow(from, to); err != nil {
			return err
		}
	}
}

// copied pipes one store into another and holds both against each other.
func copied(ctx context.Context, old, fresh store.Store) (archive.Manifest, error) {
	r, w := io.Pipe()
	wrote := make(chan error, 1)
	go func() {
		_, err := archive.Write(ctx, old, w)
		wrote <- errors.Join(err, w.CloseWithError(err))
	}()
	m, err := archive.Restore(ctx, fresh, r, archive.RestoreOptions{})
	_ = r.CloseWithError(io.ErrClosedPipe) // so that the writer ends when the reader did
	if e := <-wrote; e != nil && err == nil {
		err = e
	}
	if err != nil {
		return m, err
	}
	now, err := archive.Digest(ctx, old)
	if err != nil {
		return m, err
	}
	for i, t := range now.Tables {
		if i >= len(m.Tables) || m.Tables[i] != t {
			return m, fault.New(fault.Failed, "", "the two stores differ in table %s: was the node being served? Stop it, empty the new store and move again", t.Name)
		}
	}
	return m, nil
}
