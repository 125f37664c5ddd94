package config

import (
	"encoding/json"
	"flag"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"testing"
	"time"

	"pgregory.net/rapid"

	"github.com/comity-exchange/comity/fault"
	"github.com/comity-exchange/comity/marking"
	"github.com/comity-exchange/comity/statement"
)

// folder makes a node's folder with the given settings; "" makes none.
func folder(t testing.TB, text string) string {
	t.Helper()
	dir := filepath.Join(t.TempDir(), "node")
	if err := os.Mkdir(dir, 0o700); err != nil {
		t.Fatal(err)
	}
	if text != "" {
		put(t, filepath.Join(dir, FileName), text, 0o600)
	}
	return dir
}

func put(t testing.TB, path, text string, mode os.FileMode) {
	t.Helper()
	if err := os.WriteFile(path, []byte(text), mode); err != nil {
		t.Fatal(err)
	}
	if err := os.Chmod(path, mode); err != nil { // the umask may have taken bits
		t.Fatal(err)
	}
}

func TestLoad(t *testing.T) {
	t.Parallel()
	full := Config{
		Code: "XA.cert", Listen: ":8443", Endpoints: []string{"https://a.example:8443", "https://[2001:db8::1]:443"}, LogListen: "192.0.2.1:80",
		WatchListen: "127.0.0.1:9464", TraceEndpoint: "http://127.0.0.1:4318",
		WebListen: ":8444", WebURL: "https://desk.xa.example", WebCertificate: "web.pem", WebKey: "/media/web.key", WebProxies: []string{"127.0.0.1", "::1"}, MISPOpen: []string{"sensors"},
		SessionIdle: 5 * time.Minute, SessionLife: time.Hour, OIDCIssuer: "https://id.xa.example/realm", OIDCClient: "comity",
		Store: "s.db", Keys: "k.age", KeyFile: "/media/key", PullInterval: time.Second, WitnessInterval: 2 * time.Minute,
		Role: "analyst", Officer: "Åsa \"the\" Officer", OnRecall: RecallErase, Approval: []string{"assist.grant", "TLP:AMBER+STRICT"}, LogLevel: "debug", LogFormat: "json",
		Notices: fullNotices(),
	}
	env := Defaults("XB")
	env.Listen, env.Endpoints, env.PullInterval = "", []string{"https://b.example:1", "https://c.example:2"}, 3*time.Second
	emptied := Defaults("XA")
	emptied.Endpoints = []string{}
	keyed := Defaults("XA")
	keyed.KeyFile = "other.key"
	for _, c := range []struct {
		name string
		text string
		env  []string
		want Config
	}{
		{"only the code", `code = "XA"`, nil, Defaults("XA")},
		{"everything", `
code = "XA.cert"
listen = ":8443"
endpoints = ["https://a.example:8443", "https://[2001:db8::1]:443"]
log_listen = "192.0.2.1:80"
watch_listen = "127.0.0.1:9464"
trace_endpoint = "http://127.0.0.1:4318"
web_listen = ":8444"
web_url = "https://desk.xa.example"
web_certificate = "web.pem"
web_key = "/media/web.key"
web_proxies = ["127.0.0.1", "::1"]
misp_open = ["sensors"]
session_idle = "5m"
session_life = "1h"
oidc_issuer = "https://id.xa.example/realm"
oidc_client = "comity"
store = "s.db"
keys = "k.age"
key_file = "/media/key"
pull_interval = "1s"
witness_interval = "2m"
role = "analyst"
officer = "Åsa \"the\" Officer"
on_recall = "erase"
approval = ["assist.grant", "TLP:AMBER+STRICT"]
` + fullNoticesText + `
log_level = "debug"
log_format = "json"
`, nil, full},
		{"environment over file", "code = \"XA\"\nlisten = \":1\"\nendpoints = []", []string{
			"COMITY_CODE=XB", "COMITY_LISTEN=", "COMITY_ENDPOINTS=https://b.example:1,https://c.example:2", "COMITY_PULL_INTERVAL=3s",
			"PATH=/bin", "COMITY_DIR=/elsewhere", "COMITY_AS=desk", "COMITY_TOKEN=x", "comity_code=XC", "XCOMITY_CODE=XC",
		}, env},
		{"environment empties a list", `code = "XA"` + "\n" + `endpoints = ["https://a.example:1"]`, []string{"COMITY_ENDPOINTS="}, emptied},
		{"environment alone gives the code", `# nothing`, []string{"COMITY_CODE=XA"}, Defaults("XA")},
		{"lock from above voids the one below", "code = \"XA\"\npassphrase_file = \"p\"", []string{"COMITY_KEY_FILE=other.key"}, keyed},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			got, err := Load(folder(t, c.text), c.env)
			if err != nil {
				t.Fatal(err)
			}
			if len(got.Endpoints) == 0 && len(c.want.Endpoints) == 0 {
				got.Endpoints, c.want.Endpoints = nil, nil
			}
			if !reflect.DeepEqual(got, c.want) {
				t.Fatalf("got\n%+v\nwant\n%+v", got, c.want)
			}
		})
	}
}

