package httpapi

import (
	"context"
	"net/http"
	"time"

	"github.com/comity-exchange/comity/fault"
	"github.com/comity-exchange/comity/internal/auth"
)

// Spans of waiting for a change.
const (
	changeSettle = 300 * time.Millisecond // changes gather before they are told: whoever asks again for each of a burst would ask all the time
	changeLook   = time.Second            // between two looks at what other processes have written
)

// Changes is how far the node's memory is.
type Changes struct {
	Version int64 `json:"version" doc:"rises with everything that is written; ask with it as since to hear of the next"`
	Changed bool  `json:"changed" doc:"it is another than since"`
}

// changes waits until something is written, and never tells what: whoever wants to know asks for it, and gets what it may see.
func (a *api) changes(ctx context.Context, in *struct {
	Since int64 `query:"since" minimum:"0" doc:"version of the answer before; 0: do not wait"`
	Wait  int   `query:"wait" minimum:"0" maximum:"50" default:"25" doc:"seconds after which it is answered although nothing has changed"`
}) (Changes, error) {
	end := time.NewTimer(time.Duration(in.Wait) * time.Second)
	defer end.Stop()
	look := time.NewTicker(changeLook)
	defer look.Stop()
	for over := false; ; {
		changed := a.node.Exchange.Changed() // before the look: what comes meanwhile is not missed
		v, err := a.node.Store.Version(ctx)
		if err != nil || v != in.Since || over {
			return Changes{v, v != in.Since}, err
		}
		select {
		case <-ctx.Done():
			return Changes{}, fault.Wrap(ctx.Err(), fault.Canceled, "", "interrupted")
		case <-end.C:
			over = true
		case <-look.C:
		case <-changed:
			select {
			case <-ctx.Done():
			case <-time.After(changeSettle):
			}
		}
		if err := a.node.Authorize(ctx, auth.Read, auth.Matter{}); err != nil { // a token may be revoked meanwhile
			if a.node.Authorize(ctx, auth.ReadLog, auth.Matter{}) != nil {
				return Changes{}, err
			}
		}
	}
}

func (a *api) registerChanges() {
	on(a, operation{
		id: "changes", method: http.MethodGet, path: "/changes", tag: "Desk", says: "Wait until something has changed.", needs: auth.Read, or: auth.ReadLog, atOnce: 256,
		more: "It tells that, and never what: ask for what you show again.",
	}, a.changes)
}
