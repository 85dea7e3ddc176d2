package msnclient

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"sync"
	"sync/atomic"
	"time"

	"monarch/msnp"
)

const (
	writeTimeout = 30 * time.Second // for a server that does not read
	byeTimeout   = 2 * time.Second  // for a server to hang up after OUT
	readSize     = 4096
)

// answers are the verbs that answer a command by its TrID; error lines do as well.
var answers = map[msnp.Verb]bool{
	msnp.VER: true, msnp.CVR: true, msnp.USR: true, msnp.XFR: true, msnp.SYN: true, msnp.CHG: true,
	msnp.ADD: true, msnp.REM: true, msnp.REA: true, msnp.ADG: true, msnp.REG: true, msnp.RMG: true,
	msnp.GTC: true, msnp.BLP: true, msnp.PRP: true, msnp.URL: true, msnp.QRY: true, msnp.IMS: true,
	msnp.ANS: true, msnp.CAL: true, msnp.ACK: true, msnp.NAK: true,
}

// link is a connection to a notification server or switchboard: it numbers and writes
// commands, reads frames, and knows who waits for which answer.
type link struct {
	conn    net.Conn
	grammar *msnp.Grammar
	gate    gate
	log     *slog.Logger
	heard   atomic.Int64 // when the last bytes came, in nanoseconds since 1970

	wmu sync.Mutex // serialises writes; taken before mu

	mu      sync.Mutex // leaf
	last    uint32     // TrID given last
	waiting map[msnp.TrID]chan answer
	err     error // why the link ended or is ending; nil while it lives
}

// answer is what became of a command.
type answer struct {
	frame msnp.Frame
	err   error
}

// receipt stands for a command under way.
type receipt struct {
	l    *link
	trid msnp.TrID
	ch   chan answer
}

func newLink(conn net.Conn, g *msnp.Grammar, q *queue, log *slog.Logger) *link {
	l := &link{conn: conn, grammar: g, gate: gate{q: q}, log: log, waiting: make(map[msnp.TrID]chan answer)}
	l.heard.Store(time.Now().UnixNano())
	return l
}

// read passes every frame to handle, and after that an answer to whoever waits for it, until
// the connection or handle ends. Frames are valid during the call only.
func (l *link) read(handle func(msnp.Frame) error) error {
	var (
		buf     []byte
		scratch = make([][]byte, 0, msnp.MaxArgs)
	)
	for {
		rest := buf
		for {
			f, n, err := l.grammar.Next(rest, scratch)
			if err != nil {
				return err
			}
			if n == 0 {
				break
			}
			rest = rest[n:]
			if f.Verb == "" {
				continue
			}
			if err := l.take(f, handle); err != nil {
				return err
			}
		}
		buf = append(buf[:0], rest...)
		if cap(buf)-len(buf) < readSize {
			buf = append(make([]byte, 0, 2*cap(buf)+readSize), buf...)
		}
		n, err := l.conn.Read(buf[len(buf):cap(buf)])
		buf = buf[:len(buf)+n]
		l.heard.Store(time.Now().UnixNano())
		if err != nil && n == 0 {
			return l.explain(err)
		}
	}
}

// take handles a frame when there is room for what it may tell.
func (l *link) take(f msnp.Frame, handle func(msnp.Frame) error) error {
	l.gate.pass()
	if err := handle(f); err != nil {
		return err
	}
	return l.gate.check()
}

// explain turns the end of the byte stream into a reason.
func (l *link) explain(err error) error {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.err != nil {
		return l.err
	}
	if errors.Is(err, io.EOF) {
		err = io.ErrUnexpectedEOF
	}
	return fmt.Errorf("%w: %w", errLost, err)
}

// post numbers and writes a command without waiting for its answer. Commands go out in the
// order of the calls. The caller waits with [receipt.wait].
func (l *link) post(line func(b []byte, t msnp.TrID) []byte) (receipt, error) {
	l.wmu.Lock()
	defer l.wmu.Unlock()
	r := receipt{l: l, ch: make(chan answer, 1)}
	l.mu.Lock()
	if l.err != nil {
		defer l.mu.Unlock()
		return r, l.err
	}
	l.last++
	r.trid = msnp.TrID(msnp.Uint(l.last))
	l.waiting[r.trid] = r.ch
	l.mu.Unlock()
	if err := l.writeLocked(line(nil, r.trid)); err != nil {
		l.forget(r.trid)
		return r, err
	}
	return r, nil
}

