// Package transparency counts requests, outcomes and grounds of refusal for the public.
//
// It knows months, agreements by their parties, and counts. It does not know ids, titles, officers or times: they are not in what it gives, and nothing that it gives
// depends on them. It reads no store and no clock.
//
// Invariants: a count below Least is shown as such whether it is none or some, and every total is made of what is shown, so that nothing that is not shown can be
// subtracted from it: two inputs that differ in counts below Least alone give the same bytes. Clauses: TRR-1, TRR-2. docs/transparency.md tells what a report says and
// what it does not. Start with Compute.
package transparency
