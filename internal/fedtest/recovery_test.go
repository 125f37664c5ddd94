package fedtest

import (
	"bytes"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/comity-exchange/comity/desk/assist"
	"github.com/comity-exchange/comity/desk/credence"
	"github.com/comity-exchange/comity/evidence"
	"github.com/comity-exchange/comity/fault"
	"github.com/comity-exchange/comity/internal/exchange"
	"github.com/comity-exchange/comity/internal/journal"
	"github.com/comity-exchange/comity/internal/keystore"
	"github.com/comity-exchange/comity/internal/node"
	"github.com/comity-exchange/comity/packet"
	"github.com/comity-exchange/comity/party"
	"github.com/comity-exchange/comity/statement"
	"github.com/comity-exchange/comity/translog"
)

// scene is three parties that have agreed, and what was said before and after XA's backup was made.
type scene struct {
	*Federation
	xa, xb, xc *Party
	agreed     statement.ID
	backup     string
	before     exchange.Said
	image      []byte
	after      []exchange.Said // by XA to XB, by XB in answer, by XA to both, by XC in answer
}

// trouble makes a scene in which everything was delivered and receipted.
func trouble(t *testing.T, codes ...string) *scene {
	t.Helper()
	if codes == nil {
		codes = []string{"XA", "XB", "XC"}
	}
	f := New(t, codes...)
	s := &scene{Federation: f, xa: f.At("XA"), xb: f.At("XB"), xc: f.At("XC")}
	s.agreed = f.Agree(Pact("XA", "XB", "XC"), "XA")
	s.before = s.xa.Ask(s.agreed, exchange.Draft{Text: "Before."}, "XB", "XC")
	s.xb.Has(s.before.ID)
	f.Quiet()
	s.backup = s.xa.Backup()
	f.Quiet()
	image := attachment("disk.img", 300<<10, 7)
	var raw bytes.Buffer
	_, err := raw.ReadFrom(image.Data)
	f.must(err)
	s.image = raw.Bytes()
	first := s.xa.Ask(s.agreed, exchange.Draft{Title: "Lost", Text: "What was this?", Blobs: []exchange.Attachment{image}}, "XB")
	s.xb.Has(first.ID)
	s.xb.wholeBlobs(first.ID, 1)
	ack := s.xb.Say(exchange.Draft{Thread: first.ID, Kind: assist.KindAcknowledge, Text: "We have it."}, assist.Acknowledge{})
	s.xa.Has(ack.ID)
	second := s.xa.Ask(s.agreed, exchange.Draft{Text: "And to both."}, "XB", "XC")
	s.xc.Has(second.ID)
	ack2 := s.xc.Say(exchange.Draft{Thread: second.ID, Kind: assist.KindAcknowledge, Blobs: []exchange.Attachment{attachment("log.txt", 5000, 9)}}, assist.Acknowledge{})
	s.xa.wholeBlobs(ack2.ID, 1)
	s.xb.Has(ack2.ID)
	s.after = []exchange.Said{first, ack, second, ack2}
	f.Quiet()
	f.Clock.Pass(2 * time.Minute) // so that what has been said is witnessed
	f.Quiet()
	return s
}

// silent makes sure that XA says and takes nothing, and tells everybody why.
func (s *scene) silent(condition journal.Condition, clause string) {
	s.T.Helper()
	xa := s.xa
	st, err := xa.Node.State(s.T.Context())
	if err != nil || st.Condition != condition || st.Do == "" {
		s.T.Fatalf("%v %+v", err, st)
	}
	size := xa.LogSize()
	if _, err := xa.Try(exchange.Draft{Kind: assist.KindRequest, Agreement: s.agreed, To: []party.Code{"XB"}}, assist.Request{Type: assist.Information}); fault.CodeOf(err) != fault.Behind || fault.ClauseOf(err) != clause {
		s.T.Errorf("XA's officer is told: %v", err)
	}
	late := s.xb.Ask(s.agreed, exchange.Draft{Text: "Are you there?"}, "XA")
	s.xb.Until("a refusal by XA", func() bool { return s.xb.queue("XA").LastCode == string(fault.Behind) })
	if xa.LogSize() != size || xa.here(late.ID) {
		s.T.Errorf("XA has signed or taken something")
	}
	if d := xa.finding("high-water mark"); d.Health != node.Bad || !strings.Contains(d.Do, "comity") {
		s.T.Errorf("the doctor says %+v", d)
	}
	s.after = append(s.after, late)
}

