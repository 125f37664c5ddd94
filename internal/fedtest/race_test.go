//go:build race

package fedtest

// raced tells that the race detector watches: everything takes ten times as long, and one seed shows what three do.
const raced = true
