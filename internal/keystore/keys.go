package keystore

import (
	"crypto/ed25519"
	"crypto/fips140"
	"crypto/hmac"
	"crypto/rand"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"strconv"
	"strings"

	"filippo.io/age"
	"filippo.io/mldsa"

	"github.com/comity-exchange/comity/fault"
	"github.com/comity-exchange/comity/party"
	"github.com/comity-exchange/comity/wire"
)

// pair is the private half of a role's keys.
type pair struct {
	ed ed25519.PrivateKey
	pq *mldsa.PrivateKey
}

func newPair() (pair, error) {
	_, ed, err := ed25519.GenerateKey(nil)
	if err != nil {
		return pair{}, fault.Wrap(err, fault.Internal, "", "no Ed25519 key could be made")
	}
	pq, err := mldsa.GenerateKey(mldsa.MLDSA44())
	if err != nil {
		return pair{}, fault.Wrap(err, fault.Internal, "", "no ML-DSA-44 key could be made")
	}
	return pair{ed, pq}, nil
}

func (p pair) public() party.PublicKeys {
	return party.PublicKeys{Ed25519: p.ed.Public().(ed25519.PublicKey), MLDSA44: p.pq.PublicKey().Bytes()}
}

// sign does what party.Signer promises for one pair.
func (p pair) sign(alg party.Algorithm, context string, message []byte) ([]byte, error) {
	switch {
	case alg == party.Ed25519 && context == "":
		return ed25519.Sign(p.ed, message), nil
	case alg == party.MLDSA44:
		sig, err := p.pq.Sign(nil, message, &mldsa.Options{Context: context})
		if err != nil {
			return nil, fault.Wrap(err, fault.Internal, "", "the ML-DSA-44 key did not sign")
		}
		return sig, nil
	}
	return nil, fault.New(fault.Internal, "", "no such algorithm, or a context where Ed25519 has none")
}

// Keys are the private keys of one node. They are made by Generate, Next or Load.
type Keys struct {
	code         party.Code
	serial       int // of the log
	witnessOrder int // serial in the witness's name
	log          pair
	witness      pair
	seal         *age.HybridIdentity
	formerSeal   *age.HybridIdentity // before the last rotation, for packets that are still on their way; nil at first
	tls          ed25519.PrivateKey
	pseudonym    []byte // key of HMAC-SHA-256; stays the same for a node's life
}

// Generate makes all keys of a new node whose log is code/serial. serial is 1 to 9999.
func Generate(code party.Code, serial int) (*Keys, error) {
	if _, err := party.ParseOrigin(string(party.MakeOrigin(code, serial))); err != nil {
		return nil, err
	}
	k := &Keys{code: code, serial: serial, witnessOrder: 1, pseudonym: make([]byte, 32)}
	rand.Read(k.pseudonym) // never fails: crypto/rand ends the process instead
	if err := k.renew(); err != nil {
		return nil, err
	}
	return k, nil
}

// Next makes the keys that a rotation needs: every pair is new, the log is code/serial, the witness's name counts on. The key of pseudonyms
// stays, or nobody could tell any more which officer spoke; the last sealing key stays beside the new one for opening alone.
func (k *Keys) Next(serial int) (*Keys, error) {
	if serial <= k.serial || serial > 9999 {
		return nil, fault.New(fault.Usage, "LTR-7", "the next log's serial is above %d and at most 9999", k.serial)
	}
	n := &Keys{code: k.code, serial: serial, witnessOrder: k.witnessOrder + 1, pseudonym: k.pseudonym, formerSeal: k.seal}
	if err := n.renew(); err != nil {
		return nil, err
	}
	return n, nil
}

// After makes the keys that follow those of a letter, where these are lost: as Next does, but for what only the lost keys knew. Which officer stands behind
// a pseudonym of before, nobody can tell any more, and packets that are still on their way cannot be opened.
func After(l *party.Letter) (*Keys, error) {
	order, err := strconv.Atoi(l.Witness.Name[strings.LastIndexByte(l.Witness.Name, '/')+1:])
	if err != nil {
		return nil, fault.Wrap(err, fault.Malformed, "LTR-3", "the letter's witness has no number")
	}
	lost := &Keys{code: l.Code, serial: l.Origin.Serial(), witnessOrder: order, pseudonym: make([]byte, 32)}
	rand.Read(lost.pseudonym) // never fails: crypto/rand ends the process instead
	return lost.Next(lost.serial + 1)
}

// renew makes every pair anew.
func (k *Keys) renew() (err error) {
	if err := usable(); err != nil {
		return err
	}
	if k.log, err = newPair(); err != nil {
		return err
	}
	if k.witness, err = newPair(); err != nil {
		return err
	}
	if k.seal, err = age.GenerateHybridIdentity(); err != nil {
		return fault.Wrap(err, fault.Internal, "", "no sealing key could be made")
	}
	if _, k.tls, err = ed25519.GenerateKey(nil); err != nil {
		return fault.Wrap(err, fault.Internal, "", "no TLS key could be made")
	}
	return nil
}

