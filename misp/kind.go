package misp

import (
	"maps"
	"slices"
	"strconv"
	"strings"
)

// fact is one thing that a value says in STIX's terms: what stands at a path of an object.
type fact struct {
	path  string // as a pattern writes it, such as file:hashes.'SHA-1'
	value string
	form  form
}

type form int

const (
	text   form = iota
	number      // written without quotes
	within      // value is a range of addresses: ISSUBSET
)

// kind is what attributes of one type become. The zero kind has no place in STIX.
type kind struct {
	facts  func(value string) []fact // nil where value is not of this type's form
	rule   string                    // pattern_type, where the value is a rule in a language of its own
	object string                    // type of the domain object that the value names, such as vulnerability
	sample string                    // a value of this type, for the documentation and tests
}

// kindOf gives the kind of a type; false for one that has no place in STIX.
func kindOf(name string) (kind, bool) {
	if k, ok := kinds[name]; ok {
		return k, true
	}
	of, named := strings.CutPrefix(name, "filename|")
	if a, ok := algorithms[of]; ok {
		hash := when(a.form, at(hashPath("file", a.name)))
		if named {
			return kind{facts: both(true, fileName, hash), sample: "loader.exe|" + a.sample}, true
		}
		return kind{facts: hash, sample: a.sample}, true
	}
	return kind{}, false
}

// factsOf gives what a value of a type says, nil where STIX has no place for it.
func factsOf(name, value string) []fact {
	if k, ok := kindOf(name); ok && k.facts != nil {
		return k.facts(value)
	}
	return nil
}

// at says that the value stands at path.
func at(path string) func(string) []fact {
	return func(v string) []fact { return []fact{{path: path, value: v}} }
}

// when is f for values of which ok is true.
func when(ok func(string) bool, f func(string) []fact) func(string) []fact {
	return func(v string) []fact {
		if !ok(v) {
			return nil
		}
		return f(v)
	}
}

func hexOf(digits int) func(string) bool {
	return func(v string) bool { return len(v) == digits && isHex(v) }
}

func isHex(v string) bool { return v != "" && strings.Trim(v, "0123456789abcdefABCDEF") == "" }

func isToken(v string) bool {
	return v != "" && strings.IndexFunc(v, func(r rune) bool { return r <= ' ' }) < 0
}

// algorithm is a hash of a file: its name in STIX and the form of its value.
type algorithm struct {
	name   string
	form   func(string) bool
	sample string
}

// algorithms has the hashes of files by their names in MISP.
var algorithms = map[string]algorithm{
	"md5": hexes("MD5", 32), "sha1": hexes("SHA-1", 40), "sha224": hexes("SHA-224", 56), "sha256": hexes("SHA-256", 64), "sha384": hexes("SHA-384", 96),
	"sha512": hexes("SHA-512", 128), "sha512/224": hexes("SHA-512-224", 56), "sha512/256": hexes("SHA-512-256", 64), "sha3-224": hexes("SHA3-224", 56),
	"sha3-256": hexes("SHA3-256", 64), "sha3-384": hexes("SHA3-384", 96), "sha3-512": hexes("SHA3-512", 128),
	"authentihash": hexes("AUTHENTIHASH", 64), "imphash": hexes("IMPHASH", 32), "pehash": hexes("PEHASH", 40), "cdhash": hexes("CDHASH", 40),
	"vhash": {"VHASH", isToken, "015056655d15556az1"}, "telfhash": {"TELFHASH", isToken, "t12d0102"}, "impfuzzy": {"IMPFUZZY", isToken, "3:rGsdAdd8BRs:rG"},
	"ssdeep": {"SSDEEP", isFuzzy, "3:AXGBicFlgVNhBGcL6wCrFQEv:AXGHsNhxLsr2C"},
	// TLSH of later versions begins with T1; the schema of STIX knows 70 characters alone.
	"tlsh": {"TLSH", isTLSH, "A1A1A1A1A1A1A1A1A1A1A1A1A1A1A1A1A1A1A1A1A1A1A1A1A1A1A1A1A1A1A1A1A1A1A1"},
}

// hexes is a hash of n hexadecimal digits.
func hexes(name string, n int) algorithm {
	return algorithm{name, hexOf(n), strings.Repeat("0123456789abcdef", n/16+1)[:n]}
}

func isTLSH(v string) bool { return len(v) == 70 && isWord(v) }

func isFuzzy(v string) bool {
	return len(v) <= 128 && strings.Count(v, ":") == 2 && strings.Trim(v, "0123456789abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ/+:.") == ""
}

