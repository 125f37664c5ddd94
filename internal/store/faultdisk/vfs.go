package faultdisk

import (
	"errors"
	"io/fs"
	"os"
	"slices"
	"unsafe"

	"modernc.org/libc"
	lib "modernc.org/sqlite/lib"

	"github.com/comity-exchange/comity/fault"
)

// A file of ours, as SQLite has it: its methods, and behind them the file of the VFS that does the work.
const header = 16 // bytes before that file; a multiple of every alignment

// handle is an open file.
type handle struct {
	under uintptr // the file of the VFS that does the work
	kind  File
	name  string
	*content
	temporary bool // gone after a cut whatever happens, and known to nobody else
	fresh     bool // its first sync syncs its folder, too
	cuts      int  // of the disk, when it was opened
}

// The functions of a VFS and of a file, as SQLite calls them.
type (
	openFunc    = func(tls *libc.TLS, vfs, name, file uintptr, flags int32, out uintptr) int32
	deleteFunc  = func(tls *libc.TLS, vfs, name uintptr, syncDir int32) int32
	accessFunc  = func(tls *libc.TLS, vfs, name uintptr, flags int32, out uintptr) int32
	plainFunc   = func(tls *libc.TLS, file uintptr) int32
	flagFunc    = func(tls *libc.TLS, file uintptr, flag int32) int32
	outFunc     = func(tls *libc.TLS, file, out uintptr) int32
	bytesFunc   = func(tls *libc.TLS, file, bytes uintptr, n int32, off int64) int32
	sizeFunc    = func(tls *libc.TLS, file uintptr, size int64) int32
	controlFunc = func(tls *libc.TLS, file uintptr, op int32, arg uintptr) int32
	shmMapFunc  = func(tls *libc.TLS, file uintptr, region, size, extend int32, out uintptr) int32
	shmLockFunc = func(tls *libc.TLS, file uintptr, off, n, flags int32) int32
	barrierFunc = func(tls *libc.TLS, file uintptr)
	fetchFunc   = func(tls *libc.TLS, file uintptr, off int64, n int32, out uintptr) int32
	unfetchFunc = func(tls *libc.TLS, file uintptr, off int64, page uintptr) int32
)

// at reads or writes the C value at p.
func at[T any](p uintptr) *T { return *(**T)(unsafe.Pointer(&p)) }

// function makes a C function pointer callable.
func function[F any](p uintptr) F { return *(*F)(unsafe.Pointer(&p)) }

// pointer makes a function callable from C, for as long as the disk is there.
func pointer[F any](d *Disk, f F) uintptr {
	d.kept = append(d.kept, f)
	return *(*uintptr)(unsafe.Pointer(&f))
}

// methods gives the methods of the file that does the work.
func (h *handle) methods() *lib.Tsqlite3_io_methods {
	return at[lib.Tsqlite3_io_methods](at[lib.Tsqlite3_file](h.under).FpMethods)
}

