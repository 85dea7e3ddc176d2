package server

import (
	"io"
	"net"
	"net/netip"
	"sync"
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
		"NOT 2\r\nabADD 0 RL 4 b@example.com B": "NOT 2\r\nab",
	} {
		if n, in, err := whole([]byte(text)); text[:n] != want || in || err != nil {
			t.Errorf("%q begins with %q, %v, %v", text, text[:n], in, err)
		}
	}
	for _, text := range []string{"MSG a A -5\r\n", "MSG a A 99999999999999999999\r\n"} {
		if n, _, err := whole([]byte("QNG 60\r\n" + text)); err == nil || n != len("QNG 60\r\n") {
			t.Errorf("%q: %d, %v", text, n, err)
		}
	}
}

// welcomed is a connection of a client who is a stranger until somebody says that he is not.
type welcomed struct {
	net.Conn
	in chan struct{}
}

func (w welcomed) SignedIn() { close(w.in) }

// TestAStrangerIsCarriedAsOne has a client choose what the node that he is carried to answers.
func TestAStrangerIsCarriedAsOne(t *testing.T) {
	near, client := net.Pipe()
	far, node := net.Pipe()
	w := welcomed{near, make(chan struct{})}
	var carried sync.WaitGroup
	carried.Go(func() { bring(w, far) })
	says := func(text string) {
		t.Helper()
		if _, err := io.WriteString(node, text); err != nil {
			t.Fatal(err)
		}
		if _, err := io.ReadFull(client, make([]byte, len(text))); err != nil {
			t.Fatal(err)
		}
	}
	for _, text := range []string{"CVR 2 OK OK OK https://a/help https://a/help\r\n", "USR 3 TWN S OK\r\n", "MSG a OK 10\r\nUSR 4 OK\r\n"} {
		says(text)
		select {
		case <-w.in:
			t.Fatalf("%q makes somebody known", text)
		default:
		}
	}
	says("USR 4 OK a@example.com A 1\r\nUSR 5 OK\r\n")
	<-w.in // before the client heard of it
	node.Close()
	carried.Wait()
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
