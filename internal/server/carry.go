package server

import (
	"io"
	"net"
	"net/netip"
	"slices"
	"strconv"
	"sync"
	"time"

	"monarch/internal/config"
	"monarch/msnp"
)

// dialTime is how long connecting with another node may take.
const dialTime = 5 * time.Second

// elsewhere returns what carries the connection of a client that comes over HTTP, or with the messenger
// of the website, to another node: to the switchboard at an address, or for "" to a notification
// server, if this node is to have nobody. Only addresses that nodes tell of themselves are
// connected with.
func (s *Server) elsewhere(addr string) (carry func(net.Conn) bool, ok bool) {
	if addr != "" {
		if addr, ok = s.nodes.Board(addr); !ok {
			return nil, false
		}
	} else {
		if s.listeners.notification != nil && !s.ns.Draining() {
			return nil, false
		}
		to, ok := s.nodes.Notification("")
		if !ok || to.Here {
			return nil, false
		}
		addr = to.Addr
	}
	return func(near net.Conn) bool { return s.carrier.carry(near, addr, s.proxies()) }, true
}

// proxies returns the networks from which nodes believe a header that names the client.
func (s *Server) proxies() []netip.Prefix {
	list, err := config.Prefixes(s.cfg.Networks.Proxies)
	if err != nil {
		return nil // it was read at the start
	}
	return list
}

// carrier carries connections to other nodes. The zero value is one.
type carrier struct {
	work sync.WaitGroup // two goroutines for each

	mu      sync.Mutex // leaf
	open    map[*carriage]struct{}
	stopped bool
}

// carriage is a connection of a client here, and the one there that it is carried in.
type carriage struct{ near, far net.Conn }

// carry connects near with an address until one of both ends. It reports false, and closes near, if that
// cannot be.
func (c *carrier) carry(near net.Conn, addr string, proxies []netip.Prefix) bool {
	far, err := net.DialTimeout("tcp", addr, dialTime)
	if err != nil {
		_ = near.Close()
		return false
	}
	one := &carriage{near, far}
	if !c.begin(one) || !introduce(far, near.RemoteAddr(), proxies) {
		c.end(one)
		return false
	}
	c.work.Go(func() {
		defer c.end(one)
		_, _ = io.Copy(plain{far}, plain{near})
	})
	c.work.Go(func() {
		defer c.end(one)
		bring(near, far)
	})
	return true
}

func (c *carrier) begin(one *carriage) bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.stopped {
		return false
	}
	if c.open == nil {
		c.open = make(map[*carriage]struct{})
	}
	c.open[one] = struct{}{}
	return true
}

// end closes both connections, of which perhaps one is closed already.
func (c *carrier) end(one *carriage) {
	_, _ = one.near.Close(), one.far.Close()
	c.mu.Lock()
	defer c.mu.Unlock()
	delete(c.open, one)
}

// count returns how many there are.
func (c *carrier) count() int {
	c.mu.Lock()
	defer c.mu.Unlock()
	return len(c.open)
}

// evict ends those of clients at addresses that are not wanted any more, and returns how many they are.
func (c *carrier) evict(unwanted func(netip.Addr) bool) (n int) {
	c.mu.Lock()
	defer c.mu.Unlock()
	for one := range c.open {
		from, err := netip.ParseAddrPort(one.near.RemoteAddr().String())
		if err == nil && unwanted(from.Addr().Unmap()) {
			_, _ = one.near.Close(), one.far.Close()
			n++
		}
	}
	return n
}

// close ends all, and what comes.
func (c *carrier) close() {
	c.mu.Lock()
	c.stopped = true
	for one := range c.open {
		_, _ = one.near.Close(), one.far.Close()
	}
	c.mu.Unlock()
	c.work.Wait()
}

// plain hides what else a connection can, such as copying by itself with a buffer that is larger.
type plain struct{ io.ReadWriter }

// longest is how many bytes there may be of a command that is not whole. A node sends none that long.
const longest = 128 << 10

// bring copies what the other node says, in whole commands: some clients forget half a command
// that comes over HTTP. It also tells near when that node has let the client in: from then on he is
// no stranger here either.
func bring(near, far net.Conn) {
	welcome := func() {}
	if c, ok := near.(interface{ SignedIn() }); ok {
		welcome = sync.OnceFunc(c.SignedIn)
	}
	kept, b := []byte(nil), make([]byte, 8<<10)
	for {
		n, err := far.Read(b)
		kept = append(kept, b[:n]...)
		end, in, bad := whole(kept)
		over := err != nil || bad != nil || len(kept)-end > longest
		if over {
			end = len(kept) // half a command is better than none
		}
		if in {
			welcome()
		}
		if end > 0 {
			if _, err := near.Write(kept[:end]); err != nil {
				return
			}
			kept = append(kept[:0], kept[end:]...)
		}
		if over {
			return
		}
	}
}

// whole returns the length of the commands of a server that b begins with, as far as they are whole, and
// whether one of them lets the client in.
func whole(b []byte) (end int, in bool, err error) {
	var room [msnp.MaxArgs][]byte
	for {
		f, n, err := msnp.ServerGrammar.Next(b[end:], room[:0])
		end += n
		if n == 0 || err != nil {
			return end, in, err
		}
		// Not any line with the word: a stranger chooses some of what a server answers.
		in = in || (f.Verb == msnp.USR || f.Verb == msnp.ANS) && f.Arg(1) == "OK"
	}
}

// introduce tells the other node who the client is, if nodes believe that: when the address from which
// this one comes is among their proxies, as among its own.
func introduce(far net.Conn, client net.Addr, proxies []netip.Prefix) bool {
	from, err1 := netip.ParseAddrPort(client.String())
	own, err2 := netip.ParseAddrPort(far.LocalAddr().String())
	to, err3 := netip.ParseAddrPort(far.RemoteAddr().String())
	if err1 != nil || err2 != nil || err3 != nil ||
		!slices.ContainsFunc(proxies, func(p netip.Prefix) bool { return p.Contains(own.Addr().Unmap()) }) {
		return true
	}
	header := "PROXY UNKNOWN\r\n"
	if a, b := from.Addr().Unmap(), to.Addr().Unmap(); a.Is4() == b.Is4() {
		family := "TCP6"
		if a.Is4() {
			family = "TCP4"
		}
		header = "PROXY " + family + " " + a.String() + " " + b.String() + " " +
			strconv.Itoa(int(from.Port())) + " " + strconv.Itoa(int(to.Port())) + "\r\n"
	}
	if err := far.SetWriteDeadline(time.Now().Add(dialTime)); err != nil {
		return false
	}
	_, err := io.WriteString(far, header)
	return err == nil && far.SetWriteDeadline(time.Time{}) == nil
}
