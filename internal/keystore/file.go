package keystore

import (
	"bytes"
	"crypto/ed25519"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strings"

	"filippo.io/age"
	"filippo.io/mldsa"
	"github.com/go-json-experiment/json"

	"github.com/comity-exchange/comity/fault"
	"github.com/comity-exchange/comity/party"
)

const (
	maxFile       = 64 << 10 // bytes of a key file or store; one of ours has about 2,000
	minPassphrase = 8        // bytes
	defaultWork   = 18       // about a second
	maxWork       = 22       // what Load is willing to compute, some 15 s
)

// Lock says how a file is locked: by a passphrase or to a key file, exactly one of them.
type Lock struct {
	Passphrase []byte // at least 8 bytes
	KeyFile    string // path of a file that NewKeyFile or age-keygen -pq made
	Work       int    // log2 of scrypt's work when saving under a passphrase; 0 is 18, at most 22
}

// pairFile is a pair's seeds.
type pairFile struct {
	Ed25519 []byte `json:"ed25519"`
	MLDSA44 []byte `json:"mldsa44"`
}

// keysFile is the plain text of a store.
type keysFile struct {
	V          int        `json:"v"`
	Type       string     `json:"type"`
	Code       party.Code `json:"code"`
	Serial     int        `json:"serial"`
	WitnessNo  int        `json:"witness_serial"`
	Log        pairFile   `json:"log"`
	Witness    pairFile   `json:"witness"`
	Seal       string     `json:"seal"`
	FormerSeal string     `json:"former_seal,omitzero"`
	TLS        []byte     `json:"tls"`
	Pseudonym  []byte     `json:"pseudonym"`
}

// recoveryFile is the plain text of a recovery file.
type recoveryFile struct {
	V    int      `json:"v"`
	Type string   `json:"type"`
	Keys pairFile `json:"keys"`
}

const (
	keysType     = "comity-keys"
	recoveryType = "comity-recovery"
)

// Save writes the keys to path, locked, in one step: after a crash the old file or the new one is there, whole. Missing folders
// are made with mode 0700; a folder that group or others can use is refused. Errors: fault.Locked, fault.Usage.
func Save(path string, k *Keys, l Lock) error {
	f := keysFile{
		V: 1, Type: keysType, Code: k.code, Serial: k.serial, WitnessNo: k.witnessOrder,
		Log: k.log.file(), Witness: k.witness.file(), Seal: k.seal.String(), TLS: k.tls.Seed(), Pseudonym: k.pseudonym,
	}
	if k.formerSeal != nil {
		f.FormerSeal = k.formerSeal.String()
	}
	return save(path, f, l)
}

// Load opens a file that Save wrote. Error: fault.Locked, which says why and never what is inside.
func Load(path string, l Lock) (*Keys, error) {
	var f keysFile
	if err := load(path, &f, l); err != nil {
		return nil, err
	}
	damaged := func(err error) error {
		return fault.Wrap(err, fault.Locked, "", "%s is no key store of this version", path)
	}
	if f.V != 1 || f.Type != keysType || len(f.TLS) != ed25519.SeedSize || len(f.Pseudonym) != 32 || f.WitnessNo < 1 {
		return nil, damaged(nil)
	}
	if _, err := party.ParseOrigin(string(party.MakeOrigin(f.Code, f.Serial))); err != nil {
		return nil, damaged(err)
	}
	k := &Keys{code: f.Code, serial: f.Serial, witnessOrder: f.WitnessNo, tls: ed25519.NewKeyFromSeed(f.TLS), pseudonym: f.Pseudonym}
	var err error
	if k.log, err = f.Log.pair(); err != nil {
		return nil, damaged(err)
	}
	if k.witness, err = f.Witness.pair(); err != nil {
		return nil, damaged(err)
	}
	if k.seal, err = age.ParseHybridIdentity(f.Seal); err != nil {
		return nil, damaged(nil) // age's text would quote the secret
	}
	if f.FormerSeal != "" {
		if k.formerSeal, err = age.ParseHybridIdentity(f.FormerSeal); err != nil {
			return nil, damaged(nil)
		}
	}
	return k, nil
}

// SaveRecovery writes the recovery key as Save does.
func SaveRecovery(path string, r *Recovery, l Lock) error {
	return save(path, recoveryFile{V: 1, Type: recoveryType, Keys: r.keys.file()}, l)
}

// LoadRecovery opens a file that SaveRecovery wrote. Error: fault.Locked.
func LoadRecovery(path string, l Lock) (*Recovery, error) {
	var f recoveryFile
	if err := load(path, &f, l); err != nil {
		return nil, err
	}
	p, err := f.Keys.pair()
	if err != nil || f.V != 1 || f.Type != recoveryType {
		return nil, fault.Wrap(err, fault.Locked, "", "%s is no recovery file of this version", path)
	}
	return &Recovery{p}, nil
}