// whole makes sure that everything is everywhere again, once, and that nobody has seen two histories.
func (s *scene) whole() {
	s.T.Helper()
	for _, p := range s.Parties {
		for code := range s.Parties {
			if code != p.Code {
				p.Courier.Kick(code)
			}
		}
	}
	for _, said := range append([]exchange.Said{s.before}, s.after...) {
		s.xa.Has(said.ID)
	}
	s.Quiet()
	for _, said := range append([]exchange.Said{s.before}, s.after...) {
		a := s.xa.State(said.Thread)
		for _, p := range []*Party{s.xb, s.xc} {
			if p.here(said.Thread) && p.State(said.Thread) != a {
				s.T.Errorf("states of %s differ at XA and %s:\n%s\n%s", said.Thread.Short(), p.Code, a, p.State(said.Thread))
			}
		}
	}
	for _, p := range s.Parties {
		if forks := p.forks(); len(forks) > 0 {
			s.T.Errorf("%s has seen a fork: %s", p.Code, forks[0].Why)
		}
		if r, err := p.VerifyLog(s.T.Context()); err != nil || len(r.Problems) > 0 {
			s.T.Errorf("%s: %v %+v", p.Code, err, r)
		}
		for _, q := range s.Parties {
			if p != q && p.queue(q.Code).Waiting > 0 {
				s.T.Errorf("%s has something for %s still: %+v", p.Code, q.Code, p.queue(q.Code))
			}
		}
	}
}

// An old backup is restored. The mark notices it, XA is silent, gets back from its peers what it has said and what it had acknowledged, and goes on.
func TestMirroredBack(t *testing.T) {
	t.Parallel()
	s := trouble(t)
	size := s.xa.LogSize()
	s.xa.Restore(s.backup, "comity.db")
	// spec: LOG-12
	s.silent(journal.Behind, "LOG-12")
	r, err := s.xa.Look(t.Context(), node.Recovering{})
	if err != nil || r.Way != node.WayPeers || r.Known != size || r.Whole != size || len(r.Lack) > 0 {
		t.Fatalf("%v %+v", err, r)
	}
	if s.xa.LogSize() >= size {
		t.Error("looking has changed something")
	}
	// spec: LOG-15, NET-11, PKT-10
	r, err = s.xa.FromPeers(t.Context(), node.Recovering{})
	if err != nil || !r.Done || !r.State.Ready() || s.xa.LogSize() < size {
		t.Fatalf("%v %+v", err, r)
	}
	s.whole()
	if got := s.xa.wholeBlobs(s.after[0].ID, 1); !bytes.Equal(got, s.image) {
		t.Error("the own attachment did not come back")
	}
	s.xa.wholeBlobs(s.after[3].ID, 1)
	again := s.xa.Ask(s.agreed, exchange.Draft{Text: "On we go."}, "XB", "XC")
	s.xa.Delivered(again.ID)
	s.whole()
}

// The whole folder was put back, the mark with it, byte by byte: nothing in it can tell. The peers can.
func TestNoticedByPeers(t *testing.T) {
	t.Parallel()
	s := trouble(t)
	size := s.xa.LogSize()
	s.xa.Restore(s.backup, "")
	s.xa.Until("the peers' word", func() bool {
		st, err := s.xa.Node.State(t.Context())
		return err == nil && st.Condition == journal.Behind && st.Known == size
	})
	s.silent(journal.Behind, "LOG-12")
	// It is not forgotten with the process.
	s.xa.Restart(nil)
	s.silent(journal.Behind, "LOG-12")
	if r, err := s.xa.FromPeers(t.Context(), node.Recovering{}); err != nil || !r.Done {
		t.Fatalf("%v %+v", err, r)
	}
	s.whole()
}

