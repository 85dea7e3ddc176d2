package cli

import (
	"bufio"
	"io"
	"net"
	"testing"

	"monarch/internal/config"
)

// A server that takes this machine for a proxy is told that the messenger is none.
func TestChatIsNoProxy(t *testing.T) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	for _, c := range []struct {
		name, listener string
		proxies        []string
		want           string
	}{
		{"where it is taken for one", "dispatch", []string{"192.0.2.0/24", "127.0.0.0/8"}, "PROXY UNKNOWN\r\n"},
		{"where it is not", "dispatch", []string{"192.0.2.0/24"}, "VER 1\r\n"},
		{"at a port that asks nobody", "ops", []string{"127.0.0.0/8"}, "VER 1\r\n"},
	} {
		dial := introducing(config.Networks{Proxies: c.proxies}, map[string]string{c.listener: l.Addr().String()})
		client, err := dial(t.Context(), "tcp", l.Addr().String())
		if err != nil {
			t.Fatal(err)
		}
		if _, err := io.WriteString(client, "VER 1\r\n"); err != nil {
			t.Fatal(err)
		}
		server, err := l.Accept()
		if err != nil {
			t.Fatal(err)
		}
		if line, err := bufio.NewReader(server).ReadString('\n'); line != c.want {
			t.Errorf("%s: %q, %v", c.name, line, err)
		}
		client.Close()
		server.Close()
	}
}
