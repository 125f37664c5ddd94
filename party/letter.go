package party

import (
	"bytes"
	"crypto/sha256"
	"encoding/base64"

	"github.com/go-json-experiment/json"

	"github.com/comity-exchange/comity/fault"
	"github.com/comity-exchange/comity/wire"
)

// Bounds of LTR-1 and LTR-3, in bytes and counts.
const (
	MaxLetterLine    = 32 << 10
	MaxSignatureLine = 8 << 10
	MaxLetter        = MaxLetterLine + 2*MaxSignatureLine + 3
	MaxEndpoints     = 8
	MaxContacts      = 32
	MaxText          = 200 // of a name or a contact's detail
	MaxLeaves        = 1 << 40
)

// signingPrefix keeps a letter's signatures apart from all others (LTR-4). Without its line feed it is the FIPS 204 context.
const (
	signingContext = "comity/letter/v1"
	signingPrefix  = signingContext + "\n"
)

// ContactRole says what a point of contact is for.
type ContactRole string

// The roles of contacts.
const (
	ContactTechnical      ContactRole = "technical"
	ContactDiplomatic     ContactRole = "diplomatic"
	ContactLawEnforcement ContactRole = "law-enforcement"
	ContactLeadership     ContactRole = "leadership"
)

// Contact is a point of contact. All but Role may be empty. Languages are BCP 47 tags.
type Contact struct {
	Role      ContactRole `json:"role"`
	Name      string      `json:"name,omitzero"`
	Email     string      `json:"email,omitzero"`
	Phone     string      `json:"phone,omitzero"`
	Hours     string      `json:"hours,omitzero"`
	Languages []string    `json:"languages,omitempty"`
}

// WitnessKeys cosign other parties' checkpoints under Name, "XA/witness/1".
type WitnessKeys struct {
	Name string `json:"name"`
	PublicKeys
}

// Closing is the last checkpoint that stands of an origin that a letter closes. Root has 32 bytes.
type Closing struct {
	Origin Origin `json:"origin"`
	Size   int64  `json:"size"`
	Root   []byte `json:"root"`
}

// Letter is a letter of credence. It is not changed after ParseLetter made it; as a draft for SignLetter its V, Raw, Line and
// Digest are ignored.
type Letter struct {
	V         int               `json:"v"`
	Code      Code              `json:"code"`
	Names     map[string]string `json:"names"` // language tag → name
	Serial    int64             `json:"serial"`
	Origin    Origin            `json:"origin"`
	Log       PublicKeys        `json:"log"`
	Witness   WitnessKeys       `json:"witness"`
	Seal      string            `json:"seal"`      // age recipient
	TLS       wire.Digest       `json:"tls"`       // of the certificate's SubjectPublicKeyInfo
	Endpoints []string          `json:"endpoints"` // none: the node cannot be reached
	Contacts  []Contact         `json:"contacts"`
	Recovery  wire.Digest       `json:"recovery"` // RecoveryCommitment
	Issued    wire.Time         `json:"issued"`
	Previous  wire.Digest       `json:"previous,omitzero"` // zero in the first letter
	Closing   *Closing          `json:"closing,omitempty"` // nil: the origin stays open
	Revokes   bool              `json:"revokes,omitzero"`  // the closed origin's keys are not trusted any more

	Raw    []byte      `json:"-"` // the whole text, signature lines included
	Line   []byte      `json:"-"` // the letter line, without line feed
	Digest wire.Digest `json:"-"` // SHA-256 of Line

	recoveredBy wire.Digest // commitment to the key of a recovery signature that verified; zero without one
}

// signatureLine is the second or third line of a letter.
type signatureLine struct {
	By string `json:"by"`
	Signatures
	Key *PublicKeys `json:"key,omitempty"`
}

// ParseLetter reads a letter of at most MaxLetter bytes and verifies its own signatures: the log's and, when there is one, that
// of the recovery key which it shows. Whether that is the right recovery key only the letter before can tell: Succeeds.
// Errors: fault.Malformed, fault.TooLarge, fault.NotAuthentic, each with its clause.
func ParseLetter(raw []byte) (*Letter, error) {
	// spec: LTR-1
	if len(raw) > MaxLetter {
		return nil, fault.New(fault.TooLarge, "LTR-1", "a letter has at most %d bytes", MaxLetter)
	}
	raw = bytes.Clone(raw)
	lines, err := wire.Lines(raw)
	if err != nil {
		return nil, err
	}
	if len(lines) != 2 && len(lines) != 3 {
		return nil, fault.New(fault.Malformed, "LTR-1", "a letter has two or three lines")
	}
	l, err := parseLine(lines[0])
	if err != nil {
		return nil, err
	}
	l.Raw = raw
	if err := l.verify(lines[1:]); err != nil {
		return nil, err
	}
	return l, nil
}

