package fleet_test

import (
	"bufio"
	"fmt"
	"io"
	"net"
	"os"
	"strings"
	"testing"
	"time"

	"monarch/internal/fleet"
	"monarch/internal/msntest"
)

var programs msntest.Programs

func TestMain(m *testing.M) { os.Exit(programs.Main(m, "../../cmd/monarch")) }

// eventually repeats something until it is so.
func eventually(t *testing.T, what string, ok func() bool) {
	t.Helper()
	for range 3000 {
		if ok() {
			return
		}
		<-time.After(10 * time.Millisecond)
	}
	t.Fatal("it never came to be: " + what)
}

func TestNodesAreOnMachinesOfTheirOwn(t *testing.T) {
	f, err := fleet.New(fleet.Config{Monarch: programs.Path("monarch"), Dir: t.TempDir(), Nodes: 2})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := f.Close(); err != nil {
			t.Error(err)
		}
	})
	if err := f.Start(t.Context()); err != nil {
		t.Fatal(err)
	}
	serves := func(n *fleet.Node) bool {
		c, err := net.DialTimeout("tcp", n.Addr("notification"), time.Second)
		if err != nil {
			return false
		}
		defer c.Close()
		fmt.Fprint(c, "VER 1 MSNP9 CVR0\r\n")
		line, _ := bufio.NewReader(c).ReadString('\n')
		return strings.HasPrefix(line, "VER 1 MSNP9")
	}
	for _, n := range f.Nodes {
		if !serves(n) {
			t.Errorf("%s does not answer at %s", n.Name, n.Addr("notification"))
		}
	}
	first, second := f.Nodes[0], f.Nodes[1]
	reaches := func() bool {
		return first.Command("timeout", "2", "bash", "-c", "</dev/tcp/"+strings.ReplaceAll(second.Addr("ops"), ":", "/")).Run() == nil
	}
	if !reaches() {
		t.Error("machines do not reach each other")
	}
	if err := f.Cut(first.Machine, second.Machine); err != nil {
		t.Fatal(err)
	}
	if reaches() || !serves(first) || !serves(second) {
		t.Error("the cut is not between the two alone")
	}
	if err := f.Mend(first.Machine, second.Machine); err != nil {
		t.Fatal(err)
	}
	if !reaches() {
		t.Error("the cut stays")
	}
	second.Kill()
	if serves(second) || second.Running() {
		t.Error("a node that was killed answers")
	}
	if err := second.Start(t.Context()); err != nil {
		t.Fatal(err)
	}
	if err := second.Unplug(); err != nil {
		t.Fatal(err)
	}
	if serves(second) {
		t.Error("a machine without a cable answers")
	}
	if err := second.Plug(); err != nil {
		t.Fatal(err)
	}
	eventually(t, "it answers with its cable", func() bool { return serves(second) })
	for _, n := range f.Nodes {
		if err := n.Stop(); err != nil {
			t.Error(err)
		}
	}
}

func TestASlowWayKeepsEverything(t *testing.T) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	const delay = 100 * time.Millisecond
	slow, err := fleet.NewSlow("127.0.0.1:0", l.Addr().String(), delay)
	if err != nil {
		t.Fatal(err)
	}
	defer func() {
		if err := slow.Close(); err != nil {
			t.Error(err)
		}
	}()
	go func() { // an echo
		for {
			c, err := l.Accept()
			if err != nil {
				return
			}
			go func() {
				defer c.Close()
				_, _ = io.Copy(c, c) // until the other has enough
			}()
		}
	}()
	c, err := net.Dial("tcp", slow.Addr())
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	began := time.Now()
	sent := strings.Repeat("0123456789", 50000)
	go func() {
		_, _ = io.WriteString(c, sent) // what is missing is seen below
		_ = c.(*net.TCPConn).CloseWrite()
	}()
	got, err := io.ReadAll(c)
	if took := time.Since(began); string(got) != sent || err != nil || took < 2*delay {
		t.Errorf("%d of %d bytes came back after %v, %v", len(got), len(sent), took, err)
	}
}