// NewKeyFile makes an age identity in a new file with mode 0600, readable by the age program too. Error: fault.Exists when there is one.
func NewKeyFile(path string) error {
	if err := usable(); err != nil {
		return err
	}
	id, err := age.GenerateHybridIdentity()
	if err != nil {
		return fault.Wrap(err, fault.Internal, "", "no key could be made")
	}
	f, err := os.OpenFile(path, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o600)
	if errors.Is(err, fs.ErrExist) {
		return fault.Wrap(err, fault.Exists, "", "%s is already there", path)
	}
	if err != nil {
		return fault.Wrap(err, fault.Internal, "", "%s cannot be made", path)
	}
	_, err = fmt.Fprintf(f, "# public key: %s\n%s\n", id.Recipient(), id)
	if err := errors.Join(err, f.Sync(), f.Close()); err != nil {
		os.Remove(path)
		return fault.Wrap(err, fault.Internal, "", "%s cannot be written", path)
	}
	return syncFolder(filepath.Dir(path))
}

func (p pair) file() pairFile { return pairFile{p.ed.Seed(), p.pq.Bytes()} }

func (f pairFile) pair() (pair, error) {
	if len(f.Ed25519) != ed25519.SeedSize {
		return pair{}, errors.New("a seed has the wrong size")
	}
	pq, err := mldsa.NewPrivateKey(mldsa.MLDSA44(), f.MLDSA44)
	if err != nil {
		return pair{}, err
	}
	return pair{ed25519.NewKeyFromSeed(f.Ed25519), pq}, nil
}

// save encrypts v and puts it in path's place.
func save(path string, v any, l Lock) error {
	recipient, err := l.recipient()
	if err != nil {
		return err
	}
	plain, err := json.Marshal(v)
	if err != nil {
		return fault.Wrap(err, fault.Internal, "", "the keys could not be written")
	}
	var sealed bytes.Buffer
	w, err := age.Encrypt(&sealed, recipient)
	if err == nil {
		_, err = w.Write(plain)
		err = errors.Join(err, w.Close())
	}
	clear(plain)
	if err != nil {
		return fault.Wrap(err, fault.Internal, "", "the keys could not be encrypted")
	}
	folder := filepath.Dir(path)
	if err := os.MkdirAll(folder, 0o700); err != nil {
		return fault.Wrap(err, fault.Locked, "", "the folder of %s cannot be made", path)
	}
	if err := checkFolder(folder); err != nil {
		return err
	}
	if err := replace(path, sealed.Bytes()); err != nil {
		return fault.Wrap(err, fault.Internal, "", "%s cannot be written", path)
	}
	return nil
}

// replace puts a file in place in one step, and returns when it would survive a power cut.
func replace(path string, content []byte) error {
	folder := filepath.Dir(path)
	f, err := os.CreateTemp(folder, ".new-*") // mode 0600
	if err != nil {
		return err
	}
	_, err = f.Write(content)
	if err = errors.Join(err, f.Sync(), f.Close()); err == nil {
		err = os.Rename(f.Name(), path)
	}
	if err != nil {
		os.Remove(f.Name())
		return err
	}
	return syncFolder(folder)
}

func syncFolder(folder string) error {
	d, err := os.Open(folder)
	if err != nil {
		return err
	}
	return errors.Join(d.Sync(), d.Close())
}

// load opens path and decodes its plain text into v.
func load(path string, v any, l Lock) error {
	if err := checkFolder(filepath.Dir(path)); err != nil {
		return err
	}
	identities, err := l.identities()
	if err != nil {
		return err
	}
	sealed, err := readPrivate(path)
	if err != nil {
		return err
	}
	r, err := age.Decrypt(bytes.NewReader(sealed), identities...)
	if err != nil {
		return l.explain(err, path)
	}
	plain, err := io.ReadAll(io.LimitReader(r, maxFile))
	if err != nil {
		return fault.Wrap(err, fault.Locked, "", "%s is damaged", path)
	}
	defer clear(plain)
	if err := json.Unmarshal(plain, v, json.RejectUnknownMembers(true)); err != nil {
		return fault.New(fault.Locked, "", "%s holds something else than was expected", path) // the cause could quote a secret
	}
	return nil
}

