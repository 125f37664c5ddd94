package bench

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/comity-exchange/comity/agreement"
	"github.com/comity-exchange/comity/desk/assist"
	"github.com/comity-exchange/comity/fault"
	"github.com/comity-exchange/comity/internal/config"
	"github.com/comity-exchange/comity/internal/node"
	"github.com/comity-exchange/comity/marking"
	"github.com/comity-exchange/comity/party"
	"github.com/comity-exchange/comity/statement"
	"github.com/comity-exchange/comity/thread"
	"github.com/comity-exchange/comity/translog"
)

// Cost is one measured figure.
type Cost struct {
	What  string  `json:"what"`
	Value float64 `json:"value"`
	Unit  string  `json:"unit"`
	Bound float64 `json:"bound,omitzero"` // of the design's budgets, in Unit; 0 where it sets none
}

// repeat gives the median of several rounds of n calls each, in microseconds of CPU a call: the median, since the machine is shared.
func repeat(n int, f func(i int)) float64 {
	all := make([]float64, 9)
	for r := range all {
		all[r] = each(n, func(i int) { f(r*n + i) })
	}
	slices.Sort(all)
	return all[len(all)/2]
}

// decisionBound is the design's for a decision under at most boundedArticles, in microseconds.
const (
	decisionBound   = 20
	boundedArticles = 50
)

// Decide measures decisions under agreements of as many articles, all about the kind that is asked: cold, which is a question that was not asked
// before, and cached.
func Decide(articles ...int) ([]Cost, error) {
	var all []Cost
	for _, n := range articles {
		costs, err := decide(n)
		if err != nil {
			return nil, err
		}
		all = append(all, costs...)
	}
	return all, nil
}

func decide(articles int) ([]Cost, error) {
	doc, err := agreement.Parse(longPact(articles))
	if err != nil {
		return nil, err
	}
	q := agreement.Question{
		From: "XA", To: []party.Code{"XB"}, Kind: "assist.request", Marking: marking.Marking{TLP: marking.Amber, Handling: []string{"H1"}},
		Track: statement.Technical, Precedence: statement.Immediate, Role: "duty-officer", BodyBytes: 700, Purpose: "recovery", Type: "information",
	}
	policy, err := agreement.Compile(doc)
	if err != nil {
		return nil, err
	}
	if v := policy.Decide(q); !v.Permitted {
		return nil, fault.New(fault.Internal, "", "what is measured is denied: %s", v.Reason)
	}
	var bad error
	compiled := repeat(3, func(int) { _, err := agreement.Compile(doc); bad = errors.Join(bad, err) })
	// A handling code that was not asked about before makes a question new.
	fresh := repeat(500, func(i int) {
		q := q
		q.Marking.Handling = []string{strconv.Itoa(i)}
		policy.Decide(q)
	})
	seen := repeat(5000, func(int) { policy.Decide(q) })
	name, bound := fmt.Sprintf("decision, %d articles, ", articles), 0.0
	if articles <= boundedArticles {
		bound = decisionBound
	}
	return []Cost{
		{name + "cold", fresh, "µs", bound}, {name + "cached", seen, "µs", bound}, {fmt.Sprintf("compilation, %d articles", articles), compiled, "µs", 0},
	}, bad
}

// longPact is an agreement all of whose articles are about assistance: every fifth forbids, most permit something else than what is asked.
func longPact(articles int) []byte {
	var b strings.Builder
	b.WriteString(`{"v":1,"title":{"en":"Long"},"parties":["XA","XB"],"languages":["en"],"in_force":{"when":"all"},"articles":[`)
	for i := range articles {
		if i > 0 {
			b.WriteByte(',')
		}
		rule := fmt.Sprintf(`{"effect":"permit","kinds":["assist.*"],"from":["XA","XB"],"tlp_max":"AMBER","purposes":["purpose-%d"],"body_max":%d}`, i, 1000+i)
		switch {
		case i == articles-1:
			rule = `{"effect":"permit","kinds":["assist.*"],"from":["XA"],"tlp_max":"AMBER","purposes":["recovery"]}`
		case i%5 == 4:
			rule = `{"effect":"forbid","kinds":["assist.*","intel.*"],"personal_data":"allowed","tracks":["leadership"]}`
		}
		fmt.Fprintf(&b, `{"number":"%d","title":{"en":"t"},"text":{"en":"t"},"rules":[%s]}`, i+1, rule)
	}
	b.WriteString("]}")
	return []byte(b.String())
}

