package bench

import (
	"bytes"
	"context"
	"crypto/tls"
	"crypto/x509"
	"fmt"
	"io"
	"math/rand/v2"
	"net"
	"net/http"
	"strings"
	"sync"
	"time"

	"github.com/go-json-experiment/json"

	"github.com/comity-exchange/comity/fault"
	"github.com/comity-exchange/comity/marking"
)

// What a load does.
const (
	loadGet   = "get"
	loadMatch = "match"
	loadPost  = "post"
)

// demand is what a client is told to do. It speaks HTTP/1.1 over TLS, as most TAXII clients do, on connections that stay open.
type demand struct {
	Mode       string  `json:"mode"`
	Address    string  `json:"address"`
	Host       string  `json:"host"`
	CA         []byte  `json:"ca"`
	Token      string  `json:"token"`
	Collection string  `json:"collection"`
	Clients    int     `json:"clients"`
	Lasts      float64 `json:"lasts"`     // seconds
	Known      int     `json:"known"`     // objects that are there
	From       int     `json:"from"`      // the first that is posted
	First      int64   `json:"first"`     // when the first object was added, in microseconds, and the last
	Last       int64   `json:"last"`      //
	Scattered  bool    `json:"scattered"` // each page from somewhere else
}

// loaded is what it did.
type loaded struct {
	Requests int64     `json:"requests"`
	Objects  int64     `json:"objects"`
	Bytes    int64     `json:"bytes"`
	Seconds  float64   `json:"seconds"`
	CPU      float64   `json:"cpu_seconds"` // 0: not known
	Times    []float64 `json:"times"`       // of requests, in milliseconds
}

// TAXIIClient reads from in what to do, does it, and tells out: the other half of TAXII.
func TAXIIClient(ctx context.Context, in io.Reader, out io.Writer) error {
	var l demand
	if err := json.UnmarshalRead(in, &l); err != nil {
		return fault.Wrap(err, fault.Usage, "", "this is for comity bench taxii alone")
	}
	got, err := l.do(ctx)
	if err != nil {
		return err
	}
	return json.MarshalWrite(out, got)
}

// do runs all clients until the time is over.
func (l demand) do(ctx context.Context) (sum loaded, err error) {
	if l.Clients < 1 || l.Clients > 4096 || l.Lasts <= 0 {
		return sum, fault.New(fault.Usage, "", "a load has clients and a duration")
	}
	clients := make([]*client, l.Clients)
	for i := range clients {
		if clients[i], err = l.client(i); err != nil {
			return sum, err
		}
		defer clients[i].http.CloseIdleConnections()
	}
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	var wait sync.WaitGroup
	began := time.Now()
	for _, c := range clients {
		wait.Go(func() {
			for ctx.Err() == nil && time.Since(began).Seconds() < l.Lasts {
				start := time.Now()
				if err := c.once(ctx); err != nil {
					cancel(err)
					return
				}
				c.Times = append(c.Times, float64(time.Since(start).Microseconds())/1000)
				c.Requests++
			}
		})
	}
	wait.Wait()
	sum.Seconds = time.Since(began).Seconds()
	for _, c := range clients {
		sum.Requests, sum.Objects, sum.Bytes, sum.Times = sum.Requests+c.Requests, sum.Objects+c.Objects, sum.Bytes+c.Bytes, append(sum.Times, c.Times...)
	}
	return sum, context.Cause(ctx)
}

// client is one connection.
type client struct {
	loaded
	demand
	http *http.Client
	r    *rand.Rand
	next string // of the page before; "": begin anew
	buf  bytes.Buffer
	at   int // the next object that is posted
}

func (l demand) client(i int) (*client, error) {
	roots := x509.NewCertPool()
	if !roots.AppendCertsFromPEM(l.CA) {
		return nil, fault.New(fault.Usage, "", "the server's certificate cannot be read")
	}
	t := &http.Transport{
		TLSClientConfig: &tls.Config{MinVersion: tls.VersionTLS12, RootCAs: roots, ServerName: "localhost"}, DisableCompression: true, ReadBufferSize: 64 << 10, WriteBufferSize: 64 << 10,
		DialContext: func(ctx context.Context, _, _ string) (net.Conn, error) {
			return new(net.Dialer).DialContext(ctx, "tcp", l.Address)
		},
	}
	return &client{demand: l, http: &http.Client{Transport: t}, r: rand.New(rand.NewPCG(seed, uint64(i))), at: l.From + i*1_000_000_000}, nil
}

