package msnclient

import (
	"bytes"
	"context"
	"encoding/hex"
	"errors"
	"fmt"
	"slices"
	"testing"
	"testing/synctest"
	"time"

	"monarch/internal/msntest"
	"monarch/msnp"
)

// TestWorkedTransfer reproduces the transfer of docs/protocol/payloads.md#object-transfer to
// the byte.
func TestWorkedTransfer(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		net := newP2PNet(t)
		alice, bob := net.join("alice@example.com"), net.join("bob@example.com")
		bob.numbers = []uint32{2000000, 1172536, 0x11223344, 0x55667788}
		bob.guids = []string{
			"{6F3C2A10-55D4-4E1B-9C07-1A2B3C4D5E6F}", "{0D9B7C31-8E42-4F6A-B5D0-7788990011AA}",
			"{A1B2C3D4-0102-4304-8506-0708090A0B0C}",
		}
		alice.numbers = []uint32{3000000, 0x22334455, 0x33445566, 0x44556677}
		picture := make([]byte, 1500)
		for i := range picture {
			picture[i] = byte(31*i + 7)
		}
		o, err := msnp.ParseObject(msnp.Unescape(msntest.Object))
		if err != nil {
			t.Fatal(err)
		}
		alice.objects[o.SHA1D] = picture

		got, err := bob.fetch(t.Context(), "alice@example.com", o)
		if err != nil {
			t.Fatal(err)
		}
		if !bytes.Equal(got, picture) {
			t.Error("the picture arrived changed")
		}
		synctest.Wait()
		sent := net.all()
		if len(sent) != 11 {
			t.Errorf("%d messages, want 11", len(sent))
		}
		for i, s := range sent {
			name := fmt.Sprintf("P-DP%d", i+1)
			want, _ := msntest.Payload(name)
			payload := append([]byte("MIME-Version: 1.0\r\nContent-Type: application/x-msnmsgrp2p\r\nP2P-Dest: "+s.to+"\r\n\r\n"), s.body...)
			if !bytes.Equal(payload, want) {
				t.Errorf("%s:\n%s\nwant\n%s", name, hex.Dump(payload), hex.Dump(want))
			}
		}
		alice.idle(t)
		bob.idle(t)
	})
}

// TestLibpurpleOwnsThePicture replays what libpurple said when somebody fetched its picture.
func TestLibpurpleOwnsThePicture(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		said := hexFixtures(t, "testdata/libpurple.txt")
		net := newP2PNet(t)
		alice := net.join("alice@hotmail.com")
		net.nodes["bob@hotmail.com"] = &p2pNode{handle: "bob@hotmail.com", inbox: make(chan p2pSent, 100), gone: make(chan struct{})}
		alice.numbers = []uint32{0x6b8b456b, 846930890, 0x12200854}
		alice.guids = []string{"{8147455F-1BE9-9E6D-1C6E-4BEA8B3E9C46}", "{4006A774-4034-2698-4AEB-B61447858F8A}"}
		o, err := msnp.ParseObject(`<msnobj Creator="bob@hotmail.com" Size="745" Type="3" Location="TFR2C2.tmp" Friendly="AAA=" ` +
			`SHA1D="phswudtExfVjuplZ2H5pci5WZTY=" SHA1C="o23bacx8MLsEdzZMdvDwLPz1vT0="/>`)
		if err != nil {
			t.Fatal(err)
		}
		var got []byte
		alice.wg.Go(func() { got, err = alice.fetch(t.Context(), "bob@hotmail.com", o) })
		synctest.Wait()
		for _, name := range []string{"B1", "B2", "B3", "B4"} {
			alice.inbox <- p2pSent{from: "bob@hotmail.com", body: said[name]}
		}
		synctest.Wait()
		alice.inbox <- p2pSent{from: "bob@hotmail.com"} // it resets the connection
		synctest.Wait()
		if err != nil || len(got) != 745 {
			t.Fatalf("%d bytes, error %v", len(got), err)
		}
		// The acknowledgements are those that libpurple gave itself.
		sent := net.all()
		if len(sent) != 5 {
			t.Fatalf("%d messages, want INVITE, three acknowledgements and BYE", len(sent))
		}
		for i, name := range []string{"A2", "A3", "A4"} {
			if !bytes.Equal(sent[i+1].body, said[name]) {
				t.Errorf("%s:\n%s\nwant\n%s", name, hex.Dump(sent[i+1].body), hex.Dump(said[name]))
			}
		}
		alice.idle(t)
	})
}

