package web

import (
	"net/http"
	"net/url"
	"strings"

	"github.com/comity-exchange/comity/internal/node"
	"github.com/comity-exchange/comity/internal/web/page"
)

// directory lists points of contact. They are the letters' own words, so that nobody has to keep a list of them.
func (f *face) directory(w http.ResponseWriter, r *http.Request) error {
	s := f.shell(r, "directory.title", "directory")
	all, err := f.n.Directory(r.Context())
	if err != nil {
		return err
	}
	var parties []page.ContactParty
	for _, c := range all {
		if n := len(parties); n == 0 || parties[n-1].Code != string(c.Party) {
			parties = append(parties, page.ContactParty{Code: string(c.Party), Name: node.NameIn(c.Names, s.Code()), Own: c.Own, Confirmed: moment(c.Confirmed), Issued: moment(c.Issued)})
		}
		p := &parties[len(parties)-1]
		p.Contacts = append(p.Contacts, contactRow(c))
	}
	return f.show(w, r, http.StatusOK, page.DirectoryPage(s, parties))
}

func contactRow(c node.ContactView) page.ContactRow {
	return page.ContactRow{
		Role: string(c.Role), Name: c.Name, Email: c.Email, Mail: url.PathEscape(c.Email), Phone: c.Phone, Dial: dial(c.Phone), Hours: c.Hours, Duty: string(c.Duty),
		Languages: strings.Join(c.Languages, ", "),
	}
}

// dial keeps of a telephone number what a telephone dials.
func dial(phone string) string {
	return strings.Map(func(r rune) rune {
		if r >= '0' && r <= '9' || r == '+' || r == '*' || r == '#' {
			return r
		}
		return -1
	}, phone)
}
