// Package faultdisk is a disk that fails when it is told to: a layer between SQLite and the operating system's files (a SQLite VFS). It is for
// tests and soak runs alone: nothing that runs a node imports it, and internal/meta holds that.
//
// It passes everything on, shared memory and locks included, and comes between where a disk can go wrong: full, slow, failed, failed but
// happened, a sync that lies, a power cut. For the cut it knows of each file what is certain to be there (everything up to the last honoured sync)
// and what is not; Cut keeps, loses or tears each unsure write by chance, in no order, and likewise what was truncated, made or deleted.
//
// Invariants: a cut leaves what was honestly synced; whoever had a file open before it can do nothing any more; chance comes from the
// seed alone. What it does not know: writes that go past SQLite (the high-water mark is such a file), and other processes. A write changes
// no byte outside its range, as SQLite assumes of disks by default (powersafe overwrite).
//
// The functions here become C function pointers as those of modernc.org/sqlite itself do: a Go function value is what its generated code calls.
//
// Start with New in disk.go; platter.go is what a power cut leaves; vfs.go is what SQLite calls.
package faultdisk
