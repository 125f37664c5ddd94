package packet

import (
	"archive/tar"
	"bytes"
	"encoding/binary"
	"fmt"
	"io"
	"strings"
	"testing"

	"github.com/klauspost/compress/zstd"

	"github.com/comity-exchange/comity/fault"
	"github.com/comity-exchange/comity/statement"
)

// compress makes one Zstandard frame.
func compress(t testing.TB, b []byte, o ...zstd.EOption) []byte {
	t.Helper()
	enc, err := zstd.NewWriter(nil, append([]zstd.EOption{zstd.WithEncoderConcurrency(1), zstd.WithWindowSize(1 << 20), zstd.WithZeroFrames(true)}, o...)...)
	if err != nil {
		t.Fatal(err)
	}
	return enc.EncodeAll(b, nil)
}

// unpackBytes opens what age would give.
func unpackBytes(z []byte, h Handler) error {
	return NewCodec().unpack(bytes.NewReader(z), h, func(Member) {})
}

// file is a member of a tar under test.
func file(name, content string) []byte {
	var b [blockSize]byte
	putHeader(&b, name, int64(len(content)))
	return append(append(b[:], content...), make([]byte, padding(int64(len(content))))...)
}

// patched is file with its header changed and, unless the change was to the checksum, summed again.
func patched(name, content string, change func(b []byte)) []byte {
	f := file(name, content)
	b := (*[blockSize]byte)(f[:blockSize])
	sum := string(b[sumAt : sumAt+sumField])
	change(b[:])
	if string(b[sumAt:sumAt+sumField]) == sum {
		putOctal(b[sumAt:sumAt+6], checksum(b))
	}
	return f
}

func join(parts ...[]byte) []byte { return bytes.Join(parts, nil) }

func ended(parts ...[]byte) []byte { return append(join(parts...), make([]byte, EndCost)...) }

var sha = strings.Repeat("ab", 32)