// usable refuses a process in which age's hybrid keys cannot work: making one would hang there.
func usable() error {
	if fips140.Enforced() {
		return fault.New(fault.Locked, "", "the process runs with GODEBUG=fips140=only, under which age's hybrid keys cannot be made or used; use fips140=on or leave it out")
	}
	return nil
}

// Code is the party whose keys they are.
func (k *Keys) Code() party.Code { return k.code }

// Origin is the log that the log keys sign.
func (k *Keys) Origin() party.Origin { return party.MakeOrigin(k.code, k.serial) }

// Witness is the name under which the witness keys cosign: "XA/witness/1".
func (k *Keys) Witness() string { return fmt.Sprintf("%s/witness/%d", k.code, k.witnessOrder) }

// PublicKeys gives the public half of the log's or the witness's keys. Error: fault.Locked for a role that is not held here.
func (k *Keys) PublicKeys(role party.Role) (party.PublicKeys, error) {
	p, err := k.pair(role)
	if err != nil {
		return party.PublicKeys{}, err
	}
	return p.public(), nil
}

// Sign implements party.Signer for party.RoleLog and party.RoleWitness.
func (k *Keys) Sign(role party.Role, alg party.Algorithm, context string, message []byte) ([]byte, error) {
	p, err := k.pair(role)
	if err != nil {
		return nil, err
	}
	return p.sign(alg, context, message)
}

func (k *Keys) pair(role party.Role) (pair, error) {
	switch role {
	case party.RoleLog:
		return k.log, nil
	case party.RoleWitness:
		return k.witness, nil
	}
	return pair{}, fault.New(fault.Locked, "", "the node does not hold the %s key", role)
}

// Seal is the age recipient that packets for this node are sealed to.
func (k *Keys) Seal() string { return k.seal.Recipient().String() }

// Identity opens packets that were sealed to this node: by its present sealing key or by the one before.
func (k *Keys) Identity() age.Identity { return opener{k.seal, k.formerSeal} }

// opener tries the present key, then the former one.
type opener struct{ now, former *age.HybridIdentity }

// Unwrap implements age.Identity.
func (o opener) Unwrap(stanzas []*age.Stanza) ([]byte, error) {
	key, err := o.now.Unwrap(stanzas)
	if o.former != nil && errors.Is(err, age.ErrIncorrectIdentity) {
		return o.former.Unwrap(stanzas)
	}
	return key, err
}

// Pseudonym is what a head says instead of an officer's name: 32 hexadecimal digits that only this node can lead back to the name, by
// computing them again for each of its officers.
func (k *Keys) Pseudonym(officer string) string {
	m := hmac.New(sha256.New, k.pseudonym)
	m.Write([]byte("comity/officer/v1\n" + officer))
	return hex.EncodeToString(m.Sum(nil)[:16])
}

// Fill writes code, origin and all public halves into a draft; the rest of it stays as it is.
func (k *Keys) Fill(d *party.Letter) {
	// spec: LTR-3
	d.Code, d.Origin, d.Log, d.Seal, d.TLS = k.code, k.Origin(), k.log.public(), k.Seal(), k.TLSDigest()
	d.Witness = party.WitnessKeys{Name: k.Witness(), PublicKeys: k.witness.public()}
}

// Draft is the beginning of a first letter. Names, endpoints, contacts and the time of issue are the operator's to add.
func (k *Keys) Draft(recovery party.PublicKeys) party.Letter {
	d := party.Letter{Serial: 1, Recovery: party.RecoveryCommitment(recovery), Endpoints: []string{}, Contacts: []party.Contact{}, Names: map[string]string{}}
	k.Fill(&d)
	return d
}

// Recovery is the key pair that rotates and revokes. It belongs on a medium that is not in the node.
type Recovery struct{ keys pair }

// GenerateRecovery makes one.
func GenerateRecovery() (*Recovery, error) {
	if err := usable(); err != nil {
		return nil, err
	}
	p, err := newPair()
	if err != nil {
		return nil, err
	}
	return &Recovery{p}, nil
}

// PublicKeys gives the public half. Error: fault.Locked for another role than party.RoleRecovery.
func (r *Recovery) PublicKeys(role party.Role) (party.PublicKeys, error) {
	if role != party.RoleRecovery {
		return party.PublicKeys{}, fault.New(fault.Locked, "", "a recovery file does not hold the %s key", role)
	}
	return r.keys.public(), nil
}

// Sign implements party.Signer for party.RoleRecovery.
func (r *Recovery) Sign(role party.Role, alg party.Algorithm, context string, message []byte) ([]byte, error) {
	if role != party.RoleRecovery {
		return nil, fault.New(fault.Locked, "", "a recovery file does not hold the %s key", role)
	}
	return r.keys.sign(alg, context, message)
}

// Commitment is what a letter says of this key (LTR-3).
func (r *Recovery) Commitment() wire.Digest { return party.RecoveryCommitment(r.keys.public()) }

var (
	_ party.Signer = (*Keys)(nil)
	_ party.Signer = (*Recovery)(nil)
)
