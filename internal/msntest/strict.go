package msntest

import (
	"fmt"
	"slices"
	"strings"
)

// strictWords is how many words BitlBee 1.2 wants the lines of a server to have. It hangs up
// on any other number. docs/protocol/presence.md#lines
var strictWords = map[string]map[string][]int{
	"dispatch": {
		"XFR": {6},
	},
	"notification": {
		"ADD": {6, 7},
		"CHL": {3},
		"ILN": {6},
		"LSG": {4},
		"LST": {4, 5},
		"MSG": {4},
		"NLN": {5},
		"REA": {5},
		"RNG": {7},
		"SYN": {3, 5},
		"USR": {5, 7},
		"XFR": {6},
	},
	"switchboard": {
		"ANS": {3},
		"CAL": {4},
		"IRO": {6},
		"JOI": {3},
		"MSG": {4},
		"USR": {5},
	},
}

// strictFlaw tells why such a client would hang up on a message, or "".
func strictFlaw(server string, m message) string {
	words := strings.Split(m.line, " ")
	if want := strictWords[server][words[0]]; want != nil && !slices.Contains(want, len(words)) {
		return fmt.Sprintf("a strict client hangs up on %d words", len(words))
	}
	if words[0] == "MSG" && len(m.payload) == 0 {
		return "a strict client hangs up on an empty message"
	}
	return ""
}