// Each row is one misuse of the tar or of the members.
func TestHostileTar(t *testing.T) {
	t.Parallel()
	// spec: PKT-2, PKT-3, PKT-4
	cp := file("checkpoint", "c")
	set := func(at int, s string) func([]byte) { return func(b []byte) { copy(b[at:], s) } }
	lines := func(n int) string { return strings.Repeat("x\n", n) }
	var blobs [][]byte
	for i := range MaxBlobs + 1 {
		blobs = append(blobs, file(fmt.Sprintf("blobs/%s@%d", sha, i+1), ""))
	}
	witness := func(line string) []byte { return ended(cp, file("witnessed.jsonl", line+"\n")) }
	for _, c := range []struct {
		name   string
		tar    []byte
		code   fault.Code
		clause string
	}{
		{"nothing", nil, fault.Malformed, "PKT-1"},
		{"an empty tar", ended(), fault.Malformed, "PKT-2"},
		{"zeros without a member", make([]byte, 20*blockSize), fault.Malformed, "PKT-2"},
		{"garbage", []byte(strings.Repeat("garbage ", 200)), fault.Malformed, "PKT-4"},
		{"no end", cp, fault.Malformed, "PKT-1"},
		{"half an end", append(join(cp), make([]byte, blockSize)...), fault.Malformed, "PKT-1"},
		{"one zero block and a member", join(cp, make([]byte, blockSize), file("heads.jsonl", "h\n"), make([]byte, EndCost)), fault.Malformed, "PKT-4"},
		{"a member after the end", append(ended(cp), ended(file("heads.jsonl", "h\n"))...), fault.Malformed, "PKT-4"},
		{"a byte after the end", append(ended(cp), 'x'), fault.Malformed, "PKT-4"},
		{"something in the padding", func() []byte { b := ended(cp); b[blockSize+1] = 'x'; return b }(), fault.Malformed, "PKT-4"},

		{"no checkpoint", ended(file("heads.jsonl", "h\n")), fault.Malformed, "PKT-2"},
		{"wrong order", ended(cp, file("tiles", "t\n"), file("heads.jsonl", "h\n")), fault.Malformed, "PKT-2"},
		{"checkpoint last", ended(file("heads.jsonl", "h\n"), cp), fault.Malformed, "PKT-2"},
		{"blobs before bodies", ended(cp, file("blobs/"+sha, ""), file("bodies.jsonl", "b\n")), fault.Malformed, "PKT-2"},
		{"two checkpoints", ended(cp, cp), fault.Malformed, "PKT-2"},
		{"bodies twice", ended(cp, file("bodies.jsonl", "b\n"), file("bodies.jsonl", "b\n")), fault.Malformed, "PKT-2"},
		{"a blob twice", ended(cp, file("blobs/"+sha, "1"), file("blobs/"+sha, "2")), fault.Malformed, "PKT-2"},
		{"a blob's part twice", ended(cp, file("blobs/"+sha+"@7", "1"), file("blobs/"+sha, ""), file("blobs/"+sha+"@7", "1")), fault.Malformed, "PKT-2"},

		{"unknown name", ended(cp, file("letters", "l")), fault.Malformed, "PKT-4"},
		{"dot slash", ended(file("./checkpoint", "c")), fault.Malformed, "PKT-4"},
		{"absolute", ended(file("/checkpoint", "c")), fault.Malformed, "PKT-4"},
		{"upward", ended(cp, file("blobs/../checkpoint", "c")), fault.Malformed, "PKT-4"},
		{"case", ended(file("Checkpoint", "c")), fault.Malformed, "PKT-4"},
		{"no name", ended(file("", "c")), fault.Malformed, "PKT-4"},
		{"name of a hundred bytes", ended(cp, file(strings.Repeat("n", nameField), "c")), fault.Malformed, "PKT-4"},
		{"bytes behind the name", ended(patched("checkpoint", "c", set(12, "evil"))), fault.Malformed, "PKT-4"},
		{"blob of upper case", ended(cp, file("blobs/"+strings.ToUpper(sha), "")), fault.Malformed, "PKT-4"},
		{"blob of a short name", ended(cp, file("blobs/"+sha[1:], "")), fault.Malformed, "PKT-4"},
		{"blob in a folder", ended(cp, file("blobs/x/"+sha[2:], "")), fault.Malformed, "PKT-4"},
		{"offset 0", ended(cp, file("blobs/"+sha+"@0", "")), fault.Malformed, "PKT-4"},
		{"offset with zeros", ended(cp, file("blobs/"+sha+"@07", "")), fault.Malformed, "PKT-4"},
		{"offset with sign", ended(cp, file("blobs/"+sha+"@+7", "")), fault.Malformed, "PKT-4"},
		{"negative offset", ended(cp, file("blobs/"+sha+"@-7", "")), fault.Malformed, "PKT-4"},
		{"no offset", ended(cp, file("blobs/"+sha+"@", "")), fault.Malformed, "PKT-4"},
		{"large offset", ended(cp, file("blobs/"+sha+"@1125899906842625", "")), fault.Malformed, "PKT-4"},
		{"larger offset", ended(cp, file("blobs/"+sha+"@99999999999999999999", "")), fault.Malformed, "PKT-4"},

		{"hard link", ended(cp, patched("heads.jsonl", "", func(b []byte) { b[typeAt] = '1'; copy(b[linkAt:], "checkpoint") })), fault.Malformed, "PKT-4"},
		{"symbolic link", ended(cp, patched("heads.jsonl", "", func(b []byte) { b[typeAt] = '2'; copy(b[linkAt:], "/etc/passwd") })), fault.Malformed, "PKT-4"},
		{"regular file with a link", ended(patched("checkpoint", "c", set(linkAt, "x"))), fault.Malformed, "PKT-4"},
		{"character device", ended(cp, patched("want", "", set(typeAt, "3"))), fault.Malformed, "PKT-4"},
		{"block device", ended(cp, patched("want", "", set(typeAt, "4"))), fault.Malformed, "PKT-4"},
		{"folder", ended(cp, patched("blobs/", "", set(typeAt, "5"))), fault.Malformed, "PKT-4"},
		{"pipe", ended(cp, patched("want", "", set(typeAt, "6"))), fault.Malformed, "PKT-4"},
		{"contiguous file", ended(patched("checkpoint", "c", set(typeAt, "7"))), fault.Malformed, "PKT-4"},
		{"old regular file", ended(patched("checkpoint", "c", set(typeAt, "\x00"))), fault.Malformed, "PKT-4"},
		{"sparse file", ended(patched("checkpoint", "c", set(typeAt, "S"))), fault.Malformed, "PKT-4"},
		{"long name of GNU", ended(patched("././@LongLink", "checkpoint\x00", set(typeAt, "L")), file("x", "c")), fault.Malformed, "PKT-4"},
		{"long link of GNU", ended(patched("././@LongLink", "checkpoint\x00", set(typeAt, "K")), cp), fault.Malformed, "PKT-4"},
		{"pax header that renames", ended(patched("checkpoint", "19 path=heads.jsonl\n", set(typeAt, "x")), cp), fault.Malformed, "PKT-4"},
		{"pax header that resizes", ended(cp, patched("heads.jsonl", "16 size=8388608\n", set(typeAt, "x")), file("heads.jsonl", "h\n")), fault.Malformed, "PKT-4"},
		{"global pax header", ended(patched("pax_global_header", "19 comment=nothing\n", set(typeAt, "g")), cp), fault.Malformed, "PKT-4"},
		{"prefix", ended(patched("checkpoint", "c", set(prefixAt, "etc"))), fault.Malformed, "PKT-4"},
		{"no magic", ended(patched("checkpoint", "c", set(magicAt, "\x00\x00\x00\x00\x00\x00\x00\x00"))), fault.Malformed, "PKT-4"},
		{"other magic", ended(patched("checkpoint", "c", set(magicAt, "ustar\x0001"))), fault.Malformed, "PKT-4"},
		{"bad checksum", ended(patched("checkpoint", "c", set(sumAt, "000001"))), fault.Malformed, "PKT-4"},
		{"no checksum", ended(patched("checkpoint", "c", set(sumAt, "        "))), fault.Malformed, "PKT-4"},

		{"size in binary", ended(patched("checkpoint", "c", set(sizeAt, "\x80\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x01"))), fault.Malformed, "PKT-4"},
		{"negative size", ended(patched("checkpoint", "c", set(sizeAt, "-0000000001"))), fault.Malformed, "PKT-4"},
		{"size with a digit too high", ended(patched("checkpoint", "c", set(sizeAt, "00000000008"))), fault.Malformed, "PKT-4"},
		{"no size", ended(patched("checkpoint", "c", set(sizeAt, "           "))), fault.Malformed, "PKT-4"},
		{"size of 64 GiB", ended(patched("checkpoint", "c", set(sizeAt, "777777777777"))), fault.TooLarge, "PKT-3"},
		{"blob of 64 GiB", ended(cp, patched("blobs/"+sha, "c", set(sizeAt, "777777777777"))), fault.TooLarge, "PKT-3"},
		{"size just over what is left", ended(cp, patched("bodies.jsonl", "", set(sizeAt, "00040000000"))), fault.TooLarge, "PKT-3"},
		{"size larger than the file", ended(cp, patched("bodies.jsonl", "b\n", set(sizeAt, "00000100000"))), fault.Malformed, "PKT-1"},
		{"size smaller than the file", ended(patched("checkpoint", strings.Repeat("c", blockSize+1), set(sizeAt, "00000000001"))), fault.Malformed, "PKT-4"},

		{"empty checkpoint", ended(file("checkpoint", "")), fault.TooLarge, "PKT-3"},
		{"long checkpoint", ended(file("checkpoint", strings.Repeat("c", MaxNote+1))), fault.TooLarge, "PKT-3"},
		{"empty consistency", ended(cp, file("consistency", "")), fault.TooLarge, "PKT-3"},
		{"long consistency", ended(cp, file("consistency", strings.Repeat("c", MaxConsistency+1))), fault.TooLarge, "PKT-3"},
		{"many heads", ended(cp, file("heads.jsonl", lines(MaxHeads+1))), fault.TooLarge, "PKT-3"},
		{"many tiles", ended(cp, file("tiles", lines(MaxTiles+1))), fault.TooLarge, "PKT-3"},
		{"many witnessed", ended(cp, file("witnessed.jsonl", lines(MaxWitnessed+1))), fault.TooLarge, "PKT-3"},
		{"many wants", ended(cp, file("want", lines(MaxWant+1))), fault.TooLarge, "PKT-3"},
		{"many bodies", ended(cp, file("bodies.jsonl", lines(MaxBodies+1))), fault.TooLarge, "PKT-3"},
		{"many blobs", ended(append([][]byte{cp}, blobs...)...), fault.TooLarge, "PKT-3"},
		{"long head", ended(cp, file("heads.jsonl", strings.Repeat("h", statement.MaxHead+1)+"\n")), fault.TooLarge, "PKT-3"},
		{"long tile", ended(cp, file("tiles", strings.Repeat("h", MaxTileLine+1)+"\n")), fault.TooLarge, "PKT-3"},
		{"long body", ended(cp, file("bodies.jsonl", "b\n"+strings.Repeat("h", statement.MaxBody+1)+"\n")), fault.TooLarge, "PKT-3"},
		{"endless body", ended(cp, file("bodies.jsonl", strings.Repeat("h", 2*statement.MaxBody))), fault.TooLarge, "PKT-3"},
		{"last head without line feed", ended(cp, file("heads.jsonl", "h\nh")), fault.Malformed, "ENC-1"},
		{"last body without line feed", ended(cp, file("bodies.jsonl", "b\nb")), fault.Malformed, "ENC-1"},
		{"empty line among heads", ended(cp, file("heads.jsonl", "h\n\nh\n")), fault.Malformed, "ENC-1"},
		{"empty line among bodies", ended(cp, file("bodies.jsonl", "\n")), fault.Malformed, "ENC-1"},
		{"want that is no id", ended(cp, file("want", "xyz\n")), fault.Malformed, "ENC-4"},
		{"want of upper case", ended(cp, file("want", strings.ToUpper(sha)+"\n")), fault.Malformed, "ENC-4"},
		{"long want", ended(cp, file("want", sha+"0\n")), fault.TooLarge, "PKT-3"},
		{"witnessed that is no JSON", witness("note"), fault.Malformed, "ENC-1"},
		{"witnessed with spaces", witness(`{"note": "n"}`), fault.Malformed, "ENC-1"},
		{"witnessed twice over", witness(`{"note":"n","note":"n"}`), fault.Malformed, "ENC-2"},
		{"witnessed with more", witness(`{"note":"n","x":1}`), fault.Malformed, "PKT-2"},
		{"witnessed of another type", witness(`{"note":1}`), fault.Malformed, "PKT-2"},
		{"witnessed without a note", witness(`{}`), fault.TooLarge, "PKT-3"},
		{"long witnessed", witness(`{"note":"` + strings.Repeat("n", MaxNote+1) + `"}`), fault.TooLarge, "PKT-3"},
		{"zeros without end", append(ended(cp), make([]byte, MaxSize)...), fault.TooLarge, "PKT-3"},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			err := unpackBytes(compress(t, c.tar), &taken{})
			wantFault(t, err, c.code, c.clause)
		})
	}
}

