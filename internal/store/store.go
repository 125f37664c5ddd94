package store

import (
	"context"
	"io"
	"strings"

	"github.com/comity-exchange/comity/fault"
	"github.com/comity-exchange/comity/party"
	"github.com/comity-exchange/comity/statement"
	"github.com/comity-exchange/comity/thread"
	"github.com/comity-exchange/comity/translog"
)

// Store is a node's durable memory.
//
// Concurrency: safe for concurrent use, by several goroutines and by several processes on one folder; writers take turns.
// Durability: when Update returns nil, what f wrote survives loss of power. When it returns an error, none of it is there, unless the
// error wraps fault.Unavailable with "outcome unknown", after which the caller looks before it writes again.
// Isolation: Update is serialisable; View sees one moment. Retry: Update may call f again after a conflict, so f has no effects outside
// tx. Errors: fault.NotFound where a single thing that was asked for is not there; fault.Exists where an insert finds a different
// row under the same key; fault.Unavailable when the store is busy or full; else fault.Internal. A Tx is dead once f has returned.
type Store interface {
	Update(ctx context.Context, f func(tx Tx) error) error
	View(ctx context.Context, f func(tx Tx) error) error
	// Savepoint runs f inside tx and undoes what f alone wrote when f fails. It returns f's error.
	Savepoint(tx Tx, f func() error) error
	// Version rises whenever any process has committed a write. It is cheap: pollers call it many times a second.
	Version(ctx context.Context) (int64, error)
	// Incarnation names this copy of the data. It is another one after the store was put back from a backup, or went over to a server that
	// may lack what was written last.
	Incarnation(ctx context.Context) (string, error)
	// Claim takes a lease, or extends it: it is to be had while nobody holds it, when it has run out by the caller's clock, or by its holder; and when it
	// would last by more than as long again as the caller wants it: then its holder's clock is that far ahead, and it might last for days. With until equal
	// to now its holder gives it up. It keeps processes out of each other's way, and nothing may hang on it. It is no news: Version and Alone need not tell of it.
	Claim(ctx context.Context, name, holder string, now, until statement.Time) (bool, error)
	Close() error
}

// OutcomeUnknown tells of an error of Update that what f wrote may be there or not: the caller looks before it writes again.
func OutcomeUnknown(err error) bool {
	return fault.CodeOf(err) == fault.Unavailable && strings.HasSuffix(fault.Show(err), "outcome unknown")
}

// Tx is one transaction. Methods that write fail inside View. Slices that are passed in are not kept, those that come out are the
// caller's. Listing methods call yield until it gives false.
type Tx interface {
	Letters
	Log
	Statements
	Contents
	Catalogue
	Delivery
	Office
	Answers
	// Alone tells, inside Update, that nobody else has written since this Store's last Update that succeeded: what was read or written by then still
	// holds. It is false in the first, and may be false for no reason. In a View it is false.
	Alone() bool
	// Incarnation is what Store.Incarnation gives, for the data that this transaction reads and writes.
	Incarnation() (string, error)
}

// LetterStatus says how far a letter is trusted.
type LetterStatus string

// The statuses.
const (
	LetterImported   LetterStatus = "imported"   // here, not confirmed
	LetterConfirmed  LetterStatus = "confirmed"  // its words were confirmed, or it follows one whose were
	LetterSuperseded LetterStatus = "superseded" // a later one is confirmed
	LetterRevoked    LetterStatus = "revoked"    // its log's keys are no longer to be trusted
)

// Letter is a letter of credence as kept.
type Letter struct {
	Code        party.Code
	Serial      int
	Digest      statement.Digest
	Raw         []byte // the whole letter, all lines
	Status      LetterStatus
	ConfirmedAt statement.Time
}

// Letters keeps letters of credence; (Code, Serial, Digest) is the key.
type Letters interface {
	PutLetter(Letter) error // inserts or replaces status and time
	// Letter is the confirmed letter of code; fault.NotFound when there is none.
	Letter(code party.Code) (Letter, error)
	// EachLetter goes through all letters by code and serial.
	EachLetter(yield func(Letter) bool) error
}