// The folder was copied to another place: whether it is the newest copy, nobody here can say. Its peers can, and have seen no more.
func TestCopiedFolder(t *testing.T) {
	t.Parallel()
	s := trouble(t)
	copied := s.xa.Backup()
	s.Cut("XA", "XB")
	s.xa.Stop()
	s.xa.Start(copied)
	s.xa.Until("XC's answer", func() bool {
		st, err := s.xa.Node.State(t.Context())
		return err == nil && len(st.Waiting) == 1
	})
	// spec: LOG-14
	if st, err := s.xa.Node.State(t.Context()); err != nil || st.Condition != journal.Restored || st.Waiting[0] != "XB" || !strings.Contains(st.Do, "XB") {
		t.Errorf("%v %+v", err, st)
	}
	if _, err := s.xa.FromPeers(t.Context(), node.Recovering{}); fault.CodeOf(err) != fault.Unavailable || fault.ClauseOf(err) != "LOG-14" {
		t.Errorf("without XB's answer: %v", err)
	}
	s.Mend("XA", "XB")
	s.xa.Until("that it may speak", func() bool { st, err := s.xa.Node.State(t.Context()); return err == nil && st.Ready() })
	s.whole()
	said := s.xa.Ask(s.agreed, exchange.Draft{Text: "From here on."}, "XB", "XC")
	s.xa.Delivered(said.ID)
}

// The store went over to another server, which lacks nothing: that is noticed at the next signature, and the node goes on by itself when its peers have answered; where one of
// them cannot be asked, the operator decides.
func TestFailover(t *testing.T) {
	t.Parallel()
	s := trouble(t, "XA", "-XB", "XC")
	s.Cut("XA", "XB")
	s.Cut("XA", "XC")
	s.xa.FailOver("standby")
	_, err := s.xa.Try(exchange.Draft{Kind: assist.KindRequest, Agreement: s.agreed, To: []party.Code{"XB"}}, assist.Request{Type: assist.Information})
	// spec: LOG-14
	if fault.CodeOf(err) != fault.Behind || fault.ClauseOf(err) != "LOG-14" {
		t.Errorf("XA's officer is told: %v", err)
	}
	waits := func(n int) func() bool {
		return func() bool {
			st, err := s.xa.Node.State(t.Context())
			return err == nil && st.Condition == journal.Restored && len(st.Waiting) == n
		}
	}
	s.xa.Until("two who have not answered", waits(2))
	s.Mend("XA", "XC")
	s.xa.Until("one who has not answered", waits(1))
	s.Mend("XA", "XB") // XB cannot be asked: it says so when it comes to fetch
	s.xa.Until("that it may speak", func() bool { st, err := s.xa.Node.State(t.Context()); return err == nil && st.Ready() })
	s.whole()

	s.Cut("XA", "XB")
	s.xa.FailOver("third")
	s.xa.Until("one who has not answered", waits(1))
	r, err := s.xa.FromPeers(t.Context(), node.Recovering{Without: []party.Code{"XB"}})
	if err != nil || !r.Done || !r.State.Ready() {
		t.Errorf("%v %+v", err, r)
	}
	s.Mend("XA", "XB")
	s.whole()
}

// record says something that goes to nobody.
func (p *Party) record(n int) {
	p.F.T.Helper()
	for i := range n {
		p.Say(exchange.Draft{Kind: credence.KindOffice}, party.OfficeFacts{Office: p.Code + ".cert", Letter: statement.Sum([]byte{byte(i), byte(i >> 8)})})
	}
}

// A record that XA made for itself is lost for good: nobody had it. Its leaf stands bare, and everything that reads the log says so or copes.
func TestBareLeaf(t *testing.T) {
	t.Parallel()
	s := trouble(t)
	s.xa.record(3)
	last := s.xa.Ask(s.agreed, exchange.Draft{Text: "After the records."}, "XB")
	s.xa.Delivered(last.ID)
	s.Quiet()
	s.xa.record(2)
	after := s.xa.Ask(s.agreed, exchange.Draft{Text: "And after these."}, "XC")
	s.xa.Delivered(after.ID)
	s.Quiet()
	s.after = append(s.after, last, after)
	size := s.xa.LogSize()
	s.xa.Restore(s.backup, "comity.db")
	r, err := s.xa.FromPeers(t.Context(), node.Recovering{})
	// spec: LOG-15
	if err != nil || !r.Done || s.xa.LogSize() < size {
		t.Fatalf("%v %+v", err, r)
	}
	bare := int64(0)
	for _, g := range r.Bare {
		bare += g[1] - g[0]
	}
	if bare < 5 {
		t.Errorf("bare: %v", r.Bare)
	}
	s.whole()
	v, err := s.xa.VerifyLog(t.Context())
	if err != nil || v.Bare != bare || len(v.Problems) > 0 {
		t.Errorf("%v %+v", err, v)
	}
	if f := s.xa.finding("log"); f.Health != node.Good || !strings.Contains(f.Says, "only the hash") {
		t.Errorf("%+v", f)
	}
	// Time goes on from the newest that is known, also where the newest leaf is bare.
	if _, err := s.xa.Try(exchange.Draft{Kind: assist.KindRequest, Agreement: s.agreed, To: []party.Code{"XB"}}, assist.Request{Type: assist.Information}); err != nil {
		t.Error(err)
	}
	s.proves(s.xa, after.ID)
	s.proves(s.xb, last.ID)
	s.sameLedger("XA", "XB")
}