// What other programs write: GNU's headers with owners in binary, and zeros up to their blocking factor.
func TestFriendlyTar(t *testing.T) {
	t.Parallel()
	// spec: PKT-4
	gnu := patched("checkpoint", "c", func(b []byte) {
		copy(b[magicAt:], magicGNU)
		copy(b[108:], "\x80\x00\x00\x00\x7f\xff\xff\xff")
		copy(b[265:], "somebody")
		copy(b[136:], "14752023451")
	})
	for name, b := range map[string][]byte{
		"GNU":           ended(gnu),
		"blocks of ten": append(ended(gnu), make([]byte, 8*blockSize)...),
		"odd zeros":     append(ended(gnu), 0),
		"empty members": ended(gnu, file("heads.jsonl", ""), file("tiles", ""), file("witnessed.jsonl", ""), file("want", ""), file("bodies.jsonl", "")),
	} {
		var got taken
		if err := unpackBytes(compress(t, b), &got); err != nil || string(got.Checkpoint) != "c" || got.fronts != 1 {
			t.Error(name, err)
		}
	}
}

// Cut anywhere, a packet is refused as cut short or damaged, and never accepted.
func TestTruncated(t *testing.T) {
	t.Parallel()
	// spec: PKT-1, PKT-3
	c := sample()
	c.Bodies, c.Blobs = c.Bodies[:1], c.Blobs[1:]
	whole := packTar(t, c)
	codec := NewCodec()
	enc, err := zstd.NewWriter(nil, zstd.WithEncoderConcurrency(1))
	if err != nil {
		t.Fatal(err)
	}
	for n := range len(whole) {
		if n%blockSize > 2 && n%blockSize < 510 && n%97 != 0 {
			continue
		}
		err := codec.unpack(bytes.NewReader(enc.EncodeAll(whole[:n], nil)), &taken{}, func(Member) {})
		wantFault(t, err, fault.Malformed, "PKT-1")
	}
	z := compress(t, whole[:4*blockSize])
	for n := range z {
		wantFault(t, unpackBytes(z[:n], &taken{}), fault.Malformed, "PKT-1")
	}
}

