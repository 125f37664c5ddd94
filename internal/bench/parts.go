package bench

import (
	"bytes"
	"context"
	"crypto/aes"
	"crypto/cipher"
	"crypto/rand"
	"crypto/sha256"
	"database/sql"
	"encoding/binary"
	"errors"
	"net/url"
	"os"
	"path/filepath"

	"github.com/go-json-experiment/json"
	"golang.org/x/crypto/chacha20poly1305"
	_ "modernc.org/sqlite" // the driver of the bare rows

	"github.com/comity-exchange/comity/fault"
	"github.com/comity-exchange/comity/internal/store"
	"github.com/comity-exchange/comity/statement"
)

// Parts are what no design that keeps the rules could leave out for one statement, on both sides together, in microseconds of CPU: measured alone, in
// the same run, with the run's own heads and bodies.
type Parts struct {
	Hash float64 `json:"hash_us"` // SHA-256: the id and the body's digest, by author and by receiver
	AEAD float64 `json:"aead_us"` // sealed and opened: by the packet, by TLS, by each store for the body
	JSON float64 `json:"json_us"` // the head: written once, parsed once on each side
	Rows float64 `json:"rows_us"` // one row for the head, with its id's and its thread's index, one for the body; in each store
	Sum  float64 `json:"sum_us"`
}

// rounds is how often a part is done.
const rounds = 20_000

// parts measures them with a head that was really sent.
func parts(ctx context.Context, l *load) (Parts, error) {
	var raw []byte
	err := l.a.Store.View(ctx, func(tx store.Tx) error {
		n, err := tx.Length(l.a.Journal.Origin())
		if err != nil {
			return err
		}
		s, err := tx.StatementAt(l.a.Journal.Origin(), n-1)
		raw = s.Head
		return err
	})
	if err != nil {
		return Parts{}, err
	}
	body := make([]byte, l.body)
	rand.Read(body) // never fails
	p := Parts{Hash: each(rounds, func(int) { sha256.Sum256(raw); sha256.Sum256(raw); sha256.Sum256(body); sha256.Sum256(body) })}
	if p.AEAD, err = aead(raw, body); err != nil {
		return p, err
	}
	if p.JSON, err = headJSON(raw); err != nil {
		return p, err
	}
	if p.Rows, err = rows(ctx, raw, body); err != nil {
		return p, err
	}
	p.Rows *= 2
	p.Sum = p.Hash + p.AEAD + p.JSON + p.Rows
	return p, nil
}

// each gives the CPU of one call, in microseconds.
func each(n int, f func(i int)) float64 {
	start := cpuTime()
	for i := range n {
		f(i)
	}
	return float64((cpuTime() - start).Nanoseconds()) / 1000 / float64(n)
}

// aead seals and opens head and body as a packet and as TLS do, and the body as the two stores do; one of them opens it again to pack it.
func aead(head, body []byte) (float64, error) {
	packet, err := chacha20poly1305.New(make([]byte, chacha20poly1305.KeySize))
	if err != nil {
		return 0, fault.Wrap(err, fault.Internal, "", "no cipher")
	}
	block, err := aes.NewCipher(make([]byte, 32))
	if err != nil {
		return 0, fault.Wrap(err, fault.Internal, "", "no cipher")
	}
	gcm, err := cipher.NewGCM(block)
	if err != nil {
		return 0, fault.Wrap(err, fault.Internal, "", "no cipher")
	}
	all := bytes.Join([][]byte{head, body}, nil)
	nonce := make([]byte, 12)
	var bad error
	us := each(rounds, func(int) {
		for _, c := range []cipher.AEAD{packet, gcm} {
			_, err := c.Open(nil, nonce, c.Seal(nil, nonce, all, nil), nil)
			bad = errors.Join(bad, err)
		}
		_, err := gcm.Open(nil, nonce, gcm.Seal(nil, nonce, body, nil), nil)
		gcm.Seal(nil, nonce, body, nil)
		bad = errors.Join(bad, err)
	})
	return us, bad
}

func headJSON(raw []byte) (float64, error) {
	var h statement.Head
	if err := json.Unmarshal(raw, &h); err != nil {
		return 0, err
	}
	var bad error
	us := each(rounds/4, func(int) {
		_, err := json.Marshal(h, json.Deterministic(true))
		var x, y statement.Head
		bad = errors.Join(bad, err, json.Unmarshal(raw, &x), json.Unmarshal(raw, &y))
	})
	return us, bad
}

// perTx is how many rows share a transaction of the bare store.
const perTx = 256

// rows inserts into a bare store on the same disk, with the settings of the real one.
func rows(ctx context.Context, head, body []byte) (float64, error) {
	dir, err := os.MkdirTemp("", "comity-rows-")
	if err != nil {
		return 0, fault.Wrap(err, fault.Unavailable, "", "no temporary folder can be made")
	}
	defer remove(dir)
	u := url.URL{Scheme: "file", Path: filepath.Join(dir, "rows.db"), RawQuery: url.Values{
		"_journal_mode": {"WAL"}, "_synchronous": {"FULL"},
	}.Encode()}
	db, err := sql.Open("sqlite", u.String())
	if err != nil {
		return 0, err
	}
	defer db.Close()
	db.SetMaxOpenConns(1)
	for _, q := range []string{
		`CREATE TABLE head (place INTEGER PRIMARY KEY, id BLOB NOT NULL, thread BLOB NOT NULL, raw BLOB NOT NULL)`,
		`CREATE UNIQUE INDEX head_id ON head (id)`,
		`CREATE INDEX head_thread ON head (thread, place)`,
		`CREATE TABLE body (place INTEGER PRIMARY KEY, sealed BLOB NOT NULL)`,
	} {
		if _, err := db.ExecContext(ctx, q); err != nil {
			return 0, err
		}
	}
	start := cpuTime()
	for first := 0; first < rounds; first += perTx {
		if err := insert(ctx, db, first, head, body); err != nil {
			return 0, err
		}
	}
	n := (rounds + perTx - 1) / perTx * perTx
	return float64((cpuTime() - start).Nanoseconds()) / 1000 / float64(n), nil
}

func insert(ctx context.Context, db *sql.DB, first int, head, body []byte) error {
	tx, err := db.BeginTx(ctx, nil)
	if err != nil {
		return err
	}
	defer tx.Rollback() //nolint:errcheck // after a commit there is nothing to undo
	h, err := tx.PrepareContext(ctx, `INSERT INTO head (place, id, thread, raw) VALUES ($1, $2, $3, $4)`)
	if err != nil {
		return err
	}
	defer h.Close()
	b, err := tx.PrepareContext(ctx, `INSERT INTO body (place, sealed) VALUES ($1, $2)`)
	if err != nil {
		return err
	}
	defer b.Close()
	for i := first; i < first+perTx; i++ {
		id := sha256.Sum256(binary.BigEndian.AppendUint64(nil, uint64(i)))
		thread := sha256.Sum256(binary.BigEndian.AppendUint64(nil, uint64(i%10_000)))
		if _, err := h.ExecContext(ctx, i, id[:], thread[:], head); err != nil {
			return err
		}
		if _, err := b.ExecContext(ctx, i, body); err != nil {
			return err
		}
	}
	return tx.Commit()
}