// proves makes evidence of a statement at a party and has it verified under nothing but the letters of all parties as they are now.
func (s *scene) proves(p *Party, id statement.ID) evidence.ItemReport {
	s.T.Helper()
	b, err := p.Evidence(s.T.Context(), id, false)
	s.must(err)
	var letters []*party.Letter
	for _, q := range s.Parties {
		l, err := q.OwnLetter(s.T.Context())
		s.must(err)
		letters = append(letters, l)
	}
	r := evidence.Verify(b, letters)
	if !r.OK() || r.Items[0].ID != id {
		s.T.Errorf("%s cannot prove %s: %+v", p.Code, id.Short(), r)
	}
	return r.Items[0]
}

// sameLedger makes sure that two parties compute the same bytes.
func (s *scene) sameLedger(a, b party.Code) {
	s.T.Helper()
	s.Quiet()
	p, q := s.At(a), s.At(b)
	period := node.Period{Peer: b, From: statement.TimeOf(s.Clock.Now().Add(-365 * 24 * time.Hour)), To: statement.TimeOf(s.Clock.Now().Add(time.Hour))}
	at, err := p.Ledger(s.T.Context(), period)
	s.must(err)
	period.Peer = a
	period.PeerSize, period.OwnSize = at.Sizes[0], at.Sizes[1]
	if b < a {
		period.PeerSize, period.OwnSize = at.Sizes[1], at.Sizes[0]
	}
	there, err := q.Ledger(s.T.Context(), period)
	s.must(err)
	if !bytes.Equal(at.Marshal(), there.Marshal()) || len(at.Entries) == 0 {
		s.T.Errorf("the ledgers differ:\n%s\n%s", at.Marshal(), there.Marshal())
	}
}

