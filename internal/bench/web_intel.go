package bench

import (
	"context"
	"fmt"
	"io"
	"net/http"

	"github.com/comity-exchange/comity/desk/intel"
	"github.com/comity-exchange/comity/internal/catalogue"
	"github.com/comity-exchange/comity/marking"
	"github.com/comity-exchange/comity/stix"
)

// relatedObjects is how many objects the one has to do with whose page is measured: more than its picture holds.
const relatedObjects = 60

// intelligence measures the pages of intelligence of a node whose catalogue has so many objects.
func (p *pair) intelligence(ctx context.Context, pages http.Handler, objects int) (out []Cost, err error) {
	m := marking.Marking{TLP: marking.Green}
	source, err := p.a.OpenSource(ctx, intel.Source{Name: "measured", Format: "stix"}, m, p.a.By("analyst", "one"))
	if err != nil {
		return nil, err
	}
	r, w := io.Pipe()
	go func() { _ = w.CloseWithError(writeObjects(w, objects)) }()
	_, err = p.a.Import(ctx, catalogue.Source{Thread: source, By: p.a.By("analyst", "one"), Marking: m}, stix.NewReader(r, stix.Limits{}).All(), catalogue.ImportOptions{})
	if err != nil {
		return nil, err
	}
	if err := p.a.Catalogued(ctx); err != nil {
		return nil, err
	}
	for _, one := range []struct{ name, path string }{
		{"intelligence", "/intelligence"}, {"objects by value", fmt.Sprintf("/intelligence/search?value=host%d.example", objects/2)}, {"objects by words", "/intelligence/search?text=measured+family"},
		{"objects by a type that is listed", "/intelligence/search?type=malware"}, {"objects by a type that is not", "/intelligence/search?type=indicator"},
		{"objects of a source, since a time", "/intelligence/search?from=2020-01-01T00:00&source=" + source.String()},
		{"an object", "/intelligence/object/" + indicatorID(objects/2)}, {fmt.Sprintf("an object with %d relations", relatedObjects), "/intelligence/object/" + familyID},
		{"a source", "/intelligence/" + source.String()}, {"imports", "/intelligence/imports"}, {"sightings", "/intelligence/sightings"},
	} {
		ms, err := pageTime(ctx, pages, one.path)
		if err != nil {
			return nil, err
		}
		out = append(out, Cost{fmt.Sprintf("page, %d objects: %s", objects, one.name), ms, "ms", pageBound})
	}
	return out, nil
}

const familyID = "malware--00000000-0000-4000-8000-000000000001"

func indicatorID(n int) string { return fmt.Sprintf("indicator--00000000-0000-4000-8000-%012d", n) }

// writeObjects writes a family, what indicates it, and indicators that look for a host each.
func writeObjects(w io.Writer, objects int) error {
	const times = `"created":"2026-01-01T00:00:00.000Z","modified":"2026-01-01T00:00:00.000Z"`
	if _, err := fmt.Fprintf(w, `{"type":"malware","spec_version":"2.1","id":"%s",%s,"name":"Measured family","is_family":true}`+"\n", familyID, times); err != nil {
		return err
	}
	for i := range relatedObjects {
		if _, err := fmt.Fprintf(w, `{"type":"relationship","spec_version":"2.1","id":"relationship--00000000-0000-4000-8000-%012d",%s,"relationship_type":"indicates","source_ref":"%s","target_ref":"%s"}`+"\n",
			i, times, indicatorID(i), familyID); err != nil {
			return err
		}
	}
	for i := range objects - relatedObjects - 1 {
		if _, err := fmt.Fprintf(w, `{"type":"indicator","spec_version":"2.1","id":"%s",%s,"name":"Host %d","pattern":"[domain-name:value = 'host%d.example']","pattern_type":"stix","valid_from":"2026-01-01T00:00:00Z","confidence":%d}`+"\n",
			indicatorID(i), times, i, i, i%101); err != nil {
			return err
		}
	}
	return nil
}
