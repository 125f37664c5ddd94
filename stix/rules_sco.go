package stix

// observables has the types of §6.
var observables = map[Type]rule{
	"artifact": {class: observable, oneOf: []string{"payload_bin", "url"}, properties: map[string]property{
		"mime_type": {is: text}, "payload_bin": {is: base64Form}, "url": {is: uri}, "hashes": {is: hashes}, "encryption_algorithm": {is: choice, of: algos}, "decryption_key": {is: text}}},
	"autonomous-system": {class: observable, need: []string{"number"}, properties: map[string]property{
		"number": {is: whole, max: 1<<32 - 1}, "name": {is: text}, "rir": {is: text}}},
	"directory": {class: observable, need: []string{"path"}, properties: map[string]property{
		"path": {is: text}, "path_enc": {is: text}, "ctime": {is: stamp}, "mtime": {is: stamp}, "atime": {is: stamp}, "contains_refs": {is: refs, of: " file directory "}}},
	"domain-name": {class: observable, need: []string{"value"}, properties: map[string]property{
		"value": {is: text}, "resolves_to_refs": {is: refs, of: " ipv4-addr ipv6-addr domain-name "}}},
	"email-addr": {class: observable, need: []string{"value"}, properties: map[string]property{
		"value": {is: text}, "display_name": {is: text}, "belongs_to_ref": {is: ref, of: " user-account "}}},
	"email-message": {class: observable, need: []string{"is_multipart"}, properties: map[string]property{
		"is_multipart": {is: flag}, "date": {is: stamp}, "content_type": {is: text}, "from_ref": {is: ref, of: " email-addr "}, "sender_ref": {is: ref, of: " email-addr "},
		"to_refs": {is: refs, of: " email-addr "}, "cc_refs": {is: refs, of: " email-addr "}, "bcc_refs": {is: refs, of: " email-addr "}, "message_id": {is: text},
		"subject": {is: text}, "received_lines": {is: texts}, "additional_header_fields": {is: dictionary}, "body": {is: text},
		"body_multipart": {is: things, of: "mime-part"}, "raw_email_ref": {is: ref, of: " artifact "}}},
	"file": {class: observable, oneOf: []string{"hashes", "name"}, properties: map[string]property{
		"hashes": {is: hashes}, "size": {is: whole, max: exact}, "name": {is: text}, "name_enc": {is: text}, "magic_number_hex": {is: digits}, "mime_type": {is: text},
		"ctime": {is: stamp}, "mtime": {is: stamp}, "atime": {is: stamp}, "parent_directory_ref": {is: ref, of: " directory "}, "contains_refs": {is: refs},
		"content_ref": {is: ref, of: " artifact "}}},
	"ipv4-addr": {class: observable, need: []string{"value"}, properties: map[string]property{
		"value": {is: text}, "resolves_to_refs": {is: refs, of: " mac-addr "}, "belongs_to_refs": {is: refs, of: " autonomous-system "}}},
	"ipv6-addr": {class: observable, need: []string{"value"}, properties: map[string]property{
		"value": {is: text}, "resolves_to_refs": {is: refs, of: " mac-addr "}, "belongs_to_refs": {is: refs, of: " autonomous-system "}}},
	"mac-addr": {class: observable, need: []string{"value"}, properties: map[string]property{"value": {is: text}}},
	"mutex":    {class: observable, need: []string{"name"}, properties: map[string]property{"name": {is: text}}},
	"network-traffic": {class: observable, need: []string{"protocols"}, oneOf: []string{"src_ref", "dst_ref"}, properties: map[string]property{
		"start": {is: stamp}, "end": {is: stamp}, "is_active": {is: flag}, "src_ref": {is: ref, of: addrs + "mac-addr domain-name "}, "dst_ref": {is: ref, of: addrs + "mac-addr domain-name "},
		"src_port": {is: whole, max: 65535}, "dst_port": {is: whole, max: 65535}, "protocols": {is: texts}, "src_byte_count": {is: whole, max: exact},
		"dst_byte_count": {is: whole, max: exact}, "src_packets": {is: whole, max: exact}, "dst_packets": {is: whole, max: exact}, "ipfix": {is: dictionary},
		"src_payload_ref": {is: ref, of: " artifact "}, "dst_payload_ref": {is: ref, of: " artifact "}, "encapsulates_refs": {is: refs, of: " network-traffic "},
		"encapsulated_by_ref": {is: ref, of: " network-traffic "}}},
	"process": {class: observable, oneOf: []string{"extensions", "is_hidden", "pid", "created_time", "cwd", "command_line", "environment_variables",
		"opened_connection_refs", "creator_user_ref", "image_ref", "parent_ref", "child_refs"}, properties: map[string]property{
		"is_hidden": {is: flag}, "pid": {is: whole}, "created_time": {is: stamp}, "cwd": {is: text}, "command_line": {is: text}, "environment_variables": {is: dictionary},
		"opened_connection_refs": {is: refs, of: " network-traffic "}, "creator_user_ref": {is: ref, of: " user-account "}, "image_ref": {is: ref, of: " file "},
		"parent_ref": {is: ref, of: " process "}, "child_refs": {is: refs, of: " process "}}},
	"software": {class: observable, need: []string{"name"}, properties: map[string]property{
		"name": {is: text}, "cpe": {is: text}, "swid": {is: text}, "languages": {is: texts}, "vendor": {is: text}, "version": {is: text}}},
	"url": {class: observable, need: []string{"value"}, properties: map[string]property{"value": {is: uri}}},
	"user-account": {class: observable, oneOf: []string{"extensions", "user_id", "credential", "account_login", "account_type", "display_name", "is_service_account",
		"is_privileged", "can_escalate_privs", "is_disabled", "account_created", "account_expires", "credential_last_changed", "account_first_login",
		"account_last_login"}, properties: map[string]property{
		"user_id": {is: text}, "credential": {is: text}, "account_login": {is: text}, "account_type": {is: text}, "display_name": {is: text}, "is_service_account": {is: flag},
		"is_privileged": {is: flag}, "can_escalate_privs": {is: flag}, "is_disabled": {is: flag}, "account_created": {is: stamp}, "account_expires": {is: stamp},
		"credential_last_changed": {is: stamp}, "account_first_login": {is: stamp}, "account_last_login": {is: stamp}}},
	"windows-registry-key": {class: observable, oneOf: []string{"key", "values", "modified_time", "creator_user_ref", "number_of_subkeys"}, properties: map[string]property{
		"key": {is: text}, "values": {is: things, of: "registry-value"}, "modified_time": {is: stamp}, "creator_user_ref": {is: ref, of: " user-account "}, "number_of_subkeys": {is: whole}}},
	"x509-certificate": {class: observable, oneOf: []string{"is_self_signed", "hashes", "version", "serial_number", "signature_algorithm", "issuer", "validity_not_before",
		"validity_not_after", "subject", "subject_public_key_algorithm", "subject_public_key_modulus", "subject_public_key_exponent", "x509_v3_extensions"}, properties: map[string]property{
		"is_self_signed": {is: flag}, "hashes": {is: hashes}, "version": {is: text}, "serial_number": {is: text}, "signature_algorithm": {is: text}, "issuer": {is: text},
		"validity_not_before": {is: stamp}, "validity_not_after": {is: stamp}, "subject": {is: text}, "subject_public_key_algorithm": {is: text},
		"subject_public_key_modulus": {is: text}, "subject_public_key_exponent": {is: whole}, "x509_v3_extensions": {is: thing, of: "x509-v3"}}},
}
