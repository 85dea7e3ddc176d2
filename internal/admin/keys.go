package admin

import (
	"context"
	"errors"
	"fmt"
	"math"
	"net/http"
	"slices"
	"time"

	"monarch/internal/audit"
	"monarch/internal/auth"
	"monarch/internal/store"
)

const pathKeys = Root + "/keys"

// overlap is how long a key that was replaced goes on accepting what it signed. The minute is for
// what is being signed when it is replaced.
const overlap = auth.MaxLife + time.Minute

// Key is a key that tickets and cookies are signed with. Its secret stays in the database.
type Key struct {
	ID      int        `json:"id" doc:"Its number." example:"2"`
	Created time.Time  `json:"created" doc:"When it was made." example:"2026-03-01T12:00:00Z"`
	Retires *time.Time `json:"retires,omitempty" doc:"When it accepts nothing any more. Absent for the one that signs." example:"2026-03-02T12:01:00Z"`
}

// Rotation says what becomes of the keys there were.
type Rotation string

// The rotations.
const (
	Overlap Rotation = "overlap" // they accept what they signed until it has expired
	AtOnce  Rotation = "at_once" // they are worth nothing from now on, and whatever they signed
)

// rotation is the body that asks for a new key.
type rotation struct {
	Rotation Rotation `json:"rotation" enum:"overlap at_once" doc:"What becomes of the others: they accept what they signed until that has expired (overlap), or nothing any more (at_once)." example:"overlap"`
}

// Keys returns the keys, the one that signs first.
func (s *Service) Keys(ctx context.Context) ([]Key, error) {
	keys, err := s.Store.Keys(ctx)
	return s.describe(keys), err
}

// RotateKey makes a key that signs from now on, in the running server too, and returns the keys
// as [Service.Keys] does. Nobody's session ends.
func (s *Service) RotateKey(ctx context.Context, how Rotation) ([]Key, error) {
	now := s.Clock.Now()
	until := now
	switch how {
	case Overlap:
		until = now.Add(overlap)
	case AtOnce:
	default:
		return nil, problem(http.StatusBadRequest, CodeBadRequest, "rotation is %q; choose %q or %q", how, Overlap, AtOnce).about("rotation")
	}
	keys, err := s.Store.RotateKey(ctx, now, until)
	if errors.Is(err, store.ErrTooManyKeys) {
		return nil, problem(http.StatusConflict, CodeTooManyKeys,
			"there are as many keys as there may be; `monarch key list` shows when the next one retires, and `monarch key rotate --now` makes all of them worthless at once")
	}
	if err != nil {
		return nil, err
	}
	s.Log.InfoContext(ctx, "key rotated", "key", keys[0], "rotation", how)
	s.Audit.Record(ctx, audit.Event{What: audit.KeyRotated, Note: fmt.Sprintf("%v signs, %s", keys[0], how.words())})
	s.spreadKeys(ctx)
	keys, err = s.use(ctx, keys)
	return s.describe(keys), err
}

// RetireKeys deletes the keys that accept nothing any more, and makes the signer use those there
// are.
func (s *Service) RetireKeys(ctx context.Context) error {
	before, err := s.Store.Keys(ctx)
	if err != nil {
		return err
	}
	keys, err := s.Store.RetireKeys(ctx, s.Clock.Now())
	if err != nil {
		return err
	}
	if n := len(before) - len(keys); n > 0 {
		s.Log.InfoContext(ctx, "keys retired", "keys", n)
		s.Audit.Record(ctx, audit.Event{What: audit.KeyRetired, Note: fmt.Sprintf("%d deleted, %d left", n, len(keys))})
	}
	_, err = s.use(ctx, keys)
	return err
}

// use makes the signer use keys, unless there are others by now: of several who do so at once,
// whoever is last sees what the others have changed.
func (s *Service) use(ctx context.Context, keys []auth.Key) ([]auth.Key, error) {
	for {
		s.Signer.SetKeys(keys)
		now, err := s.Store.Keys(ctx)
		if err != nil || slices.EqualFunc(keys, now, auth.Key.Equal) {
			return keys, err
		}
		keys = now
	}
}

// words says what becomes of the other keys.
func (r Rotation) words() string {
	if r == AtOnce {
		return "the others are worthless"
	}
	return "the others accept what they signed"
}

// describe leaves out the secrets, and the keys that are about to be deleted.
func (s *Service) describe(keys []auth.Key) []Key {
	now := s.Clock.Now()
	shown := []Key{}
	for _, k := range keys {
		if k.Retired(now) {
			continue
		}
		shown = append(shown, Key{ID: int(k.ID), Created: time.Unix(k.Created, 0).UTC(), Retires: moment(k.Retires)})
	}
	return shown
}

func (s *Service) keyRoutes() []route {
	return []route{
		{
			method: "GET", path: pathKeys, scope: ServiceRead, summary: "List the keys that tickets are signed with",
			notes: "The one that signs first; without their secrets.", query: pages, answer: List[Key]{}, handle: s.listKeys,
		},
		{
			method: "POST", path: pathKeys, scope: ServiceWrite, summary: "Replace the key that signs",
			notes: "Each time by another one. Nobody's session ends. The answer is the list of keys.",
			body:  rotation{}, answer: List[Key]{}, status: http.StatusCreated, refuses: []int{409}, handle: s.rotateKey,
		},
	}
}

func (s *Service) listKeys(r *http.Request) (any, error) {
	keys, err := s.Keys(r.Context())
	if err != nil {
		return nil, err
	}
	return listed(r, keys, func(k Key) string { return fmt.Sprintf("%020d", math.MaxInt64-k.ID) }) // the newest first
}

func (s *Service) rotateKey(r *http.Request) (any, error) {
	body, err := read[rotation](r)
	if err != nil {
		return nil, err
	}
	keys, err := s.RotateKey(r.Context(), body.Rotation)
	return List[Key]{Items: keys}, err
}

// Keys is [Service.Keys].
func (c *Client) Keys(ctx context.Context) ([]Key, error) {
	return each[Key](ctx, c, pathKeys)
}

// RotateKey is [Service.RotateKey].
func (c *Client) RotateKey(ctx context.Context, how Rotation) ([]Key, error) {
	var l List[Key]
	err := c.call(ctx, http.MethodPost, pathKeys, rotation{Rotation: how}, &l)
	return l.Items, err
}
