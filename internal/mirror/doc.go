// Package mirror fetches outside collections again and again into sources of the party's own: what is to be fetched, how far each has come, when it is due, and how a run goes.
//
// It knows no format: an Origin gives objects after a cursor that it alone can read. internal/taxii/client is one, File another. It keeps nothing and imports nothing by itself:
// package node gives it the catalogue to fill, and keeps Mirror and State in its store.
//
// Invariants: nothing goes to a server that its administrator has not named, nor a credential to any other (Site); a cursor moves on only after what came before it is committed (Round),
// so that a kill loses nothing, and what is read twice is known by the import; every wait, text and list has a bound, and one slow server holds up nobody but itself.
//
// Start with Origin, Round and State.
package mirror
