package cli

import (
	"context"
	"path/filepath"
	"strings"
	"time"

	"github.com/comity-exchange/comity/fault"
	"github.com/comity-exchange/comity/internal/auth"
	"github.com/comity-exchange/comity/internal/config"
	"github.com/comity-exchange/comity/internal/keystore"
	"github.com/comity-exchange/comity/internal/node"
	"github.com/comity-exchange/comity/party"
	"github.com/comity-exchange/comity/statement"
)

type initCmd struct {
	Code party.Code `arg:"" help:"The party whose node this is: a State (XA), an organisation, or an office (XA.cert)."`

	Name     []string `required:"" sep:"none" placeholder:"LANG=NAME" help:"The party's name in a language, like en=\"State of XA\"."`
	Contact  []string `sep:"none" placeholder:"CONTACT" help:"Point of contact: role,name=…,email=…,phone=…,hours=…,languages=en+fr. The role is technical, diplomatic, law-enforcement or leadership."`
	Endpoint []string `placeholder:"URL" help:"Where peers reach the node, like https://comity.xa.example:8443. Without one it fetches its packets, or carries them."`
	Listen   string   `placeholder:"ADDRESS" help:"Address to listen on, like :8443."`
	Store    string   `placeholder:"STORE" help:"What keeps the node's memory: a file in the folder, or a PostgreSQL database like postgres://comity@db.xa.example/comity. Without it: comity.db."`

	KeyFile        string `placeholder:"FILE" help:"Lock the keys to this key file, which must be there. Without it and --passphrase-file a key file is made in the folder."`
	PassphraseFile string `placeholder:"FILE" help:"Lock the keys by the passphrase in the first line of this file; the node reads it at each start."`
	Recovery       string `placeholder:"FILE" help:"Where the recovery key is written: best a medium that leaves the machine. Without it: recovery.key in the folder."`
	Role           string `placeholder:"ROLE" help:"Role in which the command line speaks when not told another."`
	Officer        string `placeholder:"NAME" help:"Officer for whom the command line speaks when not told another; peers see a pseudonym."`

	WebListen     string `placeholder:"ADDRESS" help:"Serve the pages and the API here, like 127.0.0.1:8080."`
	WebURL        string `placeholder:"URL" help:"What officers' browsers call that, like https://desk.xa.example."`
	Administrator string `placeholder:"ID" help:"Add the first officer, an administrator, and print the link that lets in once. From then on everything takes an officer."`
}

func (initCmd) Help() string {
	return `What the folder holds stays in it; the letter of credence is what you hand over, and its words are what you read to the other side.
  comity --dir xa init XA --name en="State of XA" --endpoint https://comity.xa.example:8443 --listen :8443
  comity --dir xa init XA --name en="State of XA" --contact technical,name="Duty desk",phone=+000,hours=24/7
  comity --dir cert init XA.cert --name en="Response team of XA" --recovery usb/recovery.key
  comity --dir xa init XA --name en="State of XA" --web-listen 127.0.0.1:8080 --administrator root`
}

