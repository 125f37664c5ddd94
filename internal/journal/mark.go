package journal

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"sync/atomic"

	"golang.org/x/sys/unix"

	"github.com/comity-exchange/comity/fault"
	"github.com/comity-exchange/comity/internal/failpoint"
	"github.com/comity-exchange/comity/party"
	"github.com/comity-exchange/comity/statement"
	"github.com/comity-exchange/comity/translog"
)

// Mark is the high-water mark: the greatest tree of one log that may have left this node. It lives in a file of its own, outside
// the store, so that a store that was put back from an old copy is found out (LOG-12).
type Mark struct {
	path   string
	origin party.Origin

	synced  atomic.Int64   // the turn of the slot that this process knows to be on stable storage
	failed  atomic.Bool    // a sync has failed: what the file seems to say may be lost with the machine
	reached failpoint.Func // set by Journal.Reached, before use
}

// MarkValue is what the file says.
type MarkValue struct {
	Origin party.Origin     `json:"origin"`
	Size   int64            `json:"size"`
	Root   statement.Digest `json:"root"`
	// Store is the copy of the data that the mark goes with (store.Store's Incarnation), and Place the inode of the mark's lock file, which is made once
	// and never replaced: where either is another one, data or folder were put back from a copy. "" and 0: not known.
	Store string `json:"store,omitzero"`
	Place uint64 `json:"place,omitzero"`
}

// NewMark names the file. It is made at the first Advance or Adopt.
func NewMark(path string, origin party.Origin) *Mark { return &Mark{path: path, origin: origin} }

// Read gives the mark; a size of 0 when there is none yet.
func (m *Mark) Read() (MarkValue, error) {
	s, err := m.read()
	return s.MarkValue, err
}

// read gives the newest slot; one of turn 0 when there is no file.
func (m *Mark) read() (slot, error) {
	none := slot{MarkValue: MarkValue{Origin: m.origin}}
	raw, err := os.ReadFile(m.path)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return none, nil
	case err != nil:
		return none, fault.Wrap(err, fault.Internal, "LOG-12", "the high-water mark cannot be read")
	}
	s, ok := newest(raw)
	switch {
	case !ok:
		return none, fault.New(fault.Behind, "LOG-12", "the high-water mark is damaged: nothing is signed until it is mended")
	case s.Origin != m.origin:
		return none, fault.New(fault.Behind, "LOG-12", "the high-water mark is that of another log")
	}
	return s, nil
}

// Advance raises the mark to t and returns once it is on stable storage. A mark that is there already is left; one that disagrees with t is
// a fault.Behind, and nothing may be signed. Processes that share a folder take turns by a lock on the folder's lock file.
func (m *Mark) Advance(t translog.Tree) error {
	// spec: LOG-12
	unlock, err := m.lock()
	if err != nil {
		return err
	}
	defer unlock()
	m.reached.At(pointLocked)
	have, err := m.read()
	switch {
	case err != nil:
		return err
	case have.Size > t.Size:
		return m.trust(have)
	case have.Size == t.Size && have.Size > 0:
		if translog.Hash(have.Root) != t.Root {
			return fault.New(fault.Behind, "LOG-12", "the store and the high-water mark disagree about a tree of %d leaves", t.Size)
		}
		return m.trust(have)
	}
	have.Size, have.Root = t.Size, statement.Digest(t.Root)
	if have.Turn++; have.Turn == 1 || m.failed.Load() {
		err = m.replace(have)
	} else if err = m.put(have); err != nil {
		m.failed.Store(true)
		err = fault.Wrap(err, fault.Unavailable, "LOG-12", "the high-water mark cannot be written")
	}
	if err != nil {
		return err
	}
	m.synced.Store(have.Turn)
	m.reached.At(pointRaised)
	return nil
}

// trust makes sure that what the file says is on stable storage: whoever wrote it may have died before it was.
func (m *Mark) trust(have slot) error {
	if m.synced.Load() == have.Turn {
		return nil
	}
	if m.failed.Load() { // a sync that has failed may have forgotten what it was for
		have.Turn++
		if err := m.replace(have); err != nil {
			return err
		}
	} else if err := m.resync(); err != nil {
		m.failed.Store(true)
		return fault.Wrap(err, fault.Unavailable, "LOG-12", "the high-water mark cannot be written")
	}
	m.synced.Store(have.Turn)
	return nil
}

