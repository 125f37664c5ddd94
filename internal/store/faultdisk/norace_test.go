//go:build !race

package faultdisk_test

const less = 1