// A part of the log is nowhere. XA closes it by the recovery key; what others have stands and is delivered, and threads go on across both logs.
func TestNewLog(t *testing.T) {
	t.Parallel()
	s := trouble(t)
	s.Cut("XA", "XC")
	s.xa.record(300) // no tile that anybody has covers the first of them
	late := s.xa.Ask(s.agreed, exchange.Draft{Title: "Late", Text: "XC does not have this."}, "XB", "XC")
	s.xb.Has(late.ID)
	s.xa.Until("XB's receipt", func() bool { return s.xa.queue("XB").Waiting == 0 })
	s.Mend("XA", "XC")
	s.Cut("XA", "XC")
	size := s.xa.LogSize()
	s.xa.Restore(s.backup, "comity.db")
	if _, err := s.xa.FromPeers(t.Context(), node.Recovering{}); fault.CodeOf(err) != fault.Unavailable {
		t.Errorf("XC has not answered: %v", err)
	}
	without := node.Recovering{Without: []party.Code{"XC"}}
	_, err := s.xa.FromPeers(t.Context(), without)
	// spec: LOG-15
	if fault.CodeOf(err) != fault.Behind || fault.ClauseOf(err) != "LOG-15" {
		t.Errorf("what nobody has was put back: %v", err)
	}
	r, err := s.xa.NewLog(t.Context(), without, node.Rotation{Recovery: s.xa.RecoveryKey()})
	// spec: LTR-7, LTR-11
	if err != nil || !r.Done || r.New.Origin != "XA/2" || r.New.Size < size || len(r.Unsaid) != 1 || r.Unsaid[0].ID != late.ID || r.Unsaid[0].Title != "Late" {
		t.Fatalf("%v %+v", err, r)
	}
	if _, err := s.xa.Try(exchange.Draft{Kind: assist.KindRequest, Agreement: s.agreed, To: []party.Code{"XB"}}, assist.Request{Type: assist.Information}); fault.CodeOf(err) != fault.Revoked || fault.ClauseOf(err) != "LTR-7" {
		t.Errorf("the process that still has the old log open: %v", err)
	}
	s.xa.Restart(nil)
	for _, p := range []*Party{s.xb, s.xc} {
		p.Take(s.xa)
	}
	s.Mend("XA", "XC")
	// A thread that began in XA/1 goes on in XA/2, at all sides alike.
	answer := s.xb.Say(exchange.Draft{Thread: late.ID, Kind: assist.KindAcknowledge}, assist.Acknowledge{})
	s.xa.Has(answer.ID)
	more := s.xa.Say(exchange.Draft{Thread: s.before.Thread, Kind: assist.KindSupplement, Text: "In the new log."}, assist.Supplement{})
	s.xb.Has(more.ID)
	s.xc.Has(more.ID)
	said := s.xa.Ask(s.agreed, exchange.Draft{Text: "On we go."}, "XB", "XC")
	s.xa.Delivered(said.ID)
	for _, id := range []statement.ID{s.before.ID, s.after[0].ID, s.after[2].ID, late.ID} {
		s.xa.Has(id)
	}
	s.Quiet()
	for _, p := range []*Party{s.xb, s.xc} {
		if a, b := s.xa.State(s.before.Thread), p.State(s.before.Thread); a != b {
			t.Errorf("states differ at XA and %s:\n%s\n%s", p.Code, a, b)
		}
		if forks := p.forks(); len(forks) > 0 {
			t.Errorf("%s has seen a fork", p.Code)
		}
	}
	if a, b := s.xa.State(late.ID), s.xb.State(late.ID); a != b {
		t.Errorf("states differ:\n%s\n%s", a, b)
	}
	if open, err := s.xa.Unsaid(t.Context()); err != nil || len(open) != 1 || len(open[0].To) != 1 || open[0].To[0] != "XC" {
		t.Errorf("%v %+v", err, open)
	}
	if f := s.xa.finding("closed log"); f.Health != node.Warning || f.Do == "" {
		t.Errorf("%+v", f)
	}
	if v, err := s.xa.VerifyLog(t.Context()); err != nil || len(v.Problems) > 0 || v.Origin != "XA/2" || len(v.Closed) != 1 {
		t.Errorf("%v %+v", err, v)
	}
	s.proves(s.xa, s.before.ID)
	s.proves(s.xa, late.ID) // its tree is not here any more; the proof that came back with it is
	s.proves(s.xb, late.ID)
	s.proves(s.xb, said.ID)
}

