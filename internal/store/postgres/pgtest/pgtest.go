package pgtest

import (
	"bytes"
	"context"
	"database/sql"
	"encoding/hex"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"os/user"
	"path/filepath"
	"slices"
	"strconv"
	"sync"
	"syscall"
	"testing"
	"time"

	_ "github.com/jackc/pgx/v5/stdlib" // the driver of sql.Open
)

// Server is one PostgreSQL server and its data. It is safe for concurrent use but for Stop, Crash, Start and Close.
type Server struct {
	bin  string // folder of the programs
	dir  string
	user *syscall.Credential // nil: who runs the test

	mu      sync.Mutex
	process *exec.Cmd // nil when it does not run; guarded by mu
	output  bytes.Buffer
	known   map[string]bool // databases that are there; guarded by mu
}

// settings of all servers. They sync as in real life: a store refuses a server that does not.
func settings() []string {
	return []string{
		"listen_addresses=", "unix_socket_permissions=0777", "max_connections=200", "shared_buffers=32MB", "max_wal_size=256MB",
		"wal_level=replica", "max_wal_senders=4", "hot_standby=on", "log_min_messages=fatal", "autovacuum_naptime=10s",
	}
}

// Programs finds the newest server on this machine; "" when there is none.
func Programs() string {
	var found []string
	all, _ := filepath.Glob("/usr/lib/postgresql/*/bin/postgres") // the pattern is right
	slices.SortFunc(all, func(a, b string) int { return version(a) - version(b) })
	found = append(found, all...)
	if p, err := exec.LookPath("postgres"); err == nil && len(found) == 0 {
		found = append(found, p)
	}
	for _, p := range slices.Backward(found) {
		if _, err := os.Stat(filepath.Join(filepath.Dir(p), "initdb")); err == nil {
			return filepath.Dir(p)
		}
	}
	return ""
}

func version(path string) int {
	n, _ := strconv.Atoi(filepath.Base(filepath.Dir(filepath.Dir(path)))) // 0 for what is no number
	return n
}

// Missing is why no server can be run here; "" when one can.
func Missing() string {
	if Programs() == "" {
		return "PostgreSQL's programs are not on this machine (Debian package postgresql)"
	}
	if _, err := unprivileged(); err != nil {
		return "PostgreSQL does not run as root, and there is no user postgres or nobody"
	}
	return ""
}

// unprivileged is who runs the programs where the test runs as root.
func unprivileged() (*syscall.Credential, error) {
	if os.Geteuid() != 0 {
		return nil, nil
	}
	u, err := user.Lookup("postgres")
	if err != nil {
		u, err = user.Lookup("nobody")
	}
	if err != nil {
		return nil, err
	}
	uid, err := strconv.ParseUint(u.Uid, 10, 32)
	gid, err2 := strconv.ParseUint(u.Gid, 10, 32)
	return &syscall.Credential{Uid: uint32(uid), Gid: uint32(gid)}, errors.Join(err, err2)
}

// Main runs the tests of a package with one server that they share, which start gives to them; nil, where there is none on this machine. It is what TestMain does.
func Main(m *testing.M, start func(*Server)) int {
	if Missing() != "" {
		start(nil)
		return m.Run()
	}
	s, err := launch()
	if err != nil {
		fmt.Fprintln(os.Stderr, "no server for the tests:", err)
		return 1
	}
	start(s)
	code := m.Run()
	if err := s.Close(); err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	return code
}

// New runs a server for one test. It skips the test where there is none on this machine.
func New(t testing.TB) *Server {
	t.Helper()
	if why := Missing(); why != "" {
		t.Skip(why)
	}
	s, err := launch()
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := s.Close(); err != nil {
			t.Error(err)
		}
	})
	return s
}

// Need skips the test where there is no server on this machine.
func (s *Server) Need(t testing.TB) {
	t.Helper()
	if s == nil {
		t.Skip(Missing())
	}
}

func launch() (*Server, error) {
	s, err := folder()
	if err != nil {
		return nil, err
	}
	err = s.run("initdb", "-D", s.Data(), "-U", "comity", "-A", "trust", "-E", "UTF8", "--locale=C", "--no-sync")
	if err == nil {
		err = s.Start()
	}
	if err != nil {
		return nil, errors.Join(err, s.Close())
	}
	return s, nil
}

