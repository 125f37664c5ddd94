package cli

import (
	"context"
	"errors"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"
	"golang.org/x/term"

	"github.com/comity-exchange/comity/fault"
	"github.com/comity-exchange/comity/internal/config"
	"github.com/comity-exchange/comity/internal/node"
	"github.com/comity-exchange/comity/statement"
)

// session is one run of one command.
type session struct {
	env      []string
	in       io.Reader
	out, err io.Writer
	now      func() time.Time

	dir     string
	json    bool
	verbose bool
	printed bool // the one JSON document is out
}

// speaker is the officer for whom a command speaks.
type speaker struct {
	Role    string `placeholder:"ROLE" help:"Role in which you speak. Without it: the node's setting."`
	Officer string `placeholder:"NAME" help:"Who you are; peers see a pseudonym. Without it: the node's setting."`
}

func (p speaker) by(n *node.Node) statement.By { return n.By(p.Role, p.Officer) }

func (s *session) getenv(name string) string {
	for i := len(s.env) - 1; i >= 0; i-- {
		if v, ok := strings.CutPrefix(s.env[i], name+"="); ok {
			return v
		}
	}
	return ""
}

// folder is the node's folder: as given, from the environment, or .comity in the home folder.
func (s *session) folder(given string) string {
	switch home := s.getenv("HOME"); {
	case given != "":
		return given
	case s.getenv(config.EnvDir) != "":
		return s.getenv(config.EnvDir)
	case home != "":
		return filepath.Join(home, ".comity")
	}
	return ".comity"
}

// with opens the node, lets f use it, and closes it.
func (s *session) with(ctx context.Context, f func(*node.Node) error) error {
	return s.opened(ctx, node.Options{}, func(n *node.Node) error {
		if err := f(n); err != nil {
			return err
		}
		return n.NoteUse(ctx)
	})
}

func (s *session) opened(ctx context.Context, o node.Options, f func(*node.Node) error) error {
	o.Env = s.env
	n, err := node.Open(ctx, s.dir, o)
	switch fault.CodeOf(err) {
	case "":
	case fault.NotFound:
		return advise(err, "comity init CODE makes a node; --dir or COMITY_DIR names its folder")
	case fault.Behind:
		return advise(err, "comity doctor says more")
	default:
		return err
	}
	return errors.Join(f(n), n.Close())
}

// show prints what a command found: one JSON document, or what human writes.
func (s *session) show(v any, human func(p *page)) error {
	if s.json {
		b, err := json.Marshal(v, json.Deterministic(true), json.FormatNilSliceAsNull(false), jsontext.WithIndent("  "))
		if err != nil {
			return fault.Wrap(err, fault.Internal, "", "the result cannot be written as JSON")
		}
		return s.print(append(escaped(b), '\n'))
	}
	p := s.page()
	human(p)
	return s.print([]byte(p.String()))
}

// print writes the command's result, once.
func (s *session) print(b []byte) error {
	s.printed = true
	if _, err := s.out.Write(b); err != nil {
		return fault.Wrap(err, fault.Unavailable, "", "the output cannot be written")
	}
	return nil
}

// note says something beside the result, to people alone.
func (s *session) note(text string) {
	_, _ = io.WriteString(s.err, "comity: "+prose(text)+"\n") // nobody is there to be told
}

// terminal gives the file of a terminal; ok is false for anything else.
func terminal(v any) (f *os.File, ok bool) {
	f, ok = v.(*os.File)
	return f, ok && term.IsTerminal(int(f.Fd()))
}

// page is a result for people; it is coloured when it goes to a terminal and NO_COLOR does not say otherwise.
func (s *session) page() *page {
	_, tty := terminal(s.out)
	return &page{now: statement.TimeOf(s.now()), colour: tty && s.getenv("NO_COLOR") == "" && s.getenv("TERM") != "dumb"}
}

// passphrase takes the first line of a file that nobody else can read.
func passphrase(name string) ([]byte, error) {
	raw, err := readFile(name, 64<<10)
	if err != nil {
		return nil, err
	}
	if info, err := os.Stat(name); err != nil || info.Mode().Perm()&0o077 != 0 {
		return nil, fault.New(fault.Locked, "", "%s can be used by group or others; make it 0600", name)
	}
	line, _, _ := strings.Cut(string(raw), "\n")
	return []byte(strings.TrimSuffix(line, "\r")), nil
}

// readFile reads a file of at most max bytes.
func readFile(name string, max int64) ([]byte, error) {
	f, err := openFile(name)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	b, err := io.ReadAll(io.LimitReader(f, max+1))
	if err != nil {
		return nil, fault.Wrap(err, fault.Usage, "", "%s cannot be read", name)
	}
	if int64(len(b)) > max {
		return nil, fault.New(fault.TooLarge, "", "%s has more than %d bytes", name, max)
	}
	return b, nil
}

func openFile(name string) (*os.File, error) {
	f, err := os.Open(name)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return nil, fault.Wrap(err, fault.NotFound, "", "there is no file %s", name)
	case err != nil:
		return nil, fault.Wrap(err, fault.Usage, "", "%s cannot be opened", name)
	}
	return f, nil
}

// writeFile writes a new file of mode 0600, whole or not at all. A file that is there already is left alone, unless replace.
func writeFile(name string, replace bool, write func(w io.Writer) error) error {
	cannot := func(err error) error { return fault.Wrap(err, fault.Usage, "", "%s cannot be written", name) }
	if _, err := os.Lstat(name); err == nil && !replace {
		return fault.New(fault.Exists, "", "there is a file %s already", name)
	}
	f, err := os.CreateTemp(filepath.Dir(name), ".comity-*")
	if err != nil {
		return cannot(err)
	}
	defer os.Remove(f.Name()) // gone when all went well
	if err := write(f); err != nil {
		_ = f.Close() // the first error counts
		return err
	}
	if err := errors.Join(f.Sync(), f.Close()); err != nil {
		return cannot(err)
	}
	if replace {
		err = os.Rename(f.Name(), name)
	} else {
		err = os.Link(f.Name(), name) // fails where a file has come between
	}
	if err != nil {
		return cannot(err)
	}
	return nil
}

// writing is a writer of fixed bytes for writeFile.
func writing(b []byte) func(io.Writer) error {
	return func(w io.Writer) error {
		_, err := w.Write(b)
		return err
	}
}
