package relational

import (
	"crypto/aes"
	"crypto/cipher"
	"crypto/rand"

	"github.com/comity-exchange/comity/fault"
)

// Every body and blob has a key of its own. Erasing overwrites the key where it lies and empties the pieces that it sealed.
//
// The rows that hold keys and pieces stay, with zeros or nothing in their place. They are added one after the other at the end of their tables and afterwards only
// become shorter, so SQLite never has cause to move one: what it frees, secure_delete overwrites. Where rows are inserted between others or deleted, it splits and joins
// pages, which copies neighbours and can leave the old copy of a living one in the unused part of a page, where its own erasure would not find it.
// PostgreSQL leaves dead rows until it vacuums: see Scrub.

const (
	keySize    = 32 // AES-256
	keysInARow = 120
	slotBits   = 7 // of a key's place in its row
)

// keys is what a transaction knows of keys. It is in no savepoint but for what is zeroed: what is undone leaves keys of nothing.
type keys struct {
	first      int64    // id of the first new row; 0: there are none yet
	fresh      [][]byte // new rows, not yet written; only the last has room
	piece      int64    // the last piece that was numbered; 0: none was
	pieces     []piece  // that are not yet written, the last numbered ones
	pieceBytes int
	zeroed     []int64 // keys in fresh that are to be zeros when it is written
	id         int64   // of the row that was read last
	row        []byte
}

// undone brings back the keys that were zeroed since there were so many of them in zeroed.
func (k *keys) undone(zeroed int) {
	k.zeroed = k.zeroed[:zeroed]
	k.pieces, k.pieceBytes = nil, 0 // what was put before the savepoint was written then
	k.id, k.row = 0, nil            // it may hold zeros that the table does not
}

// makeKey makes the key of one content. It is written with the last of them, before the transaction is committed.
func (t *txn) makeKey() (int64, cipher.AEAD, error) {
	k := &t.keys
	if k.first == 0 {
		// Above all others, so that rows lie in the order in which they came.
		if _, err := t.one(`SELECT COALESCE(MAX(id), 0) + 1 FROM content_key`, nil, &k.first); err != nil {
			return 0, nil, err
		}
	}
	if n := len(k.fresh); n == 0 || len(k.fresh[n-1]) == keysInARow*keySize {
		k.fresh = append(k.fresh, nil)
	}
	last := &k.fresh[len(k.fresh)-1]
	slot := len(*last) / keySize
	*last = append(*last, make([]byte, keySize)...)
	secret := (*last)[slot*keySize:]
	rand.Read(secret) // never fails
	aead, err := aeadOf(secret)
	return (k.first+int64(len(k.fresh)-1))<<slotBits | int64(slot), aead, err
}

// writeKeys writes the new keys.
func (t *txn) writeKeys() error {
	if err := t.writePieces(); err != nil {
		return err
	}
	for _, key := range t.keys.zeroed {
		BlotKey(t.keys.fresh[key>>slotBits-t.keys.first], key)
	}
	for i, row := range t.keys.fresh {
		if _, err := t.exec(`INSERT INTO content_key (id, secrets) VALUES ($1, $2)`, t.keys.first+int64(i), row); err != nil {
			return err
		}
	}
	t.keys = keys{}
	return nil
}

// secret finds a key in its row. It is not to be changed but by zeroKey.
func (t *txn) secret(key int64) ([]byte, error) {
	k := &t.keys
	row, at := key>>slotBits, int(key&(1<<slotBits-1))*keySize
	secrets := k.row
	switch {
	case k.first > 0 && row >= k.first && row < k.first+int64(len(k.fresh)):
		secrets = k.fresh[row-k.first]
	case k.id != row:
		k.id, k.row = 0, nil
		if found, err := t.one(`SELECT secrets FROM content_key WHERE id = $1`, []any{row}, &k.row); err != nil || !found {
			return nil, orDamaged(err)
		}
		k.id, secrets = row, k.row
	}
	if at+keySize > len(secrets) {
		return nil, orDamaged(nil)
	}
	return secrets[at : at+keySize], nil
}

// openKey gives what opens a content.
func (t *txn) openKey(key int64) (cipher.AEAD, error) {
	secret, err := t.secret(key)
	if err != nil {
		return nil, err
	}
	return aeadOf(secret)
}

// zeroKey overwrites a key.
func (t *txn) zeroKey(key int64) error {
	secret, err := t.secret(key)
	if err != nil {
		return err
	}
	row := key >> slotBits
	if row != t.keys.id { // not yet written
		t.keys.zeroed = append(t.keys.zeroed, key)
		return nil
	}
	clear(secret)
	_, err = t.exec(`UPDATE content_key SET secrets = $2 WHERE id = $1`, row, t.keys.row)
	return err
}

func aeadOf(secret []byte) (cipher.AEAD, error) {
	block, err := aes.NewCipher(secret)
	if err != nil {
		return nil, fault.Wrap(err, fault.Internal, "", "no cipher")
	}
	aead, err := cipher.NewGCMWithRandomNonce(block)
	if err != nil {
		return nil, fault.Wrap(err, fault.Internal, "", "no cipher")
	}
	return aead, nil
}

func orDamaged(err error) error {
	if err != nil {
		return err
	}
	return fault.New(fault.Internal, "", "the store is damaged: a content cannot be opened")
}
