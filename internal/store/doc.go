// Package store is the contract of a node's memory: transactions and queries, and no rules.
//
// It knows rows, not meaning: it checks no signature, folds no thread and decides nothing. internal/store/sqlite implements
// it, internal/store/storetest is the suite that every implementation passes, and the only description of behaviour beside
// the comments here.
//
// Start with Store.
package store
