package match

// The shape of a byte inside an atom: a run of letters, digits, ".", "-", "_" and what is not ASCII. 0 ends an atom.
const (
	digit       = 1 << iota
	letter      // ASCII
	hexadecimal // a digit or a letter of a hexadecimal number
	dot
	joint // "-" or "_"
	high  // not ASCII
)

// What a byte means around atoms.
const (
	hard    = 1 << iota // ends any URL and any path: blanks, controls, quotation marks, brackets that no URL has
	soft                // may end a URL, or be part of it
	colon               // ":"
	slash               // "/"
	at                  // "@"
	opener              // may begin a defanged sign
	escape              // "\"
	mailbox             // may stand before the "@" of a mail address
)

var shapes = [256]uint8{
	'-': joint, '.': dot, '0': digit | hexadecimal, '1': digit | hexadecimal, '2': digit | hexadecimal, '3': digit | hexadecimal,
	'4': digit | hexadecimal, '5': digit | hexadecimal, '6': digit | hexadecimal, '7': digit | hexadecimal, '8': digit | hexadecimal,
	'9': digit | hexadecimal, 'A': letter | hexadecimal, 'B': letter | hexadecimal, 'C': letter | hexadecimal, 'D': letter | hexadecimal,
	'E': letter | hexadecimal, 'F': letter | hexadecimal, 'G': letter, 'H': letter, 'I': letter, 'J': letter, 'K': letter, 'L': letter, 'M': letter,
	'N': letter, 'O': letter, 'P': letter, 'Q': letter, 'R': letter, 'S': letter, 'T': letter, 'U': letter, 'V': letter, 'W': letter, 'X': letter,
	'Y': letter, 'Z': letter, '_': joint, 'a': letter | hexadecimal, 'b': letter | hexadecimal, 'c': letter | hexadecimal, 'd': letter | hexadecimal,
	'e': letter | hexadecimal, 'f': letter | hexadecimal, 'g': letter, 'h': letter, 'i': letter, 'j': letter, 'k': letter, 'l': letter, 'm': letter,
	'n': letter, 'o': letter, 'p': letter, 'q': letter, 'r': letter, 's': letter, 't': letter, 'u': letter, 'v': letter, 'w': letter, 'x': letter,
	'y': letter, 'z': letter, 0x80: high, 0x81: high, 0x82: high, 0x83: high, 0x84: high, 0x85: high, 0x86: high, 0x87: high, 0x88: high, 0x89: high,
	0x8a: high, 0x8b: high, 0x8c: high, 0x8d: high, 0x8e: high, 0x8f: high, 0x90: high, 0x91: high, 0x92: high, 0x93: high, 0x94: high, 0x95: high,
	0x96: high, 0x97: high, 0x98: high, 0x99: high, 0x9a: high, 0x9b: high, 0x9c: high, 0x9d: high, 0x9e: high, 0x9f: high, 0xa0: high, 0xa1: high,
	0xa2: high, 0xa3: high, 0xa4: high, 0xa5: high, 0xa6: high, 0xa7: high, 0xa8: high, 0xa9: high, 0xaa: high, 0xab: high, 0xac: high, 0xad: high,
	0xae: high, 0xaf: high, 0xb0: high, 0xb1: high, 0xb2: high, 0xb3: high, 0xb4: high, 0xb5: high, 0xb6: high, 0xb7: high, 0xb8: high, 0xb9: high,
	0xba: high, 0xbb: high, 0xbc: high, 0xbd: high, 0xbe: high, 0xbf: high, 0xc0: high, 0xc1: high, 0xc2: high, 0xc3: high, 0xc4: high, 0xc5: high,
	0xc6: high, 0xc7: high, 0xc8: high, 0xc9: high, 0xca: high, 0xcb: high, 0xcc: high, 0xcd: high, 0xce: high, 0xcf: high, 0xd0: high, 0xd1: high,
	0xd2: high, 0xd3: high, 0xd4: high, 0xd5: high, 0xd6: high, 0xd7: high, 0xd8: high, 0xd9: high, 0xda: high, 0xdb: high, 0xdc: high, 0xdd: high,
	0xde: high, 0xdf: high, 0xe0: high, 0xe1: high, 0xe2: high, 0xe3: high, 0xe4: high, 0xe5: high, 0xe6: high, 0xe7: high, 0xe8: high, 0xe9: high,
	0xea: high, 0xeb: high, 0xec: high, 0xed: high, 0xee: high, 0xef: high, 0xf0: high, 0xf1: high, 0xf2: high, 0xf3: high, 0xf4: high, 0xf5: high,
	0xf6: high, 0xf7: high, 0xf8: high, 0xf9: high, 0xfa: high, 0xfb: high, 0xfc: high, 0xfd: high, 0xfe: high, 0xff: high,
}

