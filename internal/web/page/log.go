package page

import "time"

// LogBook is the own log: how it stands, how it grew, and what was signed of it.
type LogBook struct {
	Log
	Worries     []Worry
	Growth      *Growth // nil: it has too few points for a picture
	Checkpoints []CheckpointRow
	Next, First string // the addresses of the next page of checkpoints, and of the first; "" where there is none
	Evidence    string // where evidence of the log is downloaded; "" where the reader may not, or there is none
	Checked     bool   // it has just been verified
	Problems    []string
}

// CheckpointRow is one state of the log that was signed.
type CheckpointRow struct {
	Size      int64
	Time      time.Time
	Cosigners []string // parties
	Evidence  string   // where the proof is downloaded that the log has only grown since; "" where the reader may not
}
