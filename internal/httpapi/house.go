package httpapi

import (
	"context"
	"net/http"

	"github.com/comity-exchange/comity/internal/auth"
	"github.com/comity-exchange/comity/internal/node"
)

// Setting is a setting of the node as it holds. No secret is among them: settings name the files that hold one.
type Setting struct {
	Key     string `json:"key" doc:"in comity.toml"`
	Env     string `json:"env" doc:"in the environment, which overrides it"`
	Kind    string `json:"kind" doc:"text, list or span"`
	Value   string `json:"value,omitzero"`
	Default string `json:"default,omitzero"`
	Own     bool   `json:"own" doc:"it is not the default"`
	Doc     string `json:"doc"`
}

func (a *api) settings(ctx context.Context, _ *none) (out struct {
	Settings []Setting `json:"settings"`
}, err error) {
	all, err := a.node.Settings(ctx)
	for _, v := range all {
		out.Settings = append(out.Settings, Setting{v.Key, v.Env, v.Kind, v.Text, v.Default, v.Own, v.Doc})
	}
	return out, err
}

// registerHouse makes what tells of the node itself, and changes nothing that peers see.
func (a *api) registerHouse() {
	n := a.node
	at := func(id, method, path, says string, needs auth.Action) operation {
		return operation{id: id, method: method, path: path, tag: "Keeping", says: says, needs: needs}
	}
	on(a, operation{id: "duty", method: http.MethodGet, path: "/duty", tag: "Desk", says: "What an officer on duty sees first: what is owed, by whom and by when, what is unread, what waits for approval, and what is not well.",
		more: "Each list is bounded, in the order in which it wants looking at; counts say how much there is."}, func(ctx context.Context, _ *none) (node.Duty, error) { return n.Duty(ctx) })
	on(a, operation{id: "directory", method: http.MethodGet, path: "/directory", tag: "Parties", says: "List the points of contact of all parties, with who is on duty now."}, func(ctx context.Context, _ *none) (out struct {
		Contacts []node.ContactView `json:"contacts"`
	}, err error) {
		out.Contacts, err = n.Directory(ctx)
		return out, err
	})
	on(a, at("version", http.MethodGet, "/version", "Which program this is.", ""), func(context.Context, *none) (node.Program, error) { return node.ThisProgram(), nil })
	keys := at("list-keys", http.MethodGet, "/keys", "What keys the node has, as its letter of credence names them, and the logs that they have signed.", auth.Read)
	keys.or, keys.more = auth.ReadLog, "Public halves alone, by their digests. No key is made, changed or handed out over HTTP."
	on(a, keys, func(ctx context.Context, _ *none) (node.KeysView, error) { return n.PublicKeys(ctx) })
	on(a, at("settings", http.MethodGet, "/settings", "List the node's settings as they hold.", ""), a.settings)
	on(a, at("list-caveats", http.MethodGet, "/caveats", "List the files with this party's own caveats.", ""), func(ctx context.Context, _ *none) (out struct {
		Caveats []node.CaveatFile `json:"caveats"`
	}, err error) {
		out.Caveats, err = n.CaveatFiles(ctx)
		return out, err
	})
	on(a, at("reload-caveats", http.MethodPost, "/caveats/reload", "Read the caveats again. Where one does not compile, those that held go on holding.", ""), func(ctx context.Context, _ *none) (Done, error) {
		return Done{true}, n.ReloadCaveats(ctx)
	})
	on(a, at("list-notices", http.MethodGet, "/notices", "List what is to be told outside, and what waits to be sent.", ""), func(ctx context.Context, _ *none) (node.NoticesView, error) { return n.Notices(ctx) })
	test := at("test-notice", http.MethodPost, "/notices/test", "Send a notice now that tells of nothing, and say by which ways it came through.", "")
	test.atOnce = 1
	on(a, test, func(ctx context.Context, _ *none) (out struct {
		Sent  bool         `json:"sent" doc:"by every way"`
		Tried []node.Tried `json:"tried"`
	}, err error) {
		out.Tried, err = n.TryNotice(ctx)
		out.Sent = err == nil
		for _, t := range out.Tried {
			out.Sent = out.Sent && t.Sent
		}
		return out, err
	})
}
