package keystore_test

import (
	"bytes"
	"context"
	"crypto/sha256"
	"crypto/tls"
	"crypto/x509"
	"encoding/base64"
	"encoding/hex"
	stdjson "encoding/json"
	"fmt"
	"io"
	"log/slog"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"filippo.io/age"
	"github.com/go-json-experiment/json"

	"github.com/comity-exchange/comity/fault"
	"github.com/comity-exchange/comity/internal/keystore"
	"github.com/comity-exchange/comity/party"
	"github.com/comity-exchange/comity/wire"
)

func generate(t testing.TB) *keystore.Keys {
	t.Helper()
	k, err := keystore.Generate("XA", 1)
	if err != nil {
		t.Fatal(err)
	}
	return k
}

// keyLock is a lock that costs no time.
func keyLock(t testing.TB) keystore.Lock {
	t.Helper()
	path := filepath.Join(t.TempDir(), "key.txt")
	if err := keystore.NewKeyFile(path); err != nil {
		t.Fatal(err)
	}
	return keystore.Lock{KeyFile: path}
}

func passLock(s string) keystore.Lock { return keystore.Lock{Passphrase: []byte(s), Work: 2} }

func wantCode(t testing.TB, err error, code fault.Code, says string) {
	t.Helper()
	if fault.CodeOf(err) != code || !strings.Contains(fault.Show(err), says) {
		t.Fatalf("got %v, want %s that says %q", err, code, says)
	}
}

// same tells whether two sets of keys speak with one voice.
func same(t *testing.T, a, b *keystore.Keys) {
	t.Helper()
	for _, role := range []party.Role{party.RoleLog, party.RoleWitness} {
		ka, err := a.PublicKeys(role)
		if err != nil {
			t.Fatal(err)
		}
		sigs, err := party.SignBoth(b, role, "test", []byte("message"))
		if err != nil {
			t.Fatal(err)
		}
		if !ka.VerifyBoth("test", []byte("message"), sigs) {
			t.Fatalf("the %s keys differ", role)
		}
	}
	if a.Seal() != b.Seal() || a.TLSDigest() != b.TLSDigest() || a.Pseudonym("x") != b.Pseudonym("x") || a.Origin() != b.Origin() || a.Witness() != b.Witness() {
		t.Fatal("seal, TLS key, pseudonyms or names differ")
	}
}

func TestSaveLoad(t *testing.T) {
	t.Parallel()
	for name, lock := range map[string]keystore.Lock{"passphrase": passLock("correct horse"), "key file": keyLock(t)} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			path := filepath.Join(t.TempDir(), "keys", "node.age")
			k := generate(t)
			for range 2 { // the second time over the first
				if err := keystore.Save(path, k, lock); err != nil {
					t.Fatal(err)
				}
			}
			back, err := keystore.Load(path, lock)
			if err != nil {
				t.Fatal(err)
			}
			same(t, k, back)
			for p, want := range map[string]os.FileMode{path: 0o600, filepath.Dir(path): 0o700} {
				if info, err := os.Stat(p); err != nil || info.Mode().Perm() != want {
					t.Errorf("%s: %v %v", p, info.Mode(), err)
				}
			}
			left, err := os.ReadDir(filepath.Dir(path))
			if err != nil || len(left) != 1 {
				t.Errorf("%d files are left: %v", len(left), err)
			}
			raw, err := os.ReadFile(path)
			if err != nil || !bytes.HasPrefix(raw, []byte("age-encryption.org/v1\n")) {
				t.Error("not an age file")
			}
		})
	}
}

