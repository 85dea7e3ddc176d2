package auth

import (
	"crypto/rand"
	"crypto/sha256"
	"encoding/hex"
	"strings"
)

// TokenHash returns what is kept of a [Token] in its place: nobody finds the token by it.
func TokenHash(token string) string {
	sum := sha256.Sum256([]byte(token))
	return hex.EncodeToString(sum[:])
}

// Codes are typed by people, so they have no letters that look like digits: 12 of these, which is
// 60 bits, in three groups.
const (
	codeAlphabet = "ABCDEFGHJKLMNPQRSTUVWXYZ23456789"
	codeGroup    = 4
	codeLength   = 3 * codeGroup
)

// Code returns a random code for people to pass on, such as K7MQ-2XFP-9D3H.
func Code() string {
	b := make([]byte, codeLength)
	rand.Read(b)
	for i := range b {
		b[i] = codeAlphabet[int(b[i])%len(codeAlphabet)]
	}
	return groupCode(string(b))
}

// ParseCode reads a code as people type it: in small letters, with other groups or none.
func ParseCode(text string) (string, bool) {
	text = strings.ToUpper(strings.NewReplacer("-", "", " ", "").Replace(text))
	if len(text) != codeLength || strings.Trim(text, codeAlphabet) != "" {
		return "", false
	}
	return groupCode(text), true
}

func groupCode(text string) string {
	return text[:codeGroup] + "-" + text[codeGroup:2*codeGroup] + "-" + text[2*codeGroup:]
}