// Frames around the frame, and frames that ask for much.
func TestHostileFrame(t *testing.T) {
	t.Parallel()
	// spec: PKT-1, PKT-3
	plain := ended(file("checkpoint", "c"))
	good := compress(t, plain)
	if err := unpackBytes(good, &taken{}); err != nil {
		t.Fatal(err)
	}
	sum := compress(t, plain, zstd.WithEncoderCRC(true))
	skip := []byte("\x50\x2a\x4d\x18\x03\x00\x00\x00abc")
	frame := func(b ...byte) []byte { return append([]byte("\x28\xb5\x2f\xfd"), b...) }
	raw := func(last bool, typ, size uint32) []byte {
		v := size<<3 | typ<<1
		if last {
			v |= 1
		}
		return binary.LittleEndian.AppendUint32(nil, v)[:3]
	}
	var rle []byte // 25 MiB of zeros in 800 bytes
	for range 200 {
		rle = append(append(rle, raw(false, 1, 128<<10)...), 0)
	}
	rle = append(append(rle, raw(true, 1, 1)...), 0)
	damaged := bytes.Clone(sum)
	damaged[len(damaged)-1] ^= 1
	for _, c := range []struct {
		name   string
		z      []byte
		code   fault.Code
		clause string
	}{
		{"empty input", nil, fault.Malformed, "PKT-1"},
		{"garbage", []byte("not a frame at all"), fault.Malformed, "PKT-1"},
		{"gzip", []byte("\x1f\x8b\x08\x00\x00\x00\x00\x00"), fault.Malformed, "PKT-1"},
		{"old Zstandard", []byte("\x27\xb5\x2f\xfd\x00\x00\x00\x00"), fault.Malformed, "PKT-1"},
		{"a byte after the frame", append(bytes.Clone(good), 0), fault.Malformed, "PKT-1"},
		{"three bytes after the frame", append(bytes.Clone(good), frame()[:3]...), fault.Malformed, "PKT-1"},
		{"an empty frame after it", append(bytes.Clone(good), compress(t, nil)...), fault.Malformed, "PKT-1"},
		{"the frame twice", append(bytes.Clone(good), good...), fault.Malformed, "PKT-1"},
		{"the tar in two frames", append(compress(t, plain[:blockSize]), compress(t, plain[blockSize:])...), fault.Malformed, "PKT-1"},
		{"skippable frame before", append(bytes.Clone(skip), good...), fault.Malformed, "PKT-1"},
		{"skippable frame after", append(bytes.Clone(good), skip...), fault.Malformed, "PKT-1"},
		{"skippable frame alone", skip, fault.Malformed, "PKT-1"},
		{"after a checksum", append(bytes.Clone(sum), 0), fault.Malformed, "PKT-1"},
		{"wrong checksum", damaged, fault.Malformed, "PKT-1"},
		{"window over 8 MiB", join(frame(0, 13<<3|1), raw(true, 0, 0)), fault.TooLarge, "PKT-1"},
		{"window of terabytes", join(frame(0, 0xff), raw(true, 0, 0)), fault.TooLarge, "PKT-1"},
		{"one segment over 8 MiB", join(frame(0xa0, 1, 0, 0x80, 0), raw(true, 0, 0)), fault.TooLarge, "PKT-3"},
		{"one segment of 2^64−1", join(frame(0xe0, 255, 255, 255, 255, 255, 255, 255, 255), raw(true, 0, 0)), fault.TooLarge, "PKT-3"},
		{"size over 8 MiB with a small window", join(frame(0x80, 0, 1, 0, 0x80, 0), raw(true, 0, 0)), fault.TooLarge, "PKT-3"},
		{"declared size not kept", join(frame(0x60, 0, 1), raw(true, 0, 1), []byte{0}), fault.Malformed, "PKT-1"},
		{"dictionary", join(frame(0x21, 7, 0), raw(true, 0, 0)), fault.Malformed, "PKT-1"},
		{"reserved bit", join(frame(0x28, 0), raw(true, 0, 0)), fault.Malformed, "PKT-1"},
		{"reserved block", join(frame(0x20, 0), raw(true, 3, 0)), fault.Malformed, "PKT-1"},
		{"block over its bound", join(frame(0, 13<<3), raw(true, 0, 1<<20), make([]byte, 1<<20)), fault.Malformed, "PKT-1"},
		{"no block", frame(0x20, 0), fault.Malformed, "PKT-1"},
		{"bomb of repeated bytes", join(frame(0, 13<<3), rle), fault.TooLarge, "PKT-3"},
		{"bomb of zeros after the end", compress(t, append(bytes.Clone(plain), make([]byte, 64<<20)...)[:64<<20], zstd.WithSingleSegment(false)), fault.TooLarge, "PKT-3"},
		{"bomb in a member", bomb(t, "bodies.jsonl"), fault.TooLarge, "PKT-3"},
		{"bomb in a blob", bomb(t, "blobs/"+sha), fault.TooLarge, "PKT-3"},
		{"bomb of members", compress(t, append(file("checkpoint", "c"), bytes.Repeat(file("blobs/"+sha, ""), 40000)...)), fault.TooLarge, "PKT-3"},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			var got counted
			err := unpackBytes(c.z, &got)
			wantFault(t, err, c.code, c.clause)
			if got > MaxSize {
				t.Fatal("the handler got", got, "bytes")
			}
		})
	}
}

