package soak

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"

	"github.com/comity-exchange/comity/agreement"
	"github.com/comity-exchange/comity/fault"
	"github.com/comity-exchange/comity/internal/config"
	"github.com/comity-exchange/comity/internal/node"
	"github.com/comity-exchange/comity/internal/store/postgres"
	"github.com/comity-exchange/comity/party"
)

// house is one party, and the posts at which it is served: one, or several that share a database.
type house struct {
	code   party.Code
	letter *party.Letter
	posts  []*post

	server   string // address of the database server where its database was made; "" where the one post keeps a file
	database string // address
}

// at gives the post whose turn it is among those that work; the first, if none does.
func (h *house) at(turn int) *post {
	for i := range h.posts {
		if p := h.posts[(turn+i)%len(h.posts)]; p.works() {
			return p
		}
	}
	return h.posts[0]
}

// close waits until its nodes are gone, and gives back what it holds of the machine.
func (h *house) close() (err error) {
	for _, p := range h.posts {
		err = errors.Join(err, p.close())
	}
	return err
}

// raze removes what the party has outside of its folder. Its nodes are gone.
func (h *house) raze(ctx context.Context) error {
	if h.database == "" {
		return nil
	}
	return postgres.Drop(ctx, h.server, h.database)
}

// caveat is what a party refuses to take, so that refusals come under the kills too: requests to take something down, of others.
const caveat = `@caveat("no-takedowns") forbid (principal, action == Action::"assist.request", resource)
when { context has "type" && context["type"] == "takedown" } unless { principal == Party::"%s" };
`

// plan says what a party is founded with.
type plan struct {
	dir       string // of all parties
	code      party.Code
	reachable bool
	posts     int
	server    string // address of a database server; "": it keeps a file
	database  string // name of the database that is made there
	start     start  // for its processes
}

// found makes a party: its database, if it has one, and a folder for each post.
func found(ctx context.Context, o plan) (h *house, err error) {
	h = &house{code: o.code}
	cfg := config.Defaults(o.code)
	cfg.PullInterval = config.MinPull
	if o.server != "" {
		if h.database, err = postgres.Create(ctx, o.server, o.database); err != nil {
			return nil, err
		}
		h.server, cfg.Store = o.server, h.database
	}
	listen := make([]string, o.posts)
	for i := range o.posts {
		name := string(o.code)
		if o.posts > 1 {
			name = fmt.Sprintf("%s-%d", o.code, i+1)
		}
		p := &post{code: o.code, dir: filepath.Join(o.dir, name), diary: filepath.Join(o.dir, name+".log"), start: o.start}
		h.posts = append(h.posts, p)
		if !o.reachable {
			continue
		}
		if listen[i], err = p.listen(ctx); err != nil {
			return nil, errors.Join(err, h.close(), h.raze(context.WithoutCancel(ctx)))
		}
		cfg.Endpoints = append(cfg.Endpoints, "https://"+listen[i])
	}
	cfg.Listen = listen[0]
	first := h.posts[0].dir
	if _, err = node.Init(ctx, first, node.Founding{Config: cfg, Names: map[string]string{"en": "Party " + string(o.code)}}); err == nil {
		err = forbid(first, o.code)
	}
	for i, p := range h.posts[1:] {
		if err == nil {
			err = p.copied(first, listen[i+1])
		}
	}
	if err != nil {
		return nil, errors.Join(err, h.close(), h.raze(context.WithoutCancel(ctx)))
	}
	return h, nil
}

func forbid(dir string, code party.Code) error {
	folder := filepath.Join(dir, "caveats")
	err := os.MkdirAll(folder, 0o700)
	if err == nil {
		err = os.WriteFile(filepath.Join(folder, "soak.cedar"), fmt.Appendf(nil, caveat, code), 0o600)
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
		if nodes[i], err = node.Open(ctx, h.posts[0].dir, node.Options{}); err != nil {
			return agreed, err
		}
		if h.letter, err = nodes[i].OwnLetter(ctx); err != nil {
			return agreed, err
		}
		h.posts[0].mark = nodes[i].Mark
		for _, p := range h.posts[1:] {
			n, err := node.Open(ctx, p.dir, node.Options{})
			if err == nil {
				p.mark = n.Mark
				err = n.Close()
			}
			if err != nil {
				return agreed, err
			}
		}
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
		if _, err := n.Sign(ctx, deposited.ID, nil, "", n.By("legal-adviser", "")); err != nil {
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