// explain says why a file did not open, as far as one can tell.
func (l Lock) explain(err error, path string) error {
	var none *age.NoIdentityMatchError
	switch {
	case errors.As(err, &none) && l.KeyFile != "":
		return fault.Wrap(err, fault.Locked, "", "%s is not locked to this key file", path)
	case errors.As(err, &none):
		return fault.Wrap(err, fault.Locked, "", "the passphrase does not open %s", path)
	}
	return fault.Wrap(err, fault.Locked, "", "%s is damaged or no age file", path)
}

func (l Lock) check() error {
	if err := usable(); err != nil {
		return err
	}
	if (len(l.Passphrase) > 0) == (l.KeyFile != "") {
		return fault.New(fault.Usage, "", "keys are locked by a passphrase or by a key file: give one of the two")
	}
	return nil
}

func (l Lock) recipient() (age.Recipient, error) {
	if err := l.check(); err != nil {
		return nil, err
	}
	if l.KeyFile != "" {
		ids, err := readKeyFile(l.KeyFile)
		if err != nil {
			return nil, err
		}
		return ids[0].Recipient(), nil
	}
	if len(l.Passphrase) < minPassphrase {
		return nil, fault.New(fault.Usage, "", "a passphrase has at least %d characters", minPassphrase)
	}
	if l.Work < 0 || l.Work > maxWork {
		return nil, fault.New(fault.Usage, "", "the work of a passphrase is 1 to %d", maxWork)
	}
	r, err := age.NewScryptRecipient(string(l.Passphrase))
	if err != nil {
		return nil, fault.Wrap(err, fault.Internal, "", "the passphrase cannot be used")
	}
	work := l.Work
	if work == 0 {
		work = defaultWork
	}
	r.SetWorkFactor(work)
	return r, nil
}

func (l Lock) identities() ([]age.Identity, error) {
	if err := l.check(); err != nil {
		return nil, err
	}
	if l.KeyFile == "" {
		id, err := age.NewScryptIdentity(string(l.Passphrase))
		if err != nil {
			return nil, fault.Wrap(err, fault.Internal, "", "the passphrase cannot be used")
		}
		id.SetMaxWorkFactor(maxWork)
		return []age.Identity{id}, nil
	}
	ids, err := readKeyFile(l.KeyFile)
	if err != nil {
		return nil, err
	}
	out := make([]age.Identity, len(ids))
	for i, id := range ids {
		out[i] = id
	}
	return out, nil
}

// readKeyFile gives the identities of a key file, one at least. All must be hybrid: a classic one would not last.
func readKeyFile(path string) ([]*age.HybridIdentity, error) {
	text, err := readPrivate(path)
	if err != nil {
		return nil, err
	}
	defer clear(text)
	var ids []*age.HybridIdentity
	for line := range strings.Lines(string(text)) {
		line = strings.TrimSpace(line)
		if line == "" || strings.HasPrefix(line, "#") {
			continue
		}
		id, err := age.ParseHybridIdentity(line)
		if err != nil {
			return nil, fault.New(fault.Locked, "", "%s is no file of hybrid age identities (AGE-SECRET-KEY-PQ-1…)", path) // age's text would quote it
		}
		ids = append(ids, id)
	}
	if len(ids) == 0 {
		return nil, fault.New(fault.Locked, "", "%s holds no age identity", path)
	}
	return ids, nil
}

// readPrivate reads a file that is its owner's alone. The mode is that of the file that was opened, not of what the path names later.
func readPrivate(path string) ([]byte, error) {
	f, err := os.Open(path)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return nil, fault.Wrap(err, fault.Locked, "", "%s is not there", path)
	case err != nil:
		return nil, fault.Wrap(err, fault.Locked, "", "%s cannot be opened", path)
	}
	defer f.Close()
	info, err := f.Stat()
	switch {
	case err != nil:
		return nil, fault.Wrap(err, fault.Locked, "", "%s cannot be read", path)
	case !info.Mode().IsRegular():
		return nil, fault.New(fault.Locked, "", "%s is no regular file", path)
	case info.Mode().Perm()&0o077 != 0:
		return nil, fault.New(fault.Locked, "", "%s can be used by group or others (mode %04o); make it 0600 and ask who has read it", path, info.Mode().Perm())
	}
	content, err := io.ReadAll(io.LimitReader(f, maxFile+1))
	if err != nil || len(content) > maxFile {
		return nil, fault.Wrap(err, fault.Locked, "", "%s cannot be read or is too large", path)
	}
	return content, nil
}

func checkFolder(folder string) error {
	info, err := os.Stat(folder)
	switch {
	case err != nil:
		return fault.Wrap(err, fault.Locked, "", "the folder %s cannot be read", folder)
	case info.Mode().Perm()&0o077 != 0:
		return fault.New(fault.Locked, "", "the folder %s can be used by group or others (mode %04o); make it 0700", folder, info.Mode().Perm())
	}
	return nil
}