// bomb is a member of 64 MiB, streamed, so that the frame does not say how large it is.
func bomb(t testing.TB, name string) []byte {
	t.Helper()
	var out bytes.Buffer
	enc, err := zstd.NewWriter(&out, zstd.WithEncoderConcurrency(1))
	if err != nil {
		t.Fatal(err)
	}
	w := tar.NewWriter(enc)
	_ = w.WriteHeader(&tar.Header{Name: "checkpoint", Size: 1, Format: tar.FormatUSTAR})
	_, _ = w.Write([]byte("c"))
	_ = w.WriteHeader(&tar.Header{Name: name, Size: 64 << 20, Format: tar.FormatUSTAR})
	_, _ = io.CopyN(w, zeros{}, 64<<20)
	_ = w.Close()
	_ = enc.Close()
	return out.Bytes()
}

// counted counts the bytes that a handler is given.
type counted int64

func (c *counted) Front(f *Contents) error {
	*c += counted(len(f.Checkpoint) + len(bytes.Join(f.Heads, nil)))
	return nil
}
func (c *counted) Body(b []byte) error { *c += counted(len(b)); return nil }
func (c *counted) Blob(_ statement.Digest, _ int64, r io.Reader) error {
	n, err := io.Copy(io.Discard, r)
	*c += counted(n)
	return err
}

