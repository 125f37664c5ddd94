// Package marking holds how a statement may be handled: TLP 2.0, PAP, handling codes, personal data, retention.
//
// It knows the order of each scale and how two markings combine (to the strictest), and nothing else: what a marking
// permits is an agreement's to say. Clause: STM-5. Start with Marking.
package marking
