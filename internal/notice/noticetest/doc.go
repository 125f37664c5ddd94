// Package noticetest is a mail server for tests: it keeps what it is sent, with STARTTLS and sign-in, and fails as it is told. It is for tests alone.
//
// Start with Open.
package noticetest
