// Package i18n says what pages say in the reader's language: messages, plural forms, numbers, dates, spans of time, and the direction of writing.
//
// A language is one TOML file in messages/. It has all that English has but the groups that it says it lacks, which a test holds; what it lacks is said in English. Codes, ids and digits look the same in every language, so that two officers can read them to each other.
//
// It is not for what the protocol says: texts of verdicts and faults are English wherever they are made, since both sides see the same. Invariants: a catalog never
// changes; a message that is nowhere shows as ⟦key⟧, and a test of the pages looks for that.
//
// Start with Load, Catalog.Match and Printer.T.
package i18n
