package store

import (
	"io"

	"github.com/comity-exchange/comity/statement"
	"github.com/comity-exchange/comity/thread"
)

// Class is a keyed hash of a head's marking.
type Class int64

// Term is a keyed hash of something that an object is found by: its id, a value, a word.
type Term int64

// Parcel is what the catalogue knows of a blob that holds objects, one a line. Lines are counted from 0.
type Parcel struct {
	No      int64 // 1, 2, …: the order in which parcels came to be in the catalogue
	Content ContentRef
	Thread  thread.ID
	Class   Class
	Objects int   // lines; 0 where the blob was erased
	First   int64 // when line 0 was added, in microseconds since 1970; line i came i of them later. Those of a later parcel are all greater
	Hidden  Lines // that nobody is shown: no object, here already, deleted, or marked more strictly than their head
	Older   Lines // of which the same thread has a later version in the same class, or which their author has revoked there in another
	Shared  Lines // of whose object another thread or class has a version
}

// Lines is a set of lines of a parcel. The zero value is empty.
type Lines []byte

// Has tells whether line i is in the set.
func (l Lines) Has(i int) bool { return i>>3 < len(l) && l[i>>3]&(1<<(i&7)) != 0 }

// Any tells whether some line is.
func (l Lines) Any() bool { return len(l) > 0 }

// Add gives the set with line i. l is changed where it has room.
func (l Lines) Add(i int) Lines {
	for i>>3 >= len(l) {
		l = append(l, 0)
	}
	l[i>>3] |= 1 << (i & 7)
	return l
}

// Posting says that a term stands for a line of a parcel.
type Posting struct {
	Term    Term
	Line    int
	Offset  int   // of the line's first byte in the blob
	Version int64 // of the object, in microseconds since 1970; 0 where the term is not its id
	Sum     int64 // keyed hash of the line; 0 where the term is not its id
}

// Found is a posting with its parcel.
type Found struct {
	Posting
	Parcel int64
}

// ParcelChange says that a parcel came, that its sets of lines are others, or that it went. Change rises with each, over all parcels; a parcel has that of its last, and none
// after a copy was restored until there is another one.
type ParcelChange struct{ Change, No int64 }

// ParcelQuery asks for parcels in the order of No. Empty members hold for all.
type ParcelQuery struct {
	Thread thread.ID
	After  int64 // No above it
	Added  int64 // whose last line was added after it
	Limit  int   // at least 1
}

// Catalogue keeps which objects came with which blobs, and what they are found by. It is made from the blobs; only No and First would be others if it were made anew. What
// it has of a blob goes with it (Erase, Reset), but for an empty parcel that keeps its number; blobs whose parcels it covered then wait to be looked at again.
type Catalogue interface {
	// Uncatalogued lists at most limit blobs that are whole and of which neither PutParcel nor SkipBlob has told since.
	Uncatalogued(limit int) ([]ContentRef, error)
	// SkipBlob notes that a blob is no parcel.
	SkipBlob(ref ContentRef) error
	// LookedAt tells of a blob whether PutParcel or SkipBlob has told of it, or that there is nothing of it any more.
	LookedAt(ref ContentRef) (bool, error)
	// PutParcel adds a parcel of a blob that is whole, and what its lines are found by. Where the blob has one already, as after a backup was put back, No, First and the
	// sets are those of that one, and its terms and words go. No and First of p are not looked at: First becomes now, or what follows the last line of the parcel before, if that is later.
	// It gives the parcel as it is kept. fault.NotFound when the blob is not whole.
	PutParcel(p Parcel, now int64, postings []Posting) (Parcel, error)
	// PutPostings adds terms to a parcel.
	PutPostings(no int64, postings []Posting) error
	// UpdateParcel replaces the sets of lines.
	UpdateParcel(p Parcel) error
	// PutCovers notes that lines of a parcel are hidden, or older, because of others, by number.
	PutCovers(no int64, by []int64) error
	// Covered lists the parcels of which lines are hidden, or older, because of one.
	Covered(by int64) ([]int64, error)
	// Recatalogue takes a statement's parcels out, as Erase does, and lets its blobs wait to be looked at again: they come to be others, with new numbers.
	Recatalogue(id statement.ID) error
	Parcel(no int64) (Parcel, error)
	// Parcels lists by q. A page costs the same however many parcels there are.
	Parcels(q ParcelQuery) ([]Parcel, error)
	// ParcelChanges lists at most limit changes after a given one, in their order. Where there are none it costs the same however many parcels there are.
	ParcelChanges(after int64, limit int) ([]ParcelChange, error)
	// LastParcel is the No of the newest; 0 when there is none.
	LastParcel() (int64, error)
	// WordlessParcels lists at most limit parcels of which the words are not yet among the terms; WordsPut notes that they are.
	WordlessParcels(limit int) ([]Parcel, error)
	WordsPut(no int64) error
	// Postings lists at most limit of a term, by parcel and line, after (parcel, line).
	Postings(term Term, parcel int64, line, limit int) ([]Found, error)
	// MergePostings puts some of what PutPostings has written together, so that it is found faster. It costs the same however many postings there are. merged is false when nothing is to be done.
	MergePostings() (merged bool, err error)
	// ReadRange writes n bytes of a blob from offset on, in pieces; it reads little more than these. Errors: those of Read; fault.Internal beyond its end.
	ReadRange(ref ContentRef, offset, n int64, w io.Writer) error
	// ReadLine gives the line of a blob that begins at offset, without its line feed; it reads little more. Errors: those of ReadRange.
	ReadLine(ref ContentRef, offset int64) ([]byte, error)
}