// register makes the VFS known to SQLite.
func (d *Disk) register() error {
	tls := libc.NewTLS()
	defer tls.Close()
	if d.under = lib.Xsqlite3_vfs_find(tls, 0); d.under == 0 {
		return fault.New(fault.Internal, "", "SQLite has no VFS to stand on")
	}
	var err error
	if d.cname, err = libc.CString(d.name); err != nil {
		return fault.Wrap(err, fault.Internal, "", "out of memory")
	}
	d.vfs = lib.Xsqlite3_malloc(tls, int32(unsafe.Sizeof(lib.Tsqlite3_vfs{})))
	d.table = lib.Xsqlite3_malloc(tls, int32(unsafe.Sizeof(lib.Tsqlite3_io_methods{})))
	if d.vfs == 0 || d.table == 0 {
		d.free(tls)
		return fault.New(fault.Internal, "", "out of memory")
	}
	// What is not replaced is the other's own, and finds its own data where it looks for them. FpNext is SQLite's, which changes it under a lock of its own.
	u := at[lib.Tsqlite3_vfs](d.under)
	*at[lib.Tsqlite3_vfs](d.vfs) = lib.Tsqlite3_vfs{
		FiVersion: u.FiVersion, FszOsFile: header + u.FszOsFile, FmxPathname: u.FmxPathname, FzName: d.cname, FpAppData: u.FpAppData,
		FxOpen: pointer(d, d.xOpen), FxDelete: pointer(d, d.xDelete), FxAccess: pointer(d, d.xAccess), FxFullPathname: u.FxFullPathname,
		FxDlOpen: u.FxDlOpen, FxDlError: u.FxDlError, FxDlSym: u.FxDlSym, FxDlClose: u.FxDlClose, FxRandomness: u.FxRandomness, FxSleep: u.FxSleep,
		FxCurrentTime: u.FxCurrentTime, FxGetLastError: u.FxGetLastError, FxCurrentTimeInt64: u.FxCurrentTimeInt64,
		FxSetSystemCall: u.FxSetSystemCall, FxGetSystemCall: u.FxGetSystemCall, FxNextSystemCall: u.FxNextSystemCall,
	}
	*at[lib.Tsqlite3_io_methods](d.table) = lib.Tsqlite3_io_methods{
		FiVersion: 3,
		FxClose:   pointer(d, d.xClose), FxRead: pointer(d, d.xRead), FxWrite: pointer(d, d.xWrite), FxTruncate: pointer(d, d.xTruncate),
		FxSync: pointer(d, d.xSync), FxFileSize: pointer(d, d.xFileSize), FxLock: pointer(d, d.xLock), FxUnlock: pointer(d, d.xUnlock),
		FxCheckReservedLock: pointer(d, d.xCheckReservedLock), FxFileControl: pointer(d, d.xFileControl), FxSectorSize: pointer(d, d.xSectorSize),
		FxDeviceCharacteristics: pointer(d, d.xDeviceCharacteristics), FxShmMap: pointer(d, d.xShmMap), FxShmLock: pointer(d, d.xShmLock),
		FxShmBarrier: pointer(d, d.xShmBarrier), FxShmUnmap: pointer(d, d.xShmUnmap), FxFetch: pointer(d, d.xFetch), FxUnfetch: pointer(d, d.xUnfetch),
	}
	if rc := lib.Xsqlite3_vfs_register(tls, d.vfs, 0); rc != lib.SQLITE_OK {
		d.free(tls)
		return fault.New(fault.Internal, "", "SQLite does not take the VFS: %d", rc)
	}
	return nil
}

// unregister takes it away again. Called with mu held.
func (d *Disk) unregister() {
	if d.vfs == 0 {
		return
	}
	tls := libc.NewTLS()
	defer tls.Close()
	lib.Xsqlite3_vfs_unregister(tls, d.vfs) // it has no way to fail
	d.free(tls)
}

func (d *Disk) free(tls *libc.TLS) {
	lib.Xsqlite3_free(tls, d.vfs)
	lib.Xsqlite3_free(tls, d.table)
	libc.Xfree(tls, d.cname)
	d.vfs, d.table, d.cname = 0, 0, 0
}

// get gives the open file that SQLite means, and whether it still has power.
func (d *Disk) get(file uintptr) (h *handle, alive bool) {
	v, _ := d.handles.Load(file)
	h = v.(*handle)
	d.mu.Lock()
	defer d.mu.Unlock()
	return h, d.alive(h)
}

// alive tells whether a handle is from after the last cut. Called with mu held.
func (d *Disk) alive(h *handle) bool { return h.cuts == d.cuts }

