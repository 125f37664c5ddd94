//go:build race

package faultdisk_test

// less is by how much fewer rounds there are: the race detector makes SQLite's generated code slow, and looks for other things.
const less = 4
