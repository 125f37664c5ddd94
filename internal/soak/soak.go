package soak

import (
	"context"
	crand "crypto/rand"
	"errors"
	"fmt"
	"iter"
	"maps"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/comity-exchange/comity/agreement"
	"github.com/comity-exchange/comity/fault"
	"github.com/comity-exchange/comity/internal/delivery"
	"github.com/comity-exchange/comity/internal/exchange"
	"github.com/comity-exchange/comity/internal/journal"
	"github.com/comity-exchange/comity/party"
)

// Bounds of Options.
const (
	MinParties = 2
	MaxParties = 9
	MaxLoad    = 1000

	MaxProcesses = 8 // endpoints of a letter (LTR-3)
)

// Options say how long, how hard and with whom.
type Options struct {
	Kills   int           // how often to kill before it ends; 0: no bound
	For     time.Duration // after which it ends; 0: no bound
	Seed    uint64        // of what is drawn by lot. Moments also depend on the machine, so that no two runs are alike
	Parties int           // from MinParties to MaxParties; of three or more, the last one cannot be reached and fetches
	Load    int           // submitters, from one a party to MaxLoad
	// Store is the address of a PostgreSQL server where databases may be made, one for each party; "": each has a file.
	Store string
	// Processes is how many serve a party that has a database, from 1 to MaxProcesses; 0: one.
	Processes int
	// Files is how many of the parties, the last ones, have a file and one process all the same.
	Files int
	Dir   string // where the folders are made, and left; "": a temporary folder, removed unless something was found
	// Command makes the process that calls Node for a folder. Its input and output are taken; its descriptor 3 may be a listener.
	Command func(ctx context.Context, dir string) *exec.Cmd
	// Progress is told how it goes, after each look. It may be nil.
	Progress func(Report)
}

// Report is what came of it.
type Report struct {
	Seed         uint64         `json:"seed"`
	Parties      int            `json:"parties"`
	Load         int            `json:"load"`
	Kills        int            `json:"kills"`          // processes ended by SIGKILL
	AtRandom     int            `json:"kills_random"`   // of these, by the parent at a moment drawn by lot
	ByPoint      map[string]int `json:"kills_by_point"` // and by the process itself at a named point
	Together     int            `json:"kills_together"` // times that more than one node was dead
	Processes    int            `json:"processes"`      // of each party that has a database
	Pauses       int            `json:"pauses"`         // times that a process stood still for longer than its turn, and others went on
	Turned       int            `json:"turned"`         // statements that were not said since their process had lost its turn, or had none
	Looks        int            `json:"looks"`          // times that everything was looked at after kills
	Acknowledged int64          `json:"acknowledged"`   // statements
	Found        int            `json:"unacknowledged_found"`
	NotFound     int            `json:"unacknowledged_not_found"`
	Lost         int            `json:"lost"`
	Doubled      int            `json:"doubled"`
	Seconds      float64        `json:"seconds"`
	Violation    string         `json:"violation,omitzero"`
	Folder       string         `json:"folder,omitzero"`     // where the stores are that show it
	Databases    []string       `json:"databases,omitempty"` // and the databases
}

// epoch is how many kills one set of folders goes through: then all of it is verified from the beginning, and new folders are made, so that a night
// needs no more disk than an hour.
const epoch = 500

// patience is how long anything may take that nothing holds up.
const patience = 60 * time.Second

// Points lists the named points at which a soak with that many parties kills, those first that two parties do not have.
func Points(parties int) []string {
	all := slices.Concat(exchange.Points(), journal.Points(), delivery.Points())
	slices.SortStableFunc(all, func(a, b string) int { return turn(a) - turn(b) })
	return slices.DeleteFunc(all, func(p string) bool { return parties < 3 && fetching(p) })
}

func turn(point string) int {
	if fetching(point) {
		return 0
	}
	return 1
}

// Run kills and looks until it has done enough. Errors: fault.Failed when something was found that must not be, and the report says what and where;
// fault.Usage for options out of bounds; fault.Canceled when ctx ended first; else what the machine refused.
func Run(ctx context.Context, o Options) (report Report, err error) {
	if err := o.check(); err != nil {
		return report, err
	}
	report = Report{Processes: o.Processes, Seed: o.Seed, Parties: o.Parties, Load: o.Load, ByPoint: map[string]int{}}
	began := time.Now()
	dir, remove, err := folder(o.Dir)
	if err != nil {
		return report, err
	}
	w := &war{
		Options: o, report: &report, began: began, rng: rand.New(rand.NewPCG(o.Seed, 0)), points: Points(o.Parties),
		base: dir, name: strings.ToLower(crand.Text()[:8]),
	}
	for err == nil && !w.enough() {
		err = w.fight(ctx)
		report.Seconds = time.Since(began).Seconds()
	}
	var v *violation
	switch {
	case ctx.Err() != nil:
		return report, errors.Join(fault.Wrap(ctx.Err(), fault.Canceled, "", "the soak was interrupted"), w.raze(ctx), remove())
	case errors.As(err, &v):
		report.Violation, report.Folder = v.text, w.dir
		report.Databases = w.databases()
		switch v.kind {
		case lost:
			report.Lost++
		case doubled:
			report.Doubled++
		}
		return report, fault.Wrap(err, fault.Failed, "", "after %d kills: %s; the folders are kept in %s", report.Kills, v.text, w.dir)
	case err != nil:
		report.Folder, report.Databases = w.dir, w.databases()
		return report, err
	}
	return report, remove()
}