// Checkpoint is a checkpoint of any log that was accepted, made here, or (Proven false) only seen in somebody's packet.
type Checkpoint struct {
	Origin party.Origin
	Size   int64
	Root   translog.Hash
	Time   statement.Time // the log's own timestamp
	Note   []byte         // the signed note, with every cosignature known
	Cosigs int            // parties other than the author whose cosignature is in Note
	Proven bool           // consistent with everything accepted before
}

// Consistency is one verified step between two sizes of a log.
type Consistency struct {
	Origin   party.Origin
	From, To int64
	Hashes   []translog.Hash
}

// TilePath is what leads from the subtree of leaves [256·N, …) to the root of a checkpoint of the given size (PKT-5).
type TilePath struct {
	Origin party.Origin
	N      int64
	Size   int64
	Path   []translog.Hash
}

// Fork is proof that a log has two histories: two signed notes. It is kept for ever.
type Fork struct {
	Origin party.Origin
	NoteA  []byte
	NoteB  []byte
	Found  statement.Time
	Why    string // an identifier, such as "equal-size"
}

// Log keeps tiles, checkpoints and proofs, of the node's own log and of others'. The key of a checkpoint is (Origin, Size, Root).
type Log interface {
	// Tile is the stored hashes of a tile, at most 256 × 32 bytes; empty when there is none. Level 0 holds leaf hashes.
	Tile(origin party.Origin, level int, n int64) ([]byte, error)
	// PutTile inserts a tile or replaces it by a longer one.
	PutTile(origin party.Origin, level int, n int64, hashes []byte) error
	// PutCheckpoint inserts, or replaces Time, Note, Cosigs and Proven.
	PutCheckpoint(Checkpoint) error
	// Newest is the proven checkpoint of greatest size; fault.NotFound when there is none.
	Newest(origin party.Origin) (Checkpoint, error)
	// Checkpoints goes through those of origin with size ≥ from, by size, proven or not.
	Checkpoints(origin party.Origin, from int64, yield func(Checkpoint) bool) error
	// CheckpointsBelow lists at most limit proven checkpoints of origin with size < below, the greatest first. However many there are, it looks at no more than these.
	CheckpointsBelow(origin party.Origin, below int64, limit int) ([]Checkpoint, error)
	PutConsistency(Consistency) error
	// Consistencies goes through the steps of origin with From ≥ from, by From then To.
	Consistencies(origin party.Origin, from int64, yield func(Consistency) bool) error
	PutTilePath(TilePath) error
	TilePath(origin party.Origin, n, size int64) (TilePath, error)
	PutFork(Fork) error // inserting the same fork again does nothing
	Forks(yield func(Fork) bool) error
}

// Statement is a head as kept.
type Statement struct {
	ID     statement.ID
	Thread thread.ID // the zero id for receipt.delivered
	Origin party.Origin
	Index  int64 // leaf in Origin's log, below translog.MaxSize
	// Kind and Precedence are those of Head; an insert without them is fault.Internal.
	Kind       statement.Kind
	Precedence statement.Precedence
	ProofAt    int64 // size of the checkpoint that first proved it; 0 while the own log has not yet signed one
	Head       []byte
	Arrived    statement.Time // by the clock of this node
	Folded     bool           // false: waits for ancestors
	Void       string         // reason of THR-7; "" when it counts
}

// ThreadRow is a thread's state and what lists need without reading it.
type ThreadRow struct {
	ID      thread.ID
	Desk    string
	State   []byte // thread.State as JSON; empty while the opener is missing
	Summary []byte // thread.Summary as JSON
	Opened  statement.Time
	Updated statement.Time // arrival of the newest head
	Waiting int            // heads that wait for ancestors
	Unread  int            // heads of others that nobody has opened here
	Listed  bool           // Facets are those of State
	Facets
	// Clocks are what is owed. PutThread keeps those that it has where this is nil; they do not come out again.
	Clocks []Clock
}

