package passport

import (
	"bytes"
	_ "embed"
	"fmt"
	"html/template"

	"monarch/internal/im"
)

// Pages that the nexus names. The profile page is one of those of the URL command.
const (
	helpPath     = "/help"
	registerPath = "/register"
	privacyPath  = "/privacy"
	redirPath    = "/redir"
	profilePath  = "/profile"
)

// article is what a page says: the plain truth about what there is here.
type article struct {
	title string
	text  []string
}

// articles of the pages that the URL command names, by kind.
var articles = map[string]article{
	"PASSWORD": {"Your password", []string{
		"Passwords of this server are changed by the people who run it. Ask them for a new one; nobody can read your present one.",
		"After the change, sign in again with the new password. Clients that are still signed in are asked to do so.",
	}},
	"INBOX": {"Inbox", []string{
		"This server carries instant messages. It has no mailboxes, so there is no mail here for you.",
		"To read your mail, use the mail program or web site of the provider of your address.",
	}},
	"COMPOSE": {"Write a message", []string{
		"Mail cannot be sent from here, because this server has no mailboxes.",
		"To write to somebody who is online, double-click the name in your contact list.",
	}},
	"MESSAGE": {"Mail message", []string{
		"There is no mail on this server, so there is no message to show.",
	}},
	"FOLDERS": {"Mail folders", []string{
		"There are no mail folders on this server. It carries instant messages only.",
	}},
	"PERSON": {"Personal settings", []string{
		"Your name, your telephone numbers and your privacy settings are changed in the messenger: Tools, Options.",
		"What you change there is kept on this server and follows you to any computer.",
	}},
	"MOBILE": {"Mobile", []string{
		"Messages cannot be sent to mobile telephones from this server.",
	}},
	"CHGMOB": {"Mobile settings", []string{
		"There is no mobile service here to set up. Telephone numbers for your contacts to see are entered in the messenger: Tools, Options, Phone.",
	}},
	"PROFILE": {"Profile", []string{
		"This server keeps no public profiles. Your contacts see your name, your picture, and the telephone numbers you give in the messenger's options.",
	}},
	"CHAT": {"Chat rooms", []string{
		"There are no public chat rooms here. To talk with several people, start a conversation with one of them and invite the others.",
	}},
	"N2PACCOUNT": {"Telephone account", []string{
		"Calls to telephones are not offered here. There is no account, and nothing to pay.",
	}},
	"N2PFUND": {"Add funds", []string{
		"Calls to telephones are not offered here. This server takes no payments of any kind.",
	}},
	"ADDRBOOK": {"Address book", []string{
		"Your contacts and groups are kept on this server; you see and change them in the messenger itself.",
		"There is no separate address book with postal or mail addresses.",
	}},
	"ADVSEARCH": {"Find people", []string{
		"This server has no public directory. To add somebody, you need to know the address he or she signs in with.",
	}},
	"INTSEARCH": {"Find people by interest", []string{
		"Nobody's interests are recorded here, so they cannot be searched. To add somebody, you need to know the address he or she signs in with.",
	}},
}

// further articles, by path.
var further = map[string]article{
	helpPath: {"Help", []string{
		"You sign in with the address and the password that the people who run this server gave you.",
		"If signing in fails although the password is right, look at the date of your computer, and ask whether its certificate has to be installed on it.",
		"To add somebody: Contacts, Add a Contact, and the address he or she signs in with.",
		"For anything else, turn to the people who run this server.",
	}},
	registerPath: {"New account", []string{
		"Accounts of this server are made by the people who run it. Ask them for one.",
		"Some older clients send only the first 16 characters of a password; choose one that is no longer.",
	}},
	privacyPath: {"Privacy", []string{
		"This server keeps your address, your name, a hash of your password, your contact list, and the settings you make in the messenger.",
		"Messages are passed on and not kept. Passwords and messages are not written to logs.",
	}},
	redirPath: {"Nothing further", []string{
		"The place you were going to does not exist any more. The messenger goes on working without it.",
	}},
}

// signAgain is what somebody sees whose web token does not hold.
var signAgain = article{"Please sign in again", []string{
	"This page was opened with a sign-in that has run out or does not belong to this server.",
	"Sign out of the messenger, sign in again, and repeat what you did.",
}}

//go:embed pages/layout.html
var layoutHTML string

// renderPages makes every page, once.
func (s *Server) renderPages() error {
	layout, err := template.New("page").Parse(layoutHTML)
	if err != nil {
		return fmt.Errorf("page layout: %w", err)
	}
	s.pages = make(map[string][]byte)
	for path, a := range further {
		if s.pages[path], err = s.render(layout, a); err != nil {
			return err
		}
	}
	for _, p := range im.Pages() {
		a, ok := articles[p.Kind]
		if !ok {
			return fmt.Errorf("page %s has no text", p.Kind)
		}
		if s.pages[p.Path], err = s.render(layout, a); err != nil {
			return err
		}
	}
	if s.cfg.Site != "" {
		s.signposts = make(map[string][]byte)
		for path, p := range signposts {
			if s.signposts[path], err = s.render(layout, p.article, p.places...); err != nil {
				return err
			}
		}
	}
	s.signAgain, err = s.render(layout, signAgain)
	return err
}

func (s *Server) render(layout *template.Template, a article, at ...place) ([]byte, error) {
	var b bytes.Buffer
	err := layout.Execute(&b, struct {
		Service, Site, Title, Help string
		Text                       []string
		Places                     []place
	}{s.cfg.Name, s.cfg.Site, a.title, helpPath, a.text, at})
	if err != nil {
		return nil, fmt.Errorf("page %q: %w", a.title, err)
	}
	return b.Bytes(), nil
}