// tiles is a log in memory.
type tiles map[[2]int64][]byte

// Tile implements translog.Tiles.
func (t tiles) Tile(level int, n int64) ([]byte, error) { return t[[2]int64{int64(level), n}], nil }

// Proof measures inclusion proofs in a log of that many leaves.
func Proof(leaves int64) ([]Cost, error) {
	log := tiles{}
	for first := int64(0); first < leaves; first += 1 << 16 {
		ids := make([]statement.ID, min(1<<16, leaves-first))
		for i := range ids {
			ids[i] = statement.IDOf(strconv.AppendInt(nil, first+int64(i), 10))
		}
		_, changed, err := translog.Append(first, log, ids)
		if err != nil {
			return nil, err
		}
		for _, t := range changed {
			log[[2]int64{int64(t.Level), t.N}] = t.Hashes
		}
	}
	root, err := translog.Root(leaves, log)
	if err != nil {
		return nil, err
	}
	var bad error
	prove := func(from translog.Tiles, stride int64) func(int) {
		return func(i int) {
			_, err := translog.Inclusion(leaves, int64(i)*stride%leaves, from)
			bad = errors.Join(bad, err)
		}
	}
	path, err := translog.Inclusion(leaves, leaves/2, log)
	if err != nil {
		return nil, err
	}
	leaf := translog.LeafHash(statement.IDOf(strconv.AppendInt(nil, leaves/2, 10)))
	name := fmt.Sprintf("proof, %d leaves, ", leaves)
	return []Cost{
		{name + "leaves all over the log", repeat(200, prove(translog.NewMemo(256).Over("XA/1", log), 7919)), "µs", 200},
		{name + "nothing remembered", repeat(200, prove(log, 7919)), "µs", 200},
		{name + "leaves in a row", repeat(200, prove(translog.NewMemo(256).Over("XA/1", log), 1)), "µs", 200},
		{name + "checked", repeat(500, func(int) { bad = errors.Join(bad, translog.CheckInclusion(path, leaves, leaves/2, leaf, root)) }), "µs", 0},
	}, bad
}

// Fold measures a thread of that many heads: all of it, and one head more.
func Fold(heads int) ([]Cost, error) {
	rules, err := thread.NewRules(node.Desks()...)
	if err != nil {
		return nil, err
	}
	all, err := supplements(heads + 1)
	if err != nil {
		return nil, err
	}
	f, err := rules.Fold(all[:heads])
	if err != nil {
		return nil, err
	}
	shuffled := slices.Clone(all[:heads])
	rand.New(rand.NewPCG(1, 2)).Shuffle(heads, func(i, j int) { shuffled[i], shuffled[j] = shuffled[j], shuffled[i] })
	var bad error
	whole := repeat(3, func(int) { _, err := rules.Fold(shuffled); bad = errors.Join(bad, err) })
	more := repeat(200, func(int) {
		if _, _, ok := rules.Extend(f.State, all[heads]); !ok {
			bad = fault.New(fault.Internal, "", "the head does not follow")
		}
	})
	parse := repeat(500, func(i int) { _, err := statement.ParseHead(all[i%len(all)].Raw); bad = errors.Join(bad, err) })
	return []Cost{
		{fmt.Sprintf("fold of %d heads, a head", heads), whole / float64(heads), "µs", 0},
		{fmt.Sprintf("one head more, after %d", heads), more, "µs", 0},
		{"a head parsed", parse, "µs", 0},
	}, bad
}

