package stix

// This file is the standard's tables as data: for each type its properties, what each must be and which it cannot be without
// (STIX 2.1 §§4 to 7). check.go reads them. Only rules that the standard calls MUST stand here.

// class is what an object is, which says what common properties it needs.
type class int

const (
	inner      class = iota // not an object of its own: an extension, a list's entry
	domain                  // SDO, SRO, language-content, extension-definition: created and modified
	observable              // SCO
	definition              // marking-definition: created alone
)

// form is what a property's value must be.
type form int

const (
	anything form = iota
	text
	texts
	flag
	whole
	number
	stamp
	ref    // of one of the types in of; any where of is empty
	refs   // a list of them
	choice // one of the words in of
	choices
	digits // hexadecimal, an even number
	base64Form
	hashes
	dictionary
	uri
	phases
	things // a list of objects that have the entry's rule in of
	thing  // one such object
)

// property says what a value must be. of holds words with a space before and behind each.
type property struct {
	is       form
	of       string
	min, max int64 // of whole and number; both 0 for no bound but exact
}

type rule struct {
	class      class
	need       []string
	oneOf      []string // at least one of these must be there
	properties map[string]property
}

const (
	scos = " artifact autonomous-system directory domain-name email-addr email-message file ipv4-addr ipv6-addr mac-addr mutex" +
		" network-traffic process software url user-account windows-registry-key x509-certificate "
	addrs  = " ipv4-addr ipv6-addr "
	algos  = " AES-256-GCM ChaCha20-Poly1305 mime-type-indicated "
	agree  = " strongly-disagree disagree neutral agree strongly-agree "
	exts   = " new-sdo new-sco new-sro property-extension toplevel-property-extension "
	notSRO = "- relationship sighting bundle marking-definition language-content " // a minus sign: any type but these
	afs    = " AF_UNSPEC AF_INET AF_IPX AF_APPLETALK AF_NETBIOS AF_INET6 AF_IRDA AF_BTH "
	socks  = " SOCK_STREAM SOCK_DGRAM SOCK_RAW SOCK_RDM SOCK_SEQPACKET "
	starts = " SERVICE_AUTO_START SERVICE_BOOT_START SERVICE_DEMAND_START SERVICE_DISABLED SERVICE_SYSTEM_ALERT "
	sorts  = " SERVICE_KERNEL_DRIVER SERVICE_FILE_SYSTEM_DRIVER SERVICE_WIN32_OWN_PROCESS SERVICE_WIN32_SHARE_PROCESS "
	states = " SERVICE_CONTINUE_PENDING SERVICE_PAUSE_PENDING SERVICE_PAUSED SERVICE_RUNNING SERVICE_START_PENDING SERVICE_STOP_PENDING SERVICE_STOPPED "
	levels = " low medium high system "
	regs   = " REG_NONE REG_SZ REG_EXPAND_SZ REG_BINARY REG_DWORD REG_DWORD_BIG_ENDIAN REG_DWORD_LITTLE_ENDIAN REG_LINK REG_MULTI_SZ" +
		" REG_RESOURCE_LIST REG_FULL_RESOURCE_DESCRIPTION REG_RESOURCE_REQUIREMENTS_LIST REG_QWORD REG_INVALID_TYPE "
	most = 999_999_999
	// exact is the largest whole number that every reader of JSON has exactly (§2.10).
	exact = 1<<53 - 1
)

// commonRules are the properties that any object may have (§3.2), as far as Parse has not judged them.
var commonRules = map[string]property{
	"type": {}, "spec_version": {}, "id": {}, "created": {}, "modified": {}, "revoked": {}, "labels": {}, "confidence": {}, "lang": {}, "extensions": {},
	"created_by_ref":      {is: ref, of: " identity "},
	"external_references": {is: things, of: "external-reference"},
	"object_marking_refs": {is: refs, of: " marking-definition "},
	"granular_markings":   {is: things, of: "granular-marking"},
	"defanged":            {is: flag},
}

