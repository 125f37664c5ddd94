package packet

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"reflect"
	"strings"
	"sync"
	"testing"
	"testing/iotest"

	"filippo.io/age"
	"pgregory.net/rapid"

	"github.com/comity-exchange/comity/fault"
	"github.com/comity-exchange/comity/statement"
)

// taken keeps what a handler was given, in the order in which it came.
type taken struct {
	Contents
	fronts int
	data   [][]byte // of Blobs
}

func (t *taken) Front(c *Contents) error {
	if len(t.Bodies)+len(t.Blobs) > 0 {
		return errors.New("bodies or blobs before the front")
	}
	t.fronts++
	t.Contents = *c
	return nil
}

func (t *taken) Body(raw []byte) error {
	t.Bodies = append(t.Bodies, bytes.Clone(raw))
	return nil
}

func (t *taken) Blob(sha statement.Digest, offset int64, r io.Reader) error {
	data, err := io.ReadAll(r)
	if err != nil {
		return fmt.Errorf("a handler's own words: %w", err)
	}
	t.Blobs = append(t.Blobs, BlobPart{SHA256: sha, Offset: offset, Size: int64(len(data))})
	t.data = append(t.data, data)
	return nil
}

// keyPair is shared by tests: making one costs more than most of them.
var keyPair = sync.OnceValue(func() *age.HybridIdentity {
	id, err := age.GenerateHybridIdentity()
	if err != nil {
		panic(err)
	}
	return id
})

func recipient() string { return keyPair().Recipient().String() }

// sample is a packet with something of everything.
func sample() *Contents {
	blob := bytes.Repeat([]byte("disk image "), 7000)
	return &Contents{
		Checkpoint:  []byte("XA/1\n2\nroot\n\n— XA/1 signature\n"),
		Consistency: []byte("1\nhash\n"),
		Heads:       [][]byte{[]byte(`{"v":1,"a":1}`), []byte(`{"v":1,"a":2}`)},
		Tiles:       [][]byte{[]byte(`{"n":0,"hashes":"","path":[]}`)},
		Witnessed:   [][]byte{[]byte("XB/1\n7\n\"root\"\n\n— XB/1 sig\n")},
		Want:        []statement.ID{statement.IDOf([]byte("1")), statement.IDOf([]byte("2"))},
		Bodies:      [][]byte{[]byte(`{"text":"é"}`), bytes.Repeat([]byte("b"), statement.MaxBody), []byte("c")},
		Blobs: []BlobPart{
			{SHA256: statement.Sum(blob), Size: 70000, Data: bytes.NewReader(blob)},
			{SHA256: statement.Sum(blob), Offset: 70000, Size: 7000, Data: bytes.NewReader(blob[70000:])},
			{SHA256: statement.Sum(nil)},
		},
	}
}

func mustSeal(t testing.TB, c *Contents) []byte {
	t.Helper()
	var out bytes.Buffer
	if err := NewCodec().Seal(&out, recipient(), c); err != nil {
		t.Fatal(err)
	}
	return out.Bytes()
}

// wantFault checks code and clause, and that the shown message is fit to be shown.
func wantFault(t testing.TB, err error, code fault.Code, clause string) {
	t.Helper()
	if fault.CodeOf(err) != code || fault.ClauseOf(err) != clause {
		t.Fatalf("got %q %q (%v), want %q %q", fault.CodeOf(err), fault.ClauseOf(err), err, code, clause)
	}
}

func TestRoundTrip(t *testing.T) {
	t.Parallel()
	// spec: PKT-1, PKT-2
	c := sample()
	sealed := mustSeal(t, c)
	for name, r := range map[string]io.Reader{
		"whole":     bytes.NewReader(sealed),
		"one byte":  iotest.OneByteReader(bytes.NewReader(sealed)),
		"data, EOF": iotest.DataErrReader(bytes.NewReader(sealed)),
	} {
		var got taken
		if err := NewCodec().Open(r, keyPair(), &got); err != nil {
			t.Fatal(name, err)
		}
		want := *sample()
		data := bytes.Repeat([]byte("disk image "), 7000)
		if !reflect.DeepEqual(got.data, [][]byte{data[:70000], data[70000:], {}}) {
			t.Fatal(name, "the blobs differ")
		}
		for i := range want.Blobs {
			want.Blobs[i].Data = nil
		}
		if !reflect.DeepEqual(got.Contents, want) {
			t.Fatalf("%s: got\n%+v\nwant\n%+v", name, got.Contents, want)
		}
	}
}

