package auth

import (
	"container/list"
	"net/netip"
	"strings"
	"sync"
	"time"
)

// Limiter slows down whoever tries too often: each key has a bucket of tokens that fills again with time. It keeps a bounded number of buckets and forgets those
// that were not used for longest, so that nobody fills the memory with addresses. It is safe for concurrent use.
type Limiter struct {
	burst float64
	each  time.Duration // in which one token comes back
	most  int
	now   func() time.Time

	mu      sync.Mutex
	buckets map[string]*list.Element // guarded by mu
	used    *list.List               // of *bucket, the latest first; guarded by mu
}

type bucket struct {
	key  string
	left float64
	at   time.Time
}

// NewLimiter makes one: burst attempts at once, another one after each, and most keys.
func NewLimiter(burst int, each time.Duration, most int, now func() time.Time) *Limiter {
	return &Limiter{burst: float64(burst), each: each, most: most, now: now, buckets: map[string]*list.Element{}, used: list.New()}
}

// Take counts an attempt. Where there were too many it gives how long to wait; else 0.
func (l *Limiter) Take(key string) (wait time.Duration) {
	l.mu.Lock()
	defer l.mu.Unlock()
	b, now := l.bucket(key), l.now()
	if passed := now.Sub(b.at); passed > 0 { // a clock that goes back fills nothing
		b.left = min(l.burst, b.left+float64(passed)/float64(l.each))
		b.at = now
	}
	if b.left < 1 {
		return time.Duration((1 - b.left) * float64(l.each))
	}
	b.left--
	return 0
}

// bucket finds one, or makes it in place of the one that was not used for longest. The caller holds mu.
func (l *Limiter) bucket(key string) *bucket {
	if e, ok := l.buckets[key]; ok {
		l.used.MoveToFront(e)
		b, _ := e.Value.(*bucket)
		return b
	}
	if l.used.Len() >= l.most {
		last := l.used.Back()
		if b, ok := l.used.Remove(last).(*bucket); ok {
			delete(l.buckets, b.key)
		}
	}
	b := &bucket{key: key, left: l.burst, at: l.now()}
	l.buckets[key] = l.used.PushFront(b)
	return b
}

// AddressKey is whose attempts are counted together: an IPv4 address, or the network of 64 bits that an IPv6 subscriber has to itself.
func AddressKey(a netip.Addr) string {
	if a = a.Unmap().WithZone(""); a.Is6() {
		if p, err := a.Prefix(64); err == nil {
			return p.String()
		}
	}
	return a.String()
}

// Proxies are the machines whose word is taken for who calls through them.
type Proxies map[netip.Addr]bool

// ParseProxies reads addresses; what is none was refused with the settings.
func ParseProxies(texts []string) Proxies {
	out := Proxies{}
	for _, text := range texts {
		if a, err := netip.ParseAddr(text); err == nil {
			out[a.Unmap()] = true
		}
	}
	return out
}

// Client is the AddressKey of whoever calls: remote as net/http has it, or, from a proxy, the last of what X-Forwarded-For says, which is what the proxy itself saw.
func (p Proxies) Client(remote string, forwarded []string) string {
	at, err := netip.ParseAddrPort(remote)
	if err != nil {
		return "unknown"
	}
	a := at.Addr().Unmap()
	if p[a] {
		all := strings.Split(strings.Join(forwarded, ","), ",")
		if client, err := netip.ParseAddr(strings.TrimSpace(all[len(all)-1])); err == nil {
			a = client.Unmap()
		}
	}
	return AddressKey(a)
}
