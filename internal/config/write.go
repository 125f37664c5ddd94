package config

import (
	"os"
	"path/filepath"
	"strings"

	"github.com/knadh/koanf/parsers/toml/v2"

	"github.com/comity-exchange/comity/fault"
)

// Write writes c to path, mode 0600, with a comment on every setting, in one step: after a crash the old file or the new one is
// there, whole. The folder must exist and belong to its owner alone. Error: fault.Usage.
func Write(path string, c Config) error {
	if err := c.Check(); err != nil {
		return err
	}
	dir := filepath.Dir(path)
	if err := checkFolder(dir); err != nil {
		return err
	}
	text, err := c.render()
	if err != nil {
		return err
	}
	if err := replace(dir, path, text); err != nil {
		return fault.Wrap(err, fault.Usage, "", "%s cannot be written", path)
	}
	return nil
}

// render is the file's text. Every value is written, defaults too, so that a later version with other defaults changes nothing for
// this node; what is empty stands as a comment.
func (c *Config) render() ([]byte, error) {
	var b strings.Builder
	b.WriteString("# Settings of a Comity node. COMITY_* in the environment overrides them: COMITY_LISTEN stands for listen.\n")
	for _, s := range settings() {
		line, err := toml.Parser().Marshal(map[string]any{s.key: s.value(c)})
		if err != nil {
			return nil, fault.Wrap(err, fault.Internal, "", "setting %s cannot be written", s.key)
		}
		b.WriteString("\n")
		for _, l := range wrap(s.doc, 100) {
			b.WriteString("# " + l + "\n")
		}
		if s.isEmpty(c) {
			b.WriteString("# ")
		}
		b.Write(line)
	}
	return []byte(b.String()), nil
}

// wrap breaks a text into lines of at most width bytes where words allow.
func wrap(text string, width int) (lines []string) {
	line := ""
	for _, word := range strings.Fields(text) {
		switch {
		case line == "":
			line = word
		case len(line)+1+len(word) > width:
			lines = append(lines, line)
			line = word
		default:
			line += " " + word
		}
	}
	return append(lines, line)
}

// replace writes beside the file and moves the new one over it. os.CreateTemp makes files of mode 0600.
func replace(dir, path string, text []byte) error {
	f, err := os.CreateTemp(dir, ".comity-*.toml")
	if err != nil {
		return err
	}
	defer os.Remove(f.Name()) // it is gone when all went well
	if _, err = f.Write(text); err == nil {
		err = f.Sync()
	}
	if cerr := f.Close(); err == nil {
		err = cerr
	}
	if err != nil {
		return err
	}
	if err := os.Rename(f.Name(), path); err != nil {
		return err
	}
	d, err := os.Open(dir)
	if err != nil {
		return err
	}
	defer d.Close()
	return d.Sync()
}
