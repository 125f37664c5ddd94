package node

import (
	"context"
	"os"
	"path/filepath"

	"github.com/comity-exchange/comity/fault"
	"github.com/comity-exchange/comity/internal/auth"
	"github.com/comity-exchange/comity/internal/config"
)

// CaveatFile is one file of the party's own Cedar policies, as it lies in the node's folder now.
type CaveatFile struct {
	Name string `json:"name"`
	Text string `json:"text"`
}

// CaveatFiles lists the party's own policies. Those that hold are the ones that were read last: at the start, or by ReloadCaveats.
func (n *Node) CaveatFiles(ctx context.Context) ([]CaveatFile, error) {
	// spec: DEC-7
	if err := n.Authorize(ctx, auth.Read, auth.Matter{}); err != nil {
		if n.Authorize(ctx, auth.ReadLog, auth.Matter{}) != nil {
			return nil, err
		}
	}
	names, err := filepath.Glob(filepath.Join(n.Dir, caveatsDir, "*.cedar"))
	if err != nil {
		return nil, fault.Wrap(err, fault.Internal, "DEC-7", "the folder of caveats cannot be read")
	}
	out := []CaveatFile{}
	for _, name := range names {
		src, err := os.ReadFile(name)
		if err != nil {
			return nil, fault.Wrap(err, fault.Unavailable, "DEC-7", "the caveats in %s cannot be read", filepath.Base(name))
		}
		out = append(out, CaveatFile{filepath.Base(name), string(src)})
	}
	return out, nil
}

// ReloadCaveats is Reload for an officer who may manage the node's keys: whoever changes what the node holds back.
func (n *Node) ReloadCaveats(ctx context.Context) error {
	if err := n.Authorize(ctx, auth.ManageKeys, auth.Matter{}); err != nil {
		return err
	}
	return n.Reload()
}

// Settings are the node's settings as they hold, for whoever may read the log.
func (n *Node) Settings(ctx context.Context) ([]config.Value, error) {
	if err := n.Authorize(ctx, auth.ReadLog, auth.Matter{}); err != nil {
		return nil, err
	}
	return n.Config.Values(), nil
}
