package server_test

import (
	"bufio"
	"fmt"
	"net"
	"slices"
	"strings"
	"testing"
	"time"

	"monarch/internal/auth"
	"monarch/internal/im"
	"monarch/internal/msntest"
	"monarch/internal/store"
)

// BenchmarkSignIn is a whole sign-in with a ticket, by somebody whose contacts are off line,
// with the lists and the first status. It counts the client, too.
func BenchmarkSignIn(b *testing.B) {
	const contacts = 150
	f := msntest.Start(b, hasty)
	circle(b, f.Store, contacts)
	keys, err := f.Store.Keys(b.Context())
	if err != nil {
		b.Fatal(err)
	}
	u, err := f.Store.User(b.Context(), circleHandle(0))
	if err != nil {
		b.Fatal(err)
	}
	ticket := auth.NewSigner(keys).Ticket(auth.Ticket{User: int64(u.ID), Credential: u.Credential, Issued: time.Now()})
	b.ReportAllocs()
	for b.Loop() {
		if err := signIn(f.Server.Addr("notification"), u.Handle, ticket, contacts); err != nil {
			b.Fatal(err)
		}
	}
}

func circleHandle(n int) string { return fmt.Sprintf("user%05d@example.com", n) }

// circle makes somebody with friends who all have him, too.
func circle(b *testing.B, s *store.Store, friends int) {
	b.Helper()
	var users []store.NewUser
	var contacts []store.NewContact
	for i := range friends + 1 {
		users = append(users, store.NewUser{Handle: circleHandle(i), Name: fmt.Sprint("User ", i)})
		if i > 0 {
			contacts = append(contacts,
				store.NewContact{Owner: circleHandle(0), Peer: circleHandle(i), Lists: im.Forward | im.Allow, Name: fmt.Sprint("Friend ", i)},
				store.NewContact{Owner: circleHandle(i), Peer: circleHandle(0), Lists: im.Forward | im.Allow})
		}
	}
	if err := s.ImportUsers(b.Context(), slices.Values(users), nil); err != nil {
		b.Fatal(err)
	}
	if err := s.ImportContacts(b.Context(), slices.Values(contacts), nil); err != nil {
		b.Fatal(err)
	}
}

// signIn signs in, reads everything, and leaves.
func signIn(addr, handle, ticket string, contacts int) error {
	nc, err := net.Dial("tcp", addr)
	if err != nil {
		return err
	}
	defer nc.Close()
	r := bufio.NewReader(nc)
	for _, step := range []struct {
		send, last string // the first line of the answer that begins like this is the last
		times      int
	}{
		{"VER 1 MSNP8 CVR0", "VER ", 1},
		{"CVR 2 0x0409 winnt 5.1 i386 MSNMSGR 5.0.0544 MSMSGS " + handle, "CVR ", 1},
		{"USR 3 TWN I " + handle, "USR ", 1},
		{"USR 4 TWN S " + ticket, "sid: ", 1},
		{"SYN 5 0", "LST ", contacts},
		{"CHG 6 NLN 0", "CHG ", 1},
		{"OUT", "", 0},
	} {
		if _, err := nc.Write([]byte(step.send + "\r\n")); err != nil {
			return err
		}
		for n := 0; n < step.times; {
			line, err := r.ReadSlice('\n')
			if err != nil {
				return fmt.Errorf("after %s: %w", step.send, err)
			}
			if strings.HasPrefix(string(line), step.last) {
				n++
			}
		}
	}
	return nil
}
