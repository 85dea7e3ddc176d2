package msnclient

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"slices"
	"testing"
	"testing/synctest"
	"time"

	"monarch/msnp"
)

// send sends a file in the background and returns where its fate will be.
func (node *p2pNode) send(ctx context.Context, to, name string, data []byte, progress func(int64)) <-chan error {
	fate := make(chan error, 1)
	node.wg.Go(func() {
		c := msnp.FileContext{Name: name, Size: uint64(len(data))}
		fate <- node.sendFile(ctx, to, c, bytes.NewReader(data), progress)
	})
	return fate
}

func nothing(int64) {}

func TestFiles(t *testing.T) {
	for _, size := range []int{0, 1, 1202, 1203, 300_000} {
		t.Run(fmt.Sprint(size), func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				net := newP2PNet(t)
				alice, bob := net.join("alice@example.com"), net.join("bob@example.com")
				data := pattern(size)
				var sent, taken []int64
				fate := alice.send(t.Context(), "bob@example.com", "C:\\My Files\\日本.txt", data, func(n int64) { sent = append(sent, n) })
				offer := <-bob.offers
				if offer.From != "alice@example.com" || offer.Name != "日本.txt" || offer.Size != int64(size) {
					t.Errorf("offer of %+v", offer)
				}
				select {
				case <-offer.Done():
					t.Error("it is over before it is accepted")
				default:
				}
				var got bytes.Buffer
				if err := offer.Accept(t.Context(), &got, func(n int64) { taken = append(taken, n) }); err != nil {
					t.Fatal(err)
				}
				if err := <-fate; err != nil {
					t.Fatal(err)
				}
				if !bytes.Equal(got.Bytes(), data) {
					t.Errorf("%d bytes arrived, or other ones", got.Len())
				}
				parts := max(1, (size+msnp.P2PMaxData-1)/msnp.P2PMaxData)
				for who, steps := range map[string][]int64{"alice": sent, "bob": taken} {
					if len(steps) != parts || !slices.IsSorted(steps) || steps[parts-1] != int64(size) {
						t.Errorf("%s saw %d steps up to %d, want %d", who, len(steps), steps[len(steps)-1], parts)
					}
				}
				<-offer.Done()
				if err := offer.Accept(t.Context(), &got, nil); err == nil {
					t.Error("it was accepted twice")
				}
				for _, s := range net.all() {
					if m := s.parse(t); m.Flags.Data() && (m.Flags != msnp.P2PFile || m.Footer != msnp.P2PFooterFile) {
						t.Errorf("data with flags %#x and footer %d", m.Flags, m.Footer)
					}
				}
				synctest.Wait()
				if said := fmt.Sprint(net.said("alice@example.com"), net.said("bob@example.com")); said != "[INVITE] [200 BYE]" {
					t.Error("they said " + said)
				}
				alice.idle(t)
				bob.idle(t)
			})
		})
	}
}

// unwanted are the ways in which a file does not get there.
var unwanted = []struct {
	name string
	want error // for the sender
	said string
	act  func(t *testing.T, o FileOffered, cancel func())
}{
	{"declined", ErrDeclined, "[INVITE] [603]", func(t *testing.T, o FileOffered, _ func()) {
		if err := o.Decline(); err != nil {
			t.Error(err)
		}
		if err := o.Accept(t.Context(), io.Discard, nil); !errors.Is(err, ErrDeclined) {
			t.Errorf("accepted after that: %v", err)
		}
	}},
	{"nobody looks", ErrDeclined, "[INVITE] [603]", func(t *testing.T, o FileOffered, _ func()) {
		<-time.After(p2pDecision + time.Second)
		if err := o.Accept(t.Context(), io.Discard, nil); !errors.Is(err, ErrTimeout) {
			t.Errorf("accepted after that: %v", err)
		}
	}},
	{"withdrawn", context.Canceled, "[INVITE BYE] []", func(t *testing.T, o FileOffered, cancel func()) {
		cancel()
		<-o.Done()
		if err := o.Accept(t.Context(), io.Discard, nil); !errors.Is(err, ErrCancelled) {
			t.Errorf("accepted after that: %v", err)
		}
		if err := o.Decline(); !errors.Is(err, ErrCancelled) {
			t.Errorf("declined after that: %v", err)
		}
	}},
	{"cancelled by the sender", context.Canceled, "[INVITE BYE] [200]", func(t *testing.T, o FileOffered, _ func()) {
		if err := o.Accept(t.Context(), io.Discard, nil); !errors.Is(err, ErrCancelled) {
			t.Errorf("error %v", err)
		}
	}},
	{"cancelled by the receiver", ErrCancelled, "[INVITE] [200 BYE]", func(t *testing.T, o FileOffered, _ func()) {
		ctx, stop := context.WithCancel(t.Context())
		err := o.Accept(ctx, io.Discard, func(n int64) {
			if n > 100_000 {
				stop()
			}
		})
		if !errors.Is(err, context.Canceled) {
			t.Errorf("error %v", err)
		}
	}},
	{"the disk is full", ErrCancelled, "[INVITE] [200 BYE]", func(t *testing.T, o FileOffered, _ func()) {
		r, w := io.Pipe()
		r.CloseWithError(io.ErrShortWrite)
		if err := o.Accept(t.Context(), w, nil); !errors.Is(err, io.ErrShortWrite) {
			t.Errorf("error %v", err)
		}
	}},
	{"the receiver leaves", ErrCancelled, "[INVITE] [200]", func(t *testing.T, o FileOffered, _ func()) {
		err := o.Accept(t.Context(), io.Discard, func(n int64) {
			if n > 100_000 {
				o.p.close(nil)
			}
		})
		if !errors.Is(err, ErrChatClosed) {
			t.Errorf("error %v", err)
		}
	}},
}

func TestFilesThatAreNotWanted(t *testing.T) {
	for _, c := range unwanted {
		t.Run(c.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				net := newP2PNet(t)
				alice, bob := net.join("alice@example.com"), net.join("bob@example.com")
				ctx, cancel := context.WithCancel(t.Context())
				defer cancel()
				fate := alice.send(ctx, "bob@example.com", "a", pattern(300_000), func(n int64) {
					if n > 100_000 && c.name == "cancelled by the sender" {
						cancel()
					}
				})
				offer := <-bob.offers
				c.act(t, offer, cancel)
				synctest.Wait()
				if c.name == "the receiver leaves" {
					bob.leave()
				}
				if err := <-fate; !errors.Is(err, c.want) {
					t.Errorf("the sender got %v, want %v", err, c.want)
				}
				synctest.Wait()
				<-offer.Done()
				if said := fmt.Sprint(net.said("alice@example.com"), net.said("bob@example.com")); said != c.said {
					t.Errorf("they said %s, want %s", said, c.said)
				}
				alice.idle(t)
			})
		})
	}
}
