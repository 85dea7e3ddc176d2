package msntest

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"
)

// anyOrder waits for everything a block lists. What comes on one connection must be in
// the list; a close counts when nothing else is expected there.
func (p *Player) anyOrder(list []step) error {
	rest := slices.Clone(list)
	timeout := time.NewTimer(patience)
	defer timeout.Stop()
	for len(rest) > 0 {
		change := p.bell.next()
		found, err := p.takeAny(rest)
		if err != nil {
			return err
		}
		if found >= 0 {
			rest = slices.Delete(rest, found, found+1)
			continue
		}
		select {
		case <-change:
		case <-timeout.C:
			return &failure{
				place: rest[0].place, source: rest[0].source,
				err: fmt.Errorf("still missing after %v:%s", patience, sources(rest)),
			}
		}
	}
	return nil
}

// takeAny takes one thing of the list that has happened and returns its index, or -1.
func (p *Player) takeAny(list []step) (int, error) {
	for _, first := range list {
		c, err := p.conn(first.conn)
		if err != nil {
			return 0, err
		}
		m, ok, ended := c.head()
		switch {
		case ok:
			return p.takeLine(c, m, list)
		case ended:
			return takeClose(c, list)
		}
	}
	return -1, nil
}

// takeLine takes a message that one step of the list describes.
func (p *Player) takeLine(c *Conn, m message, list []step) (int, error) {
	misfit := errors.New("nothing more was expected there")
	for i, s := range list {
		if s.conn != c.Name || s.op != opWant {
			continue
		}
		captured, err := p.fits(c, s, m)
		if err == nil {
			p.take(c, m, captured)
			return i, nil
		}
		misfit = err
	}
	return 0, fmt.Errorf("%s sent %s\n  and expected was:%s\n  %w", c.Name, m, sources(list), misfit)
}

// takeClose takes the end of a connection, if the list has it and nothing else for it.
func takeClose(c *Conn, list []step) (int, error) {
	found := -1
	for i, s := range list {
		switch {
		case s.conn != c.Name:
		case s.op == opWant:
			return 0, fmt.Errorf("the server has closed %s; missing:%s", c.Name, sources(list))
		default:
			found = i
		}
	}
	c.Close() // this end too
	return found, nil
}

// sources lists steps as they are written.
func sources(list []step) string {
	var b strings.Builder
	for _, s := range list {
		b.WriteString("\n    " + s.source)
	}
	return b.String()
}

// either plays the branch whose first step happens.
func (p *Player) either(branches [][]step) error {
	limit := patience
	silent := slices.IndexFunc(branches, func(b []step) bool { return b[0].op == opQuiet })
	if silent >= 0 {
		limit = quiet
		if err := p.agree(); err != nil {
			return err
		}
	}
	timeout := time.NewTimer(limit)
	defer timeout.Stop()
	for {
		change := p.bell.next()
		for _, branch := range branches {
			begins, err := p.begins(branch[0])
			if err != nil {
				return err
			}
			if begins {
				return p.run(branch)
			}
		}
		select {
		case <-change:
		case <-timeout.C:
			if silent >= 0 {
				return p.run(branches[silent])
			}
			return fmt.Errorf("none of the branches began within %v", limit)
		}
	}
}

// begins tells whether what a step expects is what comes next.
func (p *Player) begins(s step) (bool, error) {
	c, err := p.conn(s.conn)
	if err != nil {
		return false, err
	}
	m, ok, ended := c.head()
	switch {
	case s.op == opQuiet:
		return false, nil
	case s.op == opClosed:
		return ended && !ok, nil
	case !ok:
		return false, nil
	}
	_, err = p.fits(c, s, m)
	return err == nil, nil
}
