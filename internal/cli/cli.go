package cli

import (
	"context"
	"errors"
	"io"
	"strings"
	"time"

	"github.com/alecthomas/kong"

	"github.com/comity-exchange/comity/fault"
	"github.com/comity-exchange/comity/internal/auth"
)

// commands is the whole grammar. Its tags and the commands' Help methods are also the help texts, docs/cli.md and the completions.
type commands struct {
	Dir     string `placeholder:"DIR" help:"The node's folder. Without it: $$COMITY_DIR, then .comity in the home folder."`
	JSON    bool   `name:"json" help:"Print one JSON document instead of tables."`
	Verbose bool   `help:"Show causes of failures, and on 'serve' debug messages."`

	As        string `placeholder:"OFFICER" help:"The officer who acts. Without it: $$COMITY_AS, then whoever the token is of."`
	TokenFile string `placeholder:"FILE" help:"A file that only you can read, with your token in its first line. Without it: $$COMITY_TOKEN."`

	Init    initCmd    `cmd:"" group:"Begin" help:"Make a new party's folder: keys, recovery key, letter of credence."`
	Serve   serveCmd   `cmd:"" group:"Begin" help:"Serve peers and deliver, until interrupted."`
	Demo    demoCmd    `cmd:"" group:"Begin" help:"Show a whole federation alive, on this machine alone."`
	Doctor  doctorCmd  `cmd:"" group:"Begin" help:"Look at clock, disk, keys, peers, queues, log and mark."`
	Version versionCmd `cmd:"" group:"Begin" help:"Print the version."`

	Credence  credenceCmd  `cmd:"" group:"Parties and agreements" help:"Letters of credence: who a party is."`
	Agreement agreementCmd `cmd:"" group:"Parties and agreements" help:"Agreements: what may pass."`

	Inbox   inboxCmd   `cmd:"" group:"Threads" help:"List what needs an answer, due first, then what is unread."`
	Threads threadsCmd `cmd:"" group:"Threads" help:"List threads, the last touched first."`
	Thread  threadCmd  `cmd:"" group:"Threads" help:"Show a thread: all that was said, receipts, clocks, what may be said next."`
	Send    sendCmd    `cmd:"" group:"Threads" help:"Say something: open a thread, or answer in one."`
	Schema  schemaCmd  `cmd:"" group:"Threads" help:"List the kinds of statements, or show the facts of one as JSON Schema."`

	Recall recallCmd `cmd:"" group:"Threads" help:"Take back what was said: ask who got it to erase it, and see who has."`
	Erase  eraseCmd  `cmd:"" group:"Threads" help:"Destroy what is here of a statement's text and attachments."`

	Draft draftCmd `cmd:"" group:"Threads" help:"What is to be said: kept, approved by a second officer, released."`

	Intel intelCmd `cmd:"" group:"Intelligence" help:"Sources, feeds and objects of intelligence."`
	Match matchCmd `cmd:"" group:"Intelligence" help:"Find indicators in logs."`

	Outbox outboxCmd `cmd:"" group:"Delivery" help:"List each peer's queue: what waits, since when, why."`
	Packet packetCmd `cmd:"" group:"Delivery" help:"Packets as files, between nodes that cannot reach each other."`

	Ledger   ledgerCmd   `cmd:"" group:"Account" help:"Compute what was asked and answered between this party and a peer."`
	Evidence evidenceCmd `cmd:"" group:"Account" help:"Evidence for a third party: export it, verify it."`
	Report   reportCmd   `cmd:"" group:"Account" help:"What is told to the public."`
	Log      logCmd      `cmd:"" group:"Account" help:"The party's own log: verify it, serve it."`

	Bench benchCmd `cmd:"" group:"Prove" help:"Measure a node on this machine."`
	Soak  soakCmd  `cmd:"" group:"Prove" help:"Kill nodes under load and look whether anything was lost."`

	Backup  backupCmd  `cmd:"" group:"Keep" help:"Write all that the node remembers to a file, or check one."`
	Restore restoreCmd `cmd:"" group:"Keep" help:"Put a backup back."`
	Move    moveCmd    `cmd:"" group:"Keep" help:"Move the node's memory to another store, such as a PostgreSQL database."`

	Recover recoverCmd `cmd:"" group:"Keep" help:"Find out what the store lacks of the own log, and get it back."`
	Keys    keysCmd    `cmd:"" group:"Keep" help:"The node's keys: change them."`

	Officer officerCmd `cmd:"" group:"Keep" help:"Officers: who may act for the party, in which roles."`
	Token   tokenCmd   `cmd:"" group:"Keep" help:"Tokens, by which officers and their programs show who they are."`

	Processes processesCmd `cmd:"" group:"Keep" help:"The processes that share the node's database."`

	Notice noticeCmd `cmd:"" group:"Keep" help:"Mail and webhooks that tell officers that there is something."`

	Completion completionCmd `cmd:"" group:"Shell" help:"Print the completion script of a shell."`
}