// rules has the types of §§4, 5, 7, domain and meta objects.
var rules = map[Type]rule{
	"attack-pattern": {class: domain, need: []string{"name"}, properties: map[string]property{
		"name": {is: text}, "description": {is: text}, "aliases": {is: texts}, "kill_chain_phases": {is: phases}}},
	"campaign": {class: domain, need: []string{"name"}, properties: map[string]property{
		"name": {is: text}, "description": {is: text}, "aliases": {is: texts}, "first_seen": {is: stamp}, "last_seen": {is: stamp}, "objective": {is: text}}},
	"course-of-action": {class: domain, need: []string{"name"}, properties: map[string]property{
		"name": {is: text}, "description": {is: text}}},
	"grouping": {class: domain, need: []string{"context", "object_refs"}, properties: map[string]property{
		"name": {is: text}, "description": {is: text}, "context": {is: text}, "object_refs": {is: refs}}},
	"identity": {class: domain, need: []string{"name"}, properties: map[string]property{
		"name": {is: text}, "description": {is: text}, "roles": {is: texts}, "identity_class": {is: text}, "sectors": {is: texts}, "contact_information": {is: text}}},
	"incident": {class: domain, need: []string{"name"}, properties: map[string]property{
		"name": {is: text}, "description": {is: text}}},
	"indicator": {class: domain, need: []string{"pattern", "pattern_type", "valid_from"}, properties: map[string]property{
		"name": {is: text}, "description": {is: text}, "indicator_types": {is: texts}, "pattern": {is: text}, "pattern_type": {is: text},
		"pattern_version": {is: text}, "valid_from": {is: stamp}, "valid_until": {is: stamp}, "kill_chain_phases": {is: phases}}},
	"infrastructure": {class: domain, need: []string{"name"}, properties: map[string]property{
		"name": {is: text}, "description": {is: text}, "infrastructure_types": {is: texts}, "aliases": {is: texts}, "kill_chain_phases": {is: phases},
		"first_seen": {is: stamp}, "last_seen": {is: stamp}}},
	"intrusion-set": {class: domain, need: []string{"name"}, properties: map[string]property{
		"name": {is: text}, "description": {is: text}, "aliases": {is: texts}, "first_seen": {is: stamp}, "last_seen": {is: stamp}, "goals": {is: texts},
		"resource_level": {is: text}, "primary_motivation": {is: text}, "secondary_motivations": {is: texts}}},
	"location": {class: domain, properties: map[string]property{
		"name": {is: text}, "description": {is: text}, "latitude": {is: number, min: -90, max: 90}, "longitude": {is: number, min: -180, max: 180},
		"precision": {is: number}, "region": {is: text}, "country": {is: text}, "administrative_area": {is: text}, "city": {is: text},
		"street_address": {is: text}, "postal_code": {is: text}}},
	"malware": {class: domain, need: []string{"is_family"}, properties: map[string]property{
		"name": {is: text}, "description": {is: text}, "malware_types": {is: texts}, "is_family": {is: flag}, "aliases": {is: texts}, "kill_chain_phases": {is: phases},
		"first_seen": {is: stamp}, "last_seen": {is: stamp}, "operating_system_refs": {is: refs, of: " software "}, "architecture_execution_envs": {is: texts},
		"implementation_languages": {is: texts}, "capabilities": {is: texts}, "sample_refs": {is: refs, of: " artifact file "}}},
	"malware-analysis": {class: domain, need: []string{"product"}, oneOf: []string{"result", "analysis_sco_refs"}, properties: map[string]property{
		"product": {is: text}, "version": {is: text}, "host_vm_ref": {is: ref, of: " software "}, "operating_system_ref": {is: ref, of: " software "},
		"installed_software_refs": {is: refs, of: " software "}, "configuration_version": {is: text}, "modules": {is: texts}, "analysis_engine_version": {is: text},
		"analysis_definition_version": {is: text}, "submitted": {is: stamp}, "analysis_started": {is: stamp}, "analysis_ended": {is: stamp}, "result_name": {is: text},
		"result": {is: text}, "analysis_sco_refs": {is: refs}, "sample_ref": {is: ref, of: " artifact file network-traffic "}}},
	"note": {class: domain, need: []string{"content", "object_refs"}, properties: map[string]property{
		"abstract": {is: text}, "content": {is: text}, "authors": {is: texts}, "object_refs": {is: refs}}},
	"observed-data": {class: domain, need: []string{"first_observed", "last_observed", "number_observed"}, oneOf: []string{"objects", "object_refs"}, properties: map[string]property{
		"first_observed": {is: stamp}, "last_observed": {is: stamp}, "number_observed": {is: whole, min: 1, max: most}, "objects": {is: dictionary}, "object_refs": {is: refs}}},
	"opinion": {class: domain, need: []string{"opinion", "object_refs"}, properties: map[string]property{
		"explanation": {is: text}, "authors": {is: texts}, "opinion": {is: choice, of: agree}, "object_refs": {is: refs}}},
	"report": {class: domain, need: []string{"name", "published", "object_refs"}, properties: map[string]property{
		"name": {is: text}, "description": {is: text}, "report_types": {is: texts}, "published": {is: stamp}, "object_refs": {is: refs}}},
	"threat-actor": {class: domain, need: []string{"name"}, properties: map[string]property{
		"name": {is: text}, "description": {is: text}, "threat_actor_types": {is: texts}, "aliases": {is: texts}, "first_seen": {is: stamp}, "last_seen": {is: stamp},
		"roles": {is: texts}, "goals": {is: texts}, "sophistication": {is: text}, "resource_level": {is: text}, "primary_motivation": {is: text},
		"secondary_motivations": {is: texts}, "personal_motivations": {is: texts}}},
	"tool": {class: domain, need: []string{"name"}, properties: map[string]property{
		"name": {is: text}, "description": {is: text}, "tool_types": {is: texts}, "aliases": {is: texts}, "kill_chain_phases": {is: phases}, "tool_version": {is: text}}},
	"vulnerability": {class: domain, need: []string{"name"}, properties: map[string]property{
		"name": {is: text}, "description": {is: text}}},
	"relationship": {class: domain, need: []string{"relationship_type", "source_ref", "target_ref"}, properties: map[string]property{
		"relationship_type": {is: text}, "description": {is: text}, "source_ref": {is: ref, of: notSRO}, "target_ref": {is: ref, of: notSRO},
		"start_time": {is: stamp}, "stop_time": {is: stamp}}},
	"sighting": {class: domain, need: []string{"sighting_of_ref"}, properties: map[string]property{
		"description": {is: text}, "first_seen": {is: stamp}, "last_seen": {is: stamp}, "count": {is: whole, max: most}, "sighting_of_ref": {is: ref, of: notSRO},
		"observed_data_refs": {is: refs, of: " observed-data "}, "where_sighted_refs": {is: refs, of: " identity location "}, "summary": {is: flag}}},
	"language-content": {class: domain, need: []string{"object_ref", "contents"}, properties: map[string]property{
		"object_ref": {is: ref, of: "- bundle language-content "}, "object_modified": {is: stamp}, "contents": {is: dictionary}}},
	"extension-definition": {class: domain, need: []string{"created_by_ref", "name", "schema", "version", "extension_types"}, properties: map[string]property{
		"name": {is: text}, "description": {is: text}, "schema": {is: text}, "version": {is: text}, "extension_types": {is: choices, of: exts}, "extension_properties": {is: texts}}},
	"marking-definition": {class: definition, properties: map[string]property{
		"name": {is: text}, "definition_type": {is: text}, "definition": {is: anything}}},
}

