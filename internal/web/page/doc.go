// Package page is how the pages look: templates, and the plain values that they are filled with.
//
// A template holds no rule: what may be pressed, who may do it and whether it may pass come from the node, and the handlers put the answers into the values here.
// Whatever comes from people or peers is text, and templ writes it as text. There is no style and no script in a page; both come from package static.
//
// House is what all pages of a node share, the door's included; a Shell is one page's frame for one reader. Start with them and shell.templ.
//
//go:generate go run github.com/a-h/templ/cmd/templ@v0.3.977 generate
package page