func TestSealIsDeterministicBeforeAge(t *testing.T) {
	t.Parallel()
	a, b := packTar(t, sample()), packTar(t, sample())
	if !bytes.Equal(a, b) {
		t.Fatal("two tars of the same contents differ")
	}
	if size, err := sample().Size(); err != nil || size != int64(len(a)) {
		t.Fatalf("Size says %d, %v; the tar has %d bytes", size, err, len(a))
	}
}

func packTar(t testing.TB, c *Contents) []byte {
	t.Helper()
	sections, _, err := plan(c)
	if err != nil {
		t.Fatal(err)
	}
	s, err := newSealer()
	if err != nil {
		t.Fatal(err)
	}
	var out bytes.Buffer
	if err := s.pack(&out, sections); err != nil {
		t.Fatal(err)
	}
	return out.Bytes()
}

func TestInspect(t *testing.T) {
	t.Parallel()
	got, err := NewCodec().Inspect(bytes.NewReader(mustSeal(t, sample())), keyPair())
	if err != nil {
		t.Fatal(err)
	}
	blob := "blobs/" + statement.Sum(bytes.Repeat([]byte("disk image "), 7000)).String()
	want := []Member{
		{"checkpoint", 32, 0}, {"consistency", 7, 0}, {"heads.jsonl", 28, 2}, {"tiles", 30, 1}, {"witnessed.jsonl", 47, 1}, {"want", 130, 2},
		{"bodies.jsonl", 1048593, 3}, {blob, 70000, 0}, {blob + "@70000", 7000, 0}, {"blobs/" + statement.Sum(nil).String(), 0, 0},
	}
	if !reflect.DeepEqual(got, want) {
		t.Fatalf("got %+v", got)
	}
	z := compress(t, ended(file("checkpoint", "c"), file("letters", "l")))
	got, err = NewCodec().Inspect(bytes.NewReader(ageFile(t, z, keyPair().Recipient())), keyPair())
	wantFault(t, err, fault.Malformed, "PKT-4")
	if !reflect.DeepEqual(got, []Member{{"checkpoint", 1, 0}}) {
		t.Fatalf("got %+v", got)
	}
}

// Any contents within the bounds come back as they were, through one Codec from many goroutines.
func TestRoundTripProperty(t *testing.T) {
	t.Parallel()
	codec := NewCodec()
	line := rapid.Custom(func(t *rapid.T) []byte {
		b := rapid.SliceOfN(rapid.Byte(), 1, 300).Draw(t, "line")
		return bytes.ReplaceAll(b, []byte("\n"), []byte("."))
	})
	for range 3 {
		t.Run("", func(t *testing.T) {
			t.Parallel()
			rapid.Check(t, func(t *rapid.T) {
				c := &Contents{
					Checkpoint:  rapid.SliceOfN(rapid.Byte(), 1, 600).Draw(t, "checkpoint"),
					Consistency: rapid.SliceOfN(rapid.Byte(), 0, 600).Draw(t, "consistency"),
					Heads:       rapid.SliceOfN(line, 0, 9).Draw(t, "heads"),
					Tiles:       rapid.SliceOfN(line, 0, 9).Draw(t, "tiles"),
					Bodies:      rapid.SliceOfN(line, 0, 9).Draw(t, "bodies"),
				}
				for _, s := range rapid.SliceOfN(rapid.StringN(1, 80, -1), 0, 4).Draw(t, "witnessed") {
					c.Witnessed = append(c.Witnessed, []byte(s))
				}
				var parts [][]byte
				for i, data := range rapid.SliceOfN(rapid.SliceOfN(rapid.Byte(), 0, 2000), 0, 4).Draw(t, "blobs") {
					parts = append(parts, data)
					c.Blobs = append(c.Blobs, BlobPart{SHA256: statement.Sum(data), Offset: int64(i), Size: int64(len(data)), Data: bytes.NewReader(data)})
				}
				var out bytes.Buffer
				if err := codec.Seal(&out, recipient(), c); err != nil {
					t.Fatal(err)
				}
				var got taken
				if err := codec.Open(&out, keyPair(), &got); err != nil {
					t.Fatal(err)
				}
				if !equal(&got, c, parts) {
					t.Fatalf("got %+v, want %+v", got, c)
				}
			})
		})
	}
}

