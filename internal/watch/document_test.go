package watch

import (
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/go-json-experiment/json"
	"go.yaml.in/yaml/v4"

	"github.com/comity-exchange/comity/fault"
	"github.com/comity-exchange/comity/party"
	"github.com/comity-exchange/comity/statement"
)

//go:generate go test -run ^TestReference$ -update .

var update = flag.Bool("update", false, "write docs/metrics.md anew")

func document(t *testing.T, name string) string {
	t.Helper()
	raw, err := os.ReadFile(filepath.Join("..", "..", filepath.FromSlash(name)))
	if err != nil {
		t.Fatal(err)
	}
	return string(raw)
}

// TestReference holds docs/metrics.md against the metrics.
func TestReference(t *testing.T) {
	t.Parallel()
	var b strings.Builder
	b.WriteString("# Metrics\n\nWhat `/metrics` serves where `watch_listen` is set. [operator.md](operator.md), \"Watching a node\", says how to use it. Beside these there are\n" +
		"`go_…` and `process_…` of the Prometheus client. This page is written by `go generate ./internal/watch`, and a test holds it to the code.\n\n" +
		"| metric | kind | labels | |\n|---|---|---|---|\n")
	all := slices.SortedFunc(slices.Values(made(t, nil).meters.all), func(a, b definition) int { return strings.Compare(a.name, b.name) })
	for _, d := range all {
		fmt.Fprintf(&b, "| `%s` | %s | %s | %s |\n", d.name, d.kind, strings.Join(d.labels, ", "), d.help)
	}
	if *update {
		if err := os.WriteFile(filepath.Join("..", "..", "docs", "metrics.md"), []byte(b.String()), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	if document(t, "docs/metrics.md") != b.String() {
		t.Error("docs/metrics.md has drifted: run go generate ./internal/watch")
	}
}

var (
	use     = regexp.MustCompile(`\b((?:comity|go|process|promhttp|up)(?:_[a-z0-9_]+)?)\b(\{[^}]*\})?`)
	matcher = regexp.MustCompile(`([a-z_]+)\s*(?:=~|!~|!=|=)\s*"`)
	grouped = regexp.MustCompile(`\b(?:by|on|ignoring|without)\s*\(([^)]*)\)`)
)

// known gives every name that a query may use, and the labels that it has. What Prometheus adds is there, too.
func known(t *testing.T) map[string][]string {
	t.Helper()
	out := map[string][]string{"up": nil}
	families, err := made(t, nil).meters.registry.Gather()
	if err != nil {
		t.Fatal(err)
	}
	for _, f := range families { // those of the client's own collectors
		if !strings.HasPrefix(f.GetName(), "comity_") {
			out[f.GetName()] = nil
		}
	}
	for _, d := range made(t, nil).meters.all {
		out[d.name] = d.labels
		if d.kind == "histogram" {
			delete(out, d.name)
			for _, suffix := range []string{"_bucket", "_sum", "_count"} {
				out[d.name+suffix] = append([]string{"le"}, d.labels...)
			}
		}
	}
	return out
}

// checkQuery holds one query against the metrics, and gives the names that it uses and what is wrong with it.
func checkQuery(query string, names map[string][]string) (used, wrong []string) {
	everywhere := []string{"instance", "job", "le"}
	var labels []string
	for _, m := range use.FindAllStringSubmatch(query, -1) {
		has, ok := names[m[1]]
		if !ok {
			wrong = append(wrong, "there is no metric "+m[1])
			continue
		}
		used = append(used, m[1])
		labels = append(labels, has...)
		for _, l := range matcher.FindAllStringSubmatch(m[2], -1) {
			if !slices.Contains(has, l[1]) && !slices.Contains(everywhere, l[1]) {
				wrong = append(wrong, m[1]+" has no label "+l[1])
			}
		}
	}
	for _, g := range grouped.FindAllStringSubmatch(query, -1) {
		for l := range strings.SplitSeq(g[1], ",") {
			if l = strings.TrimSpace(l); l != "" && !slices.Contains(labels, l) && !slices.Contains(everywhere, l) {
				wrong = append(wrong, "nothing in it has the label "+l)
			}
		}
	}
	if len(used) == 0 {
		wrong = append(wrong, "it uses no metric")
	}
	return used, wrong
}

// TestDashboard holds docs/grafana.json against the metrics both ways.
func TestDashboard(t *testing.T) {
	t.Parallel()
	var board struct {
		Title, UID string
		Templating struct{ List []struct{ Name string } }
		Panels     []struct {
			ID          int
			Type, Title string
			Description string
			GridPos     struct{ H, W, X, Y int }
			Targets     []struct{ Expr, LegendFormat, RefID string }
		}
	}
	if err := json.Unmarshal([]byte(document(t, "docs/grafana.json")), &board, json.MatchCaseInsensitiveNames(true)); err != nil {
		t.Fatal(err)
	}
	names, drawn := known(t), map[string]bool{}
	ids, titles := map[int]bool{}, map[string]bool{}
	for _, p := range board.Panels {
		if ids[p.ID] || titles[p.Title] || p.GridPos.X+p.GridPos.W > 24 {
			t.Errorf("panel %q: its number or title stands twice, or it hangs over the edge", p.Title)
		}
		ids[p.ID], titles[p.Title] = true, true
		if p.Type == "row" {
			continue
		}
		if p.Description == "" || len(p.Targets) == 0 {
			t.Errorf("panel %q says nothing, or draws nothing", p.Title)
		}
		for _, target := range p.Targets {
			if !strings.Contains(target.Expr, `{instance=~"$instance"`) {
				t.Errorf("panel %q is not of one node", p.Title)
			}
			used, wrong := checkQuery(target.Expr, names)
			for _, n := range used {
				drawn[n] = true
			}
			for _, says := range wrong {
				t.Errorf("panel %q: %s", p.Title, says)
			}
		}
	}
	for _, d := range made(t, nil).meters.all {
		if !drawn[d.name] && !drawn[d.name+"_bucket"] {
			t.Errorf("%s is on no panel", d.name)
		}
	}
	if len(board.Panels) < 20 || len(board.Templating.List) != 2 {
		t.Errorf("%d panels, %d variables: has the file's form changed?", len(board.Panels), len(board.Templating.List))
	}
}

// TestAlerts holds docs/alerts.yaml against the metrics and against what docs/operator.md says of the rules.
func TestAlerts(t *testing.T) {
	t.Parallel()
	var file struct {
		Groups []struct {
			Name  string `yaml:"name"`
			Rules []struct {
				Alert       string            `yaml:"alert"`
				Expr        string            `yaml:"expr"`
				For         string            `yaml:"for"`
				Labels      map[string]string `yaml:"labels"`
				Annotations map[string]string `yaml:"annotations"`
			} `yaml:"rules"`
		} `yaml:"groups"`
	}
	if err := yaml.Unmarshal([]byte(document(t, "docs/alerts.yaml")), &file); err != nil {
		t.Fatal(err)
	}
	names, guide := known(t), document(t, "docs/operator.md")
	n := 0
	for _, g := range file.Groups {
		for _, r := range g.Rules {
			n++
			used, wrong := checkQuery(r.Expr, names)
			for _, says := range wrong {
				t.Errorf("%s: %s", r.Alert, says)
			}
			if r.For != "" {
				if _, err := time.ParseDuration(r.For); err != nil {
					t.Errorf("%s: for %q", r.Alert, r.For)
				}
			}
			if s := r.Labels["severity"]; s != "page" && s != "ticket" || r.Annotations["summary"] == "" || r.Annotations["do"] == "" {
				t.Errorf("%s does not say how bad it is, what it is, or what to do", r.Alert)
			}
			var has []string
			for _, u := range used {
				has = append(has, names[u]...)
			}
			for _, m := range regexp.MustCompile(`\$labels\.([a-z_]+)`).FindAllStringSubmatch(r.Annotations["summary"], -1) {
				if m[1] != "instance" && !slices.Contains(has, m[1]) {
					t.Errorf("%s: its summary names the label %s, which it does not have", r.Alert, m[1])
				}
			}
			if !strings.Contains(guide, "`"+r.Alert+"`") {
				t.Errorf("docs/operator.md does not tell of %s", r.Alert)
			}
		}
	}
	told := regexp.MustCompile("`Comity[A-Za-z]+`").FindAllString(guide, -1)
	slices.Sort(told)
	if n < 10 || len(slices.Compact(told)) != n {
		t.Errorf("%d rules, and docs/operator.md tells of %d", n, len(slices.Compact(told)))
	}
}

// A query about what does not exist is found out.
func TestQueries(t *testing.T) {
	t.Parallel()
	names := known(t)
	for query, want := range map[string]string{
		`comity_nonsense > 0`:            "there is no metric comity_nonsense",
		`comity_forks{peer="XB"} > 0`:    "comity_forks has no label peer",
		`sum by (clause) (comity_forks)`: "nothing in it has the label clause",
		`comity_batch_jobs`:              "there is no metric comity_batch_jobs", // a histogram has no series of its own name
		`1 + 1`:                          "it uses no metric",
		`sum by (le, op) (rate(comity_store_duration_seconds_bucket{instance="x", op="view"}[5m]))`: "",
	} {
		if _, wrong := checkQuery(query, names); want == "" && len(wrong) > 0 || want != "" && !slices.Contains(wrong, want) {
			t.Errorf("%s: found %q, want %q", query, wrong, want)
		}
	}
}

// TestClauses holds the table of clauses against spec/.
func TestClauses(t *testing.T) {
	t.Parallel()
	files, err := filepath.Glob(filepath.Join("..", "..", "spec", "*.md"))
	if err != nil || len(files) == 0 {
		t.Fatal(err, "no spec")
	}
	have := map[string]int{}
	for _, f := range files {
		raw, err := os.ReadFile(f)
		if err != nil {
			t.Fatal(err)
		}
		for _, m := range regexp.MustCompile(`(?m)^- \*\*([A-Z]{3})-([0-9]+)\*\*`).FindAllStringSubmatch(string(raw), -1) {
			n, err := strconv.Atoi(m[2])
			if err != nil {
				t.Fatal(err)
			}
			have[m[1]] = max(have[m[1]], n)
		}
	}
	for family, n := range have {
		if clauses[family] != n {
			t.Errorf("spec/ has %s up to %d, the table up to %d", family, n, clauses[family])
		}
	}
	for family := range clauses {
		if have[family] == 0 {
			t.Errorf("spec/ has no %s", family)
		}
	}
}

// TestSeries counts the series that a node can have at worst, as doc.go promises.
func TestSeries(t *testing.T) {
	t.Parallel()
	count := func(peers int) int {
		s := &sample{facts: story(time.Now()), checks: []Check{{"store", true, ""}, {"mark", true, ""}, {"keys", true, ""}}}
		s.facts.Peers = nil
		for i := range peers {
			p := story(time.Now()).Peers[0]
			p.Code = party.Code(fmt.Sprintf("X%d", i))
			s.facts.Peers = append(s.facts.Peers, p)
		}
		w, err := New(Options{Party: "XA", Desks: desks(), Metrics: true, Log: quiet()})
		if err != nil {
			t.Fatal(err)
		}
		w.Over(s)
		everything(t, w, s.facts.Peers)
		families, err := w.meters.registry.Gather()
		if err != nil {
			t.Fatal(err)
		}
		n := 0
		for _, f := range families {
			if !strings.HasPrefix(f.GetName(), "comity_") {
				continue
			}
			for _, m := range f.GetMetric() {
				n++
				if h := m.GetHistogram(); h != nil {
					n += len(h.GetBucket()) + 2 // its sum, and the bucket without an upper end
				}
			}
		}
		return n
	}
	none, ten := count(0), count(10)
	each := (ten - none) / 10
	t.Logf("%d series without a peer, %d for each", none, each)
	if none > seriesBase || each > seriesPeer {
		t.Errorf("%d series without a peer and %d for each: doc.go promises %d and %d", none, each, seriesBase, seriesPeer)
	}
	if doc := document(t, "internal/watch/doc.go"); !strings.Contains(doc, fmt.Sprintf("%d·P + %d", seriesPeer, seriesBase)) {
		t.Errorf("doc.go does not say %d·P + %d", seriesPeer, seriesBase)
	}
}

// The bounds that doc.go states.
const (
	seriesPeer = 70
	seriesBase = 700
)

func desks() (out []string) {
	for i := range 10 {
		out = append(out, fmt.Sprintf("desk%d", i))
	}
	return out
}

// everything makes all that can happen happen once.
func everything(t *testing.T, w *Watch, peers []Peer) {
	t.Helper()
	x, d := w.Exchange(), w.Delivery()
	var all []error
	for c := range strings.FieldsSeq("malformed too-large not-authentic not-addressed denied inadmissible not-found withheld exists unknown-party revoked fork parked clock " +
		"behind-mark quota unavailable locked usage failed canceled internal") {
		all = append(all, fault.New(fault.Code(c), "", "x"))
	}
	all = append(all, nil)
	for _, desk := range append(desks(), "unheard-of") {
		x.Wrote(true, statement.Kind(desk+".x"))
		x.Wrote(false, statement.Kind(desk+".x"))
	}
	for family, last := range clauses {
		for n := range last + 2 {
			for _, by := range []string{"draft", "here", "peer"} {
				x.Refused(by, fmt.Sprintf("%s-%d", family, n))
			}
		}
	}
	for _, err := range all {
		x.Batch(1, nobody)(err)
		for _, p := range peers {
			for _, out := range []bool{true, false} {
				d.Packet(t.Context(), p.Code, out, 1, time.Second, err)
			}
			d.Clock(p.Code, time.Second)
		}
	}
	for _, op := range []string{"update", "view"} {
		for _, err := range all {
			(&timed{nil, w.meters}).took(op, w.meters.storeView, time.Now(), err)
		}
	}
}
