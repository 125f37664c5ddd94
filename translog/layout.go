package translog

import (
	"encoding/binary"
	"fmt"
	"strconv"
	"strings"

	"github.com/comity-exchange/comity/fault"
	"github.com/comity-exchange/comity/statement"
)

// Entries stands for a level in TilePath and ParseTilePath: the bundles of entries.
const Entries = -1

// topLevel is the highest level of which a tree of 2^40 leaves has a hash.
const topLevel = 5

// TilePath is where C2SP tlog-tiles serves a tile: tile/<level>/<n>, with .p/<width> behind it when it is not whole. n is cut into groups
// of three digits: tile/0/x001/x234/067.
func TilePath(level int, n int64, width int) string {
	// spec: LOG-2
	l := "entries"
	if level != Entries {
		l = strconv.Itoa(level)
	}
	groups := fmt.Sprintf("%03d", n%1000)
	for n /= 1000; n > 0; n /= 1000 {
		groups = fmt.Sprintf("x%03d/%s", n%1000, groups)
	}
	if width < TileWidth {
		groups += ".p/" + strconv.Itoa(width)
	}
	return "tile/" + l + "/" + groups
}

// ParseTilePath reads such a path, in its one spelling. width is 1 to 256.
func ParseTilePath(path string) (level int, n int64, width int, err error) {
	// spec: LOG-2
	bad := fault.New(fault.Malformed, "LOG-2", "a tile's path is like tile/0/x001/234 or tile/entries/000.p/7")
	rest, ok := strings.CutPrefix(path, "tile/")
	if !ok || len(path) > 64 {
		return 0, 0, 0, bad
	}
	l, rest, _ := strings.Cut(rest, "/")
	level = Entries
	if l != "entries" {
		if level, err = strconv.Atoi(l); err != nil || level < 0 || level > topLevel {
			return 0, 0, 0, bad
		}
	}
	groups, partial, isPartial := strings.Cut(rest, ".p/")
	width = TileWidth
	if isPartial {
		if width, err = strconv.Atoi(partial); err != nil || width < 1 || width >= TileWidth {
			return 0, 0, 0, bad
		}
	}
	for g := range strings.SplitSeq(groups, "/") {
		d, err := strconv.ParseUint(strings.TrimPrefix(g, "x"), 10, 10)
		if err != nil || n > MaxSize {
			return 0, 0, 0, bad
		}
		n = n*1000 + int64(d)
	}
	if n >= MaxSize/TileWidth || TilePath(level, n, width) != path {
		return 0, 0, 0, bad
	}
	return level, n, width, nil
}

const entrySize = 2 + len(statement.ID{})

// EntryBundle is what tile/entries/… holds for ids: before each its length in two bytes.
func EntryBundle(ids []statement.ID) []byte {
	// spec: LOG-2
	b := make([]byte, 0, len(ids)*entrySize)
	for _, id := range ids {
		b = binary.BigEndian.AppendUint16(b, uint16(len(id)))
		b = append(b, id[:]...)
	}
	return b
}

// ParseEntryBundle reads a bundle of 1 to 256 entries.
func ParseEntryBundle(b []byte) ([]statement.ID, error) {
	// spec: LOG-2
	if len(b) == 0 || len(b)%entrySize != 0 || len(b) > TileWidth*entrySize {
		return nil, fault.New(fault.Malformed, "LOG-2", "a bundle has 1 to 256 entries of 34 bytes")
	}
	ids := make([]statement.ID, 0, len(b)/entrySize)
	for ; len(b) > 0; b = b[entrySize:] {
		if binary.BigEndian.Uint16(b) != uint16(len(statement.ID{})) {
			return nil, fault.New(fault.Malformed, "LOG-2", "an entry is the two bytes 0x00 0x20 and an id")
		}
		ids = append(ids, statement.ID(b[2:entrySize]))
	}
	return ids, nil
}
