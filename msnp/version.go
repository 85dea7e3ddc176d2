package msnp

import (
	"strconv"
	"strings"
)

// Version is a version of the protocol. The zero value is none.
type Version uint8

// The versions this package can lay out.
const (
	MSNP8 Version = 8 // MSN Messenger 5.0
	MSNP9 Version = 9 // MSN Messenger 6.0
)

// CVR0 is the token in a list of versions that asks for the version check alone, and in an
// answer tells old clients that the server knows it.
const CVR0 = "CVR0"

// String returns the token of VER, such as "MSNP9".
func (v Version) String() string { return "MSNP" + strconv.Itoa(int(v)) }

// ParseVersion reads a token of VER, in any letter case.
func ParseVersion(token string) (Version, bool) {
	if len(token) < 5 || !strings.EqualFold(token[:4], "MSNP") || token[4] == '0' {
		return 0, false
	}
	n, err := parseUint([]byte(token[4:]), 8)
	if err != nil {
		return 0, false
	}
	return Version(n), true
}

// HasData reports whether clients of this version may send messages with [AckData].
func (v Version) HasData() bool { return v >= MSNP9 }
