package page

import "time"

// ContactParty is a party with its points of contact.
type ContactParty struct {
	Code      string
	Name      string
	Own       bool
	Confirmed time.Time // when its letter was
	Issued    time.Time // when it wrote it
	Contacts  []ContactRow
}

// ContactRow is a point of contact.
type ContactRow struct {
	Role      string
	Name      string
	Email     string
	Mail      string // the same as an address in a link
	Phone     string
	Dial      string // the same as a link dials it
	Hours     string
	Duty      string // "on-duty", "off-duty" or "unstated"
	Languages string
}
