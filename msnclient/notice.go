package msnclient

import (
	"strconv"

	"monarch/msnp"
)

// hotmail is the sender of the messages of the service.
const hotmail = "Hotmail"

// msg is a message of the service: the profile, mail, or a warning.
// docs/protocol/payloads.md#types
func (s *session) msg(f msnp.Frame) error {
	m, err := msnp.ParseRelayed(f)
	if err != nil || m.Handle != hotmail {
		return err
	}
	header, body := msnp.ParseHeader(m.Payload)
	mediaType, _ := header.Type()
	if mediaType == "text/x-msmsgsprofile" {
		s.profile(header)
		return nil
	}
	fields, _ := msnp.ParseHeader(body)
	if ev := notice(mediaType, fields); ev != nil {
		s.c.events.push(ev)
	}
	return nil
}

// profile keeps what the service says of the account. docs/protocol/signin.md#profile
func (s *session) profile(h msnp.Header) {
	p := make(map[string]string, len(h))
	for _, f := range h {
		p[f.Name] = f.Value
	}
	delete(p, "MIME-Version")
	delete(p, "Content-Type")
	s.c.mu.Lock()
	defer s.c.mu.Unlock()
	s.c.profile = p
}

// notice turns the body of a message of the service into an event, or nil for a type nobody
// knows.
func notice(mediaType string, h msnp.Header) Event {
	switch mediaType {
	case "text/x-msmsgsinitialemailnotification":
		return MailCounted{
			Inbox: count(h.Get("Inbox-Unread")), Folders: count(h.Get("Folders-Unread")),
			InboxURL: h.Get("Inbox-URL"), FoldersURL: h.Get("Folders-URL"), PostURL: h.Get("Post-URL"),
		}
	case "text/x-msmsgsemailnotification":
		return MailReceived{
			From: decodeWords(h.Get("From")), Address: h.Get("From-Addr"), Subject: decodeWords(h.Get("Subject")),
			Folder: h.Get("Dest-Folder"), MessageURL: h.Get("Message-URL"), PostURL: h.Get("Post-URL"), SiteID: h.Get("id"),
		}
	case "text/x-msmsgsactivemailnotification":
		return MailMoved{From: h.Get("Src-Folder"), To: h.Get("Dest-Folder"), Count: count(h.Get("Message-Delta"))}
	case "application/x-msmsgssystemmessage":
		if h.Get("Type") == "1" {
			return NoticeReceived{Minutes: count(h.Get("Arg1"))}
		}
	}
	return nil
}

func count(s string) int {
	n, err := strconv.Atoi(s)
	if err != nil {
		return 0
	}
	return n
}

// alert is NOT or IPG. One that cannot be read is no reason to hang up.
func (s *session) alert(f msnp.Frame) error {
	a, err := msnp.ParseAlert(f.Payload)
	if err != nil {
		s.c.log.Info("notification nobody can read", "verb", string(f.Verb), "err", err)
		return nil
	}
	if f.Verb == msnp.NOT {
		s.c.events.push(AlertReceived{a})
	} else {
		s.c.events.push(PageReceived{a})
	}
	return nil
}