func TestLoadRefuses(t *testing.T) {
	t.Parallel()
	many := strings.Repeat(`"https://a.example:1",`, 9)
	for _, c := range []struct {
		name string
		text string
		env  []string
		says string // part of what is shown
	}{
		{"unknown key", "code = \"XA\"\nlistne = \":1\"", nil, "comity.toml has listne, which is no setting; the nearest is listen"},
		{"key of another case", `Code = "XA"`, nil, "comity.toml has Code, which is no setting; the nearest is code"},
		{"key in a table", "code = \"XA\"\n[lock]\nkey_file = \"x\"", nil, "comity.toml has lock.key_file, which is no setting; the nearest is key_file"},
		{"empty table", "code = \"XA\"\n[rolle]", nil, "the nearest is role"},
		{"table of tables", "code = \"XA\"\n[[store]]\nx = 1", nil, "store: a text in quotes"},
		{"dotted key in quotes", "code = \"XA\"\n\"log.level\" = \"info\"", nil, "the nearest is log_level"},
		{"key with control characters", "code = \"XA\"\n\"\\u001b[2Jrole\" = \"x\"", nil, "has [2Jrole,"},
		{"unknown variable", `code = "XA"`, []string{"COMITY_LOGLEVEL=info"}, "the environment has COMITY_LOGLEVEL, which is no setting; the nearest is COMITY_LOG_LEVEL"},
		{"repeated key", "code = \"XA\"\ncode = \"XB\"", nil, "cannot be read"},
		{"no TOML", "code = \"XA\"\nlisten :1", nil, "comity.toml cannot be read at line 2"},
		{"no UTF-8", "code = \"XA\"\nrole = \"\xff\"", nil, "cannot be read"},
		{"no code", `listen = ":1"`, nil, "lacks the setting code"},
		{"wrong code", `code = "xa"`, nil, "setting code: a party code is like"},
		{"code of a wrong type", `code = 7`, nil, "comity.toml: setting code: a text in quotes"},
		{"list of a wrong type", "code = \"XA\"\nendpoints = \"https://a.example:1\"", nil, "setting endpoints: a list of texts"},
		{"list of numbers", "code = \"XA\"\nendpoints = [1]", nil, "setting endpoints: a list of texts"},
		{"number for a span", "code = \"XA\"\npull_interval = 5", nil, "setting pull_interval: a span of time in quotes"},
		{"span without unit", `code = "XA"`, []string{"COMITY_PULL_INTERVAL=5"}, "the environment: setting pull_interval: a span"},
		{"pulls too often", "code = \"XA\"\npull_interval = \"99ms\"", nil, "setting pull_interval: from 100ms"},
		{"negative span", "code = \"XA\"\npull_interval = \"-1h\"", nil, "setting pull_interval: from"},
		{"witnesses too often", "code = \"XA\"\nwitness_interval = \"59s\"", nil, "setting witness_interval: from 1m0s"},
		{"witnesses too seldom", "code = \"XA\"\nwitness_interval = \"25h\"", nil, "setting witness_interval: from 1m0s to 24h0m0s"},
		{"listen without port", "code = \"XA\"\nlisten = \"localhost\"", nil, "setting listen: an address"},
		{"listen on a name of a port", "code = \"XA\"\nlisten = \":https\"", nil, "setting listen: an address"},
		{"listen on a large port", "code = \"XA\"\nlisten = \":65536\"", nil, "setting listen: an address"},
		{"approval of a label that is none", "code = \"XA\"\napproval = [\"TLP:PINK\"]", nil, "setting approval: a label is like TLP:AMBER"},
		{"approval of no kind", "code = \"XA\"\napproval = [\"everything\"]", nil, "setting approval: kinds are like"},
		{"approval of a bad desk", "code = \"XA\"\napproval = [\"as-sist.*\"]", nil, "setting approval: kinds are like"},
		{"log_listen", "code = \"XA\"\nlog_listen = \"x\"", nil, "setting log_listen: an address"},
		{"watch_listen", "code = \"XA\"\nwatch_listen = \"9464\"", nil, "setting watch_listen: an address"},
		{"traces to no URL", "code = \"XA\"\ntrace_endpoint = \"127.0.0.1:4318\"", nil, "setting trace_endpoint: a URL is like"},
		{"traces with a password", "code = \"XA\"\ntrace_endpoint = \"http://u:p@127.0.0.1:4318\"", nil, "setting trace_endpoint: a URL is like"},
		{"endpoint over http", "code = \"XA\"\nendpoints = [\"http://a.example:1\"]", nil, "setting endpoints: an endpoint is like"},
		{"endpoint without port", "code = \"XA\"\nendpoints = [\"https://a.example\"]", nil, "setting endpoints: an endpoint is like"},
		{"endpoint with path", "code = \"XA\"\nendpoints = [\"https://a.example:1/\"]", nil, "setting endpoints: an endpoint is like"},
		{"endpoint with user", "code = \"XA\"\nendpoints = [\"https://u@a.example:1\"]", nil, "setting endpoints: an endpoint is like"},
		{"endpoint with query", "code = \"XA\"\nendpoints = [\"https://a.example:1?q\"]", nil, "setting endpoints: an endpoint is like"},
		{"endpoint with a large port", "code = \"XA\"\nendpoints = [\"https://a.example:99999\"]", nil, "setting endpoints: an address"},
		{"endpoint twice", "code = \"XA\"\nendpoints = [\"https://a.example:1\",\"https://a.example:1\"]", nil, "setting endpoints: an endpoint is named twice"},
		{"nine endpoints", "code = \"XA\"\nendpoints = [" + many + "]", nil, "setting endpoints: at most 8"},
		{"store elsewhere", "code = \"XA\"\nstore = \"../x.db\"", nil, "setting store: a file name"},
		{"absolute store", "code = \"XA\"\nstore = \"/x.db\"", nil, "setting store: a file name"},
		{"store in a folder", "code = \"XA\"\nstore = \"x/x.db\"", nil, "setting store: a file name"},
		{"no store", "code = \"XA\"\nstore = \"\"", nil, "setting store: a file name"},
		{"store over the settings", "code = \"XA\"\nstore = \"comity.toml\"", nil, "setting store: a file name"},
		{"store with a password", "code = \"XA\"\nstore = \"postgres://xa:hidden@db.xa.example/comity\"", nil, "setting store: the address holds a password"},
		{"store with a password behind", "code = \"XA\"\nstore = \"postgresql://db.xa.example/comity?password=hidden\"", nil, "setting store: the address holds a password"},
		{"store at no address", "code = \"XA\"\nstore = \"postgres://[::1\"", nil, "setting store: the address of a database is like"},
		{"keys over the store", "code = \"XA\"\nkeys = \"comity.db\"", nil, "one file for two purposes"},
		{"key file over the keys", "code = \"XA\"\nkey_file = \"./keys.age\"", nil, "one file for two purposes"},
		{"key file outside", "code = \"XA\"\nkey_file = \"../x\"", nil, "setting key_file: a file"},
		{"two locks", "code = \"XA\"\nkey_file = \"a\"\npassphrase_file = \"b\"", nil, "exactly one of them"},
		{"no lock", "code = \"XA\"\nkey_file = \"\"", nil, "exactly one of them"},
		{"no passphrase file", "code = \"XA\"\npassphrase_file = \"absent\"", nil, "setting passphrase_file: there is no file"},
		{"role", "code = \"XA\"\nrole = \"duty officer\"", nil, "setting role: letters"},
		{"officer", "code = \"XA\"\nofficer = \"a\\nb\"", nil, "setting officer: at most 200"},
		{"long officer", "code = \"XA\"\nofficer = \"" + strings.Repeat("a", 201) + "\"", nil, "setting officer: at most 200"},
		{"level", "code = \"XA\"\nlog_level = \"loud\"", nil, "setting log_level: one of debug, info, warn, error"},
		{"on recall", "code = \"XA\"\non_recall = \"forget\"", nil, "setting on_recall: one of ask, erase"},
		{"format", "code = \"XA\"\nlog_format = \"xml\"", nil, "setting log_format: one of text, json"},
		{"pages without https", "code = \"XA\"\nweb_listen = \":8080\"", nil, "setting web_listen: without https only an address of this machine"},
		{"pages without https on another address", "code = \"XA\"\nweb_listen = \"192.0.2.1:8080\"\nweb_url = \"http://localhost:8080\"", nil, "setting web_listen: without https"},
		{"pages at a number", "code = \"XA\"\nweb_url = \"https://192.0.2.1\"", nil, "setting web_url: a name and no number"},
		{"pages at a number of another form", "code = \"XA\"\nweb_url = \"https://[2001:db8::1]:8443\"", nil, "setting web_url: a name and no number"},
		{"pages over http", "code = \"XA\"\nweb_url = \"http://desk.xa.example\"", nil, "setting web_url: https"},
		{"pages over http at a name that begins alike", "code = \"XA\"\nweb_url = \"http://localhost.xa.example\"", nil, "setting web_url: https"},
		{"pages under a path", "code = \"XA\"\nweb_url = \"https://desk.xa.example/\"", nil, "setting web_url: an origin is like"},
		{"pages with a user", "code = \"XA\"\nweb_url = \"https://u@desk.xa.example\"", nil, "setting web_url: an origin is like"},
		{"pages in capitals", "code = \"XA\"\nweb_url = \"https://Desk.xa.example\"", nil, "setting web_url: an origin is like"},
		{"pages with the usual port", "code = \"XA\"\nweb_url = \"https://desk.xa.example:443\"", nil, "setting web_url: written as browsers do"},
		{"pages at a port that is none", "code = \"XA\"\nweb_url = \"https://desk.xa.example:80800\"", nil, "setting web_url: an address is like"},
		{"a certificate without a key", "code = \"XA\"\nweb_url = \"https://desk.xa.example\"\nweb_certificate = \"x\"", nil, "both web_certificate and web_key"},
		{"a certificate without a name", "code = \"XA\"\nweb_key = \"y\"\nweb_certificate = \"x\"", nil, "setting web_url: with web_certificate"},
		{"a source that is no name", "code = \"XA\"\nmisp_open = [\"two words\"]", nil, "setting misp_open: sources are named as they were opened"},
		{"a proxy by name", "code = \"XA\"\nweb_proxies = [\"proxy.xa.example\"]", nil, "setting web_proxies: addresses are like"},
		{"sessions for ever", "code = \"XA\"\nsession_life = \"25h\"", nil, "setting session_life: from 1m0s to 24h0m0s"},
		{"sessions that end before they are idle", "code = \"XA\"\nsession_life = \"10m\"", nil, "setting session_life: at least as long as session_idle"},
		{"an issuer over http", "code = \"XA\"\noidc_client = \"c\"\noidc_issuer = \"http://id.xa.example\"", nil, "setting oidc_issuer: an issuer is like"},
		{"an issuer without a client", "code = \"XA\"\noidc_issuer = \"https://id.xa.example\"", nil, "both oidc_issuer and oidc_client"},
		{"a client's secret that is not there", "code = \"XA\"\noidc_secret_file = \"absent\"", nil, "setting oidc_secret_file: there is no file"},
		{"large file", "code = \"XA\"\n# " + strings.Repeat("x", maxFile), nil, "has more than 65536 bytes"},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			_, err := Load(folder(t, c.text), c.env)
			if fault.CodeOf(err) != fault.Usage || !strings.Contains(fault.Show(err), c.says) {
				t.Fatalf("got %q: %q, want it to say %q", fault.CodeOf(err), fault.Show(err), c.says)
			}
		})
	}
}

