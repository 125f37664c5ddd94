package exchange

// The moments of Submit, of a batch and of Receive at which a test may end the process (Options.Reached), in the order in which they come.
const (
	pointAsked    = "submit.asked"    // a draft is taken up
	pointComposed = "submit.composed" // head and body are written
	pointDecided  = "submit.decided"  // it may leave
	pointSaid     = "submit.said"     // the head has its row and its leaf's place; receipts too
	pointContent  = "submit.content"  // body and blobs are in
	pointFolded   = "submit.folded"   // its thread has it

	pointOpened    = "receive.opened"     // a packet is unsealed and proven
	pointKept      = "receive.kept"       // its checkpoint is kept and cosigned
	pointHead      = "receive.head"       // a head has its row
	pointProof     = "receive.proof"      // and its tile and path
	pointBody      = "receive.body"       // a body is in
	pointPart      = "receive.blob-part"  // a part of a blob is in
	pointWhole     = "receive.blob-whole" // the last part is in, and its digest held
	pointArrival   = "receive.arrival"    // a peer's receipt is in, with what it covers
	pointRefolded  = "receive.folded"     // the threads have their new heads
	pointGossip    = "receive.gossip"     // checkpoints of other logs are in
	pointPeer      = "receive.peer"       // the author's row is written
	pointRefused   = "receive.refused"    // refusals are said
	pointReceipted = "receive.receipted"  // receipts are said and noted
	pointTaken     = "receive.taken"      // all of the packet is durable; nobody knows yet

	pointBegun     = "batch.begun"     // the transaction is open
	pointWritten   = "batch.written"   // its jobs are done and its threads written
	pointAppended  = "batch.appended"  // its leaves are in and the checkpoint is signed; next is the commit
	pointCommitted = "batch.committed" // next is the mark
	pointSettled   = "batch.settled"   // next are the answers to its callers
	pointAnswered  = "batch.answered"  // next is the news
)

// Points lists them all.
func Points() []string {
	return []string{
		pointAsked, pointComposed, pointDecided, pointSaid, pointContent, pointFolded,
		pointOpened, pointKept, pointHead, pointProof, pointBody, pointPart, pointWhole, pointArrival, pointRefolded, pointGossip, pointPeer,
		pointRefused, pointReceipted, pointTaken,
		pointBegun, pointWritten, pointAppended, pointCommitted, pointSettled, pointAnswered,
	}
}
