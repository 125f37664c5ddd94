package node

import (
	"context"
	"crypto/rand"
	"path/filepath"
	"time"

	"github.com/comity-exchange/comity/internal/config"
	"github.com/comity-exchange/comity/internal/store"
	"github.com/comity-exchange/comity/internal/store/postgres"
	"github.com/comity-exchange/comity/internal/store/sqlite"
)

// openStore opens what keeps the memory of the node in dir: a database, or a file; vfs is for the file alone (sqlite.OpenOn).
func openStore(ctx context.Context, dir string, cfg config.Config, vfs string) (store.Store, error) {
	return openTurned(ctx, dir, cfg, vfs, 0)
}

// openTurned is openStore with a bound of the turn to write a database; zero: the usual one.
func openTurned(ctx context.Context, dir string, cfg config.Config, vfs string, turn time.Duration) (store.Store, error) {
	if address, ok := cfg.Database(); ok {
		return known(postgres.Open(ctx, address, postgres.Options{Turn: turn}))
	}
	name := cfg.Store
	if !filepath.IsAbs(name) {
		name = filepath.Join(dir, name)
	}
	return known(sqlite.OpenOn(ctx, name, vfs))
}

// known keeps a store that was not opened from becoming an interface that is not nil.
func known[S store.Store](s S, err error) (store.Store, error) {
	if err != nil {
		return nil, err
	}
	return s, nil
}

// process names this process among those that serve one party from one database; "" where the store is a file, which one process serves.
func (n *Node) process() string {
	if _, shared := n.Config.Database(); shared {
		return rand.Text()
	}
	return ""
}