func TestDatabase(t *testing.T) {
	t.Parallel()
	const address = "postgres://comity@db1.xa.example,db2.xa.example:5433/comity?sslmode=verify-full"
	c, err := Load(folder(t, "code = \"XA\"\nstore = \""+address+"\""), nil)
	if got, ok := c.Database(); err != nil || !ok || got != address {
		t.Errorf("%q, %v, %v", got, ok, err)
	}
	if c, err = Load(folder(t, "code = \"XA\""), nil); err != nil {
		t.Fatal(err)
	}
	if _, ok := c.Database(); ok {
		t.Error("a file is taken for a database")
	}
}

func TestFolderAndModes(t *testing.T) {
	t.Parallel()
	const text = `code = "XA"`
	if _, err := Load(filepath.Join(t.TempDir(), "absent"), nil); fault.CodeOf(err) != fault.NotFound {
		t.Error("absent folder:", err)
	}
	if _, err := Load(folder(t, ""), nil); fault.CodeOf(err) != fault.NotFound {
		t.Error("folder without settings:", err)
	}
	file := filepath.Join(t.TempDir(), "file")
	put(t, file, text, 0o600)
	if _, err := Load(file, nil); fault.CodeOf(err) != fault.Usage {
		t.Error("a file for a folder:", err)
	}
	for _, mode := range []os.FileMode{0o755, 0o750, 0o701, 0o720} {
		dir := folder(t, text)
		if err := os.Chmod(dir, mode); err != nil {
			t.Fatal(err)
		}
		if _, err := Load(dir, nil); fault.CodeOf(err) != fault.Usage || !strings.Contains(fault.Show(err), "make it 0700") {
			t.Errorf("folder of mode %o: %v", mode, err)
		}
		if err := Write(filepath.Join(dir, FileName), Defaults("XA")); fault.CodeOf(err) != fault.Usage {
			t.Errorf("writing into a folder of mode %o: %v", mode, err)
		}
	}
	for _, mode := range []os.FileMode{0o644, 0o640, 0o602} {
		dir := folder(t, "")
		put(t, filepath.Join(dir, FileName), text, mode)
		if _, err := Load(dir, nil); fault.CodeOf(err) != fault.Usage || !strings.Contains(fault.Show(err), "make it 0600") {
			t.Errorf("settings of mode %o: %v", mode, err)
		}
	}
	dir := folder(t, "")
	if err := os.Mkdir(filepath.Join(dir, FileName), 0o700); err != nil {
		t.Fatal(err)
	}
	if _, err := Load(dir, nil); fault.CodeOf(err) != fault.Usage {
		t.Error("a folder for the settings:", err)
	}
}

