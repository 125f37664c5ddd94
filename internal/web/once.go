package web

import (
	"net/http"
	"sync"

	"github.com/comity-exchange/comity/fault"
)

// maxOnce is how many forms are remembered.
const maxOnce = 4096

// once keeps what is sent twice, by a button that is pressed again or a page that is loaded again, from being said twice: without a script nothing else would. It knows
// the last forms that this process has taken. It is safe for concurrent use.
type once struct {
	mu    sync.Mutex
	led   map[string]string // by session and form: where it led; "" while it is being done. guarded by mu
	order []string          // the oldest first; guarded by mu
}

// begin takes a form, or tells where it has led already.
func (o *once) begin(form string) (led string, again bool) {
	o.mu.Lock()
	defer o.mu.Unlock()
	if o.led == nil {
		o.led = map[string]string{}
	}
	if led, again = o.led[form]; again {
		return led, true
	}
	if len(o.order) == maxOnce {
		delete(o.led, o.order[0])
		o.order = o.order[1:]
	}
	o.led[form], o.order = "", append(o.order, form)
	return "", false
}

// end notes where a form has led. "" is nowhere: it may be sent again.
func (o *once) end(form, led string) {
	o.mu.Lock()
	defer o.mu.Unlock()
	if _, there := o.led[form]; !there {
		return // it was a very long time ago
	}
	if o.led[form] = led; led != "" {
		return
	}
	delete(o.led, form)
	for i := len(o.order) - 1; i >= 0; i-- {
		if o.order[i] == form {
			o.order = append(o.order[:i:i], o.order[i+1:]...)
			return
		}
	}
}

// twice answers a form that was sent before.
func twice(w http.ResponseWriter, r *http.Request, led string) error {
	if led == "" {
		return fault.New(fault.Inadmissible, "", "this form was sent a moment ago, and is being dealt with: look at the drafts and the thread before you send it again")
	}
	return see(w, r, led)
}
