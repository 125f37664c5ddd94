package ledger

import (
	"bytes"
	"testing"

	"github.com/comity-exchange/comity/party"
)

// FuzzParse: what is read as a ledger is written back to the byte; all else is refused.
func FuzzParse(f *testing.F) {
	d := newDesk(f)
	k := d.ask(0, "XA", []party.Code{"XB"}, request)
	d.arrived(hour, "XB", k.Heads[0])
	f.Add(d.compute().Marshal())
	f.Add([]byte(`{"v":1,"parties":["XA","XB"],"entries":[],"totals":[{"asker":"XA"},{"asker":"XB"}]}`))
	f.Fuzz(func(t *testing.T, raw []byte) {
		l, err := Parse(raw)
		if err != nil {
			return
		}
		if !bytes.Equal(l.Marshal(), raw) {
			t.Fatal("a ledger changed while it was read")
		}
	})
}