var delims = [256]uint8{
	0x00: hard, 0x01: hard, 0x02: hard, 0x03: hard, 0x04: hard, 0x05: hard, 0x06: hard, 0x07: hard, 0x08: hard, 0x09: hard, 0x0a: hard, 0x0b: hard,
	0x0c: hard, 0x0d: hard, 0x0e: hard, 0x0f: hard, 0x10: hard, 0x11: hard, 0x12: hard, 0x13: hard, 0x14: hard, 0x15: hard, 0x16: hard, 0x17: hard,
	0x18: hard, 0x19: hard, 0x1a: hard, 0x1b: hard, 0x1c: hard, 0x1d: hard, 0x1e: hard, 0x1f: hard, 0x20: hard, '"': hard, '%': mailbox, '&': soft,
	'\'': soft, '(': opener, ')': soft, '+': mailbox, ',': soft, '-': mailbox, '.': mailbox, '/': slash, '0': mailbox, '1': mailbox, '2': mailbox,
	'3': mailbox, '4': mailbox, '5': mailbox, '6': mailbox, '7': mailbox, '8': mailbox, '9': mailbox, ':': colon, ';': soft, '<': hard, '>': hard,
	'@': at, 'A': mailbox, 'B': mailbox, 'C': mailbox, 'D': mailbox, 'E': mailbox, 'F': mailbox, 'G': mailbox, 'H': mailbox, 'I': mailbox, 'J': mailbox,
	'K': mailbox, 'L': mailbox, 'M': mailbox, 'N': mailbox, 'O': mailbox, 'P': mailbox, 'Q': mailbox, 'R': mailbox, 'S': mailbox, 'T': mailbox,
	'U': mailbox, 'V': mailbox, 'W': mailbox, 'X': mailbox, 'Y': mailbox, 'Z': mailbox, '[': opener, '\\': hard | escape, ']': soft, '^': hard,
	'_': mailbox, '`': hard, 'a': mailbox, 'b': mailbox, 'c': mailbox, 'd': mailbox, 'e': mailbox, 'f': mailbox, 'g': mailbox, 'h': mailbox,
	'i': mailbox, 'j': mailbox, 'k': mailbox, 'l': mailbox, 'm': mailbox, 'n': mailbox, 'o': mailbox, 'p': mailbox, 'q': mailbox, 'r': mailbox,
	's': mailbox, 't': mailbox, 'u': mailbox, 'v': mailbox, 'w': mailbox, 'x': mailbox, 'y': mailbox, 'z': mailbox, '{': hard | opener, '|': hard,
	'}': hard, '~': mailbox, 0x7f: hard,
}

// fold gives ASCII letters in lower case, and every other byte as it is.
var fold = [256]uint8{
	0x00, 0x01, 0x02, 0x03, 0x04, 0x05, 0x06, 0x07, 0x08, 0x09, 0x0a, 0x0b, 0x0c, 0x0d, 0x0e, 0x0f,
	0x10, 0x11, 0x12, 0x13, 0x14, 0x15, 0x16, 0x17, 0x18, 0x19, 0x1a, 0x1b, 0x1c, 0x1d, 0x1e, 0x1f,
	0x20, '!', '"', '#', '$', '%', '&', '\'', '(', ')', '*', '+', ',', '-', '.', '/',
	'0', '1', '2', '3', '4', '5', '6', '7', '8', '9', ':', ';', '<', '=', '>', '?',
	'@', 'a', 'b', 'c', 'd', 'e', 'f', 'g', 'h', 'i', 'j', 'k', 'l', 'm', 'n', 'o',
	'p', 'q', 'r', 's', 't', 'u', 'v', 'w', 'x', 'y', 'z', '[', '\\', ']', '^', '_',
	'`', 'a', 'b', 'c', 'd', 'e', 'f', 'g', 'h', 'i', 'j', 'k', 'l', 'm', 'n', 'o',
	'p', 'q', 'r', 's', 't', 'u', 'v', 'w', 'x', 'y', 'z', '{', '|', '}', '~', 0x7f,
	0x80, 0x81, 0x82, 0x83, 0x84, 0x85, 0x86, 0x87, 0x88, 0x89, 0x8a, 0x8b, 0x8c, 0x8d, 0x8e, 0x8f,
	0x90, 0x91, 0x92, 0x93, 0x94, 0x95, 0x96, 0x97, 0x98, 0x99, 0x9a, 0x9b, 0x9c, 0x9d, 0x9e, 0x9f,
	0xa0, 0xa1, 0xa2, 0xa3, 0xa4, 0xa5, 0xa6, 0xa7, 0xa8, 0xa9, 0xaa, 0xab, 0xac, 0xad, 0xae, 0xaf,
	0xb0, 0xb1, 0xb2, 0xb3, 0xb4, 0xb5, 0xb6, 0xb7, 0xb8, 0xb9, 0xba, 0xbb, 0xbc, 0xbd, 0xbe, 0xbf,
	0xc0, 0xc1, 0xc2, 0xc3, 0xc4, 0xc5, 0xc6, 0xc7, 0xc8, 0xc9, 0xca, 0xcb, 0xcc, 0xcd, 0xce, 0xcf,
	0xd0, 0xd1, 0xd2, 0xd3, 0xd4, 0xd5, 0xd6, 0xd7, 0xd8, 0xd9, 0xda, 0xdb, 0xdc, 0xdd, 0xde, 0xdf,
	0xe0, 0xe1, 0xe2, 0xe3, 0xe4, 0xe5, 0xe6, 0xe7, 0xe8, 0xe9, 0xea, 0xeb, 0xec, 0xed, 0xee, 0xef,
	0xf0, 0xf1, 0xf2, 0xf3, 0xf4, 0xf5, 0xf6, 0xf7, 0xf8, 0xf9, 0xfa, 0xfb, 0xfc, 0xfd, 0xfe, 0xff,
}
