package node

import (
	"sync"

	"github.com/comity-exchange/comity/agreement"
	"github.com/comity-exchange/comity/fault"
	"github.com/comity-exchange/comity/internal/exchange"
	"github.com/comity-exchange/comity/internal/store"
	"github.com/comity-exchange/comity/statement"
)

// Bounds of what is remembered of the texts of agreements.
const (
	maxTexts     = 256      // texts
	maxTextBytes = 16 << 20 // of their documents as written
	maxTitles    = 4096     // once there are more, all are forgotten
)

// readTexts remembers the texts of agreements that were read, parsed, and compiled where that was asked for: a page asks for the same ones again and again. They are found by
// the head that has them, whose id stands for every byte of them. Documents and policies are not changed by anybody. It is safe for concurrent use.
type readTexts struct {
	mu    sync.Mutex
	by    map[statement.ID]*readText // guarded by mu
	bytes int                        // of all; guarded by mu
	clock int64                      // rises with every use; guarded by mu

	titles map[statement.ID]string // of bodies that hold texts, which are never erased; guarded by mu
}

// readText is one text.
type readText struct {
	doc    *agreement.Document
	policy *agreement.Policy // nil: it was not compiled yet
	used   int64
}

func (t *readTexts) find(id statement.ID) *readText {
	t.mu.Lock()
	defer t.mu.Unlock()
	one := t.by[id]
	if one == nil {
		return nil
	}
	t.clock++
	one.used = t.clock
	found := *one
	return &found
}

// keep remembers a text, and forgets those that were not used for longest where they are too many.
func (t *readTexts) keep(id statement.ID, doc *agreement.Document, policy *agreement.Policy) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.by == nil {
		t.by = map[statement.ID]*readText{}
	}
	if was := t.by[id]; was != nil {
		t.bytes -= len(was.doc.Raw)
	}
	t.clock++
	t.by[id] = &readText{doc, policy, t.clock}
	t.bytes += len(doc.Raw)
	for len(t.by) > 1 && (len(t.by) > maxTexts || t.bytes > maxTextBytes) {
		var oldest statement.ID
		least := t.clock + 1
		for id, one := range t.by {
			if one.used < least {
				oldest, least = id, one.used
			}
		}
		t.bytes -= len(t.by[oldest].doc.Raw)
		delete(t.by, oldest)
	}
}

// document reads the text that the body of head id has; fault.NotFound while it is not here, and fault.Withheld once it was erased, remembered or not.
func (n *Node) document(tx store.Tx, id statement.ID) (*agreement.Document, error) {
	if one := n.texts.find(id); one != nil {
		if c, err := tx.Content(store.ContentRef{Statement: id, Part: store.BodyPart}); err != nil || c.Whole && !c.Erased {
			return one.doc, err
		}
	}
	doc, err := exchange.Document(tx, id)
	switch fault.CodeOf(err) {
	case "":
		n.texts.keep(id, doc, nil)
	case fault.NotFound:
		err = fault.New(fault.NotFound, "AGR-7", "the text is not here")
	}
	return doc, err
}

// policy compiles such a text.
func (n *Node) policy(tx store.Tx, id statement.ID) (*agreement.Document, *agreement.Policy, error) {
	doc, err := n.document(tx, id)
	if err != nil {
		return nil, nil, err
	}
	if one := n.texts.find(id); one != nil && one.policy != nil {
		return doc, one.policy, nil
	}
	policy, err := agreement.Compile(doc)
	if err != nil {
		return nil, nil, err
	}
	n.texts.keep(id, doc, policy)
	return doc, policy, nil
}

// titleOf is the title in a statement's body; "" where it has none or is not here. A body that holds a text is as long as that: its title is remembered.
func (n *Node) titleOf(tx store.Tx, h *statement.Head) (string, error) {
	record := exchange.IsRecord(h.Kind)
	if record {
		n.texts.mu.Lock()
		title, ok := n.texts.titles[h.ID]
		n.texts.mu.Unlock()
		if ok {
			return title, nil
		}
	}
	body, err := readBody(tx, h)
	if err != nil || body == nil {
		return "", err
	}
	if record {
		n.texts.mu.Lock()
		defer n.texts.mu.Unlock()
		if len(n.texts.titles) >= maxTitles || n.texts.titles == nil {
			n.texts.titles = map[statement.ID]string{}
		}
		n.texts.titles[h.ID] = heading(body.Title)
	}
	return heading(body.Title), nil
}
