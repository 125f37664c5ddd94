package bench

import (
	"bytes"
	"context"
	"crypto/aes"
	"crypto/cipher"
	"crypto/sha256"
	"database/sql"
	"encoding/binary"
	"net/url"
	"os"
	"path/filepath"

	"golang.org/x/crypto/chacha20poly1305"

	"github.com/comity-exchange/comity/fault"
	"github.com/comity-exchange/comity/internal/catalogue"
	"github.com/comity-exchange/comity/internal/node"
	"github.com/comity-exchange/comity/stix"
	"github.com/comity-exchange/comity/thread"
)

// FeedParts are what no design that keeps the rules could leave out for one object, in microseconds of CPU: measured alone, in the same run, with the run's own objects.
type FeedParts struct {
	Bytes float64 `json:"bytes"`      // of an object
	Hash  float64 `json:"hash_us"`    // SHA-256 of its bytes, once
	Store float64 `json:"sealing_us"` // AES-GCM, sealed and opened once, as a store does
	Carry float64 `json:"carry_us"`   // sealed and opened by a packet (ChaCha20-Poly1305) and by TLS (AES-GCM)
	Parse float64 `json:"parse_us"`   // once
	Rows  float64 `json:"rows_us"`    // its bytes and two terms of 16 bytes, in rows of 256 KiB, into a bare store with the settings of the real one

	Import float64 `json:"import_sum_us"` // Hash, Store, Parse, Rows
	Feed   float64 `json:"feed_sum_us"`   // the second node's: the same, with Carry, and opened once more by the first
}

// feedParts measures them with objects that were really sent.
func feedParts(ctx context.Context, n *node.Node, source thread.ID) (p FeedParts, err error) {
	page, err := n.Catalogue.Page(ctx, catalogue.Query{For: catalogue.Viewer{Officer: true}, Thread: source})
	if err != nil {
		return p, err
	}
	if len(page.Objects) == 0 {
		return p, fault.New(fault.Failed, "", "nothing came into the catalogue")
	}
	var all []byte
	for _, o := range page.Objects {
		all = append(append(all, o.Raw...), '\n')
	}
	objects := float64(len(page.Objects))
	p.Bytes = float64(len(all)) / objects
	const times = 20
	p.Hash = each(times, func(int) { sha256.Sum256(all) }) / objects
	if p.Store, p.Carry, err = feedSealing(all, times); err != nil {
		return p, err
	}
	p.Store, p.Carry = p.Store/objects, p.Carry/objects
	var parser stix.Parser
	var failed error
	p.Parse = each(times, func(int) {
		for line := range bytes.Lines(all) {
			if _, err := parser.Parse(line); err != nil {
				failed = err
			}
		}
	}) / objects
	if failed != nil {
		return p, failed
	}
	if p.Rows, err = feedRows(ctx, p.Bytes+32); err != nil {
		return p, err
	}
	p.Import = p.Hash + p.Store + p.Parse + p.Rows
	p.Feed = p.Import + p.Carry + p.Store/2
	return p, nil
}

// feedSealing is what sealing and opening a text costs by a store, and by what carries it.
func feedSealing(text []byte, times int) (atRest, carried float64, err error) {
	packet, err := chacha20poly1305.New(make([]byte, chacha20poly1305.KeySize))
	if err != nil {
		return 0, 0, fault.Wrap(err, fault.Internal, "", "no cipher")
	}
	block, err := aes.NewCipher(make([]byte, 32))
	if err != nil {
		return 0, 0, fault.Wrap(err, fault.Internal, "", "no cipher")
	}
	gcm, err := cipher.NewGCM(block)
	if err != nil {
		return 0, 0, fault.Wrap(err, fault.Internal, "", "no cipher")
	}
	nonce := make([]byte, 12)
	var bad error
	cost := func(c cipher.AEAD) float64 {
		return each(times, func(int) {
			if _, err := c.Open(nil, nonce, c.Seal(nil, nonce, text, nil), nil); err != nil {
				bad = err
			}
		})
	}
	atRest = cost(gcm)
	return atRest, atRest + cost(packet), bad
}

// feedRows is what one object's bytes cost in a bare store.
func feedRows(ctx context.Context, size float64) (float64, error) {
	dir, err := os.MkdirTemp("", "comity-rows-")
	if err != nil {
		return 0, fault.Wrap(err, fault.Unavailable, "", "no temporary folder can be made")
	}
	defer remove(dir)
	u := url.URL{Scheme: "file", Path: filepath.Join(dir, "rows.db"), RawQuery: url.Values{"_journal_mode": {"WAL"}, "_synchronous": {"FULL"}}.Encode()}
	db, err := sql.Open("sqlite", u.String())
	if err != nil {
		return 0, err
	}
	defer db.Close()
	db.SetMaxOpenConns(1)
	if _, err := db.ExecContext(ctx, `CREATE TABLE piece (id INTEGER PRIMARY KEY, sealed BLOB NOT NULL)`); err != nil {
		return 0, err
	}
	const n = 256
	row := make([]byte, 256<<10)
	start := cpuTime()
	for i := range n {
		binary.BigEndian.PutUint64(row, uint64(i))
		if _, err := db.ExecContext(ctx, `INSERT INTO piece (id, sealed) VALUES ($1, $2)`, i, row); err != nil {
			return 0, err
		}
	}
	return float64((cpuTime() - start).Nanoseconds()) / 1000 / (float64(n*len(row)) / size), nil
}
