package soak

import (
	"context"
	"fmt"
	"os"
	"os/exec"
	"slices"
	"testing"

	"github.com/comity-exchange/comity/fault"
	"github.com/comity-exchange/comity/internal/store/postgres/pgtest"
)

// TestMain is also a node's process: the test's own program, called with a word that no flag of a test is.
func TestMain(m *testing.M) {
	if len(os.Args) == 3 && os.Args[1] == childWord {
		if err := Node(context.Background(), os.Args[2], os.Stdin, os.Stdout, os.Stderr); err != nil {
			fmt.Fprintln(os.Stderr, err)
			os.Exit(1)
		}
		os.Exit(0)
	}
	os.Exit(m.Run())
}

const childWord = "soak-node"

// again runs the test's own program as a node.
func again(t *testing.T) func(ctx context.Context, dir string) *exec.Cmd {
	t.Helper()
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	return func(ctx context.Context, dir string) *exec.Cmd { return exec.CommandContext(ctx, self, childWord, dir) }
}

// Real processes are killed under load, at random moments and at every named point; what was acknowledged is there once, and everything verifies.
func TestKills(t *testing.T) {
	t.Parallel()
	// spec: LOG-12, RCP-1, THR-3
	for name, o := range map[string]Options{
		"two parties":               {Kills: 200, Parties: 2, Load: 6, Seed: 1},
		"one of three that fetches": {Kills: 40, Parties: 3, Load: 6, Seed: 2},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			o.Command, o.Dir = again(t), t.TempDir()
			report, err := Run(t.Context(), o)
			if err != nil {
				t.Fatalf("%v\n%+v", err, report)
			}
			t.Logf("%+v", report)
			if report.Looks < o.Kills || report.Kills < o.Kills || report.Acknowledged == 0 {
				t.Errorf("too little was done: %+v", report)
			}
			for _, point := range Points(o.Parties) {
				if report.ByPoint[point] == 0 && (o.Parties == 2 || fetching(point)) {
					t.Errorf("nobody was killed at %s", point)
				}
			}
		})
	}
}

// Two parties that reach each other fetch nothing; whoever fetches has its turn first.
func TestPoints(t *testing.T) {
	t.Parallel()
	two, three := Points(2), Points(3)
	if slices.ContainsFunc(two, fetching) || !fetching(three[0]) || len(three) != len(two)+4 {
		t.Errorf("%q, and of three %q", two, three)
	}
}

func TestBounds(t *testing.T) {
	t.Parallel()
	for _, o := range []Options{{Parties: 1, Load: 1}, {Parties: 10, Load: 10}, {Parties: 2, Load: 1}, {Parties: 2, Load: 1001}, {Parties: 2, Load: 2, Kills: -1},
		{Parties: 2, Load: 6, Processes: 3}, {Parties: 2, Load: 5, Processes: 3, Store: "postgres:///x"}, {Parties: 2, Load: 20, Processes: 9, Store: "postgres:///x"},
		{Parties: 2, Load: 20, Processes: 2, Store: "postgres:///x", Files: 2}, {Parties: 2, Load: 2, Store: "comity.db"},
	} {
		if _, err := Run(t.Context(), o); fault.CodeOf(err) != fault.Usage {
			t.Errorf("%+v: %v", o, err)
		}
	}
}

// Three processes of XA share a database, one of XB's has a file. Any of them is killed at any moment, at every named point, and made to stand still in the middle
// of a batch; whoever is left goes on, and nothing is lost, nothing twice, and of no log are there two histories.
func TestSharedDatabase(t *testing.T) {
	t.Parallel()
	// spec: LOG-1, LOG-12, RCP-1, THR-3
	server := pgtest.New(t)
	o := Options{
		Kills: 60, Parties: 2, Load: 4, Seed: 4, Store: pgtest.URL(server.Database(t, "soak")), Processes: 3, Files: 1, Command: again(t), Dir: t.TempDir(),
	}
	report, err := Run(t.Context(), o)
	if err != nil {
		t.Fatalf("%v\n%+v", err, report)
	}
	t.Logf("%+v", report)
	if report.Looks < o.Kills || report.Pauses < 5 || report.Acknowledged == 0 {
		t.Errorf("too little was done: %+v", report)
	}
	for _, point := range Points(o.Parties) {
		if report.ByPoint[point] == 0 {
			t.Errorf("nobody was killed at %s", point)
		}
	}
	if left, err := server.Ask(t.Context(), `SELECT count(*)::text FROM pg_database WHERE datname LIKE 'comity_soak_%'`); err != nil || left != "0" {
		t.Errorf("%s databases are left behind, %v", left, err)
	}
}
