// Package template has agreements to begin with: six documents, each in English and Russian, that follow public instruments and cite them
// article by article. A lawyer edits what Make gives before anybody proposes it.
//
// It is no legal advice and no model text of anybody's: facts and figures follow the instruments that are cited, the words are ours.
//
// Invariants: what Make gives, agreement.Parse takes; every rule names groups, so that one document serves any parties; every text is in all
// languages of its document. Clauses: AGR-1…6 decide what a document may say. Start with List and Make.
package template
