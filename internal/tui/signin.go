package tui

import (
	"context"
	"errors"

	tea "charm.land/bubbletea/v2"

	"monarch/msnclient"
)

// signIn connects with a password, which is kept for a next try only if it is right.
func (m *model) signIn(password string) tea.Cmd {
	m.phase, m.refusal = signingIn, ""
	cfg := m.cfg.Client
	cfg.Password = password
	return m.work(signInTime, func(ctx context.Context) tea.Msg {
		client, err := msnclient.Dial(ctx, cfg)
		return dialed{client, err}
	})
}

func (m *model) dialed(msg dialed) tea.Cmd {
	if msg.err != nil {
		m.refuse(msg.err)
		return nil
	}
	m.phase, m.client, m.lost = signedIn, msg.client, lost{}
	m.self, m.roster = m.known(msg.client)
	m.tell("Signed in to %s.", m.cfg.Where)
	return m.listen()
}

// refuse goes back to asking.
func (m *model) refuse(err error) {
	m.phase, m.dialog = asking, nil
	m.refusal = reason(err)
	if errors.Is(err, msnclient.ErrPassword) {
		m.cfg.Client.Password = ""
	}
}

// pressBefore does what a key means before and after the session.
func (m *model) pressBefore(k tea.KeyPressMsg) tea.Cmd {
	switch {
	case k.String() == "esc", k.String() == "f10":
		return tea.Quit
	case m.phase == signingIn:
		return nil
	case k.String() == "enter":
		password := m.password.take()
		if password == "" {
			password = m.cfg.Client.Password
		}
		if password == "" {
			return nil
		}
		m.cfg.Client.Password = password
		return m.signIn(password)
	}
	m.password.press(k)
	return nil
}

// signInScreen is what is shown before and after the session.
func (m *model) signInScreen() screen {
	var lines []string
	cursorLine, cursor := -1, 0
	lines = append(lines, "E-mail    "+line(m.cfg.Client.Handle), "Server    "+line(m.cfg.Where), "")
	if m.phase == signingIn {
		lines = append(lines, paint(yellow, "Signing in …"), "", paint(faint, "Esc  leave"))
	} else {
		if m.refusal != "" {
			for _, l := range wrap(capital(m.refusal)+".", min(56, max(m.columns-6, 1))) {
				lines = append(lines, paint(red, l))
			}
			lines = append(lines, "")
		}
		text, at := m.password.show(min(40, max(m.columns-16, 1)))
		cursorLine, cursor = len(lines), len("Password  ")+at
		enter := "Enter  sign in      Esc  leave"
		if m.cfg.Client.Password != "" {
			enter = "Enter  sign in again      Esc  leave"
		}
		lines = append(lines, "Password  "+text, "", paint(faint, enter))
	}
	box := frame("Monarch", lines, m.columns)
	s := screen{lines: blank(m.columns, m.lines)}
	if cursorLine >= 0 {
		left, top := max(0, (m.columns-width(box[0]))/2), max(0, (m.lines-len(box))/2)
		s.cursor = tea.NewCursor(left+2+cursor, top+1+cursorLine)
	}
	s.lines = over(s.lines, box, m.columns)
	return s
}