// Statements keeps heads and threads.
type Statements interface {
	// PutStatement inserts. The same id with the same bytes is fault.Exists too: callers look first.
	PutStatement(Statement) error
	// UpdateStatement replaces ProofAt, Folded and Void of the statement with this id.
	UpdateStatement(Statement) error
	Statement(id statement.ID) (Statement, error)
	// FindStatements lists at most limit ids that begin with these lower-case hexadecimal digits.
	FindStatements(prefix string, limit int) ([]statement.ID, error)
	// StatementAt finds by place in a log.
	StatementAt(origin party.Origin, index int64) (Statement, error)
	// Neighbours finds the statements of a log that are here and stand next below and next above index; either may be missing.
	Neighbours(origin party.Origin, index int64) (before, after []Statement, err error)
	// Scan goes through a log's statements with index ≥ from, by index; precedence "" means all.
	Scan(origin party.Origin, precedence statement.Precedence, from int64, yield func(Statement) bool) error
	// EachOfThread goes through a thread's heads, by arrival.
	EachOfThread(id thread.ID, yield func(Statement) bool) error
	// EachSince goes through those that arrived at that time or later, by arrival.
	EachSince(id thread.ID, since statement.Time, yield func(Statement) bool) error
	// HeadsBefore lists the last limit heads of a thread that arrived before one of them, by arrival; before the zero id stand all. Where before is no head of the
	// thread, it is fault.NotFound.
	HeadsBefore(id thread.ID, before statement.ID, limit int) ([]Statement, error)
	// HeadsAfter lists the first limit heads of a thread that arrived after one of them, likewise; none arrived after the zero id.
	HeadsAfter(id thread.ID, after statement.ID, limit int) ([]Statement, error)
	// Length is the size of the greatest proven checkpoint of a log; 0 when there is none. Not all statements below it need be here.
	Length(origin party.Origin) (int64, error)

	PutThread(ThreadRow) error // inserts or replaces
	Thread(id thread.ID) (ThreadRow, error)
	// Threads goes through all threads, the last updated first; desk "" means all.
	Threads(desk string, yield func(ThreadRow) bool) error
	// ListThreads gives a page of a list. However many threads there are, it looks at no more than q.Look of them.
	ListThreads(q ThreadQuery) (ThreadPage, error)
	// CountThreads counts at most limit threads of a list.
	CountThreads(q ThreadQuery, limit int) (int, error)
	// Unlisted lists at most limit threads whose Facets are not those of their state.
	Unlisted(limit int) ([]thread.ID, error)

	// PutWords keeps the words of a statement that is here, instead of those that it had; with none they are looked for no more.
	PutWords(id statement.ID, words []Word) error
	// Unworded lists at most limit statements whose body is whole and whose words were not put since. Erase and Reset of the body drop its words.
	Unworded(limit int) ([]statement.ID, error)
}

// ContentRef names a body (Part −1) or a blob (Part 0…) of a statement.
type ContentRef struct {
	Statement statement.ID
	Part      int
}

// BodyPart is the Part of a ContentRef that names the body.
const BodyPart = -1

// Content describes what is there of a body or blob.
type Content struct {
	SHA256  statement.Digest
	Size    int64 // bytes in all
	Arrived int64 // bytes here, from the beginning
	Whole   bool  // Arrived == Size and the digest was checked by the caller
	Erased  bool  // a tombstone: nothing is here and nothing will be
}

// Contents keeps bodies and blobs of statements that are here, each encrypted under a key of its own in another row. Erasing destroys key and bytes;
// the row stays as a tombstone (STM-7), so that a later copy is known for what it is. A tombstone may come before its statement.
type Contents interface {
	// PutContent announces a body or blob; announcing it again does nothing. fault.NotFound when the statement is not here.
	PutContent(ref ContentRef, sha256 statement.Digest, size int64) error
	// PutWhole announces a body or blob, writes it and marks it complete. The caller has checked the digest. fault.Exists where bytes of it are here
	// already and on a tombstone, fault.NotFound when the statement is not here; then nothing is written.
	PutWhole(ref ContentRef, sha256 statement.Digest, data []byte) error
	Content(ref ContentRef) (Content, error)
	// FindBlobs lists every blob with this digest, tombstones included.
	FindBlobs(sha256 statement.Digest) ([]ContentRef, error)
	// Append adds bytes at offset, which must equal Arrived (else fault.Exists). On a tombstone: fault.Exists, nothing is written.
	Append(ref ContentRef, offset int64, data []byte) error
	// SetWhole marks it complete.
	SetWhole(ref ContentRef) error
	// Reset drops bytes that turned out wrong.
	Reset(ref ContentRef) error
	// Read writes the bytes to w, in pieces. fault.NotFound when it is not whole, fault.Withheld when it was erased.
	Read(ref ContentRef, w io.Writer) error
	// Bodies goes through the bodies of a log's statements that are whole, with from ≤ index < to, by index.
	Bodies(origin party.Origin, from, to int64, yield func(index int64, raw []byte) bool) error
	// NextBlobs finds the first statement of a log from a leaf on of which a blob was announced; fault.NotFound when there is none.
	NextBlobs(origin party.Origin, from int64) (index int64, err error)
	// Erase leaves a tombstone. It works on what was never here, too.
	Erase(ref ContentRef) error
	// EachErased goes through all tombstones.
	EachErased(yield func(ContentRef) bool) error

	// PutDue notes when the contents of a statement that is here are to be erased; of two dates the earlier stays. Who notes it also erases, and drops it
	// then: the store does nothing by itself.
	PutDue(id statement.ID, at statement.Time) error
	// Due lists at most limit statements that are due at that time or before, the longest due first. It is found through an index.
	Due(by statement.Time, limit int) ([]Due, error)
	// DropDue forgets a date; where there is none it does nothing.
	DropDue(id statement.ID) error
}

