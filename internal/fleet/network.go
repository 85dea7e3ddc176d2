package fleet

import (
	"bytes"
	"cmp"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
)

// Network is a network of its own, of machines that are network namespaces: each has an address, and a
// cable to a router, which is a namespace too and knows who may not reach whom. The machine
// we are on is in it with an address.
type Network struct {
	number   int
	lock     *os.File // held as long as the number is ours
	machines []*Machine
	here     *Machine // the one we are on
}

// Machine is a host in a [Network].
type Machine struct {
	Name string
	Addr string

	network *Network
	space   string // the namespace; "": ours
	port    string // of the router, for its cable
}

// Numbers of networks are a part of their addresses: 10.64.0.0/16 and so on.
const (
	firstNetwork = 64
	lastNetwork  = 127
)

// NewNetwork makes a network with nobody in it but us. It must be root.
func NewNetwork() (*Network, error) {
	n, err := lockNumber()
	if err != nil {
		return nil, err
	}
	n.remove() // of one that was killed
	steps := [][]string{
		{"netns", "add", n.router()},
		{"-n", n.router(), "link", "set", "lo", "up"},
		{"netns", "exec", n.router(), "sh", "-c", "echo 1 >/proc/sys/net/ipv4/ip_forward"},
	}
	for _, args := range steps {
		if err = ip(args...); err != nil {
			break
		}
	}
	if err == nil {
		n.here, err = n.attach("here", "")
	}
	if err != nil {
		return nil, errors.Join(fmt.Errorf("make a network of machines: %w\n%s", err, needs), n.Close())
	}
	return n, nil
}

// needs is what an operator can do when there are no networks.
const needs = "This must be root on Linux, where network namespaces may be made (in a container: CAP_NET_ADMIN and CAP_SYS_ADMIN),\n" +
	"and needs the program ip, of Debian's package iproute2"

// lockNumber takes a number that nobody uses.
func lockNumber() (*Network, error) {
	var last error
	for number := firstNetwork; number <= lastNetwork; number++ {
		lock, err := os.OpenFile(filepath.Join(os.TempDir(), fmt.Sprint("monarch-network-", number, ".lock")), os.O_CREATE|os.O_RDWR, 0o600)
		if err == nil {
			if err = hold(lock); err == nil {
				return &Network{number: number, lock: lock}, nil
			}
			lock.Close()
		}
		last = err
	}
	return nil, fmt.Errorf("there are too many networks of machines: %w", last)
}

func (n *Network) name(machine string) string { return fmt.Sprint("monarch", n.number, "-", machine) }
func (n *Network) router() string             { return n.name("router") }

// Here is the address of the machine that we are on.
func (n *Network) Here() string { return n.here.Addr }

// Add puts another machine into the network.
func (n *Network) Add(name string) (*Machine, error) {
	space := n.name(name)
	if err := ip("netns", "add", space); err != nil {
		return nil, fmt.Errorf("make a machine: %w\n%s", err, needs)
	}
	m, err := n.attach(name, space)
	if err != nil {
		return nil, fmt.Errorf("make a machine: %w", err)
	}
	return m, nil
}

// attach lays the cable of a machine.
func (n *Network) attach(name, space string) (*Machine, error) {
	k := len(n.machines)
	m := &Machine{Name: name, Addr: fmt.Sprintf("10.%d.%d.2", n.number, k), network: n, space: space, port: fmt.Sprint("p", k)}
	gateway, device := fmt.Sprintf("10.%d.%d.1", n.number, k), "eth0"
	inside := func(args ...string) error { return ip(append([]string{"-n", space}, args...)...) }
	if space == "" {
		device, inside = fmt.Sprint("monarch", n.number), ip
	}
	err := errors.Join(
		ip("-n", n.router(), "link", "add", m.port, "type", "veth", "peer", "name", "x"+m.port),
		ip("-n", n.router(), "address", "add", gateway+"/24", "dev", m.port),
		ip("-n", n.router(), "link", "set", m.port, "up"),
		ip("-n", n.router(), "link", "set", "x"+m.port, "name", device, "netns", cmp.Or(space, strconv.Itoa(os.Getpid()))),
		inside("address", "add", m.Addr+"/24", "dev", device),
		inside("link", "set", device, "up"),
		inside("route", "add", fmt.Sprintf("10.%d.0.0/16", n.number), "via", gateway),
	)
	if err == nil && space != "" {
		err = inside("link", "set", "lo", "up")
	}
	n.machines = append(n.machines, m)
	return m, err
}

// Command is a program that runs on the machine, and ends when we do.
func (m *Machine) Command(argv ...string) *exec.Cmd {
	cmd := exec.Command("ip", append([]string{"netns", "exec", m.space}, argv...)...) //nolint:gosec // what a test or a person says
	confine(cmd)
	return cmd
}

// Cut has no packet of two machines reach the other, without a word to them.
func (n *Network) Cut(a, b *Machine) error { return n.rules("add", a, b) }

// Mend is the end of [Network.Cut].
func (n *Network) Mend(a, b *Machine) error { return n.rules("delete", a, b) }

func (n *Network) rules(what string, a, b *Machine) error {
	for _, way := range [][2]*Machine{{a, b}, {b, a}} {
		if err := ip("-n", n.router(), "rule", what, "iif", way[0].port, "to", way[1].Addr+"/32", "blackhole"); err != nil {
			return fmt.Errorf("cut or mend the network: %w", err)
		}
	}
	return nil
}

// Unplug takes the cable out of a machine, and Plug puts it back.
func (m *Machine) Unplug() error { return m.cable("down") }

// Plug is the end of [Machine.Unplug].
func (m *Machine) Plug() error { return m.cable("up") }

func (m *Machine) cable(state string) error {
	return ip("-n", m.network.router(), "link", "set", m.port, state)
}

// Close removes the network. What runs on its machines has to have ended.
func (n *Network) Close() error {
	n.remove()
	return n.lock.Close()
}

// remove removes all namespaces of the network, and their cables with them.
func (n *Network) remove() {
	said, _ := exec.Command("ip", "netns", "list").Output()
	for line := range strings.Lines(string(said)) {
		if name, _, _ := strings.Cut(strings.TrimSpace(line), " "); strings.HasPrefix(name, n.name("")) {
			_ = ip("netns", "delete", name) // somebody else may just have done so
		}
	}
	_ = ip("link", "delete", fmt.Sprint("monarch", n.number)) // or it has gone with its other end
}

// ip runs the program of that name.
func ip(args ...string) error {
	if said, err := exec.Command("ip", args...).CombinedOutput(); err != nil { //nolint:gosec // all words are ours
		return fmt.Errorf("ip %s: %w: %s", strings.Join(args, " "), err, bytes.TrimSpace(said))
	}
	return nil
}
