// Package door lets officers in: by a one-time link, by a passkey, or by a provider of identities; and out again.
//
// There are no passwords. Who is let in gets a session, whose secret the browser keeps in a cookie that no script reads; it is looked up anew in every transaction, so
// that what was taken away is gone at once. Who may come in and what is recorded is internal/auth's and internal/node's; the door speaks HTTP.
//
// Invariants: whoever is behind Front and has not signed in is nobody, and never the operator; looking at a link does not use it; what is begun is good once, in the
// browser that began it; whatever was wrong with an attempt, the answer is the same; each address and each officer has so many attempts and no more; nobody is sent
// to another site but to the provider.
//
// Start with New and Door.Signed.
//
//go:generate go run github.com/a-h/templ/cmd/templ@v0.3.977 generate
package door
