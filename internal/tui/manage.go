package tui

import (
	"context"
	"slices"
	"strings"

	tea "charm.land/bubbletea/v2"

	"monarch/msnclient"
	"monarch/msnp"
)

// call is a request to the server.
type call = func(context.Context, *msnclient.Client) error

func settingStatus(s msnp.Status) call {
	return func(ctx context.Context, c *msnclient.Client) error { return c.SetStatus(ctx, s) }
}

func settingName(name string) call {
	return func(ctx context.Context, c *msnclient.Client) error { return c.SetName(ctx, name) }
}

func closing(chat *msnclient.Chat) call {
	return func(context.Context, *msnclient.Client) error { return chat.Close() }
}

func (m *model) addContact() tea.Cmd {
	group := max(m.list.at.group, 0)
	m.dialog = &question{title: "E-mail address of whom to add", then: func(text string) tea.Cmd {
		handle := strings.ToLower(text)
		return m.request("add "+handle, func(ctx context.Context, c *msnclient.Client) error {
			if err := c.Add(ctx, handle, "", group); err != nil {
				return err
			}
			if p, ok := c.Roster().Contact(handle); ok && (p.Lists.Has(msnclient.Allowed) || p.Lists.Has(msnclient.Blocked)) {
				return nil
			}
			return c.Allow(ctx, handle)
		})
	}}
	return nil
}

func (m *model) removeContact() tea.Cmd {
	p, _ := m.selected()
	if !p.Lists.Has(msnclient.Forward) {
		return nil
	}
	m.dialog = confirm("Remove", "Remove "+contactName(p)+" <"+line(p.Handle)+"> from your list?", func() tea.Cmd {
		return m.request("remove "+contactName(p), func(ctx context.Context, c *msnclient.Client) error {
			return c.Remove(ctx, p.Handle)
		})
	})
	return nil
}

// blockContact blocks somebody, or lets him see us again.
func (m *model) blockContact() tea.Cmd {
	p, _ := m.selected()
	if p.Lists.Has(msnclient.Blocked) {
		return m.request("unblock "+contactName(p), func(ctx context.Context, c *msnclient.Client) error {
			return c.Allow(ctx, p.Handle)
		})
	}
	return m.request("block "+contactName(p), func(ctx context.Context, c *msnclient.Client) error {
		return c.Block(ctx, p.Handle)
	})
}

func (m *model) moveContact() tea.Cmd {
	p, _ := m.selected()
	if !p.Lists.Has(msnclient.Forward) {
		return nil
	}
	from := max(m.list.at.group, 0)
	d := &menu{title: "Move " + contactName(p) + " to"}
	for _, g := range m.roster.Groups {
		if g.Number == from || slices.Contains(p.Groups, g.Number) {
			continue
		}
		d.items = append(d.items, item{line(g.Name), func() tea.Cmd {
			m.list.at = row{g.Number, p.Handle} // the selection goes with him
			return m.request("move "+contactName(p), func(ctx context.Context, c *msnclient.Client) error {
				return c.Move(ctx, p.Handle, from, g.Number)
			})
		}})
	}
	d.items = append(d.items, item{"a new group …", func() tea.Cmd { return m.moveToNew(p, from) }})
	m.dialog = d
	return nil
}

func (m *model) moveToNew(p msnclient.Contact, from int) tea.Cmd {
	m.dialog = &question{title: "Name of the new group", then: func(name string) tea.Cmd {
		return m.request("move "+contactName(p), func(ctx context.Context, c *msnclient.Client) error {
			g, err := c.AddGroup(ctx, name)
			if err != nil {
				return err
			}
			return c.Move(ctx, p.Handle, from, g.Number)
		})
	}}
	return nil
}

func (m *model) addGroup() tea.Cmd {
	m.dialog = &question{title: "Name of the new group", then: func(name string) tea.Cmd {
		return m.request("make a group", func(ctx context.Context, c *msnclient.Client) error {
			_, err := c.AddGroup(ctx, name)
			return err
		})
	}}
	return nil
}

func (m *model) renameGroup() tea.Cmd {
	number := m.list.at.group
	m.dialog = &question{title: "New name of the group", input: newField(m.groupName(number)), then: func(name string) tea.Cmd {
		return m.request("rename the group", func(ctx context.Context, c *msnclient.Client) error {
			return c.RenameGroup(ctx, number, name)
		})
	}}
	return nil
}

func (m *model) removeGroup() tea.Cmd {
	number := m.list.at.group
	text := "Remove the group " + m.groupName(number) + "?"
	if n := len(m.members(number)); n > 0 {
		text += " Who is in no other group is removed from your list with it: up to " + people(n) + "."
	}
	m.dialog = confirm("Remove", text, func() tea.Cmd {
		return m.request("remove the group", func(ctx context.Context, c *msnclient.Client) error {
			return c.RemoveGroup(ctx, number)
		})
	})
	return nil
}
