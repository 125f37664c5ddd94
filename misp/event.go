package misp

import (
	"github.com/go-json-experiment/json/jsontext"
)

// The types here have the members that the mapping knows. All others are in Rest, as they came, and are written again. Numbers and
// flags that came as strings, or the other way round, are written in MISP's own way; null, "" and an empty list are left out.

// Event is what MISP exchanges: one investigation, with what was observed in it.
type Event struct {
	UUID             UUID             `json:"uuid"`
	Info             string           `json:"info"`
	Date             string           `json:"date,omitzero"` // 2026-11-21
	Timestamp        Seconds          `json:"timestamp,omitzero"`
	Published        Flag             `json:"published"`
	PublishTimestamp Seconds          `json:"publish_timestamp,omitzero"`
	Analysis         Word             `json:"analysis,omitzero"`        // 0 begun, 1 under way, 2 complete
	ThreatLevel      Word             `json:"threat_level_id,omitzero"` // 1 high, 2 medium, 3 low, 4 not known
	Distribution     Distribution     `json:"distribution,omitzero"`
	SharingGroup     Word             `json:"sharing_group_id,omitzero"`
	Extends          UUID             `json:"extends_uuid,omitzero"`
	Org              *Org             `json:"Org,omitzero"`  // that holds the copy
	Orgc             *Org             `json:"Orgc,omitzero"` // that made it
	Tags             []Tag            `json:"Tag,omitempty"`
	Attributes       []Attribute      `json:"Attribute,omitempty"`
	Objects          []Object         `json:"Object,omitempty"`
	Reports          []EventReport    `json:"EventReport,omitempty"`
	Galaxies         []jsontext.Value `json:"Galaxy,omitempty"`
	Rest             jsontext.Value   `json:",embed"`
}

// Org is an organisation.
type Org struct {
	UUID UUID           `json:"uuid,omitzero"`
	Name string         `json:"name"`
	Rest jsontext.Value `json:",embed"`
}

// Tag is a label, such as tlp:green.
type Tag struct {
	Name   string         `json:"name"`
	Colour string         `json:"colour,omitzero"`
	Rest   jsontext.Value `json:",embed"`
}

// Attribute is one value and what it is.
type Attribute struct {
	UUID         UUID             `json:"uuid,omitzero"`
	Type         string           `json:"type"`
	Category     string           `json:"category,omitzero"`
	Value        Word             `json:"value"`
	ToIDs        Flag             `json:"to_ids"` // made to be searched for
	Comment      string           `json:"comment,omitzero"`
	Timestamp    Seconds          `json:"timestamp,omitzero"`
	Distribution Distribution     `json:"distribution,omitzero"`
	SharingGroup Word             `json:"sharing_group_id,omitzero"`
	Deleted      Flag             `json:"deleted,omitzero"`
	Relation     string           `json:"object_relation,omitzero"` // what it is in its object
	FirstSeen    string           `json:"first_seen,omitzero"`      // RFC 3339
	LastSeen     string           `json:"last_seen,omitzero"`
	Data         string           `json:"data,omitzero"` // base64 of an attachment
	Tags         []Tag            `json:"Tag,omitempty"`
	Sightings    []Sighting       `json:"Sighting,omitempty"`
	Galaxies     []jsontext.Value `json:"Galaxy,omitempty"`
	Rest         jsontext.Value   `json:",embed"`
}

// Object is attributes that are one thing, put together by a template.
type Object struct {
	UUID            UUID              `json:"uuid,omitzero"`
	Name            string            `json:"name"` // of the template
	Category        string            `json:"meta-category,omitzero"`
	Description     string            `json:"description,omitzero"`
	Template        UUID              `json:"template_uuid,omitzero"`
	TemplateVersion Word              `json:"template_version,omitzero"`
	Comment         string            `json:"comment,omitzero"`
	Timestamp       Seconds           `json:"timestamp,omitzero"`
	Distribution    Distribution      `json:"distribution,omitzero"`
	SharingGroup    Word              `json:"sharing_group_id,omitzero"`
	Deleted         Flag              `json:"deleted,omitzero"`
	FirstSeen       string            `json:"first_seen,omitzero"`
	LastSeen        string            `json:"last_seen,omitzero"`
	Attributes      []Attribute       `json:"Attribute,omitempty"`
	References      []ObjectReference `json:"ObjectReference,omitempty"`
	Rest            jsontext.Value    `json:",embed"`
}

// ObjectReference says how an object relates to another, or to an attribute.
type ObjectReference struct {
	UUID         UUID           `json:"uuid,omitzero"`
	Source       UUID           `json:"object_uuid,omitzero"`
	Referenced   UUID           `json:"referenced_uuid"`
	Relationship string         `json:"relationship_type"`
	Comment      string         `json:"comment,omitzero"`
	Timestamp    Seconds        `json:"timestamp,omitzero"`
	Deleted      Flag           `json:"deleted,omitzero"`
	Rest         jsontext.Value `json:",embed"`
}

// EventReport is a text in Markdown.
type EventReport struct {
	UUID         UUID           `json:"uuid,omitzero"`
	Name         string         `json:"name"`
	Content      string         `json:"content,omitzero"`
	Timestamp    Seconds        `json:"timestamp,omitzero"`
	Distribution Distribution   `json:"distribution,omitzero"`
	SharingGroup Word           `json:"sharing_group_id,omitzero"`
	Deleted      Flag           `json:"deleted,omitzero"`
	Tags         []Tag          `json:"Tag,omitempty"`
	Rest         jsontext.Value `json:",embed"`
}

// Sighting tells that an attribute was seen, was no hit after all, or has expired.
type Sighting struct {
	UUID      UUID           `json:"uuid,omitzero"`
	Type      Word           `json:"type,omitzero"` // 0 seen, 1 false positive, 2 expired
	Date      Seconds        `json:"date_sighting,omitzero"`
	Source    string         `json:"source,omitzero"`
	Attribute UUID           `json:"attribute_uuid,omitzero"`
	Org       *Org           `json:"Organisation,omitzero"`
	Rest      jsontext.Value `json:",embed"`
}

// Types of Sighting.
const (
	Seen          Word = "0"
	FalsePositive Word = "1"
	Expired       Word = "2"
)
