package vectors

import (
	"bytes"
	"encoding/hex"
	"io"
	"log/slog"
	"maps"
	"path/filepath"
	"strings"
	"testing"

	"filippo.io/age"
	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"

	"github.com/comity-exchange/comity/agreement"
	"github.com/comity-exchange/comity/desk/instrument"
	"github.com/comity-exchange/comity/desk/intel"
	"github.com/comity-exchange/comity/desk/recall"
	"github.com/comity-exchange/comity/evidence"
	"github.com/comity-exchange/comity/fault"
	"github.com/comity-exchange/comity/internal/exchange"
	"github.com/comity-exchange/comity/internal/journal"
	"github.com/comity-exchange/comity/internal/store"
	"github.com/comity-exchange/comity/internal/store/sqlite"
	"github.com/comity-exchange/comity/ledger"
	"github.com/comity-exchange/comity/packet"
	"github.com/comity-exchange/comity/party"
	"github.com/comity-exchange/comity/statement"
	"github.com/comity-exchange/comity/thread"
	"github.com/comity-exchange/comity/translog"
)

// input is what a vector's input holds. Each family uses some of it.
type input struct {
	t     *testing.T
	files files
	raw   map[string]jsontext.Value
}

func (in input) get(name string, v any) bool {
	in.t.Helper()
	raw, have := in.raw[name]
	if !have {
		return false
	}
	if err := json.Unmarshal(raw, v); err != nil {
		in.t.Fatalf("%s: %v", name, err)
	}
	return true
}

func (in input) text(name string) text {
	in.t.Helper()
	raw, have := in.raw[name]
	if !have {
		return nil
	}
	return readText(in.t, raw, in.files)
}

func (in input) texts(name string) (list []text) {
	in.t.Helper()
	var raws []jsontext.Value
	in.get(name, &raws)
	for _, r := range raws {
		list = append(list, readText(in.t, r, in.files))
	}
	return list
}

func (in input) heads(name string) ([]*statement.Head, error) {
	var heads []*statement.Head
	for _, raw := range in.texts(name) {
		h, err := statement.ParseHead(raw)
		if err != nil {
			return nil, err
		}
		heads = append(heads, h)
	}
	return heads, nil
}

func (in input) hash(name string) translog.Hash {
	in.t.Helper()
	var s string
	in.get(name, &s)
	raw, err := hex.DecodeString(s)
	if err != nil || len(raw) != 32 {
		in.t.Fatalf("%s is no digest", name)
	}
	return translog.Hash(raw)
}

func (in input) number(name string) (n int64) { in.get(name, &n); return n }

// check lets our own packages judge a vector. What it gives beside the error is what a vector can want.
func check(t *testing.T, family string, raw jsontext.Value, f files) (object, error) {
	t.Helper()
	in := input{t: t, files: f}
	if err := json.Unmarshal(raw, &in.raw); err != nil {
		t.Fatal(err)
	}
	judges := map[string]func(input) (object, error){
		"statement": checkStatement, "body": checkBody, "letter": checkLetter, "checkpoint": checkCheckpoint, "cosignature": checkCosignature,
		"tile": checkTile, "inclusion": checkInclusion, "consistency": checkConsistency, "evidence": checkEvidence, "receipt": checkReceipt,
		"thread": checkThread, "agreement": checkAgreement, "decision": checkDecision, "verdict": checkVerdict, "ledger": checkLedger, "packet": checkPacket,
	}
	judge := judges[family]
	if judge == nil {
		t.Fatalf("nobody judges %s", family)
	}
	return judge(in)
}

func checkStatement(in input) (object, error) {
	h, err := statement.ParseHead(in.text("head"))
	if err != nil {
		return nil, err
	}
	return object{"id": h.ID}, nil
}

func checkBody(in input) (object, error) {
	h, err := statement.ParseHead(in.text("head"))
	if err != nil {
		return nil, err
	}
	b, err := statement.ParseBody(in.text("body"))
	if err != nil {
		return nil, err
	}
	return nil, b.Matches(h)
}

