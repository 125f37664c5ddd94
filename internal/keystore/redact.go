package keystore

import (
	"fmt"
	"io"
	"log/slog"
)

// What follows keeps secrets out of logs, error texts and JSON, whichever way somebody prints a value. Format wins over every
// verb of package fmt, MarshalText over the fields in encoders, LogValue in log/slog. Receivers are values, so that both
// a value and a pointer are covered.

func (k Keys) public() string   { return "keys of " + string(k.Origin()) }
func (Recovery) public() string { return "recovery key" }
func (l Lock) public() string {
	if l.KeyFile != "" {
		return "lock by key file"
	}
	return "lock by passphrase"
}

// Format shows no secret, whatever the verb.
func (k Keys) Format(f fmt.State, _ rune) { io.WriteString(f, k.public()) }

// Format shows no secret, whatever the verb.
func (r Recovery) Format(f fmt.State, _ rune) { io.WriteString(f, r.public()) }

// Format shows no secret, whatever the verb.
func (l Lock) Format(f fmt.State, _ rune) { io.WriteString(f, l.public()) }

// String shows no secret.
func (k Keys) String() string { return k.public() }

// String shows no secret.
func (r Recovery) String() string { return r.public() }

// String shows no secret.
func (l Lock) String() string { return l.public() }

// MarshalText shows no secret; JSON encoders use it.
func (k Keys) MarshalText() ([]byte, error) { return []byte(k.public()), nil }

// MarshalText shows no secret; JSON encoders use it.
func (r Recovery) MarshalText() ([]byte, error) { return []byte(r.public()), nil }

// MarshalText shows no secret; JSON encoders use it.
func (l Lock) MarshalText() ([]byte, error) { return []byte(l.public()), nil }

// LogValue shows no secret.
func (k Keys) LogValue() slog.Value { return slog.StringValue(k.public()) }

// LogValue shows no secret.
func (r Recovery) LogValue() slog.Value { return slog.StringValue(r.public()) }

// LogValue shows no secret.
func (l Lock) LogValue() slog.Value { return slog.StringValue(l.public()) }