func TestPassphrase(t *testing.T) {
	t.Parallel()
	dir := folder(t, "code = \"XA\"\npassphrase_file = \"pass\"")
	pass := filepath.Join(dir, "pass")
	for text, want := range map[string]string{"correct horse\n": "correct horse", "correct horse": "correct horse", "a b \r\nsecond line\n": "a b "} {
		put(t, pass, text, 0o600)
		c, err := Load(dir, nil)
		if err != nil || string(c.Passphrase) != want || c.KeyFile != "" {
			t.Errorf("got %q, %v", []byte(c.Passphrase), err)
		}
		shown := fmt.Sprintf("%v %+v %#v %s", c, c, c, c.Passphrase)
		j, err := json.Marshal(c)
		if err != nil {
			t.Fatal(err)
		}
		var log strings.Builder
		slog.New(slog.NewTextHandler(&log, nil)).Info("config", "c", c, "p", c.Passphrase)
		for _, s := range []string{shown, string(j), log.String()} {
			if strings.Contains(s, want) || strings.Contains(s, "[97 ") || strings.Contains(s, "0x61") {
				t.Error("the passphrase shows:", s)
			}
		}
	}
	put(t, pass, "\nx", 0o600)
	if _, err := Load(dir, nil); fault.CodeOf(err) != fault.Usage {
		t.Error("empty passphrase:", err)
	}
	put(t, pass, "correct horse", 0o640)
	if _, err := Load(dir, nil); fault.CodeOf(err) != fault.Usage || !strings.Contains(fault.Show(err), "0600") {
		t.Error("passphrase that others can read:", err)
	}
}