func checkLetter(in input) (object, error) {
	var held *party.Letter
	for _, raw := range in.texts("letters") {
		l, err := party.ParseLetter(raw)
		if err == nil && held != nil {
			err = party.Succeeds(held, l)
		}
		if err != nil {
			return nil, err
		}
		held = l
	}
	return object{"digest": held.Digest, "words": held.Words(), "origin": held.Origin}, nil
}

func (in input) letter() *party.Letter {
	in.t.Helper()
	l, err := party.ParseLetter(in.text("letter"))
	if err != nil {
		in.t.Fatal(err)
	}
	return l
}

func checkCheckpoint(in input) (object, error) {
	l := in.letter()
	cp, err := translog.OpenCheckpoint(in.text("note"), l.Origin, l.Log)
	if err != nil {
		return nil, err
	}
	// The clock is the exchange's to look at; see packet/clock-ahead.
	var now statement.Time
	if in.get("now", &now) && cp.Time.Sub(now.Std()).Seconds() > 300 {
		return nil, fault.New(fault.Clock, "LOG-10", "ahead")
	}
	return object{"origin": cp.Origin, "size": cp.Size, "root": hex.EncodeToString(cp.Root[:]), "time": cp.Time.Unix()}, nil
}

func checkCosignature(in input) (object, error) {
	w := in.letter().Witness
	c, counts := translog.Cosignatures(in.text("note"), w.Name, w.PublicKeys)
	if !counts {
		return nil, fault.New(fault.NotAuthentic, "LOG-11", "does not count")
	}
	return object{"time": c.Time.Unix()}, nil
}

func checkTile(in input) (object, error) {
	p, err := translog.ParseTileProof(in.text("line"))
	if err == nil {
		err = p.Check(in.number("size"), in.hash("root"))
	}
	if err != nil {
		return nil, err
	}
	var ids []statement.ID
	in.get("ids", &ids)
	indexes := []int64{}
	for _, id := range ids {
		i, there := p.Index(translog.LeafHash(id))
		if !there {
			return nil, fault.New(fault.NotAuthentic, "PKT-6", "not in the tile")
		}
		indexes = append(indexes, i)
	}
	return object{"indexes": indexes}, nil
}

func checkInclusion(in input) (object, error) {
	var path []string
	in.get("path", &path)
	var hashes []translog.Hash
	for _, s := range path {
		raw, err := hex.DecodeString(s)
		if err != nil {
			in.t.Fatal(err)
		}
		hashes = append(hashes, translog.Hash(raw))
	}
	leaf := translog.LeafHash(statement.ID(in.hash("id")))
	return nil, translog.CheckInclusion(hashes, in.number("size"), in.number("index"), leaf, in.hash("root"))
}

// checkConsistency does what the exchange does with a checkpoint after one that it holds.
func checkConsistency(in input) (object, error) {
	l := in.letter()
	held, err := translog.OpenCheckpoint(in.text("held"), l.Origin, l.Log)
	if err != nil {
		return nil, err
	}
	cp, err := translog.OpenCheckpoint(in.text("note"), l.Origin, l.Log)
	if err != nil {
		return nil, err
	}
	found, old, next := "newer", held, cp
	switch {
	case cp.Size == held.Size:
		return object{"found": "same"}, translog.CheckConsistency(nil, held.Size, cp.Size, held.Root, cp.Root)
	case cp.Size < held.Size:
		found, old, next = "older", cp, held
	}
	if old.Size == 0 {
		return object{"found": found}, nil
	}
	raw := in.text("consistency")
	if raw == nil {
		return nil, fault.New(fault.Parked, "LOG-8", "no proof")
	}
	from, hashes, err := translog.ParseConsistency(raw)
	if err == nil && from != old.Size {
		err = fault.New(fault.Parked, "LOG-8", "another size")
	}
	if err == nil {
		err = translog.CheckConsistency(hashes, old.Size, next.Size, old.Root, next.Root)
	}
	return object{"found": found}, err
}

