// Package misp is the node for MISP instances and the programs that speak to them: its sources, feeds and shares as MISP feeds, and a peer that an instance pulls from and pushes to.
//
// It translates and asks. Package misp of the kernel knows the formats, the catalogue holds what may be seen, package node who may ask; package gate lets in. docs/misp.md says what a MISP operator does.
//
// What an event is: one that came from MISP is that event again, under its UUID, as far as the caller sees its parts. Everything else makes an event for each parcel; a newer version of an object is
// shown in the event in which the object came first, since to MISP an attribute belongs to one event for ever.
//
// Not here: proposals, galaxies as such, analyst data, sharing groups, changes of single attributes. What is erased is no longer listed, and MISP keeps what it has pulled.
//
// Invariants: nobody sees above their marking; a partner without a node sees what its token names, and of anything else no trace in numbers, digests or times; without a token nobody sees more than
// a source that the settings name, and of that what has no marking but TLP:CLEAR; a marking goes out whole and comes in no looser; a filter that is not known is refused; a sync with nothing new is
// one request of constant cost, but that a listing is judged anew each minute; nobody who leaves undoes what others wait for; what refuses answers in JSON.
//
// How: keeper.go makes a shelf of the catalogue, which nobody changes once it is given out; listing.go says what of it a scope sees.
//
// Clauses: INT-9. Start with handler.go.
package misp
