// Package config is a node's settings: comity.toml in the node's folder, overridden by COMITY_* of the environment.
//
// One list (settings.go) says which settings there are, what they mean and how they are written. Reading, writing, the comments
// of the file and the reference in the documentation come from it, so they cannot drift apart.
//
// Invariants: an unknown key is an error and names the nearest known one; what Write writes, Load reads; a Config that Load
// returned was checked; a folder or file that group or others can use is refused; no secret is a setting: settings only name
// the files that hold them. Nothing here is global: two nodes in one process have two Configs.
//
// Start with Load.
package config
