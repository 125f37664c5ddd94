package soak

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"

	"github.com/comity-exchange/comity/agreement"
	"github.com/comity-exchange/comity/fault"
	"github.com/comity-exchange/comity/internal/config"
	"github.com/comity-exchange/comity/internal/journal"
	"github.com/comity-exchange/comity/internal/node"
	"github.com/comity-exchange/comity/party"
)

// house is one party: its folder, its place on the wire, and the process of its node while there is one.
type house struct {
	code   party.Code
	dir    string
	letter *party.Letter
	mark   *journal.Mark

	port  *net.TCPListener // nil: nobody can reach it, and it fetches
	door  *os.File         // the same, for the child
	diary string           // file of what its node logs

	mu   sync.Mutex
	proc *process // guarded by mu
}

// current is the newest process, dead or alive.
func (h *house) current() *process {
	h.mu.Lock()
	defer h.mu.Unlock()
	return h.proc
}

// up starts the house's node. It waits for it unless there is a trap, into which it may fall before it is up.
func (h *house) up(ctx context.Context, command func(ctx context.Context, dir string) *exec.Cmd, trap *trapped) error {
	diary, err := h.openDiary()
	if err != nil {
		return err
	}
	defer diary.Close()
	cmd := command(ctx, h.dir)
	cmd.Stderr = diary
	if h.door != nil {
		cmd.ExtraFiles = []*os.File{h.door} // descriptor 3
	}
	p, began, err := launch(h.code, cmd, start{Listen: h.door != nil, Trap: trap})
	if err != nil {
		return err
	}
	h.mu.Lock()
	h.proc = p
	h.mu.Unlock()
	if trap != nil {
		return nil
	}
	if _, err := p.await(ctx, began); errors.Is(err, errGone) {
		<-p.ended
		_, err = p.trapped()
		return fault.Wrap(err, fault.Failed, "", "the node of %s does not start any more; see %s", h.code, h.diary)
	} else if err != nil {
		return err
	}
	return nil
}

// maxDiary is how long a diary grows before it is begun anew, with the one before kept.
const maxDiary = 8 << 20

func (h *house) openDiary() (*os.File, error) {
	if info, err := os.Stat(h.diary); err == nil && info.Size() > maxDiary {
		if err := os.Rename(h.diary, h.diary+".before"); err != nil {
			return nil, fault.Wrap(err, fault.Unavailable, "", "a diary cannot be written")
		}
	}
	f, err := os.OpenFile(h.diary, os.O_CREATE|os.O_WRONLY|os.O_APPEND, 0o600)
	if err != nil {
		return nil, fault.Wrap(err, fault.Unavailable, "", "a diary cannot be written")
	}
	return f, nil
}

// close waits until the node is gone, which somebody else sees to, and gives the port back.
func (h *house) close() error {
	if p := h.current(); p != nil {
		<-p.ended
	}
	if h.port == nil {
		return nil
	}
	return errors.Join(h.door.Close(), h.port.Close())
}

// caveat is what a party refuses to take, so that refusals come under the kills too: requests to take something down, of others.
const caveat = `@caveat("no-takedowns") forbid (principal, action == Action::"assist.request", resource)
when { context has "type" && context["type"] == "takedown" } unless { principal == Party::"%s" };
`

// found makes a party's folder.
func found(ctx context.Context, dir string, code party.Code, reachable bool) (h *house, err error) {
	h = &house{code: code, dir: filepath.Join(dir, string(code)), diary: filepath.Join(dir, string(code)+".log")}
	cfg := config.Defaults(code)
	cfg.PullInterval = config.MinPull
	if reachable {
		l, err := new(net.ListenConfig).Listen(ctx, "tcp", "127.0.0.1:0")
		if err != nil {
			return nil, fault.Wrap(err, fault.Unavailable, "", "no port can be had on this machine")
		}
		h.port = l.(*net.TCPListener)
		if h.door, err = h.port.File(); err != nil {
			return nil, errors.Join(fault.Wrap(err, fault.Unavailable, "", "a port cannot be passed on"), l.Close())
		}
		cfg.Listen = l.Addr().String()
		cfg.Endpoints = []string{"https://" + cfg.Listen}
	}
	if _, err = node.Init(ctx, h.dir, node.Founding{Config: cfg, Names: map[string]string{"en": "Party " + string(code)}}); err == nil {
		err = h.forbid()
	}
	if err != nil {
		return nil, errors.Join(err, h.close())
	}
	return h, nil
}

