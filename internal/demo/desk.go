package demo

import (
	"context"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"time"

	"github.com/comity-exchange/comity/fault"
	"github.com/comity-exchange/comity/internal/auth"
	"github.com/comity-exchange/comity/internal/httpapi"
	"github.com/comity-exchange/comity/internal/misp"
	"github.com/comity-exchange/comity/internal/taxii"
	"github.com/comity-exchange/comity/internal/web"
	"github.com/comity-exchange/comity/internal/web/door"
	"github.com/comity-exchange/comity/statement"
)

// desk is a party's pages for people to look at, and the link that lets one in.
type desk struct {
	of   *office
	link string
	stop func() error
}

// linkLife is for how long the links let somebody in: a demonstration is over by then.
const linkLife = 12 * time.Hour

// desks opens the pages of XA and XB, and has an officer at each. XC stays without: whoever has its folder is its operator.
func (p *play) desks(ctx context.Context, log *slog.Logger) (out []desk, err error) {
	for _, o := range []*office{p.a, p.b} {
		l, err := new(net.ListenConfig).Listen(ctx, "tcp", "127.0.0.1:0")
		if err != nil {
			return out, fault.Wrap(err, fault.Unavailable, "", "no port can be had on this machine")
		}
		_, port, _ := net.SplitHostPort(l.Addr().String())
		origin := "http://localhost:" + port // passkeys are bound to a name
		site, err := web.Site(ctx, o.Node, origin, httpapi.Handler(o.Node, httpapi.Options{}), taxii.Handler(o.Node, taxii.Options{}), log, web.Beside{Path: misp.Root, Handler: misp.Handler(ctx, o.Node, misp.Options{})})
		if err != nil {
			return out, err
		}
		server := &http.Server{Handler: site, ReadHeaderTimeout: 10 * time.Second}
		go func() { _ = server.Serve(l) }() // it ends with the demonstration
		link, err := o.officers(ctx)
		if err != nil {
			return out, err
		}
		out = append(out, desk{o, door.Link(origin, link), server.Close})
	}
	return out, nil
}

// officers adds an administrator, and an officer who reads, answers and approves, for whom it makes a link.
func (o *office) officers(ctx context.Context) (link auth.Secret, err error) {
	if err := o.AddOfficer(ctx, auth.Person{ID: "root", Name: "Administrator of " + string(o.code), Roles: []auth.Role{auth.Administrator}, Languages: []string{"en"}}); err != nil {
		return link, err
	}
	expires := statement.TimeOf(o.Now().Add(linkLife))
	token, err := o.MakeToken(ctx, "root", nil, expires)
	if err != nil {
		return link, err
	}
	root := auth.With(ctx, auth.Claim{Officer: "root", Token: token})
	roles := []auth.Role{auth.DutyOfficer, auth.ReleasingOfficer, auth.LegalAdviser}
	if err := o.AddOfficer(root, auth.Person{ID: "duty", Name: "Duty officer of " + string(o.code), Roles: roles, Languages: []string{"en"}}); err != nil {
		return link, err
	}
	return o.MakeLink(root, "duty", expires)
}

// invite says what to try while the nodes run.
func (p *play) invite(all []desk) {
	fmt.Fprintln(p.out)
	p.say("The three nodes go on until you press Ctrl-C. In a browser, an officer of each; a link lets in once:")
	for _, d := range all {
		fmt.Fprintf(p.out, "    %s  %s\n", d.of.code, d.link)
	}
	p.say("In another terminal:")
	for _, line := range []string{
		fmt.Sprintf("comity --dir %s threads", p.c.dir),
		fmt.Sprintf("comity --dir %s ledger --peer %s", p.c.dir, p.b.code),
		fmt.Sprintf("comity --dir %s send --kind assist.request --to %s --tlp AMBER --fact type=disclosure --dry-run", p.c.dir, p.b.code),
		fmt.Sprintf("comity --dir %s send --kind assist.request --to %s --tlp AMBER --fact type=analysis --title Hello", p.c.dir, p.b.code),
		fmt.Sprintf("comity --dir %s doctor", p.c.dir),
	} {
		fmt.Fprintln(p.out, "    "+line)
	}
}
