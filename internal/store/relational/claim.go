package relational

import (
	"context"
	"math"

	"github.com/comity-exchange/comity/statement"
)

// Claim implements store.Store. It is one statement, and no turn: those who wait for nothing but their next claim must not have everybody look for news.
func (s *Store) Claim(ctx context.Context, name, holder string, now, until statement.Time) (mine bool, err error) {
	beyond := int64(math.MaxInt64) // who gives up does not take
	if now.Before(until) {
		beyond = 2*millis(until) - millis(now)
	}
	err = s.OnWriter(ctx, func(c *Conn) error {
		ctx, cancel := s.bounded(context.WithoutCancel(ctx))
		defer cancel()
		st, err := c.stmt(ctx, `INSERT INTO lease (name, holder, ends) VALUES ($1, $2, $3)
			ON CONFLICT (name) DO UPDATE SET holder = excluded.holder, ends = excluded.ends
			WHERE lease.holder = excluded.holder OR lease.ends <= $4 OR lease.ends > $5`)
		if err != nil {
			return s.opt.Dialect.Broken(err, "claim")
		}
		r, err := st.ExecContext(ctx, name, holder, millis(until), millis(now), beyond)
		if err != nil {
			return s.opt.Dialect.Broken(err, "claim")
		}
		n, err := r.RowsAffected()
		mine = n == 1
		return err
	})
	return mine, err
}
