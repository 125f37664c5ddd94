package fedtest

import (
	"os"
	"path/filepath"
	"strings"

	"github.com/comity-exchange/comity/internal/keystore"
	"github.com/comity-exchange/comity/internal/store"
	"github.com/comity-exchange/comity/party"
)

// Backup stops the node, copies its folder, and starts it again.
func (p *Party) Backup() (dir string) {
	p.F.T.Helper()
	p.Stop()
	dir = p.F.T.TempDir()
	p.F.must(os.Chmod(dir, 0o700))
	names, err := os.ReadDir(p.Dir)
	p.F.must(err)
	for _, name := range names {
		if !name.Type().IsRegular() {
			continue
		}
		raw, err := os.ReadFile(filepath.Join(p.Dir, name.Name()))
		p.F.must(err)
		p.F.must(os.WriteFile(filepath.Join(dir, name.Name()), raw, 0o600))
	}
	p.Start(p.Dir)
	return dir
}

// Restore stops the node and puts back, from a backup, the files whose names begin so; "" for all. They are written over in place, as some programs do it.
func (p *Party) Restore(backup, prefix string) {
	p.F.T.Helper()
	p.Stop()
	names, err := os.ReadDir(backup)
	p.F.must(err)
	for _, name := range names {
		if !strings.HasPrefix(name.Name(), prefix) {
			continue
		}
		raw, err := os.ReadFile(filepath.Join(backup, name.Name()))
		p.F.must(err)
		f, err := os.OpenFile(filepath.Join(p.Dir, name.Name()), os.O_CREATE|os.O_WRONLY|os.O_TRUNC, 0o600)
		p.F.must(err)
		_, err = f.Write(raw)
		p.F.must(err)
		p.F.must(f.Close())
	}
	p.Start(p.Dir)
}

// FailOver makes the store another copy of the data, as a server that went over to its standby.
func (p *Party) FailOver(to string) {
	p.F.T.Helper()
	p.F.must(p.Exchange.Update(p.F.T.Context(), func(tx store.Tx) error { return tx.SetMeta("incarnation", to) }))
}

// RecoveryKey is the party's recovery key, brought from where it is kept.
func (p *Party) RecoveryKey() *keystore.Recovery {
	p.F.T.Helper()
	r, err := keystore.LoadRecovery(filepath.Join(p.Dir, "recovery.key"), keystore.Lock{KeyFile: filepath.Join(p.Dir, p.Config.KeyFile)})
	p.F.must(err)
	return r
}

// Take imports another party's newest letter, which has to count at once.
func (p *Party) Take(q *Party) {
	p.F.T.Helper()
	l, err := q.OwnLetter(p.F.T.Context())
	p.F.must(err)
	v, err := p.ImportLetter(p.F.T.Context(), l.Raw)
	p.F.must(err)
	if v.Status != store.LetterConfirmed {
		p.F.T.Fatalf("%s: letter %d of %s is %s", p.Code, v.Serial, q.Code, v.Status)
	}
	p.Courier.Kick(q.Code)
}

// LengthOf is the length of a log as the party has it.
func (p *Party) LengthOf(origin party.Origin) (n int64) {
	p.F.T.Helper()
	p.F.must(p.Store.View(p.F.T.Context(), func(tx store.Tx) (err error) {
		n, err = tx.Length(origin)
		return err
	}))
	return n
}
