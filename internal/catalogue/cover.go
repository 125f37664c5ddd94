package catalogue

import (
	"net/netip"
	"slices"
	"strings"

	"github.com/comity-exchange/comity/internal/store"
	"github.com/comity-exchange/comity/match"
	"github.com/comity-exchange/comity/stix"
)

// maxCovers bounds the values that a search looks up beside the one that it was given: each costs a look into the index. Of a name with more labels those nearest to it are looked up.
const maxCovers = 48

// covers are the values of indicators that package match would find in a canonical value: the ranges that an address or a range lies in, and the domains that a name is below. Of IPv4 these are all
// prefixes; of IPv6 those that registries and providers give: every fourth from /16 on, /29 to /31, and /125 to /127.
func covers(value string) (all []string) {
	v, err := match.Parse(value, 0)
	if err != nil || v.Text != value {
		return nil
	}
	switch v.Kind {
	case match.Domain:
		for rest := value; len(all) < maxCovers; {
			_, above, ok := strings.Cut(rest, ".")
			if !ok || !strings.Contains(above, ".") {
				break
			}
			all, rest = append(all, above), above
		}
	case match.Address, match.Range:
		p, err := netip.ParsePrefix(value)
		if err != nil {
			at, err := netip.ParseAddr(value)
			if err != nil {
				return nil
			}
			p = netip.PrefixFrom(at, at.BitLen())
		}
		for bits := p.Bits() - 1; bits >= 0; bits-- {
			if p.Addr().Is6() && !(bits >= 16 && bits%4 == 0 || bits >= 29 && bits < 32 || bits > 124) {
				continue
			}
			all = append(all, netip.PrefixFrom(p.Addr(), bits).Masked().String())
		}
	}
	return all
}

// anyOf is what one part of a search stands for: a line that one of its terms names. It remembers which line of each comes next, so that of many terms few are looked up again as the search goes on.
type anyOf struct {
	terms []store.Term
	next  []*store.Found // of each term, the first line behind the place that was asked for last
	ended []bool
}

func oneOf(terms ...store.Term) *anyOf {
	return &anyOf{terms: terms, next: make([]*store.Found, len(terms)), ended: make([]bool, len(terms))}
}

// after gives the first line behind a place, and how many looks into the index that took; nil where there is none. Places come in ascending order.
func (a *anyOf) after(tx store.Tx, at Mark) (first *store.Found, looks int, err error) {
	for i, t := range a.terms {
		if n := a.next[i]; !a.ended[i] && (n == nil || !at.before(Mark{n.Parcel, n.Line})) {
			looks++
			found, err := tx.Postings(t, at.Parcel, at.Line, 1)
			if err != nil {
				return nil, looks, err
			}
			if a.ended[i] = len(found) == 0; a.ended[i] {
				a.next[i] = nil
				continue
			}
			a.next[i] = &found[0]
		}
		if n := a.next[i]; n != nil && (first == nil || (Mark{n.Parcel, n.Line}).before(Mark{first.Parcel, first.Line})) {
			first = n
		}
	}
	return first, looks, nil
}

func (m Mark) before(n Mark) bool {
	return m.Parcel < n.Parcel || m.Parcel == n.Parcel && m.Line < n.Line
}

// names tells whether an object has a search's value, and by which that covers it where it is an indicator that does not name it.
func (s *Search) names(o *stix.Object) (by string, ok bool) {
	values := Values(o)
	if slices.Contains(values, Normal(s.Value)) {
		return "", true
	}
	if o.Type != "indicator" {
		return "", false
	}
	for _, c := range s.covers {
		if slices.Contains(values, c) {
			return c, true
		}
	}
	return "", false
}