func (d *Disk) xOpen(tls *libc.TLS, _, name, file uintptr, flags int32, out uintptr) int32 {
	at[lib.Tsqlite3_file](file).FpMethods = 0 // so that SQLite does not close what could not be opened
	h := &handle{under: file + header, kind: kindOf(flags)}
	h.temporary = name == 0 || flags&lib.SQLITE_OPEN_DELETEONCLOSE != 0
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.off {
		return lib.SQLITE_IOERR
	}
	h.cuts = d.cuts
	exists := false
	if !h.temporary {
		h.name = libc.GoString(name)
		var err error
		if exists, err = d.takeUp(h); err != nil {
			return lib.SQLITE_CANTOPEN
		}
	}
	rc := function[openFunc](at[lib.Tsqlite3_vfs](d.under).FxOpen)(tls, d.under, name, h.under, flags, out)
	if rc != lib.SQLITE_OK {
		return rc
	}
	if m := h.methods(); m.FiVersion < 3 {
		function[plainFunc](m.FxClose)(tls, h.under)
		return lib.SQLITE_CANTOPEN
	}
	switch {
	case h.temporary:
		h.content = &content{}
	case !exists:
		d.effects++
		h.content = d.platter.made(h.name)
	default:
		h.content = d.platter.names[h.name]
	}
	// As the VFS below does it for journals, whoever made them. The store's own file is made, and its folder synced, by others.
	h.fresh = flags&lib.SQLITE_OPEN_CREATE != 0 && h.kind != Main
	d.open++
	h.open++
	d.handles.Store(file, h)
	at[lib.Tsqlite3_file](file).FpMethods = d.table
	return lib.SQLITE_OK
}

// takeUp reads a file that others wrote, before it is opened: closing a descriptor of a file drops all locks that the process has on it. It tells
// whether there is a file. Called with mu held.
func (d *Disk) takeUp(h *handle) (exists bool, err error) {
	if _, err := os.Stat(h.name); err != nil {
		delete(d.platter.names, h.name)
		if errors.Is(err, fs.ErrNotExist) {
			return false, nil
		}
		return false, err
	}
	if d.platter.names[h.name] == nil {
		bytes, err := os.ReadFile(h.name)
		if err != nil {
			return false, err
		}
		d.platter.found(h.name, bytes)
	}
	return true, nil
}

func (d *Disk) xDelete(tls *libc.TLS, _, name uintptr, syncDir int32) int32 {
	cut := d.begin()
	defer d.mu.Unlock()
	if d.off {
		return lib.SQLITE_IOERR_DELETE
	}
	rc := function[deleteFunc](at[lib.Tsqlite3_vfs](d.under).FxDelete)(tls, d.under, name, syncDir)
	if n := libc.GoString(name); rc == lib.SQLITE_OK && d.platter.names[n] != nil {
		d.room += d.platter.names[n].size
		d.platter.deleted(n)
	}
	if cut {
		d.cut()
		return lib.SQLITE_IOERR_DELETE
	}
	if rc == lib.SQLITE_OK && syncDir != 0 && !d.lies {
		d.platter.syncNames()
	}
	return rc
}

func (d *Disk) xAccess(tls *libc.TLS, _, name uintptr, flags int32, out uintptr) int32 {
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.off {
		return lib.SQLITE_IOERR_ACCESS
	}
	return function[accessFunc](at[lib.Tsqlite3_vfs](d.under).FxAccess)(tls, d.under, name, flags, out)
}

func (d *Disk) xClose(tls *libc.TLS, file uintptr) int32 {
	h, _ := d.get(file)
	rc := function[plainFunc](h.methods().FxClose)(tls, h.under)
	d.handles.Delete(file)
	at[lib.Tsqlite3_file](file).FpMethods = 0
	d.mu.Lock()
	defer d.mu.Unlock()
	d.open--
	h.open--
	if h.temporary {
		d.room += h.size
	}
	if d.alive(h) {
		d.platter.closed(h.name)
	}
	return rc
}

func (d *Disk) xRead(tls *libc.TLS, file, bytes uintptr, n int32, off int64) int32 {
	h, alive := d.get(file)
	if !alive {
		return lib.SQLITE_IOERR_READ
	}
	return function[bytesFunc](h.methods().FxRead)(tls, h.under, bytes, n, off)
}

