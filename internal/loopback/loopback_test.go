package loopback_test

import (
	"fmt"
	"net"
	"net/netip"
	"os"
	"runtime"
	"testing"

	"monarch/internal/loopback"
)

func TestNobodyElseComesToAnAddress(t *testing.T) {
	if runtime.GOOS != "linux" {
		return // where there may be no more than 127.0.0.1
	}
	text, err := os.ReadFile("/proc/sys/net/ipv4/ip_local_port_range")
	if err != nil {
		t.Fatal(err)
	}
	var low, high uint16
	if _, err := fmt.Sscan(string(text), &low, &high); err != nil {
		t.Fatal(err)
	}
	a := netip.MustParseAddrPort(loopback.Address(t))
	if !a.Addr().IsLoopback() || a.Addr() == netip.MustParseAddr("127.0.0.1") {
		t.Errorf("%v is no host of its own on the loopback", a)
	}
	if a.Port() >= low && a.Port() <= high {
		t.Errorf("the system may give %v to others by itself, as it does with the ports from %d to %d", a, low, high)
	}
}

func TestAnAddressIsGivenOnce(t *testing.T) {
	seen := make(map[string]bool)
	for range 100 {
		for _, one := range []string{loopback.Address(t), loopback.Port(t)} {
			if seen[one] {
				t.Fatalf("%s was given before", one)
			}
			seen[one] = true
		}
	}
}

func TestAPortIsFreeOnAllHosts(t *testing.T) {
	l, err := net.Listen("tcp", ":"+loopback.Port(t))
	if err != nil {
		t.Fatal(err)
	}
	l.Close()
}

func TestAnAddressThatIsTakenIsPassedOver(t *testing.T) {
	a := netip.MustParseAddrPort(loopback.Address(t))
	next := netip.AddrPortFrom(a.Addr(), a.Port()+1).String()
	l, err := net.Listen("tcp", next)
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	addr := loopback.Address(t)
	if addr == next {
		t.Errorf("%s is given, where somebody listens", next)
	}
	mine, err := net.Listen("tcp", addr)
	if err != nil {
		t.Fatal(err)
	}
	mine.Close()
}
