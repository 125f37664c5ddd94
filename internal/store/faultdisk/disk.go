package faultdisk

import (
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"sync"

	lib "modernc.org/sqlite/lib"

	"github.com/comity-exchange/comity/fault"
)

// Effect is what a disk does that lasts.
type Effect string

// The effects that can be told to fail.
const (
	Write Effect = "write" // truncations are writes too
	Sync  Effect = "sync"
)

// File is which of a store's files.
type File string

// The files.
const (
	Any  File = ""
	Main File = "main" // the store itself
	WAL  File = "wal"  // its write-ahead log
	Side File = "side" // anything else: rollback journals, temporary files
)

// Failure is one effect that fails.
type Failure struct {
	Effect Effect
	File   File
	Nth    int // counted from when it was set; 1 is the next
	// Happened: it takes place all the same, and only its answer is an error. Else a write writes nothing; and what a sync was to bring to the disk is
	// brought there by no later one, as on systems that forget which pages were dirty.
	Happened bool
}

// Disk is one disk. Any number of stores may be on it, all opened by this process. It is safe for concurrent use.
type Disk struct {
	name  string
	vfs   uintptr // C memory: what is registered
	cname uintptr // C memory: its name
	table uintptr // C memory: the methods of its files
	under uintptr // the VFS that does the work
	kept  []any   // the functions that C memory points to: the collector does not look there

	handles sync.Map // sqlite3_file → *handle

	mu      sync.Mutex
	open    int // handles; all below guarded by mu, too
	rand    *rand.Rand
	platter *platter
	shm     map[string]int64 // bytes of shared memory, by the name of its store
	effects int64            // what was written, truncated, synced, made and deleted so far
	cutAt   int64            // the effect at which power goes; 0: none
	off     bool             // there is no power
	cuts    int              // how often there was none
	broken  error            // why a cut did not leave what it should
	full    bool
	room    int64 // bytes by which files may still grow while full is set
	lies    bool
	worst   bool
	slow    func()
	failure *Failure
}

// New makes a sound disk. All that is left to chance comes from seed. Close it when nothing is open on it any more, and keep it until then: SQLite
// holds pointers to it that the collector does not see.
func New(seed uint64) (*Disk, error) {
	d := &Disk{rand: rand.New(rand.NewPCG(seed, 0)), platter: newPlatter(), shm: map[string]int64{}}
	d.name = fmt.Sprintf("faultdisk-%p", d)
	if err := d.register(); err != nil {
		return nil, err
	}
	return d, nil
}

// Name is the name of its VFS, as the parameter "vfs" of a connection wants it.
func (d *Disk) Name() string { return d.name }

// Close takes the disk away. It fails with fault.Unavailable while a file on it is open.
func (d *Disk) Close() error {
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.open > 0 {
		return fault.New(fault.Unavailable, "", "%d files on the disk are still open", d.open)
	}
	d.unregister()
	return d.broken
}

// Fill leaves room for files to grow by that many bytes in all. A write that needs more writes what fits and says that the disk is full; what is
// truncated or deleted gives room back. Bytes that are there can be overwritten.
func (d *Disk) Fill(room int64) {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.full, d.room = true, room
}

// Empty makes room without end.
func (d *Disk) Empty() {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.full = false
}

// Slow has each effect wait for wait before it takes place; nil: none waits. Reads are not slowed. wait is called by many goroutines at once.
func (d *Disk) Slow(wait func()) {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.slow = wait
}

// Fail has one effect fail. A later call replaces what has not failed yet.
func (d *Disk) Fail(f Failure) {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.failure = &f
}

// Failed tells whether the effect that was to fail has failed.
func (d *Disk) Failed() bool {
	d.mu.Lock()
	defer d.mu.Unlock()
	return d.failure == nil
}

// Lie has syncs succeed and do nothing. What they were asked for is brought to the disk by the first sync that is honest again.
func (d *Disk) Lie(on bool) {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.lies = on
}

// Worst has a cut lose all that is unsure instead of leaving it to chance.
func (d *Disk) Worst(on bool) {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.worst = on
}

// CutAfter has the power go in the middle of the n-th effect from now; n ≥ 1.
func (d *Disk) CutAfter(n int64) {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.cutAt = d.effects + n
}

