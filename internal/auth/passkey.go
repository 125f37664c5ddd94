package auth

import (
	"bytes"
	"crypto/ecdh"
	"crypto/rand"
	"errors"
	"net/url"
	"slices"
	"strings"
	"unicode"
	"unicode/utf8"

	"github.com/go-json-experiment/json"
	webjson "github.com/go-json-experiment/json/v1"
	"github.com/go-webauthn/webauthn/protocol"
	"github.com/go-webauthn/webauthn/webauthn"

	"github.com/comity-exchange/comity/desk/office"
	"github.com/comity-exchange/comity/fault"
	"github.com/comity-exchange/comity/internal/store"
	"github.com/comity-exchange/comity/statement"
	"github.com/comity-exchange/comity/thread"
)

const maxPasskeys = 16 // of one officer

// The purposes of tickets.
const (
	passkeyLogin = "passkey-login"
	passkeyAdd   = "passkey-add"
)

// Passkeys are a registry's, bound to the one origin that officers' browsers see: a page elsewhere that looks the same gets nothing that counts here. It is safe
// for concurrent use.
type Passkeys struct {
	*Registry
	site  *webauthn.WebAuthn
	name  string // of the party
	decoy []byte // a public key that nobody has the private part of
}

// Passkeys binds them to an origin, like https://desk.xa.example. Error: fault.Usage for one that browsers take none for.
func (r *Registry) Passkeys(origin, name string) (*Passkeys, error) {
	u, err := url.Parse(origin)
	if err != nil || u.Hostname() == "" {
		return nil, fault.Wrap(err, fault.Usage, "", "web_url is no URL")
	}
	required := true
	site, err := webauthn.New(&webauthn.Config{
		RPID: u.Hostname(), RPDisplayName: "Comity " + name, RPOrigins: []string{origin},
		AttestationPreference: protocol.PreferNoAttestation,
		AuthenticatorSelection: protocol.AuthenticatorSelection{
			RequireResidentKey: &required, ResidentKey: protocol.ResidentKeyRequirementRequired, UserVerification: protocol.VerificationRequired,
		},
	})
	if err != nil {
		return nil, fault.Wrap(err, fault.Usage, "", "passkeys cannot be bound to %s: they take a name, and no number", u.Hostname())
	}
	decoy, err := newDecoy()
	return &Passkeys{r, site, name, decoy}, err
}

// newDecoy makes a public key as COSE has it (RFC 9053, 7.1.1), whose private part is forgotten at once.
func newDecoy() ([]byte, error) {
	k, err := ecdh.P256().GenerateKey(rand.Reader)
	if err != nil {
		return nil, fault.Wrap(err, fault.Internal, "", "no key can be made")
	}
	point := k.PublicKey().Bytes()[1:] // x and y, 32 bytes each
	cose := append([]byte{0xa5, 1, 2, 3, 0x26, 0x20, 1, 0x21, 0x58, 32}, point[:32]...)
	return append(append(cose, 0x22, 0x58, 32), point[32:]...), nil
}

// holder is an officer as passkeys know one. What a device keeps is a handle that says nothing outside this node.
type holder struct {
	id, shown   string
	handle      []byte
	credentials []webauthn.Credential
}

func (h *holder) WebAuthnID() []byte                         { return h.handle }
func (h *holder) WebAuthnName() string                       { return h.shown }
func (h *holder) WebAuthnDisplayName() string                { return h.shown }
func (h *holder) WebAuthnCredentials() []webauthn.Credential { return h.credentials }

func (p *Passkeys) holder(id string, rows ...store.Passkey) (*holder, error) {
	handle := p.mark("handle", []byte(id))
	h := &holder{id: id, shown: id + " · " + p.name, handle: handle[:]}
	for _, row := range rows {
		var c webauthn.Credential
		if err := json.Unmarshal(row.Record, &c); err != nil || !bytes.Equal(c.ID, row.ID) {
			return nil, fault.Wrap(err, fault.Internal, "", "the record of a passkey is damaged")
		}
		c.Authenticator.SignCount = uint32(row.Count)
		h.credentials = append(h.credentials, c)
	}
	return h, nil
}