func checkEvidence(in input) (object, error) {
	b, err := evidence.Parse(in.text("bundle"))
	if err != nil {
		return nil, err
	}
	var given []*party.Letter
	for _, raw := range in.texts("letters") {
		l, err := party.ParseLetter(raw)
		if err != nil {
			return nil, err
		}
		given = append(given, l)
	}
	items := []object{}
	for _, i := range evidence.Verify(b, given).Items {
		if i.Verdict != evidence.Proven {
			items = append(items, object{"verdict": i.Verdict, "clause": i.Why.Clause})
			continue
		}
		witnessed, arrived := []object{}, []object{}
		for _, w := range i.Witnessed {
			witnessed = append(witnessed, object{"party": w.Party, "time": w.Time.Std().Unix()})
		}
		for _, a := range i.Arrived {
			arrived = append(arrived, object{"party": a.Party, "time": a.Time, "head": a.Head, "body": a.Body, "blobs": a.Blobs})
		}
		items = append(items, object{"verdict": i.Verdict, "id": i.ID, "origin": i.Origin, "index": i.Index, "witnessed": witnessed, "arrived": arrived})
	}
	return object{"items": items}, nil
}

// checkReceipt asks the ledger, which alone joins receipts: when had a request of XA arrived whole at XB? It is put as an answer that XB waits for.
func checkReceipt(in input) (object, error) {
	receipts, err := in.heads("receipts")
	if err != nil {
		return nil, err
	}
	var origin party.Origin
	var body struct {
		Blobs int `json:"blobs"`
	}
	in.get("origin", &origin)
	whole := in.get("body", &body)
	// XB asks, XA grants at the index that the vector is about; what matters is when the grant had arrived.
	b := &book{t: in.t, logs: map[party.Code][]*statement.Head{}}
	k := b.request(0, "XB", []party.Code{"XA"})
	edits := []edit{}
	if whole {
		edits = append(edits, func(h *statement.Head) {
			h.Body = &statement.BodyRef{SHA256: statement.Digest{1}, Size: 2, Blobs: body.Blobs}
		})
	}
	answer := k.say("XA", "assist.grant", object{"extent": "full"}, edits...)
	l, err := ledger.Compute(rules(in.t), ledger.Input{
		A: "XA", B: "XB", From: after(0), To: after(1 << 40), SizeA: 1, SizeB: 1, Threads: [][]*statement.Head{k.heads}, Receipts: receipts,
		Place: func(id statement.ID) (party.Origin, int64, bool) { return origin, in.number("index"), id == answer.ID },
	})
	if err != nil {
		return nil, err
	}
	return object{"arrived_at": l.Entries[0].AnswerArrivedAt.String()}, nil
}

func checkThread(in input) (object, error) {
	heads, err := in.heads("heads")
	if err != nil {
		return nil, err
	}
	var places []struct {
		Origin party.Origin `json:"origin"`
		Index  int64        `json:"index"`
	}
	if in.get("places", &places) {
		for i, p := range places {
			heads[i].Place = statement.Place{Origin: p.Origin, Index: p.Index}
		}
	}
	r := rules(in.t)
	var orders [][]int
	in.get("orders", &orders)
	f, err := r.Fold(heads)
	if err != nil {
		return nil, err
	}
	want := fold(in.t, r, f)
	for _, o := range orders {
		var mixed []*statement.Head
		for _, i := range o {
			mixed = append(mixed, heads[i])
		}
		f, err := r.Fold(mixed)
		if err != nil {
			return nil, err
		}
		if got := fold(in.t, r, f); !bytes.Equal(toValue(in.t, got), toValue(in.t, want)) {
			in.t.Errorf("the order of arrival changed the state: %v, %v", got, want)
		}
	}
	return want, nil
}