// Cut takes the power away: whatever has a file open fails from now on, and the files are as the cut left them. They may be looked at and opened
// over another VFS at once. It does nothing where there is no power.
func (d *Disk) Cut() error {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.cut()
	return d.broken
}

// Dark tells whether there is no power.
func (d *Disk) Dark() bool {
	d.mu.Lock()
	defer d.mu.Unlock()
	return d.off
}

// On brings the power back to a sound disk: no fault is set any more. What was open before the cut must have been closed.
func (d *Disk) On() error {
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.open > 0 {
		return fault.New(fault.Unavailable, "", "%d files from before the cut are still open", d.open)
	}
	d.off, d.cutAt, d.full, d.lies, d.worst, d.slow, d.failure = false, 0, false, false, false, nil, nil
	return d.broken
}

// cut is Cut. Called with mu held.
func (d *Disk) cut() {
	if d.off {
		return
	}
	d.off, d.cutAt = true, 0
	d.cuts++
	f := newFate(d.rand)
	if d.worst {
		f = &fate{Rand: d.rand, none: true, lost: true}
	}
	for name := range d.platter.names {
		if _, err := os.Lstat(name); errors.Is(err, fs.ErrNotExist) { // others took it away
			delete(d.platter.names, name)
			delete(d.platter.certain, name)
		}
	}
	var failed error
	for name, bytes := range d.platter.cut(f) {
		failed = errors.Join(failed, replace(name, bytes))
	}
	for _, name := range slices.Sorted(maps.Keys(d.shm)) {
		// Shared memory is a file that nobody syncs. A store that finds one after a cut must not believe it.
		var junk []byte
		if d.rand.IntN(2) == 0 {
			junk = make([]byte, d.rand.IntN(100_000))
			for i := range junk {
				junk[i] = byte(d.rand.Uint32())
			}
		}
		failed = errors.Join(failed, replace(name+"-shm", junk))
	}
	if failed != nil {
		d.broken = fault.Wrap(failed, fault.Internal, "", "the files could not be left as the power cut would leave them")
	}
	d.platter, d.shm = newPlatter(), map[string]int64{}
}

// replace puts another file in the place of one, so that whoever has the old one open keeps that to himself; nil bytes: none.
func replace(name string, bytes []byte) error {
	if bytes == nil {
		if err := os.Remove(name); !errors.Is(err, fs.ErrNotExist) {
			return err
		}
		return nil
	}
	f, err := os.CreateTemp(filepath.Dir(name), ".cut-*")
	if err != nil {
		return err
	}
	defer os.Remove(f.Name())
	_, err = f.Write(bytes)
	return errors.Join(err, f.Close(), os.Rename(f.Name(), name))
}

// begin opens the way to one effect: it waits where the disk is slow, and takes mu, which the caller gives back. With cut, the power goes in the middle
// of the effect: the caller has it take place as far as a cut may leave it, and calls cut.
func (d *Disk) begin() (cut bool) {
	d.mu.Lock()
	if wait := d.slow; wait != nil {
		d.mu.Unlock()
		wait()
		d.mu.Lock()
	}
	d.effects++
	return !d.off && d.cutAt > 0 && d.effects >= d.cutAt
}

// fails tells whether an effect is the one that was to fail. Called with mu held.
func (d *Disk) fails(e Effect, f File) (fails, happened bool) {
	if d.failure == nil || d.failure.Effect != e || d.failure.File != Any && d.failure.File != f {
		return false, false
	}
	if d.failure.Nth--; d.failure.Nth > 0 {
		return false, false
	}
	happened = d.failure.Happened
	d.failure = nil
	return true, happened
}

// grow takes room for n more bytes and gives how many there is room for. Called with mu held.
func (d *Disk) grow(n int64) int64 {
	if n <= 0 || !d.full {
		return max(n, 0)
	}
	n = min(n, max(d.room, 0))
	d.room -= n
	return n
}

// kindOf tells which file SQLite means.
func kindOf(flags int32) File {
	switch {
	case flags&lib.SQLITE_OPEN_MAIN_DB != 0:
		return Main
	case flags&lib.SQLITE_OPEN_WAL != 0:
		return WAL
	}
	return Side
}