// BeginLogin begins signing in: options are for the browser, ticket is what it keeps for the node. It names no officer, and is the same for whoever asks.
func (p *Passkeys) BeginLogin(now statement.Time) (options []byte, ticket string, err error) {
	o, data, err := p.site.BeginDiscoverableLogin()
	return p.begun(passkeyLogin, o, data, err, now)
}

func (p *Passkeys) begun(purpose string, options any, data *webauthn.SessionData, err error, now statement.Time) ([]byte, string, error) {
	if err != nil {
		return nil, "", fault.Wrap(err, fault.Internal, "", "a passkey cannot be asked for")
	}
	text, err := webjson.Marshal(options) // tagged for the standard library's meaning of empty
	kept, kerr := json.Marshal(data)
	if err := errors.Join(err, kerr); err != nil {
		return nil, "", fault.Wrap(err, fault.Internal, "", "what a passkey is asked cannot be written")
	}
	ticket, err := p.Seal(purpose, kept, now)
	return text, ticket, err
}

func (p *Passkeys) resume(purpose, ticket string, now statement.Time) (t Ticket, data webauthn.SessionData, err error) {
	if t, err = p.Unseal(purpose, ticket, now); err == nil {
		if err = json.Unmarshal(t.Data, &data); err != nil {
			err = fault.Wrap(err, fault.Internal, "", "a ticket holds something else")
		}
	}
	return t, data, err
}

// Shown is a passkey that was shown, with a signature that is right.
type Shown struct {
	Officer string
	Copied  bool // its count went back, as that of a copy would: nobody is let in

	Record thread.ID // the officer's
	id     []byte
	count  int64
	ticket Ticket
}

// Check holds a browser's answer against the passkey that it names. It writes nothing: Admit does. What is wrong with what does not count is not told, but to the
// log, as cause. Whose passkey it says to be is in Officer even then, where there is such a passkey.
func (p *Passkeys) Check(tx store.Tx, ticket string, answer []byte, now statement.Time) (s Shown, err error) {
	no := func(err error) error {
		if c := fault.CodeOf(err); c == fault.Unavailable || c == fault.Canceled {
			return err // the store, and not the passkey
		}
		return fault.Wrap(err, fault.Denied, "", "this passkey does not let in, or not any more: an administrator makes a one-time link")
	}
	var data webauthn.SessionData
	if s.ticket, data, err = p.resume(passkeyLogin, ticket, now); err != nil {
		return s, no(err)
	}
	parsed, err := protocol.ParseCredentialRequestResponseBytes(answer)
	if err != nil {
		return s, no(err)
	}
	row, err := tx.Passkey(parsed.RawID)
	var h *holder
	switch {
	case err == nil:
		s.Officer, s.id = row.Officer, row.ID
		h, err = p.holder(row.Officer, row)
	case fault.CodeOf(err) == fault.NotFound: // it takes as long to be refused as one that is known here
		h, err = &holder{handle: parsed.Response.UserHandle, credentials: []webauthn.Credential{{ID: parsed.RawID, PublicKey: p.decoy}}}, nil
	}
	if err != nil {
		return s, no(err)
	}
	c, err := p.site.ValidateDiscoverableLogin(func(_, _ []byte) (webauthn.User, error) { return h, nil }, data, parsed)
	if err != nil {
		return s, no(err)
	}
	o, err := tx.Officer(row.Officer)
	if err != nil || o.Disabled {
		return s, no(err)
	}
	s.Record, s.Copied, s.count = o.Record, c.Authenticator.CloneWarning, int64(parsed.Response.AuthenticatorData.Counter)
	return s, nil
}

