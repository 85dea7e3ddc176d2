package jstest

import (
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/httptest"
	"sync"
	"testing"

	"monarch/internal/auth"
	"monarch/internal/msntest"
	"monarch/internal/store"
)

// world is a server, people on msnclient, and an interface by which a test in node directs both.
type world struct {
	t    *testing.T
	p    *msntest.Player
	url  string
	work chan order

	// Touched by the goroutine of the test alone.
	peers map[string]*peer

	mu sync.RWMutex // held for writing while the server may be exchanged
	f  *msntest.Fixture
}

// order is something that only the goroutine of the test may do.
type order struct {
	do     func() (any, error)
	answer chan any // or an error
}

func newWorld(t *testing.T) *world {
	f := msntest.Start(t, nil)
	w := &world{
		t: t, f: f, p: msntest.NewPlayer(t, f), peers: make(map[string]*peer), work: make(chan order),
	}
	mux := http.NewServeMux()
	mux.HandleFunc("/credentials", w.tells(w.credentials))
	mux.HandleFunc("/addresses", w.tells(w.addresses))
	mux.HandleFunc("/website", w.tells(w.website))
	mux.HandleFunc("/play", w.play)
	mux.HandleFunc("/peer", w.peer)
	s := httptest.NewServer(mux)
	t.Cleanup(s.Close)
	w.url = s.URL
	return w
}

// serve does what the test in node orders, until it is done.
func (w *world) serve(done <-chan struct{}) {
	for {
		select {
		case o := <-w.work:
			result, err := o.do()
			if err != nil {
				result = err
			}
			o.answer <- result
		case <-done:
			return
		}
	}
}

// order has the goroutine of the test do something, and answers with the result.
func (w *world) order(rw http.ResponseWriter, r *http.Request, do func() (any, error)) {
	o := order{do, make(chan any, 1)}
	select {
	case w.work <- o:
	case <-r.Context().Done():
		return
	}
	select {
	case result := <-o.answer:
		reply(rw, result)
	case <-r.Context().Done():
	}
}

func reply(rw http.ResponseWriter, result any) {
	if err, bad := result.(error); bad {
		http.Error(rw, err.Error(), http.StatusConflict)
		return
	}
	rw.Header().Set("Content-Type", "application/json")
	_ = json.NewEncoder(rw).Encode(result) // node complains if it does not get it
}

// tells answers with what is so of the server of the moment.
func (w *world) tells(what func(*http.Request) (any, error)) http.HandlerFunc {
	return func(rw http.ResponseWriter, r *http.Request) {
		w.mu.RLock()
		defer w.mu.RUnlock()
		result, err := what(r)
		if err != nil {
			result = err
		}
		reply(rw, result)
	}
}

// credentials is what a page asks for before it signs in.
func (w *world) credentials(r *http.Request) (any, error) {
	u, err := w.f.Store.User(r.Context(), r.FormValue("who")+"@example.com")
	if err != nil {
		return nil, err
	}
	ticket, err := w.f.Ticket(u)
	return map[string]string{"handle": u.Handle, "name": u.Name, "ticket": ticket}, err
}

func (w *world) addresses(*http.Request) (any, error) {
	return map[string]string{
		"dispatch": w.f.Server.Addr("dispatch"), "notification": w.f.Server.Addr("notification"),
	}, nil
}

// website says where the website is, with the cookie of somebody who has signed in there.
func (w *world) website(r *http.Request) (any, error) {
	u, err := w.f.Store.User(r.Context(), r.FormValue("who")+"@example.com")
	if err != nil {
		return nil, err
	}
	token, now := auth.Token(), w.f.Clock.Now().Unix()
	err = w.f.Store.AddWebSession(r.Context(), u, token, store.WebSession{Created: now, Seen: now})
	return map[string]string{"address": w.f.Server.Addr("web"), "cookie": "session=" + token}, err
}

// play plays steps of a transcript.
func (w *world) play(rw http.ResponseWriter, r *http.Request) {
	steps := r.FormValue("steps")
	w.order(rw, r, func() (any, error) {
		w.mu.Lock()
		defer w.mu.Unlock()
		w.p.Play(steps)
		return "done", nil
	})
}

// peer has somebody on msnclient do something.
func (w *world) peer(rw http.ResponseWriter, r *http.Request) {
	var a act
	if err := json.NewDecoder(r.Body).Decode(&a); err != nil {
		reply(rw, err)
		return
	}
	w.order(rw, r, func() (any, error) {
		do, ok := acts[a.Do]
		if !ok {
			return nil, fmt.Errorf("nobody knows how to %s", a.Do)
		}
		p := w.peers[a.Who]
		if p == nil {
			var err error
			if p, err = w.signIn(a.Who); err != nil {
				return nil, err
			}
		}
		result, err := do(p, a)
		if err != nil {
			return nil, fmt.Errorf("%s: %s: %w", a.Who, a.Do, err)
		}
		return result, nil
	})
}