// Due is a date on which the contents of a statement are to be erased.
type Due struct {
	Statement statement.ID
	At        statement.Time
}

// Arrival says that Peer has receipted a range of leaves of a log. The node's own receipts are arrivals too: Peer is then its own code, and Origin
// the log of another party.
type Arrival struct {
	Peer    party.Code
	Origin  party.Origin
	What    ArrivalKind
	Lo, Hi  int64 // [Lo, Hi)
	Receipt statement.ID
	Time    statement.Time // of the receipt
}

// ArrivalKind says what has arrived.
type ArrivalKind string

// The kinds.
const (
	HeadArrived ArrivalKind = "head"
	BodyArrived ArrivalKind = "body"
	BlobArrived ArrivalKind = "blobs" // all blobs of the statement
)

// Peer is the queue of one own log for one peer: its cursors and how delivery fares. Indexes are leaves of Origin, a log of the node's own.
type Peer struct {
	Code        party.Code
	Origin      party.Origin
	Cursor      map[statement.Precedence]int64    // everything before it that is for the peer has been receipted
	BlobCursor  int64                             // likewise for blobs
	Accepted    int64                             // greatest size of the own log that the peer is known to have accepted
	TheirSize   int64                             // greatest size of theirs that was accepted here
	Gossip      map[party.Origin]statement.Digest // note last sent, by origin
	LastTry     statement.Time
	LastSuccess statement.Time
	Attempts    int // since the last success
	NextTry     statement.Time
	LastError   string         // safe to show
	LastCode    string         // fault code of LastError
	LastHeard   statement.Time // last packet from them
}

// Delivery keeps what peers have and how to reach them.
type Delivery interface {
	// PutArrival adds a receipt. Of several that cover a leaf, the earliest is kept.
	PutArrival(Arrival) error
	// ArrivedAt finds the earliest receipt of peer that covers a leaf.
	ArrivedAt(peer party.Code, origin party.Origin, what ArrivalKind, index int64) (Arrival, error)
	// NextArrival is the range that covers a leaf, or else the next one above it; fault.NotFound when there is none.
	NextArrival(peer party.Code, origin party.Origin, what ArrivalKind, index int64) (Arrival, error)
	PutPeer(Peer) error
	// Peer gives an empty row with code and origin when there is none.
	Peer(code party.Code, origin party.Origin) (Peer, error)
	// SetMeta and Meta keep small facts about the node itself; "" when absent.
	SetMeta(key, value string) error
	Meta(key string) (string, error)
	// PutWanted records that somebody's head names an ancestor that is not here; Wanted lists the open ones of a peer's threads.
	PutWanted(id statement.ID, from party.Code) error
	DropWanted(id statement.ID) error
	// AnyWanted tells whether anything is wanted from anybody.
	AnyWanted() (bool, error)
	Wanted(from party.Code, yield func(statement.ID) bool) error
	// PutRequested notes that peer asked for a head again; Requested lists at most limit of them; DropRequested forgets one.
	PutRequested(peer party.Code, id statement.ID) error
	Requested(peer party.Code, limit int) ([]statement.ID, error)
	DropRequested(peer party.Code, id statement.ID) error
}
