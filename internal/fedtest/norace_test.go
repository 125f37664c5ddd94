//go:build !race

package fedtest

// raced: see race_test.go.
const raced = false
