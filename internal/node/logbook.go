package node

import (
	"archive/zip"
	"bytes"
	"context"
	"fmt"
	"math"
	"slices"
	"strings"

	"github.com/comity-exchange/comity/fault"
	"github.com/comity-exchange/comity/internal/auth"
	"github.com/comity-exchange/comity/internal/journal"
	"github.com/comity-exchange/comity/internal/store"
	"github.com/comity-exchange/comity/party"
	"github.com/comity-exchange/comity/statement"
	"github.com/comity-exchange/comity/translog"
)

// growthPoints bounds how many places of the log are looked at to tell how it grew.
const growthPoints = 60

// LogPoint is how many leaves the own log had at a time.
type LogPoint struct {
	Size int64          `json:"size"`
	Time statement.Time `json:"time"`
}

// LogGrowth tells how the own log grew: at most 60 points, evenly by place, the last of them now. However long the log is, it looks at so many leaves. The times are
// those of the statements, by this party's clock; of leaves whose statements were lost there is none.
func (n *Node) LogGrowth(ctx context.Context) ([]LogPoint, error) {
	var out []LogPoint
	err := n.Store.View(ctx, func(tx store.Tx) error {
		out = []LogPoint{}
		if err := n.mayReadLog(ctx, tx); err != nil {
			return err
		}
		cp, err := tx.Newest(n.Journal.Origin())
		if fault.CodeOf(err) == fault.NotFound {
			return nil
		}
		if err != nil {
			return err
		}
		points := min(growthPoints, cp.Size)
		for i := range points {
			at := i
			if points > 1 {
				at = i * (cp.Size - 1) / (points - 1)
			}
			s, err := tx.StatementAt(cp.Origin, at)
			if fault.CodeOf(err) == fault.NotFound {
				continue
			}
			if err != nil {
				return err
			}
			h, err := statement.Reread(s.ID, s.Head)
			if err != nil {
				return err
			}
			p := LogPoint{Size: at + 1, Time: h.Time}
			if last := len(out) - 1; last >= 0 && p.Time.Before(out[last].Time) {
				p.Time = out[last].Time // a clock that was set back
			}
			out = append(out, p)
		}
		return nil
	})
	return out, err
}

// mayReadLog is for whoever may read the log or the threads: what it tells is in the log's public part too.
func (n *Node) mayReadLog(ctx context.Context, tx store.Tx) error {
	if n.mayLook(ctx, tx, auth.ReadLog, auth.Matter{}) == nil {
		return nil
	}
	return n.mayLook(ctx, tx, auth.Read, auth.Matter{})
}

// CheckpointPage is a page of the checkpoints of the own log, the newest first.
type CheckpointPage struct {
	Checkpoints []WitnessedView `json:"checkpoints"`
	Next        int64           `json:"next,omitzero"` // below of the next page; 0: this is the last
}

// LogCheckpoints lists at most limit checkpoints of the own log that are smaller than below, or, with below 0, from the newest on. Error: fault.Usage.
func (n *Node) LogCheckpoints(ctx context.Context, below int64, limit int) (CheckpointPage, error) {
	// spec: LOG-11
	var p CheckpointPage
	if below < 0 || limit < 1 || limit > MaxPage {
		return p, fault.New(fault.Usage, "", "a page of checkpoints begins below a size of the log and has 1 to %d of them", MaxPage)
	}
	if below == 0 {
		below = math.MaxInt64
	}
	err := n.Store.View(ctx, func(tx store.Tx) error {
		p = CheckpointPage{Checkpoints: []WitnessedView{}}
		if err := n.mayReadLog(ctx, tx); err != nil {
			return err
		}
		all, err := tx.CheckpointsBelow(n.Journal.Origin(), below, limit+1)
		if err != nil {
			return err
		}
		for _, cp := range all[:min(limit, len(all))] {
			p.Checkpoints = append(p.Checkpoints, *witnessed(cp))
		}
		if len(all) > limit {
			p.Next = all[limit-1].Size
		}
		return nil
	})
	return p, err
}

// LogEvidence is what shows a third party that the own log has only grown: two checkpoints, each with its signatures and cosignatures, the proof that the newer tree
// goes on from the older one, and the letters with the keys of those who signed. It is a ZIP file with the texts of C2SP tlog-checkpoint and tlog-witness, for other
// programs. since is the size of the older checkpoint; 0 chooses: the newest that another party has cosigned, where the newest of all is not, else the first.
//
// It discloses sizes and times, nothing of statements. Errors: fault.NotFound; fault.Denied; fault.Behind where the log may not leave.
func (n *Node) LogEvidence(ctx context.Context, since int64) ([]byte, error) {
	// spec: LOG-3, LOG-8, LOG-12
	var files []proofFile
	err := n.Store.View(ctx, func(tx store.Tx) error {
		files = nil
		if err := n.mayLook(ctx, tx, auth.ExportEvidence, auth.Matter{}); err != nil {
			return err
		}
		newest, err := tx.Newest(n.Journal.Origin())
		if fault.CodeOf(err) == fault.NotFound {
			return fault.New(fault.NotFound, "LOG-3", "the log is empty: nothing was said yet")
		}
		if err != nil {
			return err
		}
		older, err := n.older(tx, newest, since)
		if err != nil {
			return err
		}
		path, err := translog.Consistency(older.Size, newest.Size, journal.Tiles{Log: tx, Origin: newest.Origin})
		if err != nil {
			return err
		}
		if err := translog.CheckConsistency(path, older.Size, newest.Size, older.Root, newest.Root); err != nil {
			return err
		}
		files = []proofFile{
			{"README.txt", []byte(logReadme)}, {"checkpoint", newest.Note}, {"checkpoint-older", older.Note},
			{"add-checkpoint", slices.Concat([]byte("old "), translog.FormatConsistency(older.Size, path), []byte("\n"), newest.Note)},
		}
		letters, err := n.lettersOn(tx, newest, older)
		if err != nil {
			return err
		}
		files = append(files, letters...)
		return n.Journal.Settle(translog.Tree{Origin: newest.Origin, Size: newest.Size, Root: newest.Root})
	})
	if err != nil {
		return nil, err
	}
	return zipped(files)
}

