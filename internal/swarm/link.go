package swarm

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"slices"
	"time"

	"monarch/msnp"
)

// patience is how long anything may take that a server does at once, on a machine that may be
// busy with something else.
const patience = time.Minute

// link is a connection that is read frame by frame. Reading and writing may be left to
// different goroutines, neither to more than one at a time.
type link struct {
	net.Conn
	grammar *msnp.Grammar
	in      []byte // in[read:have] waits to be parsed
	read    int
	have    int
	args    [msnp.MaxArgs][]byte
}

// dial connects to a server that speaks a grammar.
func dial(ctx context.Context, addr string, g *msnp.Grammar) (*link, error) {
	d := net.Dialer{Timeout: patience, KeepAlive: -1}
	c, err := d.DialContext(ctx, "tcp", addr)
	if err != nil {
		return nil, err
	}
	return &link{Conn: c, grammar: g, in: make([]byte, 1024)}, nil
}

// take returns the next frame of what has been read, if there is a whole one. It is valid
// until more is read.
func (l *link) take() (msnp.Frame, bool, error) {
	for {
		f, n, err := l.grammar.Next(l.in[l.read:l.have], l.args[:0])
		if n == 0 || err != nil {
			return f, false, err
		}
		l.read += n
		if f.Verb != "" {
			return f, true, nil
		}
	}
}

// fill reads more.
func (l *link) fill() error {
	copy(l.in, l.in[l.read:l.have])
	l.read, l.have = 0, l.have-l.read
	if l.have == len(l.in) {
		l.in = append(l.in, make([]byte, len(l.in))...)
	}
	n, err := l.Read(l.in[l.have:])
	l.have += n
	if n > 0 {
		return nil
	}
	return err
}

// next returns the next frame, which is valid until the one after it is asked for.
func (l *link) next() (msnp.Frame, error) {
	for {
		if f, ok, err := l.take(); ok || err != nil {
			return f, err
		}
		if err := l.fill(); err != nil {
			return msnp.Frame{}, err
		}
	}
}

// await returns the next frame of one of some verbs and lets others pass, but for errors.
func (l *link) await(verbs ...msnp.Verb) (msnp.Frame, error) {
	for {
		f, err := l.next()
		if err != nil {
			return f, fmt.Errorf("wait for %s: %w", verbs[0], err)
		}
		if code, ok := f.Code(); ok {
			return f, fmt.Errorf("wait for %s: %w", verbs[0], code)
		}
		if slices.Contains(verbs, f.Verb) {
			return f, nil
		}
	}
}

// say writes a line.
func (l *link) say(v msnp.Verb, params ...string) error {
	_, err := l.Write(msnp.AppendLine(nil, v, params...))
	return err
}

// ask writes a line and waits for the one that answers it.
func (l *link) ask(v msnp.Verb, params ...string) (msnp.Frame, error) {
	if err := l.say(v, params...); err != nil {
		return msnp.Frame{}, err
	}
	return l.await(v)
}

// drain reads until the connection ends and drops what comes.
func (l *link) drain() {
	l.read, l.have = 0, 0
	for {
		if _, err := l.Read(l.in); err != nil {
			return
		}
	}
}

// untilEnd reads until the server hangs up, as it must.
func (l *link) untilEnd() error {
	for {
		if _, err := l.next(); errors.Is(err, io.EOF) {
			return nil
		} else if err != nil {
			return fmt.Errorf("wait for the end: %w", err)
		}
	}
}

// closeAll hangs up.
func closeAll(links []*link) {
	for _, l := range links {
		if l != nil {
			l.Close()
		}
	}
}
