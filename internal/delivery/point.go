package delivery

import (
	"context"
	"net/http/httptrace"
)

// The moments of a delivery at which a test may end the process (Options.Reached), in the order in which they come: of who sends, of who fetches, and
// of who serves.
const (
	pointPacked   = "send.packed"    // a packet is gathered
	pointSealed   = "send.sealed"    // and sealed; next it is posted
	pointPosted   = "send.posted"    // it has gone; no answer yet
	pointAnswered = "send.answered"  // an answer has come; nothing of it is written
	pointHeeded   = "send.heeded"    // what its headers say is written; the receipts are not
	pointTaken    = "send.receipted" // the receipts are written; the queue's row is not
	pointQueued   = "send.queued"    // the queue's row is written

	pointFetched = "pull.fetched" // a packet was fetched; nothing of it is written
	pointGot     = "pull.got"     // all of it is written; its receipts are not sent
	pointReplied = "pull.replied" // they are

	pointAsked    = "serve.asked"    // a packet is about to be read
	pointReceived = "serve.received" // all of it is written; no answer is made
	pointReady    = "serve.ready"    // the answer is sealed; next it goes
	pointHanded   = "serve.handed"   // it is handed to the connection; nothing is noted of it
	pointNoted    = "serve.noted"    // what the caller will have is noted
	pointPulled   = "pull.served"    // a packet was fetched from here; the queue's row is not written
)

// Points lists them all. Those that begin with "pull." are reached only where a party cannot be reached, and fetches.
func Points() []string {
	return []string{
		pointPacked, pointSealed, pointPosted, pointAnswered, pointHeeded, pointTaken, pointQueued,
		pointFetched, pointGot, pointReplied,
		pointAsked, pointReceived, pointReady, pointHanded, pointNoted, pointPulled,
	}
}

// traced has Reached told when a request has gone, and nothing has come back. It gives ctx as it is where nobody is told.
func (c *Courier) traced(ctx context.Context) context.Context {
	if c.Reached == nil {
		return ctx
	}
	return httptrace.WithClientTrace(ctx, &httptrace.ClientTrace{WroteRequest: func(httptrace.WroteRequestInfo) { c.Reached.At(pointPosted) }})
}
