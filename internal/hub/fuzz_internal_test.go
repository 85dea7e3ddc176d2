package hub

import (
	"bytes"
	"context"
	"errors"
	"log/slog"
	"reflect"
	"testing"
	"time"

	"monarch/internal/clock"
	"monarch/internal/cluster"
	"monarch/internal/cluster/clustertest"
	"monarch/internal/im"
	"monarch/internal/metrics"
)

type nobody struct{}

func (nobody) Deliver(Event) bool { return true }

// What comes from another node is read, takes effect and can be said again, or is passed over.
func FuzzMessage(f *testing.F) {
	for _, m := range []any{
		message{SignedIn: new(signedIn)},
		message{Changed: new(changed)},
		message{SignedOut: new(signedOut)},
		message{Boards: new(boards)},
		message{TurnOver: 1},
		message{Sought: []im.UserID{1}},
		question{Ended: new(signedOut)},
		question{Turn: 7},
	} {
		v, n := reflect.New(reflect.TypeOf(m)).Elem(), 0
		v.Set(reflect.ValueOf(m))
		for i := range v.NumField() {
			if each := v.Field(i); each.Kind() == reflect.Pointer && !each.IsNil() {
				fill(each.Elem(), &n)
			}
		}
		f.Add(encode(v.Interface()))
	}
	for _, kind := range kinds {
		v, n := reflect.New(kind).Elem(), 0
		fill(v, &n)
		f.Add(encode(message{Event: address(7, 0, v.Interface().(Event))}))
		f.Add(encode(question{Event: address(7, 1, v.Interface().(Event))}))
	}
	clk := clock.New()
	f.Cleanup(clk.Close)
	c := cluster.New(cluster.Config{
		Name: "a", Bus: clustertest.NewNet().Bus(), Clock: clk, Log: slog.New(slog.DiscardHandler), Metrics: metrics.New(),
	})
	f.Fuzz(func(t *testing.T, b []byte) {
		var m, again message
		if decoding.Unmarshal(b, &m) == nil && m.Event == nil { // whose body is only read
			said := encode(m)
			if err := decoding.Unmarshal(said, &again); err != nil || !bytes.Equal(encode(again), said) {
				t.Errorf("%+v becomes %+v, %v", m, again, err)
			}
		}
		if m.SignedIn != nil && m.SignedIn.User > 1<<20 {
			return // for him there would be room for all who came before
		}
		h := New(clk, time.Second)
		h.GiveTurns(func(context.Context, im.UserID) (func(), error) { return nil, errors.New("not now") })
		p := newPeers(h)
		p.cluster, h.peers = c, p
		defer h.Close()
		h.SignIn(Login{Person: im.Person{ID: 7, Handle: "seven@example.com"}}, nobody{})
		p.Receive("b/x", b)
		p.Answer("b/x", b, func([]byte) {})
	})
}
