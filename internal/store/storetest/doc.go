// Package storetest is the suite that every implementation of store.Store passes: the contract of package store, as tests.
//
// An implementation calls Run from one test and Benchmark from one benchmark. What only it has (files, servers) it tests by itself.
//
// Start with Run.
package storetest
