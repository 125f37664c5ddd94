// Command picture draws a terminal's text as SVG, for the README: `comity demo --once --color | picture -lines 3-60 > docs/demo.svg`.
//
// It knows the few colours that our own output has, and nothing else of terminals.
package main
