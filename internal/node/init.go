package node

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"time"

	"github.com/comity-exchange/comity/fault"
	"github.com/comity-exchange/comity/internal/config"
	"github.com/comity-exchange/comity/internal/keystore"
	"github.com/comity-exchange/comity/internal/store"
	"github.com/comity-exchange/comity/party"
	"github.com/comity-exchange/comity/statement"
	"github.com/comity-exchange/comity/wire"
)

// Founding is what Init needs to know.
type Founding struct {
	Config   config.Config // code, listen, endpoints
	Names    map[string]string
	Contacts []party.Contact
	Lock     keystore.Lock // what the keys are locked with; the zero value: a key file is made in the folder
	Recovery string        // where the recovery key is written; "": recovery.key in the folder, to be taken off it
	Now      func() time.Time
}

// Founded is what Init made.
type Founded struct {
	Letter   []byte   `json:"-"`
	File     string   `json:"letter"`
	Words    []string `json:"words"`
	Recovery string   `json:"recovery"`
}

// Init makes a new party's folder: configuration, keys, recovery key, store and letter of credence. A folder that has a configuration
// already is left alone (fault.Exists).
func Init(ctx context.Context, dir string, f Founding) (Founded, error) {
	if f.Now == nil {
		f.Now = time.Now
	}
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return Founded{}, fault.Wrap(err, fault.Usage, "", "the folder cannot be made")
	}
	configFile := filepath.Join(dir, config.FileName)
	if _, err := os.Stat(configFile); err == nil {
		return Founded{}, fault.New(fault.Exists, "", "there is a node in this folder already")
	}
	if f.Lock.KeyFile == "" && f.Lock.Passphrase == nil {
		f.Lock.KeyFile = filepath.Join(dir, f.Config.KeyFile)
		if err := keystore.NewKeyFile(f.Lock.KeyFile); err != nil {
			return Founded{}, err
		}
	}
	keys, err := keystore.Generate(f.Config.Code, 1)
	if err != nil {
		return Founded{}, err
	}
	out := Founded{Recovery: f.Recovery, File: filepath.Join(dir, letterName)}
	if out.Recovery == "" {
		out.Recovery = filepath.Join(dir, "recovery.key")
	}
	recovery, err := keystore.GenerateRecovery()
	if err != nil {
		return Founded{}, err
	}
	if err := errors.Join(
		keystore.SaveRecovery(out.Recovery, recovery, f.Lock),
		keystore.Save(filepath.Join(dir, f.Config.Keys), keys, f.Lock),
	); err != nil {
		return Founded{}, err
	}
	if out.Letter, err = firstLetter(keys, recovery, f); err != nil {
		return Founded{}, err
	}
	letter, err := party.ParseLetter(out.Letter)
	if err != nil {
		return Founded{}, err
	}
	out.Words = letter.Words()
	if err := os.WriteFile(out.File, out.Letter, 0o600); err != nil {
		return Founded{}, fault.Wrap(err, fault.Unavailable, "", "the letter cannot be written")
	}
	if err := keepOwn(ctx, dir, f.Config, letter, f.Now()); err != nil {
		return Founded{}, err
	}
	// The configuration comes last: a folder without one is no node, so a broken Init can be done again.
	return out, config.Write(configFile, f.Config)
}

func firstLetter(keys *keystore.Keys, recovery *keystore.Recovery, f Founding) ([]byte, error) {
	public, err := recovery.PublicKeys(party.RoleRecovery)
	if err != nil {
		return nil, err
	}
	d := keys.Draft(public)
	d.Names, d.Contacts, d.Endpoints, d.Issued = f.Names, f.Contacts, f.Config.Endpoints, wire.TimeOf(f.Now())
	if d.Contacts == nil {
		d.Contacts = []party.Contact{}
	}
	if d.Endpoints == nil {
		d.Endpoints = []string{}
	}
	return party.SignLetter(d, keys, nil)
}

// keepOwn puts the node's own letter into its store, confirmed: nobody needs to read it words.
func keepOwn(ctx context.Context, dir string, cfg config.Config, l *party.Letter, now time.Time) error {
	db, err := openStore(ctx, dir, cfg, "")
	if err != nil {
		return err
	}
	err = db.Update(ctx, func(tx store.Tx) error {
		return tx.PutLetter(store.Letter{
			Code: l.Code, Serial: int(l.Serial), Digest: l.Digest, Raw: l.Raw,
			Status: store.LetterConfirmed, ConfirmedAt: statement.TimeOf(now),
		})
	})
	return errors.Join(err, db.Close())
}
