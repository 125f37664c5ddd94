package fault

// row says how a code looks outside.
type row struct {
	http   int    // status of the problem document (RFC 9457)
	wire   Code   // the code that the wire shows
	exit   int    // exit status of the command line
	remark string // for help texts
}

// table is the only place where a code becomes a number. TestTables walks it.
var table = map[Code]row{
	Malformed:    {400, Malformed, 65, "input that the protocol does not allow"},
	TooLarge:     {413, TooLarge, 65, "input over a bound"},
	NotAuthentic: {400, NotAuthentic, 5, "a signature, path or digest does not verify"},
	NotAddressed: {403, NotAddressed, 5, "not meant for this party"},
	Denied:       {403, Denied, 4, "an agreement, the charter, a caveat or the officer's roles forbid it"},
	Inadmissible: {409, Inadmissible, 4, "the thread does not allow it now"},
	NotFound:     {404, NotFound, 3, "no such thing"},
	Withheld:     {404, NotFound, 3, "no such thing"},
	Exists:       {409, Exists, 3, "already there"},
	Unknown:      {403, Unknown, 4, "no confirmed letter of that party"},
	Revoked:      {403, Revoked, 5, "keys or a log that no longer stand"},
	Fork:         {403, Fork, 6, "a log with two histories"},
	Parked:       {409, Parked, 75, "a proof is missing; try again later"},
	Clock:        {425, Clock, 75, "one of two clocks is wrong"},
	Behind:       {503, Behind, 6, "the store is older than the high-water mark"},
	Quota:        {429, Quota, 75, "too much, too fast"},
	Unavailable:  {503, Unavailable, 75, "out of reach or busy; try again later"},
	Locked:       {503, Unavailable, 77, "the keys could not be opened"},
	Usage:        {400, Usage, 2, "the command was called wrongly"},
	Failed:       {422, Failed, 1, "a check that was asked for did not hold"},
	Canceled:     {499, Canceled, 130, "interrupted"},
	Internal:     {500, Internal, 70, "a defect; the log says more"},
}

// HTTP is the status that a face answers with; 500 for a code that it does not know.
func HTTP(c Code) int {
	if r, ok := table[c]; ok {
		return r.http
	}
	return table[Internal].http
}

// Wire is the code as outsiders see it.
func Wire(c Code) Code {
	if r, ok := table[c]; ok {
		return r.wire
	}
	return Internal
}

// Exit is the exit status of the command line for an error; 0 for nil.
func Exit(err error) int {
	if err == nil {
		return 0
	}
	if r, ok := table[CodeOf(err)]; ok {
		return r.exit
	}
	return table[Internal].exit
}

// ExitTable gives exit status → remarks, in ascending order of status, for help texts.
func ExitTable() []ExitRow {
	seen := map[int]map[string]bool{}
	var rows []ExitRow
	for status := 1; status < 256; status++ {
		for _, c := range codes() {
			r := table[c]
			if r.exit != status || seen[status][r.remark] {
				continue
			}
			if seen[status] == nil {
				seen[status] = map[string]bool{}
			}
			seen[status][r.remark] = true
			rows = append(rows, ExitRow{status, r.remark})
		}
	}
	return rows
}

// ExitRow is one line of the table of exit statuses.
type ExitRow struct {
	Status int
	Remark string
}

// codes lists every code in the order in which help texts show them.
func codes() []Code {
	return []Code{
		Malformed, TooLarge, NotAuthentic, NotAddressed, Denied, Inadmissible, NotFound, Withheld, Exists, Unknown, Revoked,
		Fork, Parked, Clock, Behind, Quota, Unavailable, Locked, Usage, Failed, Canceled, Internal,
	}
}
