package keystore

import (
	"crypto/rand"
	"crypto/sha256"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"math/big"
	"time"

	"github.com/comity-exchange/comity/fault"
	"github.com/comity-exchange/comity/wire"
)

// Certificate is the node's self-signed TLS certificate. It is the same each time for the same keys: nothing is stored beside
// the key, and nothing of it counts but the key (NET-1), so it has no date that could pass.
func (k *Keys) Certificate() (tls.Certificate, error) {
	// spec: NET-1
	digest := k.TLSDigest()
	template := &x509.Certificate{
		SerialNumber:          new(big.Int).SetBytes(append([]byte{1}, digest[:15]...)), // positive, at most 20 bytes (RFC 5280, 4.1.2.2)
		Subject:               pkix.Name{CommonName: string(k.code)},
		NotBefore:             time.Date(2020, 1, 1, 0, 0, 0, 0, time.UTC),
		NotAfter:              time.Date(9999, 12, 31, 23, 59, 59, 0, time.UTC), // no end (RFC 5280, 4.1.2.5)
		KeyUsage:              x509.KeyUsageDigitalSignature,
		ExtKeyUsage:           []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth, x509.ExtKeyUsageClientAuth},
		BasicConstraintsValid: true,
	}
	der, err := x509.CreateCertificate(rand.Reader, template, template, k.tls.Public(), k.tls)
	if err != nil {
		return tls.Certificate{}, fault.Wrap(err, fault.Internal, "NET-1", "no certificate could be made")
	}
	leaf, err := x509.ParseCertificate(der)
	if err != nil {
		return tls.Certificate{}, fault.Wrap(err, fault.Internal, "NET-1", "no certificate could be made")
	}
	return tls.Certificate{Certificate: [][]byte{der}, PrivateKey: k.tls, Leaf: leaf}, nil
}

// TLSDigest is the digest of the certificate's SubjectPublicKeyInfo, which the letter names.
func (k *Keys) TLSDigest() wire.Digest {
	// spec: NET-1
	spki, err := x509.MarshalPKIXPublicKey(k.tls.Public())
	if err != nil {
		return wire.Digest{} // cannot be: an Ed25519 key always has this form
	}
	return sha256.Sum256(spki)
}