func (d *Disk) xWrite(tls *libc.TLS, file, bytes uintptr, n int32, off int64) int32 {
	h, _ := d.get(file)
	cut := d.begin()
	defer d.mu.Unlock()
	if !d.alive(h) {
		return lib.SQLITE_IOERR_WRITE
	}
	fails, happened := d.fails(Write, h.kind)
	if fails && !happened {
		return lib.SQLITE_IOERR_WRITE
	}
	fits := n
	if more := off + int64(n) - h.size; more > 0 {
		fits -= int32(more - d.grow(more))
	}
	rc := int32(lib.SQLITE_OK)
	if fits > 0 {
		if rc = function[bytesFunc](h.methods().FxWrite)(tls, h.under, bytes, fits, off); rc != lib.SQLITE_OK {
			return rc
		}
		if h.temporary {
			h.size = max(h.size, off+int64(fits))
		} else {
			h.write(off, slices.Clone(unsafe.Slice(at[byte](bytes), fits)))
		}
	}
	switch {
	case cut:
		d.cut()
		return lib.SQLITE_IOERR_WRITE
	case fails:
		return lib.SQLITE_IOERR_WRITE
	case fits < n:
		return lib.SQLITE_FULL
	}
	return rc
}

func (d *Disk) xTruncate(tls *libc.TLS, file uintptr, size int64) int32 {
	h, _ := d.get(file)
	cut := d.begin()
	defer d.mu.Unlock()
	if !d.alive(h) {
		return lib.SQLITE_IOERR_TRUNCATE
	}
	fails, happened := d.fails(Write, h.kind)
	if fails && !happened {
		return lib.SQLITE_IOERR_TRUNCATE
	}
	if rc := function[sizeFunc](h.methods().FxTruncate)(tls, h.under, size); rc != lib.SQLITE_OK {
		return rc
	}
	d.room += max(0, h.size-size)
	if h.temporary {
		h.size = size
	} else {
		h.truncate(size)
	}
	if cut {
		d.cut()
	}
	if cut || fails {
		return lib.SQLITE_IOERR_TRUNCATE
	}
	return lib.SQLITE_OK
}

// xSync is what makes certain. The machine's own disk is not waited for: what it has is written anew by a cut, and nothing else reads it after one.
func (d *Disk) xSync(_ *libc.TLS, file uintptr, _ int32) int32 {
	h, _ := d.get(file)
	cut := d.begin()
	defer d.mu.Unlock()
	if !d.alive(h) {
		return lib.SQLITE_IOERR_FSYNC
	}
	if cut {
		d.cut()
		return lib.SQLITE_IOERR_FSYNC
	}
	fails, happened := d.fails(Sync, h.kind)
	if fails && !happened {
		h.giveUp()
		return lib.SQLITE_IOERR_FSYNC
	}
	if d.lies {
		return lib.SQLITE_OK
	}
	h.sync()
	if h.fresh {
		h.fresh = false
		d.platter.syncNames()
	}
	if fails {
		return lib.SQLITE_IOERR_FSYNC
	}
	return lib.SQLITE_OK
}

func (d *Disk) xFileSize(tls *libc.TLS, file, out uintptr) int32 {
	h, alive := d.get(file)
	if !alive {
		return lib.SQLITE_IOERR_FSTAT
	}
	return function[outFunc](h.methods().FxFileSize)(tls, h.under, out)
}

func (d *Disk) xLock(tls *libc.TLS, file uintptr, level int32) int32 {
	h, alive := d.get(file)
	if !alive {
		return lib.SQLITE_IOERR_LOCK
	}
	return function[flagFunc](h.methods().FxLock)(tls, h.under, level)
}

// Locks are given back without power too: they are the process's, not the disk's.
func (d *Disk) xUnlock(tls *libc.TLS, file uintptr, level int32) int32 {
	h, _ := d.get(file)
	return function[flagFunc](h.methods().FxUnlock)(tls, h.under, level)
}

