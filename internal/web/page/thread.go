package page

import "time"

// Thread is one thread with all that was said in it.
type Thread struct {
	Row
	ID        string
	Short     string
	Opened    time.Time
	Track     string
	Agreement *Link // nil: under the charter
	Said      []Utterance
	Earlier   string // where earlier statements are than those shown; "": nothing came earlier
	Newest    bool   // nothing came later than what is shown
	Forms     []Form
	Drafts    []DraftRow
	MayNot    *Fault       // why the reader may write nothing here
	Over      bool         // nothing can be said by this party any more
	Reading   string       // where to say that it was read; "" where nothing is unread
	Recall    *RecallTable // of a recall: who has answered what
}

// RecallTable is who has answered a recall, for each statement.
type RecallTable struct {
	Lines []RecallRow
	Erase string // where to post that it is to be erased here; "" where the reader may not, or nothing is left to be
}

// RecallRow is one party's answer for one statement.
type RecallRow struct {
	Party   string
	Short   string
	Outcome string // "erased", "kept" or "pending"
	Ground  string
	At      time.Time // of the signed receipt, or of the word that it is kept
	Arrived time.Time // when the recall reached it; zero: no receipt yet
	Due     time.Time
}

// Link is a text that leads somewhere.
type Link struct {
	Text string
	Href string
}

// Utterance is one statement as it was said.
type Utterance struct {
	ID        string
	Short     string
	From      string
	Ours      bool
	Quiet     bool // a receipt, or a record that the node made by itself
	Kind      string
	Label     string
	Means     string
	Role      string
	Officer   string
	To        []string
	Time      time.Time
	TLP       string
	Marking   []FactRow // what the marking says beside
	Facts     []FactRow
	Title     string
	Text      string
	Body      string // "here", "none", "not-here" or "erased"
	Void      string // why it counts for nothing
	Waiting   bool   // for what comes before it
	Files     []FileRow
	Receipts  []ReceiptRow
	Refused   []RefusalRow
	Evidence  string // where it is downloaded; "" where the reader may not
	BareProof string // likewise, without the words
	Recall    string // where it is recalled; "" where that is not to be done
	Document  string // the agreement's text that it carries: where to read it
	Recalled  []RecalledNote
}

// RecalledNote is that a statement was recalled.
type RecalledNote struct {
	By     string
	Ours   bool // this party recalls it
	At     time.Time
	Reason string
	Href   string // of the recall
	Lines  []RecallRow
}

// FactRow is one fact. A value that has a link leads there; one of time is shown as a time.
type FactRow struct {
	Name   string
	Values []string
	Time   time.Time
	Link   string
	Of     string // the statement that it leads to
	Mono   bool
}

// FileRow is an attachment. It is downloaded and never shown.
type FileRow struct {
	Name    string
	Type    string
	Size    string
	Href    string // "" while it is not here whole
	State   string // "erased", "arriving" or ""
	Arrived string
	SHA256  string
}

// ReceiptRow is what one recipient has receipted.
type ReceiptRow struct {
	To        string
	Head      time.Time
	Body      time.Time
	Blobs     time.Time
	Retrieved time.Time
	HasBody   bool
	HasBlobs  bool
	Local     bool // goes to nobody
}

// Whole tells whether all of it has arrived.
func (r ReceiptRow) Whole() bool {
	return !r.Head.IsZero() && (!r.HasBody || !r.Body.IsZero()) && (!r.HasBlobs || !r.Blobs.IsZero())
}

// RefusalRow is a refusal by rule.
type RefusalRow struct {
	By       string
	Why      string // as of Verdict
	Clause   string
	Reason   string
	Articles []string
}

// Form is for something that may be said: its facts, words, files and marking.
type Form struct {
	ID      string // of the element: say-assist.grant
	Action  string
	Kind    string
	Label   string
	Means   string
	Open    bool
	Thread  string // "" where it opens one
	Draft   string // of the draft that is changed; "" for a new one
	Send    string // what the button says: it depends on whether the reader may release
	Why     string // why it is not sent at once
	To      []Choice
	Track   []Choice
	Under   []Choice // agreements to choose from
	Fields  []Field
	TLP     []Choice
	PAP     []Choice
	Data    []Choice // personal data
	Urgency []Choice // precedence
	Handle  string
	Retain  string
	Title   string
	Text    string
	Titled  bool // it has a title
	Ex      bool // exercise
	AskEx   bool // the field is shown
	Files   []string
	Lost    []string // names of attachments that came with the form and were not kept
	Once    string   // names this form, so that it is not sent twice
	Verdict *Verdict
	Fault   *Fault
}

// Field is one fact to fill in.
type Field struct {
	Name     string // as the form sends it
	Label    string
	Hint     string
	Shape    string
	Required bool
	Value    string
	Values   []string
	Options  []Choice
	Suggest  []string
}

// Verdict says whether something may pass, and by what.
type Verdict struct {
	Permitted bool
	Approval  bool   // once a second officer has agreed
	Heading   string // in the reader's language
	By        *Link  // the agreement, or the charter
	Articles  []Link
	Why       string // the same in the reader's language, in general; "" where that is Reason's
	Reason    string // the program's words, in English
	Clause    string
	Nearest   []string
	Per       []PerParty
	Asks      string // what asks for a second officer, in the program's words
	AsksBy    string // the same in the reader's language; "" where that is Asks'
	NotYou    string // why the reader may not send it
	Uses      []string
}

// PerParty is the verdict for one recipient.
type PerParty struct {
	To        string
	Permitted bool
	Why       string // as of Verdict
	Reason    string
}

// DraftPage is one draft and what may become of it.
type DraftPage struct {
	DraftRow
	ID       string
	Read     string // digest of what the page shows: what is approved or released by it
	Thread   *Link
	Label    string
	Means    string
	Facts    []FactRow
	Marking  []FactRow
	Text     string
	Files    []FileRow
	Approver string
	Verdict  *Verdict
	Fault    *Fault // why it cannot be said at all
	Release  *Fault // why the reader may not release it
	Approve  *Fault
	Buttons  DraftButtons
}

// DraftButtons are what the reader may press.
type DraftButtons struct {
	Release, Submit, Approve, Return, Edit, Drop bool
}

// NewPage lists what can be begun.
type NewPage struct {
	Groups []NewGroup
}

// NewGroup is the openers of one desk.
type NewGroup struct {
	Desk string
	Acts []NewAct
}

// NewAct begins a thread.
type NewAct struct {
	Href  string
	Label string
	Means string
}
