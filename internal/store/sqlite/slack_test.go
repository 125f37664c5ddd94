package sqlite

import (
	"errors"
	"fmt"
	"math/rand/v2"
	"path/filepath"
	"testing"

	"github.com/comity-exchange/comity/internal/store"
	"github.com/comity-exchange/comity/internal/store/storetest"
	"github.com/comity-exchange/comity/party"
	"github.com/comity-exchange/comity/statement"
)

// TestNothingSealedIsLeft erases in random order while others come, to several logs and in pieces: pages split and are used again. Afterwards no piece of what was
// erased is in any file, though nobody could read it.
func TestNothingSealedIsLeft(t *testing.T) {
	// spec: STM-7
	t.Parallel()
	folder := t.TempDir()
	d := openFile(t, filepath.Join(folder, "store.db"))
	r := rand.New(rand.NewPCG(3, 4))
	db := side(t, d.path)
	noise := rand.NewChaCha8([32]byte{1})
	type piece struct {
		of    int
		bytes []byte
	}
	var live []store.ContentRef
	var growing []store.ContentRef // with a first piece of 700 bytes out of 1400
	var gone []piece
	erased := 0
	for n := 0; n < 3000; n += 10 {
		var going []store.ContentRef
		for range 9 {
			if len(live) == 0 {
				break
			}
			k := r.IntN(len(live))
			for _, s := range storetest.Secrets(t, db, live[k]) {
				for at := 0; at+16 <= len(s); at += max(16, len(s)/4) {
					gone = append(gone, piece{erased, s[at : at+16]})
				}
			}
			erased++
			going = append(going, live[k])
			live[k] = live[len(live)-1]
			live = live[:len(live)-1]
		}
		grow := growing
		growing = nil
		update(t, d, func(tx store.Tx) error {
			for i := range 10 {
				ref := store.ContentRef{Statement: statement.IDOf(fmt.Append(nil, n+i)), Part: store.BodyPart}
				text := make([]byte, 1+r.IntN(3000))
				_, _ = noise.Read(text) // never fails
				err := tx.PutStatement(store.Statement{
					ID: ref.Statement, Origin: party.Origin(fmt.Sprintf("X%c/1", 'A'+(n+i)%3)), Index: int64((n + i) / 3), Kind: "a.b", Precedence: statement.Routine,
				})
				switch i % 3 {
				case 0:
					err = errors.Join(err, tx.PutWhole(ref, statement.Sum(text), text))
				case 1:
					err = errors.Join(err, tx.PutContent(ref, statement.Sum(text), int64(len(text))), tx.Append(ref, 0, text[:len(text)/2]),
						tx.Append(ref, int64(len(text)/2), text[len(text)/2:]), tx.SetWhole(ref))
				default: // the rest comes later, when others are in between
					text = make([]byte, 700)
					err = errors.Join(err, tx.PutContent(ref, statement.Sum(text), 1400), tx.Append(ref, 0, text))
					growing = append(growing, ref)
					if err != nil {
						return err
					}
					continue
				}
				if err != nil {
					return err
				}
				live = append(live, ref)
			}
			for _, ref := range grow {
				if err := errors.Join(tx.Append(ref, 700, make([]byte, 700)), tx.SetWhole(ref)); err != nil {
					return err
				}
				live = append(live, ref)
			}
			for _, ref := range going {
				if err := tx.Erase(ref); err != nil {
					return err
				}
			}
			return nil
		})
	}
	if err := d.Scrub(t.Context()); err != nil {
		t.Fatal(err)
	}
	index := map[[16]byte]bool{}
	for _, b := range files(t, folder) {
		for at := 0; at+16 <= len(b); at++ {
			index[[16]byte(b[at:at+16])] = true
		}
	}
	left := map[int]bool{}
	for _, p := range gone {
		if index[[16]byte(p.bytes)] {
			left[p.of] = true
		}
	}
	if len(left) > 0 || erased < 1000 {
		t.Errorf("of %d of %d erased contents something is left", len(left), erased)
	}
}

func TestAged(t *testing.T) {
	t.Parallel()
	place := t.TempDir()
	past, err := pool(filepath.Join(place, "store.db"), "", false)
	if err != nil {
		t.Fatal(err)
	}
	defer past.Close()
	storetest.Aged(t, func(t testing.TB) store.Store { return openIn(t, place) }, past, "BLOB")
}

func TestAgedIndex(t *testing.T) {
	t.Parallel()
	place := t.TempDir()
	past, err := pool(filepath.Join(place, "store.db"), "", false)
	if err != nil {
		t.Fatal(err)
	}
	defer past.Close()
	storetest.AgedIndex(t, func(t testing.TB) store.Store { return openIn(t, place) }, past)
}
