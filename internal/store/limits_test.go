package store

import (
	"errors"
	"fmt"
	"sync"
	"sync/atomic"
	"testing"
)

// keepsTheLimit has many add something at once, for which there is less room, and tells how many did.
func keepsTheLimit(t *testing.T, room int, tooMany error, add func(name string) error) {
	t.Helper()
	var all sync.WaitGroup
	var added atomic.Int32
	for i := range 40 {
		all.Go(func() {
			switch err := add(fmt.Sprint("x", i)); {
			case err == nil:
				added.Add(1)
			case !errors.Is(err, tooMany):
				t.Error(err)
			}
		})
	}
	all.Wait()
	if int(added.Load()) != room {
		t.Errorf("%d were added where there was room for %d", added.Load(), room)
	}
}

func TestWebhooksAddedAtOnceKeepTheLimit(t *testing.T) {
	s := open(t, NewDatabase(t))
	keepsTheLimit(t, MaxWebhooks, ErrTooManyWebhooks, func(name string) error {
		return s.AddWebhook(t.Context(), Webhook{ID: name})
	})
}

func TestTokensAddedAtOnceKeepTheLimit(t *testing.T) {
	const room = 3
	s := open(t, NewDatabase(t))
	_, err := raw(s).ExecContext(t.Context(), `
		INSERT INTO api_token (`+apiColumns+`, hash)
		WITH RECURSIVE n (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < $1)
		SELECT '' || i, '' || i, '', 0, '', 0, 0, '' || i FROM n`, MaxAPITokens-room)
	if err != nil {
		t.Fatal(err)
	}
	keepsTheLimit(t, room, ErrTooManyTokens, func(name string) error {
		return s.AddAPIToken(t.Context(), APIToken{ID: name, Name: name}, name)
	})
}
