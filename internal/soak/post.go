package soak

import (
	"context"
	"errors"
	"io/fs"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"

	"github.com/comity-exchange/comity/fault"
	"github.com/comity-exchange/comity/internal/config"
	"github.com/comity-exchange/comity/internal/journal"
	"github.com/comity-exchange/comity/party"
)

// post is one place at which a party is served: a folder, an address on the wire, and the process while there is one.
type post struct {
	code  party.Code
	dir   string
	mark  *journal.Mark
	start start // what its process is told first

	port  *net.TCPListener // nil: nobody can reach it, and it fetches
	door  *os.File         // the same, for the child
	diary string           // file of what its node logs

	mu     sync.Mutex
	proc   *process      // guarded by mu
	paused chan struct{} // closed when the process stands still, nil while it does not; guarded by mu

	acknowledged atomic.Int64 // statements
}

// current is the newest process, dead or alive.
func (p *post) current() *process {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.proc
}

// standing is closed when the process stands still, as far as the parent had it do so.
func (p *post) standing() chan struct{} {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.paused == nil {
		p.paused = make(chan struct{})
	}
	return p.paused
}

// works tells whether there is a process that runs.
func (p *post) works() bool {
	select {
	case <-p.standing():
		return false
	default:
		return p.current().alive()
	}
}

// pause has the process stand still, and resume lets it go on.
func (p *post) pause() error {
	close(p.standing()) // nobody else pauses it
	return p.current().halt()
}

func (p *post) resume() error {
	err := p.current().goOn()
	p.mu.Lock()
	defer p.mu.Unlock()
	p.paused = nil
	return err
}

// up starts the node. It waits for it unless there is a trap, into which it may fall before it is up.
func (p *post) up(ctx context.Context, command func(ctx context.Context, dir string) *exec.Cmd, trap *trapped) error {
	diary, err := p.openDiary()
	if err != nil {
		return err
	}
	defer diary.Close()
	cmd := command(ctx, p.dir)
	cmd.Stderr = diary
	if p.door != nil {
		cmd.ExtraFiles = []*os.File{p.door} // descriptor 3
	}
	first := p.start
	first.Listen, first.Trap = p.door != nil, trap
	proc, began, err := launch(p.code, cmd, first)
	if err != nil {
		return err
	}
	p.mu.Lock()
	p.proc = proc
	p.mu.Unlock()
	if trap != nil {
		return nil
	}
	if _, err := proc.await(ctx, began); errors.Is(err, errGone) {
		<-proc.ended
		_, err = proc.trapped()
		return fault.Wrap(err, fault.Failed, "", "the node of %s does not start any more; see %s", p.code, p.diary)
	} else if err != nil {
		return err
	}
	return nil
}

// maxDiary is how long a diary grows before it is begun anew, with the one before kept.
const maxDiary = 8 << 20

func (p *post) openDiary() (*os.File, error) {
	if info, err := os.Stat(p.diary); err == nil && info.Size() > maxDiary {
		if err := os.Rename(p.diary, p.diary+".before"); err != nil {
			return nil, fault.Wrap(err, fault.Unavailable, "", "a diary cannot be written")
		}
	}
	f, err := os.OpenFile(p.diary, os.O_CREATE|os.O_WRONLY|os.O_APPEND, 0o600)
	if err != nil {
		return nil, fault.Wrap(err, fault.Unavailable, "", "a diary cannot be written")
	}
	return f, nil
}

// close waits until the node is gone, which somebody else sees to, and gives the port back.
func (p *post) close() error {
	if proc := p.current(); proc != nil {
		<-proc.ended
	}
	if p.port == nil {
		return nil
	}
	return errors.Join(p.door.Close(), p.port.Close())
}

// listen takes a port of this machine for the post.
func (p *post) listen(ctx context.Context) (address string, err error) {
	l, err := new(net.ListenConfig).Listen(ctx, "tcp", "127.0.0.1:0")
	if err != nil {
		return "", fault.Wrap(err, fault.Unavailable, "", "no port can be had on this machine")
	}
	p.port = l.(*net.TCPListener)
	if p.door, err = p.port.File(); err != nil {
		err = errors.Join(fault.Wrap(err, fault.Unavailable, "", "a port cannot be passed on"), l.Close())
		p.port = nil
		return "", err
	}
	return l.Addr().String(), nil
}

// copied makes the post's folder from that of another post of its party, as an operator does: the same keys, settings and caveats, an address of its own.
func (p *post) copied(from string, listen string) error {
	err := filepath.WalkDir(from, func(path string, d fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		to := filepath.Join(p.dir, strings.TrimPrefix(path, from))
		if d.IsDir() {
			return os.MkdirAll(to, 0o700)
		}
		raw, err := os.ReadFile(path)
		if err != nil {
			return err
		}
		return os.WriteFile(to, raw, 0o600)
	})
	if err != nil {
		return fault.Wrap(err, fault.Unavailable, "", "a folder cannot be copied")
	}
	cfg, err := config.Load(p.dir, nil)
	if err != nil {
		return err
	}
	cfg.Listen = listen
	return config.Write(filepath.Join(p.dir, config.FileName), cfg)
}
