package translog

import (
	"bytes"
	"crypto/sha256"
	"encoding/base64"
	"encoding/binary"
	"encoding/hex"
	"fmt"
	"slices"
	"strings"
	"time"

	formats "github.com/transparency-dev/formats/note"
	"golang.org/x/crypto/cryptobyte"
	"golang.org/x/mod/sumdb/note"

	"github.com/comity-exchange/comity/fault"
	"github.com/comity-exchange/comity/party"
)

// Types of signed-note signatures, as C2SP numbers them.
const (
	typeEd25519     = 0x01 // over the text
	typeCosignature = 0x04 // Ed25519 over time and text
	typeSubtree     = 0x06 // ML-DSA-44 over time, names and tree
)

const timestampSize = 8 // big-endian Unix seconds before a signature of the last two types

// Checkpoint is a tree that its log has signed. Note is all of it, cosignatures included.
type Checkpoint struct {
	Tree
	Time time.Time // whole seconds, UTC, by the log's clock
	Note []byte
}

// SignCheckpoint signs a tree with both keys of the log, at the second of at. No checkpoint comes back that lacks one of the two. Before
// it leaves the node its size and root are on stable storage elsewhere (LOG-12): that is the caller's.
func SignCheckpoint(s party.Signer, t Tree, at time.Time) ([]byte, error) {
	// spec: LOG-3, LOG-4
	if err := t.check(); err != nil {
		return nil, err
	}
	if err := checkTime(at.Unix()); err != nil {
		return nil, err
	}
	keys, err := s.PublicKeys(party.RoleLog)
	if err != nil {
		return nil, err
	}
	name, text := string(t.Origin), t.text()
	classic, err := s.Sign(party.RoleLog, party.Ed25519, "", text)
	if err != nil {
		return nil, err
	}
	quantum, err := signSubtree(s, party.RoleLog, name, t, at)
	if err != nil {
		return nil, err
	}
	b := append(text, '\n')
	b = signature{name, slices.Concat(keyID(name, typeEd25519, keys.Ed25519), classic)}.append(b)
	return signature{name, slices.Concat(keyID(name, typeSubtree, keys.MLDSA44), quantum)}.append(b), nil
}

// text is what is signed: three lines.
func (t Tree) text() []byte {
	return fmt.Appendf(nil, "%s\n%d\n%s\n", t.Origin, t.Size, t.Root)
}

// signSubtree is timestamp ‖ ML-DSA-44 signature of a cosigner over the whole tree (C2SP tlog-cosignature, subtree/v1).
func signSubtree(s party.Signer, role party.Role, cosigner string, t Tree, at time.Time) ([]byte, error) {
	// spec: LOG-4
	var m cryptobyte.Builder
	opaque := func(v string) {
		m.AddUint8LengthPrefixed(func(b *cryptobyte.Builder) { b.AddBytes([]byte(v)) })
	}
	m.AddBytes([]byte("subtree/v1\n\x00"))
	opaque(cosigner)
	m.AddUint64(uint64(at.Unix()))
	opaque(string(t.Origin))
	m.AddUint64(0)
	m.AddUint64(uint64(t.Size))
	m.AddBytes(t.Root[:])
	message, err := m.Bytes()
	if err != nil {
		return nil, fault.Wrap(err, fault.Internal, "LOG-4", "the tree could not be written for signing")
	}
	sig, err := s.Sign(role, party.MLDSA44, "", message)
	if err != nil {
		return nil, err
	}
	return append(stamp(at), sig...), nil
}

func stamp(at time.Time) []byte { return binary.BigEndian.AppendUint64(nil, uint64(at.Unix())) }

// checkTime bounds a signature's seconds by the years that the protocol knows.
func checkTime(seconds int64) error {
	// spec: ENC-5
	const first, end = 1577836800, 7258118400 // the beginnings of 2020 and 2200
	if seconds < first || seconds >= end {
		return fault.New(fault.Clock, "ENC-5", "a signature's time is not from 2020 to 2199")
	}
	return nil
}

// OpenCheckpoint reads a note and verifies it as a checkpoint of origin under the log's keys. Errors: fault.Malformed or fault.TooLarge for
// its form; fault.NotAuthentic for another origin, a signature that is missing (LOG-4) or one that does not verify (LOG-5).
func OpenCheckpoint(b []byte, origin party.Origin, keys party.PublicKeys) (Checkpoint, error) {
	t, sigs, err := openNote(b)
	if err != nil {
		return Checkpoint{}, err
	}
	if t.Origin != origin {
		return Checkpoint{}, fault.New(fault.NotAuthentic, "LOG-4", "the checkpoint is one of another log")
	}
	classic, quantum, err := verifiers(string(origin), typeEd25519, keys)
	if err != nil {
		return Checkpoint{}, err
	}
	cp, text := Checkpoint{Tree: t, Note: bytes.Clone(b)}, t.text()
	signed := false
	for _, s := range sigs {
		// Every line of the log's is held against its key, not only the first: one that does not verify would spoil what the note is
		// merged into.
		// spec: LOG-5
		isClassic, isQuantum := s.by(classic), s.by(quantum)
		if isClassic && !classic.Verify(text, s.made()) || isQuantum && !quantum.Verify(text, s.made()) {
			return Checkpoint{}, fault.New(fault.NotAuthentic, "LOG-5", "a signature of the log does not verify")
		}
		signed = signed || isClassic
		if isQuantum {
			at, err := stamped(s)
			if err != nil {
				return Checkpoint{}, err
			}
			if cp.Time.IsZero() || at.Before(cp.Time) {
				cp.Time = at
			}
		}
	}
	// spec: LOG-4
	if !signed || cp.Time.IsZero() {
		return Checkpoint{}, fault.New(fault.NotAuthentic, "LOG-4", "the checkpoint lacks one of the log's two signatures")
	}
	return cp, nil
}

