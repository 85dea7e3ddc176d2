package gate

import (
	"bytes"
	"errors"
	"io"
	"net"
	"strings"
	"testing"
	"testing/iotest"

	"github.com/pires/go-proxyproto"
)

// This file is inside the package because only here one sees that no byte too many is taken.

func v2(t testing.TB, from, to net.Addr, extras ...proxyproto.TLV) string {
	t.Helper()
	h := proxyproto.HeaderProxyFromAddrs(2, from, to)
	if err := h.SetTLVs(extras); err != nil {
		t.Fatal(err)
	}
	b, err := h.Format()
	if err != nil {
		t.Fatal(err)
	}
	return string(b)
}

func tcp(addr string) *net.TCPAddr { return net.TCPAddrFromAddrPort(addrPort(addr)) }

func TestHeaders(t *testing.T) {
	signature := string(proxyproto.SIGV2)
	for _, c := range []struct{ name, header, client string }{
		{"a line of IPv4", "PROXY TCP4 192.0.2.7 10.0.0.1 4321 1863\r\n", "192.0.2.7:4321"},
		{"a line of IPv6", "PROXY TCP6 2001:db8::7 2001:db8::1 4321 1863\r\n", "[2001:db8::7]:4321"},
		{"a line of the proxy's own", "PROXY UNKNOWN\r\n", "nobody"},
		{"a long line of the proxy's own", "PROXY UNKNOWN ffff:f:f:f:f:f:f:ffff ffff:f:f:f:f:f:f:ffff 65535 65535\r\n", "nobody"},
		{"the second form", v2(t, tcp("192.0.2.7:4321"), tcp("10.0.0.1:1863")), "192.0.2.7:4321"},
		{"the second form of IPv6", v2(t, tcp("[2001:db8::7]:4321"), tcp("[2001:db8::1]:1863")), "[2001:db8::7]:4321"},
		{"extras", v2(t, tcp("192.0.2.7:4321"), tcp("10.0.0.1:1863"), proxyproto.TLV{Type: 4, Value: make([]byte, 500)}), "192.0.2.7:4321"},
		{"the second form of the proxy's own", signature + "\x20\x00\x00\x00", "nobody"},
		{"the same with an address", signature + "\x20\x11\x00\x0c\x7f\x00\x00\x01\x7f\x00\x00\x01\x00\x01\x00\x02", "nobody"},
		{"no header", "VER 1 MSNP9 MSNP8 CVR0\r\n", ""},
		{"almost a signature", "\r\n\r\n\x00\r\nQUIT\r..............", ""},
		{"a line with lower case", "proxy TCP4 192.0.2.7 10.0.0.1 4321 1863\r\n", ""},
		{"a line without client", "PROXY TCP4 4321 1863\r\n", ""},
		{"a line with a bad address", "PROXY TCP4 192.0.2.777 10.0.0.1 4321 1863\r\n", ""},
		{"a line that is too long", "PROXY TCP4 " + strings.Repeat("1", 200) + "\r\n", ""},
		{"the second form of another version", signature + "\x31\x11\x00\x0c\x7f\x00\x00\x01\x7f\x00\x00\x01\x00\x01\x00\x02", ""},
		{"the second form of UDP", v2(t, &net.UDPAddr{IP: net.IPv4(192, 0, 2, 7), Port: 1}, &net.UDPAddr{IP: net.IPv4(10, 0, 0, 1), Port: 2}), ""},
		{"the second form with too little", signature + "\x21\x11\x00\x04\x7f\x00\x00\x01", ""},
		{"the second form with too much", signature + "\x21\x11\xff\xff" + strings.Repeat("x", 0xFFFF), ""},
		{"half a line", "PROXY TCP4 192.0.2.7", ""},
		{"half of the second form", signature + "\x21\x11\x00\x0c\x7f\x00", ""},
		{"nothing", "", ""},
	} {
		t.Run(c.name, func(t *testing.T) {
			for _, r := range []io.Reader{strings.NewReader(c.header + "rest"), iotest.OneByteReader(strings.NewReader(c.header + "rest"))} {
				client, err := readHeader(r)
				got := "nobody"
				if client != nil {
					got = client.String()
				}
				if c.client == "" {
					if err == nil {
						t.Errorf("%s", got)
					}
					continue
				}
				rest, _ := io.ReadAll(r)
				if err != nil || got != c.client || string(rest) != "rest" {
					t.Errorf("%s, %v; %q is left; want %s", got, err, rest, c.client)
				}
			}
		})
	}
}

// FuzzHeader looks for a header that makes the reader fail otherwise than by an error, or take
// what is not its own.
func FuzzHeader(f *testing.F) {
	f.Add([]byte("PROXY TCP4 192.0.2.7 10.0.0.1 4321 1863\r\nVER 1\r\n"))
	f.Add([]byte("PROXY UNKNOWN\r\n"))
	f.Add([]byte(v2(f, tcp("[2001:db8::7]:4321"), tcp("[2001:db8::1]:1863"))))
	f.Fuzz(func(t *testing.T, b []byte) {
		r := bytes.NewReader(b)
		client, err := readHeader(r)
		switch {
		case err != nil && client != nil:
			t.Error("a client and an error")
		case err != nil:
		case len(b)-r.Len() > longest2:
			t.Errorf("a header of %d bytes", len(b)-r.Len())
		case client != nil && !address(client).IsValid():
			t.Errorf("a client without an address: %v", client)
		}
		if errors.Is(err, io.ErrNoProgress) {
			t.Error(err)
		}
	})
}