// Admit opens a session for whom s has shown. Everything is looked at again: somebody else may have come between.
func (r *Registry) Admit(tx store.Tx, s Shown, session Secret, now statement.Time) error {
	no := fault.New(fault.Denied, "", "this passkey does not let in, or not any more: an administrator makes a one-time link")
	row, err := tx.Passkey(s.id)
	if fault.CodeOf(err) == fault.NotFound {
		return no
	}
	if err != nil {
		return err
	}
	o, err := tx.Officer(row.Officer)
	if err != nil {
		return err
	}
	if s.Copied || o.ID != s.Officer || o.Disabled || s.count <= row.Count && (s.count != 0 || row.Count != 0) {
		return no
	}
	row.LastUsed, row.Count = now, s.count
	if err := s.ticket.Spend(tx); err != nil {
		return err
	}
	return errors.Join(tx.PutPasskey(row), r.OpenSession(tx, o.ID, ByPasskey, session, now))
}

// Doubt is the record of a passkey that may have been copied. It changes nothing: who has the key whose count is ahead goes on.
func (r *Registry) Doubt(s Shown) Change {
	return Change{
		Kind: office.KindDoubt, Record: s.Record, Facts: office.Bind{Way: office.WayPasskey, Name: r.PasskeyName(s.id)},
		Put: func(store.Tx, thread.ID) error { return nil },
	}
}

// PasskeyName is by what a passkey is listed and dropped. It opens nothing.
func (r *Registry) PasskeyName(id []byte) string { return nameOf(r.mark("passkey", id)) }

// BeginAdd begins adding a passkey for by, who has signed in lately.
func (p *Passkeys) BeginAdd(tx store.Tx, by Actor, now statement.Time) (options []byte, ticket string, err error) {
	if err := p.mayBind(tx, by, now); err != nil {
		return nil, "", err
	}
	rows, err := p.passkeys(tx, by.ID)
	if err != nil {
		return nil, "", err
	}
	h, err := p.holder(by.ID, rows...)
	if err != nil {
		return nil, "", err
	}
	var known []protocol.CredentialDescriptor
	for _, c := range h.credentials {
		known = append(known, c.Descriptor())
	}
	o, data, err := p.site.BeginRegistration(h, webauthn.WithExclusions(known))
	return p.begun(passkeyAdd, o, data, err, now)
}

// mayBind refuses whoever may not add a way in: nobody adds one for another officer.
func (r *Registry) mayBind(tx store.Tx, by Actor, now statement.Time) error {
	o, err := r.officer(tx, by.ID)
	if err != nil {
		return err
	}
	if err := r.may(tx, by, ManageWays, o); err != nil {
		return err
	}
	return fresh(by, now)
}

func (r *Registry) passkeys(tx store.Tx, id string) (rows []store.Passkey, err error) {
	err = tx.EachPasskey(id, func(row store.Passkey) bool {
		rows = append(rows, row)
		return true
	})
	return rows, err
}

// Add takes a browser's answer to BeginAdd: the passkey lets by in from then on.
func (p *Passkeys) Add(tx store.Tx, by Actor, name, ticket string, answer []byte, now statement.Time) (Change, error) {
	if err := p.mayBind(tx, by, now); err != nil {
		return Change{}, err
	}
	if name = strings.TrimSpace(name); name == "" || len(name) > maxName || !utf8.ValidString(name) || strings.ContainsFunc(name, func(c rune) bool { return unicode.In(c, unicode.Cc, unicode.Cf) }) {
		return Change{}, fault.New(fault.Usage, "", "a passkey gets a name of 1 to 200 bytes without control characters, like the device's")
	}
	t, data, err := p.resume(passkeyAdd, ticket, now)
	if err != nil {
		return Change{}, err
	}
	h, err := p.holder(by.ID)
	if err != nil {
		return Change{}, err
	}
	parsed, err := protocol.ParseCredentialCreationResponseBytes(answer)
	var c *webauthn.Credential
	if err == nil {
		c, err = p.site.CreateCredential(h, data, parsed) // it holds the ticket's officer against by
	}
	if err != nil {
		return Change{}, fault.Wrap(err, fault.Denied, "", "this is no passkey that this node takes: begin again")
	}
	rows, err := p.passkeys(tx, by.ID)
	if err != nil {
		return Change{}, err
	}
	if len(rows) >= maxPasskeys {
		return Change{}, fault.New(fault.Quota, "", "an officer has at most %d passkeys: drop one first", maxPasskeys)
	}
	if _, err := tx.Passkey(c.ID); fault.CodeOf(err) != fault.NotFound {
		return Change{}, orExists(err, "this passkey is known here already")
	}
	c.Attestation = webauthn.CredentialAttestation{} // who made the device is not asked for
	record, err := json.Marshal(c)
	if err != nil {
		return Change{}, fault.Wrap(err, fault.Internal, "", "a passkey cannot be written")
	}
	o, err := p.officer(tx, by.ID)
	if err != nil {
		return Change{}, err
	}
	row := store.Passkey{ID: c.ID, Officer: o.ID, Name: name, Record: record, Made: now, Count: int64(c.Authenticator.SignCount)}
	return Change{
		Kind: office.KindBind, Record: o.Record, Facts: office.Bind{Way: office.WayPasskey, Name: p.PasskeyName(c.ID)},
		Put: func(tx store.Tx, _ thread.ID) error {
			if err := t.Spend(tx); err != nil {
				return err
			}
			return tx.PutPasskey(row)
		},
	}, nil
}

