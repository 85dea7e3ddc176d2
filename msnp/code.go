package msnp

import "strconv"

// Code is an error of the protocol: the number that stands in place of a verb, with the
// TrID of the command it answers. docs/protocol/errors.md#codes
type Code uint16

// The codes a server of MSNP8 and MSNP9 sends, and those that only exist.
const (
	CodeSyntax            Code = 200
	CodeInvalidParameter  Code = 201
	CodeNoSuchUser        Code = 205
	CodeDomainMissing     Code = 206
	CodeAlreadyLoggedIn   Code = 207
	CodeInvalidHandle     Code = 208
	CodeNameRefused       Code = 209
	CodeListFull          Code = 210
	CodeAlreadyThere      Code = 215
	CodeNotListed         Code = 216
	CodeNotOnline         Code = 217
	CodeSameMode          Code = 218
	CodeOppositeList      Code = 219
	CodeTooManyGroups     Code = 223
	CodeNoGroup           Code = 224
	CodeNotInGroup        Code = 225
	CodeGroupNotEmpty     Code = 227
	CodeGroupNameTaken    Code = 228
	CodeGroupNameLong     Code = 229
	CodeGroupZero         Code = 230
	CodeSwitchboardFailed Code = 280
	CodeTransferFailed    Code = 281
	CodeDataMessage       Code = 282
	CodeNotLoggedIn       Code = 302
	CodeInternal          Code = 500
	CodeDisabled          Code = 502
	CodeUnspecified       Code = 503
	CodeChallengeFailed   Code = 540
	CodeUnavailable       Code = 601
	CodeCallingTooFast    Code = 713
	CodeNotExpected       Code = 715
	CodeClientVersion     Code = 731
	CodeTooFast           Code = 800
	CodeBusy              Code = 910
	CodeAuthFailed        Code = 911
	CodeNotWhileHidden    Code = 913
	CodeNoNewUsers        Code = 920
	CodeKidsConsent       Code = 923
	CodeNotVerified       Code = 924
	CodeBadTicket         Code = 928 // several clients hang on it: CodeAuthFailed serves instead
)

var meanings = map[Code]string{
	CodeSyntax:            "syntax error",
	CodeInvalidParameter:  "invalid parameter",
	CodeNoSuchUser:        "no such user",
	CodeDomainMissing:     "domain name missing",
	CodeAlreadyLoggedIn:   "already logged in",
	CodeInvalidHandle:     "invalid handle",
	CodeNameRefused:       "name refused",
	CodeListFull:          "list full",
	CodeAlreadyThere:      "already there",
	CodeNotListed:         "not on the list",
	CodeNotOnline:         "not on line",
	CodeSameMode:          "already in this mode",
	CodeOppositeList:      "on the opposite list",
	CodeTooManyGroups:     "too many groups",
	CodeNoGroup:           "no such group",
	CodeNotInGroup:        "not in this group",
	CodeGroupNotEmpty:     "group not empty",
	CodeGroupNameTaken:    "group name taken",
	CodeGroupNameLong:     "group name too long",
	CodeGroupZero:         "group 0 cannot be removed",
	CodeSwitchboardFailed: "switchboard failed",
	CodeTransferFailed:    "transfer to a switchboard failed",
	CodeDataMessage:       "data message refused",
	CodeNotLoggedIn:       "not logged in",
	CodeInternal:          "internal error",
	CodeDisabled:          "command disabled",
	CodeUnspecified:       "unspecified failure",
	CodeChallengeFailed:   "challenge failed",
	CodeUnavailable:       "server unavailable",
	CodeCallingTooFast:    "calling too fast",
	CodeNotExpected:       "not expected here",
	CodeClientVersion:     "malformed client version",
	CodeTooFast:           "changing too fast",
	CodeBusy:              "server too busy",
	CodeAuthFailed:        "authentication failed",
	CodeNotWhileHidden:    "not allowed while hidden",
	CodeNoNewUsers:        "no new users",
	CodeKidsConsent:       "child account without consent",
	CodeNotVerified:       "account not verified",
	CodeBadTicket:         "bad ticket",
}

// Error returns the number and its meaning.
func (c Code) Error() string {
	s := strconv.Itoa(int(c))
	if m, ok := meanings[c]; ok {
		return s + " " + m
	}
	return s
}

// Append appends the error line that answers the command with this TrID.
func (c Code) Append(b []byte, t TrID) []byte {
	b = strconv.AppendUint(b, uint64(c), 10)
	b = append(b, ' ')
	b = append(b, t...)
	return append(b, '\r', '\n')
}
