package authtest

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
	"encoding/binary"
	"testing"

	"github.com/go-json-experiment/json"
)

// Device has one passkey at most. What a test changes before it answers makes a bad answer.
type Device struct {
	Origin string // of the page that the browser shows
	RP     string // to which the key is bound
	Flags  byte   // of the authenticator's data: Present, Verified
	Count  uint32 // of signatures, as the next answer tells it; 0: it does not count
	Handle []byte // of its holder
	ID     []byte // of the key
	Type   string // of the client's data; "": the right one

	Challenge string // in place of the one that was asked; "": that one
	key       *ecdsa.PrivateKey
}

// Flags of an authenticator's data (WebAuthn, 6.1).
const (
	Present  = 1 << 0
	Verified = 1 << 2
	attested = 1 << 6
)

// NewDevice makes a device without a key, whose browser shows a page of origin on host.
func NewDevice(origin, host string) *Device {
	return &Device{Origin: origin, RP: host, Flags: Present | Verified}
}

// Clone is another device with the same key.
func (d *Device) Clone() *Device {
	c := *d
	return &c
}

type asked struct {
	PublicKey struct {
		Challenge string `json:"challenge"`
		User      struct {
			ID string `json:"id"`
		} `json:"user"`
	} `json:"publicKey"`
}

func parse(t testing.TB, options []byte) (a asked) {
	t.Helper()
	if err := json.Unmarshal(options, &a); err != nil {
		t.Fatalf("the options are no JSON: %v", err)
	}
	return a
}

func text(b []byte) string { return base64.RawURLEncoding.EncodeToString(b) }

func bytesOf(t testing.TB, s string) []byte {
	t.Helper()
	b, err := base64.RawURLEncoding.DecodeString(s)
	if err != nil {
		t.Fatal(err)
	}
	return b
}

func (d *Device) client(kind, challenge string) []byte {
	if d.Type != "" {
		kind = d.Type
	}
	if d.Challenge != "" {
		challenge = d.Challenge
	}
	b, err := json.Marshal(map[string]any{"type": kind, "challenge": challenge, "origin": d.Origin, "crossOrigin": false}, json.Deterministic(true))
	if err != nil {
		panic(err) // a map of texts
	}
	return b
}

func (d *Device) data(flags byte) []byte {
	rp := sha256.Sum256([]byte(d.RP))
	return binary.BigEndian.AppendUint32(append(rp[:], flags), d.Count)
}

// Create makes a key as options ask, and gives the answer.
func (d *Device) Create(t testing.TB, options []byte) []byte {
	t.Helper()
	a := parse(t, options)
	var err error
	if d.key, err = ecdsa.GenerateKey(elliptic.P256(), rand.Reader); err != nil {
		t.Fatal(err)
	}
	d.Handle, d.ID = bytesOf(t, a.PublicKey.User.ID), make([]byte, 32)
	rand.Read(d.ID)
	public, err := d.key.PublicKey.ECDH()
	if err != nil {
		t.Fatal(err)
	}
	point := public.Bytes()[1:]
	data := append(d.data(d.Flags|attested), make([]byte, 16)...) // no maker is told
	data = append(binary.BigEndian.AppendUint16(data, uint16(len(d.ID))), d.ID...)
	data = append(data, 0xa5, 1, 2, 3, 0x26, 0x20, 1, 0x21, 0x58, 32) // ES256, as COSE has it
	data = append(append(append(data, point[:32]...), 0x22, 0x58, 32), point[32:]...)
	object := []byte("\xa3\x63fmt\x64none\x67attStmt\xa0\x68authData\x59")
	object = append(binary.BigEndian.AppendUint16(object, uint16(len(data))), data...)
	return answer(t, d.ID, map[string]any{
		"clientDataJSON": text(d.client("webauthn.create", a.PublicKey.Challenge)), "attestationObject": text(object), "transports": []string{"internal"},
	})
}

// Sign answers options with the key.
func (d *Device) Sign(t testing.TB, options []byte) []byte {
	t.Helper()
	a := parse(t, options)
	client, data := d.client("webauthn.get", a.PublicKey.Challenge), d.data(d.Flags)
	sum := sha256.Sum256(client)
	digest := sha256.Sum256(append(append([]byte{}, data...), sum[:]...))
	signature, err := ecdsa.SignASN1(rand.Reader, d.key, digest[:])
	if err != nil {
		t.Fatal(err)
	}
	return answer(t, d.ID, map[string]any{
		"clientDataJSON": text(client), "authenticatorData": text(data), "signature": text(signature), "userHandle": text(d.Handle),
	})
}

func answer(t testing.TB, id []byte, response map[string]any) []byte {
	t.Helper()
	b, err := json.Marshal(map[string]any{
		"id": text(id), "rawId": text(id), "type": "public-key", "response": response, "clientExtensionResults": map[string]any{},
	}, json.Deterministic(true))
	if err != nil {
		t.Fatal(err)
	}
	return b
}