// TestLibpurpleAsksForThePicture replays what libpurple said when it fetched a picture. It
// sends no NUL behind the object and no BYE.
func TestLibpurpleAsksForThePicture(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		said := hexFixtures(t, "testdata/libpurple.txt")
		net := newP2PNet(t)
		bob := net.join("bob@hotmail.com")
		net.nodes["alice@hotmail.com"] = &p2pNode{handle: "alice@hotmail.com", inbox: make(chan p2pSent, 100), gone: make(chan struct{})}
		data, err := msnp.ParseP2P(said["B4"])
		if err != nil {
			t.Fatal(err)
		}
		bob.objects["phswudtExfVjuplZ2H5pci5WZTY="] = data.Data
		bob.numbers = []uint32{0x6b8b456e, 0x327b23c6, 0x643c9869, 0x66334873}
		for _, name := range []string{"A1", "A2", "A3", "A4"} {
			bob.inbox <- p2pSent{from: "alice@hotmail.com", body: said[name]}
			synctest.Wait()
		}
		sent := net.all()
		if len(sent) != 4 {
			t.Fatalf("%d messages, want an acknowledgement, 200 OK, preparation and data", len(sent))
		}
		if !bytes.Equal(sent[0].body, said["B1"]) {
			t.Errorf("acknowledgement:\n%s", hex.Dump(sent[0].body))
		}
		if !bytes.Equal(sent[3].body, said["B4"]) {
			t.Errorf("data:\n%s", hex.Dump(sent[3].body))
		}
		bob.idle(t)
	})
}

func TestObjectsOfAllSizes(t *testing.T) {
	for _, size := range []int{0, 1, 1201, 1202, 1203, 2404, 50000, MaxObject} {
		t.Run(fmt.Sprint(size), func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				net := newP2PNet(t)
				alice, bob := net.join("alice@example.com"), net.join("bob@example.com")
				data := pattern(size)
				got, err := bob.fetch(t.Context(), "alice@example.com", alice.owns(msnp.ObjectEmoticon, data))
				if err != nil || !bytes.Equal(got, data) {
					t.Fatalf("%d bytes, error %v", len(got), err)
				}
				synctest.Wait()
				alice.idle(t)
				bob.idle(t)
			})
		})
	}
}

func TestFetchesFail(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		net := newP2PNet(t)
		alice, bob := net.join("alice@example.com"), net.join("bob@example.com")
		o := alice.owns(msnp.ObjectPicture, pattern(5000))
		fetch := func(from string, o msnp.Object) error {
			_, err := bob.fetch(t.Context(), from, o)
			return err
		}
		unknown, larger, smaller, huge := o, o, o, o
		unknown.SHA1D = "AAAA"
		larger.Size, smaller.Size, huge.Size = 5001, 4999, MaxObject+1
		for _, c := range []struct {
			name string
			from string
			o    msnp.Object
			want error
		}{
			{"an object he does not have", "alice@example.com", unknown, ErrNoObject},
			{"less than announced", "alice@example.com", larger, ErrDamaged},
			{"more than announced", "alice@example.com", smaller, ErrDamaged},
			{"more than anybody needs", "alice@example.com", huge, ErrTooLarge},
			{"somebody who is not there", "carol@example.com", o, ErrNotDelivered},
		} {
			if err := fetch(c.from, c.o); !errors.Is(err, c.want) {
				t.Errorf("%s: error %v, want %v", c.name, err, c.want)
			}
		}
		alice.objects[o.SHA1D] = append(pattern(4999), 0)
		if err := fetch("alice@example.com", o); !errors.Is(err, ErrDamaged) {
			t.Errorf("other bytes of the same size: error %v", err)
		}
		synctest.Wait()
		alice.idle(t)
		bob.idle(t)

		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		alice.intercept(func(p2pSent) bool { return false })
		if _, err := bob.fetch(ctx, "alice@example.com", o); !errors.Is(err, context.DeadlineExceeded) {
			t.Errorf("nothing came before the deadline: error %v", err)
		}
		alice.intercept(nil)
		synctest.Wait()
		if last := net.said("bob@example.com"); last[len(last)-1] != "BYE" {
			t.Error("who gives up does not say so")
		}
		alice.idle(t)
	})
}

func TestSilenceEnds(t *testing.T) {
	for _, c := range []struct {
		name  string
		lost  func(msnp.P2P) bool // what alice says and bob does not get
		after time.Duration
	}{
		{"no answer", func(msnp.P2P) bool { return true }, p2pPatience},
		{"no data", func(m msnp.P2P) bool { return m.Flags.Data() }, p2pPatience},
		{"half the data", func(m msnp.P2P) bool { return m.Offset > 20000 }, p2pPatience},
	} {
		t.Run(c.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				net := newP2PNet(t)
				alice, bob := net.join("alice@example.com"), net.join("bob@example.com")
				o := alice.owns(msnp.ObjectPicture, pattern(50000))
				alice.intercept(func(s p2pSent) bool { return !c.lost(s.parse(t)) })
				start := time.Now()
				_, err := bob.fetch(t.Context(), "alice@example.com", o)
				if !errors.Is(err, ErrTimeout) || time.Since(start) != c.after {
					t.Errorf("error %v after %v", err, time.Since(start))
				}
				synctest.Wait()
				alice.idle(t)
				bob.idle(t)
			})
		})
	}
}