// What is written is read back as it was, whatever valid settings it holds, and again after a second writing.
func TestWriteRoundTrip(t *testing.T) {
	t.Parallel()
	dir := folder(t, "")
	path := filepath.Join(dir, FileName)
	rapid.Check(t, func(t *rapid.T) {
		text := rapid.StringOfN(rapid.SampledFrom([]rune(`aZ09 "'\#=[]{},.é漢🙂`)), 0, 30, 190)
		c := Defaults("XA.cert")
		c.Officer = text.Draw(t, "officer")
		c.Listen = rapid.SampledFrom([]string{"", ":0", ":8443", "[::1]:1"}).Draw(t, "listen")
		c.Endpoints = rapid.SampledFrom([][]string{nil, {"https://a.example:1"}, {"https://a.example:1", "https://b.example:2"}}).Draw(t, "endpoints")
		c.KeyFile = "/" + text.Draw(t, "key file")
		c.PullInterval = time.Duration(rapid.Int64Range(int64(MinPull), int64(MaxSpan)).Draw(t, "pull"))
		c.WitnessInterval = time.Duration(rapid.Int64Range(int64(MinWitness), int64(MaxSpan)).Draw(t, "witness"))
		if err := Write(path, c); err != nil {
			t.Fatal(err)
		}
		got, err := Load(dir, nil)
		if err != nil {
			t.Fatal(err)
		}
		if !reflect.DeepEqual(got, c) {
			t.Fatalf("got\n%+v\nwant\n%+v", got, c)
		}
	})
	info, err := os.Stat(path)
	if err != nil || info.Mode().Perm() != 0o600 {
		t.Fatal(info.Mode(), err)
	}
	if rest, _ := os.ReadDir(dir); len(rest) != 1 {
		t.Fatal("something is left in the folder:", rest)
	}
}

