//go:build !linux

package journal

import "os"

// syncData returns once a file is on stable storage.
func syncData(f *os.File) error { return f.Sync() }
