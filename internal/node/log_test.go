package node

import (
	"database/sql"
	"net/http"
	"net/http/httptest"
	"net/url"
	"path/filepath"
	"strconv"
	"strings"
	"testing"

	"github.com/transparency-dev/tessera/client"
	"github.com/transparency-dev/tessera/fsck"
	"golang.org/x/mod/sumdb/note"

	"github.com/comity-exchange/comity/desk/credence"
	"github.com/comity-exchange/comity/internal/config"
	"github.com/comity-exchange/comity/internal/exchange"
	"github.com/comity-exchange/comity/marking"
	"github.com/comity-exchange/comity/party"
	"github.com/comity-exchange/comity/statement"
	"github.com/comity-exchange/comity/translog"
)

// newNode makes and opens a node that nobody talks to.
func newNode(t *testing.T, code party.Code) *Node {
	t.Helper()
	dir := filepath.Join(t.TempDir(), string(code))
	if _, err := Init(t.Context(), dir, Founding{Config: config.Defaults(code), Names: map[string]string{"en": "Party"}}); err != nil {
		t.Fatal(err)
	}
	n, err := Open(t.Context(), dir, Options{})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := n.Close(); err != nil {
			t.Error(err)
		}
	})
	return n
}

// record says something that goes to nobody.
func record(t *testing.T, n *Node, i int) exchange.Said {
	t.Helper()
	facts, err := Facts(party.OfficeFacts{Office: n.Config.Code + ".cert", Letter: statement.Sum([]byte(strconv.Itoa(i)))})
	if err != nil {
		t.Fatal(err)
	}
	said, err := n.Exchange.Submit(t.Context(), exchange.Draft{
		Kind: credence.KindOffice, Marking: marking.Marking{TLP: marking.Green}, Track: statement.Technical,
		Precedence: statement.Routine, By: n.By("administrator", ""), Facts: facts,
	})
	if err != nil {
		t.Fatal(err)
	}
	return said
}

// TestLogIsVerifiedByAStranger has another project's verifier read the log as it is served, and find one changed byte.
func TestLogIsVerifiedByAStranger(t *testing.T) {
	t.Parallel()
	// spec: LOG-1, LOG-2, NET-8, CHR-2
	n := newNode(t, "XA")
	for i := range 300 { // more than one tile, the last one partial
		record(t, n, i)
	}
	if r, err := n.VerifyLog(t.Context()); err != nil || len(r.Problems) > 0 || r.Size != 300 {
		t.Fatalf("%+v, %v", r, err)
	}
	server := httptest.NewServer(n.LogHandler())
	t.Cleanup(server.Close)
	check := func() error {
		root, err := url.Parse(server.URL)
		if err != nil {
			t.Fatal(err)
		}
		fetcher, err := client.NewHTTPFetcher(root, http.DefaultClient)
		if err != nil {
			t.Fatal(err)
		}
		keys, err := n.Keys.PublicKeys(party.RoleLog)
		if err != nil {
			t.Fatal(err)
		}
		classic, _ := translog.VerifierKeys("XA/1", keys)
		verifier, err := note.NewVerifier(classic)
		if err != nil {
			t.Fatal(err)
		}
		leaves := func(bundle []byte) ([][]byte, error) {
			ids, err := translog.ParseEntryBundle(bundle)
			var out [][]byte
			for _, id := range ids {
				h := translog.LeafHash(id)
				out = append(out, h[:])
			}
			return out, err
		}
		return fsck.New("XA/1", verifier, fetcher, leaves, fsck.Opts{N: 16}).Check(t.Context())
	}
	if err := check(); err != nil {
		t.Fatalf("an honest log: %v", err)
	}
	for _, change := range []string{
		`UPDATE tile SET hashes = CAST(iif(substr(hashes, 1, 1) = x'00', x'01', x'00') || substr(hashes, 2) AS BLOB) WHERE level = 0 AND n = 1`,
		`UPDATE statement SET id = CAST(iif(substr(id, 1, 1) = x'00', x'01', x'00') || substr(id, 2) AS BLOB) WHERE place & 1099511627775 = 17`,
	} {
		undo := alter(t, n.path(n.Config.Store), change)
		if err := check(); err == nil {
			t.Errorf("not noticed: %s", change)
		}
		if r, err := n.VerifyLog(t.Context()); err == nil && len(r.Problems) == 0 {
			t.Errorf("not noticed by the node itself: %s", change)
		}
		undo()
	}
	if err := check(); err != nil {
		t.Fatalf("after all was put back: %v", err)
	}
}

// alter runs SQL on a store behind the node's back, and gives what takes it back.
func alter(t *testing.T, path, change string) (undo func()) {
	t.Helper()
	table, _, _ := strings.Cut(strings.TrimPrefix(change, "UPDATE "), " ")
	exec := func(q string) {
		db, err := sql.Open("sqlite", path)
		if err != nil {
			t.Fatal(err)
		}
		defer db.Close()
		if _, err := db.Exec(q); err != nil {
			t.Fatal(q, err)
		}
	}
	exec("CREATE TABLE kept AS SELECT * FROM " + table)
	exec(change)
	return func() {
		exec("DELETE FROM " + table)
		exec("INSERT INTO " + table + " SELECT * FROM kept")
		exec("DROP TABLE kept")
	}
}
