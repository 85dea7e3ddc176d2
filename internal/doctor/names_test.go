package doctor_test

import (
	"context"
	"encoding/binary"
	"net"
	"net/netip"
	"strings"
	"testing"

	"monarch/internal/doctor"
	"monarch/internal/passport"
)

func TestNamesOfOld(t *testing.T) {
	all, half := make(map[string]string), make(map[string]string)
	for i, name := range passport.LegacyNames() {
		all[name], half[name] = "127.0.0.1", "192.0.2.1"
		if i%2 == 0 {
			half[name] = "127.0.0.1"
		}
	}
	for name, c := range map[string]struct {
		zone  map[string]string
		level doctor.Level
		says  string
	}{
		"all lead here":    {all, doctor.OK, "All 14 lead to this server"},
		"some lead here":   {half, doctor.Warning, "loginnet.passport.com (192.0.2.1)"},
		"none has a place": {nil, doctor.OK, "None of the 14 leads here"},
	} {
		t.Run(name, func(t *testing.T) {
			examineWith(t, freePorts(t), stopped, nameServer(t, c.zone)).expect(t, c.level, "names of old", c.says)
		})
	}
}

func TestAHostKnownByName(t *testing.T) {
	cfg := freePorts(t)
	cfg.Service.Host = "im.example.com"
	for addr, c := range map[string]struct {
		level doctor.Level
		says  string
	}{
		"127.0.0.1": {doctor.Warning, "this machine only"},
		"192.0.2.1": {doctor.OK, "192.0.2.1 is no address of this machine"},
		"":          {doctor.Problem, "im.example.com has no address"},
	} {
		zone := map[string]string{"im.example.com": addr}
		if addr == "" {
			zone = nil
		}
		examineWith(t, cfg, stopped, nameServer(t, zone)).expect(t, c.level, "service.host", c.says)
	}
}

// nameServer answers questions for the IPv4 addresses of a zone, and returns the way to it.
func nameServer(t *testing.T, zone map[string]string) func(context.Context, string, string) (net.Conn, error) {
	t.Helper()
	l, err := net.ListenPacket("udp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	done := make(chan struct{})
	go func() {
		defer close(done)
		for b := make([]byte, 1500); ; {
			n, from, err := l.ReadFrom(b)
			if err != nil {
				return
			}
			_, _ = l.WriteTo(answer(b[:n], zone), from)
		}
	}()
	t.Cleanup(func() {
		if err := l.Close(); err != nil {
			t.Error(err)
		}
		<-done
	})
	return func(ctx context.Context, _, _ string) (net.Conn, error) {
		return new(net.Dialer).DialContext(ctx, "udp", l.LocalAddr().String())
	}
}

// answer makes the response to a query of one question: an address, or that there is none.
func answer(query []byte, zone map[string]string) []byte {
	const header, noName = 12, 3
	var labels []string
	at := header
	for query[at] != 0 {
		labels = append(labels, string(query[at+1:at+1+int(query[at])]))
		at += 1 + int(query[at])
	}
	kind := binary.BigEndian.Uint16(query[at+1:])
	addr, known := zone[strings.ToLower(strings.Join(labels, "."))]
	b := append([]byte{query[0], query[1], 0x81, 0x80, 0, 1, 0, 0, 0, 0, 0, 0}, query[header:at+5]...)
	switch {
	case !known:
		b[3] |= noName
	case kind == 1: // A
		b[7] = 1
		ip := netip.MustParseAddr(addr).As4()
		b = append(b, 0xC0, header, 0, 1, 0, 1, 0, 0, 0, 60, 0, 4)
		b = append(b, ip[:]...)
	}
	return b
}
