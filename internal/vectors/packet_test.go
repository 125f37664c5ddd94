package vectors

import (
	"archive/tar"
	"bytes"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"filippo.io/age"
	"github.com/klauspost/compress/zstd"

	"github.com/comity-exchange/comity/packet"
	"github.com/comity-exchange/comity/party"
	"github.com/comity-exchange/comity/statement"
	"github.com/comity-exchange/comity/translog"
)

// pack gives zstd(tar) as our codec makes it: what is inside the seal.
func pack(t *testing.T, c *packet.Contents) []byte {
	t.Helper()
	var sealed bytes.Buffer
	if err := packet.NewCodec().Seal(&sealed, sealOf(t, "XB"), c); err != nil {
		t.Fatal(err)
	}
	return unseal(t, sealed.Bytes(), identityXB)
}

func unseal(t *testing.T, sealed []byte, secret string) []byte {
	t.Helper()
	id, err := age.ParseHybridIdentity(secret)
	if err != nil {
		t.Fatal(err)
	}
	r, err := age.Decrypt(bytes.NewReader(sealed), id)
	if err != nil {
		t.Fatal(err)
	}
	plain, err := io.ReadAll(r)
	if err != nil {
		t.Fatal(err)
	}
	return plain
}

func seal(t *testing.T, plain []byte, code party.Code) []byte {
	t.Helper()
	to, err := age.ParseHybridRecipient(sealOf(t, code))
	if err != nil {
		t.Fatal(err)
	}
	var out bytes.Buffer
	w, err := age.Encrypt(&out, to)
	if err == nil {
		_, err = w.Write(plain)
	}
	if err == nil {
		err = w.Close()
	}
	if err != nil {
		t.Fatal(err)
	}
	return out.Bytes()
}

// sealedFile seals anew only where the committed file does not hold these bytes: each sealing differs.
func sealedFile(t *testing.T, name string, plain []byte, code party.Code, secret string) []byte {
	t.Helper()
	if have, err := os.ReadFile(filepath.Join(folder, name)); err == nil && bytes.Equal(unseal(t, have, secret), plain) {
		return have
	}
	return seal(t, plain, code)
}

func compress(t *testing.T, raw []byte) []byte {
	t.Helper()
	w, err := zstd.NewWriter(nil, zstd.WithEncoderConcurrency(1), zstd.WithWindowSize(1<<20))
	if err != nil {
		t.Fatal(err)
	}
	return w.EncodeAll(raw, nil)
}