func (h *house) forbid() error {
	folder := filepath.Join(h.dir, "caveats")
	err := os.MkdirAll(folder, 0o700)
	if err == nil {
		err = os.WriteFile(filepath.Join(folder, "soak.cedar"), fmt.Appendf(nil, caveat, h.code), 0o600)
	}
	if err != nil {
		return fault.Wrap(err, fault.Unavailable, "", "a caveat cannot be written")
	}
	return nil
}

// acquaint has all parties confirm each other's letters and sign an agreement, before any of them is served: what passes, passes as files.
func acquaint(ctx context.Context, houses []*house) (agreed agreement.ID, err error) {
	nodes := make([]*node.Node, len(houses))
	defer func() {
		for _, n := range nodes {
			if n != nil {
				err = errors.Join(err, n.Close())
			}
		}
	}()
	for i, h := range houses {
		if nodes[i], err = node.Open(ctx, h.dir, node.Options{}); err != nil {
			return agreed, err
		}
		if h.letter, err = nodes[i].OwnLetter(ctx); err != nil {
			return agreed, err
		}
		h.mark = nodes[i].Mark
	}
	for i, n := range nodes {
		for j, h := range houses {
			if i == j {
				continue
			}
			if _, err := n.ImportLetter(ctx, h.letter.Raw); err != nil {
				return agreed, err
			}
			if _, err := n.Confirm(ctx, h.code, h.letter.Words()); err != nil {
				return agreed, err
			}
		}
	}
	deposited, err := nodes[0].Deposit(ctx, []byte(pact(houses)), nodes[0].By("legal-adviser", ""))
	if err != nil {
		return agreed, err
	}
	for _, n := range nodes {
		if err := carry(ctx, nodes); err != nil {
			return agreed, err
		}
		if _, err := n.Sign(ctx, deposited.ID, n.By("legal-adviser", "")); err != nil {
			return agreed, err
		}
	}
	return deposited.ID, carry(ctx, nodes)
}

// carry takes packets from everybody to everybody, and the receipts back.
func carry(ctx context.Context, nodes []*node.Node) error {
	for _, from := range nodes {
		for _, to := range nodes {
			if from == to {
				continue
			}
			var packet, reply bytes.Buffer
			if heads, blobs, err := from.Pack(ctx, to.Config.Code, &packet); err != nil || heads+blobs == 0 {
				if err != nil {
					return err
				}
				continue
			}
			if _, err := to.Unpack(ctx, &packet, &reply); err != nil {
				return err
			}
			if reply.Len() == 0 {
				continue
			}
			if _, err := from.Unpack(ctx, &reply, &bytes.Buffer{}); err != nil {
				return err
			}
		}
	}
	return nil
}

// pact is the agreement under which the load is said.
func pact(houses []*house) string {
	codes := make([]string, len(houses))
	for i, h := range houses {
		codes[i] = `"` + string(h.code) + `"`
	}
	return `{"v":1,"title":{"en":"Assistance"},"parties":[` + strings.Join(codes, ",") + `],"languages":["en"],"in_force":{"when":"all"},"articles":[
{"number":"1","title":{"en":"Requests"},"text":{"en":"Each party may ask another for assistance."},"rules":[{"effect":"permit","kinds":["assist.*"],"tlp_max":"AMBER"}]}
]}`
}
