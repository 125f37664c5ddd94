package misp

import (
	"net/http"
	"regexp"

	"github.com/go-json-experiment/json/jsontext"

	"github.com/comity-exchange/comity/fault"
	"github.com/comity-exchange/comity/misp"
	"github.com/comity-exchange/comity/party"
	"github.com/comity-exchange/comity/stix"
	"github.com/comity-exchange/comity/thread"
)

// Versions that are answered with where the caller does not tell its own.
const (
	thisVersion = "2.5.0"
	thisPyMISP  = "2.5.0"
)

// callersVersion finds an instance's version in its User-Agent.
var callersVersion = regexp.MustCompile(`^MISP (2\.[0-9]{1,3}\.[0-9]{1,4})(?: |$)`)

// versions are what the caller wants to hear: an instance breaks off a push when the other side's minor is not its own, and no minor changes what is done here.
func (c *call) versions() (is, py string) {
	if m := callersVersion.FindStringSubmatch(c.r.UserAgent()); m != nil {
		return m[1], thisPyMISP
	}
	if m := regexp.MustCompile(`^PyMISP ([0-9]{1,3}\.[0-9]{1,3}\.[0-9]{1,4})`).FindStringSubmatch(c.r.UserAgent()); m != nil {
		return thisVersion, m[1]
	}
	return thisVersion, thisPyMISP
}

// mayPush tells whether a token may bring anything: a partner's where there is a source that it brings it into.
func (c *call) mayPush() bool { return c.pushes() == nil }

// pushes tells why a token may bring nothing; nil: it may. It is asked before anything is read of what is pushed: who may bring nothing has nothing held for them.
func (c *call) pushes() error {
	// spec: INT-9
	if c.Actor.Limits.IsPartner() {
		if _, err := c.takes(thread.ID{}); err != nil {
			return err
		}
		return c.node.MayBring(c.ctx(), c.Actor.Limits.Write)
	}
	return c.node.MayBring(c.ctx(), thread.ID{})
}

// mayTell tells whether a token may bring sightings: of events that it is shown.
func (c *call) mayTell(pushes bool) bool {
	l := &c.Actor.Limits
	return pushes && (!l.IsPartner() || l.All || len(l.See) > 0)
}

// version is what an instance asks first.
func version(c *call) error {
	is, py := c.versions()
	pushes := c.mayPush()
	write(c.w, http.StatusOK, struct {
		Version   string   `json:"version"`
		Py        string   `json:"pymisp_recommended_version"`
		Sync      bool     `json:"perm_sync"`
		Sighting  bool     `json:"perm_sighting"`
		Galaxy    bool     `json:"perm_galaxy_editor"`
		Analyst   bool     `json:"perm_analyst_data"`
		UUID      string   `json:"uuid"`
		Encodings []string `json:"request_encoding"`
		Filter    bool     `json:"filter_sightings"`
	}{is, py, pushes, c.mayTell(pushes), false, false, nodeUUID(c.node.Config.Code), []string{"gzip"}, true})
	return nil
}

func pyVersion(c *call) error {
	_, py := c.versions()
	write(c.w, http.StatusOK, map[string]string{"version": py})
	return nil
}

// postTest gives back what was posted: an instance makes sure that nothing on the way changes it.
func postTest(c *call) error {
	var body jsontext.Value
	if err := c.ask(&body); err != nil {
		return err
	}
	header := func(name string) any {
		if v := c.r.Header.Get(name); v != "" {
			return v
		}
		return 0
	}
	write(c.w, http.StatusOK, map[string]any{
		"body": body, "headers": map[string]any{"Content-type": header("Content-Type"), "Accept": header("Accept"), "Authorization": "OK"},
	})
	return nil
}

// owner is whose a token is, as MISP has it: of a partner what it is called here, and nothing of the officer who answers for it.
func (c *call) owner() (email, role string, org *misp.Org) {
	l := &c.Actor.Limits
	switch {
	case !l.IsPartner():
		return c.Actor.ID, "Comity token", orgOf(c.node.Config.Code)
	case l.Party != "":
		org = orgOf(l.Party)
	default:
		org = &misp.Org{UUID: misp.UUID(derive("partner", string(c.node.Config.Code)+"\n"+l.Partner)), Name: l.Partner}
	}
	return l.Partner, "Comity partner", org
}

// me tells whose the token is. PyMISP reads Role and UserSetting whatever comes.
func me(c *call) error {
	if len(c.at) != 1 || c.at[0] != "me" {
		return fault.New(fault.Denied, "", "a token sees its own officer alone: ask for me")
	}
	const id = "1"
	email, role, org := c.owner()
	pushes := c.mayPush()
	write(c.w, http.StatusOK, map[string]any{
		"User": map[string]any{
			"id": id, "org_id": id, "email": email, "server_id": "0", "autoalert": false, "invited_by": "0", "nids_sid": "0", "termsaccepted": true, "role_id": id,
			"change_pw": "0", "contactalert": false, "disabled": false, "expiration": nil, "current_login": "0", "last_login": "0", "force_logout": false,
		},
		"Role": map[string]any{
			"id": id, "name": role, "perm_add": pushes, "perm_modify": pushes, "perm_modify_org": false, "perm_publish": pushes, "perm_delegate": false, "perm_sync": pushes,
			"perm_admin": false, "perm_audit": false, "perm_auth": true, "perm_site_admin": false, "perm_regexp_access": false, "perm_tagger": false, "perm_template": false,
			"perm_sharing_group": false, "perm_tag_editor": false, "perm_sighting": c.mayTell(pushes), "perm_object_template": false, "perm_galaxy_editor": false,
		},
		"UserSetting":  map[string]any{},
		"Organisation": map[string]any{"id": id, "name": org.Name, "uuid": org.UUID},
	})
	return nil
}

// namespace is of the UUIDs that are made here: one that was drawn for them.
func namespace() [16]byte {
	return [16]byte{0x8e, 0x17, 0xc4, 0x52, 0x0b, 0x6d, 0x4a, 0x93, 0xb7, 0x20, 0x5f, 0xe1, 0x39, 0x84, 0xda, 0x66}
}

// derive is the same UUID for the same text, on every node and every start.
func derive(kind, text string) string {
	return stix.DeriveID("event", namespace(), []byte(kind+"\n"+text)).UUID()
}

func nodeUUID(code party.Code) string { return derive("node", string(code)) }
