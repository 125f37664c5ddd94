package wire

import (
	"bytes"

	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"

	"github.com/comity-exchange/comity/fault"
)

// CheckJSON holds raw against ENC-1 and ENC-2: one compact JSON object in valid UTF-8 of at most max bytes, no repeated
// names, no null. It builds no tree. Errors: fault.TooLarge without a clause (the bound is the caller's), fault.Malformed.
func CheckJSON(raw []byte, max int) error {
	if len(raw) > max {
		return fault.New(fault.TooLarge, "", "the text has %d bytes, at most %d are allowed", len(raw), max)
	}
	// spec: ENC-1
	if len(raw) == 0 || raw[0] != '{' {
		return fault.New(fault.Malformed, "ENC-1", "not a JSON object")
	}
	// The check refuses repeated names and invalid UTF-8.
	// spec: ENC-2
	if !jsontext.Value(raw).IsValid() {
		return fault.New(fault.Malformed, "ENC-2", "not valid JSON, or a member name is repeated")
	}
	return checkPlain(raw)
}

// checkPlain looks outside strings for what valid JSON may hold and the protocol may not. raw is valid JSON.
func checkPlain(raw []byte) error {
	for i := 0; i < len(raw); i++ {
		switch raw[i] {
		case '"':
			i = endOfString(raw, i)
		case ' ', '\t', '\n', '\r':
			return fault.New(fault.Malformed, "ENC-1", "the JSON text is not compact")
		case 'n': // no other literal or number has this letter
			return fault.New(fault.Malformed, "ENC-2", "null is not used: a member without a value is left out")
		}
	}
	return nil
}

// endOfString gives the place of the quote that closes the string which opens at i.
func endOfString(raw []byte, i int) int {
	for i++; i < len(raw) && raw[i] != '"'; i++ {
		if raw[i] == '\\' {
			i++
		}
	}
	return i
}

// Members gives the members of an object that CheckJSON has passed. Their bytes are raw's own.
func Members(raw []byte) (map[string]jsontext.Value, error) {
	var m map[string]jsontext.Value
	if err := json.Unmarshal(raw, &m); err != nil {
		return nil, fault.Wrap(err, fault.Malformed, "ENC-2", "not valid JSON")
	}
	return m, nil
}

// Decode reads raw into v and refuses a member that v does not have. A fault that a member's own type raised is kept; any
// other failure becomes fault.Malformed with the caller's clause and message.
func Decode(raw []byte, v any, clause, msg string) error {
	// spec: ENC-2
	err := json.Unmarshal(raw, v, json.RejectUnknownMembers(true))
	if err == nil {
		return nil
	}
	return DecodeFault(err, clause, msg)
}

// DecodeFault keeps a fault in err's chain and names clause and message for all else.
func DecodeFault(err error, clause, msg string) error {
	if f := fault.Of(err); f.Code != fault.Internal {
		return f
	}
	return fault.Wrap(err, fault.Malformed, clause, "%s", msg)
}

// Lines splits a text into its lines, of which each ends with a line feed, and gives them without it. Error: fault.Malformed
// when the last one is cut off or a line is empty.
func Lines(text []byte) ([][]byte, error) {
	// spec: ENC-1
	var lines [][]byte
	for len(text) > 0 {
		line, rest, ok := bytes.Cut(text, []byte("\n"))
		if !ok || len(line) == 0 {
			return nil, fault.New(fault.Malformed, "ENC-1", "a line is empty or lacks its line feed")
		}
		lines, text = append(lines, line), rest
	}
	return lines, nil
}
