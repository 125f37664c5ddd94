package exchange

import (
	"log/slog"
	"time"

	"github.com/comity-exchange/comity/fault"
)

// complainEvery is how often at most the diary tells that batches still fail for one reason.
const complainEvery = 10 * time.Second

// complaints keep the diary readable while nothing can be written, however many try: it tells of the first failure, of one now and then, and of the end. The
// writer's goroutine owns them.
type complaints struct {
	code   fault.Code // of the last failure; "" while all is well
	told   time.Time
	failed int // batches since the first
}

func (c *complaints) tell(log *slog.Logger, jobs int, err error, now time.Time) {
	code := fault.CodeOf(err)
	switch {
	case code == "" && c.code == "":
		return
	case code == "":
		log.Info("batches are written again", "failed", c.failed)
		*c = complaints{}
		return
	case code != c.code:
		c.code, c.failed = code, 0
	case now.Sub(c.told) < complainEvery:
		c.failed++
		return
	}
	c.failed, c.told = c.failed+1, now
	log.Error("a batch was not written", "jobs", jobs, "failed", c.failed, "error", err)
}
