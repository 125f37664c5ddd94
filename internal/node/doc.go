// Package node is one party's node: its folder, keys, store, exchange and courier, put together, and what its officers do with it.
//
// It wires and it asks; rules live in the kernel and writes go through exchange. Nothing is global: any number of nodes live in one
// process and share nothing. Start with Init, then Open; each other file is one thing that an officer does.
package node
