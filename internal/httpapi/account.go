package httpapi

import (
	"context"
	"fmt"
	"io"
	"net/http"
	"time"

	"github.com/comity-exchange/comity/evidence"
	"github.com/comity-exchange/comity/fault"
	"github.com/comity-exchange/comity/internal/auth"
	"github.com/comity-exchange/comity/internal/node"
	"github.com/comity-exchange/comity/party"
	"github.com/comity-exchange/comity/statement"
	"github.com/comity-exchange/comity/transparency"
)

func (a *api) evidence(ctx context.Context, in *struct {
	ByID
	WithoutBody bool       `query:"without_body" doc:"leave out what it says: that it was said stays proven"`
	To          party.Code `query:"to" doc:"the party that it is for; without it somebody who is no party"`
	Proceedings bool       `query:"proceedings" doc:"it is to serve in judicial proceedings"`
}) (file, error) {
	id, err := a.statement(ctx, in.ID)
	if err != nil {
		return file{}, err
	}
	if !in.WithoutBody {
		if err := a.node.MayShow(ctx, id, in.To, in.Proceedings); err != nil {
			return file{}, err
		}
	}
	b, err := a.node.Evidence(ctx, id, !in.WithoutBody)
	if err != nil {
		return file{}, err
	}
	raw, err := b.Marshal()
	return file{kind: "application/octet-stream", name: id.Short() + ".evidence", write: bytesOf(raw)}, err
}

// Proof is evidence that somebody has brought.
type Proof struct {
	Evidence []byte   `json:"evidence" doc:"base64: the file, at most 16 MiB; what is larger is checked by comity evidence verify, which needs no node"`
	Letters  []string `json:"letters,omitempty" maxItems:"64" doc:"letters of credence that you trust, all their lines: you have compared their words with their parties. Without them those that came with the evidence are taken, and the report says so"`
}

// Proven is what evidence proves.
type Proven struct {
	Proven bool `json:"proven" doc:"everything is"`
	evidence.Report
}

// maxEvidence bounds evidence that is checked over HTTP, in bytes: what a request holds as base64.
const maxEvidence = 16 << 20

// verifyEvidence checks evidence against letters alone, as comity evidence verify does: nothing of this node's memory is looked at, and nothing is kept.
func (a *api) verifyEvidence(_ context.Context, in *struct{ Body Proof }) (Proven, error) {
	// spec: EVD-1, EVD-6
	if len(in.Body.Evidence) > maxEvidence {
		return Proven{}, fault.New(fault.TooLarge, "EVD-1", "evidence of more than %d MiB is checked by comity evidence verify, which needs no node", maxEvidence>>20)
	}
	b, err := evidence.Parse(in.Body.Evidence)
	if err != nil {
		return Proven{}, err
	}
	var trusted []*party.Letter
	for _, raw := range in.Body.Letters {
		l, err := party.ParseLetter([]byte(raw))
		if err != nil {
			return Proven{}, err
		}
		trusted = append(trusted, l)
	}
	r := evidence.Verify(b, trusted)
	return Proven{r.OK(), r}, nil
}

// Period is from and to, by days or moments.
type Period struct {
	From string `query:"from" doc:"a day like 2026-01-01, or a moment; without it the beginning of this year"`
	To   string `query:"to" doc:"likewise, not included; without it the end of this year"`
}

func (p *Period) times(now time.Time) (from, to statement.Time, err error) {
	year := time.Date(now.UTC().Year(), 1, 1, 0, 0, 0, 0, time.UTC)
	if from, err = moment(p.From, year); err != nil {
		return from, to, err
	}
	to, err = moment(p.To, year.AddDate(1, 0, 0))
	return from, to, err
}

func moment(given string, otherwise time.Time) (statement.Time, error) {
	if given == "" {
		return statement.TimeOf(otherwise), nil
	}
	for _, form := range []string{time.DateOnly, time.RFC3339} {
		if t, err := time.Parse(form, given); err == nil {
			return statement.TimeOf(t), nil
		}
	}
	return statement.Time{}, fault.New(fault.Usage, "", "a time is like 2026-01-01 or 2026-01-01T08:00:00Z")
}