// The pages may be reached without TLS where nobody can listen, or where a proxy does it.
func TestWeb(t *testing.T) {
	t.Parallel()
	for _, text := range []string{
		`web_listen = "127.0.0.1:0"`, `web_listen = "[::1]:8080"`, `web_listen = "localhost:8080"` + "\n" + `web_url = "http://localhost:8080"`,
		`web_listen = ":8080"` + "\n" + `web_url = "https://desk.xa.example:8443"`, `web_url = "http://xa.localhost:8080"`,
		`oidc_issuer = "http://127.0.0.1:9999/oidc"` + "\n" + `oidc_client = "c"`,
	} {
		if _, err := Load(folder(t, "code = \"XA\"\n"+text), nil); err != nil {
			t.Errorf("%s: %v", text, err)
		}
	}
	for want, c := range map[string]Config{
		"": {WebListen: "127.0.0.1:0"}, "http://localhost:8080": {WebListen: "127.0.0.1:8080"}, "https://desk.xa.example": {WebListen: ":1", WebURL: "https://desk.xa.example"},
	} {
		if got := c.WebOrigin(); got != want {
			t.Errorf("%+v: %q", c, got)
		}
	}
	dir := folder(t, "code = \"XA\"\noidc_secret_file = \"secret\"")
	put(t, filepath.Join(dir, "secret"), "what the provider gave\nand more", 0o600)
	c, err := Load(dir, nil)
	if err != nil || string(c.OIDCSecret) != "what the provider gave" || strings.Contains(fmt.Sprintf("%v %+v %#v", c, c, c), "provider gave") {
		t.Errorf("%v, %v", c, err)
	}
}