// stamped is the time in a verified signature that has one.
func stamped(s signature) (time.Time, error) {
	seconds := int64(binary.BigEndian.Uint64(s.made()))
	return time.Unix(seconds, 0).UTC(), checkTime(seconds)
}

// VerifierKeys gives a log's keys as strings that other programs take: signed-note type 1 and type 6.
func VerifierKeys(origin string, keys party.PublicKeys) (ed25519, mldsa44 string) {
	return verifierKey(origin, typeEd25519, keys.Ed25519), verifierKey(origin, typeSubtree, keys.MLDSA44)
}

// WitnessKeys gives a witness's keys likewise: type 4 and type 6.
func WitnessKeys(name string, keys party.PublicKeys) (ed25519, mldsa44 string) {
	return verifierKey(name, typeCosignature, keys.Ed25519), verifierKey(name, typeSubtree, keys.MLDSA44)
}

func verifierKey(name string, kind byte, key []byte) string {
	// spec: LOG-5
	return name + "+" + hex.EncodeToString(keyID(name, kind, key)) + "+" + base64.StdEncoding.EncodeToString(append([]byte{kind}, key...))
}

// keyID is the four bytes that tell keys of one name apart.
func keyID(name string, kind byte, key []byte) []byte {
	// spec: LOG-5
	sum := sha256.Sum256(slices.Concat([]byte(name), []byte{'\n', kind}, key))
	return sum[:4]
}

// verifiers are those of transparency-dev/formats: what counts here is what counts for any other program.
func verifiers(name string, kind byte, keys party.PublicKeys) (classic, quantum note.Verifier, err error) {
	key := verifierKey(name, kind, keys.Ed25519)
	if kind == typeEd25519 {
		classic, err = note.NewVerifier(key)
	} else {
		classic, err = formats.NewVerifierForCosignatureV1(key)
	}
	if err == nil {
		quantum, err = formats.NewVerifierForCosignatureV1(verifierKey(name, typeSubtree, keys.MLDSA44))
	}
	if err != nil {
		return nil, nil, fault.Wrap(err, fault.Malformed, "LOG-5", "the verifying keys are no keys")
	}
	return classic, quantum, nil
}

// MergeSignatures gives one note with the signature lines of both, which must be of one text: the log's first, then by name, key and bytes, so
// that of several by one key the earliest comes first; none twice. It verifies nothing: merge what was opened, and Keep only names that are
// known. Errors: fault.Malformed for two texts, fault.TooLarge for too many lines.
func MergeSignatures(a, b []byte) ([]byte, error) {
	ta, sigs, err := openNote(a)
	if err != nil {
		return nil, err
	}
	tb, more, err := openNote(b)
	if err != nil {
		return nil, err
	}
	if ta != tb {
		return nil, fault.New(fault.Malformed, "LOG-11", "the notes are not of one text")
	}
	return formatNote(ta, append(sigs, more...))
}

// Keep drops the signature lines whose key's name keep does not want. Anybody can hang lines on a note; this keeps them from piling up.
func Keep(b []byte, keep func(name string) bool) ([]byte, error) {
	t, sigs, err := openNote(b)
	if err != nil {
		return nil, err
	}
	return formatNote(t, slices.DeleteFunc(sigs, func(s signature) bool { return !keep(s.name) }))
}

func formatNote(t Tree, sigs []signature) ([]byte, error) {
	own := func(s signature) bool { return s.name == string(t.Origin) }
	slices.SortFunc(sigs, func(a, b signature) int {
		switch {
		case own(a) && !own(b):
			return -1
		case own(b) && !own(a):
			return 1
		case a.name != b.name:
			return strings.Compare(a.name, b.name)
		}
		return bytes.Compare(a.raw, b.raw)
	})
	sigs = slices.CompactFunc(sigs, func(a, b signature) bool { return a.name == b.name && bytes.Equal(a.raw, b.raw) })
	if len(sigs) > MaxSignatureLines {
		return nil, fault.New(fault.TooLarge, "LOG-5", "a checkpoint has at most %d signature lines", MaxSignatureLines)
	}
	out := append(t.text(), '\n')
	for _, s := range sigs {
		out = s.append(out)
	}
	if len(out) > MaxNote {
		return nil, fault.New(fault.TooLarge, "LOG-3", "a checkpoint has at most %d bytes", MaxNote)
	}
	return out, nil
}
