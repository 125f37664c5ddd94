package misp

import (
	"maps"
	"slices"
)

// templates has, for object templates, where the value of a relation stands, in place of what its type alone would say. A relation that
// is not here goes by the attribute's type, as does everything in templates that we do not know.
var templates = map[string]map[string]func(string) []fact{
	"domain-ip": {"ip": address("domain-name:resolves_to_refs[*].value")},
	"file":      {"path": at("file:parent_directory_ref.path"), "filename": at("file:name"), "size-in-bytes": numbered("file:size", 1<<53-1)},
	"network-connection": {
		"ip-src": address("network-traffic:src_ref.value"), "ip-dst": address("network-traffic:dst_ref.value"),
		"hostname-src": at("network-traffic:src_ref.value"), "hostname-dst": at("network-traffic:dst_ref.value"),
		"src-port": numbered("network-traffic:src_port", 65535), "dst-port": numbered("network-traffic:dst_port", 65535),
		"layer3-protocol": protocol, "layer4-protocol": protocol, "layer7-protocol": protocol},
	"network-socket": {
		"ip-src": address("network-traffic:src_ref.value"), "ip-dst": address("network-traffic:dst_ref.value"),
		"hostname-src": at("network-traffic:src_ref.value"), "hostname-dst": at("network-traffic:dst_ref.value"),
		"src-port": numbered("network-traffic:src_port", 65535), "dst-port": numbered("network-traffic:dst_port", 65535), "protocol": protocol},
	"ip-port": {
		"ip": address("network-traffic:dst_ref.value"), "ip-src": address("network-traffic:src_ref.value"), "ip-dst": address("network-traffic:dst_ref.value"),
		"domain": at("network-traffic:dst_ref.value"), "hostname": at("network-traffic:dst_ref.value"),
		"src-port": numbered("network-traffic:src_port", 65535), "dst-port": numbered("network-traffic:dst_port", 65535), "protocol": protocol},
	"http-request": {"uri": at(httpValue), "method": at(httpMethod), "user-agent": at(requestHeader + "'User-Agent'"), "host": at("domain-name:value")},
	"email": {
		"from": when(isMail, at("email-message:from_ref.value")), "to": when(isMail, at("email-message:to_refs[*].value")),
		"cc": when(isMail, at("email-message:cc_refs[*].value")), "bcc": when(isMail, at("email-message:bcc_refs[*].value")),
		"subject": at("email-message:subject"), "email-body": at("email-message:body"), "message-id": at("email-message:message_id"),
		"reply-to": at(mailHeader + "'Reply-To'"), "x-mailer": at(mailHeader + "'X-Mailer'")},
	"x509": {
		"serial-number": at("x509-certificate:serial_number"), "issuer": at("x509-certificate:issuer"), "subject": at("x509-certificate:subject"),
		"version": at("x509-certificate:version"), "signature_algorithm": at("x509-certificate:signature_algorithm")},
	"registry-key": {
		"key": registry, "name": at("windows-registry-key:values[*].name"), "data": at("windows-registry-key:values[*].data")},
	"asn":     {"asn": system, "description": at("autonomous-system:name")},
	"process": {"command-line": at("process:command_line"), "pid": numbered("process:pid", 1<<53-1), "current-directory": at("process:cwd")},
	"user-account": {
		"username": at("user-account:account_login"), "user-id": at("user-account:user_id"), "display-name": at("user-account:display_name"),
		"account-type": at("user-account:account_type")},
	"credential":      {"username": at("user-account:account_login")},
	"mutex":           {"name": at("mutex:name")},
	"windows-service": {"name": at(service + "service_name"), "display": at(service + "display_name")},
	"software":        {"name": at("software:name"), "version": at("software:version"), "vendor": at("software:vendor")},
	"directory":       {"path": at("directory:path")},
}

func protocol(v string) []fact {
	lower := make([]byte, 0, len(v))
	for _, b := range []byte(v) {
		if b >= 'A' && b <= 'Z' {
			b += 'a' - 'A'
		}
		lower = append(lower, b)
	}
	return []fact{{path: "network-traffic:protocols[*]", value: string(lower)}}
}

// factsOf gives what an attribute of the object says.
func (o *Object) factsOf(a *Attribute) []fact {
	if f, ok := templates[o.Name][a.Relation]; ok {
		return f(string(a.Value))
	}
	return factsOf(a.Type, string(a.Value))
}

// Templates gives the names of the object templates that we know, in order.
func Templates() []string { return slices.Sorted(maps.Keys(templates)) }

// Relations gives the relations of a template that stand elsewhere than their attribute's type says, in order.
func Relations(template string) []string { return slices.Sorted(maps.Keys(templates[template])) }
