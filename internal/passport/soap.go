package passport

import (
	"bytes"
	"context"
	"encoding/xml"
	"errors"
	"fmt"
	"io"
	"slices"
)

const rstFault = `<?xml version="1.0" encoding="utf-8"?>
<S:Envelope xmlns:S="http://schemas.xmlsoap.org/soap/envelope/" xmlns:wsse="http://schemas.xmlsoap.org/ws/2003/06/secext">` +
	`<S:Fault><faultcode>wsse:FailedAuthentication</faultcode><faultstring>Authentication Failure</faultstring></S:Fault></S:Envelope>
`

// rstSuccess needs the ticket. Clients compare names with their prefixes.
const rstSuccess = `<?xml version="1.0" encoding="utf-8"?>
<S:Envelope xmlns:S="http://schemas.xmlsoap.org/soap/envelope/" xmlns:wsse="http://schemas.xmlsoap.org/ws/2003/06/secext" ` +
	`xmlns:wst="http://schemas.xmlsoap.org/ws/2004/04/trust"><S:Body><wst:RequestSecurityTokenResponseCollection>` +
	`<wst:RequestSecurityTokenResponse><wst:RequestedSecurityToken>` +
	`<wsse:BinarySecurityToken Id="PPToken1">%s</wsse:BinarySecurityToken>` +
	`</wst:RequestedSecurityToken></wst:RequestSecurityTokenResponse>` +
	`</wst:RequestSecurityTokenResponseCollection></S:Body></S:Envelope>
`

// rst is the login of clients that speak SOAP, for the same ticket at the same price. It
// takes the name and the password and ignores the rest. docs/protocol/passport.md#soap
func (s *Server) rst(ctx context.Context, q *request) *response {
	if q.method != "POST" {
		return &response{status: 404}
	}
	texts, err := xmlTexts(q.body, "Username", "Password")
	if err != nil || texts["Username"] == "" {
		s.cfg.Login.Counts.Refused.Add(1)
		return rstResponse(rstFault)
	}
	ticket, err := s.signIn(ctx, newCredentials(texts["Username"], texts["Password"]), q.remote)
	switch {
	case err == nil:
		return rstResponse(fmt.Sprintf(rstSuccess, escapeXML(ticket)))
	case isRefusal(err):
		return rstResponse(rstFault)
	}
	return s.unavailable(err)
}

func rstResponse(body string) *response {
	return &response{
		status: 200,
		fields: []field{{"Content-Type", "text/xml"}, {"Content-Length", ""}, {"Cache-Control", "no-cache"}},
		body:   []byte(body),
	}
}

// xmlTexts returns the text of the first element of each name, whatever its prefix. The
// document must be in UTF-8 and well-formed, and a DTD makes it an error.
func xmlTexts(document []byte, names ...string) (map[string]string, error) {
	texts := make(map[string]string)
	var within string
	d := xml.NewDecoder(bytes.NewReader(document))
	for {
		token, err := d.Token()
		if errors.Is(err, io.EOF) {
			return texts, nil
		}
		if err != nil {
			return nil, fmt.Errorf("read XML: %w", err)
		}
		switch t := token.(type) {
		case xml.Directive:
			return nil, errors.New("read XML: document types are not read")
		case xml.StartElement:
			within = ""
			if _, seen := texts[t.Name.Local]; !seen && slices.Contains(names, t.Name.Local) {
				within = t.Name.Local
				texts[within] = ""
			}
		case xml.CharData:
			if within != "" {
				texts[within] += string(t)
			}
		case xml.EndElement:
			within = ""
		}
	}
}

// escapeXML returns text as it stands between tags.
func escapeXML(text string) string {
	var b bytes.Buffer
	_ = xml.EscapeText(&b, []byte(text)) // a Buffer does not fail
	return b.String()
}
