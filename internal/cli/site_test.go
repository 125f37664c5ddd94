package cli

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"encoding/pem"
	"math/big"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/comity-exchange/comity/fault"
)

// TestRenewedCertificate: a certificate that was renewed is taken up; one that does not belong to its key is not, and the one before goes on.
func TestRenewedCertificate(t *testing.T) {
	t.Parallel()
	p := &pair{certificate: filepath.Join(t.TempDir(), "c.pem"), key: filepath.Join(t.TempDir(), "k.pem")}
	at := time.Date(2026, 11, 22, 8, 0, 0, 0, time.UTC)
	write := func(name, kind string, der []byte) {
		at = at.Add(time.Minute)
		if err := os.WriteFile(name, pem.EncodeToMemory(&pem.Block{Type: kind, Bytes: der}), 0o600); err != nil {
			t.Fatal(err)
		}
		if err := os.Chtimes(name, at, at); err != nil {
			t.Fatal(err)
		}
	}
	issue := func(serial int64) (certificate, key []byte) {
		k, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
		if err != nil {
			t.Fatal(err)
		}
		c := &x509.Certificate{SerialNumber: big.NewInt(serial), DNSNames: []string{"desk.xa.example"}, NotAfter: at.Add(time.Hour)}
		if certificate, err = x509.CreateCertificate(rand.Reader, c, c, &k.PublicKey, k); err != nil {
			t.Fatal(err)
		}
		if key, err = x509.MarshalPKCS8PrivateKey(k); err != nil {
			t.Fatal(err)
		}
		return certificate, key
	}
	if _, err := p.get(); fault.CodeOf(err) != fault.Usage {
		t.Errorf("no files: %v", err)
	}
	serves := func(want int64) {
		t.Helper()
		c, err := p.get()
		if err != nil {
			t.Fatal(err)
		}
		leaf, err := x509.ParseCertificate(c.Certificate[0])
		if err != nil || leaf.SerialNumber.Int64() != want {
			t.Errorf("serves %v, %v", leaf.SerialNumber, err)
		}
	}
	certificate, key := issue(1)
	write(p.certificate, "CERTIFICATE", certificate)
	write(p.key, "PRIVATE KEY", key)
	serves(1)
	certificate, key = issue(2)
	write(p.certificate, "CERTIFICATE", certificate)
	serves(1) // its key is still to come
	write(p.key, "PRIVATE KEY", key)
	serves(2)
}
