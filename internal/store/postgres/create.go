package postgres

import (
	"context"
	"errors"
	"net/url"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"

	"github.com/comity-exchange/comity/fault"
)

// Create makes a database of that name on the server of a postgres:// address, unless it is there, and gives its address: for measurements and tests that
// need several. The address must be one that may create databases. Errors: fault.Usage, fault.Unavailable.
func Create(ctx context.Context, address, name string) (string, error) {
	u, err := url.Parse(address)
	if err != nil || u.Scheme != "postgres" && u.Scheme != "postgresql" {
		return "", fault.New(fault.Usage, "", "the database's address is not like postgres://comity@db.xa.example/comity")
	}
	c, err := pgx.Connect(ctx, address)
	if err != nil {
		return "", fault.Wrap(err, fault.Unavailable, "", "the database does not answer")
	}
	defer func() { _ = c.Close(context.WithoutCancel(ctx)) }() // all is said
	const exists = "42P04"
	var refused *pgconn.PgError
	if _, err = c.Exec(ctx, "CREATE DATABASE "+pgx.Identifier{name}.Sanitize()); err != nil && !(errors.As(err, &refused) && refused.Code == exists) {
		return "", fault.Wrap(err, fault.Unavailable, "", "a database cannot be made on that server")
	}
	u.Path = "/" + name
	return u.String(), nil
}

// Drop removes a database that Create made, with all that is in it; address is what Create gave, and admin what it was given. Nobody may be connected to it.
func Drop(ctx context.Context, admin, address string) error {
	u, err := url.Parse(address)
	if err != nil || len(u.Path) < 2 {
		return fault.New(fault.Usage, "", "the database's address names no database")
	}
	c, err := pgx.Connect(ctx, admin)
	if err != nil {
		return fault.Wrap(err, fault.Unavailable, "", "the database does not answer")
	}
	defer func() { _ = c.Close(context.WithoutCancel(ctx)) }() // all is said
	if _, err = c.Exec(ctx, "DROP DATABASE IF EXISTS "+pgx.Identifier{u.Path[1:]}.Sanitize()); err != nil {
		return fault.Wrap(err, fault.Unavailable, "", "a database cannot be removed from that server")
	}
	return nil
}