// folder makes the folder of a server, owned by who runs it. Its path is short: a socket's name has 107 bytes.
func folder() (*Server, error) {
	s := &Server{bin: Programs(), known: map[string]bool{}}
	var err error
	if s.user, err = unprivileged(); err != nil {
		return nil, err
	}
	if s.dir, err = os.MkdirTemp("", "pg-"); err != nil {
		return nil, err
	}
	if s.user != nil {
		err = os.Chown(s.dir, int(s.user.Uid), int(s.user.Gid))
	}
	return s, err
}

// Data is the folder of the server's files.
func (s *Server) Data() string { return filepath.Join(s.dir, "data") }

// command is one of the server's programs.
func (s *Server) command(name string, args ...string) *exec.Cmd {
	c := exec.CommandContext(context.Background(), filepath.Join(s.bin, name), args...)
	c.Dir = s.dir
	c.Env = append(os.Environ(), "LC_ALL=C", "PGUSER=comity", "HOME="+s.dir)
	c.SysProcAttr = attributes(s.user)
	return c
}

func (s *Server) run(name string, args ...string) error {
	if out, err := s.command(name, args...).CombinedOutput(); err != nil {
		return fmt.Errorf("%s: %w\n%s", name, err, out)
	}
	return nil
}

// Start runs the server until Stop, Crash or Close, and waits until it answers.
func (s *Server) Start() error {
	s.mu.Lock()
	defer s.mu.Unlock()
	args := []string{"-D", s.Data(), "-k", s.dir}
	for _, set := range settings() {
		args = append(args, "-c", set)
	}
	s.process = s.command("postgres", args...)
	s.output.Reset()
	s.process.Stdout, s.process.Stderr = &s.output, &s.output
	if err := s.process.Start(); err != nil {
		s.process = nil
		return err
	}
	return s.answers("postgres")
}

// answers waits until the server takes connections. Called with mu held.
func (s *Server) answers(database string) (err error) {
	db, err := sql.Open("pgx", s.address(database))
	if err != nil {
		return err
	}
	defer db.Close()
	for until := time.Now().Add(time.Minute); time.Now().Before(until); time.Sleep(20 * time.Millisecond) {
		if err = db.PingContext(context.Background()); err == nil {
			return nil
		}
	}
	return fmt.Errorf("the server does not answer: %w\n%s", err, s.output.String())
}

// Stop ends the server in good order; connections are cut.
func (s *Server) Stop() error { return s.end(syscall.SIGINT) }

// Crash ends the server at once: it finds out what was committed when it is started again.
func (s *Server) Crash() error { return s.end(syscall.SIGQUIT) }

func (s *Server) end(how os.Signal) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.process == nil {
		return nil
	}
	err := s.process.Process.Signal(how)
	_ = s.process.Wait() // how it ended is known
	s.process = nil
	return err
}

// Close ends the server and removes its files.
func (s *Server) Close() error { return errors.Join(s.Crash(), os.RemoveAll(s.dir)) }

// address of a database, in libpq's words.
func (s *Server) address(database string) string {
	return fmt.Sprintf("host=%s port=5432 user=comity dbname=%s sslmode=disable", s.dir, database)
}

// Database is the address of the database with a name of the caller's choice, such as a test's folder. It is made when it is asked for first.
func (s *Server) Database(t testing.TB, name string) string {
	t.Helper()
	s.Need(t)
	s.mu.Lock()
	defer s.mu.Unlock()
	database := "t" + hex.EncodeToString([]byte(name))
	if len(database) > 60 { // PostgreSQL cuts names off
		database = database[:10] + database[len(database)-50:]
	}
	if !s.known[database] {
		if err := s.Exec(t.Context(), `CREATE DATABASE "`+database+`"`); err != nil {
			t.Fatal(err)
		}
		s.known[database] = true
	}
	return s.address(database)
}

// Exec runs a statement as the server's administrator, outside of any transaction.
func (s *Server) Exec(ctx context.Context, q string) error {
	db, err := sql.Open("pgx", s.address("postgres"))
	if err != nil {
		return err
	}
	defer db.Close()
	_, err = db.ExecContext(ctx, q)
	return err
}

// Ask runs a query that gives one text, as the server's administrator.
func (s *Server) Ask(ctx context.Context, q string) (v string, err error) {
	db, err := sql.Open("pgx", s.address("postgres"))
	if err != nil {
		return "", err
	}
	defer db.Close()
	err = db.QueryRowContext(ctx, q).Scan(&v)
	return v, err
}
