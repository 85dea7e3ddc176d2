package msnp

import (
	"bytes"
	"encoding/xml"
	"fmt"
	"strings"
)

// Field is one line of a message's header.
type Field struct {
	Name, Value string
}

// Header is the header of a message, in its order.
type Header []Field

// Get returns the value of the first field of this name, in any letter case, or "".
func (h Header) Get(name string) string {
	for _, f := range h {
		if strings.EqualFold(f.Name, name) {
			return f.Value
		}
	}
	return ""
}

// Type returns the content type without its parameters, in lower case, and the parameters.
func (h Header) Type() (mediaType, params string) {
	t, params, _ := strings.Cut(h.Get("Content-Type"), ";")
	return strings.ToLower(strings.TrimSpace(t)), strings.TrimSpace(params)
}

// Append appends the header as it stands in a message, the empty line at its end included.
func (h Header) Append(b []byte) []byte {
	for _, f := range h {
		b = append(b, f.Name...)
		b = append(b, ": "...)
		b = append(b, f.Value...)
		b = append(b, '\r', '\n')
	}
	return append(b, '\r', '\n')
}

// ParseHeader cuts a message into its header and what follows the empty line. It takes CR LF
// and bare LF, and never fails: a line without a colon is left out, and a message without an
// empty line is all header. body aliases payload. docs/protocol/payloads.md#envelope
func ParseHeader(payload []byte) (h Header, body []byte) {
	for len(payload) > 0 {
		line, rest, _ := bytes.Cut(payload, []byte{'\n'})
		line = bytes.TrimSuffix(line, []byte{'\r'})
		payload = rest
		if len(line) == 0 {
			return h, payload
		}
		name, value, ok := bytes.Cut(line, []byte{':'})
		if ok {
			h = append(h, Field{Name: string(bytes.TrimSpace(name)), Value: string(bytes.TrimSpace(value))})
		}
	}
	return h, nil
}

// Alert is the document of NOT and IPG: a notice of a site the user subscribed to, or a page
// from a telephone.
type Alert struct {
	ID        string // of the notification
	Message   string // id of the message
	SiteID    string
	SiteURL   string
	To        string // handle
	Action    string // address to open on a click, relative to SiteURL
	Subscribe string // address of the settings, relative to SiteURL
	Icon      string
	Text      string
	HTML      string // from MSNP9
}

// ParseAlert reads the payload of NOT or IPG. docs/protocol/payloads.md#types
func ParseAlert(payload []byte) (Alert, error) {
	var x struct {
		XMLName xml.Name `xml:"NOTIFICATION"`
		ID      string   `xml:"id,attr"`
		SiteID  string   `xml:"siteid,attr"`
		SiteURL string   `xml:"siteurl,attr"`
		To      struct {
			Name string `xml:"name,attr"`
		} `xml:"TO"`
		Msg struct {
			ID     string `xml:"id,attr"`
			Action struct {
				URL string `xml:"url,attr"`
			} `xml:"ACTION"`
			Subscribe struct {
				URL string `xml:"url,attr"`
			} `xml:"SUBSCR"`
			Body struct {
				Icon string `xml:"icon,attr"`
				Text string `xml:"TEXT"`
				HTML string `xml:"TEXTX"`
			} `xml:"BODY"`
		} `xml:"MSG"`
	}
	if err := xml.Unmarshal(payload, &x); err != nil {
		return Alert{}, fmt.Errorf("read notification: %w", err)
	}
	m := &x.Msg
	return Alert{
		ID: x.ID, Message: m.ID, SiteID: x.SiteID, SiteURL: x.SiteURL, To: x.To.Name,
		Action: m.Action.URL, Subscribe: m.Subscribe.URL, Icon: m.Body.Icon, Text: m.Body.Text, HTML: m.Body.HTML,
	}, nil
}
