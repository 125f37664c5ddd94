//go:build deps

// Package deps holds modules in go.mod while the house is being built. It goes before the first release.
package deps

import (
	_ "filippo.io/age"
	_ "filippo.io/mldsa"
	_ "github.com/alecthomas/kong"
	_ "github.com/cedar-policy/cedar-go"
	_ "github.com/cedar-policy/cedar-go/x/exp/schema"
	_ "github.com/cedar-policy/cedar-go/x/exp/schema/validate"
	_ "github.com/go-json-experiment/json"
	_ "github.com/invopop/jsonschema"
	_ "github.com/klauspost/compress/zstd"
	_ "github.com/knadh/koanf/parsers/toml/v2"
	_ "github.com/knadh/koanf/providers/env/v2"
	_ "github.com/knadh/koanf/providers/file"
	_ "github.com/knadh/koanf/v2"
	_ "github.com/pressly/goose/v3"
	_ "github.com/rogpeppe/go-internal/testscript"
	_ "github.com/santhosh-tekuri/jsonschema/v6"
	_ "github.com/transparency-dev/formats/log"
	_ "github.com/transparency-dev/formats/note"
	_ "github.com/transparency-dev/formats/proof"
	_ "github.com/transparency-dev/tessera/client"
	_ "github.com/transparency-dev/tessera/fsck"
	_ "go.uber.org/goleak"
	_ "golang.org/x/crypto/cryptobyte"
	_ "golang.org/x/mod/sumdb/note"
	_ "golang.org/x/mod/sumdb/tlog"
	_ "golang.org/x/sync/errgroup"
	_ "golang.org/x/sys/unix"
	_ "golang.org/x/term"
	_ "modernc.org/sqlite"
	_ "pgregory.net/rapid"
)
