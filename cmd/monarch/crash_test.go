package main_test

import (
	"bufio"
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"net"
	"os"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"
)

// messenger is a client of MSNP9 that signs in as unpatched clients do.
type messenger struct {
	t  *testing.T
	nc net.Conn
	r  *bufio.Reader
}

// signIn signs alice in and returns her client and the block that SYN was answered with.
func signIn(t *testing.T, p *process) (*messenger, []string) {
	t.Helper()
	nc, err := net.Dial("tcp", p.addrs["notification"])
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { nc.Close() })
	if err := nc.SetDeadline(time.Now().Add(patience)); err != nil {
		t.Fatal(err)
	}
	m := &messenger{t, nc, bufio.NewReader(nc)}
	m.say("VER 1 MSNP9 CVR0")
	m.say("CVR 2 0x0409 winnt 5.1 i386 MSNMSGR 6.0.0602 MSMSGS alice@example.com")
	m.say("USR 3 TWN I alice@example.com")
	challenge := strings.TrimPrefix(m.until("USR 3 "), "USR 3 TWN S ")
	m.say("USR 4 TWN S " + ticket(t, p, challenge))
	m.until("USR 4 OK ")
	m.say("SYN 5 0")
	m.say("PNG")
	block := []string{m.until("SYN 5 ")}
	for {
		line := m.hear()
		if strings.HasPrefix(line, "QNG") {
			return m, block
		}
		block = append(block, line)
	}
}

// ticket asks the login server for one.
func ticket(t *testing.T, p *process, challenge string) string {
	t.Helper()
	nc, err := tls.Dial("tcp", p.addrs["https"], &tls.Config{InsecureSkipVerify: true}) // clients of the time do not look either
	if err != nil {
		t.Fatal(err)
	}
	defer nc.Close()
	fmt.Fprintf(nc, "GET /login2.srf HTTP/1.1\r\nHost: login.passport.com\r\n"+
		"Authorization: Passport1.4 OrgVerb=GET,OrgURL=x,sign-in=alice%%40example.com,pwd=secret,%s\r\n\r\n", challenge)
	answer, err := io.ReadAll(nc)
	if err != nil {
		t.Fatal(err)
	}
	found := regexp.MustCompile(`from-PP='([^']+)'`).FindSubmatch(answer)
	if found == nil {
		t.Fatalf("no ticket in %q", answer)
	}
	return string(found[1])
}

func (m *messenger) say(line string) {
	m.t.Helper()
	if _, err := io.WriteString(m.nc, line+"\r\n"); err != nil {
		m.t.Fatal(err)
	}
}

func (m *messenger) hear() string {
	m.t.Helper()
	line, err := m.r.ReadString('\n')
	if err != nil {
		m.t.Fatalf("%q: %v", line, err)
	}
	return strings.TrimSuffix(line, "\r\n")
}

// until returns the first line that begins so.
func (m *messenger) until(prefix string) string {
	m.t.Helper()
	for {
		if line := m.hear(); strings.HasPrefix(line, prefix) {
			return line
		}
	}
}

// kills is how many times the server is killed; each takes less than a second.
const kills = 8

// TestNothingAcknowledgedIsLost kills the server while a client renames groups without
// waiting for answers, and compares what the client was told with what is there afterwards.
// A name holds the number of the command that gave it, so a later one may be there instead:
// it was stored, and the answer did not make it.
func TestNothingAcknowledgedIsLost(t *testing.T) {
	dir := t.TempDir()
	var told acknowledged
	for round := range kills {
		p := serve(t, dir)
		if round == 0 {
			ok(t, dir, "secret\n", "Added", "user", "add", "alice@example.com", "--password-stdin")
		}
		m, block := signIn(t, p)
		stored := readBlock(t, block)
		if stored.version < told.version {
			t.Errorf("round %d: list version %d is back at %d", round, told.version, stored.version)
		}
		for group, command := range told.commands {
			if stored.commands[group] < command {
				t.Errorf("round %d: command %d on group %d was acknowledged and is lost:\n%s",
					round, command, group, strings.Join(block, "\n"))
			}
		}
		told = m.renameUntilKilled(p, stored)
	}
}

// acknowledged is what a client was told: the list version, and for each group the number of
// the last command on it.
type acknowledged struct {
	version  int
	commands [groups]int
}

const groups = 5 // group 0 and four of our own

// readBlock reads the answer to SYN.
func readBlock(t *testing.T, block []string) (a acknowledged) {
	t.Helper()
	if _, err := fmt.Sscanf(block[0], "SYN 5 %d", &a.version); err != nil {
		t.Fatalf("%s: %v", block[0], err)
	}
	for _, line := range block {
		var group, command int
		if _, err := fmt.Sscanf(line, "LSG %d n%d 0", &group, &command); err == nil {
			a.commands[group] = command
		}
	}
	return a
}

// renameUntilKilled sends many commands at once, kills the server when it has answered some,
// and returns what it has acknowledged.
func (m *messenger) renameUntilKilled(p *process, told acknowledged) acknowledged {
	m.t.Helper()
	var batch strings.Builder
	first := slices.Max(told.commands[:]) + 1
	for command := first; command < first+2000; command++ {
		if command < groups {
			fmt.Fprintf(&batch, "ADG %d n%d 0\r\n", command, command)
		} else {
			fmt.Fprintf(&batch, "REG %d %d n%d 0\r\n", command, 1+command%(groups-1), command)
		}
	}
	if _, err := io.WriteString(m.nc, batch.String()); err != nil {
		m.t.Fatal(err)
	}
	killAt := 5 + rand.IntN(200)
	for n := 0; ; n++ {
		if n == killAt {
			if err := p.cmd.Process.Kill(); err != nil {
				m.t.Fatal(err)
			}
		}
		line, err := m.r.ReadString('\n')
		if errors.Is(err, os.ErrDeadlineExceeded) {
			m.t.Fatal("the server neither answers nor dies")
		}
		if err != nil {
			break
		}
		var trid, group, command int
		if _, err := fmt.Sscanf(line, "ADG %d %d n%d %d 0", &trid, &told.version, &command, &group); err != nil {
			if _, err := fmt.Sscanf(line, "REG %d %d %d n%d 0", &trid, &told.version, &group, &command); err != nil {
				m.t.Fatalf("an answer that is none: %q", line)
			}
		}
		told.commands[group] = command
	}
	<-p.said
	p.ended = true
	_ = p.cmd.Wait() // killed, as it tells
	return told
}

// TestRenewedCertificatesAreServed signs the certificates with SHA-1 and looks whether a
// start leaves them so.
func TestRenewedCertificatesAreServed(t *testing.T) {
	dir := t.TempDir()
	ok(t, dir, "", "issued anew", "cert", "--renew", "--sha1")
	serve(t, dir).stop(t)
	ok(t, dir, "", `"signed_with": "SHA-1"`, "cert", "--json")
}
