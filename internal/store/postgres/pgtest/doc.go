// Package pgtest runs PostgreSQL servers for tests, from the programs of this machine: /usr/lib/postgresql/*/bin, or PATH. Each has a folder of its own, listens on a
// Unix socket in it, and can be crashed, started again, copied to a standby and replaced by it. It is for tests alone.
//
// initdb and postgres do not run as root: a test that does runs them as the user postgres, or nobody.
//
// Start with Main, for the one server that the tests of a package share, and with New for a server of a test's own.
package pgtest
