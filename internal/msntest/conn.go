package msntest

import (
	"bufio"
	"bytes"
	"errors"
	"fmt"
	"io"
	"net"
	"strconv"
	"strings"
	"sync"
	"time"
)

// patience is how long, in real time, the server may take to do what a transcript says.
// A machine that does much else takes seconds for what is due at once.
const patience = 20 * time.Second

// Conn is a client's connection to one of the servers. What comes is read at once, in the
// background, unless the client is told to pause.
type Conn struct {
	Name    string // A.ns
	Account string // the handle of whoever uses it

	nc     net.Conn
	log    *conversation
	bell   *bell
	strict bool // lines of another length than usual are an error

	writing sync.Mutex // held while a command is written, also in segments

	// Touched only by the player.
	split    int  // bytes a segment, 0 for no limit
	signedIn bool // at a notification server

	mu      sync.Mutex // guards what follows
	queue   []message
	answers bool // challenges are answered in the background
	ended   bool // the server has closed
	shut    bool // the client has closed
	paused  bool
	ignored bool // what comes is dropped
	hidden  uint64
}

// bell wakes everybody who waits for something to arrive.
type bell struct {
	mu   sync.Mutex
	ring chan struct{}
}

func newBell() *bell { return &bell{ring: make(chan struct{})} }

// next returns a channel that is closed when something changes after this call.
func (b *bell) next() <-chan struct{} {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.ring
}

func (b *bell) strike() {
	b.mu.Lock()
	defer b.mu.Unlock()
	close(b.ring)
	b.ring = make(chan struct{})
}

// firstHidden is the transaction id of the first command sent in the background.
const firstHidden = 4000000000

// start begins to read; done is told when the reader has ended.
func (c *Conn) start(done *sync.WaitGroup) {
	c.hidden = firstHidden
	done.Go(c.read)
}

// read takes in what the server sends until the connection ends.
func (c *Conn) read() {
	r := bufio.NewReader(gate{c})
	for {
		m, err := readMessage(r)
		if err != nil {
			c.end(err, m)
			return
		}
		if c.strict && m.flaw == "" {
			m.flaw = strictFlaw(serverOf(c.Name), m)
		}
		if m.flaw != "" || !c.background(m) {
			c.arrive(m)
		}
	}
}

// gate reads from the connection while the client is not paused.
type gate struct{ c *Conn }

func (g gate) Read(b []byte) (int, error) {
	for {
		change := g.c.bell.next()
		g.c.mu.Lock()
		wait := g.c.paused && !g.c.shut
		g.c.mu.Unlock()
		if !wait {
			return g.c.nc.Read(b)
		}
		<-change
	}
}

// readMessage reads a line and the payload it announces.
func readMessage(r *bufio.Reader) (message, error) {
	text, err := r.ReadString('\n')
	if err != nil {
		return message{line: text, flaw: "the line has no end"}, err
	}
	var m message
	line, proper := strings.CutSuffix(text, "\r\n")
	if !proper {
		m.flaw = "the line ends in LF alone"
	}
	m.line = line
	words := strings.Split(line, " ")
	switch words[0] {
	case "MSG", "NOT", "IPG":
	default:
		return m, nil
	}
	size, ok := payloadSize(words)
	if !ok {
		m.flaw = "the line does not say how long its payload is"
		return m, nil
	}
	m.payload = make([]byte, size)
	if got, err := io.ReadFull(r, m.payload); err != nil {
		m.flaw = fmt.Sprintf("only %d bytes of its payload came", got)
		return m, err
	}
	return m, nil
}

// payloadSize reads the last word of a line.
func payloadSize(words []string) (int, bool) {
	size, err := strconv.Atoi(words[len(words)-1])
	return size, err == nil && size >= 0 && size <= 1<<20
}

func (c *Conn) arrive(m message) {
	c.mu.Lock()
	if c.ignored {
		c.log.add(c.Name, "<", m.String()+"   (ignored)")
	} else {
		c.log.add(c.Name, "<", m.String())
		c.queue = append(c.queue, m)
	}
	c.mu.Unlock()
	c.bell.strike()
}

// end notes that the server has closed; rest is what it left unfinished.
func (c *Conn) end(err error, rest message) {
	if errors.Is(err, io.ErrUnexpectedEOF) || rest.line != "" {
		c.arrive(rest)
	}
	c.mu.Lock()
	if !c.shut {
		c.log.add(c.Name, "x", "")
	}
	c.ended = true
	c.mu.Unlock()
	c.bell.strike()
}