// supplements is a request and what was added to it, n heads in all.
func supplements(n int) ([]*statement.Head, error) {
	nonce := func(i int) statement.Nonce {
		return statement.Nonce(fmt.Sprintf("%021dA", i))
	}
	at, err := statement.ParseTime("2026-03-02T08:00:00.000Z")
	if err != nil {
		return nil, err
	}
	h := statement.Head{
		Nonce: nonce(0), From: "XA", To: []party.Code{"XB"}, Kind: assist.KindRequest, Marking: marking.Marking{TLP: marking.Amber}, Track: statement.Technical,
		Precedence: statement.Routine, Time: at, By: statement.By{Role: "duty-officer"}, Facts: []byte(`{"type":"information"}`),
	}
	all := make([]*statement.Head, 0, n)
	for i := range n {
		if i > 0 {
			h.Thread, h.After, h.Kind, h.Nonce, h.Facts = all[0].ID, []statement.ID{all[i-1].ID}, assist.KindSupplement, nonce(i), []byte(`{}`)
		}
		made, err := statement.Compose(h)
		if err != nil {
			return nil, err
		}
		made.Place = statement.Place{Origin: "XA/1", Index: int64(i)}
		all = append(all, made)
	}
	return all, nil
}

// Start measures how long a command takes as a whole process, and a served node until it is ready, with its resident size at rest. program is the
// comity binary.
func Start(ctx context.Context, program string) ([]Cost, error) {
	dir, err := os.MkdirTemp("", "comity-start-")
	if err != nil {
		return nil, fault.Wrap(err, fault.Unavailable, "", "no temporary folder can be made")
	}
	defer remove(dir)
	cfg := config.Defaults("XA")
	cfg.Listen, cfg.Endpoints = "127.0.0.1:0", []string{"https://127.0.0.1:1"}
	dir = filepath.Join(dir, "XA")
	if _, err := node.Init(ctx, dir, node.Founding{Config: cfg, Names: map[string]string{"en": "Party XA"}}); err != nil {
		return nil, err
	}
	var ready, command []float64
	var resident float64
	for range 7 {
		took, err := spent(func() error { return exec.CommandContext(ctx, program, "--dir", dir, "threads").Run() })
		if err != nil {
			return nil, fault.Wrap(err, fault.Failed, "", "comity threads failed")
		}
		command = append(command, took)
		took, size, err := serve(ctx, program, dir)
		if err != nil {
			return nil, err
		}
		ready, resident = append(ready, took), max(resident, size)
	}
	slices.Sort(ready)
	slices.Sort(command)
	return []Cost{
		{"start: comity serve, until it is ready", ready[len(ready)/2], "ms", 150},
		{"start: comity threads, the whole process", command[len(command)/2], "ms", 150},
		{"memory of a served node at rest", resident, "MB", 60},
	}, nil
}

// serve starts a node, waits until it says that it is ready and then a moment more, and gives milliseconds and megabytes.
func serve(ctx context.Context, program, dir string) (ms, mb float64, err error) {
	c := exec.CommandContext(ctx, program, "--dir", dir, "serve")
	out, err := c.StdoutPipe()
	if err != nil {
		return 0, 0, err
	}
	start := time.Now()
	if err := c.Start(); err != nil {
		return 0, 0, fault.Wrap(err, fault.Failed, "", "comity serve did not start")
	}
	_, err = out.Read(make([]byte, 1))
	ms = float64(time.Since(start).Microseconds()) / 1000
	time.Sleep(500 * time.Millisecond) // what a node does when it has just started is not rest
	mb = residentOf(c.Process.Pid)
	err = errors.Join(err, c.Process.Signal(os.Interrupt), c.Wait())
	return ms, mb, err
}

// spent is what f takes by the clock, in milliseconds.
func spent(f func() error) (float64, error) {
	start := time.Now()
	err := f()
	return float64(time.Since(start).Microseconds()) / 1000, err
}

// residentOf is the resident size of a process in megabytes; 0 where the system does not say.
func residentOf(pid int) float64 {
	raw, err := os.ReadFile(fmt.Sprintf("/proc/%d/status", pid))
	if err != nil {
		return 0
	}
	for text := range strings.Lines(string(raw)) {
		if f := strings.Fields(text); len(f) > 1 && f[0] == "VmRSS:" {
			kb, _ := strconv.ParseFloat(f[1], 64)
			return kb / 1024
		}
	}
	return 0
}
