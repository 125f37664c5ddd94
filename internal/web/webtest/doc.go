// Package webtest drives a real browser over the pages, for tests.
//
// A test that finds no Chromium is skipped, and says so; ./test takes that for a failure. Start with Browser.
package webtest
