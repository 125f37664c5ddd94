package stix

import "strings"

// Indicator makes an indicator. PatternType is "stix" where it is "".
type Indicator struct {
	Common
	Name, Description     string
	Types                 []string // indicator_types
	Pattern, PatternType  string
	ValidFrom, ValidUntil Timestamp
	KillChain             []Phase
}

// Phase is one phase of a kill chain.
type Phase struct {
	Chain string `json:"kill_chain_name"`
	Name  string `json:"phase_name"`
}

// Object writes the indicator. See Domain.Object.
func (i Indicator) Object() (*Object, error) {
	if i.PatternType == "" {
		i.PatternType = "stix"
	}
	return Domain{i.Common, "indicator", []Property{
		{"name", i.Name}, {"description", i.Description}, {"indicator_types", i.Types}, {"pattern", i.Pattern}, {"pattern_type", i.PatternType},
		{"valid_from", i.ValidFrom}, {"valid_until", i.ValidUntil}, {"kill_chain_phases", i.KillChain}}}.Object()
}

// Identity makes an identity.
type Identity struct {
	Common
	Name, Description string
	Roles             []string
	Class             string // identity_class
	Sectors           []string
	Contact           string
}

// Object writes the identity. See Domain.Object.
func (i Identity) Object() (*Object, error) {
	return Domain{i.Common, "identity", []Property{
		{"name", i.Name}, {"description", i.Description}, {"roles", i.Roles}, {"identity_class", i.Class}, {"sectors", i.Sectors},
		{"contact_information", i.Contact}}}.Object()
}

// Relationship makes a relationship.
type Relationship struct {
	Common
	Type           string // relationship_type
	Description    string
	Source, Target ID
	Start, Stop    Timestamp
}

// Object writes the relationship. See Domain.Object.
func (r Relationship) Object() (*Object, error) {
	return Domain{r.Common, "relationship", []Property{
		{"relationship_type", r.Type}, {"description", r.Description}, {"source_ref", r.Source}, {"target_ref", r.Target},
		{"start_time", r.Start}, {"stop_time", r.Stop}}}.Object()
}

// Sighting makes a sighting.
type Sighting struct {
	Common
	Description         string
	FirstSeen, LastSeen Timestamp
	Count               *int
	Of                  ID
	ObservedData, Where []ID
	Summary             bool
}

// Object writes the sighting. See Domain.Object.
func (s Sighting) Object() (*Object, error) {
	return Domain{s.Common, "sighting", []Property{
		{"description", s.Description}, {"first_seen", s.FirstSeen}, {"last_seen", s.LastSeen}, {"count", s.Count}, {"sighting_of_ref", s.Of},
		{"observed_data_refs", s.ObservedData}, {"where_sighted_refs", s.Where}, {"summary", whenTrue(s.Summary)}}}.Object()
}

// ObservedData makes observed data.
type ObservedData struct {
	Common
	First, Last Timestamp
	Count       int // number_observed
	Refs        []ID
}

// Object writes the observed data. See Domain.Object.
func (d ObservedData) Object() (*Object, error) {
	return Domain{d.Common, "observed-data", []Property{
		{"first_observed", d.First}, {"last_observed", d.Last}, {"number_observed", d.Count}, {"object_refs", d.Refs}}}.Object()
}

// Report makes a report.
type Report struct {
	Common
	Name, Description string
	Types             []string // report_types
	Published         Timestamp
	Refs              []ID
}

// Object writes the report. See Domain.Object.
func (r Report) Object() (*Object, error) {
	return Domain{r.Common, "report", []Property{
		{"name", r.Name}, {"description", r.Description}, {"report_types", r.Types}, {"published", r.Published}, {"object_refs", r.Refs}}}.Object()
}

// Statement makes a marking-definition that is a statement, such as a copyright. Of Common it uses what a marking-definition may have.
type Statement struct {
	Common
	Name, Text string
}

// Object writes the marking-definition. See Domain.Object.
func (s Statement) Object() (*Object, error) {
	return Domain{s.Common.ofDefinition(), "marking-definition", []Property{
		{"name", s.Name}, {"definition_type", "statement"}, {"definition", map[string]string{"statement": s.Text}}}}.Object()
}

// PolicyMarking makes a marking-definition that is an Information Exchange Policy, by the extension that OASIS publishes for it.
type PolicyMarking struct {
	Common
	Policy Policy
}

// Object writes the marking-definition. See Domain.Object.
func (p PolicyMarking) Object() (*Object, error) {
	x := map[string]string{"extension_type": "property-extension", "iep_version": "2.0"}
	for name, value := range map[string]string{
		"iep_id": p.Policy.ID, "name": p.Policy.Name, "encrypt_in_transit": p.Policy.EncryptInTransit, "permitted_actions": p.Policy.PermittedActions,
		"affected_party_notifications": p.Policy.Notifications, "tlp": strings.ToLower(string(p.Policy.TLP)), "provider_attribution": p.Policy.Attribution,
		"unmodified_resale": p.Policy.UnmodifiedResale,
	} {
		if value != "" {
			x[name] = value
		}
	}
	d := Domain{Common: p.Common.ofDefinition(), Type: "marking-definition", Properties: []Property{{"name", p.Policy.Name}}}
	d.Custom = append(d.Custom, Property{"extensions", map[string]any{iepExtension: x}})
	return d.Object()
}

// ofDefinition leaves what a marking-definition may have: it has no versions (§7.2.1).
func (c Common) ofDefinition() Common {
	return Common{ID: c.ID, CreatedBy: c.CreatedBy, Created: c.Created, References: c.References, Markings: c.Markings, Granular: c.Granular, Custom: c.Custom}
}
