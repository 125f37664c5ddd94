package bench

import (
	"bytes"
	"context"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"time"

	"github.com/go-json-experiment/json"

	"github.com/comity-exchange/comity/fault"
)

// MatchOptions say how Match measures.
type MatchOptions struct {
	Program    string // comity's own executable
	Indicators int
	Size       int64  // of the log, in bytes
	Data       string // a folder with iocs/*.txt.gz and logs/*.gz to take instead of made ones; "" for none
	Progress   func(format string, args ...any)
}

// MatchRun is one program on the log.
type MatchRun struct {
	Start  float64 `json:"start_seconds"` // with a log of one line
	Total  float64 `json:"seconds"`       // with the whole log
	MBps   float64 `json:"mb_per_second"` // of the log, start-up taken off
	CPU    float64 `json:"cpu_seconds"`   // of all cores, start-up taken off
	Memory int64   `json:"memory_bytes"`  // at most
}

// MatchReport is what Match finds.
type MatchReport struct {
	Machine    Machine   `json:"machine"`
	Indicators int       `json:"indicators"`
	SetBytes   float64   `json:"bytes_per_indicator"`
	LogBytes   int64     `json:"log_bytes"`
	Lines      int64     `json:"lines"`
	Found      int64     `json:"found"`
	Made       bool      `json:"made"` // the load was made, not taken from a folder
	Comity     MatchRun  `json:"comity"`
	Compiled   MatchRun  `json:"compiled"`     // the same with compiled indicators
	RG         *MatchRun `json:"rg,omitempty"` // ripgrep with the same list as fixed strings; nil where there is none
	Ratio      float64   `json:"ratio,omitzero"`
	RatioCPU   float64   `json:"ratio_cpu,omitzero"`
}

// Match measures `comity match` on a log, and beside it, where there is one, `rg -F -f` with the same list on the same file: each first with a log of
// one line, which is its start-up, and then with the whole. Files are made in the folder for temporary files and removed.
func Match(ctx context.Context, o MatchOptions) (*MatchReport, error) {
	dir, err := os.MkdirTemp("", "comity-bench-match-*")
	if err != nil {
		return nil, fault.Wrap(err, fault.Unavailable, "", "no temporary folder can be made")
	}
	defer remove(dir)
	m := &matchBench{o: o, list: filepath.Join(dir, "iocs.txt"), log: filepath.Join(dir, "all.log"), tiny: filepath.Join(dir, "one.log"), set: filepath.Join(dir, "iocs.set")}
	if err := m.prepare(); fault.CodeOf(err) == fault.NotFound {
		return nil, err
	} else if err != nil {
		return nil, fault.Wrap(err, fault.Unavailable, "", "the load cannot be made")
	}
	info, err := os.Stat(m.log)
	if err != nil {
		return nil, fault.Wrap(err, fault.Unavailable, "", "the load cannot be read")
	}
	r := &MatchReport{Machine: machine(), LogBytes: info.Size(), Made: o.Data == ""}
	if r.Comity, err = m.measure(ctx, "comity", o.Program, "match", "--json", "--indicators", m.list); err != nil {
		return nil, err
	}
	var said struct {
		Indicators int   `json:"indicators"`
		SetBytes   int64 `json:"set_bytes"`
		Lines      int64 `json:"lines"`
		Found      int64 `json:"found"`
	}
	if err := json.Unmarshal(m.out, &said); err != nil || said.Indicators == 0 {
		return nil, fault.Wrap(err, fault.Internal, "", "comity match does not say what it did")
	}
	r.Indicators, r.SetBytes, r.Lines, r.Found = said.Indicators, float64(said.SetBytes)/float64(said.Indicators), said.Lines, said.Found
	if _, err := m.run(ctx, o.Program, "match", "--indicators", m.list, "--compile", m.set); err != nil {
		return nil, err
	}
	if r.Compiled, err = m.measure(ctx, "comity, compiled indicators", o.Program, "match", "--json", "--indicators", m.set); err != nil {
		return nil, err
	}
	rg, err := exec.LookPath("rg")
	if err != nil {
		return r, nil
	}
	other, err := m.measure(ctx, "rg", rg, "--count", "--text", "--fixed-strings", "--file", m.list)
	if err != nil {
		return nil, err
	}
	r.RG, r.Ratio, r.RatioCPU = &other, r.Comity.MBps/other.MBps, other.CPU/r.Comity.CPU
	return r, nil
}

type matchBench struct {
	o                    MatchOptions
	list, log, tiny, set string
	out                  []byte // of the last run
}

// measure runs a program on one line and on all.
func (m *matchBench) measure(ctx context.Context, name, program string, args ...string) (r MatchRun, err error) {
	m.o.Progress("%s on one line", name)
	start, err := m.run(ctx, program, append(args[:len(args):len(args)], m.tiny)...)
	if err != nil {
		return r, err
	}
	m.o.Progress("%s on the whole log", name)
	whole, err := m.run(ctx, program, append(args[:len(args):len(args)], m.log)...)
	if err != nil {
		return r, err
	}
	info, err := os.Stat(m.log)
	if err != nil {
		return r, fault.Wrap(err, fault.Unavailable, "", "the load cannot be read")
	}
	spent := max((whole.took - start.took).Seconds(), 1e-6)
	return MatchRun{
		Start: start.took.Seconds(), Total: whole.took.Seconds(), MBps: float64(info.Size()) / 1e6 / spent,
		CPU: max((whole.cpu - start.cpu).Seconds(), 1e-6), Memory: whole.memory,
	}, nil
}

type ran struct {
	took, cpu time.Duration
	memory    int64
}

func (m *matchBench) run(ctx context.Context, program string, args ...string) (r ran, err error) {
	var out bytes.Buffer
	cmd := exec.CommandContext(ctx, program, args...)
	cmd.Stdout = &out
	began := time.Now()
	if err = cmd.Start(); err == nil {
		ended, watched := make(chan struct{}), make(chan int64)
		go func() { watched <- watchMemory(cmd.Process.Pid, ended) }()
		err = cmd.Wait()
		r.took = time.Since(began)
		close(ended)
		r.memory = <-watched
	}
	if ctx.Err() != nil {
		return r, fault.Wrap(ctx.Err(), fault.Canceled, "", "interrupted")
	}
	if cmd.ProcessState == nil || cmd.ProcessState.ExitCode() > 1 || cmd.ProcessState.ExitCode() < 0 { // rg ends with 1 where it finds nothing
		return r, fault.Wrap(err, fault.Unavailable, "", "%s did not end well", filepath.Base(program))
	}
	r.cpu = cmd.ProcessState.UserTime() + cmd.ProcessState.SystemTime()
	m.out = out.Bytes()
	return r, nil
}

// watchMemory gives the greatest resident size of a process until it has ended. What the system says at its end counts in what this process had when it
// started the other.
func watchMemory(pid int, ended <-chan struct{}) (most int64) {
	tick := time.NewTicker(20 * time.Millisecond)
	defer tick.Stop()
	for {
		select {
		case <-ended:
			return most
		case <-tick.C:
		}
		raw, err := os.ReadFile("/proc/" + strconv.Itoa(pid) + "/status")
		if err != nil {
			continue // it has ended, or this is no Linux
		}
		_, rest, _ := strings.Cut(string(raw), "VmHWM:")
		rest, _, _ = strings.Cut(rest, "kB")
		if kb, err := strconv.ParseInt(strings.TrimSpace(rest), 10, 64); err == nil {
			most = max(most, kb*1024)
		}
	}
}
