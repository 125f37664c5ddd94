package faultdisk_test

import (
	"context"
	"database/sql"
	"errors"
	"net/url"
	"os"
	"path/filepath"
	"sync"
	"testing"

	"go.uber.org/goleak"
	"modernc.org/sqlite"
	lib "modernc.org/sqlite/lib"

	"github.com/comity-exchange/comity/fault"
	"github.com/comity-exchange/comity/internal/store/faultdisk"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// table is a database with one table of numbers and junk, on a disk.
type table struct {
	*sql.DB
	t    *testing.T
	disk *faultdisk.Disk
	path string
}

func newDisk(t *testing.T, seed uint64) *faultdisk.Disk {
	t.Helper()
	d, err := faultdisk.New(seed)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := d.Close(); err != nil {
			t.Error(err)
		}
	})
	return d
}

// newTable makes the table. sync is SQLite's synchronous.
func newTable(t *testing.T, seed uint64, sync string) *table {
	t.Helper()
	b := &table{t: t, disk: newDisk(t, seed), path: filepath.Join(t.TempDir(), "t.db")}
	b.DB = b.over(b.disk.Name(), sync)
	b.SetMaxOpenConns(2)
	b.must("PRAGMA journal_mode=WAL", "CREATE TABLE t (n INTEGER PRIMARY KEY, junk BLOB)")
	return b
}

func dsn(path, query string) string {
	return (&url.URL{Scheme: "file", Path: path, RawQuery: query}).String()
}

func (b *table) over(vfs, sync string) *sql.DB {
	b.t.Helper()
	db, err := sql.Open("sqlite", dsn(b.path, "_synchronous="+sync+"&_pragma=wal_autocheckpoint(20)&vfs="+vfs))
	if err != nil {
		b.t.Fatal(err)
	}
	b.t.Cleanup(func() { _ = db.Close() })
	return db
}

func (b *table) must(statements ...string) {
	b.t.Helper()
	for _, q := range statements {
		if _, err := b.Exec(q); err != nil {
			b.t.Fatalf("%s: %v", q, err)
		}
	}
}

// put inserts the number n and gives SQLite's result code.
func (b *table) put(n int) int {
	b.t.Helper()
	_, err := b.Exec("INSERT INTO t VALUES ($1, randomblob(6000))", n)
	var e *sqlite.Error
	if errors.As(err, &e) {
		return e.Code()
	}
	if err != nil {
		b.t.Fatal(err)
	}
	return lib.SQLITE_OK
}

// count tells which numbers are there, 1 to n without a gap, and that the file is sound.
func (b *table) count(db *sql.DB) (n int) {
	b.t.Helper()
	var last int
	var sound string
	if err := db.QueryRow("SELECT count(*), coalesce(max(n), 0) FROM t").Scan(&n, &last); err != nil || n != last {
		b.t.Errorf("%d rows up to %d: %v", n, last, err)
	}
	if err := db.QueryRow("PRAGMA integrity_check").Scan(&sound); err != nil || sound != "ok" {
		b.t.Errorf("%q, %v", sound, err)
	}
	return n
}

// cut takes the power away and counts what is there, over another VFS.
func (b *table) cut() int {
	b.t.Helper()
	if err := errors.Join(b.disk.Cut(), b.Close()); err != nil {
		b.t.Fatal(err)
	}
	return b.count(b.over("unix", "FULL"))
}

// A sound disk does what any does, and is gone when it is closed.
func TestSound(t *testing.T) {
	t.Parallel()
	b := newTable(t, 1, "FULL")
	for i := range 50 {
		if rc := b.put(i + 1); rc != lib.SQLITE_OK {
			t.Fatal(rc)
		}
	}
	if n := b.count(b.DB); n != 50 {
		t.Errorf("%d rows", n)
	}
	if err := b.disk.Close(); fault.CodeOf(err) != fault.Unavailable {
		t.Errorf("a disk in use was closed: %v", err)
	}
	if err := errors.Join(b.Close(), b.disk.Close()); err != nil {
		t.Fatal(err)
	}
	if n := b.count(b.over("unix", "FULL")); n != 50 {
		t.Errorf("%d rows over another VFS", n)
	}
	if err := b.over(b.disk.Name(), "FULL").Ping(); err == nil {
		t.Error("a closed disk is still there")
	}
}