func equal(got *taken, want *Contents, parts [][]byte) bool {
	same := func(a, b [][]byte) bool {
		return len(a) == len(b) && bytes.Equal(bytes.Join(a, []byte("\n")), bytes.Join(b, []byte("\n")))
	}
	if len(got.Blobs) != len(want.Blobs) {
		return false
	}
	for i, b := range got.Blobs {
		if b.SHA256 != want.Blobs[i].SHA256 || b.Offset != want.Blobs[i].Offset || !bytes.Equal(got.data[i], parts[i]) {
			return false
		}
	}
	return got.fronts == 1 && bytes.Equal(got.Checkpoint, want.Checkpoint) && bytes.Equal(got.Consistency, want.Consistency) &&
		same(got.Heads, want.Heads) && same(got.Tiles, want.Tiles) && same(got.Witnessed, want.Witnessed) && same(got.Bodies, want.Bodies)
}

func TestSealRefuses(t *testing.T) {
	t.Parallel()
	// spec: PKT-1, PKT-2, PKT-3
	classic, err := age.GenerateX25519Identity()
	if err != nil {
		t.Fatal(err)
	}
	lines := func(n int) [][]byte {
		out := make([][]byte, n)
		for i := range out {
			out[i] = []byte("x")
		}
		return out
	}
	blob := func(n, offset int64) BlobPart {
		return BlobPart{SHA256: statement.Sum(nil), Offset: offset, Size: n, Data: zeros{}}
	}
	cp := []byte("c")
	for _, c := range []struct {
		name   string
		to     string
		c      Contents
		code   fault.Code
		clause string
	}{
		{"classic recipient", classic.Recipient().String(), Contents{Checkpoint: cp}, fault.Malformed, "PKT-1"},
		{"no recipient", "-", Contents{Checkpoint: cp}, fault.Malformed, "PKT-1"},
		{"no checkpoint", "", Contents{}, fault.Malformed, "PKT-2"},
		{"long checkpoint", "", Contents{Checkpoint: make([]byte, MaxNote+1)}, fault.TooLarge, "PKT-3"},
		{"long consistency", "", Contents{Checkpoint: cp, Consistency: make([]byte, MaxConsistency+1)}, fault.TooLarge, "PKT-3"},
		{"heads", "", Contents{Checkpoint: cp, Heads: lines(MaxHeads + 1)}, fault.TooLarge, "PKT-3"},
		{"tiles", "", Contents{Checkpoint: cp, Tiles: lines(MaxTiles + 1)}, fault.TooLarge, "PKT-3"},
		{"bodies", "", Contents{Checkpoint: cp, Bodies: lines(MaxBodies + 1)}, fault.TooLarge, "PKT-3"},
		{"witnessed", "", Contents{Checkpoint: cp, Witnessed: lines(MaxWitnessed + 1)}, fault.TooLarge, "PKT-3"},
		{"want", "", Contents{Checkpoint: cp, Want: make([]statement.ID, MaxWant+1)}, fault.TooLarge, "PKT-3"},
		{"long head", "", Contents{Checkpoint: cp, Heads: [][]byte{make([]byte, statement.MaxHead+1)}}, fault.TooLarge, "PKT-3"},
		{"long tile", "", Contents{Checkpoint: cp, Tiles: [][]byte{make([]byte, MaxTileLine+1)}}, fault.TooLarge, "PKT-3"},
		{"long body", "", Contents{Checkpoint: cp, Bodies: [][]byte{make([]byte, statement.MaxBody+1)}}, fault.TooLarge, "PKT-3"},
		{"long note", "", Contents{Checkpoint: cp, Witnessed: [][]byte{make([]byte, MaxNote+1)}}, fault.TooLarge, "PKT-3"},
		{"empty note", "", Contents{Checkpoint: cp, Witnessed: [][]byte{{}}}, fault.TooLarge, "PKT-3"},
		{"note that is no text", "", Contents{Checkpoint: cp, Witnessed: [][]byte{{0xff}}}, fault.Malformed, "PKT-2"},
		{"empty head", "", Contents{Checkpoint: cp, Heads: [][]byte{{}}}, fault.Malformed, "ENC-1"},
		{"two lines in one", "", Contents{Checkpoint: cp, Bodies: [][]byte{[]byte("a\nb")}}, fault.Malformed, "ENC-1"},
		{"blob without content", "", Contents{Checkpoint: cp, Blobs: []BlobPart{{Size: 1}}}, fault.Malformed, "PKT-2"},
		{"negative offset", "", Contents{Checkpoint: cp, Blobs: []BlobPart{blob(1, -1)}}, fault.Malformed, "PKT-2"},
		{"offset", "", Contents{Checkpoint: cp, Blobs: []BlobPart{blob(1, MaxOffset+1)}}, fault.Malformed, "PKT-2"},
		{"negative size", "", Contents{Checkpoint: cp, Blobs: []BlobPart{blob(-1, 0)}}, fault.Malformed, "PKT-2"},
		{"blob twice", "", Contents{Checkpoint: cp, Blobs: []BlobPart{blob(1, 5), blob(1, 5)}}, fault.Malformed, "PKT-2"},
		{"huge blob", "", Contents{Checkpoint: cp, Blobs: []BlobPart{blob(1<<62, 0), blob(1<<62, 1)}}, fault.TooLarge, "PKT-3"},
		{"one byte over", "", Contents{Checkpoint: cp, Blobs: []BlobPart{blob(MaxSize-2*blockSize-EndCost-blockSize+1, 0)}}, fault.TooLarge, "PKT-3"},
		{"short blob", "", Contents{Checkpoint: cp, Blobs: []BlobPart{{Size: 2, Data: strings.NewReader("x")}}}, fault.Internal, ""},
		{"withheld blob", "", Contents{Checkpoint: cp, Blobs: []BlobPart{{Size: 2, Data: iotest.ErrReader(fault.New(fault.Withheld, "STM-7", "erased"))}}}, fault.Withheld, "STM-7"},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			if c.to == "" {
				c.to = recipient()
			}
			wantFault(t, NewCodec().Seal(io.Discard, c.to, &c.c), c.code, c.clause)
		})
	}
}