// Keys are changed in order: what waits in the old log is still delivered, and everything that rests on both logs goes on.
func TestRotation(t *testing.T) {
	t.Parallel()
	s := trouble(t)
	s.Cut("XA", "XC")
	waits := s.xa.Ask(s.agreed, exchange.Draft{Text: "XC is out of reach.", Blobs: []exchange.Attachment{attachment("a", 70<<10, 3)}}, "XC")
	both := s.xa.Ask(s.agreed, exchange.Draft{Text: "XB has this."}, "XB", "XC")
	s.xb.Has(both.ID)
	s.xa.Until("XB's receipt", func() bool { return s.xa.queue("XB").Waiting == 0 })
	s.xa.Stop()
	s.xa.Start(s.xa.Dir)
	old := s.xa.LogSize()
	wrong, err := keystore.GenerateRecovery()
	s.must(err)
	// spec: LTR-6
	if _, err := s.xa.Rotate(t.Context(), node.Rotation{Recovery: wrong}); fault.CodeOf(err) != fault.Locked {
		t.Errorf("another recovery key: %v", err)
	}
	r, err := s.xa.Rotate(t.Context(), node.Rotation{Recovery: s.xa.RecoveryKey()})
	// spec: LTR-7
	if err != nil || r.Closed != "XA/1" || r.Origin != "XA/2" || r.Size != old || r.Serial != 2 {
		t.Fatalf("%v %+v", err, r)
	}
	s.xa.Restart(nil)
	said := s.xa.Ask(s.agreed, exchange.Draft{Text: "Under new keys."}, "XB", "XC")
	s.xb.Until("that XA is somebody else", func() bool { return s.xb.queue("XA").LastCode != "" || s.xa.queue("XB").LastCode != "" })
	s.xb.Take(s.xa)
	s.xb.Has(said.ID)
	more := s.xa.Say(exchange.Draft{Thread: both.Thread, Kind: assist.KindSupplement, Text: "And more."}, assist.Supplement{})
	s.xb.Has(more.ID)
	if q := s.xa.queue("XC"); q.Waiting != 4 {
		t.Errorf("for XC wait %+v", q)
	}
	s.Mend("XA", "XC")
	s.xc.Take(s.xa)
	for _, id := range []statement.ID{waits.ID, both.ID, said.ID, more.ID} {
		s.xc.Has(id)
	}
	if got := s.xc.wholeBlobs(waits.ID, 1); len(got) != 70<<10 {
		t.Errorf("%d bytes", len(got))
	}
	s.xa.Delivered(waits.ID)
	ack := s.xc.Say(exchange.Draft{Thread: both.Thread, Kind: assist.KindAcknowledge}, assist.Acknowledge{})
	s.xa.Has(ack.ID)
	s.after = append(s.after, waits, both, said, more, ack)
	s.whole()
	if s.xc.LengthOf("XA/1") != old || s.xa.LengthOf("XA/2") == 0 {
		t.Errorf("XC has %d of XA/1", s.xc.LengthOf("XA/1"))
	}
	s.sameLedger("XA", "XB")
	s.sameLedger("XC", "XA")
	for _, id := range []statement.ID{s.before.ID, both.ID, said.ID} {
		for _, p := range []*Party{s.xa, s.xb, s.xc} {
			s.proves(p, id)
		}
	}
	if v := s.proves(s.xb, s.before.ID); len(v.Witnessed) == 0 {
		t.Error("what was witnessed before is not any more")
	}
	// Once more: serial after serial.
	if _, err := s.xa.Rotate(t.Context(), node.Rotation{Recovery: s.xa.RecoveryKey()}); err != nil {
		t.Fatal(err)
	}
	s.xa.Restart(nil)
	s.xb.Take(s.xa)
	s.xc.Take(s.xa)
	third := s.xa.Say(exchange.Draft{Thread: both.Thread, Kind: assist.KindSupplement, Text: "From the third log."}, assist.Supplement{})
	s.xb.Has(third.ID)
	s.xc.Has(third.ID)
	s.whole()
	s.proves(s.xc, both.ID)
}

// The keys were stolen. XA revokes them; what the thief signs afterwards is refused, also by a peer to whom he had said one thing more before.
func TestStolenKeys(t *testing.T) {
	t.Parallel()
	f := New(t, "XA", "XB", "XM")
	agreed := f.Agree(Pact("XA", "XB", "XM"), "XA")
	xa, xb, xm := f.At("XA"), f.At("XB"), f.At("XM")
	fine := xm.Ask(agreed, exchange.Draft{Text: "By the owner."}, "XA", "XB")
	xa.Has(fine.ID)
	xb.Has(fine.ID)
	f.Quiet()
	dir, options := xm.Dir, xm.options
	m := f.corrupt("XM", agreed) // the thief has keys and log
	open := len(m.ids)
	theft := m.say(nil)
	if a := m.post("XA", m.contents("XA", theft)); a.status != http.StatusOK {
		t.Fatalf("%+v", a)
	}
	xa.Has(theft.ID)
	ack := xa.Say(exchange.Draft{Thread: theft.ID, Kind: assist.KindAcknowledge}, assist.Acknowledge{})

	f.Cut("XA", "XM") // the owner signs nothing more before the keys are replaced: what XA answers the thief would be receipted in the thief's place
	owner := &Party{F: f, Code: "XM", options: options, door: xm.door}
	owner.Start(dir)
	f.Parties["XM"] = owner
	r, err := owner.Rotate(t.Context(), node.Rotation{Recovery: owner.RecoveryKey(), Stolen: true})
	f.Mend("XA", "XM")
	if err != nil || r.Size != int64(open) {
		t.Fatalf("%v %+v", err, r)
	}
	owner.Restart(nil)
	xa.Take(owner)
	xb.Take(owner)
	// spec: LTR-11
	if s, err := xa.statement(theft.ID); err != nil || s.Void != exchange.BeyondClosing || s.Folded {
		t.Errorf("%v %+v", err, s)
	}
	if _, _, err := xa.Thread(t.Context(), theft.ID); err != nil {
		t.Error(err)
	}
	if s, err := xa.statement(fine.ID); err != nil || s.Void != "" || !s.Folded {
		t.Errorf("%v %+v", err, s)
	}
	if !xa.here(ack.ID) {
		t.Error("what XA said is gone")
	}
	// spec: NET-1
	if a, err := m.claim("XA", m.contents("XA", m.say(nil)), "0"); err == nil && a.status != http.StatusForbidden {
		t.Errorf("the thief is let in: %+v", a)
	}
	file := func(to party.Code, heads ...*statement.Head) error {
		_, err := f.At(to).Unpack(t.Context(), bytes.NewReader(m.seal(to, m.contents(to, heads...))), new(bytes.Buffer))
		return err
	}
	// spec: LTR-7
	for _, to := range []party.Code{"XA", "XB"} {
		if err := file(to, theft); fault.CodeOf(err) != fault.Revoked || fault.ClauseOf(err) != "LTR-7" {
			t.Errorf("beyond the closing, at %s: %v", to, err)
		}
	}
	ids := m.ids
	m.ids = m.ids[: open-1 : open-1]
	m.say(nil)
	if err := file("XB"); fault.CodeOf(err) != fault.Revoked || fault.ClauseOf(err) != "LTR-7" {
		t.Errorf("another history of the size at which the log was closed: %v", err)
	}
	m.ids = ids[: open-1 : open-1]
	if err := file("XB"); fault.CodeOf(err) != "" && fault.ClauseOf(err) != "LTR-7" {
		t.Errorf("a smaller one: %v", err)
	}
	after := owner.Ask(agreed, exchange.Draft{Text: "Under keys of my own."}, "XA", "XB")
	xa.Has(after.ID)
	xb.Has(after.ID)
	f.Quiet()
	for _, p := range []*Party{xa, xb, owner} {
		if p.State(after.ID) != xa.State(after.ID) || p.State(fine.ID) != xa.State(fine.ID) || len(p.forks()) > 0 {
			t.Errorf("%s sees something else", p.Code)
		}
	}
	s := &scene{Federation: f, xa: xa, xb: xb, xc: owner, agreed: agreed}
	s.proves(owner, fine.ID)
	s.proves(owner, after.ID)
}

