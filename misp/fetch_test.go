package misp_test

import (
	"fmt"
	"io"
	"strings"
	"testing"

	"github.com/comity-exchange/comity/fault"
	"github.com/comity-exchange/comity/misp"
	"github.com/comity-exchange/comity/stix"
)

func fetched(n int) misp.UUID {
	return misp.UUID(fmt.Sprintf("11111111-0000-4000-8000-%012d", n))
}

// TestFetch: of a feed what has changed is fetched, the oldest change first; what is broken costs the others nothing; what cannot be reached ends it.
func TestFetch(t *testing.T) {
	t.Parallel()
	files := map[string]string{}
	entries := []string{}
	for i, stamp := range []string{"300", "100", "200", "100"} {
		u := fetched(i)
		entries = append(entries, fmt.Sprintf(`"%s":{"Orgc":{"name":"XB"},"Tag":[],"info":"e%d","date":"2026-11-20","timestamp":"%s"}`, u, i, stamp))
		files[string(u)+".json"] = fmt.Sprintf(`{"Event":{"uuid":"%s","info":"e%d","date":"2026-11-20","timestamp":"%s","published":true,"Attribute":[{"uuid":"22222222-0000-4000-8000-%012d","type":"domain","category":"Network activity","to_ids":true,"timestamp":"%s","value":"host%d.example"}]}}`,
			u, i, stamp, i, stamp, i)
	}
	files["manifest.json"] = "{" + strings.Join(entries, ",") + "}"
	known := map[misp.UUID]misp.Seconds{fetched(3): "100"}
	opened := []string{}
	feed := misp.Feed{
		Open: func(name string) (io.ReadCloser, error) {
			opened = append(opened, name)
			text, ok := files[name]
			if text == "down" {
				return nil, fault.New(fault.Unavailable, "", "the server is down")
			}
			if !ok {
				return nil, fault.New(fault.NotFound, "", "there is no such file")
			}
			return io.NopCloser(strings.NewReader(text)), nil
		},
		Known: func(u misp.UUID) misp.Seconds { return known[u] },
	}
	m, _, err := feed.Manifest()
	if err != nil || len(m) != 4 {
		t.Fatal(err, m)
	}
	changed := feed.Changed(m)
	if got := fmt.Sprint(changed); got != fmt.Sprint([]misp.UUID{fetched(1), fetched(2), fetched(0)}) {
		t.Errorf("%s", got)
	}
	run := func() (values []string, refused []string, failed error) {
		opened = nil
		for item, err := range feed.Items(changed) {
			switch {
			case err != nil:
				failed = err
			case item.Err != nil:
				refused = append(refused, fault.Show(item.Err))
			case item.Object.Type == "indicator":
				values = append(values, hostOf(item.Object))
			}
		}
		return values, refused, failed
	}
	values, refused, err := run()
	if fmt.Sprint(values) != "[host1.example host2.example host0.example]" || len(refused) != 0 || err != nil || len(opened) != 3 {
		t.Errorf("%v %v %v", values, refused, err)
	}
	// An event that is not there, one that is broken, one under another's name.
	whole := files[string(fetched(2))+".json"]
	for name, text := range map[string]string{"": "", "cut": whole[:len(whole)/2], "other": files[string(fetched(3))+".json"], "two": "[" + whole + "," + whole + "]", "none": "{}"} {
		if files[string(fetched(2))+".json"] = text; name == "" {
			delete(files, string(fetched(2))+".json")
		}
		values, refused, err := run()
		if fmt.Sprint(values) != "[host1.example host0.example]" || len(refused) != 1 || !strings.HasPrefix(refused[0], "event "+string(fetched(2))) || err != nil {
			t.Errorf("%s: %v %v %v", name, values, refused, err)
		}
	}
	// A server that is down.
	files[string(fetched(2))+".json"] = "down"
	if values, _, err := run(); fmt.Sprint(values) != "[host1.example]" || fault.CodeOf(err) != fault.Unavailable || len(opened) != 2 {
		t.Errorf("%v %v %v", values, err, opened)
	}
	files["manifest.json"] = "{"
	if _, _, err := feed.Manifest(); fault.CodeOf(err) != fault.Malformed {
		t.Errorf("%v", err)
	}
}

// hostOf is the host that an indicator looks for.
func hostOf(o *stix.Object) string {
	_, rest, _ := strings.Cut(o.Pattern, "'")
	host, _, _ := strings.Cut(rest, "'")
	return host
}
