package match

// The shortest prefixes that name somebody's network: a registry gets no shorter one of IPv4, and no provider of IPv6.
const (
	least4 = 8
	least6 = 16
)

// Wide tells of a range whether it is wider than any network that somebody could be told of, such as 0.0.0.0/0: looked for, it would be found on every line and say nothing. A name of one label,
// such as com, is none to Parse.
func (v Value) Wide() bool {
	if v.Kind != Range {
		return false
	}
	return v.end < least4 || v.at.n == 16 && v.end < least6
}