// tell writes a command nobody waits for an answer of.
func (l *link) tell(line func(b []byte, t msnp.TrID) []byte) error {
	l.wmu.Lock()
	defer l.wmu.Unlock()
	l.mu.Lock()
	if l.err != nil {
		defer l.mu.Unlock()
		return l.err
	}
	l.last++
	t := msnp.TrID(msnp.Uint(l.last))
	l.mu.Unlock()
	return l.writeLocked(line(nil, t))
}

// ask writes a command of words and waits for its answer. The frame is the caller's.
func (l *link) ask(ctx context.Context, v msnp.Verb, params ...string) (msnp.Frame, error) {
	release := l.gate.hold()
	defer release()
	r, err := l.post(func(b []byte, t msnp.TrID) []byte {
		return msnp.AppendLine(b, v, append([]string{string(t)}, params...)...)
	})
	if err != nil {
		return msnp.Frame{}, err
	}
	return r.wait(ctx)
}

// wait waits for the answer. An error line is an error of type [msnp.Code].
func (r receipt) wait(ctx context.Context) (msnp.Frame, error) {
	release := r.l.gate.hold()
	defer release()
	select {
	case a := <-r.ch:
		return a.frame, a.err
	case <-ctx.Done():
		r.l.forget(r.trid)
		return msnp.Frame{}, ctx.Err()
	}
}

func (l *link) forget(t msnp.TrID) {
	l.mu.Lock()
	defer l.mu.Unlock()
	delete(l.waiting, t)
}

// deliver passes a frame to whoever waits for it, and reports whether somebody did.
func (l *link) deliver(f msnp.Frame) bool {
	code, isCode := f.Code()
	if !isCode && !answers[f.Verb] || len(f.Args) == 0 {
		return false
	}
	l.mu.Lock()
	t := msnp.TrID(f.Args[0])
	ch, ok := l.waiting[t]
	delete(l.waiting, t)
	l.mu.Unlock()
	switch {
	case !ok:
	case isCode:
		ch <- answer{err: code}
	default:
		ch <- answer{frame: f.Clone()}
	}
	return ok
}

// write sends bytes that have no TrID of ours.
func (l *link) write(b []byte) error {
	l.wmu.Lock()
	defer l.wmu.Unlock()
	return l.writeLocked(b)
}

func (l *link) writeLocked(b []byte) error {
	l.conn.SetWriteDeadline(time.Now().Add(writeTimeout))
	if _, err := l.conn.Write(b); err != nil {
		err = fmt.Errorf("%w: %w", errLost, err)
		l.fail(err)
		return err
	}
	return nil
}

// bye says OUT and lets the reader go on until the server hangs up, for a moment at most:
// what it passed on before must not be lost. reason is what others get to hear.
func (l *link) bye(reason error) {
	if !l.end(reason) {
		return
	}
	l.gate.release()
	l.conn.SetDeadline(time.Now().Add(byeTimeout)) // of a write under way, too
	l.wmu.Lock()
	defer l.wmu.Unlock()
	if _, err := l.conn.Write(msnp.AppendLine(nil, msnp.OUT)); err != nil {
		l.conn.Close()
	}
}

// fail ends the link at once.
func (l *link) fail(reason error) {
	l.end(reason)
	l.gate.release()
	l.conn.Close()
}

// end notes the reason, and reports whether it is the first.
func (l *link) end(reason error) bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.err != nil {
		return false
	}
	l.err = reason
	return true
}

// finish closes the connection and disappoints everybody who still waits. The reader calls it
// when it is done.
func (l *link) finish(reason error) {
	l.fail(reason)
	l.mu.Lock()
	defer l.mu.Unlock()
	for t, ch := range l.waiting {
		ch <- answer{err: l.err}
		delete(l.waiting, t)
	}
}

// alive reports whether the link has not begun to end.
func (l *link) alive() bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.err == nil
}
