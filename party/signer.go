package party

// Role says what a key pair speaks for. Keys of different roles are never the same.
type Role string

// The roles.
const (
	RoleLog      Role = "log"      // signs the party's own checkpoints and letters
	RoleWitness  Role = "witness"  // cosigns other parties' checkpoints
	RoleRecovery Role = "recovery" // kept offline; rotates and revokes
)

// Algorithm is one of the two signature algorithms. Both are always required.
type Algorithm string

// The algorithms.
const (
	Ed25519 Algorithm = "ed25519" // RFC 8032; 32-byte keys, 64-byte signatures
	MLDSA44 Algorithm = "mldsa44" // FIPS 204; 1312-byte keys, 2420-byte signatures
)

// PublicKeys is the public half of a role's pair of keys. JSON: standard base64.
type PublicKeys struct {
	Ed25519 []byte `json:"ed25519"`
	MLDSA44 []byte `json:"mldsa44"`
}

// Signer signs with a party's private keys and never shows them. It is safe for concurrent use.
//
// Sign returns the raw signature of message under the role's key for that algorithm. context is the FIPS 204
// context string and must be empty for Ed25519, where the caller puts a domain prefix into the message itself. Sign
// fails with fault.Locked when the key is not held here (the recovery key seldom is). A failure is fatal to signing:
// callers stop rather than go on with one algorithm of two.
type Signer interface {
	PublicKeys(role Role) (PublicKeys, error)
	Sign(role Role, alg Algorithm, context string, message []byte) ([]byte, error)
}
