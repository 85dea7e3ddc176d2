package passport

import (
	"bufio"
	"errors"
	"io"
	"net"
	"net/http"
	"net/netip"
	"strconv"
	"strings"
)

// How large a request may be. A password can be percent-encoded three times over, hence
// the generous header. docs/protocol/passport.md#http
const (
	maxHead  = 16 << 10 // from the first byte to the empty line
	maxLines = 100      // of headers
	maxField = 8 << 10  // value of one header
	maxBody  = 64 << 10
)

// field is a header. Names are written exactly as they stand here.
type field struct{ name, value string }

// request is what a client asked for.
type request struct {
	method string
	proto  string // HTTP/1.1, or ""
	host   string // lower case, without port; "" when the client named none
	path   string // as it was sent
	query  string
	fields []field
	body   []byte
	held   int // bytes that head and body are counted with
	remote netip.Addr
	conn   net.Conn // it came over
}

// refusal is a request that cannot be served; it is the status of the answer.
type refusal int

// Error implements error.
func (r refusal) Error() string { return strings.ToLower(http.StatusText(int(r))) }

// header returns the first header of this name in any letter case, or "".
func (q *request) header(name string) string {
	for _, f := range q.fields {
		if strings.EqualFold(f.name, name) {
			return f.value
		}
	}
	return ""
}

// persistent reports whether the client can send another request over the same connection.
func (q *request) persistent() bool {
	direct, proxied := q.header("Connection"), q.header("Proxy-Connection")
	if strings.EqualFold(direct, "close") || strings.EqualFold(proxied, "close") {
		return false
	}
	return q.proto == "HTTP/1.1" || strings.EqualFold(direct, "Keep-Alive") || strings.EqualFold(proxied, "Keep-Alive")
}

// readHead reads one request, but for its body, as tolerantly as the oldest clients need: lines
// may end in LF alone, and the version, the Host header, or both may be missing. An error that
// is no [refusal] came from r. The reader's buffer must hold maxHead bytes. Room is asked for
// what is read, bit by bit.
func readHead(r *bufio.Reader, room func(bytes int) bool) (*request, error) {
	h := head{Reader: r, room: room, left: maxHead}
	line, err := h.first()
	if err != nil {
		return nil, err
	}
	q := new(request)
	if err := q.parseRequestLine(line); err != nil {
		return nil, err
	}
	if err := q.readFields(&h); err != nil {
		return nil, err
	}
	if q.held = h.held; q.host == "" {
		q.host = bareHost(q.header("Host"))
	}
	return q, nil
}

// head is the head of a request that is being read.
type head struct {
	*bufio.Reader
	room func(bytes int) bool
	left int // bytes that there may be yet
	held int // bytes that there is room for
}

// lineBytes is about what a line takes beside its text.
const lineBytes = 64

// first returns the request line. Empty lines before it are passed over, and what
// cannot be HTTP is refused at its first byte, not when a line has come together.
func (h *head) first() (string, error) {
	for {
		first, err := h.Peek(1)
		if err != nil {
			return "", err
		}
		if c := first[0] | 0x20; first[0] != '\r' && first[0] != '\n' && (c < 'a' || c > 'z') {
			return "", refusal(http.StatusBadRequest)
		}
		line, err := h.line()
		if err != nil || line != "" {
			return line, err
		}
	}
}

// line returns the next line without its end.
func (h *head) line() (string, error) {
	line, err := h.ReadSlice('\n')
	h.left -= len(line)
	switch {
	case errors.Is(err, bufio.ErrBufferFull), h.left < 0:
		return "", refusal(http.StatusRequestHeaderFieldsTooLarge)
	case err != nil:
		return "", err
	}
	text := strings.TrimRight(string(line), "\r\n")
	if text == "" { // perhaps the last
		return "", nil
	}
	if !h.room(len(text) + lineBytes) {
		return "", refusal(http.StatusServiceUnavailable)
	}
	h.held += len(text) + lineBytes
	return text, nil
}