func parseLine(line []byte) (*Letter, error) {
	if len(line) > MaxLetterLine {
		return nil, fault.New(fault.TooLarge, "LTR-1", "a letter line has at most %d bytes", MaxLetterLine)
	}
	if err := wire.CheckJSON(line, MaxLetterLine); err != nil {
		return nil, err
	}
	l := &Letter{Line: line, Digest: sha256.Sum256(line)} // spec: LTR-2
	if err := wire.Decode(line, l, "LTR-3", "the letter has a member of the wrong form"); err != nil {
		return nil, err
	}
	if err := checkMembers(line); err != nil {
		return nil, err
	}
	spelled := [][]byte{l.Log.Ed25519, l.Log.MLDSA44, l.Witness.Ed25519, l.Witness.MLDSA44}
	if l.Closing != nil {
		spelled = append(spelled, l.Closing.Root)
	}
	if err := checkSpelling(line, spelled...); err != nil {
		return nil, err
	}
	return l, l.check()
}

// checkSpelling holds byte strings against the text that they were read from: base64 has one spelling of them, and no left-over bits.
func checkSpelling(line []byte, values ...[]byte) error {
	// spec: ENC-4
	for _, v := range values {
		if !bytes.Contains(line, []byte(`"`+base64.StdEncoding.EncodeToString(v)+`"`)) {
			return fault.New(fault.Malformed, "ENC-4", "a byte string is not spelled as base64 spells it")
		}
	}
	return nil
}

// verify holds the signature lines against the letter line.
func (l *Letter) verify(lines [][]byte) error {
	message := append([]byte(signingPrefix), l.Line...)
	own, err := parseSignature(lines[0], "log")
	if err != nil {
		return err
	}
	// spec: LTR-4, LTR-5
	if !l.Log.VerifyBoth(signingContext, message, own.Signatures) {
		return fault.New(fault.NotAuthentic, "LTR-5", "the letter is not signed by the log keys that it names")
	}
	if len(lines) == 1 {
		return nil
	}
	if l.Serial == 1 {
		return fault.New(fault.Malformed, "LTR-1", "a first letter has no recovery signature")
	}
	rec, err := parseSignature(lines[1], "recovery")
	if err != nil {
		return err
	}
	if !rec.Key.VerifyBoth(signingContext, message, rec.Signatures) {
		return fault.New(fault.NotAuthentic, "LTR-4", "the letter's recovery signature does not verify")
	}
	l.recoveredBy = RecoveryCommitment(*rec.Key)
	return nil
}

func parseSignature(line []byte, by string) (*signatureLine, error) {
	// spec: LTR-4
	if len(line) > MaxSignatureLine {
		return nil, fault.New(fault.TooLarge, "LTR-4", "a signature line has at most %d bytes", MaxSignatureLine)
	}
	if err := wire.CheckJSON(line, MaxSignatureLine); err != nil {
		return nil, err
	}
	s := &signatureLine{}
	if err := wire.Decode(line, s, "LTR-4", "a signature line has a member of the wrong form"); err != nil {
		return nil, err
	}
	if s.By != by || (s.Key != nil) != (by == "recovery") {
		return nil, fault.New(fault.Malformed, "LTR-4", "the lines after the letter are the log's signature, then the recovery key's")
	}
	spelled := [][]byte{s.Ed25519, s.MLDSA44}
	if s.Key != nil {
		spelled = append(spelled, s.Key.Ed25519, s.Key.MLDSA44)
	}
	return s, checkSpelling(line, spelled...)
}

// HasRecoverySignature tells whether the letter carries a recovery signature that verified under the key that it shows.
func (l *Letter) HasRecoverySignature() bool { return !l.recoveredBy.IsZero() }

// SignLetter writes a letter once, signs it with the log's keys and, when recovery is not nil, with the recovery key, and reads it back,
// so that what leaves has passed what a receiver checks. Errors: those of ParseLetter and of the signers.
func SignLetter(draft Letter, log, recovery Signer) ([]byte, error) {
	draft.V = 1
	line, err := json.Marshal(draft, json.Deterministic(true))
	if err != nil {
		return nil, fault.Wrap(err, fault.Internal, "", "the letter could not be written")
	}
	message := append([]byte(signingPrefix), line...)
	own := signatureLine{By: "log"}
	if own.Signatures, err = SignBoth(log, RoleLog, signingContext, message); err != nil {
		return nil, err
	}
	lines := []any{own}
	if recovery != nil {
		key, err := recovery.PublicKeys(RoleRecovery)
		if err != nil {
			return nil, err
		}
		rec := signatureLine{By: "recovery", Key: &key}
		if rec.Signatures, err = SignBoth(recovery, RoleRecovery, signingContext, message); err != nil {
			return nil, err
		}
		lines = append(lines, rec)
	}
	raw := append(line, '\n')
	for _, s := range lines {
		b, err := json.Marshal(s)
		if err != nil {
			return nil, fault.Wrap(err, fault.Internal, "", "the letter could not be written")
		}
		raw = append(append(raw, b...), '\n')
	}
	l, err := ParseLetter(raw)
	if err != nil {
		return nil, err
	}
	return l.Raw, nil
}
