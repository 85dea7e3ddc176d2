package im

// Page is a place on the web that the URL command sends people to.
// docs/protocol/payloads.md#url
type Page struct {
	Kind string // the command's parameter
	Path string // on our own web server
	Site int    // Passport site id, which the client posts along with its sign-in
}

// The Passport site ids that logs of the original service show.
const (
	siteMail    = 2
	siteMobile  = 961
	siteChat    = 2260
	siteMembers = 4263
)

// pages lists every kind of URL there is.
var pages = []Page{
	{"PASSWORD", "/password", siteMembers},
	{"INBOX", "/mail/inbox", siteMail},
	{"COMPOSE", "/mail/compose", siteMail},
	{"MESSAGE", "/mail/message", siteMail},
	{"FOLDERS", "/mail/folders", siteMail},
	{"PERSON", "/person", siteMembers},
	{"MOBILE", "/mobile", siteMobile},
	{"CHGMOB", "/chgmob", siteMobile},
	{"PROFILE", "/profile", siteMembers},
	{"CHAT", "/chat", siteChat},
	{"N2PACCOUNT", "/payment/account", siteMembers},
	{"N2PFUND", "/payment/fund", siteMembers},
	{"ADDRBOOK", "/addrbook", siteMail},
	{"ADVSEARCH", "/search/advanced", siteMembers},
	{"INTSEARCH", "/search/interests", siteMembers},
}

// PageOf returns the page of a kind, which is compared as it stands: clients send capitals.
func PageOf(kind string) (Page, bool) {
	for _, p := range pages {
		if p.Kind == kind {
			return p, true
		}
	}
	return Page{}, false
}

// Pages returns every page, in no order that means anything.
func Pages() []Page { return append([]Page(nil), pages...) }
