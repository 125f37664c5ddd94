package journal

import (
	"os"

	"golang.org/x/sys/unix"
)

// syncData returns once a file's bytes are on stable storage; its times may not be.
func syncData(f *os.File) error {
	for {
		if err := unix.Fdatasync(int(f.Fd())); err != unix.EINTR {
			return err
		}
	}
}
