package packet

import (
	"bytes"
	"errors"
	"io"
	"strings"
	"testing"
	"testing/iotest"

	"filippo.io/age"

	"github.com/comity-exchange/comity/fault"
)

// ageFile seals bytes as anybody could.
func ageFile(t testing.TB, plain []byte, to ...age.Recipient) []byte {
	t.Helper()
	var out bytes.Buffer
	w, err := age.Encrypt(&out, to...)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := w.Write(plain); err != nil {
		t.Fatal(err)
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	return out.Bytes()
}

func TestHostileSealing(t *testing.T) {
	t.Parallel()
	// spec: PKT-1, PKT-3
	other, err := age.GenerateHybridIdentity()
	if err != nil {
		t.Fatal(err)
	}
	classic, err := age.GenerateX25519Identity()
	if err != nil {
		t.Fatal(err)
	}
	phrase, err := age.NewScryptRecipient("correct horse")
	if err != nil {
		t.Fatal(err)
	}
	phrase.SetWorkFactor(10)
	phraseID, err := age.NewScryptIdentity("correct horse")
	if err != nil {
		t.Fatal(err)
	}
	mine := keyPair().Recipient()
	z := compress(t, ended(file("checkpoint", "c")))
	good := ageFile(t, z, mine)
	flipped := func(at int) []byte { b := bytes.Clone(good); b[at] ^= 1; return b }
	for _, c := range []struct {
		name string
		in   []byte
		id   age.Identity
		code fault.Code
	}{
		{"sealed to another", ageFile(t, z, other.Recipient()), nil, fault.NotAddressed},
		{"sealed to two", ageFile(t, z, mine, other.Recipient()), nil, fault.Malformed},
		{"sealed to two, the other first", ageFile(t, z, other.Recipient(), mine), nil, fault.Malformed},
		{"classic recipient", ageFile(t, z, classic.Recipient()), nil, fault.Malformed},
		{"classic recipient and identity", ageFile(t, z, classic.Recipient()), classic, fault.Malformed},
		{"passphrase", ageFile(t, z, phrase), phraseID, fault.Malformed},
		{"not sealed", z, nil, fault.Malformed},
		{"empty", nil, nil, fault.Malformed},
		{"garbage", []byte("garbage\n\x00\xff"), nil, fault.Malformed},
		{"endless first line", []byte(strings.Repeat("x", 1<<20)), nil, fault.TooLarge},
		{"endless header", []byte("age-encryption.org/v1\n" + strings.Repeat("-> grease a b c\n\n", 1<<16)), nil, fault.TooLarge},
		{"later suite", append([]byte("age-encryption.org/v2\n"), good[22:]...), nil, fault.Malformed},
		{"armoured", []byte("-----BEGIN AGE ENCRYPTED FILE-----\n"), nil, fault.Malformed},
		{"changed stanza", respelled(good, 60), nil, fault.NotAddressed},
		{"changed payload", flipped(len(good) - 20), nil, fault.Malformed},
		{"byte after the payload", append(bytes.Clone(good), 0), nil, fault.Malformed},
		{"packet twice", append(bytes.Clone(good), good...), nil, fault.Malformed},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			if c.id == nil {
				c.id = keyPair()
			}
			clause := "PKT-1"
			if c.code == fault.TooLarge {
				clause = "PKT-3"
			}
			wantFault(t, NewCodec().Open(bytes.NewReader(c.in), c.id, &taken{}), c.code, clause)
		})
	}
}

// Cut at any byte of a small packet, and at every chunk of a large one, nothing is accepted. A cut between two chunks looks to
// the decompressor like a clean end.
func TestTruncatedSealing(t *testing.T) {
	t.Parallel()
	// spec: PKT-1
	codec := NewCodec()
	small := ageFile(t, compress(t, ended(file("checkpoint", "c"))), keyPair().Recipient())
	for n := range small {
		wantFault(t, codec.Open(bytes.NewReader(small[:n]), keyPair(), &taken{}), fault.Malformed, "PKT-1")
	}
	noise := make([]byte, 300<<10)
	for i, x := 0, uint32(1); i < len(noise); i++ {
		x = x*1664525 + 1013904223
		noise[i] = byte(x >> 24)
	}
	tail := compress(t, ended(file("checkpoint", "c"), file("blobs/"+sha, string(noise))))
	large := ageFile(t, tail, keyPair().Recipient())
	const chunk = 64<<10 + 16
	header := len(large) - len(tail) - 16*((len(tail)+64<<10-1)/(64<<10))
	for n := header; n < len(large); n += chunk {
		for _, d := range []int{-1, 0, 1, 16} {
			wantFault(t, codec.Open(bytes.NewReader(large[:n+d]), keyPair(), &taken{}), fault.Malformed, "PKT-1")
		}
	}
}

// A reader that fails is not a packet that is wrong: it asks for another attempt. One that breaks off is.
func TestFailingReader(t *testing.T) {
	t.Parallel()
	sealed := mustSeal(t, sample())
	busy := fault.New(fault.Quota, "NET-6", "too fast")
	for _, n := range []int{0, 10, 1900, len(sealed) - 1, len(sealed)} {
		for _, c := range []struct {
			err    error
			code   fault.Code
			clause string
		}{
			{errors.New("connection reset"), fault.Unavailable, ""},
			{io.ErrUnexpectedEOF, fault.Malformed, "PKT-1"},
			{busy, fault.Quota, "NET-6"},
		} {
			r := io.MultiReader(bytes.NewReader(sealed[:n]), iotest.ErrReader(c.err))
			wantFault(t, NewCodec().Open(r, keyPair(), &taken{}), c.code, c.clause)
		}
	}
}

// Keys that cannot be opened are the node's trouble, not the sender's.
func TestLockedIdentity(t *testing.T) {
	t.Parallel()
	locked := fault.New(fault.Locked, "", "the keys are locked")
	err := NewCodec().Open(bytes.NewReader(mustSeal(t, sample())), lockedIdentity{locked}, &taken{})
	wantFault(t, err, fault.Locked, "")
}

type lockedIdentity struct{ err error }

func (l lockedIdentity) Unwrap([]*age.Stanza) ([]byte, error) { return nil, l.err }

// However much a sealed packet goes on, reading stops at MaxSealed bytes. The layers inside refuse it long before; this bound does
// not count on them.
func TestSealedBound(t *testing.T) {
	t.Parallel()
	// spec: PKT-3, NET-6
	sealed := ageFile(t, make([]byte, MaxSealed), keyPair().Recipient())
	for _, n := range []int{MaxSealed, MaxSealed + 1} {
		r := &meter{r: bytes.NewReader(sealed[:n])}
		plain, err := unseal(r, keyPair())
		if err != nil {
			t.Fatal(err)
		}
		_, err = io.Copy(io.Discard, plain)
		if n == MaxSealed {
			wantFault(t, err, fault.Malformed, "PKT-1") // cut short, not too large
		} else {
			wantFault(t, err, fault.TooLarge, "PKT-3")
		}
		if r.n > MaxSealed+1 {
			t.Fatal("read", r.n, "bytes")
		}
	}
}

type meter struct {
	r io.Reader
	n int64
}

func (m *meter) Read(p []byte) (int, error) {
	n, err := m.r.Read(p)
	m.n += int64(n)
	return n, err
}

// respelled changes one letter of base64 to another one.
func respelled(b []byte, at int) []byte {
	c := bytes.Clone(b)
	c[at] = 'A'
	if b[at] == 'A' {
		c[at] = 'B'
	}
	return c
}
