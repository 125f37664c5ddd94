// Package threadtest is what every desk must pass, and the means to write a thread down as a story.
//
// Talk composes heads as parties would who sit together. Suite lets parties talk past each other at random, some of them badly, and
// checks what the engine and a desk promise: one state for any order of arrival (THR-4), the same by one step or by a whole fold,
// moves that are admitted and nothing else that is (THR-6). A desk earns its place in ten lines:
//
//	func TestDesk(t *testing.T) { threadtest.Suite{Desk: Desk{}, Open: …, Facts: …}.Test(t) }
//	func FuzzDesk(f *testing.F) { threadtest.Suite{Desk: Desk{}, Open: …, Facts: …}.Fuzz(f) }
//
// It is for tests only.
package threadtest
