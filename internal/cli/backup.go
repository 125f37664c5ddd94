package cli

import (
	"context"
	"fmt"
	"io"
	"strings"

	"github.com/comity-exchange/comity/internal/node"
)

type backupCmd struct {
	File   string `arg:"" placeholder:"FILE" help:"Where the backup is written; it must not be there yet."`
	Erased string `placeholder:"FILE" help:"Also write a list of all that was erased so far: keep the newest, and give it to restore."`
	Check  bool   `help:"Read the backup that is there to its end instead, and check all of it."`
}

func (backupCmd) Help() string {
	return `The node may be served meanwhile. The backup is sealed to the node's own keys: keep the folder's other files too, but not the high-water mark with them.
  comity backup /media/backup/xa-monday.comity --erased /media/backup/xa.erased
  comity backup --check /media/backup/xa-monday.comity`
}

func (c *backupCmd) Run(ctx context.Context, s *session) error {
	return s.opened(ctx, node.Options{Behind: true}, func(n *node.Node) error {
		if c.Check {
			return c.check(s, n)
		}
		var m node.Manifest
		stop := s.working("writing the backup")
		err := writeFile(c.File, false, func(w io.Writer) (err error) {
			m, err = n.Backup(ctx, w)
			return err
		})
		if err == nil && c.Erased != "" {
			err = c.list(ctx, n)
		}
		stop()
		if err != nil {
			return err
		}
		return s.showCopy("Backup written to "+c.File, m, nil)
	})
}

func (c *backupCmd) check(s *session, n *node.Node) error {
	f, err := openFile(c.File)
	if err != nil {
		return err
	}
	defer f.Close()
	stop := s.working("reading the backup")
	m, err := n.CheckBackup(f)
	stop()
	if err != nil {
		return err
	}
	return s.showCopy("The backup is whole", m, nil)
}

func (c *backupCmd) list(ctx context.Context, n *node.Node) error {
	return writeFile(c.Erased, true, func(w io.Writer) error { return n.Erased(ctx, w) })
}

type restoreCmd struct {
	File   string `arg:"" placeholder:"FILE" help:"The backup."`
	Erased string `placeholder:"FILE" help:"A list of what was erased after the backup was made: it stays erased."`
}

func (restoreCmd) Help() string {
	return `The node must not be served. A store that is there in a file is set aside, and what was erased in it stays erased. The node then signs nothing until its peers have told what they
know of its log: comity doctor says how to go on.
  comity restore /media/backup/xa-monday.comity --erased /media/backup/xa.erased`
}

func (c *restoreCmd) Run(ctx context.Context, s *session) error {
	f, err := openFile(c.File)
	if err != nil {
		return err
	}
	defer f.Close()
	erased := io.Reader(strings.NewReader(""))
	if c.Erased != "" {
		list, err := openFile(c.Erased)
		if err != nil {
			return err
		}
		defer list.Close()
		erased = list
	}
	stop := s.working("putting the backup back")
	r, err := node.Restore(ctx, s.dir, s.env, f, erased, s.now())
	stop()
	if err != nil {
		return err
	}
	return s.showCopied("The backup is back, and was compared", r, r.Manifest, func(p *page) {
		if r.Aside != "" {
			p.say("What was there is now %s", r.Aside)
		}
		if r.Erased > 0 {
			p.say("%s stayed erased", plural(r.Erased, "content", "contents"))
		}
		p.say("Next: comity doctor")
	})
}

type moveCmd struct {
	To string `required:"" placeholder:"STORE" help:"Where the node's memory goes: a PostgreSQL database that is empty, like postgres://comity@db.xa.example/comity, or a new file in the folder."`
}

func (moveCmd) Help() string {
	return `The node must not be served. Everything is copied and then compared, table by table; only then do the settings name the new store. The old one stays.
  comity move --to postgres://comity@db.xa.example/comity`
}

func (c *moveCmd) Run(ctx context.Context, s *session) error {
	stop := s.working("moving")
	m, err := node.Move(ctx, s.dir, s.env, c.To)
	stop()
	if err != nil {
		return err
	}
	return s.showCopy("Moved, and compared", m, func(p *page) {
		p.say("The settings name the new store. The old one was left where it is: remove it when you no longer need it.")
	})
}

// showCopy tells what was copied, table by table.
func (s *session) showCopy(what string, m node.Manifest, more func(p *page)) error {
	return s.showCopied(what, m, m, more)
}

func (s *session) showCopied(what string, v any, m node.Manifest, more func(p *page)) error {
	return s.show(v, func(p *page) {
		p.say("%s.", what)
		p.gap()
		t := newTable("table", ">rows", "sha-256")
		for _, table := range m.Tables {
			t.add(table.Name, fmt.Sprint(table.Rows), table.SHA256.String()[:16])
		}
		p.table(t)
		if more != nil {
			p.gap()
			more(p)
		}
	})
}