func (o *Options) check() error {
	if o.Processes == 0 {
		o.Processes = 1
	}
	switch {
	case o.Parties < MinParties || o.Parties > MaxParties || o.Load > MaxLoad || o.Kills < 0 || o.For < 0:
		return fault.New(fault.Usage, "", "from %d to %d parties, and at most %d who say things", MinParties, MaxParties, MaxLoad)
	case o.Processes < 1 || o.Processes > MaxProcesses || o.Processes > 1 && (o.Store == "" || o.Files >= o.Parties) || o.Files < 0:
		return fault.New(fault.Usage, "", "from 1 to %d processes of a party, and more than one only on a database", MaxProcesses)
	}
	if least := (o.Parties-o.Files)*o.Processes + o.Files; o.Load < least {
		return fault.New(fault.Usage, "", "at least one who says things for each process: %d", least)
	}
	return nil
}

// folder makes the folder of it all, and says how to be rid of it.
func folder(name string) (dir string, remove func() error, err error) {
	if name == "" {
		dir, err = os.MkdirTemp("", "comity-soak-")
		if err != nil {
			return "", nil, fault.Wrap(err, fault.Unavailable, "", "a temporary folder cannot be made")
		}
		return dir, func() error { return os.RemoveAll(dir) }, nil
	}
	if dir, err = filepath.Abs(name); err == nil {
		err = os.MkdirAll(dir, 0o700)
	}
	if err != nil {
		return "", nil, fault.Wrap(err, fault.Usage, "", "the folder %s cannot be made", name)
	}
	return dir, func() error { return nil }, nil
}

// war is a whole soak: one set of parties after the other.
type war struct {
	Options
	report *Report
	began  time.Time
	rng    *rand.Rand
	points []string // those whose turn is next come first
	base   string
	name   string // of this run, in those of databases
	epochs int
	rounds int

	dir     string // of the parties at hand
	houses  []*house
	account *account
	load    *load
}

func (w *war) enough() bool {
	return w.Kills > 0 && w.report.Looks >= w.Kills || w.For > 0 && time.Since(w.began) >= w.For
}

// fight takes one set of parties through an epoch, and verifies all that they have in the end.
func (w *war) fight(ctx context.Context) error {
	w.epochs++
	w.dir = filepath.Join(w.base, fmt.Sprintf("%04d", w.epochs))
	if err := os.Mkdir(w.dir, 0o700); err != nil {
		return fault.Wrap(err, fault.Usage, "", "the folder %s cannot be made, or is there already", w.dir)
	}
	if err := w.campaign(ctx); err != nil {
		return err
	}
	if err := w.whole(ctx); err != nil {
		return err
	}
	if err := w.raze(ctx); err != nil {
		return err
	}
	if w.Dir != "" && w.enough() {
		return nil // whoever named the folder wants to see the last stores
	}
	return os.RemoveAll(w.dir)
}

// raze removes the parties' databases, once no node is there any more.
func (w *war) raze(ctx context.Context) (err error) {
	for _, h := range w.houses {
		err = errors.Join(err, h.raze(context.WithoutCancel(ctx)))
	}
	return err
}

func (w *war) databases() (out []string) {
	for _, h := range w.houses {
		if h.database != "" {
			out = append(out, h.database)
		}
	}
	return out
}

// campaign is all that happens while the parties' nodes are there. It leaves none behind.
func (w *war) campaign(ctx context.Context) (err error) {
	ctx, cancel := context.WithCancel(ctx) // kills what is still there
	var submitters sync.WaitGroup
	defer func() {
		cancel()
		submitters.Wait()
		for _, h := range w.houses {
			if e := h.close(); err == nil {
				err = e
			}
		}
	}()
	if err := w.muster(ctx); err != nil {
		return err
	}
	stopping, stop := context.WithCancel(ctx)
	defer stop()
	var desks []*house // one a post
	for _, h := range w.houses {
		for range h.posts {
			desks = append(desks, h)
		}
	}
	for i := range w.Load {
		s := &submitter{load: w.load, number: i, at: desks[i%len(desks)], rng: rand.New(rand.NewPCG(w.Seed, uint64(w.epochs<<16|i+1)))}
		s.others = slices.DeleteFunc(slices.Clone(w.houses), func(h *house) bool { return h == s.at })
		submitters.Go(func() { s.work(ctx, stopping) })
	}
	for n := 0; n < epoch && !w.enough(); n++ {
		if err := w.round(ctx); err != nil {
			return err
		}
	}
	stop()
	submitters.Wait()
	if err := w.settle(ctx); err != nil {
		return err
	}
	w.report.Acknowledged += w.account.counted()
	w.kill(slices.Collect(w.posts())...) // as they have ended all the time
	return nil
}

