package store

import (
	"github.com/comity-exchange/comity/statement"
	"github.com/comity-exchange/comity/thread"
)

// Officer is somebody who may act for the party. ID is an identifier that stands in lists; Name is of a person, and is kept sealed under a key of its own, as
// a body is.
type Officer struct {
	ID        string
	Name      string
	Roles     []string
	Languages []string
	Disabled  bool
	Record    thread.ID // the local records about the officer
	Made      statement.Time
	MadeBy    string // an officer's id; "": the operator of the node
	Changed   statement.Time
	ChangedBy string
}

// Token is what an officer's programs show instead of the officer. Hash is a keyed hash of its secret, whose key is not in the store.
type Token struct {
	Hash      statement.Digest
	Officer   string
	Scopes    []string // roles of the officer that it stands for
	Made      statement.Time
	MadeBy    string
	Expires   statement.Time
	LastUsed  statement.Time // to the day
	Revoked   statement.Time // zero: it is good until it expires
	RevokedBy string
}

// Link lets an officer in once, until it expires. Hash is as in Token.
type Link struct {
	Hash    statement.Digest
	Officer string
	Made    statement.Time
	MadeBy  string
	Expires statement.Time
}

// Session is an officer's browser that is let in until Expires. Hash is as in Token. Copies of the store leave sessions out.
type Session struct {
	Hash    statement.Digest
	Officer string
	Way     string // how the officer was let in
	Made    statement.Time
	Seen    statement.Time // to the minute or so
	Expires statement.Time
}

// Passkey is a key of an officer's device, by which the officer signs in. ID is what the device calls it. Name, which an officer chose, is kept sealed.
type Passkey struct {
	ID       []byte
	Officer  string
	Name     string
	Record   []byte // its public key and what else a signature is held against
	Made     statement.Time
	LastUsed statement.Time
	Count    int64 // of signatures, as the device told it last; some always tell 0
}

// Identity is somebody at a provider of identities who is let in as an officer. Hash is a keyed one of provider and subject: who reads the store learns of
// neither more than Issuer, the provider's address.
type Identity struct {
	Hash    statement.Digest
	Officer string
	Issuer  string
	Made    statement.Time
	MadeBy  string
}

// DraftID names a draft in this store alone.
type DraftID [16]byte

// Draft is what somebody is about to say. Content is kept sealed under a key of its own; dropping the draft destroys both.
type Draft struct {
	ID      DraftID
	Author  string // an officer's id; "": the operator of the node
	Status  string
	Record  thread.ID // the local records about it; zero while there are none
	Made    statement.Time
	Changed statement.Time
	Content []byte
}

// Office keeps who may act for the party, and what waits to be said. What is replaced or dropped is overwritten where it lay, as Contents.Erase does.
type Office interface {
	PutOfficer(Officer) error // inserts or replaces
	Officer(id string) (Officer, error)
	// EachOfficer goes through all officers by id.
	EachOfficer(yield func(Officer) bool) error

	PutToken(Token) error // inserts, or replaces LastUsed, Revoked and RevokedBy
	Token(hash statement.Digest) (Token, error)
	// EachToken goes through an officer's tokens by hash; officer "" means all.
	EachToken(officer string, yield func(Token) bool) error

	// PutLink inserts; the same hash again is fault.Exists.
	PutLink(Link) error
	Link(hash statement.Digest) (Link, error)
	// EachLink goes through an officer's links by hash; officer "" means all.
	EachLink(officer string, yield func(Link) bool) error
	DropLink(hash statement.Digest) error

	PutSession(Session) error // inserts, or replaces Seen
	Session(hash statement.Digest) (Session, error)
	// EachSession goes through an officer's sessions by hash; officer "" means all.
	EachSession(officer string, yield func(Session) bool) error
	// DropSession works on what is not here, too.
	DropSession(hash statement.Digest) error

	PutPasskey(Passkey) error // inserts, or replaces LastUsed and Count
	Passkey(id []byte) (Passkey, error)
	// EachPasskey goes through an officer's passkeys by id; officer "" means all.
	EachPasskey(officer string, yield func(Passkey) bool) error
	// DropPasskey works on what is not here, too.
	DropPasskey(id []byte) error

	// PutIdentity inserts; the same hash again is fault.Exists.
	PutIdentity(Identity) error
	Identity(hash statement.Digest) (Identity, error)
	// EachIdentity goes through an officer's identities by hash; officer "" means all.
	EachIdentity(officer string, yield func(Identity) bool) error
	// DropIdentity works on what is not here, too.
	DropIdentity(hash statement.Digest) error

	// Spend notes that something that is good once was used, until expires; the second time it is fault.Exists.
	Spend(hash statement.Digest, expires statement.Time) error
	// DropSpent forgets what had expired by then.
	DropSpent(by statement.Time) error

	PutDraft(Draft) error // inserts or replaces
	Draft(id DraftID) (Draft, error)
	// EachDraft goes through all drafts by id.
	EachDraft(yield func(Draft) bool) error
	// DropDraft erases a draft. It works on what is not here, too.
	DropDraft(id DraftID) error
}