// Whatever was said to be there is there after a cut at any moment, where syncs are asked for and honoured. It is not where they are not: the cut bites.
func TestPowerCut(t *testing.T) {
	t.Parallel()
	const rounds = 16 / less
	lost := map[string]int{}
	for _, sync := range []string{"FULL", "OFF", "lies"} {
		for seed := range uint64(rounds) {
			asked := sync
			if sync == "lies" {
				asked = "FULL"
			}
			b := newTable(t, seed, asked)
			b.disk.Lie(sync == "lies")
			b.disk.CutAfter(1 + int64(seed)*23%211)
			said := 0
			for b.put(said+1) == lib.SQLITE_OK {
				said++
			}
			if !b.disk.Dark() {
				t.Fatalf("%s, seed %d: it failed with the power on", sync, seed)
			}
			if sync == "FULL" {
				if n := b.cut(); n < said || n > said+1 {
					t.Errorf("seed %d: %d of %d are there", seed, n, said)
				}
				continue
			}
			if err := b.Close(); err != nil {
				t.Fatal(err)
			}
			var n int
			if err := b.over("unix", "FULL").QueryRow("SELECT count(*) FROM t").Scan(&n); err != nil || n < said {
				lost[sync]++
			}
		}
	}
	for _, sync := range []string{"OFF", "lies"} {
		if lost[sync]*4 < rounds {
			t.Errorf("%s: only %d of %d cuts did harm", sync, lost[sync], rounds)
		}
	}
}

// The same disk goes on after the power has come back, for those who open it then.
func TestPowerBack(t *testing.T) {
	t.Parallel()
	b := newTable(t, 1, "FULL")
	for i := range 3 {
		b.put(i + 1)
	}
	b.disk.Fail(faultdisk.Failure{Effect: faultdisk.Write, Nth: 1000})
	if err := b.disk.Cut(); err != nil {
		t.Fatal(err)
	}
	if rc := b.put(4); rc&0xff != lib.SQLITE_IOERR {
		t.Errorf("without power: %d", rc)
	}
	if err := b.disk.On(); fault.CodeOf(err) != fault.Unavailable {
		t.Errorf("power while files from before are open: %v", err)
	}
	if err := errors.Join(b.Close(), b.disk.On()); err != nil {
		t.Fatal(err)
	}
	b.DB = b.over(b.disk.Name(), "FULL")
	if n := b.count(b.DB); n != 3 {
		t.Errorf("%d rows", n)
	}
	if rc := b.put(4); rc != lib.SQLITE_OK || !b.disk.Failed() {
		t.Errorf("%d: the power came back with a fault", rc)
	}
	if n := b.cut(); n != 4 {
		t.Errorf("%d rows after another cut", n)
	}
}

// Where the disk is full nothing is written and everything can be read, until there is room.
func TestFull(t *testing.T) {
	t.Parallel()
	for room := int64(0); room < 40_000; room += 5009 * less {
		b := newTable(t, 1, "FULL")
		b.disk.Fill(room)
		n := 0
		rc := lib.SQLITE_OK
		for rc == lib.SQLITE_OK {
			if rc = b.put(n + 1); rc == lib.SQLITE_OK {
				n++
			}
		}
		if rc != lib.SQLITE_FULL {
			t.Errorf("%d bytes of room: %d", room, rc)
		}
		if got := b.count(b.DB); got != n || int64(n)*6000 > room {
			t.Errorf("%d bytes of room: %d rows, %d were said to be there", room, got, n)
		}
		b.disk.Empty()
		if rc := b.put(n + 1); rc != lib.SQLITE_OK {
			t.Errorf("with room again: %d", rc)
		}
		if got := b.cut(); got != n+1 {
			t.Errorf("%d bytes of room: %d rows in the end", room, got)
		}
	}
}

// Shared memory takes room, too: a store that cannot be opened for want of it can be opened when there is some.
func TestFullSharedMemory(t *testing.T) {
	t.Parallel()
	b := newTable(t, 1, "FULL")
	b.put(1)
	if err := b.Close(); err != nil {
		t.Fatal(err)
	}
	b.disk.Fill(0)
	db := b.over(b.disk.Name(), "FULL")
	var n int
	var e *sqlite.Error
	if err := db.QueryRow("SELECT count(*) FROM t").Scan(&n); !errors.As(err, &e) || e.Code() != lib.SQLITE_IOERR_SHMSIZE {
		t.Errorf("without room: %v", err)
	}
	b.disk.Empty()
	if n := b.count(db); n != 1 {
		t.Errorf("%d rows", n)
	}
}