// older is the checkpoint with which a proof begins.
func (n *Node) older(tx store.Tx, newest store.Checkpoint, since int64) (store.Checkpoint, error) {
	first := func(from int64, fits func(store.Checkpoint) bool) (out store.Checkpoint, err error) {
		err = tx.Checkpoints(newest.Origin, from, func(c store.Checkpoint) bool {
			if !c.Proven || !fits(c) {
				return true
			}
			out = c
			return false
		})
		return out, err
	}
	if since != 0 {
		if since < 0 || since > newest.Size {
			return newest, fault.New(fault.NotFound, "LOG-3", "the log has no checkpoint of that size")
		}
		cp, err := first(since, func(store.Checkpoint) bool { return true })
		if err == nil && cp.Size != since {
			err = fault.New(fault.NotFound, "LOG-3", "the log has no checkpoint of that size")
		}
		return cp, err
	}
	if newest.Cosigs == 0 {
		recent, err := tx.CheckpointsBelow(newest.Origin, newest.Size, MaxPage)
		if err != nil {
			return newest, err
		}
		for _, c := range recent {
			if c.Cosigs > 0 {
				return c, nil
			}
		}
	}
	return first(0, func(store.Checkpoint) bool { return true })
}

// lettersOn are the letters of the party and of those who cosigned, each with what it follows from.
func (n *Node) lettersOn(tx store.Tx, cps ...store.Checkpoint) ([]proofFile, error) {
	codes := []party.Code{n.Config.Code}
	for _, cp := range cps {
		for _, name := range witnessed(cp).Cosigners {
			code, err := party.ParseCode(witnessOf(name))
			if err == nil && !slices.Contains(codes, code) {
				codes = append(codes, code)
			}
		}
	}
	var out []proofFile
	var keys strings.Builder
	for _, code := range codes {
		chain, err := n.Exchange.Held(tx, code)
		if fault.CodeOf(err) == fault.Unknown || fault.CodeOf(err) == fault.NotFound {
			continue // a cosignature of somebody whose letter is gone; it proves nothing
		}
		if err != nil {
			return nil, err
		}
		for _, l := range chain {
			out = append(out, proofFile{fmt.Sprintf("letters/%s-%d.letter", code, l.Serial), l.Raw})
			ed25519, mldsa44 := translog.WitnessKeys(l.Witness.Name, l.Witness.PublicKeys)
			if code == n.Config.Code {
				ed25519, mldsa44 = translog.VerifierKeys(string(l.Origin), l.Log)
			}
			if line := ed25519 + "\n" + mldsa44 + "\n"; !strings.Contains(keys.String(), line) {
				keys.WriteString(line)
			}
		}
	}
	return append(out, proofFile{"keys", []byte(keys.String())}), nil
}

// witnessOf is the party in the name of a witness, like XB/witness/1.
func witnessOf(name string) string {
	code, _, _ := strings.Cut(name, "/")
	return code
}

// proofFile is one text of a log's evidence.
type proofFile struct {
	name string
	raw  []byte
}

// zipped puts texts into a ZIP file. It has no times, so that the same evidence is the same file.
func zipped(files []proofFile) ([]byte, error) {
	var b bytes.Buffer
	z := zip.NewWriter(&b)
	for _, f := range files {
		w, err := z.Create(f.name)
		if err == nil {
			_, err = w.Write(f.raw)
		}
		if err != nil {
			return nil, fault.Wrap(err, fault.Internal, "", "the evidence could not be written")
		}
	}
	if err := z.Close(); err != nil {
		return nil, fault.Wrap(err, fault.Internal, "", "the evidence could not be written")
	}
	return b.Bytes(), nil
}

// logReadme tells whoever gets the evidence what it is.
const logReadme = `Evidence of a log: that it has only grown between two moments.

checkpoint        the newest state of the log: its name, size and root, signed by its party and cosigned by others (C2SP tlog-checkpoint)
checkpoint-older  an older state, signed likewise
add-checkpoint    the size of the older state, the hashes that lead from its root to the newer one, an empty line, and the newer checkpoint
                  (the request add-checkpoint of C2SP tlog-witness; the proof is that of RFC 9162, section 2.1.4)
letters/          the letters of credence with the keys of the log's party and of those who cosigned
keys              the same keys as other programs take them (C2SP signed-note); they are worth what the letters are worth

Verify the signatures of both checkpoints with the keys of the letters, and the proof against the two roots. Compare the words of a letter with its party before you
rely on its keys. Nothing here says what was written into the log: of one statement, "comity evidence export" gives a proof.
`
