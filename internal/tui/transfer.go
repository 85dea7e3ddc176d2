package tui

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"sync/atomic"

	tea "charm.land/bubbletea/v2"
)

// transfer is a file on its way. Its entry in the conversation shows how far it is.
type transfer struct {
	size   int64
	moved  atomic.Int64 // what the client's goroutine reports
	result string       // "" while it is under way
}

// transferred is what came of a transfer.
type transferred struct {
	file *transfer
	done string // what to say of success
	err  error
}

// state says how far it is.
func (t *transfer) state() string {
	if t.result != "" {
		return " " + t.result
	}
	moved, percent := t.moved.Load(), int64(100)
	if t.size > 0 {
		percent = min(100, moved*100/t.size)
	}
	return fmt.Sprintf(" %d%% of %s", percent, size(t.size))
}

func (m *model) transferred(msg transferred) {
	msg.file.result = msg.done
	if msg.err != nil {
		msg.file.result = "Not finished: " + reason(msg.err) + "."
	}
}

// chooseFile asks for a file to send in the current conversation.
func (m *model) chooseFile() tea.Cmd {
	c := m.current
	if len(c.people) > 1 {
		m.tell("A file goes to one person: open the conversation with him or her alone.")
		return nil
	}
	m.dialog = &question{title: "File to send to " + m.title(c), then: func(path string) tea.Cmd {
		return m.sendFile(c, home(path))
	}}
	return nil
}

func (m *model) sendFile(c *conversation, path string) tea.Cmd {
	f, info, err := openRegular(path)
	if err != nil {
		m.tell("Could not open the file: %s.", reason(pathless(err)))
		return nil
	}
	name, to := filepath.Base(path), c.people[0]
	t := &transfer{size: info.Size()}
	c.add(m.now, entry{kind: remark, text: "Sending " + line(name) + ":", file: t})
	client, people, chat := m.client, c.people, c.chat
	return m.work(transferTime, func(ctx context.Context) tea.Msg {
		defer f.Close()
		if chat == nil {
			if chat, err = gather(ctx, client, people); err != nil {
				return transferred{t, "", err}
			}
		}
		err := chat.SendFile(ctx, to, name, f, info.Size(), t.moved.Store)
		return transferred{t, "sent (" + size(info.Size()) + ").", err}
	})
}

// errIrregular refuses directories, pipes and devices.
var errIrregular = errors.New("it is not an ordinary file")

// openRegular opens a file to be read. It looks before it opens, because opening a pipe waits
// for a writer, and the screen with it.
func openRegular(path string) (*os.File, fs.FileInfo, error) {
	info, err := os.Stat(path)
	if err != nil {
		return nil, nil, err
	}
	if !info.Mode().IsRegular() {
		return nil, nil, errIrregular
	}
	f, err := os.Open(path)
	if err != nil {
		return nil, nil, err
	}
	if info, err = f.Stat(); err != nil {
		f.Close()
		return nil, nil, err
	}
	return f, info, nil
}

// saveFile asks where to save what is offered.
func (m *model) saveFile(r request) tea.Cmd {
	suggested := unused(filepath.Join(m.cfg.Downloads, fileName(r.file.Name)))
	m.dialog = &question{title: "Save as", input: newField(suggested), then: func(path string) tea.Cmd {
		return m.receive(r, home(path))
	}}
	return nil
}

// receive accepts an offer into a new file.
func (m *model) receive(r request, path string) tea.Cmd {
	f, err := os.OpenFile(path, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o644)
	if err != nil {
		m.tell("Could not save there: %s.", reason(pathless(err)))
		return nil // the request stays, for another try
	}
	m.answered(r)
	t := &transfer{size: r.file.Size}
	r.in.add(m.now, entry{kind: remark, text: "Receiving " + line(r.file.Name) + ":", file: t})
	return m.work(transferTime, func(ctx context.Context) tea.Msg {
		err := errors.Join(r.file.Accept(ctx, f, t.moved.Store), f.Close())
		if err != nil {
			os.Remove(path)
		}
		return transferred{t, "saved as " + line(path) + " (" + size(r.file.Size) + ").", err}
	})
}

// fileName makes a name that somebody else chose fit for a file of ours: the last part of a
// path in any system's way of writing, without what shells or people could mistake.
func fileName(name string) string {
	name = line(name)
	if i := strings.LastIndexAny(name, `/\`); i >= 0 {
		name = name[i+1:]
	}
	name = strings.Map(func(r rune) rune {
		if strings.ContainsRune(`:*?"<>|`, r) {
			return '_'
		}
		return r
	}, name)
	name = strings.TrimSpace(strings.TrimLeft(name, ".- "))
	if name == "" {
		return "file"
	}
	const longest = 120
	if ext := filepath.Ext(name); len(name) > longest && len(ext) < longest/2 {
		name = strings.ToValidUTF8(name[:longest-len(ext)], "") + ext
	} else if len(name) > longest {
		name = strings.ToValidUTF8(name[:longest], "")
	}
	return name
}

// unused returns the path, or one like it that is not there yet.
func unused(path string) string {
	ext := filepath.Ext(path)
	stem := strings.TrimSuffix(path, ext)
	for n := 2; ; n++ {
		if _, err := os.Lstat(path); errors.Is(err, fs.ErrNotExist) || n > 1000 {
			return path
		}
		path = fmt.Sprintf("%s (%d)%s", stem, n, ext)
	}
}

// home replaces ~/ in front of a path, as a shell would.
func home(path string) string {
	if rest, ok := strings.CutPrefix(path, "~/"); ok {
		if dir, err := os.UserHomeDir(); err == nil {
			return filepath.Join(dir, rest)
		}
	}
	return path
}

// pathless leaves the path out of an error about a file, which the person has just typed.
func pathless(err error) error {
	var p *fs.PathError
	if errors.As(err, &p) {
		return p.Err
	}
	return err
}