// Main runs one command line and gives its exit status (fault.Exit). args are without the program's name; env is as os.Environ has it.
// Ending ctx ends the command; serve then ends well, others with fault.Canceled.
func Main(ctx context.Context, args, env []string, stdin io.Reader, stdout, stderr io.Writer) int {
	s := &session{env: env, in: stdin, out: stdout, err: stderr, now: time.Now}
	err := s.run(ctx, args)
	if err == nil {
		return 0
	}
	if ctx.Err() != nil && fault.CodeOf(err) != fault.Canceled {
		err = fault.Wrap(err, fault.Canceled, "", "interrupted")
	}
	s.report(err)
	return fault.Exit(err)
}

func (s *session) run(ctx context.Context, args []string) error {
	if len(args) > 0 && args[0] == "help" {
		args = append(args[1:len(args):len(args)], "--help")
	}
	if len(args) == 0 {
		args = []string{"--help"}
	}
	ended := false
	var grammar commands
	app, err := newParser(&grammar, s, kong.Exit(func(int) { ended = true }))
	if err != nil {
		return fault.Wrap(err, fault.Internal, "", "the grammar of the command line is broken")
	}
	parsed, err := app.Parse(args)
	if ended { // help was asked for and given
		return nil
	}
	s.json, s.verbose = grammar.JSON, grammar.Verbose
	if err != nil {
		return s.misuse(err)
	}
	s.dir = s.folder(grammar.Dir)
	who, err := s.claim(grammar.As, grammar.TokenFile)
	if err != nil {
		return err
	}
	parsed.BindTo(auth.With(ctx, who), (*context.Context)(nil))
	return parsed.Run(s, app, &grammar)
}

func newParser(grammar *commands, s *session, options ...kong.Option) (*kong.Kong, error) {
	return kong.New(grammar, append([]kong.Option{
		kong.Name("comity"),
		kong.Description("A federated exchange for cyber security cooperation between States and organisations: one party's node."),
		kong.Help(s.help), kong.Writers(s.out, s.err), kong.ConfigureHelp(kong.HelpOptions{}),
		// A flag that is not given takes nothing from the process's environment: the environment is an argument here.
		kong.Vars{},
	}, options...)...)
}

// misuse turns the parser's error into ours.
func (s *session) misuse(err error) error {
	var parse *kong.ParseError
	path := "comity"
	if errors.As(err, &parse) && parse.Context != nil {
		if n := parse.Context.Selected(); n != nil {
			path = n.FullPath()
		} else if n := deepest(parse.Context); n != nil {
			path = n.FullPath()
		}
	}
	if f := (*fault.Error)(nil); errors.As(err, &f) { // a value's own type has refused it
		return advise(asUsage(f), path+" --help")
	}
	return advise(fault.New(fault.Usage, "", "%s", plainly(err.Error())), path+" --help")
}

// plainly says what the parser says in words that need no grammar.
func plainly(msg string) string {
	msg = line(msg)
	if flag, _, ok := strings.Cut(msg, `: expected `); ok && strings.Contains(msg, `"EOL"`) {
		return flag + " wants a value"
	}
	if rest, ok := strings.CutPrefix(msg, `expected "<`); ok {
		name, _, _ := strings.Cut(rest, ">")
		return "the argument " + strings.ToUpper(name) + " is missing"
	}
	if rest, ok := strings.CutPrefix(msg, "expected one of "); ok {
		return "a command is missing: " + strings.ReplaceAll(rest, `"`, "")
	}
	return strings.Replace(msg, "missing flags: ", "these flags are missing: ", 1)
}

// deepest is the last command on the way that was parsed.
func deepest(c *kong.Context) *kong.Node {
	var n *kong.Node
	for _, p := range c.Path {
		if p.Command != nil {
			n = p.Command
		}
	}
	return n
}