// muster makes the parties and starts their nodes.
func (w *war) muster(ctx context.Context) error {
	w.houses = nil
	for i := range w.Parties {
		h, err := found(ctx, w.plan(i))
		if err != nil {
			return err
		}
		w.houses = append(w.houses, h)
	}
	var agreed agreement.ID
	var err error
	if agreed, err = acquaint(ctx, w.houses); err != nil {
		return err
	}
	for p := range w.posts() {
		if err := p.up(ctx, w.Command, nil); err != nil {
			return err
		}
	}
	w.account = newAccount(w.houses)
	rest := thinking
	if w.Processes > 1 {
		rest = musing
	}
	w.load = newLoad(w.account, agreed, rest)
	return w.settle(ctx)
}

// The bounds of what processes take from each other, so short that a soak can wait for them.
const (
	turnBound  = 700 * time.Millisecond
	claimBound = 600 * time.Millisecond
	pollBound  = 100 * time.Millisecond
)

// plan is what the party of this number is founded with.
func (w *war) plan(i int) plan {
	p := plan{dir: w.dir, code: party.Code(fmt.Sprintf("X%c", 'A'+i)), reachable: i < 2 || i < w.Parties-1, posts: 1}
	if w.Store != "" && i < w.Parties-w.Files {
		p.server, p.posts = w.Store, w.Processes
		p.database = fmt.Sprintf("comity_soak_%s_%04d_%s", w.name, w.epochs, strings.ToLower(string(p.code)))
		p.start = start{Turn: turnBound.Milliseconds(), Claim: claimBound.Milliseconds(), Poll: pollBound.Milliseconds()}
	}
	return p
}

// posts are all posts of all parties.
func (w *war) posts() iter.Seq[*post] {
	return func(yield func(*post) bool) {
		for _, h := range w.houses {
			for _, p := range h.posts {
				if !yield(p) {
					return
				}
			}
		}
	}
}

// round is one kill, or some at once, or a pause, and what is left then.
func (w *war) round(ctx context.Context) error {
	w.rounds++
	if err := w.strike(ctx); err != nil {
		return err
	}
	select {
	case err := <-w.load.failed:
		return err
	default:
	}
	if err := w.raise(ctx); err != nil {
		return err
	}
	w.load.gate.Lock()
	w.load.late.Wait()
	err := w.settle(ctx)
	if err == nil {
		found, gone := w.account.settled()
		w.report.Found += found
		w.report.NotFound += gone
	}
	w.load.gate.Unlock()
	if err != nil {
		return err
	}
	w.report.Looks++
	w.report.Acknowledged += w.account.counted()
	w.report.Turned += int(w.load.turned.Swap(0))
	w.report.Seconds = time.Since(w.began).Seconds()
	if w.Progress != nil {
		r := *w.report
		r.ByPoint = maps.Clone(r.ByPoint)
		w.Progress(r)
	}
	return nil
}

// between is the rest between two looks; where several processes share a database, they find out by looking too.
const between = 10 * time.Millisecond

func (w *war) between() time.Duration { return between * time.Duration(1+min(w.Processes-1, 3)) }

// settle waits until nothing is under way, and all is as it must be.
func (w *war) settle(ctx context.Context) error {
	for late := time.Now().Add(patience); ; {
		open, err := w.look(ctx)
		if err != nil || open == nil {
			return err
		}
		if time.Now().After(late) {
			return broken(open.kind, "%s; that did not change in %s", open.text, patience)
		}
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-time.After(w.between()):
		}
	}
}

// look asks all nodes what they have.
func (w *war) look(ctx context.Context) (open *violation, err error) {
	sights := map[party.Code]*seen{}
	asked := make([]<-chan reply, len(w.houses))
	posts := make([]*post, len(w.houses)) // one of each party's sees what all of them do
	for i, h := range w.houses {
		posts[i] = h.at(w.rounds)
		asked[i] = posts[i].current().send(order{Look: w.account.ask(h)})
	}
	for i, h := range w.houses {
		p := posts[i]
		r, err := p.current().await(ctx, asked[i])
		switch {
		case errors.Is(err, errGone):
			<-p.current().ended
			_, err = p.current().trapped()
			return nil, broken(stuck, "%v; see %s", err, p.diary)
		case ctx.Err() != nil:
			return nil, ctx.Err()
		case err != nil || r.Seen == nil:
			return nil, broken(stuck, "%s cannot say what it has: %v", h.code, err)
		}
		sights[h.code] = r.Seen
	}
	return w.account.take(sights)
}
