package packet

import (
	"bufio"
	"errors"
	"io"
	"sync"

	"filippo.io/age"
	"github.com/klauspost/compress/zstd"

	"github.com/comity-exchange/comity/fault"
)

const (
	// maxHeader bounds what is read before the recipient is known: a header of one hybrid stanza has some 1,700 bytes.
	maxHeader = 8 << 10

	// maxRecipients bounds the cache of parsed keys. A node has far fewer peers; one that has more pays for parsing again.
	maxRecipients = 1024

	stanzaType = "mlkem768x25519"

	// encoderWindow is far below the bound: packets are small, and each encoder holds twice its window.
	encoderWindow = 1 << 20
)

// Codec seals and opens packets. It keeps coders, buffers and parsed recipients for the next packet, since making them costs
// more than a small packet does. It is safe for concurrent use and holds no goroutine; NewCodec makes one.
type Codec struct {
	sealers sync.Pool // *sealer
	openers sync.Pool // *opener

	mu         sync.Mutex
	recipients map[string]*age.HybridRecipient // guarded by mu
}

// NewCodec makes a Codec. One per node is enough.
func NewCodec() *Codec { return &Codec{recipients: make(map[string]*age.HybridRecipient)} }

// recipient parses an age1pq1… key, or remembers that it did.
func (c *Codec) recipient(s string) (*age.HybridRecipient, error) {
	c.mu.Lock()
	r := c.recipients[s]
	c.mu.Unlock()
	if r != nil {
		return r, nil
	}
	// spec: PKT-1
	// A classic X25519 key is refused here.
	r, err := age.ParseHybridRecipient(s)
	if err != nil {
		return nil, fault.Wrap(err, fault.Malformed, "PKT-1", "packets are sealed to a hybrid age key, like age1pq1…")
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	if len(c.recipients) >= maxRecipients {
		clear(c.recipients)
	}
	c.recipients[s] = r
	return r, nil
}

// sealer is what one call of Seal needs and the next one can use again.
type sealer struct {
	out   *bufio.Writer // age writes its header in small pieces
	enc   *zstd.Encoder
	block [blockSize]byte
	buf   [32 << 10]byte
}

func newSealer() (*sealer, error) {
	enc, err := zstd.NewWriter(nil,
		zstd.WithEncoderConcurrency(1), // the caller's goroutine and no other
		zstd.WithEncoderLevel(zstd.SpeedFastest),
		zstd.WithWindowSize(encoderWindow),
		zstd.WithLowerEncoderMem(true),
		zstd.WithEncoderCRC(false)) // age authenticates every byte
	if err != nil {
		return nil, fault.Wrap(err, fault.Internal, "", "the compressor could not be made")
	}
	return &sealer{out: bufio.NewWriterSize(nil, 4<<10), enc: enc}, nil
}

// opener is what one call of Open needs and the next one can use again.
type opener struct {
	dec   *zstd.Decoder
	frame frame
	tar   tarReader
	buf   []byte // lines of bodies pass through it
}

func newOpener() (*opener, error) {
	// The bounds repeat those of frame: a second lock on the same door.
	dec, err := zstd.NewReader(nil,
		zstd.WithDecoderConcurrency(1),
		zstd.WithDecoderLowmem(true),
		zstd.WithDecoderMaxWindow(maxWindow),
		zstd.WithDecoderMaxMemory(MaxSize))
	if err != nil {
		return nil, fault.Wrap(err, fault.Internal, "", "the decompressor could not be made")
	}
	return &opener{dec: dec, buf: make([]byte, 64<<10)}, nil
}

// unseal reads the age header and gives the sealed bytes, of which at most MaxSealed are read.
func unseal(r io.Reader, id age.Identity) (io.Reader, error) {
	in := &intake{r: r, left: maxHeader}
	plain, err := age.Decrypt(in, &soleIdentity{id: id, in: in})
	if err != nil {
		return nil, in.fault(err)
	}
	return &payload{in: in, r: plain}, nil
}

// intake counts what is read of the sealed packet and remembers why reading ended, since the layers above rename errors.
type intake struct {
	r    io.Reader
	left int64
	read int64
	over bool
	err  error // of r, io.EOF apart
}

func (in *intake) Read(p []byte) (int, error) {
	if in.left == 0 {
		// The bound is only passed when there is another byte.
		var one [1]byte
		n, err := in.r.Read(one[:])
		if n > 0 {
			in.over = true
			return 0, errSealedTooLarge()
		}
		return 0, in.note(err)
	}
	n, err := in.r.Read(p[:min(int64(len(p)), in.left)])
	in.left -= int64(n)
	in.read += int64(n)
	return n, in.note(err)
}

func (in *intake) note(err error) error {
	if err != nil && err != io.EOF {
		in.err = err
	}
	return err
}

func errSealedTooLarge() error {
	return fault.New(fault.TooLarge, "PKT-3", "the sealed packet is larger than any packet can be")
}

// fault says in the protocol's words why age stopped.
func (in *intake) fault(err error) error {
	var f *fault.Error
	var none *age.NoIdentityMatchError
	switch {
	case in.over:
		return errSealedTooLarge()
	case errors.As(in.err, &f):
		return f
	case errors.Is(in.err, io.ErrUnexpectedEOF): // a connection or file that broke off
		return errCut(in.err)
	case in.err != nil:
		return fault.Wrap(in.err, fault.Unavailable, "", "the packet could not be read to its end")
	case errors.As(err, &f):
		return f
	case errors.As(err, &none):
		// spec: PKT-1
		return fault.Wrap(err, fault.NotAddressed, "PKT-1", "the packet is not sealed to this party")
	case in.read == 0:
		return fault.Wrap(err, fault.Malformed, "PKT-1", "the packet is empty")
	case errors.Is(err, io.EOF), errors.Is(err, io.ErrUnexpectedEOF):
		return errCut(err)
	}
	return fault.Wrap(err, fault.Malformed, "PKT-1", "the packet is no age file, or was damaged on its way")
}

// soleIdentity lets the identity see a header only when it has the one stanza that packets have: a thousand stanzas would cost
// a thousand decapsulations, and a second recipient means that somebody else reads along.
type soleIdentity struct {
	id age.Identity
	in *intake
}

func (s *soleIdentity) Unwrap(stanzas []*age.Stanza) ([]byte, error) {
	// spec: PKT-1
	if len(stanzas) != 1 {
		return nil, fault.New(fault.Malformed, "PKT-1", "a packet is sealed to exactly one recipient")
	}
	if stanzas[0].Type != stanzaType {
		return nil, fault.New(fault.Malformed, "PKT-1", "the packet is not sealed to a hybrid key")
	}
	s.in.left += MaxSealed - maxHeader
	return s.id.Unwrap(stanzas)
}

// payload translates the errors of age's stream.
type payload struct {
	in *intake
	r  io.Reader
}

func (p *payload) Read(b []byte) (int, error) {
	n, err := p.r.Read(b)
	if err != nil && err != io.EOF {
		err = p.in.fault(err)
	}
	return n, err
}
