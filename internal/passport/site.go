package passport

// signpost is what a page says in place of its article where there is a website, and where it leads.
type signpost struct {
	article
	places []place
}

// place is one at the website.
type place struct{ What, Path string }

// signposts are those that there are, by the path of the page.
var signposts = map[string]signpost{
	"/password": {article{"Your password", []string{
		"You change your password at the website. Nobody can read your present one; if you have forgotten it, ask for another one there.",
		"After the change, sign in again with the new password. Clients that are still signed in are asked to do so.",
	}}, []place{{"Change the password", "/account"}, {"I have forgotten it", "/reset"}}},
	"/person": {article{"Personal settings", []string{
		"Your name, your telephone numbers and your privacy settings are changed in the messenger: Tools, Options. All but the numbers can be changed at the website, too.",
		"What you change is kept on this server and follows you to any computer.",
	}}, []place{{"My account", "/account"}}},
	"/addrbook": {article{"Address book", []string{
		"Your contacts and groups are kept on this server; you see and change them in the messenger itself, or at the website.",
		"There is no separate address book with postal or mail addresses.",
	}}, []place{{"My contacts", "/account/contacts"}}},
	helpPath: {article{"Help", []string{
		"You sign in with the address and the password of your account here. How each messenger is set up, and where to look when it does not sign in, is told at the website.",
		"To add somebody: Contacts, Add a Contact, and the address he or she signs in with.",
		"For anything else, turn to the people who run this server.",
	}}, []place{{"Connect your messenger", "/connect"}, {"My account", "/account"}}},
	registerPath: {article{"New account", []string{
		"You get an account at the website.",
		"Some older clients send only the first 16 characters of a password; choose one that is no longer.",
	}}, []place{{"Get an account", "/join"}}},
	privacyPath: {article{"Privacy", []string{
		"This server keeps your address, your name, a hash of your password, your contact list, and the settings you make in the messenger.",
		"Messages are passed on and not kept. Passwords and messages are not written to logs.",
		"At the website you see where you are signed in, take away what is kept of you, and delete your account.",
	}}, []place{{"My data", "/account/data"}}},
}

// pageAt returns the page at a path, or nil: that about new accounts is another one as long as
// nobody can make one.
func (s *Server) pageAt(path string) []byte {
	if path == registerPath && !s.limits.Load().Join {
		return s.pages[path]
	}
	if page := s.signposts[path]; page != nil {
		return page
	}
	return s.pages[path]
}
