// Command tally reads what `go test -json` writes and says what came of it, for people and for ./test.
//
//	go test -json ./... | tally -counts FILE
//
// It prints a line for each package as it ends, then the whole output of each failed test, each skipped test with its reason, and
// the slowest tests. FILE gets one line: passed, failed and skipped, as three numbers.
//
// It counts leaves: a test with subtests counts as its subtests, and once more as failed if it fails while none of
// them does. A package that fails with no failed test (it does not build, it ran out of time) counts as one failure. A test
// that began and never ended, because another one panicked or time ran out, counts as failed.
//
// Exit status: 0 nothing failed, 1 something failed, 2 the input or the call was wrong.
package main
