package ns

import (
	"fmt"
	"strings"

	"monarch/internal/hub"
	"monarch/internal/im"
	"monarch/msnp"
)

// alertSite is the number of the site that alerts come from. The numbers 0 and 1 would give
// them the icons of two services of the time; with any other it is a bell.
const alertSite = 2

// alerted shows an alert, if the client can take it. docs/protocol/presence.md#alerts
func (s *session) alerted(ev hub.Alerted) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.online && s.alerts && s.conn.Send(s.appendAlert(nil, ev))
}

// takesAlerts reports whether clients of a library read NOT rightly. Others may lose their
// place in the stream.
func takesAlerts(library string) bool {
	return strings.EqualFold(library, "MSNMSGR") || strings.EqualFold(library, "MSMSGS")
}

// appendAlert appends NOT. Tabs, line ends and the missing last one are those of the original
// service.
func (s *session) appendAlert(b []byte, ev hub.Alerted) []byte {
	site, page := s.alertPage(ev.Alert.URL)
	site, page = im.EscapeXML(site), im.EscapeXML(page)
	text := "<TEXT>" + im.EscapeXML(ev.Alert.Text) + "</TEXT>"
	if s.dialect.markup && ev.Alert.HTML != "" {
		text += "\r\n\t\t\t<TEXTX>" + im.EscapeXML(ev.Alert.HTML) + "</TEXTX>"
	}
	return msnp.AppendPayload(b, msnp.NOT, fmt.Appendf(nil,
		"<NOTIFICATION ver=\"1\" id=\"%d\" siteid=\"%d\" siteurl=\"%s\">\r\n"+
			"\t<TO pid=\"0x%08x:0x%08x\" name=\"%s\" />\r\n"+
			"\t<MSG id=\"%d\">\r\n"+
			"\t\t<ACTION url=\"%s\" />\r\n"+
			"\t\t<SUBSCR url=\"%s\" />\r\n"+
			"\t\t<BODY lang=\"1033\" icon=\"\">\r\n"+
			"\t\t\t%s\r\n"+
			"\t\t</BODY>\r\n"+
			"\t</MSG>\r\n"+
			"</NOTIFICATION>",
		ev.Number, alertSite, site,
		uint32(s.entry.User()>>32), uint32(s.entry.User()), im.EscapeXML(s.entry.Handle()),
		ev.Number, page, page, text))
}

// alertPage returns the page that an alert opens as a site, with a slash at its end, and what
// follows: clients put the two together.
func (s *session) alertPage(url string) (site, page string) {
	if url == "" {
		url = s.srv.WebURL + "/help"
	}
	scheme, rest, _ := strings.Cut(url, "://")
	at := strings.IndexAny(rest, "/?#")
	if at < 0 {
		at = len(rest)
	}
	return scheme + "://" + rest[:at] + "/", strings.TrimPrefix(rest[at:], "/")
}
