package sqlite

import (
	"crypto/aes"
	"crypto/cipher"
	"crypto/rand"
	"encoding/binary"
	"io"
	"slices"

	"github.com/comity-exchange/comity/fault"
	"github.com/comity-exchange/comity/internal/store"
	"github.com/comity-exchange/comity/statement"
)

// Every body and blob has a key of its own. Erasing overwrites the key where it lies and deletes what it sealed.
//
// The key's row stays, with zeros in it. Keys are inserted one after the other and overwritten in place by values of
// the same length, so SQLite never has cause to move one. Deleting rows would make it join pages, which copies neighbours and can
// leave the old copy of a living key in the unused part of a page, where its own erasure would not find it.
//
// BUG(store): to sealed bytes under a few KiB that very thing can happen when their neighbours are erased (1 of 8,000 in a trial of
// random erasures). Without the key they are noise; a Backup is free of them.

const (
	keySize  = 32         // AES-256
	maxChunk = 256 * 1024 // bytes of content in one row
)

// content is a row of the table.
type content struct {
	store.Content
	key int64 // 0: none yet
}

func (t *txn) content(ref store.ContentRef) (c content, found bool, err error) {
	found, err = t.one(`SELECT sha256, size, arrived, whole, erased, COALESCE(key_id, 0) FROM content WHERE statement = $1 AND part = $2`,
		[]any{ref.Statement[:], ref.Part}, digestInto(&c.SHA256), &c.Size, &c.Arrived, &c.Whole, &c.Erased, &c.key)
	return c, found, err
}

// PutContent implements store.Contents. The tombstone of what was never announced learns its digest.
func (t *txn) PutContent(ref store.ContentRef, sha256 statement.Digest, size int64) error {
	_, err := t.exec(`INSERT INTO content (statement, part, sha256, size, arrived, whole, erased, key_id)
		VALUES ($1, $2, $3, $4, 0, 0, 0, NULL) ON CONFLICT (statement, part)
		DO UPDATE SET sha256 = excluded.sha256, size = excluded.size WHERE content.sha256 IS NULL`, ref.Statement[:], ref.Part, sha256[:], size)
	return err
}

// Content implements store.Contents.
func (t *txn) Content(ref store.ContentRef) (store.Content, error) {
	c, found, err := t.content(ref)
	if err == nil && !found {
		err = missing("content")
	}
	return c.Content, err
}

// FindContent implements store.Contents.
func (t *txn) FindContent(sha256 statement.Digest) ([]store.ContentRef, error) {
	return list(t, `SELECT statement, part FROM content WHERE sha256 = $1 ORDER BY statement, part`, []any{sha256[:]}, readRef)
}

func readRef(scan func(...any) error, r *store.ContentRef) error {
	return scan(idInto(&r.Statement), &r.Part)
}

// growing is a content that may be written to: announced, and no tombstone.
func (t *txn) growing(ref store.ContentRef) (content, error) {
	if err := t.mayWrite(); err != nil {
		return content{}, err
	}
	c, found, err := t.content(ref)
	switch {
	case err != nil:
		return c, err
	case !found:
		return c, missing("content")
	case c.Erased: // spec: STM-7
		return c, fault.New(fault.Exists, "STM-7", "this content was erased; a later copy is dropped")
	}
	return c, nil
}

// Append implements store.Contents.
func (t *txn) Append(ref store.ContentRef, offset int64, data []byte) error {
	c, err := t.growing(ref)
	switch {
	case err != nil:
		return err
	case c.Whole || offset != c.Arrived:
		return fault.New(fault.Exists, "", "content goes on at another offset")
	case int64(len(data)) > c.Size-c.Arrived:
		return fault.New(fault.TooLarge, "", "more content than was announced")
	case len(data) == 0:
		return nil
	}
	aead, err := t.keyOf(ref, &c)
	if err != nil {
		return err
	}
	for piece := range slices.Chunk(data, maxChunk) {
		// The nonce is random and goes in front: a rolled-back write may already have used a counter's value.
		sealed := aead.Seal(make([]byte, 0, len(piece)+aead.Overhead()), nil, piece, place(ref, offset))
		if _, err := t.exec(`INSERT INTO content_chunk (key_id, start, sealed) VALUES ($1, $2, $3)`, c.key, offset, sealed); err != nil {
			return err
		}
		offset += int64(len(piece))
	}
	_, err = t.exec(`UPDATE content SET arrived = $3 WHERE statement = $1 AND part = $2`, ref.Statement[:], ref.Part, offset)
	return err
}

// keyOf reads the key of c, or makes one.
func (t *txn) keyOf(ref store.ContentRef, c *content) (cipher.AEAD, error) {
	if c.key != 0 {
		return t.openKey(c.key)
	}
	secret := make([]byte, keySize)
	rand.Read(secret) // never fails
	err := t.query(true, `INSERT INTO content_key (secret) VALUES ($1) RETURNING id`, []any{secret},
		func(scan func(...any) error) error { return scan(&c.key) })
	if err != nil {
		return nil, err
	}
	if _, err = t.exec(`UPDATE content SET key_id = $3 WHERE statement = $1 AND part = $2`, ref.Statement[:], ref.Part, c.key); err != nil {
		return nil, err
	}
	return aeadOf(secret)
}

