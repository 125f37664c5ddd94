package journal

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"os"

	"github.com/go-json-experiment/json"

	"github.com/comity-exchange/comity/fault"
)

// A mark's file has two slots, each for one value: a JSON line, the beginning of its SHA-256, and spaces. A value that is raised goes into the slot of the
// older one, so that whatever becomes of the write, the value before it is there; and a file that does not grow takes one sync, of little more than the block.
const (
	slots    = 2
	slotSize = 4096 // a block: what is torn is the slot, and not its neighbour
	sumSize  = 8    // bytes of SHA-256: against damage, not against people
)

// slot is a value as it stands in the file. The greater turn is the newer one.
type slot struct {
	Turn      int64 `json:"turn"`
	MarkValue `json:",embed"`
}

// line is the slot as it is written, slotSize bytes.
func (s slot) line() ([]byte, error) {
	raw, err := json.Marshal(s)
	if err != nil {
		return nil, fault.Wrap(err, fault.Internal, "", "the high-water mark cannot be written")
	}
	raw = append(raw, ' ')
	raw = append(raw, sumOf(raw[:len(raw)-1])...)
	if len(raw) >= slotSize {
		return nil, fault.New(fault.Internal, "", "the high-water mark cannot be written")
	}
	raw = append(raw, bytes.Repeat([]byte{' '}, slotSize-len(raw)-1)...)
	return append(raw, '\n'), nil
}

func sumOf(raw []byte) string {
	sum := sha256.Sum256(raw)
	return hex.EncodeToString(sum[:sumSize])
}

// newest is the newest whole slot of a file; ok is false when there is none.
func newest(file []byte) (out slot, ok bool) {
	for line := range bytes.Lines(file) {
		raw, sum, found := cutLast(bytes.TrimSpace(line))
		var s slot
		if !found || sumOf(raw) != string(sum) || json.Unmarshal(raw, &s, json.RejectUnknownMembers(true)) != nil {
			continue
		}
		if !ok || s.Turn > out.Turn {
			out, ok = s, true
		}
	}
	return out, ok
}

func cutLast(line []byte) (before, after []byte, found bool) {
	i := bytes.LastIndexByte(line, ' ')
	if i < 0 {
		return nil, nil, false
	}
	return line[:i], line[i+1:], true
}

// put writes a slot over the older one of the file, and returns once it is on stable storage. The file must be there.
func (m *Mark) put(s slot) error {
	raw, err := s.line()
	if err != nil {
		return err
	}
	f, err := os.OpenFile(m.path, os.O_WRONLY, 0)
	if err != nil {
		return err
	}
	defer f.Close() // what counts is the sync
	if _, err := f.WriteAt(raw, s.Turn%slots*slotSize); err != nil {
		return err
	}
	m.reached.At(pointWritten)
	return syncData(f)
}

// file is a whole mark's file with one value.
func (s slot) file() ([]byte, error) {
	raw, err := s.line()
	if err != nil {
		return nil, err
	}
	empty := append(bytes.Repeat([]byte{' '}, slotSize-1), '\n')
	if s.Turn%slots == 0 {
		return append(raw, empty...), nil
	}
	return append(empty, raw...), nil
}

// resync syncs the file as it is.
func (m *Mark) resync() error {
	f, err := os.OpenFile(m.path, os.O_WRONLY, 0)
	if err != nil {
		return err
	}
	defer f.Close() // what counts is the sync
	return syncData(f)
}
