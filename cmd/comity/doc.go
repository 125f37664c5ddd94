// Command comity is one party's node and all that its officers do with it. Everything is in internal/cli; here is only the process.
package main
