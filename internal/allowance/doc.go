// Package allowance bounds how often each caller of a face may call: so many requests at once, and so many a second in the long run.
//
// It counts names that its callers give it, and knows neither who they are nor what they ask for. It keeps no more than a bounded number of them, in memory: after a new start everybody has
// all requests left.
package allowance