// A write or sync that fails makes its transaction fail, though it may have happened; the next one works.
func TestFailures(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		failure faultdisk.Failure
		code    int
	}{
		{faultdisk.Failure{Effect: faultdisk.Write, File: faultdisk.WAL, Nth: 1}, lib.SQLITE_IOERR_WRITE},
		{faultdisk.Failure{Effect: faultdisk.Write, File: faultdisk.WAL, Nth: 4}, lib.SQLITE_IOERR_WRITE},
		{faultdisk.Failure{Effect: faultdisk.Write, File: faultdisk.WAL, Nth: 4, Happened: true}, lib.SQLITE_IOERR_WRITE},
		{faultdisk.Failure{Effect: faultdisk.Sync, File: faultdisk.WAL, Nth: 1}, lib.SQLITE_IOERR_FSYNC},
		{faultdisk.Failure{Effect: faultdisk.Sync, File: faultdisk.WAL, Nth: 1, Happened: true}, lib.SQLITE_IOERR_FSYNC},
		{faultdisk.Failure{Effect: faultdisk.Sync, Nth: 1}, lib.SQLITE_IOERR_FSYNC},
	} {
		b := newTable(t, 1, "FULL")
		b.put(1)
		b.disk.Fail(c.failure)
		if b.disk.Failed() {
			t.Errorf("%+v: it failed before it was asked for anything", c.failure)
		}
		if rc := b.put(2); rc != c.code || !b.disk.Failed() {
			t.Errorf("%+v: %d", c.failure, rc)
		}
		if n := b.count(b.DB); n != 1 {
			t.Errorf("%+v: %d rows", c.failure, n)
		}
		if rc := b.put(2); rc != lib.SQLITE_OK {
			t.Errorf("%+v: the next gives %d", c.failure, rc)
		}
		if n := b.cut(); n != 2 {
			t.Errorf("%+v: %d rows in the end", c.failure, n)
		}
	}
}

// A commit that failed and happened is seen by nobody and is there after a cut all the same: its outcome is not known before another commit has overwritten what it
// left in the log.
func TestFailedButHappened(t *testing.T) {
	t.Parallel()
	for _, overwritten := range []bool{false, true} {
		b := newTable(t, 1, "FULL")
		b.put(1)
		b.disk.Fail(faultdisk.Failure{Effect: faultdisk.Sync, File: faultdisk.WAL, Nth: 1, Happened: true})
		if rc := b.put(2); rc != lib.SQLITE_IOERR_FSYNC {
			t.Fatal(rc)
		}
		if n := b.count(b.DB); n != 1 {
			t.Errorf("%d rows before the cut", n)
		}
		want := 2
		if overwritten {
			b.must("UPDATE t SET junk = NULL")
			want = 1
		}
		if n := b.cut(); n != want {
			t.Errorf("%d rows after the cut, want %d", n, want)
		}
	}
}

// On a slow disk a writer waits and readers do not.
func TestSlow(t *testing.T) {
	t.Parallel()
	b := newTable(t, 1, "FULL")
	b.put(1)
	waiting, gate := make(chan struct{}), make(chan struct{})
	var once sync.Once
	b.disk.Slow(func() {
		once.Do(func() { close(waiting) })
		<-gate
	})
	done := make(chan int, 1)
	go func() {
		_, err := b.ExecContext(context.WithoutCancel(t.Context()), "INSERT INTO t VALUES (2, NULL)")
		if err != nil {
			t.Error(err)
		}
		close(done)
	}()
	<-waiting
	if n := b.count(b.DB); n != 1 {
		t.Errorf("%d rows while the writer waits", n)
	}
	select {
	case <-done:
		t.Error("the writer did not wait")
	default:
	}
	b.disk.Slow(nil)
	close(gate)
	<-done
	if n := b.count(b.DB); n != 2 {
		t.Errorf("%d rows", n)
	}
}

// What others write while nobody has the file open over the disk is seen, and a cut leaves it.
func TestOthersWrite(t *testing.T) {
	t.Parallel()
	b := newTable(t, 1, "FULL")
	b.put(1)
	if err := b.Close(); err != nil {
		t.Fatal(err)
	}
	b.DB = b.over("unix", "FULL")
	b.put(2)
	if err := b.Close(); err != nil {
		t.Fatal(err)
	}
	b.DB = b.over(b.disk.Name(), "FULL")
	b.put(3)
	if n := b.cut(); n != 3 {
		t.Errorf("%d rows", n)
	}
	if left, err := os.ReadDir(filepath.Dir(b.path)); err != nil || len(left) > 3 {
		t.Errorf("%v: %v", left, err)
	}
}

// A commit is there after the worst of cuts also where a reader made the log that it stands in.
func TestLogMadeByAReader(t *testing.T) {
	t.Parallel()
	b := newTable(t, 1, "FULL")
	if err := b.Close(); err != nil {
		t.Fatal(err)
	}
	b.DB = b.over(b.disk.Name(), "FULL")
	b.count(b.DB)
	writer := b.over(b.disk.Name(), "FULL")
	if _, err := writer.Exec("INSERT INTO t VALUES (1, NULL)"); err != nil {
		t.Fatal(err)
	}
	b.disk.Worst(true)
	err := b.disk.Cut()
	if err := errors.Join(err, writer.Close()); err != nil {
		t.Fatal(err)
	}
	if n := b.cut(); n != 1 {
		t.Errorf("%d rows", n)
	}
}
