package admin

import (
	"context"
	"errors"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"monarch/internal/auth"
)

// shelf is where tokens are loaded from, at a time that the test says.
type shelf struct {
	now   atomic.Int64
	loads atomic.Int64
	err   error
	all   []string
	good  goodTokens
}

func (s *shelf) have(t *testing.T, secret string) bool {
	t.Helper()
	return s.good.have(t.Context(), secret, func() time.Duration { return time.Duration(s.now.Load()) },
		func(context.Context) ([]string, error) {
			s.loads.Add(1)
			return s.all, s.err
		})
}

func TestManyWrongTokensCostOneLook(t *testing.T) {
	s := &shelf{all: []string{auth.TokenHash("right")}}
	var group sync.WaitGroup
	for range 20 {
		group.Go(func() {
			for range 500 {
				if s.have(t, "wrong") || !s.have(t, "right") {
					t.Error("the wrong one is let in, or the right one is not")
				}
			}
		})
	}
	group.Wait()
	if n := s.loads.Load(); n != 1 {
		t.Errorf("%d looks within a moment", n)
	}
	s.all = append(s.all, auth.TokenHash("new"))
	if s.have(t, "new") {
		t.Error("a token is there that nobody has told of")
	}
	s.now.Store(int64(hashesLife))
	if !s.have(t, "new") || s.loads.Load() != 2 {
		t.Errorf("a second later it is not there, after %d looks", s.loads.Load())
	}
	s.all = nil
	s.good.forget()
	if s.have(t, "new") || s.have(t, "right") || s.loads.Load() != 3 {
		t.Errorf("they are there when they are gone, after %d looks", s.loads.Load())
	}
}

func TestTokensAreKnownWhileTheDatabaseIsAway(t *testing.T) {
	s := &shelf{all: []string{auth.TokenHash("right")}}
	s.have(t, "right")
	s.err = errors.New("away")
	s.now.Store(int64(hashesLife))
	for range 100 {
		if !s.have(t, "right") || s.have(t, "wrong") {
			t.Error("the right one is not known any more, or a wrong one is")
		}
	}
	if n := s.loads.Load(); n != 2 {
		t.Errorf("%d looks", n)
	}
}
