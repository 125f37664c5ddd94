package config

import (
	"bytes"
	"errors"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/knadh/koanf/parsers/toml/v2"
	"github.com/knadh/koanf/providers/env/v2"
	"github.com/knadh/koanf/v2"

	"github.com/comity-exchange/comity/fault"
)

const maxFile = 64 << 10 // bytes, of the settings and of a passphrase file

// Load reads the settings of the node in dir: the defaults, then comity.toml, then env ("KEY=value", as os.Environ gives it; nil:
// none). Of the environment it takes what begins with COMITY_, EnvDir, EnvAs and EnvToken apart; lists there are separated by commas. Where a layer names
// key_file or passphrase_file, what lower layers say of either is void.
//
// Errors: fault.NotFound when there is no comity.toml in dir, else fault.Usage; the message names the setting, and a wrong key's
// nearest neighbour.
func Load(dir string, environ []string) (Config, error) {
	if err := checkFolder(dir); err != nil {
		return Config{}, err
	}
	raw, err := readPrivate(filepath.Join(dir, FileName))
	if errors.Is(err, fs.ErrNotExist) {
		return Config{}, fault.Wrap(err, fault.NotFound, "", "there is no node in %s: it has no %s", dir, FileName)
	}
	if err != nil {
		return Config{}, err
	}
	c := Defaults("")
	file, err := fileLayer(raw)
	if err != nil {
		return Config{}, err
	}
	if err := c.apply(file, func(s setting) string { return s.key }, FileName); err != nil {
		return Config{}, err
	}
	over, err := envLayer(environ)
	if err != nil {
		return Config{}, err
	}
	if err := c.apply(over, setting.env, "the environment"); err != nil {
		return Config{}, err
	}
	if c.Code == "" {
		return Config{}, fault.New(fault.Usage, "", "%s lacks the setting code", FileName)
	}
	if err := c.Check(); err != nil {
		return Config{}, err
	}
	return c, c.readSecrets(dir)
}

// source lets koanf parse bytes that were read with care.
type source []byte

func (s source) ReadBytes() ([]byte, error)    { return s, nil }
func (s source) Read() (map[string]any, error) { return nil, errors.ErrUnsupported }

func fileLayer(raw []byte) (*koanf.Koanf, error) {
	k := koanf.New(".")
	err := k.Load(source(raw), toml.Parser())
	var at interface{ Position() (row, column int) }
	switch {
	case errors.As(err, &at):
		row, _ := at.Position()
		return nil, fault.Wrap(err, fault.Usage, "", "%s cannot be read at line %d", FileName, row)
	case err != nil:
		return nil, fault.Wrap(err, fault.Usage, "", "%s cannot be read", FileName)
	}
	return k, nil
}

func envLayer(environ []string) (*koanf.Koanf, error) {
	lists := map[string]bool{}
	for _, s := range settings() {
		lists[s.env()] = s.list != nil
	}
	k := koanf.New(".")
	err := k.Load(env.Provider("", env.Opt{
		Prefix:      envPrefix,
		EnvironFunc: func() []string { return environ },
		TransformFunc: func(key, v string) (string, any) {
			switch {
			case key == EnvDir, key == EnvAs, key == EnvToken:
				return "", nil
			case lists[key] && v == "":
				return key, []string{}
			case lists[key]:
				return key, strings.Split(v, ",")
			}
			return key, v
		},
	}), nil)
	if err != nil {
		return nil, fault.Wrap(err, fault.Usage, "", "the environment cannot be read")
	}
	return k, nil
}

// apply puts one layer over c. name says how the layer calls a setting.
func (c *Config) apply(layer *koanf.Koanf, name func(setting) string, from string) error {
	var known []string
	for _, s := range settings() {
		known = append(known, name(s))
	}
	for _, key := range layer.Keys() {
		if !slices.Contains(known, key) {
			return fault.New(fault.Usage, "", "%s has %s, which is no setting; the nearest is %s", from, printable(key), nearest(key, known))
		}
	}
	for _, s := range settings() {
		if s.lock && layer.Exists(name(s)) {
			c.KeyFile, c.PassphraseFile = "", ""
		}
	}
	for _, s := range settings() {
		if !layer.Exists(name(s)) {
			continue
		}
		if err := s.set(c, layer.Get(name(s))); err != nil {
			f := fault.Of(err)
			return fault.New(f.Code, f.Clause, "%s: %s", from, f.Msg)
		}
	}
	return nil
}

// readSecrets takes the first lines of PassphraseFile, OIDCSecretFile and those of notices.
func (c *Config) readSecrets(dir string) (err error) {
	if c.Passphrase, err = firstLine(dir, "passphrase_file", c.PassphraseFile); err != nil {
		return err
	}
	if c.OIDCSecret, err = firstLine(dir, "oidc_secret_file", c.OIDCSecretFile); err != nil {
		return err
	}
	return c.readNoticeSecrets(dir)
}

// firstLine is that of a private file; nothing where path is empty.
func firstLine(dir, key, path string) (Secret, error) {
	if path == "" {
		return nil, nil
	}
	if !filepath.IsAbs(path) {
		path = filepath.Join(dir, path)
	}
	raw, err := readPrivate(path)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, fault.Wrap(err, fault.Usage, "", "setting %s: there is no file %s", key, path)
	}
	if err != nil {
		return nil, err
	}
	line, _, _ := bytes.Cut(raw, []byte("\n"))
	line = bytes.TrimSuffix(line, []byte("\r"))
	if len(line) == 0 {
		return nil, fault.New(fault.Usage, "", "setting %s: the first line of %s is empty", key, path)
	}
	return line, nil
}

// checkFolder refuses a folder that anybody but its owner can use.
func checkFolder(dir string) error {
	info, err := os.Stat(dir)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return fault.Wrap(err, fault.NotFound, "", "there is no folder %s", dir)
	case err != nil:
		return fault.Wrap(err, fault.Usage, "", "the folder %s cannot be used", dir)
	case !info.IsDir():
		return fault.New(fault.Usage, "", "%s is no folder", dir)
	case info.Mode().Perm()&0o077 != 0:
		return fault.New(fault.Usage, "", "the folder %s can be used by group or others (mode %04o); make it 0700", dir, info.Mode().Perm())
	}
	return nil
}

// readPrivate reads a small regular file that only its owner can use. What is checked is what is read: the open file.
func readPrivate(path string) ([]byte, error) {
	f, err := os.Open(path)
	if err != nil {
		return nil, fault.Wrap(err, fault.Usage, "", "%s cannot be opened", path)
	}
	defer f.Close()
	info, err := f.Stat()
	switch {
	case err != nil:
		return nil, fault.Wrap(err, fault.Usage, "", "%s cannot be read", path)
	case !info.Mode().IsRegular():
		return nil, fault.New(fault.Usage, "", "%s is no regular file", path)
	case info.Mode().Perm()&0o077 != 0:
		return nil, fault.New(fault.Usage, "", "%s can be used by group or others (mode %04o); make it 0600", path, info.Mode().Perm())
	}
	b, err := io.ReadAll(io.LimitReader(f, maxFile+1))
	if err != nil {
		return nil, fault.Wrap(err, fault.Usage, "", "%s cannot be read", path)
	}
	if len(b) > maxFile {
		return nil, fault.New(fault.Usage, "", "%s has more than %d bytes", path, maxFile)
	}
	return b, nil
}