// archive writes members as package archive/tar does, for tars that our codec does not make.
func archive(t *testing.T, format tar.Format, change func(*tar.Header), members ...[2]string) []byte {
	t.Helper()
	var out bytes.Buffer
	w := tar.NewWriter(&out)
	for _, m := range members {
		h := &tar.Header{Name: m[0], Size: int64(len(m[1])), Mode: 0o644, Typeflag: tar.TypeReg, Format: format}
		change(h)
		if err := w.WriteHeader(h); err != nil {
			t.Fatal(err)
		}
		if h.Typeflag == tar.TypeReg {
			if _, err := w.Write([]byte(m[1])); err != nil {
				t.Fatal(err)
			}
		}
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	return out.Bytes()
}

// contents are the heads of n from index lo to below hi, proven at a size, with their bodies.
func (n *node) contents(lo, hi int64, size int64, checkpoint []byte) *packet.Contents {
	n.t.Helper()
	c := &packet.Contents{Checkpoint: checkpoint}
	for i := lo; i < hi; i++ {
		c.Heads = append(c.Heads, n.heads[i].Raw)
		if b := n.bodies[n.heads[i].ID]; b != nil {
			c.Bodies = append(c.Bodies, b)
		}
	}
	if hi > lo {
		p, err := translog.ProveTile(size, 0, n)
		if err != nil {
			n.t.Fatal(err)
		}
		c.Tiles = [][]byte{p.MarshalLine()}
	}
	return c
}

// offer is a head that the charter lets pass, with a body.
func (n *node) offer(edits ...edit) *statement.Head {
	n.t.Helper()
	b := bodyOf(n.t, "offer "+strings.Repeat("I", len(n.heads)+1))
	h := n.say("instrument.deposit", terms(0, object{"digest": statement.Sum(b.Raw)}), append([]edit{to("XB"), with(b)}, edits...)...)
	n.bodies[h.ID] = b.Raw
	return h
}

// packets are tried in the order of a receiver's day: those of "packets" one after the other, at XB, whose clock shows "now".
func packets(t *testing.T, f files) []vector {
	var v []vector
	xa := newNode(t, "XA")
	for range 4 {
		xa.offer()
	}
	fork := newNode(t, "XA")
	fork.log(xa.heads[0])
	for range 3 {
		fork.say("instrument.deposit", terms(1, nil), to("XB"))
	}
	proof := func(c *packet.Contents, from, to int64) *packet.Contents {
		hashes, err := translog.Consistency(from, to, xa)
		if err != nil {
			t.Fatal(err)
		}
		c.Consistency = translog.FormatConsistency(from, hashes)
		return c
	}
	files := func(names ...string) object {
		list := []string{}
		for _, n := range names {
			list = append(list, "packets/"+n)
		}
		return object{"packets": list, "letter": inFile("letters/XA.jsonl"), "receiver": "XB", "identity": identityXB, "now": after(2 * time.Minute)}
	}
	put := func(name string, plain []byte) string {
		f["packets/"+name] = plain
		return name
	}
	plain := func(name string, c *packet.Contents) string { return put(name+".tar.zst", pack(t, c)) }
	add := func(name, about string, clauses []string, in, want object) {
		v = append(v, vector{name, about, clauses, in, want})
	}
	two := plain("two", xa.contents(0, 2, 2, xa.checkpoint(2)))
	good := f["packets/"+two]
	sealed := put("two.age", sealedFile(t, "packets/two.age", good, "XB", identityXB))
	other := put("to-xc.age", sealedFile(t, "packets/to-xc.age", good, "XC", identityXC))
	cut := put("cut.age", f["packets/"+sealed][:len(f["packets/"+sealed])-100])
	four := proof(xa.contents(2, 4, 4, xa.checkpoint(4)), 2, 4)

	add("sealed", "two heads with bodies, as they travel", []string{"PKT-1", "PKT-2", "PKT-5", "PKT-6", "PKT-7"}, files(sealed), ok())
	add("plain", "the same without the seal, for programs that cannot open it", []string{"PKT-2", "PKT-6"}, files(two), ok())
	add("grown", "and two more, with a proof from the first checkpoint", []string{"LOG-8"}, files(two, plain("four", four)), ok())
	add("repeated", "harmless", []string{"RCP-2", "NET-4"}, files(two, two), ok())
	add("overtaken", "the older packet comes last, with the proof the other way: its heads are taken", []string{"LOG-8"},
		files(plain("late-four", xa.contents(2, 4, 4, xa.checkpoint(4))), plain("two-to-four", proof(xa.contents(0, 2, 2, xa.checkpoint(2)), 2, 4))), ok())
	add("wrong-recipient", "sealed to XC", []string{"PKT-1"}, files(other), no("PKT-1"))
	add("cut-short-sealed", "the end is missing", []string{"PKT-1"}, files(cut), no("PKT-1"))
	add("cut-short", "a frame without its end", []string{"PKT-1"}, files(put("cut.tar.zst", good[:len(good)-20])), no("PKT-1"))
	add("something-follows", "behind the frame", []string{"PKT-1"}, files(put("followed.tar.zst", append(bytes.Clone(good), good[:4]...))), no("PKT-1"))

	third := newNode(t, "XA")
	third.offer(to("XC"))
	add("re-sealed", "what XA said to XC, sealed again to XB", []string{"PKT-7"}, files(plain("to-third", third.contents(0, 1, 1, third.checkpoint(1)))), no("PKT-7"))
	never := xa.contents(0, 2, 2, xa.checkpoint(2))
	never.Heads[1] = xa.heads[2].Raw
	never.Bodies = never.Bodies[:1]
	add("not-in-the-log", "a head that the checkpoint does not cover", []string{"PKT-6"}, files(plain("not-logged", never)), no("PKT-6"))
	stolen := newNode(t, "XA")
	stolen.log(newNode(t, "XC").offer())
	add("wrong-author", "XC's head in XA's log", []string{"PKT-7"}, files(plain("stolen", stolen.contents(0, 1, 1, stolen.checkpoint(1)))), no("PKT-7"))
	tile := xa.contents(0, 2, 2, xa.checkpoint(2))
	tile.Tiles = fork.contents(0, 2, 2, nil).Tiles
	add("other-tile", "a tile that does not fold to the root", []string{"PKT-5"}, files(plain("other-tile", tile)), no("PKT-5"))
	text, sigs := lines(xa.checkpoint(2))
	add("one-signature", "a checkpoint with Ed25519 alone", []string{"LOG-4"}, files(plain("one-signature", xa.contents(0, 2, 2, []byte(text+sigs[0])))), no("LOG-4"))
	add("no-proof", "parked: nothing leads from what was accepted", []string{"LOG-8"}, files(two, plain("no-proof", xa.contents(0, 0, 4, xa.checkpoint(4)))), no("LOG-8"))
	add("tile-for-a-proof", "the tile has the last leaf of what was accepted, and so leads from there", []string{"LOG-8", "PKT-5"},
		files(two, plain("tile", xa.contents(2, 4, 4, xa.checkpoint(4)))), ok())
	add("tile-of-two-views", "the tile shows another beginning: parked", []string{"LOG-8"}, files(two, plain("two-views", fork.contents(2, 4, 4, fork.checkpoint(4)))), no("LOG-8"))
	long := grown(t, 600)
	long.offer()
	bridge, err := translog.ProveTile(601, 2, long)
	if err != nil {
		t.Fatal(err)
	}
	bridged := long.contents(600, 601, 601, long.checkpoint(601))
	bridged.Tiles = [][]byte{bridge.MarshalLine()}
	add("tile-for-a-proof-third", "the same with a path above the tile", []string{"LOG-8", "PKT-5"},
		files(plain("long-520", long.contents(0, 0, 520, long.checkpoint(520))), plain("long", bridged)), ok())
	add("forked-log", "the same size with another root", []string{"LOG-9"}, files(two, plain("fork", fork.contents(1, 2, 2, fork.checkpoint(2)))), no("LOG-9"))
	ahead := xa.contents(0, 2, 2, xa.signTree(xa.tree(2), 7*time.Minute+time.Second))
	add("clock-ahead", "the log's clock is 301 s ahead of XB's", []string{"LOG-10"}, files(plain("ahead", ahead)), no("LOG-10"))
	homeless := xa.contents(0, 1, 2, xa.checkpoint(2))
	homeless.Bodies = append(homeless.Bodies, bodyOf(t, "whose?").Raw)
	add("body-of-no-head", "belongs to nothing", []string{"PKT-8"}, files(plain("homeless", homeless)), no("PKT-8"))
	withheld, late := xa.contents(0, 2, 2, xa.checkpoint(2)), xa.contents(0, 0, 2, xa.checkpoint(2))
	late.Bodies, withheld.Bodies = withheld.Bodies, nil
	bare := plain("withheld", withheld)
	add("body-after-its-head", "a body travels with its head, not behind it", []string{"PKT-8"}, files(bare, plain("late-bodies", late)), no("PKT-8"))
	add("body-with-its-head-again", "the head came without it, and comes again with it", []string{"PKT-8"}, files(bare, two), ok())

	falls := newNode(t, "XA")
	falls.offer(at(61 * time.Second))
	falls.offer(at(1 * time.Second))
	falls.offer(at(0))
	add("time-falls", "by 60 s it may, by 61 s it is refused: stored, and without its body", []string{"LOG-7"}, files(plain("falls", falls.contents(0, 3, 3, falls.checkpoint(3)))), ok())
	off := newNode(t, "XA")
	off.offer(at(2 * time.Minute))
	off.offer(at(2*time.Minute + time.Millisecond))
	add("time-off", "60 s after the checkpoint that covers it, and a millisecond more", []string{"LOG-7"}, files(plain("off", off.contents(0, 2, 2, off.checkpoint(2)))), ok())
	unknown := newNode(t, "XA")
	unknown.say("weather.report", object{"wind": 3}, to("XB"))
	add("unknown-kind", "stored, receipted, refused", []string{"STM-8"}, files(plain("unknown", unknown.contents(0, 1, 1, unknown.checkpoint(1)))), ok())
	wrong := newNode(t, "XA")
	b := bodyOf(t, "one byte more than the head says")
	h := wrong.say("instrument.deposit", terms(1, nil), to("XB"), with(b), func(h *statement.Head) { h.Body.Size-- })
	wrong.bodies[h.ID] = b.Raw
	add("body-of-another-size", "the head stands, the body is dropped", []string{"STM-3"}, files(plain("wrong-size", wrong.contents(0, 1, 1, wrong.checkpoint(1)))), ok())
	erased := files(two, two)
	erased["erased"] = xa.heads[0].ID
	add("erased-comes-back", "XB erased a body between the two: the copy is dropped", []string{"STM-7"}, erased, ok())

	blob := []byte("a,b\n1,2\n")
	blobs := func(name, about string, parts ...packet.BlobPart) {
		n := newNode(t, "XA")
		b := bodyOf(t, "with a list", statement.Blob{Name: "list.csv", Type: "text/csv", Size: int64(len(blob)), SHA256: statement.Sum(blob)})
		h := n.say("instrument.deposit", terms(1, nil), to("XB"), with(b))
		n.bodies[h.ID] = b.Raw
		c := n.contents(0, 1, 1, n.checkpoint(1))
		c.Blobs = parts
		add(name, about, []string{"PKT-8"}, files(plain(name, c)), ok())
	}
	part := func(from, to int, of []byte) packet.BlobPart {
		return packet.BlobPart{SHA256: statement.Sum(blob), Offset: int64(from), Size: int64(to - from), Data: bytes.NewReader(of[from:to])}
	}
	blobs("blob-whole", "counts as arrived when the whole has its digest", part(0, 8, blob))
	blobs("blob-half", "not yet", part(0, 4, blob))
	blobs("blob-of-other-bytes", "never", part(0, 8, []byte("a,b\n1,3\n")))

	member := func(name, content string) [2]string { return [2]string{name, content} }
	note := string(xa.checkpoint(2))
	broken := func(name, about, clause string, tarred []byte) {
		add(name, about, []string{clause}, files(put(name+".tar.zst", compress(t, tarred))), no(clause))
	}
	keep := func(*tar.Header) {}
	broken("unknown-member", "a member that is not defined", "PKT-4", archive(t, tar.FormatUSTAR, keep, member("checkpoint", note), member("notes", "x\n")))
	broken("wrong-order", "heads before the checkpoint", "PKT-2", archive(t, tar.FormatUSTAR, keep, member("heads.jsonl", string(xa.heads[0].Raw)+"\n"), member("checkpoint", note)))
	broken("twice", "a member is there twice", "PKT-2", archive(t, tar.FormatUSTAR, keep, member("checkpoint", note), member("checkpoint", note)))
	broken("dot-slash", "one spelling of a name", "PKT-4", archive(t, tar.FormatUSTAR, keep, member("./checkpoint", note)))
	broken("link", "members are files", "PKT-4", archive(t, tar.FormatUSTAR, func(h *tar.Header) { h.Typeflag, h.Size, h.Linkname = tar.TypeSymlink, 0, "/etc/passwd" }, member("checkpoint", "")))
	broken("extended-header", "no pax", "PKT-4", archive(t, tar.FormatPAX, func(h *tar.Header) { h.PAXRecords = map[string]string{"COMITY.x": "y"} }, member("checkpoint", note)))
	broken("no-end", "cut short inside the frame", "PKT-1", archive(t, tar.FormatUSTAR, keep, member("checkpoint", note))[:512+len(note)])
	broken("zip-bomb", "64 MiB of zeros behind a small frame", "PKT-3", append(archive(t, tar.FormatUSTAR, keep, member("checkpoint", note)), make([]byte, 64<<20)...))
	huge := repeatedLines(string(xa.heads[0].Raw)+"\n", 4097)
	broken("too-many-heads", "4,097", "PKT-3", archive(t, tar.FormatUSTAR, keep, member("checkpoint", note), member("heads.jsonl", huge)))
	return v
}

func repeatedLines(line string, n int) string { return strings.Repeat(line, n) }
