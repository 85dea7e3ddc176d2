package model

import (
	"bufio"
	"fmt"
	"io"
	"net"
	"slices"
	"strings"
	"time"
)

// patience is how long, in real time, the server may take.
const patience = 20 * time.Second

// client is one connection of somebody's.
type client struct {
	net.Conn
	lines chan string // what came; the last is closed
}

// most is more lines than one step of the test causes.
const most = 4096

func newClient(nc net.Conn) *client {
	c := &client{nc, make(chan string, most)}
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
		return line, true
	default:
	}
	timeout := time.NewTimer(patience)
	defer timeout.Stop()
	select {
	case line := <-c.lines:
		return line, true
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

// freedom is how far what comes may differ from what is expected.
type freedom int

const (
	none     freedom = iota
	order            // several do something at once: any order, and what that brings with it
	removing         // and the one who hears it takes people off his list: of them he may hear or not
)

// matchAll reports whether lines are as expected.
func matchAll(want, got []string, free freedom, names map[string]string) bool {
	ordered := free == none
	want = slices.Clone(want)
	for i, line := range got {
		at := -1
		for k, w := range want {
			if match(w, line, names) {
				at = k
				break
			}
			if ordered {
				break
			}
		}
		switch {
		case at >= 0:
			want = append(want[:at], want[at+1:]...)
		case !ordered && repeated(got[:i], line), free == removing && ofContact(line):
		default:
			return false
		}
	}
	if free == removing {
		want = slices.DeleteFunc(want, ofContact)
	}
	return len(want) == 0 || !ordered && covered(want, got)
}

// ofContact reports whether a line is told of contacts only.
func ofContact(line string) bool {
	verb, _, _ := strings.Cut(line, " ")
	return verb == "NLN" || verb == "FLN" || verb == "BPR"
}

// covered reports whether lines may be missing: who asks for his lists at the moment of a change
// hears of it from them alone.
func covered(missing, got []string) bool {
	block := -1
	for _, line := range got {
		if words := strings.Fields(line); words[0] == "SYN" && len(words) == 5 {
			block = atoi(words[2])
		}
	}
	for _, line := range missing {
		words := strings.Fields(line)
		version := -1
		switch {
		case words[0] == "BPR" && len(words) > 2:
			version = atoi(words[1])
		case strings.HasPrefix(line, "ADD 0 RL "), strings.HasPrefix(line, "REM 0 RL "):
			version = atoi(words[3])
		}
		if version < 0 || version > block {
			return false
		}
	}
	return true
}

// repeated reports whether a line tells once more what the last one about the same person
// told. Somebody who comes to see a person at the moment of a change may be told of it twice.
func repeated(before []string, line string) bool {
	tail, ok := strings.CutPrefix(line, "NLN ")
	if !ok {
		return false
	}
	handle := strings.Fields(tail)[1]
	for i := len(before) - 1; i >= 0; i-- {
		words := strings.Fields(before[i])
		switch words[0] {
		case "ILN":
			if words[3] == handle {
				return strings.Join(words[2:], " ") == tail
			}
		case "NLN":
			if words[2] == handle {
				return strings.Join(words[1:], " ") == tail
			}
		case "FLN":
			if words[1] == handle {
				return false
			}
		}
	}
	return false
}