// A frame of nothing but empty blocks gives no byte to count. Their number is bounded instead, or reading it would cost seconds.
func TestEmptyBlocks(t *testing.T) {
	t.Parallel()
	// spec: PKT-1
	start, end := []byte("\x28\xb5\x2f\xfd\x00\x00"), []byte{1, 0, 0}
	z := join(start, make([]byte, 3*(maxBlocks-1)), end)
	wantFault(t, unpackBytes(z, &taken{}), fault.Malformed, "PKT-1")
	z = join(start, make([]byte, 3*maxBlocks), end)
	wantFault(t, unpackBytes(z, &taken{}), fault.TooLarge, "PKT-1")
}

// archive/tar reads what we write, and our reader what archive/tar writes as ustar.
func TestAgainstArchiveTar(t *testing.T) {
	t.Parallel()
	// spec: PKT-1
	r := tar.NewReader(bytes.NewReader(packTar(t, sample())))
	var names []string
	for {
		h, err := r.Next()
		if err == io.EOF {
			break
		}
		if err != nil {
			t.Fatal(err)
		}
		if h.Typeflag != tar.TypeReg || h.Mode != 0o644 || h.ModTime.Unix() != 0 || h.Format != tar.FormatUSTAR {
			t.Fatalf("%+v", h)
		}
		names = append(names, h.Name)
	}
	if len(names) != 10 || names[0] != "checkpoint" || names[6] != "bodies.jsonl" {
		t.Fatal(names)
	}
	for _, format := range []tar.Format{tar.FormatUSTAR, tar.FormatGNU} {
		var out bytes.Buffer
		w := tar.NewWriter(&out)
		if err := w.WriteHeader(&tar.Header{Name: "checkpoint", Size: 3, Mode: 0o600, Uid: 1000, Uname: "a", Format: format}); err != nil {
			t.Fatal(err)
		}
		_, _ = w.Write([]byte("abc"))
		if err := w.Close(); err != nil {
			t.Fatal(err)
		}
		var got taken
		if err := unpackBytes(compress(t, out.Bytes()), &got); err != nil || string(got.Checkpoint) != "abc" {
			t.Fatal(format, err)
		}
	}
}