func (c *initCmd) Run(ctx context.Context, s *session) error {
	f := node.Founding{Config: config.Defaults(c.Code), Names: map[string]string{}, Recovery: c.Recovery, Now: s.now}
	f.Config.Listen, f.Config.Endpoints, f.Config.Officer = c.Listen, c.Endpoint, c.Officer
	f.Config.WebListen, f.Config.WebURL = c.WebListen, c.WebURL
	if c.Role != "" {
		f.Config.Role = c.Role
	}
	if c.Store != "" {
		f.Config.Store = c.Store
	}
	var err error
	if f.Names, err = namesOf(c.Name); err != nil {
		return err
	}
	if f.Contacts, err = contactsOf(c.Contact); err != nil {
		return err
	}
	if err := c.lock(&f); err != nil {
		return err
	}
	if err := f.Config.Check(); err != nil {
		return err
	}
	made, err := node.Init(ctx, s.dir, f)
	if err != nil {
		return err
	}
	link, err := c.administrator(ctx, s)
	if err != nil {
		return err
	}
	inside := filepath.Dir(made.Recovery) == filepath.Clean(s.dir)
	return s.show(struct {
		Code party.Code `json:"code"`
		Dir  string     `json:"dir"`
		node.Founded
		Link string `json:"link,omitzero"`
	}{c.Code, s.dir, made, link}, func(p *page) {
		p.say("The node of %s is in %s.", p.bold(string(c.Code)), s.dir)
		p.say("Letter of credence   %s", made.File)
		p.say("Its words            %s", p.bold(strings.Join(made.Words, " ")))
		p.say("Recovery key         %s", made.Recovery)
		p.gap()
		p.say("Next: hand the letter over, and read the words to the other side over a channel that you both trust.")
		if link == "" {
			p.say("Then: comity officer add ID --name NAME --role administrator adds the first officer, and comity officer link ID lets the officer in to the pages")
			p.say("(web_listen in comity.toml). Until there is one, whoever can open this folder may do everything.")
		} else {
			p.say("Then: comity serve, and within a day let %s in, once, by", c.Administrator)
			p.say("%s", link)
		}
		if inside {
			p.say("%s", p.warn("Take the recovery key off this machine: whoever has it can replace every other key."))
		}
	})
}

// administrator adds the first officer, where one is named, and gives the one-time link that lets the officer in.
func (c *initCmd) administrator(ctx context.Context, s *session) (link string, err error) {
	if c.Administrator == "" {
		return "", nil
	}
	err = s.opened(ctx, node.Options{}, func(n *node.Node) error {
		person := auth.Person{ID: c.Administrator, Name: c.Administrator, Roles: []auth.Role{auth.Administrator}}
		if err := n.AddOfficer(ctx, person); err != nil {
			return err
		}
		secret, err := n.MakeLink(ctx, c.Administrator, statement.TimeOf(s.now().Add(24*time.Hour)))
		if err == nil {
			link = linkTo(n, secret)
		}
		return err
	})
	return link, err
}

// lock decides what the keys are locked with. The zero lock lets Init make a key file.
func (c *initCmd) lock(f *node.Founding) error {
	switch {
	case c.KeyFile != "" && c.PassphraseFile != "":
		return fault.New(fault.Usage, "", "either --key-file or --passphrase-file, not both")
	case c.KeyFile != "":
		path, err := filepath.Abs(c.KeyFile)
		if err != nil {
			return fault.Wrap(err, fault.Usage, "", "the key file's place cannot be told")
		}
		f.Config.KeyFile, f.Lock.KeyFile = path, path
	case c.PassphraseFile != "":
		path, err := filepath.Abs(c.PassphraseFile)
		if err != nil {
			return fault.Wrap(err, fault.Usage, "", "the passphrase file's place cannot be told")
		}
		p, err := passphrase(path)
		if err != nil {
			return err
		}
		f.Config.KeyFile, f.Config.PassphraseFile = "", path
		f.Lock = keystore.Lock{Passphrase: p}
	}
	return nil
}

// namesOf reads LANG=NAME.
func namesOf(list []string) (map[string]string, error) {
	out := map[string]string{}
	for _, n := range list {
		lang, name, ok := strings.Cut(n, "=")
		if !ok || lang == "" || name == "" {
			return nil, fault.New(fault.Usage, "LTR-3", `--name: a name is given with its language, like en="State of XA"`)
		}
		out[lang] = name
	}
	return out, nil
}

// contactsOf reads role,name=…,email=….
func contactsOf(list []string) ([]party.Contact, error) {
	var out []party.Contact
	for _, text := range list {
		parts := strings.Split(text, ",")
		c := party.Contact{Role: party.ContactRole(parts[0])}
		for _, part := range parts[1:] {
			key, value, _ := strings.Cut(part, "=")
			switch key {
			case "name":
				c.Name = value
			case "email":
				c.Email = value
			case "phone":
				c.Phone = value
			case "hours":
				c.Hours = value
			case "languages":
				c.Languages = strings.Split(value, "+")
			default:
				return nil, fault.New(fault.Usage, "LTR-3", "--contact: a role, then name=, email=, phone=, hours=, languages= as far as there are any")
			}
		}
		out = append(out, c)
	}
	return out, nil
}