// fold puts a fold into the words of a vector.
func fold(t *testing.T, r *thread.Rules, f thread.Folded) object {
	t.Helper()
	order, void := []statement.ID{}, map[string]thread.Reason{}
	for _, p := range f.Placed {
		if p.Void != thread.NotAParticipant && p.Void != thread.WrongRecipients { // these have no place
			order = append(order, p.ID)
		}
		if p.Void != "" {
			void[p.ID.String()] = p.Void
		}
	}
	o := object{"order": order, "void": void, "waiting": append([]statement.ID{}, f.Waiting...), "missing": append([]statement.ID{}, f.Missing...)}
	switch {
	case f.State.Desk == nil:
	case f.State.Kind == instrument.Kind:
		v, err := instrument.Progress(f.State)
		if err != nil {
			t.Fatal(err)
		}
		table, signed, inForce, basis := []statement.Digest{}, map[party.Code]statement.Time{}, map[party.Code]statement.Time{}, []statement.ID{}
		for _, d := range v.Table {
			table = append(table, d.Digest)
		}
		for code, c := range v.Consents {
			signed[code] = c.Signed
		}
		if s, ok := instrument.Standing(f.State); ok {
			maps.Copy(inForce, s.Versions[len(s.Versions)-1].From)
		}
		basis = append(basis, v.Basis...)
		o["state"] = object{"stage": v.Stage, "digest": v.Draft.Digest, "table": table, "signed": signed, "in_force": inForce, "basis": basis}
	case f.State.Kind == recall.Kind:
		got, _ := recall.Read(f.State)
		state := map[party.Code][]recall.Outcome{}
		for _, l := range got.Lines {
			state[l.Party] = append(state[l.Party], l.Outcome)
		}
		o["state"] = state
	case f.State.Kind == intel.Kind:
		o["state"] = told(f.State)
	default:
		state := object{}
		for _, a := range r.Summary(f.State).Asks {
			state[string(a.Asked)] = a.Outcome
		}
		o["state"] = state
	}
	return o
}

func checkAgreement(in input) (object, error) {
	d, err := agreement.Parse(in.text("document"))
	if err != nil {
		return nil, err
	}
	_, err = agreement.Compile(d)
	return object{"digest": d.Digest}, err
}

// checkDecision does what the exchange does, with a making that is given instead of stored.
func checkDecision(in input) (object, error) {
	h, err := statement.ParseHead(in.text("head"))
	if err != nil {
		return nil, err
	}
	q, err := agreement.Ask(h)
	if err != nil {
		return nil, err
	}
	p := agreement.Charter()
	if !agreement.ByCharter(h) {
		if p, err = relied(in, h, &q); err != nil {
			return nil, err
		}
	}
	v := p.Decide(q)
	got := object{"articles": append([]string{}, v.Articles...)}
	if !v.Permitted {
		return got, fault.New(fault.Denied, v.Clause, "%s", v.Reason)
	}
	return got, nil
}

// relied gives the policy of the agreement that h names, as made by the heads that it names.
func relied(in input, h *statement.Head, q *agreement.Question) (*agreement.Policy, error) {
	making, err := in.heads("making")
	if err != nil {
		return nil, err
	}
	d, err := agreement.Parse(in.text("document"))
	if err != nil {
		return nil, err
	}
	deny := func(why string) error { return fault.New(fault.Denied, "DEC-2", "%s", why) }
	r := rules(in.t)
	part := r.Ancestry(making, h.Agreement.At)
	if len(part) == 0 {
		return nil, deny("the making is not known")
	}
	f, err := r.Fold(part)
	if err != nil || len(f.Waiting) > 0 {
		return nil, deny("the making is not known")
	}
	standing, ok := instrument.Standing(f.State)
	if !ok {
		return nil, deny("not in force")
	}
	var v *agreement.Version
	for _, to := range h.To {
		if v, _ = standing.Binds(h.Time, h.From, to); v == nil || v.Digest != h.Agreement.Digest {
			return nil, deny("the text does not bind them")
		}
	}
	if terms := d.Terms(); !terms.Equal(&v.Terms) {
		return nil, deny("another text")
	}
	q.Under(v)
	return agreement.Compile(d)
}

