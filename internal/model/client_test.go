package model

import (
	"bufio"
	"fmt"
	"io"
	"net"
	"strings"
	"time"
)

// patience is how long, in real time, the server may take.
const patience = 20 * time.Second

// client is one connection of somebody's.
type client struct {
	net.Conn
	lines chan string              // what came; the last is closed
	heard func(line string) string // what a line is to the test
}

// most is more lines than one step of the test causes.
const most = 4096

func newClient(nc net.Conn, heard func(string) string) *client {
	c := &client{nc, make(chan string, most), heard}
	go c.read() // until the connection ends, which the test waits for
	return c
}

func (c *client) read() {
	r := bufio.NewReader(c.Conn)
	for {
		line, err := readLine(r)
		if err != nil {
			break
		}
		c.lines <- line
	}
	_ = c.Close() // the peer did already, or we
	c.lines <- closed
}

// readLine reads a line, and the payload that it announces behind a plus.
func readLine(r *bufio.Reader) (string, error) {
	line, err := r.ReadString('\n')
	if err != nil {
		return "", err
	}
	line = strings.TrimSuffix(line, "\r\n")
	if !strings.HasPrefix(line, "MSG ") {
		return line, nil
	}
	size := atoi(line[strings.LastIndexByte(line, ' ')+1:])
	if size < 0 {
		return line, nil // which no model says
	}
	payload := make([]byte, size)
	if _, err := io.ReadFull(r, payload); err != nil {
		return "", err
	}
	if strings.HasPrefix(line, "MSG Hotmail Hotmail ") {
		return "MSG Hotmail Hotmail {profile}", nil
	}
	return line + " + " + string(payload), nil
}

// say writes a line.
func (c *client) say(format string, args ...any) error {
	_, err := fmt.Fprintf(c, format+"\r\n", args...)
	return err
}

// next returns the next line, if it comes in time.
func (c *client) next() (string, bool) {
	select {
	case line := <-c.lines:
		return c.heard(line), true
	default:
	}
	timeout := time.NewTimer(patience)
	defer timeout.Stop()
	select {
	case line := <-c.lines:
		return c.heard(line), true
	case <-timeout.C:
		return "", false
	}
}

// match reports whether a line is as expected. A word <x> is any at its first use and the
// same one afterwards.
func match(want, got string, names map[string]string) bool {
	if !strings.Contains(want, "<") {
		return want == got
	}
	w, g := strings.Split(want, " "), strings.Split(got, " ")
	if len(w) != len(g) {
		return false
	}
	for i := range w {
		if !strings.HasPrefix(w[i], "<") {
			if w[i] != g[i] {
				return false
			}
			continue
		}
		if known, ok := names[w[i]]; ok && known != g[i] {
			return false
		}
		names[w[i]] = g[i]
	}
	return true
}