// inners has what stands inside objects, by the name of its kind or, for the predefined extensions, of its property.
var inners = map[string]rule{
	"external-reference": {need: []string{"source_name"}, oneOf: []string{"description", "url", "external_id"}, properties: map[string]property{
		"source_name": {is: text}, "description": {is: text}, "url": {is: uri}, "hashes": {is: hashes}, "external_id": {is: text}}},
	"granular-marking": {need: []string{"selectors"}, oneOf: []string{"marking_ref", "lang"}, properties: map[string]property{
		"selectors": {is: texts}, "marking_ref": {is: ref, of: " marking-definition "}, "lang": {is: text}}},
	"kill-chain-phase": {need: []string{"kill_chain_name", "phase_name"}, properties: map[string]property{
		"kill_chain_name": {is: text}, "phase_name": {is: text}}},
	"mime-part": {oneOf: []string{"body", "body_raw_ref"}, properties: map[string]property{
		"body": {is: text}, "body_raw_ref": {is: ref, of: " artifact file "}, "content_type": {is: text}, "content_disposition": {is: text}}},
	"registry-value": {oneOf: []string{"name", "data", "data_type"}, properties: map[string]property{
		"name": {is: text}, "data": {is: text}, "data_type": {is: choice, of: regs}}},
	"stream": {need: []string{"name"}, properties: map[string]property{
		"name": {is: text}, "hashes": {is: hashes}, "size": {is: whole, max: exact}}},
	"pe-section": {need: []string{"name"}, properties: map[string]property{
		"name": {is: text}, "size": {is: whole, max: exact}, "entropy": {is: number}, "hashes": {is: hashes}}},
	"x509-v3": {properties: map[string]property{
		"private_key_usage_period_not_before": {is: stamp}, "private_key_usage_period_not_after": {is: stamp}}},
	"archive-ext": {need: []string{"contains_refs"}, properties: map[string]property{
		"contains_refs": {is: refs, of: " file directory "}, "comment": {is: text}}},
	"ntfs-ext": {oneOf: []string{"sid", "alternate_data_streams"}, properties: map[string]property{
		"sid": {is: text}, "alternate_data_streams": {is: things, of: "stream"}}},
	"pdf-ext": {oneOf: []string{"version", "is_optimized", "document_info_dict", "pdfid0", "pdfid1"}, properties: map[string]property{
		"version": {is: text}, "is_optimized": {is: flag}, "document_info_dict": {is: dictionary}, "pdfid0": {is: text}, "pdfid1": {is: text}}},
	"raster-image-ext": {oneOf: []string{"image_height", "image_width", "bits_per_pixel", "exif_tags"}, properties: map[string]property{
		"image_height": {is: whole}, "image_width": {is: whole}, "bits_per_pixel": {is: whole}, "exif_tags": {is: dictionary}}},
	"windows-pebinary-ext": {need: []string{"pe_type"}, oneOf: []string{"imphash", "machine_hex", "number_of_sections", "time_date_stamp", "pointer_to_symbol_table_hex",
		"number_of_symbols", "size_of_optional_header", "characteristics_hex", "file_header_hashes", "optional_header", "sections"}, properties: map[string]property{
		"pe_type": {is: text}, "imphash": {is: text}, "machine_hex": {is: digits}, "number_of_sections": {is: whole, max: exact}, "time_date_stamp": {is: stamp},
		"pointer_to_symbol_table_hex": {is: digits}, "number_of_symbols": {is: whole, max: exact}, "size_of_optional_header": {is: whole, max: exact},
		"characteristics_hex": {is: digits}, "file_header_hashes": {is: hashes}, "optional_header": {is: dictionary}, "sections": {is: things, of: "pe-section"}}},
	"http-request-ext": {need: []string{"request_method", "request_value"}, properties: map[string]property{
		"request_method": {is: text}, "request_value": {is: text}, "request_version": {is: text}, "request_header": {is: dictionary},
		"message_body_length": {is: whole}, "message_body_data_ref": {is: ref, of: " artifact "}}},
	"icmp-ext": {need: []string{"icmp_type_hex", "icmp_code_hex"}, properties: map[string]property{
		"icmp_type_hex": {is: digits}, "icmp_code_hex": {is: digits}}},
	"socket-ext": {need: []string{"address_family"}, properties: map[string]property{
		"address_family": {is: choice, of: afs}, "is_blocking": {is: flag}, "is_listening": {is: flag}, "options": {is: dictionary},
		"socket_type": {is: choice, of: socks}, "socket_descriptor": {is: whole, max: exact}, "socket_handle": {is: whole}}},
	"tcp-ext": {oneOf: []string{"src_flags_hex", "dst_flags_hex"}, properties: map[string]property{
		"src_flags_hex": {is: digits}, "dst_flags_hex": {is: digits}}},
	"windows-process-ext": {oneOf: []string{"aslr_enabled", "dep_enabled", "priority", "owner_sid", "window_title", "startup_info", "integrity_level"}, properties: map[string]property{
		"aslr_enabled": {is: flag}, "dep_enabled": {is: flag}, "priority": {is: text}, "owner_sid": {is: text}, "window_title": {is: text},
		"startup_info": {is: dictionary}, "integrity_level": {is: choice, of: levels}}},
	"windows-service-ext": {oneOf: []string{"service_name", "descriptions", "display_name", "group_name", "start_type", "service_dll_refs", "service_type", "service_status"}, properties: map[string]property{
		"service_name": {is: text}, "descriptions": {is: texts}, "display_name": {is: text}, "group_name": {is: text}, "start_type": {is: choice, of: starts},
		"service_dll_refs": {is: refs, of: " file "}, "service_type": {is: choice, of: sorts}, "service_status": {is: choice, of: states}}},
	"unix-account-ext": {oneOf: []string{"gid", "groups", "home_dir", "shell"}, properties: map[string]property{
		"gid": {is: whole}, "groups": {is: texts}, "home_dir": {is: text}, "shell": {is: text}}},
}