func TestWriteRefuses(t *testing.T) {
	t.Parallel()
	dir := folder(t, "")
	path := filepath.Join(dir, FileName)
	c := Defaults("XA")
	c.WitnessInterval = time.Second
	if err := Write(path, c); fault.CodeOf(err) != fault.Usage {
		t.Error("settings out of bounds:", err)
	}
	if err := Write(filepath.Join(dir, "absent", FileName), Defaults("XA")); fault.CodeOf(err) != fault.NotFound {
		t.Error("absent folder:", err)
	}
	if err := os.Mkdir(path, 0o700); err != nil {
		t.Fatal(err)
	}
	if err := Write(path, Defaults("XA")); fault.CodeOf(err) != fault.Usage {
		t.Error("a folder in the way:", err)
	}
	if rest, _ := os.ReadDir(dir); len(rest) != 1 {
		t.Error("something is left in the folder:", rest)
	}
}

// A passphrase never gets into the file.
func TestWriteKeepsSecrets(t *testing.T) {
	t.Parallel()
	dir := folder(t, "")
	c := Defaults("XA")
	c.KeyFile, c.PassphraseFile, c.Passphrase, c.OIDCSecret = "", "pass", Secret("correct horse"), Secret("another horse")
	if err := Write(filepath.Join(dir, FileName), c); err != nil {
		t.Fatal(err)
	}
	text, err := os.ReadFile(filepath.Join(dir, FileName))
	if err != nil || strings.Contains(string(text), "horse") || strings.Contains(string(text), hidden) {
		t.Fatalf("%s %v", text, err)
	}
}

// The list has every field of Config, and each row stands in the file and in the reference.
func TestOneList(t *testing.T) {
	t.Parallel()
	var c Config
	fields := reflect.TypeOf(c).NumField() - 3 + reflect.TypeOf(c.Notices).NumField() - 2 // Passphrase, OIDCSecret and two of Notices are no settings
	if got := len(settings()); got != fields {
		t.Errorf("%d settings, %d fields", got, fields)
	}
	seen := map[any]bool{}
	c = Defaults("XA")
	text, err := c.render()
	if err != nil {
		t.Fatal(err)
	}
	table := Markdown()
	for i, s := range settings() {
		var at any
		kinds := 0
		if s.text != nil {
			at, kinds = s.text(&c), kinds+1
		}
		if s.list != nil {
			at, kinds = s.list(&c), kinds+1
		}
		if s.span != nil {
			at, kinds = s.span(&c), kinds+1
		}
		if kinds != 1 || seen[at] {
			t.Errorf("%s has %d places, or another's", s.key, kinds)
		}
		seen[at] = true
		if !strings.Contains(string(text), "\n"+s.key+" = ") && !strings.Contains(string(text), "\n# "+s.key+" = ") {
			t.Errorf("%s is not in the file", s.key)
		}
		r := Reference()[i]
		if r.Key != s.key || r.Env != "COMITY_"+strings.ToUpper(s.key) || !strings.HasSuffix(r.Doc, ".") || !strings.Contains(table, "| `"+r.Key+"` | `"+r.Env+"` |") {
			t.Errorf("row %+v", r)
		}
	}
}

func TestRender(t *testing.T) {
	t.Parallel()
	c := Defaults("XA")
	c.Endpoints = []string{"https://xa.example:8443"}
	text, err := c.render()
	if err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{
		"\ncode = 'XA'\n", "\n# listen = ''\n", "\nendpoints = ['https://xa.example:8443']\n", "\nwitness_interval = '1m0s'\n",
		"# How often at most the node cosigns one peer's checkpoints. At least 60s, at most 24h.\nwitness_interval",
	} {
		if !strings.Contains(string(text), want) {
			t.Errorf("the file lacks %q:\n%s", want, text)
		}
	}
}

