// Package authtest is a device with passkeys, made of software, for tests: it does what a browser and its authenticator do, and what a bad one would.
//
// It is for tests alone and keeps its keys in memory. Start with Device.
package authtest
