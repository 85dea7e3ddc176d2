package server

import (
	"io"
	"net"
	"net/netip"
	"testing"
)

func TestWholeCommands(t *testing.T) {
	for text, want := range map[string]string{
		"":                                      "",
		"NLN NLN a@example.com A 0\r":           "",
		"QNG 60\r\nNLN":                         "QNG 60\r\n",
		"MSG a A 3\r\nab":                       "",
		"MSG a A 3\r\nabcMSG a A 1\r\n":         "MSG a A 3\r\nabc",
		"\r\nOUT SSD\r\n":                       "\r\nOUT SSD\r\n",
		"MSG a A x\r\nMSG a A -5\r\nMSG\r\n":    "MSG a A x\r\nMSG a A -5\r\nMSG\r\n",
		"NOT 2\r\nabADD 0 RL 4 b@example.com B": "NOT 2\r\nab",
	} {
		if got := text[:whole([]byte(text))]; got != want {
			t.Errorf("%q begins with %q", text, got)
		}
	}
}

// TestNodesBelieveEachOther names the client to a node that has this one among its proxies, and to no
// other.
func TestNodesBelieveEachOther(t *testing.T) {
	for _, tc := range []struct{ client, proxies, want string }{
		{"192.0.2.7:4711", "127.0.0.0/8", "PROXY TCP4 192.0.2.7 127.0.0.1 4711 "},
		{"[2001:db8::7]:4711", "127.0.0.0/8", "PROXY UNKNOWN\r\n"},
		{"192.0.2.7:4711", "10.0.0.0/8", "VER"},
	} {
		l, err := net.Listen("tcp", "127.0.0.1:0")
		if err != nil {
			t.Fatal(err)
		}
		near, client := net.Pipe()
		var c carrier
		from := net.TCPAddrFromAddrPort(netip.MustParseAddrPort(tc.client))
		if !c.carry(named{near, from}, l.Addr().String(), []netip.Prefix{netip.MustParsePrefix(tc.proxies)}) {
			t.Fatal("it is not carried")
		}
		far, err := l.Accept()
		if err != nil {
			t.Fatal(err)
		}
		if _, err := io.WriteString(client, "VER 1 MSNP9\r\n"); err != nil {
			t.Fatal(err)
		}
		got := make([]byte, len(tc.want))
		if _, err := io.ReadFull(far, got); err != nil || string(got) != tc.want {
			t.Errorf("%s is introduced with %q, %v", tc.client, got, err)
		}
		c.close()
		if _, err := io.Copy(io.Discard, client); err != nil {
			t.Error(err)
		}
		if c.count() != 0 || c.carry(near, l.Addr().String(), nil) {
			t.Error("something is carried after the end")
		}
		far.Close()
		if err := l.Close(); err != nil {
			t.Error(err)
		}
		if c.carry(near, l.Addr().String(), nil) {
			t.Error("a node that is not there takes somebody")
		}
	}
}

// named is a connection of somebody.
type named struct {
	net.Conn
	from net.Addr
}

func (n named) RemoteAddr() net.Addr { return n.from }
