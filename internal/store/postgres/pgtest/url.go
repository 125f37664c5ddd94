package pgtest

import (
	"net/url"
	"strings"
	"testing"
)

// URL is Database in the form that a node's settings take: the address of a database on this server, or on whichever of several may be written to.
func (s *Server) URL(t testing.TB, name string, others ...*Server) string {
	t.Helper()
	_, database, _ := strings.Cut(s.Database(t, name), "dbname=")
	database, _, _ = strings.Cut(database, " ")
	hosts, ports := []string{s.dir}, []string{"5432"}
	for _, o := range others {
		hosts, ports = append(hosts, o.dir), append(ports, "5432")
	}
	q := url.Values{"host": {strings.Join(hosts, ",")}, "port": {strings.Join(ports, ",")}, "sslmode": {"disable"}}
	if len(others) > 0 {
		q.Set("target_session_attrs", "read-write")
	}
	u := url.URL{Scheme: "postgres", User: url.User("comity"), Path: "/" + database, RawQuery: q.Encode()}
	return u.String()
}