func TestLevel(t *testing.T) {
	t.Parallel()
	for word, want := range map[string]slog.Level{"debug": slog.LevelDebug, "info": slog.LevelInfo, "warn": slog.LevelWarn, "error": slog.LevelError, "": slog.LevelInfo} {
		c := Config{LogLevel: word}
		if got := c.Level(); got != want {
			t.Errorf("%q is %v", word, got)
		}
	}
}

// FuzzLoad: no text panics, what is refused is refused by a fault, and what is read can be written and read again.
func FuzzLoad(f *testing.F) {
	f.Add("code = \"XA\"\nlisten = \":1\"\n", "COMITY_ROLE=analyst")
	f.Add("code = 'XA'\nendpoints = ['https://a.example:1']\npull_interval = '1s'", "COMITY_ENDPOINTS=")
	f.Add("[a.b]\nc = {d = [1, 2.5, 1979-05-27]}", "COMITY_X.Y=1")
	f.Fuzz(func(t *testing.T, text, variable string) {
		if text == "" || len(text) > 4096 {
			return
		}
		dir := folder(t, text)
		c, err := Load(dir, []string{variable})
		if err != nil {
			if code := fault.CodeOf(err); code != fault.Usage {
				t.Fatal(code, err)
			}
			return
		}
		passphrase := c.Passphrase
		if err := Write(filepath.Join(dir, FileName), c); err != nil {
			t.Fatal("what was read cannot be written:", err)
		}
		again, err := Load(dir, nil)
		if err != nil {
			t.Fatal("what was written cannot be read:", err)
		}
		if len(c.Endpoints) == 0 {
			c.Endpoints = nil
		}
		if c.Passphrase = passphrase; !reflect.DeepEqual(again, c) {
			t.Fatalf("got %+v, want %+v", again, c)
		}
	})
}

var update = flag.Bool("update", false, "write docs/settings.md anew")

// TestSettingsPage holds the page for operators to the list of settings.
func TestSettingsPage(t *testing.T) {
	const page = "../../docs/settings.md"
	want := "# Settings\n\n`comity.toml` in the node's folder; a variable of the environment wins over it. This page is written by\n`go test ./internal/config -update`, and a test holds it to the code.\n\n" + Markdown()
	if *update {
		if err := os.WriteFile(page, []byte(want), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	got, err := os.ReadFile(page)
	if err != nil || string(got) != want {
		t.Fatalf("docs/settings.md is not what the settings are now (%v): go test ./internal/config -update", err)
	}
}

// TestAsksApproval: the entry that asks is named.
func TestAsksApproval(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		entries string
		kind    statement.Kind
		tlp     marking.TLP
		want    string
	}{
		{"", "assist.request", marking.Red, ""},
		{"all", "assist.request", marking.Clear, "all"},
		{"assist.grant", "assist.grant", marking.Clear, "assist.grant"},
		{"assist.grant", "assist.refuse", marking.Red, ""},
		{"assist.*", "assist.refuse", marking.Clear, "assist.*"},
		{"assist.*", "instrument.sign", marking.Red, ""},
		{"TLP:AMBER", "assist.request", marking.Green, ""},
		{"TLP:AMBER", "assist.request", marking.Amber, "TLP:AMBER"},
		{"TLP:AMBER", "assist.request", marking.Red, "TLP:AMBER"},
		{"instrument.*,TLP:RED", "assist.request", marking.Red, "TLP:RED"},
	} {
		cfg := Defaults("XA")
		if c.entries != "" {
			cfg.Approval = strings.Split(c.entries, ",")
		}
		if err := cfg.Check(); err != nil {
			t.Error(err)
		}
		if got := cfg.AsksApproval(c.kind, c.tlp); got != c.want {
			t.Errorf("%s: %s %s: %q", c.entries, c.kind, c.tlp, got)
		}
	}
}
