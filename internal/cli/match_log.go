package cli

import (
	"context"
	"errors"
	"io"
	"os"
	"time"

	"github.com/comity-exchange/comity/fault"
	"github.com/comity-exchange/comity/internal/compression"
)

// stream is a log that is read and then closed.
type stream struct {
	io.Reader
	close func()
}

func (s stream) Close() error {
	s.close()
	return nil
}

// openLog opens a file, or the standard input for "-" where stdin is given, and unpacks gzip and zstd as their first bytes tell.
func openLog(name string, stdin io.Reader) (io.ReadCloser, error) {
	if name == "-" && stdin != nil {
		return unpack(stdin, func() {}, compression.Bounds{})
	}
	f, err := openFile(name)
	if err != nil {
		return nil, err
	}
	if info, err := f.Stat(); err == nil && info.IsDir() {
		_ = f.Close() // nothing was read
		return nil, fault.New(fault.Usage, "", "%s is a folder", name)
	}
	return unpack(f, func() { _ = f.Close() }, compression.Bounds{}) // it was only read
}

// unpack reads what may be packed. done is called once it is closed, or could not be opened.
func unpack(r io.Reader, done func(), b compression.Bounds) (io.ReadCloser, error) {
	in, err := compression.Open(r, b)
	if err != nil {
		done()
		return nil, err
	}
	return stream{in, func() { _ = in.Close(); done() }}, nil
}

func csvName(name string) bool { return compression.Ext(name) == ".csv" }

// readError says which file could not be read to its end.
func readError(err error, name string) error {
	if f := (*fault.Error)(nil); err == nil || errors.As(err, &f) && !compression.Damaged(err) {
		return err
	}
	return fault.Wrap(err, fault.Malformed, "", "%s cannot be read to its end: it is damaged, or was cut short", name)
}

// lookAgain is how often a followed log is looked at once its end was reached.
const lookAgain = 200 * time.Millisecond

// followed reads a log as it grows. When another file has taken its name it is read to its end, and then the other from its beginning; when it has
// become shorter, it is read from its beginning. Lines are counted through.
type followed struct {
	ctx  context.Context
	name string
	file *os.File
	at   int64
	last byte // that was given
}

// followLog opens a log to follow; the standard input just does not end early.
func followLog(ctx context.Context, name string, stdin io.Reader) (io.ReadCloser, error) {
	if name == "-" {
		return stream{stdin, func() {}}, nil
	}
	f, err := openFile(name)
	if err != nil {
		return nil, err
	}
	l := &followed{ctx: ctx, name: name, file: f, last: '\n'}
	return stream{l, func() { _ = l.file.Close() }}, nil // it was only read
}

func (l *followed) Read(b []byte) (int, error) {
	for {
		n, err := l.file.Read(b)
		if n > 0 {
			l.at += int64(n)
			l.last = b[n-1]
			return n, nil
		}
		if err != nil && err != io.EOF {
			return 0, err
		}
		if l.turn() {
			if l.last != '\n' { // what the old file ended with is not the beginning of a line of the new one
				l.last, b[0] = '\n', '\n'
				return 1, nil
			}
			continue
		}
		wait := time.NewTimer(lookAgain)
		select {
		case <-l.ctx.Done():
			wait.Stop()
			return 0, io.EOF
		case <-wait.C:
		}
	}
}

// turn goes to the file that the name means now, when it is another or has become shorter.
func (l *followed) turn() bool {
	now, err := os.Stat(l.name)
	if err != nil {
		return false // it is between two names
	}
	mine, err := l.file.Stat()
	if err == nil && os.SameFile(now, mine) && now.Size() >= l.at {
		return false
	}
	if err == nil && !os.SameFile(now, mine) && mine.Size() > l.at {
		return false // there is more to read first
	}
	f, err := os.Open(l.name)
	if err != nil {
		return false
	}
	_ = l.file.Close() // it was only read
	l.file, l.at = f, 0
	return true
}