func (t *txn) openKey(id int64) (cipher.AEAD, error) {
	var secret []byte
	if found, err := t.one(`SELECT secret FROM content_key WHERE id = $1`, []any{id}, &secret); err != nil || !found {
		return nil, orDamaged(err)
	}
	return aeadOf(secret)
}

func aeadOf(secret []byte) (cipher.AEAD, error) {
	if len(secret) != keySize {
		return nil, orDamaged(nil)
	}
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
	return fault.New(fault.Internal, "", "the store's file is damaged: a content cannot be opened")
}

// place binds a chunk to where it belongs.
func place(ref store.ContentRef, offset int64) []byte {
	b := slices.Clone(ref.Statement[:])
	b = binary.BigEndian.AppendUint64(b, uint64(int64(ref.Part)))
	return binary.BigEndian.AppendUint64(b, uint64(offset))
}

// SetWhole implements store.Contents.
func (t *txn) SetWhole(ref store.ContentRef) error {
	c, err := t.growing(ref)
	switch {
	case err != nil:
		return err
	case c.Arrived != c.Size:
		return fault.New(fault.Internal, "", "content was called whole before all of it was there")
	}
	_, err = t.exec(`UPDATE content SET whole = 1 WHERE statement = $1 AND part = $2`, ref.Statement[:], ref.Part)
	return err
}

// Reset implements store.Contents. On a tombstone there is nothing to drop.
func (t *txn) Reset(ref store.ContentRef) error {
	if err := t.mayWrite(); err != nil {
		return err
	}
	c, found, err := t.content(ref)
	if err == nil && !found {
		err = missing("content")
	}
	if err != nil || c.Erased {
		return err
	}
	if err := t.destroy(c.key); err != nil {
		return err
	}
	_, err = t.exec(`UPDATE content SET arrived = 0, whole = 0, key_id = NULL WHERE statement = $1 AND part = $2`, ref.Statement[:], ref.Part)
	return err
}

// Read implements store.Contents. An error of w comes back as it is.
func (t *txn) Read(ref store.ContentRef, w io.Writer) error {
	c, found, err := t.content(ref)
	switch {
	case err != nil:
		return err
	case c.Erased: // spec: STM-7
		return fault.New(fault.Withheld, "STM-7", "this content was erased")
	case !found || !c.Whole:
		return missing("content")
	case c.Size == 0:
		return nil
	}
	aead, err := t.openKey(c.key)
	if err != nil {
		return err
	}
	for at := int64(0); at < c.Size; {
		var sealed []byte
		found, err := t.one(`SELECT sealed FROM content_chunk WHERE key_id = $1 AND start = $2`, []any{c.key, at}, &sealed)
		if err != nil || !found {
			return orDamaged(err)
		}
		piece, err := aead.Open(sealed[:0], nil, sealed, place(ref, at))
		if err != nil || len(piece) == 0 {
			return orDamaged(nil)
		}
		if _, err := w.Write(piece); err != nil {
			return err
		}
		at += int64(len(piece))
	}
	return nil
}

// Erase implements store.Contents.
func (t *txn) Erase(ref store.ContentRef) error {
	// spec: STM-7
	if err := t.mayWrite(); err != nil {
		return err
	}
	c, _, err := t.content(ref)
	if err != nil {
		return err
	}
	if err := t.destroy(c.key); err != nil {
		return err
	}
	_, err = t.exec(`INSERT INTO content (statement, part, sha256, size, arrived, whole, erased, key_id)
		VALUES ($1, $2, NULL, 0, 0, 0, 1, NULL) ON CONFLICT (statement, part)
		DO UPDATE SET arrived = 0, whole = 0, erased = 1, key_id = NULL`, ref.Statement[:], ref.Part)
	return err
}

// destroy overwrites a key and deletes what it sealed; key 0 is none. The columns that point to it are the caller's.
func (t *txn) destroy(key int64) error {
	if key == 0 {
		return nil
	}
	if _, err := t.exec(`UPDATE content_key SET secret = $2 WHERE id = $1`, key, make([]byte, keySize)); err != nil {
		return err
	}
	_, err := t.exec(`DELETE FROM content_chunk WHERE key_id = $1`, key)
	return err
}

// EachErased implements store.Contents.
func (t *txn) EachErased(yield func(store.ContentRef) bool) error {
	start := store.ContentRef{Part: store.BodyPart - 1}
	return paged(start, func(after store.ContentRef, limit int) ([]store.ContentRef, error) {
		return list(t, `SELECT statement, part FROM content WHERE erased = 1 AND (statement, part) > ($1, $2)
			ORDER BY statement, part LIMIT $3`, []any{after.Statement[:], after.Part, limit}, readRef)
	}, yield)
}