func isWord(v string) bool {
	return v != "" && strings.Trim(v, "0123456789abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ") == ""
}

// hashPath is where a hash of a file stands.
func hashPath(object, name string) string {
	if strings.Contains(name, "-") {
		return object + ":hashes.'" + name + "'"
	}
	return object + ":hashes." + name
}

// address is an address or a range of addresses, at path or, where path is "", as an observable of its own.
func address(path string) func(string) []fact {
	return func(v string) []fact {
		family := familyOf(v)
		if family == "" {
			return nil
		}
		f := fact{path: path, value: v}
		if path == "" {
			f.path = family + ":value"
		}
		if strings.Contains(v, "/") {
			f.form = within
		}
		return []fact{f}
	}
}

// familyOf is the type of observable that an address is; "" for what is none.
func familyOf(v string) string {
	host, length, ranged := strings.Cut(v, "/")
	bits, err := strconv.ParseUint(length, 10, 8)
	if ranged && (err != nil || bits > 128 || length != strconv.FormatUint(bits, 10)) {
		return ""
	}
	if strings.Contains(host, ":") {
		if strings.Count(host, ":") < 2 || strings.Trim(host, "0123456789abcdefABCDEF:.") != "" {
			return ""
		}
		return "ipv6-addr"
	}
	parts := strings.Split(host, ".")
	if len(parts) != 4 || ranged && bits > 32 {
		return ""
	}
	for _, p := range parts {
		if n, err := strconv.ParseUint(p, 10, 8); err != nil || p != strconv.FormatUint(n, 10) {
			return ""
		}
	}
	return "ipv4-addr"
}

func isDomain(v string) bool {
	v = strings.TrimSuffix(v, ".")
	return v != "" && len(v) <= 253 && !strings.ContainsAny(v, " /\\:@|[]{}()<>\"'`,;?#&=%+*!$^~\t\r\n") && !strings.Contains(v, "..") && v[0] != '.' && v[0] != '-'
}

func isMail(v string) bool {
	n := strings.LastIndexByte(v, '@')
	return n > 0 && n < len(v)-1 && !strings.ContainsAny(v, "<>\r\n")
}

func isURL(v string) bool {
	scheme, rest, ok := strings.Cut(v, ":")
	return ok && rest != "" && isWord(strings.NewReplacer("+", "", "-", "", ".", "").Replace(scheme)) && (scheme[0] < '0' || scheme[0] > '9') && isToken(rest)
}

// numbered is a whole number of at most most at a path.
func numbered(path string, most uint64) func(string) []fact {
	return func(v string) []fact {
		n, err := strconv.ParseUint(v, 10, 53)
		if err != nil || n > most {
			return nil
		}
		return []fact{{path, strconv.FormatUint(n, 10), number}}
	}
}

func system(v string) []fact {
	digits := strings.TrimPrefix(strings.TrimPrefix(v, "AS"), "as")
	return numbered("autonomous-system:number", 1<<32-1)(digits)
}

// both splits a value in two, at the first bar or at the last.
func both(last bool, left, right func(string) []fact) func(string) []fact {
	return func(v string) []fact {
		n := strings.IndexByte(v, '|')
		if last {
			n = strings.LastIndexByte(v, '|')
		}
		if n <= 0 || n == len(v)-1 {
			return nil
		}
		l, r := left(v[:n]), right(v[n+1:])
		if l == nil || r == nil {
			return nil
		}
		return append(l, r...)
	}
}

// account is a name at a service of which STIX knows the type.
func account(service string) func(string) []fact {
	return func(v string) []fact {
		return []fact{{path: "user-account:account_login", value: v}, {path: "user-account:account_type", value: service}}
	}
}

func physical(v string) []fact {
	v = strings.ReplaceAll(strings.ToLower(v), "-", ":")
	if len(v) != 17 || strings.Count(v, ":") != 5 || strings.Trim(v, "0123456789abcdef:") != "" {
		return nil
	}
	return []fact{{path: "mac-addr:value", value: v}}
}

