package catalogue

import (
	"strconv"
	"strings"
)

// String says which object was not taken and why. Where the reason counts from the object's first byte, that is told apart from where the object begins.
func (r Refused) String() string {
	place, why := "object "+strconv.Itoa(r.Index+1), r.Reason
	begins := "at byte " + strconv.FormatInt(r.Offset, 10)
	if r.Offset != 0 && !strings.Contains(why, begins+":") { // a reader of MISP says that itself
		place += ", which begins " + begins
	}
	if rest, ok := strings.CutPrefix(why, "at byte "); ok {
		why = "at its own byte " + rest
	}
	return place + ": " + why
}
