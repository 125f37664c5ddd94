package bench

import (
	"bufio"
	"bytes"
	"compress/gzip"
	"fmt"
	"io"
	"math/rand/v2"
	"os"
	"path/filepath"
	"time"

	"github.com/comity-exchange/comity/fault"
)

// prepare writes indicators, a log of one line, and the log.
func (m *matchBench) prepare() error {
	if err := os.WriteFile(m.tiny, []byte("nothing is here\n"), 0o600); err != nil {
		return err
	}
	m.o.Progress("making %d indicators and a log of %d MB", m.o.Indicators, m.o.Size/1e6)
	var indicators []string
	var lines []byte
	var err error
	if m.o.Data == "" {
		indicators, lines = madeIndicators(m.o.Indicators), madeLines(int(min(m.o.Size, 40<<20)))
	} else {
		if indicators, err = takenIndicators(m.o.Data, m.o.Indicators); err != nil {
			return err
		}
		if lines, err = takenLines(m.o.Data); err != nil {
			return err
		}
	}
	if err := writeLoad(m.list, func(w io.Writer) (int64, error) {
		for _, text := range indicators {
			if _, err := io.WriteString(w, text+"\n"); err != nil {
				return 0, err
			}
		}
		return m.o.Size, nil
	}, m.o.Size); err != nil {
		return err
	}
	return writeLoad(m.log, func(w io.Writer) (int64, error) {
		n, err := w.Write(lines)
		return int64(n), err
	}, m.o.Size)
}

// writeLoad repeats part until the file has its size.
func writeLoad(name string, part func(io.Writer) (int64, error), size int64) error {
	f, err := os.Create(name)
	if err != nil {
		return err
	}
	w := bufio.NewWriterSize(f, 1<<20)
	for n := int64(0); n < size && err == nil; {
		var more int64
		more, err = part(w)
		n += max(more, 1)
	}
	if err == nil {
		err = w.Flush()
	}
	if e := f.Close(); err == nil {
		err = e
	}
	return err
}

// seed makes the load the same in every run.
const seed = 20261122

// madeIndicators are mixed as published lists are: seven tenths domains, the rest endpoints, addresses, URLs and paths.
func madeIndicators(n int) []string {
	r := rand.New(rand.NewPCG(seed, 1))
	out := make([]string, n)
	for i := range out {
		switch k := r.IntN(100); {
		case k < 70:
			out[i] = label(r) + "." + []string{"com", "net", "org", "shop", "top", "example"}[r.IntN(6)]
			if r.IntN(4) == 0 {
				out[i] = label(r) + "." + out[i]
			}
		case k < 87:
			out[i] = fmt.Sprintf("%d.%d.%d.%d:%d", 1+r.IntN(223), r.IntN(256), r.IntN(256), r.IntN(256), 1+r.IntN(65535))
		case k < 90:
			out[i] = fmt.Sprintf("%d.%d.%d.%d", 1+r.IntN(223), r.IntN(256), r.IntN(256), r.IntN(256))
		case k < 95:
			out[i] = "http://" + label(r) + ".test/" + label(r)
		default:
			out[i] = "/" + label(r) + "/" + label(r) + ".php"
		}
	}
	return out
}

func label(r *rand.Rand) string {
	b := make([]byte, 5+r.IntN(12))
	for i := range b {
		b[i] = "abcdefghijklmnopqrstuvwxyz0123456789"[r.IntN(36)]
	}
	return string(b)
}

// madeLines are so many bytes of DNS and connection logs as Zeek writes them, and of alerts as Suricata does.
func madeLines(size int) []byte {
	r := rand.New(rand.NewPCG(seed, 2))
	hosts := make([]string, 3000)
	for i := range hosts {
		hosts[i] = label(r) + "." + label(r) + ".example"
	}
	var b bytes.Buffer
	b.WriteString("#separator \\x09\n#fields\tts\tuid\tid.orig_h\tid.orig_p\tid.resp_h\tid.resp_p\tproto\ttrans_id\trtt\tquery\tqtype_name\trcode_name\tanswers\tTTLs\n")
	for i := 0; b.Len() < size; i++ {
		at, host := 1_790_000_000+float64(i)/100, hosts[r.IntN(len(hosts))]
		a, c := fmt.Sprintf("10.%d.%d.%d", r.IntN(50), r.IntN(256), r.IntN(256)), fmt.Sprintf("%d.%d.%d.%d", 1+r.IntN(223), r.IntN(256), r.IntN(256), r.IntN(256))
		switch i % 10 {
		case 0, 1:
			fmt.Fprintf(&b, `{"timestamp":%q,"flow_id":%d,"event_type":"http","src_ip":%q,"src_port":%d,"dest_ip":%q,"dest_port":80,"proto":"TCP","http":{"hostname":%q,"url":"/%s","http_user_agent":"Mozilla/5.0","status":200}}`+"\n",
				time.Unix(int64(at), 0).UTC().Format("2006-01-02T15:04:05.000000-0700"), r.Uint32(), a, 1024+r.IntN(60000), c, host, label(r))
		default:
			fmt.Fprintf(&b, "%.6f\tC%s\t%s\t%d\t10.0.0.53\t53\tudp\t%d\t0.%06d\t%s\tA\tNOERROR\t%s,%s\t%d.000000,60.000000\n",
				at, label(r), a, 1024+r.IntN(60000), r.IntN(65536), r.IntN(99999), host, "cdn."+host, c, r.IntN(9999))
		}
	}
	return b.Bytes()
}

// takenIndicators draws n lines by lot from the lists of a folder.
func takenIndicators(dir string, n int) ([]string, error) {
	files, err := filepath.Glob(filepath.Join(dir, "iocs", "*.txt.gz"))
	if err != nil || len(files) == 0 {
		return nil, lacks(dir, "iocs/*.txt.gz")
	}
	var all []string
	for _, file := range files {
		raw, err := unzip(file)
		if err != nil {
			return nil, err
		}
		for l := range bytes.Lines(raw) {
			if l = bytes.TrimSpace(l); len(l) > 0 {
				all = append(all, string(l))
			}
		}
	}
	rand.New(rand.NewPCG(seed, 3)).Shuffle(len(all), func(i, j int) { all[i], all[j] = all[j], all[i] })
	return all[:min(n, len(all))], nil
}

// takenLines are all logs of a folder, one behind the other.
func takenLines(dir string) ([]byte, error) {
	files, err := filepath.Glob(filepath.Join(dir, "logs", "*.gz"))
	if err != nil || len(files) == 0 {
		return nil, lacks(dir, "logs/*.gz")
	}
	var all []byte
	for _, file := range files {
		raw, err := unzip(file)
		if err != nil {
			return nil, err
		}
		all = append(append(all, bytes.TrimRight(raw, "\n")...), '\n')
	}
	return all, nil
}

func lacks(dir, what string) error { return fault.New(fault.NotFound, "", "%s has no %s", dir, what) }

func unzip(name string) ([]byte, error) {
	f, err := os.Open(name)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	z, err := gzip.NewReader(f)
	if err != nil {
		return nil, err
	}
	return io.ReadAll(z)
}