// claim posts a packet with a word of how much of the other's log was accepted.
func (m *mallory) claim(to party.Code, c *packet.Contents, accepted string) (answer, error) {
	m.Helper()
	l, err := m.f.At(to).OwnLetter(m.Context())
	m.f.must(err)
	req, err := http.NewRequestWithContext(m.Context(), http.MethodPost, l.Endpoints[0]+"/comity/v1/packets", bytes.NewReader(m.seal(to, c)))
	m.f.must(err)
	req.Header.Set("Comity-Accepted", accepted)
	resp, err := m.client.Do(req)
	if err != nil {
		return answer{}, err
	}
	if resp.StatusCode < 300 {
		m.accepted[to] = int64(len(m.ids))
	}
	return answer{status: resp.StatusCode}, resp.Body.Close()
}

// A peer's bare word that it has more of XA's log stops nothing, nor does a checkpoint that XA's keys did not sign.
func TestLiarAboutTheLog(t *testing.T) {
	t.Parallel()
	f := New(t, "XA", "XB", "XM")
	agreed := f.Agree(Pact("XA", "XB", "XM"), "XA")
	m := f.corrupt("XM", agreed)
	xa, xb := f.At("XA"), f.At("XB")
	fake, err := translog.SignCheckpoint(m.keys, translog.Tree{Origin: "XA/1", Size: 9999, Root: translog.Hash{1}}, f.Clock.Now())
	f.must(err)
	c := m.contents("XA", m.say(nil))
	c.Witnessed = [][]byte{fake}
	// spec: LOG-14
	if a, err := m.claim("XA", c, "9999"); err != nil || a.status != http.StatusOK {
		t.Errorf("%v %+v", err, a)
	}
	r := m.receipt(xa, 9999, statement.Digest{1}, nil)
	if a := m.post("XA", m.contents("XA", r)); a.Code != string(fault.NotAuthentic) || a.Clause != "RCP-1" {
		t.Errorf("%+v", a)
	}
	st, err := xa.Node.State(t.Context())
	if err != nil || !st.Ready() {
		t.Errorf("%v %+v", err, st)
	}
	said := xa.Ask(agreed, exchange.Draft{Text: "Business as usual."}, "XB")
	xa.Delivered(said.ID)
	xb.Has(said.ID)
	f.honest()
}