func (a *api) ledger(ctx context.Context, in *struct {
	Period
	Peer     party.Code `query:"peer" required:"true"`
	OwnSize  int64      `query:"own_size" minimum:"0" doc:"how far of the own log; without it all"`
	PeerSize int64      `query:"peer_size" minimum:"0" doc:"how far of the peer's log; without it all that is here"`
	Format   string     `query:"format" enum:"json,csv" doc:"csv: its requests as a table"`
}) (file, error) {
	from, to, err := in.times(a.node.Now())
	if err != nil {
		return file{}, err
	}
	l, err := a.node.Ledger(ctx, node.Period{Peer: in.Peer, From: from, To: to, OwnSize: in.OwnSize, PeerSize: in.PeerSize})
	if err != nil {
		return file{}, err
	}
	if in.Format == "csv" {
		all := l.Under(statement.ID{})
		raw, err := all.CSV()
		return file{kind: "text/csv; charset=utf-8", name: "ledger-" + string(a.node.Config.Code) + "-" + string(in.Peer) + ".csv", write: bytesOf(raw)}, err
	}
	return file{kind: "application/json", write: bytesOf(l.Marshal())}, nil
}

func (a *api) transparency(ctx context.Context, in *struct {
	From   string          `query:"from" doc:"the first month, like 2026-01; without it January of this year"`
	To     string          `query:"to" doc:"the first month that is not counted; without it this month"`
	By     transparency.By `query:"by" enum:"month,quarter,year" doc:"how long a period is; month, where it is absent"`
	Format string          `query:"format" enum:"json,csv"`
}) (file, error) {
	now := a.node.Now().UTC()
	from, to := time.Date(now.Year(), 1, 1, 0, 0, 0, 0, time.UTC), time.Date(now.Year(), now.Month(), 1, 0, 0, 0, 0, time.UTC)
	for given, into := range map[string]*time.Time{in.From: &from, in.To: &to} {
		if given == "" {
			continue
		}
		t, err := time.Parse("2006-01", given)
		if err != nil {
			return file{}, fault.New(fault.Usage, "", "a month is like 2026-01")
		}
		*into = t
	}
	if in.By == "" {
		in.By = transparency.ByMonth
	}
	r, err := a.node.Transparency(ctx, from, to, in.By)
	if err != nil {
		return file{}, err
	}
	if in.Format == "csv" {
		raw, err := r.CSV()
		return file{kind: "text/csv; charset=utf-8", name: "transparency.csv", write: bytesOf(raw)}, err
	}
	raw, err := r.Marshal()
	return file{kind: "application/json", write: bytesOf(raw)}, err
}

// Verified is what verifying the own log found.
type Verified struct {
	Verified bool `json:"verified"`
	node.LogReport
}

// Checkpoint is the newest checkpoint of the own log, as a signed note with every cosignature that is known.
type Checkpoint struct {
	Origin party.Origin `json:"origin"`
	Size   int64        `json:"size"`
	Note   string       `json:"note"`
}

// Health is what the doctor found, the worst first.
type Health struct {
	Health   node.Health    `json:"health" doc:"of the worst finding"`
	Findings []node.Finding `json:"findings"`
}

func (a *api) doctor(ctx context.Context, _ *none) (Health, error) {
	all, err := a.node.Doctor(ctx)
	out := Health{Health: node.Good, Findings: all}
	for _, f := range all {
		if f.Health == node.Bad || f.Health == node.Warning && out.Health == node.Good {
			out.Health = f.Health
		}
	}
	return out, err
}