func (d *Disk) xCheckReservedLock(tls *libc.TLS, file, out uintptr) int32 {
	h, alive := d.get(file)
	if !alive {
		return lib.SQLITE_IOERR_CHECKRESERVEDLOCK
	}
	return function[outFunc](h.methods().FxCheckReservedLock)(tls, h.under, out)
}

func (d *Disk) xFileControl(tls *libc.TLS, file uintptr, op int32, arg uintptr) int32 {
	h, alive := d.get(file)
	if !alive {
		return lib.SQLITE_IOERR
	}
	return function[controlFunc](h.methods().FxFileControl)(tls, h.under, op, arg)
}

func (d *Disk) xSectorSize(tls *libc.TLS, file uintptr) int32 {
	h, _ := d.get(file)
	return function[plainFunc](h.methods().FxSectorSize)(tls, h.under)
}

func (d *Disk) xDeviceCharacteristics(tls *libc.TLS, file uintptr) int32 {
	h, _ := d.get(file)
	return function[plainFunc](h.methods().FxDeviceCharacteristics)(tls, h.under)
}

// xShmMap maps shared memory, which is a file beside the store: it needs room, too. The answer without room is that of the VFS below.
func (d *Disk) xShmMap(tls *libc.TLS, file uintptr, region, size, extend int32, out uintptr) int32 {
	h, _ := d.get(file)
	d.mu.Lock()
	defer d.mu.Unlock()
	if !d.alive(h) {
		*at[uintptr](out) = 0
		return lib.SQLITE_IOERR_SHMMAP
	}
	if want := int64(region+1) * int64(size); extend != 0 && want > d.shm[h.name] {
		more := want - d.shm[h.name]
		if d.full && d.room < more {
			*at[uintptr](out) = 0
			return lib.SQLITE_IOERR_SHMSIZE
		}
		d.grow(more)
		d.shm[h.name] = want
	}
	return function[shmMapFunc](h.methods().FxShmMap)(tls, h.under, region, size, extend, out)
}

func (d *Disk) xShmLock(tls *libc.TLS, file uintptr, off, n, flags int32) int32 {
	h, alive := d.get(file)
	if !alive && flags&lib.SQLITE_SHM_UNLOCK == 0 {
		return lib.SQLITE_IOERR_SHMLOCK
	}
	return function[shmLockFunc](h.methods().FxShmLock)(tls, h.under, off, n, flags)
}

func (d *Disk) xShmBarrier(tls *libc.TLS, file uintptr) {
	h, _ := d.get(file)
	function[barrierFunc](h.methods().FxShmBarrier)(tls, h.under)
}

// xShmUnmap gives shared memory back. Without power it deletes nothing: there may be another's file of that name by now.
func (d *Disk) xShmUnmap(tls *libc.TLS, file uintptr, remove int32) int32 {
	h, alive := d.get(file)
	if !alive {
		remove = 0
	}
	rc := function[flagFunc](h.methods().FxShmUnmap)(tls, h.under, remove)
	if remove != 0 {
		d.mu.Lock()
		defer d.mu.Unlock()
		d.room += d.shm[h.name]
		delete(d.shm, h.name)
	}
	return rc
}

func (d *Disk) xFetch(tls *libc.TLS, file uintptr, off int64, n int32, out uintptr) int32 {
	h, alive := d.get(file)
	if !alive {
		*at[uintptr](out) = 0
		return lib.SQLITE_IOERR_MMAP
	}
	return function[fetchFunc](h.methods().FxFetch)(tls, h.under, off, n, out)
}

func (d *Disk) xUnfetch(tls *libc.TLS, file uintptr, off int64, page uintptr) int32 {
	h, _ := d.get(file)
	return function[unfetchFunc](h.methods().FxUnfetch)(tls, h.under, off, page)
}
