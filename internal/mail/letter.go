package mail

import (
	_ "embed" // the text of the letter
	"fmt"
	"strings"
	"text/template"
	"unicode"

	gomail "github.com/wneessen/go-mail"

	"monarch/internal/im"
)

// What an inviter may put into a letter, in characters and lines.
const (
	maxName       = 64
	maxWords      = 500
	maxWordsLines = 12
)

//go:embed invitation.txt
var invitationText string

var invitation = template.Must(template.New("invitation").Parse(invitationText))

// write makes the letter of an invitation. What comes from the inviter, his name and his
// words, stays on the lines it is given.
func (s *Sender) write(inv im.Invitation) (*gomail.Msg, error) {
	name := im.OneLine(inv.From.Name, maxName)
	if name == "" {
		name = inv.From.Handle
	}
	var text strings.Builder
	err := invitation.Execute(&text, struct {
		Inviter, Handle, Service, Words, Join, Server string
	}{name, inv.From.Handle, s.cfg.Service, quoted(inv.Text), s.cfg.Join, s.cfg.Server})
	if err != nil {
		return nil, fmt.Errorf("write a letter: %w", err)
	}
	return s.message(Letter{
		To: inv.To, Text: text.String(),
		Subject: name + " invites you to " + im.OneLine(s.cfg.Service, maxName),
	})
}

// message makes a letter ready to be sent.
func (s *Sender) message(l Letter) (*gomail.Msg, error) {
	m := gomail.NewMsg(gomail.WithNoDefaultUserAgent())
	m.FromMailAddress(s.from)
	if err := m.To(l.To); err != nil {
		return nil, fmt.Errorf("address a letter: %w", err)
	}
	m.Subject(l.Subject)
	m.SetDateWithValue(s.clock.Now())
	m.SetMessageIDWithValue(s.messageID())
	m.SetGenHeader("Auto-Submitted", "auto-generated") // no vacation notices in return
	m.SetBodyString(gomail.TypeTextPlain, l.Text)
	return m, nil
}

// quoted marks an inviter's words as his, line by line, and cuts them off where they get
// long.
func quoted(words string) string {
	words = strings.ReplaceAll(strings.ToValidUTF8(words, "?"), "\r\n", "\n")
	words = strings.Map(func(r rune) rune {
		switch {
		case r == '\n':
		case unicode.IsControl(r), r == '\u2028', r == '\u2029', unicode.Is(unicode.Bidi_Control, r):
			return ' ' // some programs break lines at these, or turn what follows around
		}
		return r
	}, words)
	if r := []rune(words); len(r) > maxWords {
		words = string(r[:maxWords]) + "…"
	}
	words = strings.TrimSpace(words)
	if words == "" {
		return ""
	}
	lines := strings.Split(words, "\n")
	if len(lines) > maxWordsLines {
		lines = append(lines[:maxWordsLines], "…")
	}
	for i, l := range lines {
		lines[i] = strings.TrimRight("> "+l, " ")
	}
	return strings.Join(lines, "\n")
}

// splitAddress cuts an address at its at sign.
func splitAddress(address string) (user, domain string) {
	at := strings.LastIndexByte(address, '@')
	return address[:max(at, 0)], address[at+1:]
}