// parseRequestLine reads method, target, and perhaps a version, which hardly matters: the
// answer is always of HTTP/1.1.
func (q *request) parseRequestLine(line string) error {
	for i := range len(line) {
		if line[i] < ' ' || line[i] == 0x7F {
			return refusal(http.StatusBadRequest)
		}
	}
	method, target, _ := strings.Cut(line, " ")
	target = strings.Trim(target, " ")
	if i := strings.LastIndexByte(target, ' '); i >= 0 && strings.HasPrefix(target[i+1:], "HTTP/") {
		q.proto, target = target[i+1:], strings.TrimRight(target[:i], " ")
	}
	if target == "" || strings.HasPrefix(target, "HTTP/") || method == proxyHeader {
		return refusal(http.StatusBadRequest)
	}
	q.method = method
	q.setTarget(target)
	return nil
}

// proxyHeader begins the PROXY header of one who is no proxy of ours; a proxy's was read before.
const proxyHeader = "PROXY"

// setTarget takes a target apart, which is a whole URL when the client sits behind a proxy.
func (q *request) setTarget(target string) {
	if scheme, rest, ok := strings.Cut(target, "://"); ok &&
		(strings.EqualFold(scheme, "http") || strings.EqualFold(scheme, "https")) {
		end := strings.IndexAny(rest, "/?#")
		if end < 0 {
			end = len(rest)
		}
		q.host, target = bareHost(rest[:end]), rest[end:]
		if !strings.HasPrefix(target, "/") {
			target = "/" + target
		}
	}
	target, _, _ = strings.Cut(target, "#")
	q.path, q.query, _ = strings.Cut(target, "?")
}

// bareHost returns a host in lower case without its port.
func bareHost(s string) string {
	s = strings.ToLower(strings.TrimSpace(s))
	if host, _, err := net.SplitHostPort(s); err == nil {
		return host
	}
	return strings.Trim(s, "[]")
}

// readFields reads headers up to the empty line. A line without a colon is passed over.
func (q *request) readFields(h *head) error {
	for range maxLines + 1 {
		line, err := h.line()
		if err != nil || line == "" {
			return err
		}
		if strings.IndexByte(line, 0) >= 0 {
			return refusal(http.StatusBadRequest)
		}
		if n := len(q.fields); n > 0 && (line[0] == ' ' || line[0] == '\t') {
			q.fields[n-1].value += " " + strings.Trim(line, " \t")
		} else if name, value, ok := strings.Cut(line, ":"); ok {
			q.fields = append(q.fields, field{strings.Trim(name, " \t"), strings.Trim(value, " \t")})
		}
		if n := len(q.fields); n > 0 && len(q.fields[n-1].value) > maxField {
			return refusal(http.StatusRequestHeaderFieldsTooLarge)
		}
	}
	return refusal(http.StatusRequestHeaderFieldsTooLarge)
}

// count returns how many fields have a name.
func (q *request) count(name string) (n int) {
	for _, f := range q.fields {
		if strings.EqualFold(f.name, name) {
			n++
		}
	}
	return n
}

// readBody reads as much as Content-Length says. No client of the time sends chunks.
func (q *request) readBody(r *bufio.Reader, room func(bytes int) bool) error {
	if q.count("Transfer-Encoding") > 0 {
		return refusal(http.StatusLengthRequired)
	}
	// Two lengths would be two requests to whoever reads the other one.
	if q.count("Content-Length") > 1 {
		return refusal(http.StatusBadRequest)
	}
	length := q.header("Content-Length")
	if length == "" {
		return nil
	}
	n, err := strconv.ParseUint(length, 10, 63)
	switch {
	case errors.Is(err, strconv.ErrRange), err == nil && n > maxBody:
		return refusal(http.StatusRequestEntityTooLarge)
	case err != nil:
		return refusal(http.StatusBadRequest)
	case !room(int(n)):
		return refusal(http.StatusServiceUnavailable)
	}
	q.held += int(n)
	q.body = make([]byte, n)
	_, err = io.ReadFull(r, q.body)
	return err
}