// zeros reads as zeros for ever.
type zeros struct{}

func (zeros) Read(p []byte) (int, error) { clear(p); return len(p), nil }

func TestManyBlobs(t *testing.T) {
	t.Parallel()
	// spec: PKT-3
	c := &Contents{Checkpoint: []byte("c")}
	for i := range int64(MaxBlobs) {
		c.Blobs = append(c.Blobs, BlobPart{Offset: i})
	}
	var got taken
	if err := NewCodec().Open(bytes.NewReader(mustSeal(t, c)), keyPair(), &got); err != nil || len(got.Blobs) != MaxBlobs {
		t.Fatal(err, len(got.Blobs))
	}
	c.Blobs = append(c.Blobs, BlobPart{Offset: MaxBlobs})
	wantFault(t, NewCodec().Seal(io.Discard, recipient(), c), fault.TooLarge, "PKT-3")
}

// A packet of exactly the bound passes, and it need not compress.
func TestFullPacket(t *testing.T) {
	t.Parallel()
	// spec: PKT-3
	c := &Contents{Checkpoint: []byte("c")}
	noise := rand.NewChaCha8([32]byte{})
	c.Blobs = []BlobPart{{Size: MaxSize - 3*blockSize - EndCost, Data: noise}}
	if size, err := c.Size(); err != nil || size != MaxSize {
		t.Fatal(size, err)
	}
	sealed := mustSeal(t, c)
	if len(sealed) <= MaxSize || len(sealed) > MaxSealed {
		t.Fatal("the sealed packet has", len(sealed), "bytes")
	}
	if err := NewCodec().Open(bytes.NewReader(sealed), keyPair(), discard{}); err != nil {
		t.Fatal(err)
	}
}

