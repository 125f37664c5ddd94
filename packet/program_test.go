package packet

import (
	"bytes"
	"os"
	"os/exec"
	"path/filepath"
	"testing"

	"filippo.io/age"

	"github.com/comity-exchange/comity/statement"
)

// ageCommand builds age from the version that go.mod pins: what a distribution ships may not know hybrid keys yet.
func ageCommand(t *testing.T, dir string) string {
	t.Helper()
	bin := filepath.Join(dir, "age")
	if out, err := exec.Command("go", "build", "-o", bin, "filippo.io/age/cmd/age").CombinedOutput(); err != nil {
		t.Fatalf("age cannot be built: %v\n%s", err, out)
	}
	return bin
}

// The age, zstd and tar programs open what we seal, and we open what they seal.
func TestPrograms(t *testing.T) {
	t.Parallel()
	if testing.Short() {
		t.Skip("builds age")
	}
	for _, name := range []string{"zstd", "tar"} {
		if _, err := exec.LookPath(name); err != nil {
			t.Skip("no", name)
		}
	}
	dir := t.TempDir()
	ageBin := ageCommand(t, t.TempDir())
	run := func(name string, args ...string) {
		t.Helper()
		cmd := exec.Command(name, args...)
		cmd.Dir = dir
		if out, err := cmd.CombinedOutput(); err != nil {
			t.Fatalf("%s %q: %v\n%s", name, args, err, out)
		}
	}
	write := func(name string, b []byte) {
		t.Helper()
		if err := os.WriteFile(filepath.Join(dir, name), b, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	id, err := age.GenerateHybridIdentity()
	if err != nil {
		t.Fatal(err)
	}
	write("key", []byte(id.String()+"\n"))

	// spec: PKT-1
	c := sample()
	var sealed bytes.Buffer
	if err := NewCodec().Seal(&sealed, id.Recipient().String(), c); err != nil {
		t.Fatal(err)
	}
	write("packet", sealed.Bytes())
	run(ageBin, "-d", "-i", "key", "-o", "packet.tar.zst", "packet")
	run("zstd", "-q", "-d", "packet.tar.zst")
	if err := os.Mkdir(filepath.Join(dir, "out"), 0o700); err != nil {
		t.Fatal(err)
	}
	run("tar", "-x", "-C", "out", "-f", "packet.tar")
	blob := bytes.Repeat([]byte("disk image "), 7000)
	name := "out/blobs/" + statement.Sum(blob).String()
	for file, want := range map[string][]byte{
		"out/checkpoint":   c.Checkpoint,
		"out/heads.jsonl":  append(bytes.Join(c.Heads, []byte("\n")), '\n'),
		"out/bodies.jsonl": append(bytes.Join(c.Bodies, []byte("\n")), '\n'),
		name:               blob[:70000],
		name + "@70000":    blob[70000:],
	} {
		got, err := os.ReadFile(filepath.Join(dir, file))
		if err != nil || !bytes.Equal(got, want) {
			t.Errorf("%s: %d bytes, %v", file, len(got), err)
		}
	}

	// The other way, by the member names of PKT-2 and each of the compressor's ways to frame.
	members := []string{"checkpoint", "consistency", "heads.jsonl", "tiles", "witnessed.jsonl", "want", "bodies.jsonl"}
	for i, zstd := range [][]string{{"-3"}, {"--ultra", "-20", "--check"}, {"--fast=3", "--no-check", "--no-content-size"}} {
		format := []string{"gnu", "ustar", "ustar"}[i]
		for _, f := range []string{"back.tar", "back.tar.zst", "back"} {
			_ = os.Remove(filepath.Join(dir, f))
		}
		run("tar", append([]string{"-c", "--format=" + format, "-C", "out", "-f", "back.tar"}, members...)...)
		run("zstd", append(zstd, "-q", "back.tar")...)
		run(ageBin, "-r", id.Recipient().String(), "-o", "back", "back.tar.zst")
		in, err := os.ReadFile(filepath.Join(dir, "back"))
		if err != nil {
			t.Fatal(err)
		}
		var got taken
		if err := NewCodec().Open(bytes.NewReader(in), id, &got); err != nil {
			t.Fatal(zstd, err)
		}
		if !equal(&got, &Contents{Checkpoint: c.Checkpoint, Consistency: c.Consistency, Heads: c.Heads, Tiles: c.Tiles, Witnessed: c.Witnessed, Bodies: c.Bodies}, nil) {
			t.Error(zstd, "the contents differ")
		}
	}
}
