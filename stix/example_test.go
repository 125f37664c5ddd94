package stix_test

import (
	"fmt"
	"io"
	"os"
	"strings"
	"testing"

	"github.com/comity-exchange/comity/fault"
	"github.com/comity-exchange/comity/stix"
)

func ExampleReader() {
	feed := `{"type":"bundle","id":"bundle--5d0092c5-5f74-4287-9642-33f4c354e56d","objects":[
		{"type":"domain-name","id":"domain-name--bedb4899-d24b-5401-bc86-8f6b4cc18ec7","value":"example.com"},
		{"type":"domain-name","id":"domain-name--bedb4899-d24b-5401-bc86-8f6b4cc18ec7","value":"example.com",},
		{"type":"ipv4-addr","id":"ipv4-addr--28bb3599-77cd-5a82-a950-b5bc3caf07c4","value":"198.51.100.300"}]}`
	r := stix.NewReader(strings.NewReader(feed), stix.Limits{})
	for {
		it, err := r.Next()
		switch {
		case err == io.EOF:
			fmt.Println(r.Form(), r.Head().ID)
			return
		case err != nil:
			fmt.Println("cannot be read on:", err)
			return
		case it.Err != nil:
			fmt.Println(it.Index, it.Err)
		default:
			fmt.Println(it.Index, it.Object.Value, it.Object.Check())
		}
	}
	// Output:
	// 0 example.com []
	// 1 at byte 101: a property name is missing
	// 2 198.51.100.300 [at byte 83: value is not an IPv4 address or CIDR range]
	// bundle bundle--5d0092c5-5f74-4287-9642-33f4c354e56d
}

func ExampleWriter() {
	w, err := stix.NewWriter(os.Stdout, stix.Envelope, "")
	if err != nil {
		fmt.Println(err)
		return
	}
	o, err := stix.Single("ipv4-addr", "198.51.100.3")
	if err != nil {
		fmt.Println(err)
		return
	}
	if err := w.Write(o); err != nil {
		fmt.Println(err)
	}
	if err := w.CloseMore(true, "7"); err != nil {
		fmt.Println(err)
	}
	// Output:
	// {"objects":[{"type":"ipv4-addr","spec_version":"2.1","id":"ipv4-addr--28bb3599-77cd-5a82-a950-b5bc3caf07c4","value":"198.51.100.3"}],"more":true,"next":"7"}
}

func TestWriterForms(t *testing.T) {
	t.Parallel()
	a, err := stix.Parse([]byte(strings.ReplaceAll(domainA, `,"value"`, ",\r\n\"value\"")))
	if err != nil {
		t.Fatal(err)
	}
	b, err := stix.Parse([]byte(addrB))
	if err != nil {
		t.Fatal(err)
	}
	const head = `{"type":"bundle","id":"` + bundle + `"`
	for _, c := range []struct {
		form    stix.Form
		objects []*stix.Object
		more    bool
		next    string
		want    string
	}{
		{stix.Bundle, nil, false, "", head + `}`},
		{stix.Bundle, []*stix.Object{a, b}, true, "x", head + `,"objects":[` + a.Raw + `,` + b.Raw + `]}`},
		{stix.Envelope, nil, false, "", `{}`},
		{stix.Envelope, nil, true, "x", `{"more":true,"next":"x"}`},
		{stix.Envelope, []*stix.Object{a}, false, "", `{"objects":[` + a.Raw + `]}`},
		{stix.Envelope, []*stix.Object{a}, true, "", `{"objects":[` + a.Raw + `],"more":true}`},
		{stix.Envelope, []*stix.Object{a}, true, `"é`, `{"objects":[` + a.Raw + `],"more":true,"next":"\"é"}`},
		{stix.Array, nil, false, "", `[]`},
		{stix.Array, []*stix.Object{a, b}, false, "", `[` + a.Raw + `,` + b.Raw + `]`},
		{stix.Lines, nil, false, "", ``},
		{stix.Lines, []*stix.Object{a, b}, false, "", domainA + "\n" + b.Raw + "\n"},
	} {
		var out strings.Builder
		var id stix.ID
		if c.form == stix.Bundle {
			id = bundle
		}
		w, err := stix.NewWriter(&out, c.form, id)
		if err != nil {
			t.Fatal(err)
		}
		for _, o := range c.objects {
			if err := w.Write(o); err != nil {
				t.Fatal(err)
			}
		}
		if err := w.CloseMore(c.more, c.next); err != nil || out.String() != c.want {
			t.Errorf("%s: %v\n got %s\nwant %s", c.form, err, out.String(), c.want)
		}
	}
	w, err := stix.NewWriter(&strings.Builder{}, stix.Envelope, "")
	if err != nil {
		t.Fatal(err)
	}
	if err := w.CloseMore(true, "\xff"); fault.CodeOf(err) != fault.Malformed {
		t.Errorf("next that is not UTF-8: %v", err)
	}
}

// full is a disk with room for so many bytes.
type full int

func (f *full) Write(b []byte) (int, error) {
	if *f -= full(len(b)); *f < 0 {
		return 0, io.ErrShortWrite
	}
	return len(b), nil
}

func TestWriterFails(t *testing.T) {
	t.Parallel()
	o, err := stix.Parse([]byte(addrB))
	if err != nil {
		t.Fatal(err)
	}
	for room := range 400 {
		f := full(room)
		w, err := stix.NewWriter(&f, stix.Bundle, bundle)
		if err != nil {
			t.Fatal(err)
		}
		var failed error
		for range 2 {
			failed = w.Write(o)
		}
		if failed == nil {
			failed = w.Close()
		}
		if whole := len(`{"type":"bundle","id":"","objects":[,]}`) + len(bundle) + 2*len(addrB); (failed == nil) != (room >= whole) {
			t.Fatalf("room for %d of %d bytes: %v", room, whole, failed)
		}
	}
}

// TestOneOfTenThousand: a broken object among ten thousand is named by its place, and the others go in.
func TestOneOfTenThousand(t *testing.T) {
	t.Parallel()
	const n, broken = 10_000, 7_777
	var text strings.Builder
	text.WriteString(`{"type":"bundle","id":"` + bundle + `","objects":[`)
	at := 0
	for i := range n {
		if i > 0 {
			text.WriteString(",\n")
		}
		if i == broken {
			at = text.Len()
			text.WriteString(strings.Replace(string(sample), `"confidence":70`, `"confidence":07`, 1))
			continue
		}
		text.Write(sample)
	}
	text.WriteString(`]}`)
	good := 0
	for it, err := range stix.NewReader(strings.NewReader(text.String()), stix.Limits{}).All() {
		switch {
		case err != nil:
			t.Fatal(err)
		case it.Err == nil:
			good++
		case it.Index != broken || it.Offset != int64(at) || !strings.Contains(fault.Show(it.Err), "a comma or a closing brace is missing"):
			t.Errorf("%d at %d: %v", it.Index, it.Offset, it.Err)
		}
	}
	if good != n-1 {
		t.Errorf("%d went in", good)
	}
}
