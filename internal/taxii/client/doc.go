// Package client speaks TAXII 2.1 (OASIS) to servers outside: it finds their collections, and fetches the objects of one page by page.
//
// It is no mirror by itself: Origin gives pages to package mirror, which has them imported, and cannot write. It keeps no state but a cursor that its caller gives back.
//
// How nothing is lost. While a server gives next, that is followed. Where it gives none, or takes none back, the last date that it has shown (X-TAXII-Date-Added-Last) is gone back behind by one unit of the
// precision in which it is written, so that objects with that very date come again and not at all are missed; the import knows those that it has. Objects that came with the last page are
// left out by their bytes. Where more objects have one date than a page holds, larger pages are asked for.
//
// Invariants: the server is asked at its own address alone, whatever its answers point to; no answer is held whole; whatever it answers, each page ends, and each cursor differs from the one before or ends the run.
//
// Start with Origin.Next and Find.
package client
