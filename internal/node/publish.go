package node

import (
	"bytes"
	"cmp"
	"context"
	"slices"
	"strings"

	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"

	"github.com/comity-exchange/comity/agreement"
	"github.com/comity-exchange/comity/fault"
	"github.com/comity-exchange/comity/statement"
)

// PublishedView is the text of an agreement that is for everybody.
type PublishedView struct {
	Digest    statement.Digest `json:"digest"`
	Agreement agreement.ID     `json:"agreement"`
	At        statement.Time   `json:"at"` // since when it is
	Title     agreement.Text   `json:"title"`
	By        statement.ID     `json:"by"` // the statement of the chair that says so
}

// Published lists the texts of agreements that are for everybody by now, the newest first.
func (n *Node) Published(ctx context.Context) ([]PublishedView, error) {
	// spec: AGR-16
	out, err := n.published(ctx)
	if err != nil {
		return nil, err
	}
	for i := range out {
		doc, err := n.Text(ctx, out[i].Agreement, out[i].Digest)
		switch fault.CodeOf(err) {
		case "":
			out[i].Title = headings(doc.Title)
		case fault.Internal, fault.Unavailable:
			return nil, err
		}
	}
	return out, nil
}

// published is Published without titles, which lie in the texts.
func (n *Node) published(ctx context.Context) ([]PublishedView, error) {
	all, err := n.Agreements(ctx)
	if err != nil {
		return nil, err
	}
	out := []PublishedView{}
	for _, v := range all {
		if v.Making == nil {
			continue
		}
		for _, p := range v.Making.Published {
			if !n.Now().Before(p.At.Std()) {
				out = append(out, PublishedView{Digest: p.Digest, Agreement: v.ID, At: p.At, By: p.By})
			}
		}
	}
	slices.SortFunc(out, func(a, b PublishedView) int {
		return cmp.Or(b.At.Compare(a.At), bytes.Compare(a.Digest[:], b.Digest[:]))
	})
	return out, nil
}

// PublishedText is a text that is for everybody by now, as it was written. Whether it is not, or not yet, or was never here, is not told.
func (n *Node) PublishedText(ctx context.Context, digest statement.Digest) ([]byte, error) {
	// spec: AGR-16
	all, err := n.published(ctx)
	if err != nil {
		return nil, err
	}
	i := slices.IndexFunc(all, func(v PublishedView) bool { return v.Digest == digest })
	if i < 0 {
		return nil, fault.New(fault.NotFound, "AGR-16", "no such text is published here")
	}
	doc, err := n.Text(ctx, all[i].Agreement, digest)
	if err != nil {
		return nil, err
	}
	return doc.Raw, nil
}

// publishedFile is what lies below published/ beside the log.
func (n *Node) publishedFile(ctx context.Context, path string) ([]byte, error) {
	// spec: AGR-16
	if path == publishedName {
		all, err := n.Published(ctx)
		if err != nil {
			return nil, err
		}
		return json.Marshal(all, jsontext.Multiline(true))
	}
	digest, err := statement.ParseDigest(strings.TrimPrefix(path, publishedName+"/"))
	if err != nil {
		return nil, fault.New(fault.NotFound, "AGR-16", "no such text is published here")
	}
	return n.PublishedText(ctx, digest)
}

const publishedName = "published"
