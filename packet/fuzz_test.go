package packet

import (
	"archive/tar"
	"bytes"
	"io"
	"testing"

	"github.com/klauspost/compress/zstd"

	"github.com/comity-exchange/comity/fault"
	"github.com/comity-exchange/comity/statement"
)

// FuzzOpen fuzzes below age, where bytes from outside are first believed. With raw the bytes are the tar, and the fuzzer need not
// find its way through a compressor; else they are the Zstandard frame.
//
// Whatever is refused is refused by a fault with a clause. Whatever is accepted, archive/tar reads in the same way, and sealing it
// again gives the same contents. Inputs are of some kilobytes: run it with -fuzzminimizetime=20x, or minimising takes all the time.
func FuzzOpen(f *testing.F) {
	enc, err := zstd.NewWriter(nil, zstd.WithEncoderConcurrency(1), zstd.WithWindowSize(1<<20))
	if err != nil {
		f.Fatal(err)
	}
	c := sample()
	c.Bodies, c.Blobs = c.Bodies[:1], c.Blobs[2:]
	whole := packTar(f, c)
	f.Add(true, whole)
	f.Add(false, enc.EncodeAll(whole, nil))
	f.Add(true, ended(file("checkpoint", "c")))
	f.Add(false, compress(f, ended(file("checkpoint", "c")), zstd.WithEncoderCRC(true)))
	f.Add(true, ended(file("checkpoint", "c"), patched("heads.jsonl", "h\n", func(b []byte) { copy(b[magicAt:], magicGNU) })))
	codec := NewCodec()
	f.Fuzz(func(t *testing.T, raw bool, b []byte) {
		z, plain := b, b
		if raw {
			// The checksums of headers are set right, so that mutations get past them.
			plain = resum(b)
			z = enc.EncodeAll(plain, nil)
		}
		var got taken
		var list []Member
		err := codec.unpack(bytes.NewReader(z), &got, func(m Member) { list = append(list, m) })
		if err != nil {
			if fault.CodeOf(err) != fault.Malformed && fault.CodeOf(err) != fault.TooLarge || fault.ClauseOf(err) == "" {
				t.Fatalf("refused without a proper fault: %v", err)
			}
			return
		}
		if !raw {
			dec, err := zstd.NewReader(nil, zstd.WithDecoderConcurrency(1))
			if err != nil {
				t.Fatal(err)
			}
			defer dec.Close()
			if plain, err = dec.DecodeAll(z, nil); err != nil {
				t.Fatal("another reading of the frame:", err)
			}
		}
		compareTar(t, plain, list)
		again(t, codec, &got)
	})
}

// resum corrects the checksum of every block that could be a header.
func resum(b []byte) []byte {
	b = bytes.Clone(b)
	for i := 0; i+blockSize <= len(b); i += blockSize {
		h := (*[blockSize]byte)(b[i : i+blockSize])
		if string(h[magicAt:magicAt+5]) == "ustar" {
			putOctal(h[sumAt:sumAt+6], checksum(h))
		}
	}
	return b
}

// compareTar holds our list of members against archive/tar's. Fields that we ignore may be such that archive/tar gives up.
func compareTar(t *testing.T, plain []byte, list []Member) {
	r := tar.NewReader(bytes.NewReader(plain))
	for i := 0; ; i++ {
		h, err := r.Next()
		if err == io.EOF && i == len(list) {
			return
		}
		if err != nil && err != io.EOF {
			return
		}
		if err == io.EOF || i == len(list) || h.Name != list[i].Name || h.Size != list[i].Size || h.Typeflag != tar.TypeReg {
			t.Fatalf("archive/tar reads member %d in another way: %+v, %v", i, h, err)
		}
	}
}

func again(t *testing.T, codec *Codec, got *taken) {
	c := got.Contents
	for i := range c.Blobs {
		c.Blobs[i].Data = bytes.NewReader(got.data[i])
	}
	sections, _, err := plan(&c)
	if err != nil {
		t.Fatal("what was opened cannot be sealed:", err)
	}
	s, err := newSealer()
	if err != nil {
		t.Fatal(err)
	}
	var out bytes.Buffer
	if err := s.pack(&out, sections); err != nil {
		t.Fatal(err)
	}
	var second taken
	if err := codec.unpack(bytes.NewReader(compress(t, out.Bytes())), &second, func(Member) {}); err != nil {
		t.Fatal("what was packed again cannot be opened:", err)
	}
	if !equal(&second, &c, got.data) {
		t.Fatal("packed again, the contents differ")
	}
}

// FuzzName: a name has one meaning, and a meaning one name.
func FuzzName(f *testing.F) {
	f.Add("checkpoint")
	f.Add("blobs/" + sha)
	f.Add("blobs/" + sha + "@12")
	f.Add("blobs/" + statement.Sum(nil).String() + "@1125899906842624")
	f.Fuzz(func(t *testing.T, name string) {
		s, b, err := parseName(name)
		if err != nil {
			wantFault(t, err, fault.Malformed, "PKT-4")
			return
		}
		if s == slotBlob && b.String() != name {
			t.Fatalf("%q is also written %q", name, b)
		}
		if len(name) >= nameField {
			t.Fatalf("%q does not fit its field", name)
		}
	})
}
