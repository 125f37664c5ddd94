package indicator

import (
	"bytes"
	"context"
	"encoding/binary"
	"io"
	"slices"
	"sort"
	"strconv"
	"sync"

	"github.com/go-json-experiment/json"

	"github.com/comity-exchange/comity/fault"
	"github.com/comity-exchange/comity/internal/catalogue"
	"github.com/comity-exchange/comity/internal/store"
	"github.com/comity-exchange/comity/match"
)

// Origins tells where the rows of a set came from. Skip may be called by several goroutines, once Watch has been.
type Origins struct {
	parts []part
	dead  map[uint32]bool // rows of a file that a newer version has replaced
	stale bool            // the set was compiled some time ago: all is asked for

	ctx   context.Context // of Watch
	node  Node
	mu    sync.Mutex
	gone  map[uint32]bool // what the node said; guarded by mu
	fails error           // the first failure to ask it; guarded by mu
}

// maxGone bounds what is remembered of what the node said.
const maxGone = 1 << 20

// Origin is where a row came from: a list or file, or the catalogue.
type Origin struct {
	Name  string           // of the place in a list or file, or of the row where nothing else is known
	Entry *catalogue.Entry // the object as it came; nil: it is of no catalogue
}

// part finds the run of a number; nil where there is none.
func (o *Origins) part(id uint32) *part {
	i := sort.Search(len(o.parts), func(i int) bool { return o.parts[i].Before >= id }) - 1
	for ; i >= 0; i-- {
		if p := &o.parts[i]; p.N > 0 {
			if p.place(id) <= p.N {
				return p
			}
			return nil
		}
	}
	return nil
}

// FromCatalogue tells whether some rows are of a catalogue.
func (o *Origins) FromCatalogue() bool {
	return slices.ContainsFunc(o.parts, func(p part) bool { return p.Parcel > 0 })
}

// Watch lets Skip and Resolve ask a node. Without it rows of a catalogue are taken as they were.
func (o *Origins) Watch(ctx context.Context, n Node) {
	o.ctx, o.node, o.gone = ctx, n, map[uint32]bool{}
}

// Skip tells whether a row does not count: a newer version has come, or it has gone.
func (o *Origins) Skip(id uint32) bool {
	// spec: INT-9
	if o.dead[id] {
		return true
	}
	p := o.part(id)
	if p == nil || p.Parcel == 0 || o.node == nil || !o.stale && !store.Lines(p.Shared).Has(p.place(id)-1) {
		return false
	}
	o.mu.Lock()
	defer o.mu.Unlock()
	gone, ok := o.gone[id]
	if !ok {
		at, err := o.node.ObjectsAt(o.ctx, p.Parcel, p.place(id)-1)
		if err != nil && o.fails == nil {
			o.fails = err
		}
		e, here := at[p.place(id)-1]
		here = here && e.Statement.ID == p.With
		if gone = !here; len(o.gone) < maxGone {
			o.gone[id] = gone
		}
	}
	return gone
}

// Resolve tells where rows came from. Those that have gone from the catalogue meanwhile are left out. Errors: those of the node, when it was asked before, too.
func (o *Origins) Resolve(ctx context.Context, ids []uint32) (map[uint32]Origin, error) {
	// spec: INT-9
	o.mu.Lock()
	err := o.fails
	o.mu.Unlock()
	if err != nil {
		return nil, err
	}
	out := map[uint32]Origin{}
	ids = slices.Sorted(slices.Values(ids))
	for len(ids) > 0 {
		p := o.part(ids[0])
		n := 1
		for n < len(ids) && p != nil && p.place(ids[n]) <= p.N {
			n++
		}
		if err := o.resolve(ctx, p, ids[:n], out); err != nil {
			return nil, err
		}
		ids = ids[n:]
	}
	return out, nil
}

// resolve tells of rows of one part.
func (o *Origins) resolve(ctx context.Context, p *part, ids []uint32, out map[uint32]Origin) error {
	if p == nil || p.Parcel == 0 || o.node == nil {
		for _, id := range ids {
			out[id] = Origin{Name: o.name(p, id)}
		}
		return nil
	}
	var lines []int
	for _, id := range ids {
		lines = append(lines, p.place(id)-1)
	}
	at, err := o.node.ObjectsAt(ctx, p.Parcel, lines...)
	if err != nil {
		return err
	}
	for i, id := range ids {
		if e, ok := at[lines[i]]; ok && e.Statement.ID == p.With { // numbers of parcels are others once a catalogue was made anew
			out[id] = Origin{Name: string(e.Parsed.ID), Entry: &e}
		}
	}
	return nil
}

// name is a row where there is no node to ask.
func (o *Origins) name(p *part, id uint32) string {
	if p != nil && p.Parcel == 0 {
		return p.name(id)
	}
	return "#" + strconv.FormatUint(uint64(id), 10)
}

// tail ends a compiled set that says where its rows came from.
const tail = "comity.origins.1"

// WriteTo writes a set with where its rows came from, as Read takes it.
func WriteTo(w io.Writer, set *match.Set, o *Origins) error {
	if _, err := set.WriteTo(w); err != nil {
		return err
	}
	var told saved
	told.Parts = o.parts
	for id := range o.dead {
		told.Dead = append(told.Dead, id)
	}
	slices.Sort(told.Dead)
	b, err := json.Marshal(told, json.Deterministic(true))
	if err != nil {
		return fault.Wrap(err, fault.Internal, "", "where the indicators came from cannot be written")
	}
	b = append(binary.LittleEndian.AppendUint64(b, uint64(len(b))), tail...)
	_, err = w.Write(b)
	return err
}

type saved struct {
	Parts []part   `json:"parts"`
	Dead  []uint32 `json:"dead,omitempty"`
}

// Read takes a compiled set over, with where its rows came from if it says so; name is what it is called where it does not. Errors: those of match.ReadSet.
func Read(raw []byte, name string) (*match.Set, *Origins, error) {
	from := &Origins{stale: true, dead: map[uint32]bool{}}
	if rest, ok := bytes.CutSuffix(raw, []byte(tail)); ok && len(rest) >= 8 {
		n := binary.LittleEndian.Uint64(rest[len(rest)-8:])
		rest = rest[:len(rest)-8]
		var told saved
		if n > uint64(len(rest)) || json.Unmarshal(rest[uint64(len(rest))-n:], &told) != nil || !ordered(told.Parts) {
			return nil, nil, fault.New(fault.Malformed, "", "these are not compiled indicators, or they are damaged; compile them again")
		}
		raw = rest[:uint64(len(rest))-n]
		from.parts = told.Parts
		for _, id := range told.Dead {
			from.dead[id] = true
		}
	}
	set, err := match.ReadSet(raw)
	if err == nil && len(from.parts) == 0 {
		from.parts = []part{{File: name, N: 1<<32 - 1}}
	}
	return set, from, err
}

// ordered tells whether parts follow each other.
func ordered(parts []part) bool {
	next := uint64(0)
	for _, p := range parts {
		if uint64(p.Before) != next || p.N < 0 || p.Parcel < 0 {
			return false
		}
		if next += uint64(p.N); next > 1<<32-1 {
			return false
		}
	}
	return true
}