// Every bound of PKT-3 is reachable: what stands exactly on it passes both ways.
func TestOnTheBound(t *testing.T) {
	t.Parallel()
	// spec: PKT-3
	short := func(n int) [][]byte {
		out := make([][]byte, n)
		for i := range out {
			out[i] = []byte{'x'}
		}
		return out
	}
	long := func(n int) [][]byte { return [][]byte{bytes.Repeat([]byte("x"), n)} }
	for name, c := range map[string]*Contents{
		"counts": {Heads: short(MaxHeads), Bodies: short(MaxBodies), Tiles: short(MaxTiles), Witnessed: short(MaxWitnessed), Want: make([]statement.ID, MaxWant)},
		"sizes":  {Consistency: long(MaxConsistency)[0], Heads: long(statement.MaxHead), Bodies: long(statement.MaxBody), Tiles: long(MaxTileLine), Witnessed: long(MaxNote)},
	} {
		c.Checkpoint = long(MaxNote)[0]
		var got taken
		if err := NewCodec().Open(bytes.NewReader(mustSeal(t, c)), keyPair(), &got); err != nil {
			t.Fatal(name, err)
		}
		if !equal(&got, c, nil) || len(got.Want) != len(c.Want) {
			t.Fatal(name, "differs")
		}
	}
}

// A writer that fails ends the sealing with a fault that asks for another attempt, wherever it fails.
func TestSealToFailingWriter(t *testing.T) {
	t.Parallel()
	codec := NewCodec()
	whole := len(mustSeal(t, sample()))
	for _, n := range []int{0, 1, 100, whole / 2, whole * 9 / 10, whole - 64} {
		w := &failing{left: n}
		wantFault(t, codec.Seal(w, recipient(), sample()), fault.Unavailable, "")
	}
	if err := codec.Seal(&failing{left: 2 * whole}, recipient(), sample()); err != nil {
		t.Fatal("the coder does not recover:", err)
	}
}

type failing struct{ left int }

func (f *failing) Write(p []byte) (int, error) {
	if len(p) > f.left {
		return 0, errors.New("disk full")
	}
	f.left -= len(p)
	return len(p), nil
}

// What a handler says comes back as it is, and a handler need not read a blob.
func TestHandlerErrors(t *testing.T) {
	t.Parallel()
	sealed := mustSeal(t, sample())
	said := errors.New("no")
	for _, at := range []string{"front", "body", "blob"} {
		if err := NewCodec().Open(bytes.NewReader(sealed), keyPair(), &refusing{at: at, err: said}); err != said {
			t.Errorf("%s: got %v", at, err)
		}
	}
	lazy := &refusing{}
	if err := NewCodec().Open(bytes.NewReader(sealed), keyPair(), lazy); err != nil {
		t.Fatal(err)
	}
	if _, err := lazy.kept.Read(make([]byte, 1)); fault.CodeOf(err) != fault.Internal {
		t.Fatal("a blob can be read after its time:", err)
	}
}

type refusing struct {
	at   string
	err  error
	kept io.Reader
}

func (r *refusing) say(at string) error {
	if r.at == at {
		return r.err
	}
	return nil
}
func (r *refusing) Front(*Contents) error { return r.say("front") }
func (r *refusing) Body([]byte) error     { return r.say("body") }
func (r *refusing) Blob(_ statement.Digest, _ int64, b io.Reader) error {
	r.kept = b
	return r.say("blob")
}

// The cache of recipients is bounded.
func TestRecipientCache(t *testing.T) {
	t.Parallel()
	c := NewCodec()
	for i := range maxRecipients {
		c.recipients[fmt.Sprint(i)] = nil
	}
	if _, err := c.recipient(recipient()); err != nil || len(c.recipients) != 1 {
		t.Fatal(err, len(c.recipients))
	}
}
