package party

import (
	"bytes"
	"crypto/ed25519"
	"crypto/sha256"

	"filippo.io/mldsa"

	"github.com/comity-exchange/comity/fault"
	"github.com/comity-exchange/comity/wire"
)

// Check tells whether both halves have the size and form of their algorithm.
func (k PublicKeys) Check() error {
	// spec: LTR-3
	if len(k.Ed25519) != ed25519.PublicKeySize {
		return fault.New(fault.Malformed, "LTR-3", "an Ed25519 key has %d bytes", ed25519.PublicKeySize)
	}
	if _, err := mldsa.NewPublicKey(mldsa.MLDSA44(), k.MLDSA44); err != nil {
		return fault.Wrap(err, fault.Malformed, "LTR-3", "an ML-DSA-44 key has %d bytes", mldsa.MLDSA44PublicKeySize)
	}
	return nil
}

// Equal tells whether both halves are the same.
func (k PublicKeys) Equal(o PublicKeys) bool {
	return bytes.Equal(k.Ed25519, o.Ed25519) && bytes.Equal(k.MLDSA44, o.MLDSA44)
}

// shares tells whether one half at least is the same.
func (k PublicKeys) shares(o PublicKeys) bool {
	return bytes.Equal(k.Ed25519, o.Ed25519) || bytes.Equal(k.MLDSA44, o.MLDSA44)
}

// Verify tells whether sig is the raw signature of message under one of the two keys. context is the FIPS 204 context string,
// at most 255 bytes, and must be empty for Ed25519. A key of the wrong size verifies nothing.
func (k PublicKeys) Verify(alg Algorithm, context string, message, sig []byte) bool {
	switch alg {
	case Ed25519:
		return context == "" && len(k.Ed25519) == ed25519.PublicKeySize && ed25519.Verify(k.Ed25519, message, sig)
	case MLDSA44:
		pub, err := mldsa.NewPublicKey(mldsa.MLDSA44(), k.MLDSA44)
		return err == nil && mldsa.Verify(pub, message, sig, &mldsa.Options{Context: context}) == nil
	}
	return false
}

// Signatures is one signature of each algorithm over the same bytes.
type Signatures struct {
	Ed25519 []byte `json:"ed25519"`
	MLDSA44 []byte `json:"mldsa44"`
}

// VerifyBoth tells whether both signatures of message verify; the ML-DSA-44 one under the FIPS 204 context. One of two is
// none. The message must begin with a prefix of its own, since Ed25519 has no context.
func (k PublicKeys) VerifyBoth(context string, message []byte, s Signatures) bool {
	return k.Verify(Ed25519, "", message, s.Ed25519) && k.Verify(MLDSA44, context, message, s.MLDSA44)
}

// SignBoth signs message with both keys of a role, as VerifyBoth checks it.
func SignBoth(s Signer, role Role, context string, message []byte) (Signatures, error) {
	ed, err := s.Sign(role, Ed25519, "", message)
	if err != nil {
		return Signatures{}, err
	}
	pq, err := s.Sign(role, MLDSA44, context, message)
	if err != nil {
		return Signatures{}, err
	}
	return Signatures{ed, pq}, nil
}

// RecoveryCommitment is what a letter says of the recovery key: H(ed25519 ‖ mldsa44).
func RecoveryCommitment(k PublicKeys) wire.Digest {
	// spec: LTR-3
	h := sha256.New()
	h.Write(k.Ed25519)
	h.Write(k.MLDSA44)
	return wire.Digest(h.Sum(nil))
}