// orExists is err, or that something is there already.
func orExists(err error, says string) error {
	if err == nil {
		err = fault.New(fault.Exists, "", "%s", says)
	}
	return err
}

// DropPasskey makes a passkey good for nothing, by its name. last says that it may be the last way in of an officer who drops an own one. It signs its officer out
// elsewhere: whoever has the device may be signed in by it.
func (r *Registry) DropPasskey(tx store.Tx, by Actor, name string, last bool) (Change, error) {
	var row store.Passkey
	err := tx.EachPasskey("", func(p store.Passkey) bool {
		if r.PasskeyName(p.ID) == name {
			row = p
		}
		return row.ID == nil
	})
	if err == nil && row.ID == nil {
		err = fault.New(fault.NotFound, "", "there is no such passkey, or not any more")
	}
	if err != nil {
		return Change{}, err
	}
	return r.unbind(tx, by, row.Officer, office.Bind{Way: office.WayPasskey, Name: name}, last, func(tx store.Tx) error { return tx.DropPasskey(row.ID) })
}

// unbind is what DropPasskey and DropIdentity have in common.
func (r *Registry) unbind(tx store.Tx, by Actor, id string, facts office.Bind, last bool, drop func(tx store.Tx) error) (Change, error) {
	o, err := r.officer(tx, id)
	if err != nil {
		return Change{}, err
	}
	if err := r.may(tx, by, ManageWays, o); err != nil {
		return Change{}, err
	}
	if by.ID == o.ID && !last {
		left, err := r.waysIn(tx, o.ID)
		if err != nil {
			return Change{}, err
		}
		if left <= 1 {
			return Change{}, fault.New(fault.Inadmissible, "", "this is your last way in: without it you take a one-time link from an administrator; say so, if it is to go")
		}
	}
	return Change{
		Kind: office.KindUnbind, Record: o.Record, Facts: facts,
		Put: func(tx store.Tx, _ thread.ID) error {
			elsewhere := func(s store.Session) bool { return SessionName(s.Hash) != by.Session }
			return errors.Join(drop(tx), r.closeWhere(tx, o.ID, elsewhere))
		},
	}, nil
}

// waysIn counts an officer's passkeys and identities.
func (r *Registry) waysIn(tx store.Tx, id string) (n int, err error) {
	rows, err := r.passkeys(tx, id)
	if err != nil {
		return 0, err
	}
	n = len(rows)
	err = tx.EachIdentity(id, func(store.Identity) bool {
		n++
		return true
	})
	return n, err
}

// Held lists the passkeys of an officer, the oldest first.
func (r *Registry) Held(tx store.Tx, id string) ([]store.Passkey, error) {
	rows, err := r.passkeys(tx, id)
	slices.SortStableFunc(rows, func(a, b store.Passkey) int { return a.Made.Compare(b.Made) })
	return rows, err
}