// background deals with the lines a transcript does not show.
func (c *Conn) background(m message) bool {
	c.mu.Lock()
	answers, trid := c.answers, c.hidden
	c.mu.Unlock()
	if !answers {
		return false
	}
	if chal, ok := strings.CutPrefix(m.line, "CHL 0 "); ok {
		c.mu.Lock()
		c.hidden++
		c.mu.Unlock()
		c.log.add(c.Name, "<", m.line+"   (answered)")
		c.writing.Lock()
		defer c.writing.Unlock()
		answer := challengeAnswer(chal, productKey)
		if _, err := c.nc.Write(fmt.Appendf(nil, "QRY %d %s 32\r\n%s", trid, product, answer)); err != nil {
			c.log.add(c.Name, "!", err.Error())
		}
		return true
	}
	if id, ok := strings.CutPrefix(m.line, "QRY "); ok {
		trid, err := strconv.ParseUint(id, 10, 64)
		return err == nil && trid >= firstHidden
	}
	return false
}

// head returns what comes next without taking it.
func (c *Conn) head() (m message, ok, ended bool) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if len(c.queue) > 0 {
		return c.queue[0], true, c.ended
	}
	return message{}, false, c.ended
}

// drop takes what head returned.
func (c *Conn) drop() {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.queue[0] = message{}
	c.queue = c.queue[1:]
}

// Next takes the next line and its payload. Not ok means that nothing came for longer than
// anybody has patience, or that the connection has ended.
func (c *Conn) Next() (line string, payload []byte, ok bool) {
	m, ok := c.await()
	if !ok {
		return "", nil, false
	}
	c.drop()
	return m.line, m.payload, true
}

// await waits until something has come or the connection has ended.
func (c *Conn) await() (message, bool) {
	timeout := time.NewTimer(patience)
	defer timeout.Stop()
	for {
		change := c.bell.next()
		m, ok, ended := c.head()
		if ok || ended {
			return m, ok
		}
		select {
		case <-change:
		case <-timeout.C:
			return message{}, false
		}
	}
}

// Send writes a line and a payload in one piece; {n} in the line is the payload's length.
func (c *Conn) Send(line string, payload []byte) error {
	line = strings.ReplaceAll(line, "{n}", strconv.Itoa(len(payload)))
	return c.write(append([]byte(line+"\r\n"), payload...), message{line: line, payload: payload}.String())
}

// write sends bytes, in segments if the client is told so.
func (c *Conn) write(b []byte, shown string) error {
	c.log.add(c.Name, ">", shown)
	c.writing.Lock()
	defer c.writing.Unlock()
	size := c.split
	if size == 0 {
		size = max(len(b), 1)
	}
	for len(b) > 0 {
		part := b[:min(size, len(b))]
		if _, err := c.nc.Write(part); err != nil {
			return fmt.Errorf("write to %s: %w", c.Name, err)
		}
		b = b[len(part):]
	}
	return nil
}

// Close closes the connection as a client does that has finished.
func (c *Conn) Close() { c.close("") }

// Reset ends the connection as a client does that was killed.
func (c *Conn) Reset() { c.close("reset") }

func (c *Conn) close(how string) {
	c.mu.Lock()
	c.shut = true
	c.mu.Unlock()
	c.bell.strike()
	tcp, isTCP := c.nc.(*net.TCPConn)
	switch {
	case how == "half" && isTCP:
		_ = tcp.CloseWrite() // the server may have closed before
		return
	case how == "reset" && isTCP:
		_ = tcp.SetLinger(0) // as above
	}
	_ = c.nc.Close() // as above
}

// String shows a message on one line, its payload by name where it has one.
func (m message) String() string {
	text := m.line
	if m.payload != nil {
		text += " + " + showPayload(m.payload)
	}
	if m.flaw != "" {
		text += "   (" + m.flaw + ")"
	}
	return text
}

// showPayload returns the name of a fixture, or the beginning of another payload.
func showPayload(b []byte) string {
	for name, fixture := range payloads() {
		if bytes.Equal(b, fixture) {
			return name
		}
	}
	const most = 300
	if len(b) > most {
		return fmt.Sprintf("%q... (%d bytes)", b[:most], len(b))
	}
	return strconv.Quote(string(b))
}

// conversation is what was said on all connections of a player, for error messages.
type conversation struct {
	mu    sync.Mutex // leaf
	lines []string
}

func (v *conversation) add(conn, mark, text string) {
	v.mu.Lock()
	defer v.mu.Unlock()
	v.lines = append(v.lines, strings.TrimRight(conn+mark+" "+text, " "))
}

// tail returns the last lines, indented.
func (v *conversation) tail(count int) string {
	v.mu.Lock()
	defer v.mu.Unlock()
	lines := v.lines
	if len(lines) > count {
		lines = lines[len(lines)-count:]
	}
	return "    " + strings.Join(lines, "\n    ")
}
