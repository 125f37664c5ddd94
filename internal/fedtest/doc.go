// Package fedtest is a federation in one test: parties with real folders, SQLite stores and HTTPS listeners on loopback, links that can
// be cut, and a clock that the test moves.
//
// A script reads as a story: parties act, a link is cut, a day passes, states are compared. It is for tests alone and asserts nothing by
// itself but that what it was told to do worked. Start with New.
package fedtest