// Adopt has the mark go with this copy of the data, in this folder, from now on. Its tree stays.
func (m *Mark) Adopt(store string) error {
	// spec: LOG-14
	unlock, err := m.lock()
	if err != nil {
		return err
	}
	defer unlock()
	have, err := m.read()
	if err != nil {
		return err
	}
	place, err := m.place()
	if err != nil || have.Store == store && have.Place == place {
		return err
	}
	have.Turn, have.Store, have.Place = have.Turn+1, store, place
	return m.replace(have)
}

// Follow has the mark go with another copy of the data, which is known to be the same as the one that it goes with: the data were moved. It does nothing to a
// mark that goes with yet another one.
func (m *Mark) Follow(from, to string) error {
	v, err := m.Read()
	if err != nil || v.Store != from {
		return err
	}
	return m.Adopt(to)
}

// mend puts a mark in the place of one that cannot be read.
func (m *Mark) mend(t translog.Tree, store string) error {
	// spec: LOG-14
	unlock, err := m.lock()
	if err != nil {
		return err
	}
	defer unlock()
	v := slot{Turn: 1, MarkValue: MarkValue{Origin: m.origin, Size: t.Size, Root: statement.Digest(t.Root), Store: store}}
	if v.Place, err = m.place(); err != nil {
		return err
	}
	return m.replace(v)
}

// replace puts a file with this one slot in the mark's place. It must be called under the lock.
func (m *Mark) replace(s slot) error {
	raw, err := s.file()
	if err != nil {
		return err
	}
	if err := writeSynced(m.path, raw); err != nil {
		return fault.Wrap(err, fault.Unavailable, "LOG-12", "the high-water mark cannot be written")
	}
	m.failed.Store(false)
	return nil
}

// missing tells that there is no mark: whoever has opened the log before has left one, if only to say with which data it goes.
func (v MarkValue) missing() bool { return v.Size == 0 && v.Store == "" }

// place is the inode of the lock file; 0 when it has none.
func (m *Mark) place() (uint64, error) {
	var s unix.Stat_t
	err := unix.Stat(m.path+".lock", &s)
	if errors.Is(err, fs.ErrNotExist) {
		return 0, nil
	}
	if err != nil {
		return 0, fault.Wrap(err, fault.Unavailable, "LOG-12", "the high-water mark's folder cannot be looked at")
	}
	return s.Ino, nil
}

// goesWith tells whether the mark that was read goes with this copy of the data, where it stands.
func (m *Mark) goesWith(v MarkValue, store string) (bool, error) {
	if v.Store != "" && v.Store != store {
		return false, nil
	}
	if v.Place == 0 {
		return true, nil
	}
	place, err := m.place()
	return place == v.Place, err
}

func (m *Mark) lock() (unlock func(), err error) {
	f, err := os.OpenFile(m.path+".lock", os.O_CREATE|os.O_RDWR, 0o600)
	if err != nil {
		return nil, fault.Wrap(err, fault.Unavailable, "LOG-12", "the high-water mark cannot be locked")
	}
	if err := unix.Flock(int(f.Fd()), unix.LOCK_EX); err != nil {
		_ = f.Close()
		return nil, fault.Wrap(err, fault.Unavailable, "LOG-12", "the high-water mark cannot be locked")
	}
	return func() { _ = f.Close() }, nil
}

// writeSynced replaces a file so that after a crash either the old or the new content is there, whole.
func writeSynced(path string, content []byte) error {
	dir := filepath.Dir(path)
	// One name, since the caller holds the lock: what a process leaves that dies here, the next one writes over.
	f, err := os.OpenFile(path+".new", os.O_CREATE|os.O_TRUNC|os.O_WRONLY, 0o600)
	if err != nil {
		return err
	}
	defer os.Remove(f.Name())
	_, err = f.Write(content)
	err = errors.Join(err, f.Sync(), f.Close())
	if err != nil {
		return err
	}
	if err := os.Rename(f.Name(), path); err != nil {
		return err
	}
	d, err := os.Open(dir)
	if err != nil {
		return err
	}
	return errors.Join(d.Sync(), d.Close())
}
