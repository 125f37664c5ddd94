package journal

import "github.com/comity-exchange/comity/internal/failpoint"

// The moments of an append and of raising the mark at which a test may end the process, in the order in which they come.
const (
	pointTiles   = "journal.tiles"  // the batch's tiles are written
	pointSigned  = "journal.signed" // its checkpoint is signed
	pointNoted   = "journal.noted"  // and written
	pointLocked  = "mark.locked"    // the mark is about to be read and raised
	pointWritten = "mark.written"   // it is in its slot; next the file is synced
	pointRaised  = "mark.raised"    // it is on stable storage
)

// Points lists them all.
func Points() []string {
	return []string{pointTiles, pointSigned, pointNoted, pointLocked, pointWritten, pointRaised}
}

// Reached has f told of each point of this journal and of its mark. It is called before the journal is used.
func (j *Journal) Reached(f failpoint.Func) { j.reached, j.mark.reached = f, f }
