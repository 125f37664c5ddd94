package keystore

import (
	"crypto/hmac"
	"crypto/sha256"
)

// Derive gives 32 bytes for one purpose: the same for a node's life, and of no use for another purpose. After keys were lost (After) they are others.
func (k *Keys) Derive(purpose string) []byte {
	m := hmac.New(sha256.New, k.pseudonym)
	m.Write([]byte("comity/key/v1\n" + purpose))
	return m.Sum(nil)
}
