package postgres

import (
	"database/sql"
	"testing"

	"github.com/comity-exchange/comity/internal/store"
	"github.com/comity-exchange/comity/internal/store/postgres/pgtest"
	"github.com/comity-exchange/comity/internal/store/storetest"
)

func TestAged(t *testing.T) {
	t.Parallel()
	address := pgtest.New(t).Database(t, "x")
	past, err := sql.Open("pgx", address)
	if err != nil {
		t.Fatal(err)
	}
	defer past.Close()
	storetest.Aged(t, func(t testing.TB) store.Store {
		d, err := Open(t.Context(), address, Options{})
		if err != nil {
			t.Fatal(err)
		}
		return d
	}, past, "BYTEA")
}

func TestAgedIndex(t *testing.T) {
	t.Parallel()
	address := pgtest.New(t).Database(t, "x")
	past, err := sql.Open("pgx", address)
	if err != nil {
		t.Fatal(err)
	}
	defer past.Close()
	storetest.AgedIndex(t, func(t testing.TB) store.Store {
		d, err := Open(t.Context(), address, Options{})
		if err != nil {
			t.Fatal(err)
		}
		return d
	}, past)
}
