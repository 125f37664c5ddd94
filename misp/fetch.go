package misp

import (
	"bytes"
	"cmp"
	"io"
	"iter"
	"slices"
	"strings"

	"github.com/comity-exchange/comity/fault"
	"github.com/comity-exchange/comity/stix"
)

// Feed is a feed as the files that it consists of, wherever they lie.
type Feed struct {
	// Open opens a file by its name: manifest.json, or UUID.json. What there is no such file of is fault.NotFound; what is a fault of the place, and not of the file, is any code but that and fault.Malformed,
	// fault.TooLarge and fault.Failed.
	Open func(name string) (io.ReadCloser, error)
	// Known is the timestamp of an event as it was fetched before; "" where it was not.
	Known   func(UUID) Seconds
	Mapping Mapping
}

// Manifest reads which events there are, and what of that is refused. Errors: those of Open and ParseManifest.
func (f Feed) Manifest() (Manifest, []stix.Item, error) {
	b, err := f.read("manifest.json", MaxManifestBytes)
	if err != nil {
		return nil, nil, err
	}
	return ParseManifest(b)
}

func (f Feed) read(name string, most int64) ([]byte, error) {
	r, err := f.Open(name)
	if err != nil {
		return nil, err
	}
	defer func() { _ = r.Close() }() // it was only read
	b, err := io.ReadAll(io.LimitReader(r, most+1))
	switch {
	case err != nil && fault.CodeOf(err) != fault.Internal:
		return nil, err
	case err != nil:
		return nil, fault.Wrap(err, fault.Unavailable, "", "a file of the feed cannot be read to its end")
	case int64(len(b)) > most:
		return nil, fault.New(fault.TooLarge, "", "a file of the feed has more than %d bytes", most)
	}
	return b, nil
}

// Changed lists the events of a manifest that are newer than what is known of them, the oldest change first. It goes by what is known of each, since an instance publishes late what it changed early.
func (f Feed) Changed(m Manifest) (changed []UUID) {
	for u, e := range m {
		if known := f.Known(u); known == "" || known.Compare(e.Timestamp) < 0 {
			changed = append(changed, u)
		}
	}
	slices.SortFunc(changed, func(a, b UUID) int { return cmp.Or(m[a].Timestamp.Compare(m[b].Timestamp), cmp.Compare(a, b)) })
	return changed
}

// Items fetches events and maps each to STIX, and holds one at a time. A file that is not there, is broken, or has another event than its name says, costs the others nothing: it is an Item with Err. The
// error is why no other file can be had either.
func (f Feed) Items(events []UUID) iter.Seq2[stix.Item, error] {
	return func(yield func(stix.Item, error) bool) {
		out := &stream{yield: yield}
		for _, u := range events {
			b, err := f.read(string(u)+".json", MaxEventBytes)
			switch code := fault.CodeOf(err); {
			case err == nil:
				err = f.event(out, u, b)
			case code != fault.NotFound && code != fault.Malformed && code != fault.TooLarge && code != fault.Failed:
				yield(stix.Item{}, err)
				return
			}
			if err != nil {
				out.give(stix.Item{Err: fault.New(fault.CodeOf(err), "", "event %s: %s", strings.ToLower(string(u)), fault.Of(err).Msg)})
			}
			if out.stopped {
				return
			}
		}
	}
}

// event maps one event. The error is why none of it is taken.
func (f Feed) event(out *stream, u UUID, b []byte) error {
	found := 0
	for p, err := range read(bytes.NewReader(b), f.Mapping.Limits, true) {
		switch {
		case err != nil:
			return err
		case p.Head == nil:
		case !strings.EqualFold(string(p.Head.UUID), string(u)):
			return fault.New(fault.Malformed, "", "the file has another event than its name says")
		default:
			found++
		}
	}
	if found != 1 {
		return fault.New(fault.Malformed, "", "the file has not one event")
	}
	for item, err := range ItemsOf(b, f.Mapping) {
		if err != nil {
			return err
		}
		if out.give(item); out.stopped {
			break
		}
	}
	return nil
}