func checkLedger(in input) (object, error) {
	l := ledger.Input{}
	var parties [2]party.Code
	var origins [2]party.Origin
	var logs [2][]string
	in.get("parties", &parties)
	in.get("origins", &origins)
	in.get("from", &l.From)
	in.get("to", &l.To)
	in.get("logs", &logs)
	l.A, l.B, l.SizeA, l.SizeB = parties[0], parties[1], int64(len(logs[0])), int64(len(logs[1]))
	type place struct {
		origin party.Origin
		index  int64
	}
	places := map[statement.ID]place{}
	threads := map[statement.ID][]*statement.Head{}
	for side, log := range logs {
		for i, raw := range log {
			h, err := statement.ParseHead([]byte(raw))
			if err != nil {
				return nil, err
			}
			h.Place = statement.Place{Origin: origins[side], Index: int64(i)}
			places[h.ID] = place{origins[side], int64(i)}
			if h.Kind == thread.KindDelivered {
				l.Receipts = append(l.Receipts, h)
			} else {
				threads[h.ThreadID()] = append(threads[h.ThreadID()], h)
			}
		}
	}
	for _, heads := range threads {
		l.Threads = append(l.Threads, heads)
	}
	l.Place = func(id statement.ID) (party.Origin, int64, bool) {
		p, known := places[id]
		return p.origin, p.index, known
	}
	done, err := ledger.Compute(rules(in.t), l)
	if err != nil {
		return nil, err
	}
	return object{"digest": done.Digest(), "ledger": string(done.Marshal())}, nil
}

// checkPacket lets a real exchange of the receiver, with a store of its own, take the packets one after the other.
func checkPacket(in input) (object, error) {
	t := in.t
	var names []string
	var now statement.Time
	var erased statement.ID
	var secret string
	in.get("packets", &names)
	in.get("now", &now)
	in.get("identity", &secret)
	erases := in.get("erased", &erased)
	x := receiver(t, in.letter(), secret, now)
	seen := []statement.ID{}
	refused, dropped, blobs := object{}, []statement.ID{}, object{}
	for i, name := range names {
		if i > 0 && erases {
			err := x.Update(t.Context(), func(tx store.Tx) error { return tx.Erase(store.ContentRef{Statement: erased, Part: store.BodyPart}) })
			if err != nil {
				t.Fatal(err)
			}
		}
		raw := in.files[name]
		if strings.HasSuffix(name, ".zst") {
			raw = seal(t, raw, "XB")
		}
		got, err := x.Receive(t.Context(), "", bytes.NewReader(raw))
		if err != nil {
			return nil, err
		}
		seen, dropped = append(seen, got.New...), append(dropped, got.Dropped...)
		for id, clause := range got.Refused {
			refused[id.String()] = clause
		}
		for sum, here := range got.Blobs {
			blobs[sum.String()] = here
		}
	}
	return object{"new": seen, "refused": refused, "dropped": dropped, "blobs": blobs}, nil
}

func receiver(t *testing.T, author *party.Letter, secret string, now statement.Time) *exchange.Exchange {
	t.Helper()
	must := func(err error) {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
	}
	dir := t.TempDir()
	db, err := sqlite.Open(t.Context(), filepath.Join(dir, "store"))
	must(err)
	t.Cleanup(func() { must(db.Close()) })
	self := newNode(t, "XB")
	id, err := age.ParseHybridIdentity(secret)
	must(err)
	j := journal.New(self.origin, self.keys, journal.NewMark(filepath.Join(dir, "mark"), self.origin))
	must(j.Check(t.Context(), db))
	x := exchange.New(exchange.Options{
		Self: self.code, Store: db, Journal: j, Rules: rules(t), Identity: id, Codec: packet.NewCodec(),
		Witness: journal.Witness{Name: self.letter.Witness.Name, Signer: self.keys}, Charter: agreement.Charter(), Standing: instrument.Standing,
		Now: now.Std, Random: zeros{}, Log: slog.New(slog.DiscardHandler),
	})
	t.Cleanup(x.Close)
	must(x.Update(t.Context(), func(tx store.Tx) error {
		for _, l := range []*party.Letter{self.letter, author} {
			err := tx.PutLetter(store.Letter{Code: l.Code, Serial: int(l.Serial), Digest: l.Digest, Raw: l.Raw, Status: store.LetterConfirmed, ConfirmedAt: now})
			if err != nil {
				return err
			}
		}
		return nil
	}))
	return x
}

// zeros stand for randomness: what XB says in answer is not looked at.
type zeros struct{}

func (zeros) Read(p []byte) (int, error) { clear(p); return len(p), nil }

var _ io.Reader = zeros{}