func (a *api) registerAccount() {
	n := a.node
	at := func(id, method, path, says string, needs auth.Action) operation {
		return operation{id: id, method: method, path: path, tag: "Account", says: says, needs: needs}
	}
	gives(a, at("evidence", http.MethodGet, "/statements/{id}/evidence", "Give evidence of a statement for a third party.", auth.ExportEvidence), []string{"application/octet-stream"}, a.evidence)
	proof := at("verify-evidence", http.MethodPost, "/evidence/verify", "Check evidence that somebody has brought, offline: against letters alone.", auth.Read)
	proof.or, proof.atOnce, proof.large = auth.ReadLog, 2, true
	proof.more = "Nothing of this node is looked at, and nothing is kept. A verdict is no fault: what is not proven is said so, with the clause."
	on(a, proof, a.verifyEvidence)
	ledger := at("ledger", http.MethodGet, "/ledger", "Compute what was asked and answered between this party and a peer.", auth.Read)
	ledger.more = "Both sides get the same bytes for the same period and sizes."
	gives(a, ledger, []string{"application/json", "text/csv"}, a.ledger)
	gives(a, at("transparency", http.MethodGet, "/transparency", "Count requests, outcomes and grounds of refusal for the public.", auth.Read), []string{"application/json", "text/csv"}, a.transparency)
	on(a, at("state", http.MethodGet, "/log/state", "Tell whether the node may speak.", auth.ReadLog), func(ctx context.Context, _ *none) (node.State, error) { return n.State(ctx) })
	on(a, at("log-health", http.MethodGet, "/log", "How the own log stands, for a glance.", auth.ReadLog), func(ctx context.Context, _ *none) (node.LogHealth, error) { return n.LogHealth(ctx) })
	on(a, at("checkpoint", http.MethodGet, "/log/checkpoint", "Give the newest checkpoint of the own log.", auth.ReadLog), func(ctx context.Context, _ *none) (Checkpoint, error) {
		cp, err := n.Checkpoint(ctx)
		return Checkpoint{cp.Origin, cp.Size, string(cp.Note)}, err
	})
	on(a, at("log-growth", http.MethodGet, "/log/growth", "Tell how the own log grew, at some sixty places.", auth.ReadLog), func(ctx context.Context, _ *none) (Growth, error) {
		points, err := n.LogGrowth(ctx)
		return Growth{points}, err
	})
	on(a, at("list-checkpoints", http.MethodGet, "/log/checkpoints", "List checkpoints of the own log, the newest first, with who has cosigned each.", auth.ReadLog), func(ctx context.Context, in *below) (node.CheckpointPage, error) {
		return n.LogCheckpoints(ctx, in.Below, in.Limit)
	})
	gives(a, at("log-evidence", http.MethodGet, "/log/evidence", "Give what shows a third party that the own log has only grown: a ZIP with checkpoints, the proof between them, and keys.", auth.ReadLog), []string{"application/zip"}, a.logEvidence)
	on(a, at("retention", http.MethodGet, "/retention", "Tell what is to be erased and when, what was erased lately, and what is kept though it is recalled.", auth.Read), func(ctx context.Context, _ *none) (node.RetentionView, error) {
		return n.Retention(ctx)
	})
	verify := at("verify-log", http.MethodPost, "/log/verify", "Recompute the own log, and hold it against all that was signed of it.", auth.ReadLog)
	verify.more = "Its work grows with the log: some seconds for 100,000 statements."
	verify.atOnce = 1
	on(a, verify, func(ctx context.Context, _ *none) (Verified, error) {
		r, err := n.VerifyLog(ctx)
		return Verified{len(r.Problems) == 0, r}, err
	})
	on(a, at("doctor", http.MethodGet, "/doctor", "Look at clock, disk, keys, peers, queues, log and mark.", auth.ReadLog), a.doctor)
}

// Growth is how the own log grew.
type Growth struct {
	Points []node.LogPoint `json:"points" doc:"evenly by place; the last is now"`
}

// below is where a list of checkpoints goes on.
type below struct {
	Below int64 `query:"below" minimum:"0" doc:"those that are smaller; 0: from the newest on"`
	Limit int   `query:"limit" minimum:"1" maximum:"100" default:"25"`
}

type sinceSize struct {
	Since int64 `query:"since" minimum:"0" doc:"the size of the older checkpoint; 0: the node chooses"`
}

// logEvidence is bounded by what one proof and some letters take.
func (a *api) logEvidence(ctx context.Context, in *sinceSize) (file, error) {
	raw, err := a.node.LogEvidence(ctx, in.Since)
	if err != nil {
		return file{}, err
	}
	return file{kind: "application/zip", name: fmt.Sprintf("log-%s-evidence.zip", a.node.Config.Code), write: func(w io.Writer) error {
		_, err := w.Write(raw)
		return err
	}}, nil
}
