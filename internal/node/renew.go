package node

import (
	"context"
	"os"
	"path/filepath"
	"slices"

	"github.com/comity-exchange/comity/desk/credence"
	"github.com/comity-exchange/comity/fault"
	"github.com/comity-exchange/comity/internal/config"
	"github.com/comity-exchange/comity/internal/exchange"
	"github.com/comity-exchange/comity/internal/store"
	"github.com/comity-exchange/comity/marking"
	"github.com/comity-exchange/comity/party"
	"github.com/comity-exchange/comity/statement"
)

// Renewal is what the node's next letter says otherwise. What is absent stays as it is.
type Renewal struct {
	Names     map[string]string // by language; empty: those before
	Contacts  []party.Contact   // none: those before
	Endpoints []string          // none: those before
	Nowhere   bool              // no endpoint any more: the node fetches its packets, or carries them
}

// Renew writes the node's next letter, and has the settings and the letter's file follow it. Keys stay as they are. A node that is served takes new endpoints into
// account when it is started again. Errors: fault.Usage; fault.Unavailable, also where the letter counts and the folder could not follow.
func (n *Node) Renew(ctx context.Context, r Renewal) (*party.Letter, error) {
	// spec: LTR-6
	switch {
	case len(r.Names)+len(r.Contacts)+len(r.Endpoints) == 0 && !r.Nowhere:
		return nil, fault.New(fault.Usage, "LTR-6", "say what is to change: endpoints, names or points of contact")
	case len(r.Endpoints) > 0 && r.Nowhere:
		return nil, fault.New(fault.Usage, "LTR-6", "either there are endpoints or none, not both")
	}
	n.renewing.Lock()
	defer n.renewing.Unlock()
	l, err := n.Reissue(ctx, func(l *party.Letter) {
		if len(r.Names) > 0 {
			l.Names = r.Names
		}
		if len(r.Contacts) > 0 {
			l.Contacts = r.Contacts
		}
		if len(r.Endpoints) > 0 || r.Nowhere {
			l.Endpoints = append([]string{}, r.Endpoints...)
		}
	})
	if err != nil {
		return nil, err
	}
	n.Log.Info("the own letter was renewed", "serial", l.Serial, "digest", l.Digest.String())
	if err := n.followLetter(l); err != nil {
		return l, fault.Wrap(err, fault.Unavailable, "", "letter %d counts, but comity.toml or its file in the node's folder could not follow it: see why, and renew it once more", l.Serial)
	}
	return l, nil
}

// followLetter writes the letter's endpoints into the settings, without what the environment overrides, and the letter into its file.
func (n *Node) followLetter(l *party.Letter) error {
	cfg, err := config.Load(n.Dir, nil)
	if err != nil {
		return err
	}
	cfg.Endpoints = l.Endpoints
	if err := config.Write(filepath.Join(n.Dir, config.FileName), cfg); err != nil {
		return err
	}
	next := n.LetterFile() + nextKeys
	if err := os.WriteFile(next, l.Raw, 0o600); err != nil {
		return err
	}
	return moveSynced(next, n.LetterFile())
}

// Peers lists the parties whose letters are confirmed.
func (n *Node) Peers(ctx context.Context) ([]party.Code, error) {
	letters, err := n.Letters(ctx)
	out := []party.Code{}
	for _, l := range letters {
		if !l.Own && l.Status == store.LetterConfirmed {
			out = append(out, l.Code)
		}
	}
	return out, err
}

// Introduce vouches for the letter of an own office in the party's log: whoever has confirmed this party's letter needs no words for its office's. to are those who
// should know; none: every party whose letter is confirmed. It gives to whom it was said.
func (n *Node) Introduce(ctx context.Context, letter []byte, to []party.Code, by statement.By) (exchange.Said, []party.Code, error) {
	// spec: LTR-10
	l, err := party.ParseLetter(letter)
	if err != nil {
		return exchange.Said{}, nil, err
	}
	return n.ofOffice(ctx, l.Code, to, by, credence.KindOffice, party.OfficeFacts{Office: l.Code, Letter: l.Digest})
}

// Dismiss withdraws an office: the party vouches for its letter no longer. See Introduce.
func (n *Node) Dismiss(ctx context.Context, office party.Code, to []party.Code, by statement.By) (exchange.Said, []party.Code, error) {
	// spec: LTR-10
	return n.ofOffice(ctx, office, to, by, credence.KindWithdraw, party.WithdrawOfficeFacts{Office: office})
}

func (n *Node) ofOffice(ctx context.Context, office party.Code, to []party.Code, by statement.By, kind statement.Kind, facts any) (exchange.Said, []party.Code, error) {
	if !office.IsOffice() || office.Principal() != n.Config.Code {
		return exchange.Said{}, nil, fault.New(fault.Usage, "LTR-10", "%s is no office of %s", office, n.Config.Code)
	}
	if len(to) == 0 {
		all, err := n.Peers(ctx)
		if err != nil {
			return exchange.Said{}, nil, err
		}
		to = slices.DeleteFunc(all, func(c party.Code) bool { return c == office })
	}
	f, err := Facts(facts)
	if err != nil {
		return exchange.Said{}, nil, err
	}
	said, err := n.Say(ctx, exchange.Draft{
		Kind: kind, To: to, Marking: marking.Marking{TLP: marking.Green}, Track: statement.Diplomatic, Precedence: statement.Priority, By: by, Facts: f,
	})
	return said, to, err
}
