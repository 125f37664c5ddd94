package node

import (
	"cmp"
	"context"
	"slices"
	"strings"
	"time"

	"github.com/comity-exchange/comity/fault"
	"github.com/comity-exchange/comity/internal/auth"
	"github.com/comity-exchange/comity/internal/store"
	"github.com/comity-exchange/comity/party"
	"github.com/comity-exchange/comity/statement"
)

// PeerView is how another party's node stands towards this one.
type PeerView struct {
	Code     party.Code        `json:"code"`
	Names    map[string]string `json:"names"`
	Health   Health            `json:"health"`
	Says     string            `json:"says"`
	Do       string            `json:"do,omitzero"`
	Reach    string            `json:"reach"` // as in delivery.Queue
	Waiting  int               `json:"waiting"`
	AtLeast  bool              `json:"at_least,omitzero"`
	Lag      time.Duration     `json:"lag_ns"`
	Heard    statement.Time    `json:"heard,omitzero"` // when something of it arrived, or it was reached, last
	NextTry  statement.Time    `json:"next_try,omitzero"`
	Error    string            `json:"error,omitzero"` // of the last attempt
	Accepted int64             `json:"accepted"`       // of the own log, by the peer
	Size     int64             `json:"size"`           // of the peer's log, here
	Origin   party.Origin      `json:"origin"`
	// Checkpoint is the newest of the peer's log that was found consistent with all before it; nil while there is none.
	Checkpoint *WitnessedView `json:"checkpoint,omitzero"`
	Forks      []ForkView     `json:"forks,omitempty"`
}

// WitnessedView is a checkpoint with who has cosigned it beside its author.
type WitnessedView struct {
	Size      int64          `json:"size"`
	Time      statement.Time `json:"time"`
	Cosigners []string       `json:"cosigners"` // names of witnesses, sorted
}

// ForkView is that a log has two histories, proven by two checkpoints.
type ForkView struct {
	Found statement.Time `json:"found"`
	Why   string         `json:"why"`
}

// witnessed is a checkpoint as it is shown.
func witnessed(cp store.Checkpoint) *WitnessedView {
	// spec: LOG-11
	v := &WitnessedView{Size: cp.Size, Time: cp.Time, Cosigners: []string{}}
	_, signatures, _ := strings.Cut(string(cp.Note), "\n\n")
	for line := range strings.Lines(signatures) {
		words := strings.Fields(line)
		if len(words) == 3 && words[1] != string(cp.Origin) && !slices.Contains(v.Cosigners, words[1]) {
			v.Cosigners = append(v.Cosigners, words[1])
		}
	}
	slices.Sort(v.Cosigners)
	return v
}

// logView is what is known of a peer's log.
type logView struct {
	names      map[string]string
	origin     party.Origin
	checkpoint *WitnessedView
	forks      []ForkView
}

// peerLogs finds out what is known of the logs of all confirmed parties.
func (n *Node) peerLogs(tx store.Tx) (map[party.Code]*logView, error) {
	out := map[party.Code]*logView{}
	if err := tx.EachLetter(func(row store.Letter) bool {
		if v, _, err := viewLetter(row, n.Config.Code); err == nil && v.Status == store.LetterConfirmed {
			out[v.Code] = &logView{names: v.Names, origin: v.Origin}
		}
		return true
	}); err != nil {
		return nil, err
	}
	for _, l := range out {
		cp, err := tx.Newest(l.origin)
		if err == nil {
			l.checkpoint = witnessed(cp)
		} else if fault.CodeOf(err) != fault.NotFound {
			return nil, err
		}
	}
	return out, tx.Forks(func(f store.Fork) bool {
		for _, l := range out {
			if l.origin == f.Origin {
				l.forks = append(l.forks, ForkView{f.Found, f.Why})
			}
		}
		return true
	})
}

// PeerViews lists the confirmed parties by code.
func (n *Node) PeerViews(ctx context.Context) ([]PeerView, error) {
	var logs map[party.Code]*logView
	err := n.Store.View(ctx, func(tx store.Tx) (err error) {
		if err := n.mayLook(ctx, tx, auth.Read, auth.Matter{}); err != nil {
			return err
		}
		logs, err = n.peerLogs(tx)
		return err
	})
	if err != nil {
		return nil, err
	}
	queues, err := n.Courier.Queues(ctx)
	out := make([]PeerView, 0, len(queues))
	for _, q := range queues {
		f := peerFinding(q)
		v := PeerView{
			Code: q.Peer, Health: f.Health, Says: f.Says, Do: f.Do, Reach: q.Reach, Waiting: q.Waiting, AtLeast: q.AtLeast, Lag: q.Lag,
			Heard: q.LastHeard, NextTry: q.NextTry, Error: q.LastError, Accepted: q.Accepted, Size: q.TheirSize,
		}
		if l := logs[q.Peer]; l != nil {
			v.Names, v.Origin, v.Checkpoint, v.Forks = l.names, l.origin, l.checkpoint, l.forks
		}
		if v.Heard.Before(q.LastSuccess) {
			v.Heard = q.LastSuccess
		}
		out = append(out, v)
	}
	slices.SortFunc(out, func(a, b PeerView) int { return cmp.Compare(a.Code, b.Code) })
	return out, err
}
