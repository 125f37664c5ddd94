package node

import (
	"context"
	"crypto/aes"
	"crypto/cipher"
	"time"

	"github.com/comity-exchange/comity/fault"
	"github.com/comity-exchange/comity/internal/store"
	"github.com/comity-exchange/comity/statement"
)

// answersKept is how long a program may ask again and get the same answer.
const answersKept = 24 * time.Hour

// Answered is what a program was answered when it asked for something under a key of its own. Status is 0 where that is not known: it is under way, or was when the process
// that did it ended.
type Answered struct {
	Status  int
	Body    []byte
	Process string
}

// AnswerKey is by what an answer is kept: a program's own key, which is of whoever it acts for.
func AnswerKey(officer, key string) statement.Digest {
	return statement.Sum([]byte("comity/answer/v1\n" + officer + "\n" + key))
}

func (n *Node) answerSeal() (cipher.AEAD, error) {
	block, err := aes.NewCipher(n.Keys.Derive("answers"))
	if err != nil {
		return nil, fault.Wrap(err, fault.Internal, "", "no cipher")
	}
	return cipher.NewGCMWithRandomNonce(block)
}

// ClaimAnswer notes that process begins to do what request is the digest of. Where that was done, or begun, under the same key before, it gives what came of it.
// Error: fault.Failed where something else was asked for under the key.
func (n *Node) ClaimAnswer(ctx context.Context, key, request statement.Digest, process string) (before *Answered, err error) {
	now := statement.TimeOf(n.Now())
	err = n.Exchange.Update(ctx, func(tx store.Tx) error {
		before = nil
		a, err := tx.Answer(key)
		switch {
		case fault.CodeOf(err) == fault.NotFound:
			return tx.PutAnswer(store.Answer{Key: key, Request: request, Process: process, Made: now})
		case err != nil:
			return err
		case a.Made.Before(now.Add(-answersKept)):
			if err := tx.DropAnswer(key); err != nil {
				return err
			}
			return tx.PutAnswer(store.Answer{Key: key, Request: request, Process: process, Made: now})
		case a.Request != request:
			return fault.New(fault.Failed, "", "this key was used for another request: a new request takes a new key")
		}
		before = &Answered{Status: a.Status, Process: a.Process}
		if len(a.Sealed) == 0 {
			return nil
		}
		aead, err := n.answerSeal()
		if err != nil {
			return err
		}
		if before.Body, err = aead.Open(nil, nil, a.Sealed, key[:]); err != nil {
			return fault.Wrap(err, fault.Internal, "", "a kept answer cannot be opened")
		}
		return nil
	})
	return before, err
}

// KeepAnswer keeps what a claimed request was answered. body holds no secret: what does is not kept, and nil stands for it.
func (n *Node) KeepAnswer(ctx context.Context, key statement.Digest, status int, body []byte) error {
	aead, err := n.answerSeal()
	if err != nil {
		return err
	}
	return n.Exchange.Update(ctx, func(tx store.Tx) error {
		a, err := tx.Answer(key)
		if err != nil {
			return err
		}
		a.Status, a.Sealed = status, nil
		if body != nil {
			a.Sealed = aead.Seal(nil, nil, body, key[:])
		}
		return tx.PutAnswer(a)
	})
}

// NoteAnswer keeps what was answered, under a key that was made for it alone.
func (n *Node) NoteAnswer(ctx context.Context, key statement.Digest, status int, body []byte) error {
	aead, err := n.answerSeal()
	if err != nil {
		return err
	}
	a := store.Answer{Key: key, Made: statement.TimeOf(n.Now()), Status: status, Sealed: aead.Seal(nil, nil, body, key[:])}
	return n.Exchange.Update(ctx, func(tx store.Tx) error { return tx.PutAnswer(a) })
}

// NotedAnswer is what NoteAnswer kept under a key. Error: fault.NotFound, also after a day.
func (n *Node) NotedAnswer(ctx context.Context, key statement.Digest) (body []byte, err error) {
	var a store.Answer
	err = n.Store.View(ctx, func(tx store.Tx) error {
		a, err = tx.Answer(key)
		return err
	})
	if err != nil {
		return nil, err
	}
	if a.Made.Before(statement.TimeOf(n.Now()).Add(-answersKept)) {
		return nil, fault.New(fault.NotFound, "", "this was kept for a day, and is not here any more")
	}
	aead, err := n.answerSeal()
	if err != nil {
		return nil, err
	}
	if body, err = aead.Open(nil, nil, a.Sealed, key[:]); err != nil {
		return nil, fault.Wrap(err, fault.Internal, "", "a kept answer cannot be opened")
	}
	return body, nil
}

// DropAnswer forgets a claim of what was not done.
func (n *Node) DropAnswer(ctx context.Context, key statement.Digest) error {
	return n.Exchange.Update(ctx, func(tx store.Tx) error { return tx.DropAnswer(key) })
}

// forgetAnswers drops what was kept long enough.
func (n *Node) forgetAnswers(ctx context.Context) error {
	before := statement.TimeOf(n.Now()).Add(-answersKept)
	old := false
	err := n.Store.View(ctx, func(tx store.Tx) (err error) {
		old, err = tx.AnyAnswer(before)
		return err
	})
	if err != nil || !old {
		return err
	}
	return n.Exchange.Update(ctx, func(tx store.Tx) error {
		_, err := tx.DropAnswers(before)
		return err
	})
}
