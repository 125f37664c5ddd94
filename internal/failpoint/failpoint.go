package failpoint

// Func is told that a point has been reached, on the goroutine that has reached it, which goes on when Func returns. It must be safe for
// concurrent use. Nil is told nothing.
type Func func(point string)

// At tells f that a point has been reached.
func (f Func) At(point string) {
	if f != nil {
		f(point)
	}
}
