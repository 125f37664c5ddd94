package demo

import (
	"bytes"
	"context"
	"crypto/sha256"
	_ "embed"
	"errors"
	"io"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/comity-exchange/comity/fault"
	"github.com/comity-exchange/comity/internal/exchange"
	"github.com/comity-exchange/comity/statement"
)

//go:embed data/assistance.json
var assistanceText string

//go:embed data/cooperation.json
var cooperationText string

//go:embed data/analysis.json
var analysisText string

//go:embed data/revil.stix.json
var bundleText string

// Options say how the story is told.
type Options struct {
	Once  bool          // end after the story; else the nodes run until ctx ends
	Input string        // the file that is attached to the request; "": the bundle that comes with the program
	Dir   string        // where the nodes' folders are made and left; "": a temporary folder, removed at the end
	Out   io.Writer     // the story
	Color bool          // codes of parties in colour
	Pace  time.Duration // a rest after each step, to read
}

// logName is the diary of the three nodes, in the demonstration's folder.
const logName = "demo.log"

// Run tells the story. Errors: fault.Failed when a check did not hold or something did not happen in time; fault.Canceled when ctx ended before
// the story did; fault.Usage for a folder that holds nodes already or a file that cannot be read; else what a node says.
func Run(ctx context.Context, o Options) (err error) {
	dir, remove, err := folder(o.Dir)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, remove()) }()
	file, err := os.OpenFile(filepath.Join(dir, logName), os.O_CREATE|os.O_WRONLY|os.O_APPEND, 0o600)
	if err != nil {
		return fault.Wrap(err, fault.Usage, "", "the diary cannot be written in the folder")
	}
	defer file.Close()
	p := &play{
		teller: &teller{out: o.Out, color: o.Color, pace: o.Pace},
		dir:    dir, input: o.Input, clock: newClock(span), net: newWires(),
	}
	log := slog.New(slog.NewTextHandler(file, nil))
	defer func() { err = errors.Join(err, p.close()) }()
	if err := p.found(ctx, log); err != nil {
		return interrupted(ctx, err)
	}
	for _, scene := range p.scenes() {
		if err := scene(ctx); err != nil {
			return interrupted(ctx, err)
		}
	}
	if err := p.sum(); err != nil || o.Once {
		return err
	}
	all, err := p.desks(ctx, log)
	if err == nil {
		p.invite(all)
		<-ctx.Done()
	}
	for _, d := range all {
		err = errors.Join(err, d.stop())
	}
	return err
}

// interrupted tells an end that the caller wanted from a failure.
func interrupted(ctx context.Context, err error) error {
	if ctx.Err() != nil {
		return fault.Wrap(err, fault.Canceled, "", "the demonstration was interrupted")
	}
	return err
}

// folder makes the folder of the demonstration, and says how to be rid of it.
func folder(name string) (dir string, remove func() error, err error) {
	if name == "" {
		dir, err = os.MkdirTemp("", "comity-demo-")
		if err != nil {
			return "", nil, fault.Wrap(err, fault.Unavailable, "", "a temporary folder cannot be made")
		}
		return dir, func() error { return os.RemoveAll(dir) }, nil
	}
	if dir, err = filepath.Abs(name); err == nil {
		err = os.MkdirAll(dir, 0o700)
	}
	if err != nil {
		return "", nil, fault.Wrap(err, fault.Usage, "", "the folder %s cannot be made", name)
	}
	return dir, func() error { return nil }, nil
}

// attachment opens what is attached to the request, and says what its digest is.
func (p *play) attachment() (a exchange.Attachment, digest [sha256.Size]byte, done func() error, err error) {
	if p.input == "" {
		a = exchange.Attachment{Name: "revil.stix.json", Type: "application/stix+json", Data: strings.NewReader(bundleText)}
		return a, sha256.Sum256([]byte(bundleText)), func() error { return nil }, nil
	}
	f, err := os.Open(p.input)
	if err != nil {
		return a, digest, nil, fault.Wrap(err, fault.Usage, "", "the file %s cannot be opened", p.input)
	}
	h := sha256.New()
	_, err = io.Copy(h, f)
	if err == nil {
		_, err = f.Seek(0, io.SeekStart)
	}
	if err != nil {
		return a, digest, nil, fault.Wrap(errors.Join(err, f.Close()), fault.Usage, "", "the file %s cannot be read", p.input)
	}
	kind := "application/octet-stream"
	if filepath.Ext(p.input) == ".json" {
		kind = "application/json"
	}
	return exchange.Attachment{Name: filepath.Base(p.input), Type: kind, Data: f}, [sha256.Size]byte(h.Sum(nil)), f.Close, nil
}

// saved is an attachment as a node has it.
func (o *office) saved(ctx context.Context, id statement.ID, part int) ([]byte, error) {
	var b bytes.Buffer
	err := o.Save(ctx, id, part, &b)
	return b.Bytes(), err
}