func TestLoadRefuses(t *testing.T) {
	t.Parallel()
	lock := passLock("correct horse")
	saved := func(t *testing.T) string {
		path := filepath.Join(t.TempDir(), "keys", "node.age")
		if err := keystore.Save(path, generate(t), lock); err != nil {
			t.Fatal(err)
		}
		return path
	}
	rewrite := func(t *testing.T, path string, change func([]byte) []byte) {
		raw, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, change(raw), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	for name, c := range map[string]struct {
		spoil func(t *testing.T, path string)
		lock  keystore.Lock
		code  fault.Code
		says  string
	}{
		"another passphrase": {func(*testing.T, string) {}, passLock("wrong horse"), fault.Locked, "passphrase does not open"},
		"a key file instead": {func(*testing.T, string) {}, keyLock(t), fault.Locked, "not locked to this key file"},
		"no lock":            {func(*testing.T, string) {}, keystore.Lock{}, fault.Usage, "one of the two"},
		"two locks":          {func(*testing.T, string) {}, keystore.Lock{Passphrase: []byte("correct horse"), KeyFile: "x"}, fault.Usage, "one of the two"},
		"missing":            {func(t *testing.T, p string) { must(t, os.Remove(p)) }, lock, fault.Locked, "is not there"},
		"readable by group":  {func(t *testing.T, p string) { must(t, os.Chmod(p, 0o640)) }, lock, fault.Locked, "mode 0640"},
		"writable by others": {func(t *testing.T, p string) { must(t, os.Chmod(p, 0o602)) }, lock, fault.Locked, "mode 0602"},
		"open folder":        {func(t *testing.T, p string) { must(t, os.Chmod(filepath.Dir(p), 0o755)) }, lock, fault.Locked, "make it 0700"},
		"a folder":           {func(t *testing.T, p string) { must(t, os.Remove(p)); must(t, os.Mkdir(p, 0o700)) }, lock, fault.Locked, "no regular file"},
		"cut off":            {func(t *testing.T, p string) { rewrite(t, p, func(b []byte) []byte { return b[:len(b)-1] }) }, lock, fault.Locked, "damaged"},
		"flipped":            {func(t *testing.T, p string) { rewrite(t, p, func(b []byte) []byte { b[len(b)-1] ^= 1; return b }) }, lock, fault.Locked, "damaged"},
		"empty":              {func(t *testing.T, p string) { rewrite(t, p, func([]byte) []byte { return nil }) }, lock, fault.Locked, "no age file"},
		"too large":          {func(t *testing.T, p string) { rewrite(t, p, func(b []byte) []byte { return make([]byte, 1<<20) }) }, lock, fault.Locked, "too large"},
		"plain keys":         {func(t *testing.T, p string) { rewrite(t, p, func([]byte) []byte { return seal(t, `{"v":2}`) }) }, lock, fault.Locked, "no key store of this version"},
		"another type": {func(t *testing.T, p string) {
			rewrite(t, p, func([]byte) []byte { return seal(t, `{"passwords":["x"]}`) })
		}, lock, fault.Locked, "something else"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			path := saved(t)
			c.spoil(t, path)
			_, err := keystore.Load(path, c.lock)
			wantCode(t, err, c.code, c.says)
		})
	}
}