// once makes one request.
func (c *client) once(ctx context.Context) error {
	switch c.Mode {
	case loadGet:
		return c.get(ctx)
	case loadMatch:
		return c.match(ctx)
	}
	return c.post(ctx)
}

// pageSize is how many objects a page has, and how many are posted at once.
const pageSize = 1000

// get fetches a page: the next one, or one from somewhere.
func (c *client) get(ctx context.Context) error {
	path := fmt.Sprintf("?limit=%d", pageSize)
	if c.next != "" && !c.Scattered {
		path += "&next=" + c.next
	} else {
		from := c.First - 1
		if c.Scattered || c.Requests == 0 { // clients begin in different places
			from += c.r.Int64N(max(c.Last-c.First, 1))
		}
		path += "&added_after=" + time.UnixMicro(from).UTC().Format("2006-01-02T15:04:05.000000Z")
	}
	if err := c.do(ctx, http.MethodGet, path, nil, http.StatusOK); err != nil {
		return err
	}
	c.next = nextOf(c.buf.Bytes())
	n := int64(bytes.Count(c.buf.Bytes(), []byte(`{"type":"indicator"`)))
	if c.Requests == 0 { // what is counted later is looked at once
		var page struct {
			Objects []struct {
				ID string `json:"id"`
			} `json:"objects"`
			More bool   `json:"more"`
			Next string `json:"next"`
		}
		if err := json.Unmarshal(c.buf.Bytes(), &page); err != nil || int64(len(page.Objects)) != n || page.Next != c.next {
			return fault.Wrap(err, fault.Failed, "", "a page is none: %d objects", n)
		}
	}
	c.Objects += n
	return nil
}

// nextOf finds where a page says that it goes on.
func nextOf(page []byte) string {
	_, rest, ok := strings.Cut(string(page[:min(len(page), 200)]), `"next":"`)
	if !ok {
		return ""
	}
	next, _, _ := strings.Cut(rest, `"`)
	return next
}

// match fetches one object by its id.
func (c *client) match(ctx context.Context) error {
	i := c.r.IntN(c.Known)
	if err := c.do(ctx, http.MethodGet, "?match[id]="+madeID(i), nil, http.StatusOK); err != nil {
		return err
	}
	if found := bytes.Contains(c.buf.Bytes(), []byte(madeID(i))); found == (madeMarking(i) == marking.Red) {
		return fault.New(fault.Failed, "", "object %d, TLP:%s: found %v", i, madeMarking(i), found)
	}
	c.Objects++
	return nil
}

// post brings objects that are not there yet.
func (c *client) post(ctx context.Context) error {
	b := append(make([]byte, 0, pageSize*900), `{"objects":[`...)
	for i := range pageSize {
		if i > 0 {
			b = append(b, ',')
		}
		b = madeObject(b, c.at)
		c.at++
	}
	c.Objects += pageSize
	return c.do(ctx, http.MethodPost, "", append(b, "]}"...), http.StatusAccepted)
}

// do makes a request and reads its answer.
func (c *client) do(ctx context.Context, method, query string, body []byte, want int) error {
	r, err := http.NewRequestWithContext(ctx, method, "https://"+c.Host+"/taxii2/api/collections/"+c.Collection+"/objects/"+query, bytes.NewReader(body))
	if err != nil {
		return err
	}
	r.SetBasicAuth("bench", c.Token)
	r.Header.Set("Accept", "application/taxii+json;version=2.1")
	if method == http.MethodPost {
		r.Header.Set("Content-Type", "application/taxii+json;version=2.1")
	}
	res, err := c.http.Do(r)
	if err != nil {
		return fault.Wrap(err, fault.Unavailable, "", "the server does not answer")
	}
	defer res.Body.Close()
	c.buf.Reset()
	if _, err := c.buf.ReadFrom(res.Body); err != nil {
		return fault.Wrap(err, fault.Unavailable, "", "an answer broke off")
	}
	if res.StatusCode != want {
		return fault.New(fault.Failed, "", "%s is answered with %d: %.200s", method, res.StatusCode, c.buf.String())
	}
	c.Bytes += int64(c.buf.Len()) + int64(len(body))
	return nil
}
