package tui

import (
	"context"
	"image"
	"os"
	"path/filepath"
	"strings"

	tea "charm.land/bubbletea/v2"

	"monarch/msnclient"
)

// fetched is a display picture that was asked for.
type fetched struct {
	handle string
	data   []byte
	err    error
}

// contactPicture fetches the picture of who is selected.
func (m *model) contactPicture() tea.Cmd {
	p, _ := m.selected()
	return m.fetch(p.Handle)
}

// partnerPicture fetches the picture of who one talks to.
func (m *model) partnerPicture() tea.Cmd {
	c := m.current
	if len(c.people) == 1 {
		return m.fetch(c.people[0])
	}
	d := &menu{title: "Picture of"}
	for _, p := range c.people {
		d.items = append(d.items, item{m.name(p), func() tea.Cmd { return m.fetch(p) }})
	}
	m.dialog = d
	return nil
}

// fetch asks somebody's client for his display picture.
func (m *model) fetch(handle string) tea.Cmd {
	if p, ok := m.roster.Contact(handle); ok && p.Picture == nil {
		m.tell("%s shows no picture.", contactName(p))
		return nil
	}
	m.tell("Fetching the picture of %s …", m.name(handle))
	client := m.client
	return m.work(callTime, func(ctx context.Context) tea.Msg {
		data, err := client.FetchPicture(ctx, handle)
		return fetched{handle, data, err}
	})
}

func (m *model) fetched(msg fetched) {
	if msg.err != nil {
		m.tell("Could not fetch the picture of %s: %s.", m.name(msg.handle), reason(msg.err))
		return
	}
	m.notice = logged{}
	img, err := decode(msg.data)
	why := ""
	if err != nil {
		why = capital(reason(err)) + "."
	}
	if m.dialog == nil && m.phase == signedIn {
		m.dialog = &portrait{of: m.name(msg.handle), img: img, why: why, data: msg.data}
	}
}

// portrait shows a picture.
type portrait struct {
	of   string
	img  image.Image // nil: it cannot be shown
	why  string      // and this is why
	data []byte
}

func (d *portrait) press(m *model, k tea.KeyPressMsg) (bool, tea.Cmd) {
	switch k.String() {
	case "esc", "q", "enter":
		return true, nil
	case "s":
		path := unused(filepath.Join(m.cfg.Downloads, fileName(d.of)+extension(d.data)))
		m.dialog = &question{title: "Save the picture as", input: newField(path), then: func(path string) tea.Cmd {
			m.savePicture(home(path), d.data)
			return nil
		}}
		return true, nil
	}
	return false, nil
}

func (d *portrait) show(m *model) screen {
	var lines []string
	switch {
	case d.img == nil:
		lines = wrap(d.why, min(56, m.columns-6))
	case !m.colors:
		lines = wrap("This terminal has no colours to show it with.", min(56, m.columns-6))
	default:
		lines = blocks(d.img, min(64, m.columns-6), max(1, m.lines-6))
	}
	lines = append(lines, "", paint(faint, "s  save      Esc  back"))
	return screen{lines: frame("Picture of "+d.of, lines, m.columns)}
}

// extension tells the kind of a picture from how it begins.
func extension(data []byte) string {
	for _, k := range []struct{ begins, ext string }{
		{"\x89PNG", ".png"},
		{"\xff\xd8", ".jpg"},
		{"GIF8", ".gif"},
	} {
		if strings.HasPrefix(string(data), k.begins) {
			return k.ext
		}
	}
	return ".dat"
}

func (m *model) savePicture(path string, data []byte) {
	f, err := os.OpenFile(path, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o644)
	if err == nil {
		_, err = f.Write(data)
		if e := f.Close(); err == nil {
			err = e
		}
	}
	if err != nil {
		m.tell("Could not save there: %s.", reason(pathless(err)))
		return
	}
	m.tell("Saved as %s.", path)
}

// choosePicture asks for a file to make the own picture of.
func (m *model) choosePicture() tea.Cmd {
	m.dialog = &question{title: "PNG, JPEG or GIF file of your picture", then: func(path string) tea.Cmd {
		return m.setPicture(home(path))
	}}
	return nil
}

func (m *model) setPicture(path string) tea.Cmd {
	data, err := readPicture(path)
	if err == nil {
		data, err = asDisplayPicture(data)
	}
	if err != nil {
		m.tell("Could not use this picture: %s.", reason(pathless(err)))
		return nil
	}
	picture := &msnclient.Picture{Data: data}
	return m.request("change your picture", func(ctx context.Context, c *msnclient.Client) error {
		return c.SetPicture(ctx, picture)
	})
}
