package node

import "context"

// IndexRound keeps the words of some statements; more tells that there may be others.
func IndexRound(ctx context.Context, n *Node) (more bool, err error) { return n.indexRoundOf(ctx) }
