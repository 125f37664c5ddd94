package meta

import (
	"regexp"
	"strings"
	"testing"
)

// foreign matches what ties a file to one machine or one network: absolute paths of a developer's machine, and hosts of
// package registries, which an operator may mirror under any name. Spelt in parts, so that this file passes its own test.
var foreign = regexp.MustCompile(strings.Join([]string{
	`(^|[\s"'(=:` + "`" + `])/(work|root|farm|Users)` + `/[A-Za-z.]`,
	`(^|[\s"'(=:` + "`" + `])/home` + `/[a-z]+/`,
	`/tmp` + `/(studio|contracts)`,
	`(proxy|sum|index)\.golang` + `\.org`,
	`gop` + `roxy\.(io|cn)`,
	`npm` + `js\.(org|com)`,
	`py` + `pi\.org`,
	`crates` + `\.io`,
	`(deb|security|ftp)\.deb` + `ian\.org`,
	`archive\.ubun` + `tu\.com`,
	`(^|[^a-z])(docker|quay|ghcr)` + `\.io`,
	`farm-(ben` + `ch|stu` + `dio)|before` + `-stop`,
}, "|"))

func foreignText(t tree) []breach {
	var out []breach
	for _, f := range t {
		if strings.HasPrefix(f.path, ".git") && f.path != ".gitignore" {
			continue
		}
		for _, line := range strings.Split(f.text, "\n") {
			if m := foreign.FindString(line); m != "" {
				out = append(out, breach{f.path, f.path, "names a machine's path or a registry's host: " + strings.TrimSpace(m)})
			}
		}
	}
	return out
}

func TestNoForeignText(t *testing.T) { t.Parallel(); hold(t, foreignText, nil) }

func TestLicense(t *testing.T) {
	t.Parallel()
	all, err := whole()
	if err != nil {
		t.Fatal(err)
	}
	for _, f := range all {
		if f.path != "LICENSE" {
			continue
		}
		for _, want := range []string{"Apache License", "Version 2.0, January 2004", "3. Grant of Patent License.", "END OF TERMS AND CONDITIONS"} {
			if !strings.Contains(f.text, want) {
				t.Errorf("LICENSE lacks %q", want)
			}
		}
		return
	}
	t.Error("there is no LICENSE")
}

func TestForeignTextIsCaught(t *testing.T) {
	t.Parallel()
	check(t, foreignText, []catches{
		{"a developer's folder", []string{"a.md", "see /ro" + "ot/x"}, []string{"a.md"}},
		{"in a string", []string{"a/a.go", "package a\nconst p = \"/ho" + "me/someone/x\""}, []string{"a/a.go"}},
		{"a registry", []string{".ci/run", "GOPROXY=https://pro" + "xy.gol" + "ang.org"}, []string{".ci/run"}},
		{"two lines", []string{"a.md", "https://registry.np" + "mjs.org\nhttps://py" + "pi.org"}, []string{"a.md", "a.md"}},
		{"harmless", []string{"a.md", "https://golang.org/x/mod, /etc/comity, a/work/b, /workshop"}, nil},
	})
}