// An object that comes so slowly that there is always some progress.
func TestDrippingEnds(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		net := newP2PNet(t)
		bob := net.join("bob@example.com")
		net.nodes["mallory@example.com"] = &p2pNode{inbox: make(chan p2pSent, 1000), gone: make(chan struct{})}
		bob.numbers = []uint32{5, 6}
		start, o := time.Now(), msnp.NewObject("mallory@example.com", msnp.ObjectPicture, "x", pattern(100))
		var err error
		over := make(chan struct{})
		bob.wg.Go(func() {
			_, err = bob.fetch(t.Context(), "mallory@example.com", o)
			close(over)
		})
		drip := time.NewTicker(50 * time.Second)
		defer drip.Stop()
		for i := uint64(0); ; i++ {
			select {
			case <-drip.C:
				m := msnp.P2P{Session: 6, ID: 7, Offset: i, Total: 100, Flags: msnp.P2PObject, Data: []byte{1}}
				bob.inbox <- p2pSent{from: "mallory@example.com", body: m.Append(nil)}
				continue
			case <-over:
			}
			break
		}
		if !errors.Is(err, ErrTimeout) || time.Since(start) != p2pObjects {
			t.Errorf("error %v after %v", err, time.Since(start))
		}
	})
}

func TestManyAtATime(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		net := newP2PNet(t)
		alice, bob, carol := net.join("alice@example.com"), net.join("bob@example.com"), net.join("carol@example.com")
		errs := make(chan error, 100)
		fetch := func(by, from *p2pNode, size int) {
			data := pattern(size)
			o := from.owns(msnp.ObjectEmoticon, data)
			by.wg.Go(func() {
				got, err := by.fetch(t.Context(), from.handle, o)
				if err == nil && !bytes.Equal(got, data) {
					err = ErrDamaged
				}
				errs <- err
			})
		}
		n := 0
		for i := range 10 {
			for _, pair := range [][2]*p2pNode{{alice, bob}, {bob, alice}, {carol, alice}, {carol, bob}} {
				fetch(pair[0], pair[1], 3000*i+1)
				n++
			}
		}
		for range n {
			if err := <-errs; err != nil {
				t.Error(err)
			}
		}
		synctest.Wait()
		for _, node := range net.nodes {
			node.idle(t)
		}
	})
}

func TestLeavingEndsTransfers(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		net := newP2PNet(t)
		alice, bob, carol := net.join("alice@example.com"), net.join("bob@example.com"), net.join("carol@example.com")
		data := pattern(30000)
		o, theirs := alice.owns(msnp.ObjectPicture, data), carol.owns(msnp.ObjectPicture, data)
		alice.intercept(func(s p2pSent) bool { return s.parse(t).Offset < 20000 })
		var err error
		bob.wg.Go(func() { _, err = bob.fetch(t.Context(), "alice@example.com", o) })
		synctest.Wait()
		alice.leave()
		synctest.Wait()
		if !errors.Is(err, ErrCancelled) {
			t.Errorf("alice left: error %v", err)
		}
		if got, err := bob.fetch(t.Context(), "carol@example.com", theirs); err != nil || !bytes.Equal(got, data) {
			t.Errorf("carol is still there: error %v", err)
		}
		carol.intercept(func(p2pSent) bool { return false })
		bob.wg.Go(func() { _, err = bob.fetch(t.Context(), "carol@example.com", theirs) })
		synctest.Wait()
		go bob.leave()
		synctest.Wait()
		if !errors.Is(err, ErrChatClosed) {
			t.Errorf("bob left: error %v", err)
		}
		if _, err := bob.fetch(t.Context(), "carol@example.com", theirs); !errors.Is(err, ErrChatClosed) {
			t.Errorf("bob has left: error %v", err)
		}
	})
}

func TestIdentifiers(t *testing.T) {
	count := func(ack bool) []uint32 {
		n, got := p2pIDs{base: 100}, []uint32(nil)
		for range 7 {
			got = append(got, n.next(ack))
			ack = false
		}
		return got
	}
	if got := count(false); !slices.Equal(got, []uint32{100, 101, 102, 103, 104, 105, 106}) {
		t.Errorf("who invites counts %d", got)
	}
	if got := count(true); !slices.Equal(got, []uint32{100, 97, 98, 99, 101, 102, 103}) {
		t.Errorf("who is invited counts %d", got)
	}
}