func must(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

// seal encrypts a text as Save would.
func seal(t *testing.T, text string) []byte {
	t.Helper()
	r, err := age.NewScryptRecipient("correct horse")
	must(t, err)
	r.SetWorkFactor(2)
	var b bytes.Buffer
	w, err := age.Encrypt(&b, r)
	must(t, err)
	_, err = io.WriteString(w, text)
	must(t, err)
	must(t, w.Close())
	return b.Bytes()
}

func TestSaveRefuses(t *testing.T) {
	t.Parallel()
	k := generate(t)
	open := filepath.Join(t.TempDir(), "open")
	must(t, os.Mkdir(open, 0o755))
	must(t, os.Chmod(open, 0o755))
	private := filepath.Join(t.TempDir(), "keys", "node.age")
	wantCode(t, keystore.Save(filepath.Join(open, "node.age"), k, passLock("correct horse")), fault.Locked, "make it 0700")
	wantCode(t, keystore.Save(private, k, passLock("short")), fault.Usage, "at least 8")
	wantCode(t, keystore.Save(private, k, keystore.Lock{Passphrase: []byte("correct horse"), Work: 23}), fault.Usage, "1 to 22")
	classic, err := age.GenerateX25519Identity()
	must(t, err)
	key := filepath.Join(t.TempDir(), "key.txt")
	must(t, os.WriteFile(key, []byte(classic.String()+"\n"), 0o600))
	err = keystore.Save(private, k, keystore.Lock{KeyFile: key})
	wantCode(t, err, fault.Locked, "no file of hybrid age identities")
	if strings.Contains(err.Error(), classic.String()) {
		t.Error("the error quotes a secret")
	}
	wantCode(t, keystore.NewKeyFile(key), fault.Exists, "already there")
	must(t, os.WriteFile(key, []byte("# nothing\n"), 0o600))
	wantCode(t, keystore.Save(private, k, keystore.Lock{KeyFile: key}), fault.Locked, "no age identity")
	must(t, os.Chmod(key, 0o644))
	wantCode(t, keystore.Save(private, k, keystore.Lock{KeyFile: key}), fault.Locked, "mode 0644")
}

// TestFailedSaveKeepsTheOldFile: a write that cannot end leaves what was there.
func TestFailedSaveKeepsTheOldFile(t *testing.T) {
	t.Parallel()
	lock := passLock("correct horse")
	path := filepath.Join(t.TempDir(), "keys", "node.age")
	must(t, os.MkdirAll(path, 0o700)) // a folder stands where the file should go, so the rename fails
	must(t, os.WriteFile(filepath.Join(path, "kept"), nil, 0o600))
	wantCode(t, keystore.Save(path, generate(t), lock), fault.Internal, "cannot be written")
	left, err := os.ReadDir(filepath.Dir(path))
	if err != nil || len(left) != 1 {
		t.Fatalf("%d files are left: %v", len(left), err)
	}
}

func TestRoles(t *testing.T) {
	t.Parallel()
	// spec: LTR-4
	k, err := keystore.GenerateRecovery()
	must(t, err)
	node := generate(t)
	for _, c := range []struct {
		s    party.Signer
		role party.Role
	}{{node, party.RoleRecovery}, {node, "other"}, {k, party.RoleLog}, {k, party.RoleWitness}} {
		_, err := c.s.PublicKeys(c.role)
		wantCode(t, err, fault.Locked, "does not hold")
		_, err = c.s.Sign(c.role, party.Ed25519, "", nil)
		wantCode(t, err, fault.Locked, "does not hold")
	}
	_, err = node.Sign(party.RoleLog, party.Ed25519, "context", nil)
	wantCode(t, err, fault.Internal, "context")
	_, err = node.Sign(party.RoleLog, "rsa", "", nil)
	wantCode(t, err, fault.Internal, "algorithm")
	_, err = node.Sign(party.RoleLog, party.MLDSA44, strings.Repeat("x", 256), nil)
	wantCode(t, err, fault.Internal, "did not sign")
	_, err = keystore.Generate("xa", 1)
	wantCode(t, err, fault.Malformed, "origin")
	_, err = keystore.Generate("XA", 0)
	wantCode(t, err, fault.Malformed, "origin")
}

// letter signs a draft and reads it back.
func letter(t *testing.T, d party.Letter, log, recovery party.Signer) *party.Letter {
	t.Helper()
	raw, err := party.SignLetter(d, log, recovery)
	must(t, err)
	l, err := party.ParseLetter(raw)
	must(t, err)
	return l
}

func TestRotation(t *testing.T) {
	t.Parallel()
	// spec: LTR-3, LTR-6, LTR-7
	lock := keyLock(t)
	folder := filepath.Join(t.TempDir(), "keys")
	old := generate(t)
	made, err := keystore.GenerateRecovery()
	must(t, err)
	must(t, keystore.SaveRecovery(filepath.Join(folder, "recovery.age"), made, lock))
	recovery, err := keystore.LoadRecovery(filepath.Join(folder, "recovery.age"), lock)
	must(t, err)
	public, err := recovery.PublicKeys(party.RoleRecovery)
	must(t, err)
	if recovery.Commitment() != made.Commitment() {
		t.Fatal("another recovery key came back")
	}
	issued, err := wire.ParseTime("2026-11-21T08:00:00.000Z")
	must(t, err)

	d := old.Draft(public)
	d.Names, d.Issued = map[string]string{"en": "Xanadu"}, issued
	first := letter(t, d, old, nil)

	next, err := old.Next(2)
	must(t, err)
	must(t, keystore.Save(filepath.Join(folder, "node.age"), next, lock))
	next, err = keystore.Load(filepath.Join(folder, "node.age"), lock)
	must(t, err)
	d = first.Follow()
	next.Fill(&d)
	d.Closing = &party.Closing{Origin: "XA/1", Size: 3, Root: make([]byte, 32)}
	second := letter(t, d, next, recovery)
	must(t, party.Succeeds(first, second))
	if second.Origin != "XA/2" || second.Witness.Name != "XA/witness/2" || old.Pseudonym("x") != next.Pseudonym("x") {
		t.Fatalf("origin %s, witness %s", second.Origin, second.Witness.Name)
	}

	for _, to := range []string{first.Seal, second.Seal} { // what was on its way opens too
		if got := open(t, to, next.Identity()); got != "packet" {
			t.Fatalf("opened %q", got)
		}
	}
	if got := open(t, second.Seal, old.Identity()); got != "" {
		t.Fatal("the old keys open what is sealed to the new ones")
	}
	_, err = next.Next(2)
	wantCode(t, err, fault.Usage, "above 2")

	_, err = keystore.Load(filepath.Join(folder, "recovery.age"), lock)
	wantCode(t, err, fault.Locked, "something else")
	_, err = keystore.LoadRecovery(filepath.Join(folder, "node.age"), lock)
	wantCode(t, err, fault.Locked, "something else")
}

// open seals a word to a recipient and opens it; "" when it does not open.
func open(t *testing.T, to string, id age.Identity) string {
	t.Helper()
	r, err := age.ParseHybridRecipient(to)
	must(t, err)
	var b bytes.Buffer
	w, err := age.Encrypt(&b, r)
	must(t, err)
	_, err = io.WriteString(w, "packet")
	must(t, err)
	must(t, w.Close())
	plain, err := age.Decrypt(&b, id)
	if err != nil {
		return ""
	}
	text, err := io.ReadAll(plain)
	must(t, err)
	return string(text)
}

func TestCertificate(t *testing.T) {
	t.Parallel()
	// spec: NET-1
	k := generate(t)
	a, err := k.Certificate()
	must(t, err)
	b, err := k.Certificate()
	must(t, err)
	if !bytes.Equal(a.Certificate[0], b.Certificate[0]) {
		t.Fatal("two certificates for one key")
	}
	if k.TLSDigest() != sha256.Sum256(a.Leaf.RawSubjectPublicKeyInfo) {
		t.Fatal("the digest is not that of the certificate's key")
	}
	must(t, a.Leaf.CheckSignature(a.Leaf.SignatureAlgorithm, a.Leaf.RawTBSCertificate, a.Leaf.Signature))

	client, server := net.Pipe()
	defer client.Close()
	defer server.Close()
	done := make(chan error, 1)
	peer := func(state tls.ConnectionState) error {
		if sha256.Sum256(state.PeerCertificates[0].RawSubjectPublicKeyInfo) != k.TLSDigest() {
			return x509.ErrUnsupportedAlgorithm
		}
		return nil
	}
	config := &tls.Config{Certificates: []tls.Certificate{a}, MinVersion: tls.VersionTLS13, InsecureSkipVerify: true, ClientAuth: tls.RequireAnyClientCert, VerifyConnection: peer, SessionTicketsDisabled: true}
	go func() { done <- tls.Server(server, config).HandshakeContext(context.Background()) }()
	must(t, tls.Client(client, config).HandshakeContext(context.Background()))
	must(t, <-done)
}

func TestPseudonym(t *testing.T) {
	t.Parallel()
	// spec: STM-1
	a, b := generate(t), generate(t)
	p := a.Pseudonym("j.doe")
	if len(p) != 32 || !wire.IsHex(p) || p != a.Pseudonym("j.doe") {
		t.Fatalf("%q is no pseudonym", p)
	}
	if p == a.Pseudonym("j.roe") || p == b.Pseudonym("j.doe") {
		t.Fatal("two officers, or two parties, share a pseudonym")
	}
}

// TestNothingShows prints keys and locks in every way that a program may and looks for what must not be there.
func TestNothingShows(t *testing.T) {
	t.Parallel()
	id, err := age.GenerateHybridIdentity()
	must(t, err)
	secret := id.String()
	key := filepath.Join(t.TempDir(), "key.txt")
	must(t, os.WriteFile(key, []byte(secret), 0o600))
	folder := filepath.Join(t.TempDir(), "keys")
	k := generate(t)
	recovery, err := keystore.GenerateRecovery()
	must(t, err)
	lock := keystore.Lock{KeyFile: key}
	must(t, keystore.Save(filepath.Join(folder, "a"), k, lock))
	must(t, keystore.SaveRecovery(filepath.Join(folder, "b"), recovery, lock))

	secrets := []string{secret, "correct horse"}
	for _, name := range []string{"a", "b"} {
		f, err := os.Open(filepath.Join(folder, name))
		must(t, err)
		plain, err := age.Decrypt(f, id)
		must(t, err)
		raw, err := io.ReadAll(plain)
		must(t, err)
		must(t, f.Close())
		secrets = append(secrets, stringsOf(t, raw)...)
	}
	pass := passLock("correct horse")
	values := map[string]any{"keys": k, "keys value": *k, "recovery": recovery, "recovery value": *recovery, "lock": pass, "lock pointer": &pass, "in a struct": struct{ K *keystore.Keys }{k}}
	for name, v := range values {
		var out strings.Builder
		for _, verb := range []string{"%v", "%+v", "%#v", "%s", "%q", "%x", "%d", "%T"} {
			fmt.Fprintf(&out, verb+"\n", v)
		}
		j, err := json.Marshal(v)
		must(t, err)
		s, err := stdjson.Marshal(v)
		must(t, err)
		out.Write(j)
		out.Write(s)
		for _, h := range []slog.Handler{slog.NewTextHandler(&out, nil), slog.NewJSONHandler(&out, nil)} {
			slog.New(h).Info("x", "v", v)
		}
		for i, secret := range secrets {
			for _, form := range []string{secret, fmt.Sprint([]byte(secret)), hex.EncodeToString([]byte(secret)), base64.StdEncoding.EncodeToString([]byte(secret))} {
				if strings.Contains(out.String(), form) {
					t.Errorf("%s shows secret %d", name, i)
				}
			}
		}
	}
}

// stringsOf gathers each secret string of a store's plain text, as it is written and as bytes.
func stringsOf(t *testing.T, raw []byte) []string {
	t.Helper()
	var all map[string]any
	must(t, json.Unmarshal(raw, &all))
	var out []string
	var walk func(v any)
	walk = func(v any) {
		switch v := v.(type) {
		case map[string]any:
			for _, e := range v {
				walk(e)
			}
		case string:
			if len(v) < 40 { // names
				return
			}
			out = append(out, v)
			if b, err := base64.StdEncoding.DecodeString(v); err == nil {
				out = append(out, string(b))
			}
		}
	}
	walk(all)
	if len(out) < 4 {
		t.Fatalf("only %d secrets to look for", len(out))
	}
	return out
}

func TestUnderFIPSOnly(t *testing.T) {
	t.Parallel()
	if os.Getenv("COMITY_TEST_FIPS") != "" {
		_, err := keystore.Generate("XA", 1)
		wantCode(t, err, fault.Locked, "fips140=only")
		_, err = keystore.GenerateRecovery()
		wantCode(t, err, fault.Locked, "fips140=only")
		wantCode(t, keystore.NewKeyFile("never"), fault.Locked, "fips140=only")
		_, err = keystore.Load(filepath.Join(t.TempDir(), "x"), passLock("correct horse"))
		if fault.CodeOf(err) != fault.Locked {
			t.Fatal(err)
		}
		return
	}
	self, err := os.Executable()
	must(t, err)
	cmd := exec.CommandContext(t.Context(), self, "-test.run=^TestUnderFIPSOnly$", "-test.v")
	cmd.Env = append(os.Environ(), "GODEBUG=fips140=only", "COMITY_TEST_FIPS=1")
	out, err := cmd.CombinedOutput()
	if err != nil || !bytes.Contains(out, []byte("--- PASS")) {
		t.Fatalf("%v\n%s", err, out)
	}
}

// TestDerive: what is derived stays through a rotation, tells nothing of anything else, and is gone with lost keys.
func TestDerive(t *testing.T) {
	t.Parallel()
	k, err := keystore.Generate("XA", 1)
	if err != nil {
		t.Fatal(err)
	}
	next, err := k.Next(2)
	if err != nil {
		t.Fatal(err)
	}
	other, err := keystore.Generate("XA", 1)
	if err != nil {
		t.Fatal(err)
	}
	one := k.Derive("tokens")
	if len(one) != 32 || !bytes.Equal(one, k.Derive("tokens")) || !bytes.Equal(one, next.Derive("tokens")) {
		t.Error("it does not stay the same")
	}
	for name, b := range map[string][]byte{"another purpose": k.Derive("token"), "another node": other.Derive("tokens"), "a pseudonym": []byte(k.Pseudonym("tokens"))} {
		if bytes.Contains(one, b[:16]) || bytes.Equal(one, b) {
			t.Errorf("the same for %s", name)
		}
	}
}
