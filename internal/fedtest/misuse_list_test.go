package fedtest

import (
	"go/ast"
	"go/parser"
	"go/token"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/comity-exchange/comity/statement"
)

// attempt is something that an attacker or a bad day may try, and the tests that try it.
type attempt struct {
	what  string
	tests []string // functions of this package; "TestMisuse" stands for rows of its table under the same words
}

// attempts is the design's list of what may be tried by a peer, on the network, by outsiders and by clocks. What disks and officers try is tried elsewhere.
func attempts() []attempt {
	return []attempt{
		// Peer.
		{"forks its log", []string{"TestMisuse", "TestFork", "TestVectorsOnTheWire"}},
		{"shows two views of it", []string{"TestTwoViews", "TestSaidToSomeAlone"}},
		{"replays", []string{"TestMisuse", "TestDuplicateDelivery", "TestErasedBodyStaysAway"}},
		{"reorders", []string{"TestMisuse", "TestRolledBack", "TestAncestors", "TestNothingIsTakenBack", "TestWithdrawnAfterTheAnswer"}},
		{"re-seals another's packet to a third", []string{"TestMisuse", "TestRefusedPackets", "TestBytesOfAnother"}},
		{"grinds ids", []string{"TestGroundIDs", "TestFloodOfHeads"}},
		{"backdates", []string{"TestMisuse", "TestRefusedStatements", "TestBackdatedInTheShadow"}},
		{"sends oversize packets", []string{"TestMisuse", "TestRefusedPackets", "TestVectorsOnTheWire"}},
		{"malformed packets", []string{"TestMisuse", "TestRefusedPackets", "TestDamagedPackets", "TestBadBody", "TestVectorsOnTheWire", "TestGossipThatProvesNothing"}},
		{"zip bombs", []string{"TestMisuse", "TestRefusedPackets", "TestVectorsOnTheWire"}},
		{"statements under an agreement not in force", []string{"TestMisuse", "TestRefusedStatements", "TestSmallWithoutAgreement"}},
		{"empty answers", []string{"TestEmptyAnswers", "TestFalseHints"}},
		{"receipts for things never sent", []string{"TestMisuse", "TestRefusedPackets", "TestVectorsOnTheWire"}},
		{"claims non-receipt", []string{"TestClaimsNonReceipt"}},
		// Network.
		{"drops", []string{"TestStorm", "TestCutLink", "TestAttachment"}},
		{"delays", []string{"TestStorm", "TestSlowAndDeadPeers", "TestFlashOvertakesAnAttachment"}},
		{"partitions", []string{"TestPartition"}},
		{"reads", []string{"TestReadOnTheWire"}},
		{"replays what it read", []string{"TestStorm", "TestMisuse"}},
		// Outsider. There is no public form and there are no tickets as yet: the only door is the one for parties.
		{"floods the door", []string{"TestStrangerAndFlood", "TestSlowCaller"}},
		{"forges a letter", []string{"TestBorrowedKeys", "TestWithdrawnOffice", "TestSecondLetter", "TestVectorsOnTheWire"}},
		{"has stolen a log key", []string{"TestStolenLogKey"}},
		// Clock.
		{"is wrong by hours", []string{"TestClockOfOneAhead", "TestClockOfOneBehind", "TestClockAhead", "TestPeerClockAhead"}},
		{"jumps", []string{"TestClockJumps", "TestClockFallsALittle"}},
	}
}

// TestEveryAttempt makes sure that each of the list is tried by a test that is there, and that the table of misuses is about nothing else.
func TestEveryAttempt(t *testing.T) {
	t.Parallel()
	have := testsHere(t)
	rows := map[string]int{}
	f := &Federation{T: t}
	nobody := &mallory{T: t, f: f} // the rows are looked at, and not tried
	for _, c := range f.misuses(statement.ID{}, nobody, nobody, nobody) {
		rows[c.of]++
	}
	for _, a := range attempts() {
		if len(a.tests) == 0 {
			t.Errorf("nobody tries %q", a.what)
		}
		for _, name := range a.tests {
			if !slices.Contains(have, name) {
				t.Errorf("%q: there is no %s", a.what, name)
			}
			if name == "TestMisuse" && a.what != "replays what it read" && rows[a.what] == 0 {
				t.Errorf("%q: no row of the table tries it", a.what)
			}
		}
		delete(rows, a.what)
	}
	for what := range rows {
		t.Errorf("the table has rows for %q, which is not in the list", what)
	}
}

// testsHere lists the tests of this package.
func testsHere(t *testing.T) (out []string) {
	t.Helper()
	files, err := filepath.Glob("*_test.go")
	if err != nil {
		t.Fatal(err)
	}
	for _, name := range files {
		parsed, err := parser.ParseFile(token.NewFileSet(), name, nil, parser.SkipObjectResolution)
		if err != nil {
			t.Fatal(err)
		}
		for _, d := range parsed.Decls {
			if f, ok := d.(*ast.FuncDecl); ok && f.Recv == nil && strings.HasPrefix(f.Name.Name, "Test") {
				out = append(out, f.Name.Name)
			}
		}
	}
	return out
}
