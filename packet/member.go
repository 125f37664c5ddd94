package packet

import (
	"bytes"
	"io"
	"strconv"
	"strings"

	"github.com/comity-exchange/comity/fault"
	"github.com/comity-exchange/comity/statement"
)

// Bounds of PKT-3: counts, and sizes in bytes.
//
// spec: PKT-3
const (
	MaxSize        = 8 << 20  // of the tar, its headers and padding included
	MaxSealed      = 16 << 20 // of the sealed packet on the wire (NET-6)
	MaxHeads       = 4096
	MaxBodies      = 4096
	MaxTiles       = 4096
	MaxWitnessed   = 64
	MaxWant        = 256
	MaxBlobs       = 1024
	MaxNote        = 64 << 10 // of a checkpoint or a witnessed note
	MaxConsistency = 4 << 10
	MaxTileLine    = 16 << 10
	MaxOffset      = 1 << 50 // of a blob's part, in bytes
)

// What a packet costs beside its content, in bytes, for those who fill one up to MaxSize. A line costs one byte more than it has.
const (
	MemberCost = 2*blockSize - 1 // at most, for a member: header and padding
	EndCost    = 2 * blockSize   // for the end of the tar
)

const (
	maxWindow      = 8 << 20   // of the Zstandard frame (PKT-1)
	maxBlocks      = 16384     // of the frame (PKT-1)
	maxWitnessLine = 128 << 10 // a note with every line feed written as \n stays below twice its size
)

// Contents is what one packet carries: statements of one log (PKT-2). Slices hold lines without their line feed.
//
// For Seal, Checkpoint is required and the rest may be empty; heads come in the order of PKT-2, which Seal does not check. From
// Open, Bodies and Blobs are empty, since they are streamed.
type Contents struct {
	Checkpoint  []byte         // the log's checkpoint, a signed note (LOG-3)
	Consistency []byte         // the member as it is: old size and proof
	Heads       [][]byte       // heads as written, by precedence, then by index
	Tiles       [][]byte       // tile lines as written (PKT-5)
	Witnessed   [][]byte       // signed notes of other logs, or cosigned ones of the receiver's
	Want        []statement.ID // heads that the sender lacks
	Bodies      [][]byte       // bodies as written
	Blobs       []BlobPart
}

// BlobPart is a run of bytes of one blob. Offset and Size in bytes.
type BlobPart struct {
	SHA256 statement.Digest // of the whole blob
	Offset int64
	Size   int64
	Data   io.Reader // Seal reads Size bytes of it and no more
}

// Member is one file of the tar, as Inspect reports it. Size in bytes; Lines is zero for members that are not made of lines.
type Member struct {
	Name  string
	Size  int64
	Lines int
}

// slot is a member's place in the order of PKT-2.
type slot int

const (
	slotNone slot = iota
	slotCheckpoint
	slotConsistency
	slotHeads
	slotTiles
	slotWitnessed
	slotWant
	slotBodies
	slotBlob
)

// blobName is what the name of a blob's member says.
type blobName struct {
	sha    statement.Digest
	offset int64
}

const blobPrefix = "blobs/"

// parseName finds a member's slot. There is one way to write each name, so equal members have equal names.
func parseName(name string) (slot, blobName, error) {
	// spec: PKT-2, PKT-4
	switch name {
	case "checkpoint":
		return slotCheckpoint, blobName{}, nil
	case "consistency":
		return slotConsistency, blobName{}, nil
	case "heads.jsonl":
		return slotHeads, blobName{}, nil
	case "tiles":
		return slotTiles, blobName{}, nil
	case "witnessed.jsonl":
		return slotWitnessed, blobName{}, nil
	case "want":
		return slotWant, blobName{}, nil
	case "bodies.jsonl":
		return slotBodies, blobName{}, nil
	}
	refused := fault.New(fault.Malformed, "PKT-4", "the packet has a member of a name that packets do not have")
	rest, ok := strings.CutPrefix(name, blobPrefix)
	if !ok {
		return slotNone, blobName{}, refused
	}
	hex, at, partial := strings.Cut(rest, "@")
	sha, err := statement.ParseDigest(hex)
	if err != nil {
		return slotNone, blobName{}, refused
	}
	b := blobName{sha: sha}
	if partial {
		b.offset, err = strconv.ParseInt(at, 10, 64)
		if err != nil || b.offset < 1 || b.offset > MaxOffset || strconv.FormatInt(b.offset, 10) != at {
			return slotNone, blobName{}, refused
		}
	}
	return slotBlob, b, nil
}

func (b blobName) String() string {
	if b.offset == 0 {
		return blobPrefix + b.sha.String()
	}
	return blobPrefix + b.sha.String() + "@" + strconv.FormatInt(b.offset, 10)
}

// sequence holds members to their order.
type sequence struct {
	last  slot
	blobs map[blobName]bool
}

// admit takes the next member, or says why it may not stand there.
func (q *sequence) admit(s slot, b blobName) error {
	// spec: PKT-2, PKT-4
	switch {
	case q.last == slotNone && s != slotCheckpoint:
		return fault.New(fault.Malformed, "PKT-2", "the first member of a packet is its checkpoint")
	case s < q.last:
		return fault.New(fault.Malformed, "PKT-2", "the packet's members are out of order")
	case s == q.last && s != slotBlob:
		return fault.New(fault.Malformed, "PKT-2", "the packet has a member twice")
	}
	q.last = s
	if s != slotBlob {
		return nil
	}
	if q.blobs == nil {
		q.blobs = make(map[blobName]bool)
	}
	if q.blobs[b] {
		return fault.New(fault.Malformed, "PKT-2", "the packet has a member twice")
	}
	if len(q.blobs) == MaxBlobs {
		return fault.New(fault.TooLarge, "PKT-3", "a packet has at most %d blob members", MaxBlobs)
	}
	q.blobs[b] = true
	return nil
}

// lineBound holds for every line of a member and for their number.
type lineBound struct {
	what  string // in the plural
	count int
	bytes int // of one line
}

// boundOf is the bound of a member that is made of lines.
func boundOf(s slot) lineBound {
	// spec: PKT-3, STM-1, STM-3
	switch s {
	case slotHeads:
		return lineBound{"heads", MaxHeads, statement.MaxHead}
	case slotTiles:
		return lineBound{"tiles", MaxTiles, MaxTileLine}
	case slotWitnessed:
		return lineBound{"witnessed notes", MaxWitnessed, maxWitnessLine}
	case slotWant:
		return lineBound{"wants", MaxWant, 64}
	}
	return lineBound{"bodies", MaxBodies, statement.MaxBody}
}

func (b lineBound) many() error {
	return fault.New(fault.TooLarge, "PKT-3", "a packet has at most %d %s", b.count, b.what)
}

func (b lineBound) check(line []byte) error {
	switch {
	case len(line) == 0:
		return fault.New(fault.Malformed, "ENC-1", "one of the packet's %s is an empty line", b.what)
	case len(line) > b.bytes:
		return b.long()
	case bytes.IndexByte(line, '\n') >= 0:
		return fault.New(fault.Malformed, "ENC-1", "one of the packet's %s has a line feed inside", b.what)
	}
	return nil
}

func (b lineBound) long() error {
	return fault.New(fault.TooLarge, "PKT-3", "one of the packet's %s has more than %d bytes", b.what, b.bytes)
}

// errSize refuses a piece of the wrong size, one that is empty included.
func errSize(what string, max int) error {
	return fault.New(fault.TooLarge, "PKT-3", "a packet's %s has 1 to %d bytes", what, max)
}
