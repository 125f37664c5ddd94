package watch

import (
	"context"
	"log/slog"
	"slices"

	"go.opentelemetry.io/otel/trace"

	"github.com/comity-exchange/comity/fault"
)

type packetKey struct{}

// named puts a packet's name into a context and into the span that it holds: the name is known only once the packet is sealed, or has begun to come.
func named(ctx context.Context, packet string) context.Context {
	tagged(ctx, packet)
	return context.WithValue(ctx, packetKey{}, packet)
}

func packetOf(ctx context.Context) string {
	name, _ := ctx.Value(packetKey{}).(string)
	return name
}

// Diary gives a logger whose lines carry, as the attribute packet, the name of the packet that they are about, and as trace the identity of its trace
// where one is made. Both sides of a packet give it the same name, so the two diaries can be laid side by side. Of an error it writes the cause only
// where the machine is the cause: what parsers say of input quotes it, and input is what people and peers have written.
func Diary(log *slog.Logger) *slog.Logger { return slog.New(diary{log.Handler()}) }

type diary struct{ slog.Handler }

// Handle implements slog.Handler.
func (d diary) Handle(ctx context.Context, r slog.Record) error {
	r = told(r)
	if name := packetOf(ctx); name != "" {
		r.AddAttrs(slog.String("packet", name))
	}
	if s := trace.SpanContextFromContext(ctx); s.IsSampled() {
		r.AddAttrs(slog.String("trace", s.TraceID().String()))
	}
	return d.Handler.Handle(ctx, r)
}

// WithAttrs implements slog.Handler.
func (d diary) WithAttrs(attrs []slog.Attr) slog.Handler {
	attrs = slices.Clone(attrs)
	for i := range attrs {
		attrs[i] = tell(attrs[i])
	}
	return diary{d.Handler.WithAttrs(attrs)}
}

// WithGroup implements slog.Handler.
func (d diary) WithGroup(name string) slog.Handler { return diary{d.Handler.WithGroup(name)} }

// told is a record whose errors say what they may.
func told(r slog.Record) slog.Record {
	errs := false
	r.Attrs(func(a slog.Attr) bool {
		_, is := a.Value.Any().(error)
		errs = errs || is
		return true
	})
	if !errs {
		return r
	}
	out := slog.NewRecord(r.Time, r.Level, r.Message, r.PC)
	r.Attrs(func(a slog.Attr) bool {
		out.AddAttrs(tell(a))
		return true
	})
	return out
}

// tell replaces an error by what may be written of it.
func tell(a slog.Attr) slog.Attr {
	err, is := a.Value.Any().(error)
	if !is {
		return a
	}
	switch fault.CodeOf(err) {
	case fault.Internal, fault.Unavailable, fault.Behind, fault.Locked, fault.Canceled:
		return slog.String(a.Key, err.Error())
	}
	return slog.String(a.Key, fault.Show(err))
}
