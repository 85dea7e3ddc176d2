package gate

import (
	"bufio"
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"net"

	"github.com/pires/go-proxyproto"
)

// The two forms of the header. docs/adr/0022-proxy-protocol.md
const (
	shortest = len("PROXY UNKNOWN\r\n") // of either
	longest1 = 107                      // a line
	fixed2   = 16                       // what the second form always has; its last two bytes tell how much follows
	longest2 = 4096                     // with all its extras
)

var errNoHeader = errors.New("no header of the PROXY protocol")

// readHeader reads the header that a connection begins with, and nothing of what follows it. It
// returns the client's address, which is nil when the proxy speaks for itself.
func readHeader(r io.Reader) (*net.TCPAddr, error) {
	b, err := cutHeader(r)
	if err != nil {
		return nil, err
	}
	h, err := proxyproto.Read(bufio.NewReaderSize(bytes.NewReader(b), longest2))
	if err != nil {
		return nil, fmt.Errorf("read the PROXY header: %w", err)
	}
	if h.Command.IsLocal() || h.TransportProtocol.IsUnspec() {
		return nil, nil
	}
	client, ok := h.SourceAddr.(*net.TCPAddr)
	if !ok {
		return nil, fmt.Errorf("the PROXY header names no client over TCP: %v", h.SourceAddr)
	}
	return client, nil
}

// cutHeader returns the bytes of a header. It takes no byte too many from r, so that r can be
// handed on as it is.
func cutHeader(r io.Reader) ([]byte, error) {
	b, err := extend(r, make([]byte, 0, longest1), shortest)
	switch {
	case err != nil:
		return nil, err
	case bytes.HasPrefix(b, proxyproto.SIGV1):
		return cutLine(r, b)
	case bytes.HasPrefix(b, proxyproto.SIGV2):
		return cutBlock(r, b)
	}
	return nil, errNoHeader
}

// cutLine reads on to the end of the line.
func cutLine(r io.Reader, b []byte) ([]byte, error) {
	for b[len(b)-1] != '\n' {
		if len(b) == longest1 {
			return nil, errNoHeader
		}
		var err error
		if b, err = extend(r, b, len(b)+1); err != nil {
			return nil, err
		}
	}
	return b, nil
}

// cutBlock reads on to the length that the header tells.
func cutBlock(r io.Reader, b []byte) ([]byte, error) {
	b, err := extend(r, b, fixed2)
	if err != nil {
		return nil, err
	}
	size := fixed2 + int(binary.BigEndian.Uint16(b[fixed2-2:]))
	if size > longest2 {
		return nil, errNoHeader
	}
	return extend(r, b, size)
}

// extend reads until b has a size.
func extend(r io.Reader, b []byte, size int) ([]byte, error) {
	have := len(b)
	b = append(b, make([]byte, size-have)...)
	if _, err := io.ReadFull(r, b[have:]); err != nil {
		return nil, fmt.Errorf("wait for the PROXY header: %w", err)
	}
	return b, nil
}
