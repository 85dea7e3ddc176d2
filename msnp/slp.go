package msnp

import (
	"bytes"
	"errors"
	"strconv"
	"strings"
)

// The applications an MSNSLP invitation may be for, by EUF-GUID, with their AppID.
const (
	ObjectGUID  = "{A4268EEC-FEC5-49E5-95C3-F126696BDBF6}"
	FileGUID    = "{5D3E02AB-6190-11D3-BBBB-00C04F795683}"
	ObjectAppID = 1
	FileAppID   = 2
)

// The content types of MSNSLP.
const (
	SLPSession           = "application/x-msnmsgr-sessionreqbody"
	SLPSessionClose      = "application/x-msnmsgr-sessionclosebody"
	SLPTransport         = "application/x-msnmsgr-transreqbody"
	SLPTransportResponse = "application/x-msnmsgr-transrespbody"
)

// The requests of MSNSLP.
const (
	SLPInvite = "INVITE"
	SLPBye    = "BYE"
)

// The answers of MSNSLP.
const (
	SLPOK       = 200
	SLPInternal = 500
	SLPDecline  = 603
)

var slpReasons = map[int]string{SLPOK: "OK", SLPInternal: "Internal Error", SLPDecline: "Decline"}

// SLP is an MSNSLP message, with which two clients agree on what to transfer. A request has
// a Method, an answer a Status. docs/protocol/payloads.md#msnslp
type SLP struct {
	Method   string // "" in an answer
	Status   int    // 0 in a request
	Reason   string // of an answer; "" for the usual one
	To, From string // handles
	Branch   string // GUID with braces; an answer has that of the request
	CSeq     int    // 0 in a request, 1 in an answer
	CallID   string // GUID with braces, the same in everything about one session
	Type     string // Content-Type of the body
	Body     []SLPField
}

// SLPField is a line of a body: Name, a colon, Value.
type SLPField struct{ Name, Value string }

// Value returns a line of the body by its name, in any case of letters, or "".
func (m SLP) Value(name string) string {
	for _, f := range m.Body {
		if strings.EqualFold(f.Name, name) {
			return f.Value
		}
	}
	return ""
}

// Append appends the text, with the NUL that ends it. No part of it may contain a line end.
func (m SLP) Append(b []byte) []byte {
	var body []byte
	for _, f := range m.Body {
		body = append(body, f.Name+": "+f.Value+"\r\n"...)
	}
	body = append(body, "\r\n\x00"...)
	if m.Method != "" {
		b = append(b, m.Method+" MSNMSGR:"+m.To+" MSNSLP/1.0\r\n"...)
	} else {
		reason := m.Reason
		if reason == "" {
			reason = slpReasons[m.Status]
		}
		b = append(b, "MSNSLP/1.0 "+strconv.Itoa(m.Status)+" "+reason+"\r\n"...)
	}
	b = append(b, "To: <msnmsgr:"+m.To+">\r\n"+
		"From: <msnmsgr:"+m.From+">\r\n"+
		"Via: MSNSLP/1.0/TLP ;branch="+m.Branch+"\r\n"+
		"CSeq: "+strconv.Itoa(m.CSeq)+" \r\n"+ // the blank is the official client's
		"Call-ID: "+m.CallID+"\r\n"+
		"Max-Forwards: 0\r\n"+
		"Content-Type: "+m.Type+"\r\n"+
		"Content-Length: "+strconv.Itoa(len(body))+"\r\n\r\n"...)
	return append(b, body...)
}

// ParseSLP reads a text up to its end or its first NUL. It is liberal: what a line says
// wrongly is as if the line were missing, and only a first line that is none of MSNSLP's is
// an error.
func ParseSLP(text []byte) (SLP, error) {
	text, _, _ = bytes.Cut(text, []byte{0})
	first, rest := slpLine(string(text))
	m, err := slpStart(first)
	if err != nil {
		return SLP{}, err
	}
	length := -1
	for rest != "" {
		var line string
		if line, rest = slpLine(rest); line == "" {
			break
		}
		name, value := slpField(line)
		switch strings.ToLower(name) {
		case "to":
			m.To = slpHandle(value)
		case "from":
			m.From = slpHandle(value)
		case "via":
			m.Branch = slpBranch(value)
		case "cseq":
			m.CSeq = slpNumber(value, 0)
		case "call-id":
			m.CallID = value
		case "content-type":
			m.Type = value
		case "content-length":
			length = slpNumber(value, -1)
		}
	}
	if length >= 0 && length < len(rest) {
		rest = rest[:length]
	}
	for rest != "" {
		var line string
		line, rest = slpLine(rest)
		if name, value := slpField(line); name != "" {
			m.Body = append(m.Body, SLPField{name, value})
		}
	}
	return m, nil
}

// slpStart reads the first line.
func slpStart(line string) (SLP, error) {
	first, rest, _ := strings.Cut(line, " ")
	if strings.EqualFold(first, "MSNSLP/1.0") {
		number, reason, _ := strings.Cut(rest, " ")
		status, err := strconv.Atoi(number)
		if err != nil || status < 100 || status > 999 {
			return SLP{}, errors.New("MSNSLP answer without a status")
		}
		return SLP{Status: status, Reason: slpTrim(reason)}, nil
	}
	if !strings.HasSuffix(rest, " MSNSLP/1.0") || first == "" {
		return SLP{}, errors.New("no MSNSLP message")
	}
	return SLP{Method: first}, nil
}

func slpLine(text string) (line, rest string) {
	line, rest, _ = strings.Cut(text, "\n")
	return slpTrim(line), rest
}

func slpField(line string) (name, value string) {
	name, value, ok := strings.Cut(line, ":")
	if !ok {
		return "", ""
	}
	return slpTrim(name), slpTrim(value)
}

func slpTrim(s string) string { return strings.Trim(s, " \t\r") }

// slpHandle takes the handle out of <msnmsgr:handle>.
func slpHandle(value string) string {
	const before, after = "<msnmsgr:", ">"
	if len(value) < len(before)+len(after) || !strings.EqualFold(value[:len(before)], before) || !strings.HasSuffix(value, after) {
		return value
	}
	return value[len(before) : len(value)-len(after)]
}

// slpBranch takes the branch out of a Via line.
func slpBranch(value string) string {
	_, branch, _ := strings.Cut(value, "branch=")
	branch, _, _ = strings.Cut(branch, ";")
	return slpTrim(branch)
}

// slpNumber reads a number that is not negative.
func slpNumber(value string, otherwise int) int {
	n, err := strconv.ParseUint(value, 10, 31)
	if err != nil {
		return otherwise
	}
	return int(n)
}
