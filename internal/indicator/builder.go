package indicator

import (
	"crypto/rand"
	"fmt"
	"hash/maphash"
	"io"
	"iter"
	"math"
	"runtime/debug"

	"github.com/comity-exchange/comity/fault"
	"github.com/comity-exchange/comity/match"
	"github.com/comity-exchange/comity/statement"
	"github.com/comity-exchange/comity/stix"
)

// Refused counts what was given and cannot be looked for.
type Refused struct {
	Name  string // of the list or file; "" for the catalogue
	Count int64
	First int    // its line or place, from 1
	Why   string // of the first, safe to show
}

func (r *Refused) note(at int, err error) {
	if r.Count++; r.Count == 1 {
		r.First, r.Why = at, fault.Show(err)
	}
}

// Builder gathers indicators. It is used by one goroutine.
type Builder struct {
	Wide bool // ranges that are wider than any network of somebody's (match.Value.Wide) are looked for, too

	set     *match.Builder
	next    uint32
	origins Origins
	refused []Refused
	others  int64 // objects that are no indicators
	wide    int64 // ranges that were held back
}

// NewBuilder begins. Error: fault.Unavailable.
func NewBuilder() (*Builder, error) {
	var key match.Key
	if _, err := rand.Read(key[:]); err != nil {
		return nil, fault.Wrap(err, fault.Unavailable, "", "there is no randomness")
	}
	return &Builder{set: match.NewBuilder(key, 0), origins: Origins{dead: map[uint32]bool{}}}, nil
}

// Refused tells what was refused, by list, and how many objects were none that anything is found by.
func (b *Builder) Refused() (refused []Refused, others int64) { return b.refused, b.others }

// HeldBack is how many ranges were not added since they are too wide; 0 where Wide is set.
func (b *Builder) HeldBack() int64 { return b.wide }

// add adds a row, unless it would be found on every line.
func (b *Builder) add(v match.Value, r match.Row) error {
	if v.Wide() && !b.Wide {
		b.wide++
		return nil
	}
	return b.set.Add(v, r)
}

// refuse notes what of one list or file was refused.
func (b *Builder) refuse(r Refused) {
	if r.Count > 0 {
		b.refused = append(b.refused, r)
	}
}

// take reserves numbers for n lines or objects, and gives the one before the first.
func (b *Builder) take(p part, n int) (before uint32, err error) {
	if n > math.MaxUint32-int(b.next) {
		return 0, fault.New(fault.TooLarge, "", "these are more indicators than can be looked for at once")
	}
	p.Before, p.N = b.next, n
	b.origins.parts = append(b.origins.parts, p)
	b.next += uint32(n)
	return p.Before, nil
}

// List adds a plain list or a CSV one (match.ReadList).
func (b *Builder) List(name string, r io.Reader, csv bool) error {
	refused := Refused{Name: name}
	before := b.next
	n, err := match.ReadList(r, csv, func(l match.Listed) error {
		if l.Err != nil {
			refused.note(l.Line, l.Err)
			return nil
		}
		if uint64(before)+uint64(l.ID) > math.MaxUint32 {
			return fault.New(fault.TooLarge, "", "these are more indicators than can be looked for at once")
		}
		l.ID += before
		return b.add(l.Value, l.Row)
	})
	b.refuse(refused)
	if _, full := b.take(part{File: name}, n); err == nil {
		err = full
	}
	return err
}

// newest remembers which object of a file has the newest version of an id.
type newest struct {
	number  uint32
	version int64
}

// Objects adds the indicators of a STIX file whose patterns look for values, as Row has them; of an id its newest version alone.
func (b *Builder) Objects(name string, items iter.Seq2[stix.Item, error]) error {
	refused := Refused{Name: name}
	seed := maphash.MakeSeed()
	known := map[uint64]newest{}
	n := 0
	var failed error
	for item, err := range items {
		if err != nil {
			failed = err
			break
		}
		if n++; uint64(b.next)+uint64(n) > math.MaxUint32 {
			failed = fault.New(fault.TooLarge, "", "these are more indicators than can be looked for at once")
			break
		}
		if item.Err != nil {
			refused.note(n, item.Err)
			continue
		}
		o, number := item.Object, b.next+uint32(n)
		if o.Type != "indicator" {
			b.others++
			continue
		}
		key, version := maphash.String(seed, string(o.ID)), o.Version().Time().UnixMicro()
		if was, ok := known[key]; ok && was.version >= version {
			continue
		} else if ok {
			b.origins.dead[was.number] = true
		}
		known[key] = newest{number, version}
		values, row, err := Values(o)
		if err != nil {
			refused.note(n, err)
			continue
		}
		for _, v := range values {
			row.ID = number
			if err := b.add(v, row); err != nil {
				return err
			}
		}
	}
	b.refuse(refused)
	if _, full := b.take(part{File: name, Objects: true}, n); failed == nil {
		failed = full
	}
	return failed
}

// Values gives what an indicator looks for and when it stands, but for the row's number. A valid_from that is the time at which the object was made sets no bound: tools write it where their source says none, and what is
// looked for is mostly in logs from before. Errors: fault.Malformed, with what cannot be looked for.
func Values(o *stix.Object) ([]match.Value, match.Row, error) {
	row := match.Row{Revoked: o.Revoked}
	if o.PatternType != "stix" && o.PatternType != "" {
		return nil, row, fault.New(fault.Malformed, "", "its pattern is none of STIX, but of another language")
	}
	values, err := match.ParsePattern(o.Pattern)
	if err == nil && len(values) == 0 {
		err = fault.New(fault.Malformed, "", "its pattern asks for more than values that logs are searched for")
	}
	if o.ValidFrom != "" && o.ValidFrom.Compare(o.Created) != 0 {
		row.From = o.ValidFrom.Time()
	}
	if o.ValidUntil != "" {
		row.Until = o.ValidUntil.Time()
	}
	return values, row, err
}

// Build makes the set and what tells of its rows. dropped counts rows beyond those that one value may have.
func (b *Builder) Build() (set *match.Set, from *Origins, dropped int) {
	set, dropped = b.set.Build()
	debug.FreeOSMemory() // what building took is not needed again
	from = &b.origins
	b.set = nil
	return set, from, dropped
}

// part is a run of numbers: the lines of a list, the objects of a file, the lines of a parcel.
type part struct {
	File    string       `json:"file,omitzero"`
	Objects bool         `json:"objects,omitzero"` // of a STIX file
	Parcel  int64        `json:"parcel,omitzero"`  // of the catalogue
	With    statement.ID `json:"with,omitzero"`    // the statement with which that came
	Shared  []byte       `json:"shared,omitzero"`  // lines of which the catalogue must be asked whether they are the last
	Before  uint32       `json:"before"`           // the number before the first
	N       int          `json:"n"`
}

// place is where the number stands within its part, from 1.
func (p *part) place(id uint32) int { return int(id - p.Before) }

// name is a number of a list or file as people read it.
func (p *part) name(id uint32) string {
	if p.Objects {
		return fmt.Sprintf("%s, object %d", p.File, p.place(id))
	}
	return fmt.Sprintf("%s:%d", p.File, p.place(id))
}