// A registry key names its hive in full in STIX.
func registry(v string) []fact {
	hive, rest, more := strings.Cut(v, `\`)
	switch strings.ToUpper(hive) {
	case "HKLM":
		hive = "HKEY_LOCAL_MACHINE"
	case "HKCU":
		hive = "HKEY_CURRENT_USER"
	case "HKCR":
		hive = "HKEY_CLASSES_ROOT"
	case "HKCC":
		hive = "HKEY_CURRENT_CONFIG"
	case "HKU":
		hive = "HKEY_USERS"
	}
	if more {
		hive += `\` + rest
	}
	return []fact{{path: "windows-registry-key:key", value: hive}}
}

const (
	requestHeader = "network-traffic:extensions.'http-request-ext'.request_header."
	httpMethod    = "network-traffic:extensions.'http-request-ext'.request_method"
	httpValue     = "network-traffic:extensions.'http-request-ext'.request_value"
	mailHeader    = "email-message:additional_header_fields."
	service       = "process:extensions.'windows-service-ext'."
)

func fileName(v string) []fact { return []fact{{path: "file:name", value: v}} }

func domainName(v string) []fact {
	if !isDomain(v) {
		return nil
	}
	return []fact{{path: "domain-name:value", value: v}}
}

func mailbox(v string) []fact {
	if !isMail(v) {
		return nil
	}
	return []fact{{path: "email-addr:value", value: v}}
}

func srcPort(v string) []fact { return numbered("network-traffic:src_port", 65535)(v) }
func dstPort(v string) []fact { return numbered("network-traffic:dst_port", 65535)(v) }

// endpoint is an address or a name at the far end of a connection.
func endpoint(v string) []fact {
	if f := address("network-traffic:dst_ref.value")(v); f != nil {
		return f
	}
	return when(isDomain, at("network-traffic:dst_ref.value"))(v)
}

// kinds has what the types of the core format become, but for hashes (algorithms) and what STIX has no place for (placeless).
var kinds = map[string]kind{
	"ip-src": {facts: address(""), sample: "198.51.100.7"}, "ip-dst": {facts: address(""), sample: "198.51.100.8"},
	"ip-src|port": {facts: both(true, address("network-traffic:src_ref.value"), srcPort), sample: "198.51.100.7|1024"},
	"ip-dst|port": {facts: both(true, address("network-traffic:dst_ref.value"), dstPort), sample: "198.51.100.7|443"},
	"domain":      {facts: domainName, sample: "example.com"}, "hostname": {facts: domainName, sample: "www.example.com"},
	"domain|ip":     {facts: both(false, domainName, address("domain-name:resolves_to_refs[*].value")), sample: "example.com|198.51.100.7"},
	"hostname|port": {facts: both(true, endpoint, dstPort), sample: "www.example.com|8443"}, "port": {facts: dstPort, sample: "8443"},
	"onion-address": {facts: domainName, sample: "exampleexample22.onion"}, "url": {facts: when(isURL, at("url:value")), sample: "https://example.com/a?b=c"},
	"uri": {facts: at(httpValue), sample: "/a/b.php"}, "http-method": {facts: at(httpMethod), sample: "POST"},
	"user-agent": {facts: at(requestHeader + "'User-Agent'"), sample: "Agent/1.0 (example)"}, "cookie": {facts: at(requestHeader + "Cookie"), sample: "session=example"},
	"AS": {facts: system, sample: "AS64496"}, "mac-address": {facts: physical, sample: "00:00:5e:00:53:01"},
	"email": {facts: mailbox, sample: "name@example.com"}, "dns-soa-email": {facts: mailbox, sample: "soa@example.com"}, "target-email": {facts: mailbox, sample: "target@example.com"},
	"whois-registrant-email": {facts: mailbox, sample: "holder@example.com"},
	"email-src":              {facts: when(isMail, at("email-message:from_ref.value")), sample: "from@example.com"},
	"email-dst":              {facts: when(isMail, at("email-message:to_refs[*].value")), sample: "to@example.com"},
	"email-subject":          {facts: at("email-message:subject"), sample: "An invoice"}, "email-body": {facts: at("email-message:body"), sample: "Please find enclosed"},
	"email-message-id": {facts: at("email-message:message_id"), sample: "<1@example.com>"},
	"email-reply-to":   {facts: at(mailHeader + "'Reply-To'"), sample: "reply@example.com"}, "email-x-mailer": {facts: at(mailHeader + "'X-Mailer'"), sample: "Mailer 1.0"},
	"email-attachment":       {facts: at("email-message:body_multipart[*].body_raw_ref.name"), sample: "invoice.doc"},
	"email-src-display-name": {facts: at("email-message:from_ref.display_name"), sample: "The sender"},
	"email-dst-display-name": {facts: at("email-message:to_refs[*].display_name"), sample: "The receiver"},
	"filename":               {facts: fileName, sample: "loader.exe"}, "size-in-bytes": {facts: numbered("file:size", 1<<53-1), sample: "4096"},
	"mime-type": {facts: at("file:mime_type"), sample: "application/pdf"}, "attachment": {facts: fileName, sample: "report.pdf"},
	"malware-sample": {facts: both(true, fileName, when(hexOf(32), at("file:hashes.MD5"))), sample: "loader.exe|0123456789abcdef0123456789abcdef"},
	"mutex":          {facts: at("mutex:name"), sample: `Global\example`}, "regkey": {facts: registry, sample: `HKLM\Software\Example`},
	"regkey|value":                {facts: both(false, registry, at("windows-registry-key:values[*].data")), sample: `HKCU\Software\Example|1`},
	"windows-service-name":        {facts: at(service + "service_name"), sample: "examplesvc"},
	"windows-service-displayname": {facts: at(service + "display_name"), sample: "Example Service"},
	"x509-fingerprint-md5":        {facts: when(hexOf(32), at("x509-certificate:hashes.MD5")), sample: "0123456789abcdef0123456789abcdef"},
	"x509-fingerprint-sha1":       {facts: when(hexOf(40), at("x509-certificate:hashes.'SHA-1'")), sample: "0123456789abcdef0123456789abcdef01234567"},
	"x509-fingerprint-sha256":     {facts: when(hexOf(64), at("x509-certificate:hashes.'SHA-256'")), sample: strings.Repeat("0123456789abcdef", 4)},
	"cpe":                         {facts: at("software:cpe"), sample: "cpe:2.3:a:example:product:1.0:*:*:*:*:*:*:*"},
	"github-username":             {facts: account("github"), sample: "example"}, "twitter-id": {facts: account("twitter"), sample: "example"},
	"jabber-id": {facts: account("jabber"), sample: "name@jabber.example"}, "eppn": {facts: at("user-account:user_id"), sample: "name@example.org"},
	"yara": {rule: "yara", sample: "rule example { condition: false }"}, "sigma": {rule: "sigma", sample: "title: example"},
	"snort": {rule: "snort", sample: "alert tcp any any -> any 80 (sid:1;)"}, "zeek": {rule: "zeek", sample: "event zeek_init() {}"},
	"bro": {rule: "zeek", sample: "event bro_init() {}"}, "kusto-query": {rule: "kusto", sample: "Events | take 1"},
	"stix2-pattern": {rule: "stix", sample: "[domain-name:value = 'example.com']"},
	"vulnerability": {object: "vulnerability", sample: "CVE-2021-44228"}, "threat-actor": {object: "threat-actor", sample: "An actor"},
	"campaign-name": {object: "campaign", sample: "A campaign"},
	"weakness":      {sample: "CWE-79"}, "link": {sample: "https://example.org/report"}, "datetime": {sample: "2026-11-21T08:00:00.000000+0000"},
}

// placeless has the types for which STIX has no place; an underscore is a space.
const placeless = `aba-rtn anonymised bank-account-nr bic bin boolean btc campaign-id cc-number chrome-extension-id comment community-id cortex counter
	country-of-residence dash date-of-birth dkim dkim-signature dom-hash email-header email-mime-boundary email-thread-index favicon-mmh3 filename-pattern
	first-name float frequent-flyer-number full-name gender gene git-commit-id github-organisation github-repository hassh-md5 hasshserver-md5 hex iban
	identity-card-number integer issue-date-of-the-visa ja3-fingerprint-md5 ja4-plus jarm-fingerprint last-name mac-eui-64 malware-type middle-name
	mobile-application-id named_pipe nationality other passenger-name-record-locator-number passport-country passport-expiration passport-number
	pattern-in-file pattern-in-memory pattern-in-traffic payment-details pdb pgp-private-key pgp-public-key phone-number place-of-birth
	place-port-of-clearance place-port-of-onward-foreign-destination place-port-of-original-embarkation primary-residence process-state prtn
	redress-number special-service-request ssh-fingerprint target-external target-location target-machine target-org target-user text travel-details
	visa-number whois-creation-date whois-registrant-name whois-registrant-org whois-registrant-phone whois-registrar windows-scheduled-task xmr`

// Types gives the names of the types of attributes that we know, in order.
func Types() []string {
	all := slices.Collect(maps.Keys(kinds))
	for name := range algorithms {
		if all = append(all, name); name != "cdhash" && name != "telfhash" {
			all = append(all, "filename|"+name)
		}
	}
	for _, w := range strings.Fields(placeless) {
		all = append(all, strings.ReplaceAll(w, "_", " "))
	}
	slices.Sort(all)
	return all
}

// Sample is a value of a type, such as documentation shows; "" for a type that we do not know.
func Sample(name string) string {
	if k, ok := kindOf(name); ok {
		return k.sample
	}
	if word := strings.ReplaceAll(name, " ", "_"); word != "" && slices.Contains(strings.Fields(placeless), word) {
		return "example of " + name
	}
	return ""
}
