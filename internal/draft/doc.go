// Package draft is the life of what somebody is about to say, until it is said: written, submitted, approved or sent back by another officer, released or dropped.
//
// It changes drafts and reads and writes their rows; it does not know who may do what (internal/auth), whether something may pass (internal/exchange), or how a
// step is recorded (desk/office): internal/node brings these together. An approval names the digest of exactly what will be said; whatever changes the draft
// afterwards makes it void. Texts live in the draft alone and are erased with it. Attachments stay in the files where they are, named by path and digest,
// until the release reads them; those that were uploaded are sealed (internal/upload), and the draft has their keys.
//
// Invariants: who approves or returns a draft is not its author; a step that the status does not allow changes nothing. Start with Draft.
package draft
