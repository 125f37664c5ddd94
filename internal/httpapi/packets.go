package httpapi

import (
	"archive/tar"
	"bytes"
	"context"
	"fmt"
	"io"
	"maps"
	"net/http"
	"slices"

	"github.com/comity-exchange/comity/fault"
	"github.com/comity-exchange/comity/internal/auth"
	"github.com/comity-exchange/comity/internal/exchange"
	"github.com/comity-exchange/comity/internal/node"
	"github.com/comity-exchange/comity/packet"
	"github.com/comity-exchange/comity/party"
	"github.com/comity-exchange/comity/statement"
)

// series writes files as one: a tar, in the order in which they are to be opened. Nothing to write is a tar without a member.
type series struct {
	tar  *tar.Writer
	name string
	n    int
}

func (s *series) add(raw []byte) error {
	name := s.name
	if s.n++; s.n > 1 {
		name = fmt.Sprintf("%s.%d", name, s.n)
	}
	err := s.tar.WriteHeader(&tar.Header{Typeflag: tar.TypeReg, Name: name, Mode: 0o600, Size: int64(len(raw)), Format: tar.FormatUSTAR})
	if err == nil {
		_, err = s.tar.Write(raw)
	}
	if err != nil {
		return fault.Wrap(err, fault.Unavailable, "", "the packets cannot be written")
	}
	return nil
}

// tarOf is a file with a series in it. The name of its members tells for whom they are.
func tarOf(to party.Code, make func(s *series) error) file {
	name := fmt.Sprintf("to-%s.packet", to)
	return file{kind: "application/x-tar", name: name + "s.tar", long: true, write: func(w io.Writer) error {
		s := &series{tar: tar.NewWriter(w), name: name}
		if err := make(s); err != nil {
			return err
		}
		if err := s.tar.Close(); err != nil {
			return fault.Wrap(err, fault.Unavailable, "", "the packets cannot be written")
		}
		return nil
	}}
}

// Packet is a packet that came as a file.
type Packet struct {
	RawBody []byte `contentType:"application/octet-stream" required:"true"`
}

// Opened is what came of a packet, as far as whoever brought it may see that.
type Opened struct {
	Author   party.Code     `json:"author"`
	Accepted int64          `json:"accepted" doc:"greatest size of its author's log that is accepted here"`
	Said     []node.Brought `json:"said" doc:"statements that were not here before"`
	Taken    int            `json:"taken" doc:"receipts for what this party has said"`
	Refused  []Refusal      `json:"refused,omitempty"`
	Dropped  []statement.ID `json:"dropped,omitempty" doc:"whose texts came again after they had been erased here"`
	Blobs    []BlobHere     `json:"attachments,omitempty" doc:"that are not whole yet"`
	Reply    []byte         `json:"reply,omitempty" doc:"base64: the packet with the receipts, to be carried back"`
	Pending  bool           `json:"pending,omitzero" doc:"there are receipts: they go with the next packet for its author"`
}

// Refusal is a statement that was refused, and the clause by which.
type Refusal struct {
	ID     statement.ID `json:"id"`
	Clause string       `json:"clause"`
}

// BlobHere is how much of an attachment is here.
type BlobHere struct {
	SHA256 statement.Digest `json:"sha256"`
	Here   int64            `json:"here,omitzero" doc:"bytes"`
	Erased bool             `json:"erased,omitzero" doc:"it was erased here, and is not taken again"`
}

func (a *api) openPacket(ctx context.Context, in *struct {
	Packet
	Reply bool `query:"reply" doc:"give the packet with the receipts in the answer; without it they go with the next packet for its author"`
}) (Opened, error) {
	var reply bytes.Buffer
	got, err := a.node.Take(ctx, bytes.NewReader(in.RawBody), &reply)
	if err != nil {
		return Opened{}, err
	}
	out := Opened{Author: got.Author, Accepted: got.Accepted, Said: got.Said, Taken: got.Received.Taken, Dropped: got.Dropped}
	for _, id := range got.New {
		if clause, ok := got.Refused[id]; ok {
			out.Refused = append(out.Refused, Refusal{id, clause})
		}
	}
	for _, sum := range sortedDigests(got.Blobs) {
		if here := got.Blobs[sum]; here == exchange.Dropped {
			out.Blobs = append(out.Blobs, BlobHere{SHA256: sum, Erased: true})
		} else {
			out.Blobs = append(out.Blobs, BlobHere{SHA256: sum, Here: here})
		}
	}
	if in.Reply {
		out.Reply = reply.Bytes()
	} else {
		out.Pending = reply.Len() > 0
	}
	return out, nil
}

func sortedDigests[V any](m map[statement.Digest]V) []statement.Digest {
	keys := slices.Collect(maps.Keys(m))
	slices.SortFunc(keys, func(a, b statement.Digest) int { return bytes.Compare(a[:], b[:]) })
	return keys
}

// Member is a part of a packet.
type Member struct {
	Name  string `json:"name"`
	Size  int64  `json:"size"`
	Lines int    `json:"lines,omitzero"`
}

func (a *api) inspectPacket(_ context.Context, in *Packet) (out struct {
	Members []Member `json:"members"`
}, err error) {
	all, err := a.node.Inspect(bytes.NewReader(in.RawBody))
	for _, m := range all {
		out.Members = append(out.Members, Member{m.Name, m.Size, m.Lines})
	}
	return out, err
}

func (a *api) registerPackets() {
	n := a.node
	at := func(id, method, path, says string) operation {
		return operation{id: id, method: method, path: path, tag: "Packets", says: says, needs: auth.Carry, most: packet.MaxSealed}
	}
	pack := at("pack", http.MethodGet, "/peers/{code}/packets", "Give all that waits for a peer as packets, to be carried.")
	pack.more = "A tar of files that are to be opened in their order, each at most 16 MiB and sealed to the peer; an empty tar where nothing waits. What is packed stays queued until its receipts come back."
	pack.atOnce = 4
	gives(a, pack, []string{"application/x-tar"}, func(ctx context.Context, in *struct {
		Code party.Code `path:"code" doc:"for whom"`
	}) (file, error) {
		return tarOf(in.Code, func(s *series) error {
			return n.PackSeries(ctx, in.Code, func(raw []byte, _, _ int) error { return s.add(raw) })
		}), nil
	})
	mirror := at("mirror", http.MethodGet, "/peers/{code}/mirror", "Give what is here of a peer's own log, for a peer that has lost it and cannot be reached.")
	mirror.more = "A tar of packets, sealed to that peer."
	mirror.atOnce = 4
	gives(a, mirror, []string{"application/x-tar"}, func(ctx context.Context, in *struct {
		Code party.Code `path:"code" doc:"whose log"`
		From int64      `query:"from" minimum:"0" doc:"from this leaf on; the peer knows how many it still has"`
	}) (file, error) {
		return tarOf(in.Code, func(s *series) error { return n.MirrorSeries(ctx, in.Code, in.From, s.add) }), nil
	})
	open := at("open-packet", http.MethodPost, "/packets", "Take a packet that came as a file.")
	open.atOnce, open.more = 4, "Who says what stands in it is known by the log's keys, not by who brings it. Taking one twice does no harm: until its receipts are back its author goes on as if nothing had arrived."
	on(a, open, a.openPacket)
	inspect := at("inspect-packet", http.MethodPost, "/packets/inspect", "List what a packet for this node holds, without taking it.")
	inspect.atOnce, inspect.more = 4, "It says what is in the packet, not whether it is authentic."
	on(a, inspect, a.inspectPacket)
}
