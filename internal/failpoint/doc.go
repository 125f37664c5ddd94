// Package failpoint names the moments at which a test ends a process or makes a step fail: in the middle of a write, between the commit and the
// mark, after a packet has gone and before its answer.
//
// It is not a switch for operators: a node that is served has none, and reads no setting for it. Each package that has such moments lists them in
// its own Points, so that a test can go through every one of them and none is forgotten. Start with Func.
package failpoint
