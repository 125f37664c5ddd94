package page

// Settings is how the node is set up.
type Settings struct {
	Rows    []SettingRow // empty where the reader may not see them
	Caveats []CaveatFile
	May     bool // read the caveats again
	Fault   *Fault
}

// SettingRow is one setting.
type SettingRow struct {
	Key   string
	Value string
	Own   bool // it is not the default
	Doc   string
}

// CaveatFile is a file of the party's own rules.
type CaveatFile struct {
	Name string
	Text string
}
