package store

import (
	"cmp"
	"context"
	"fmt"
	"slices"
	"sync"
	"time"

	"monarch/internal/im"
)

// A record is a roster as it was once computed, packed, with the version and the epoch that the
// account had then. Whatever changes a roster, without exception, steps the version or the
// epoch of its account in the same transaction. So a record with both of today is the roster of
// today, no matter how late and in which order records are written.
type record struct {
	owner   im.UserID
	version uint32
	epoch   int64
	body    []byte
}

func newRecord(r im.Roster, epoch int64) record {
	return record{owner: r.User.ID, version: r.User.Version, epoch: epoch, body: packRoster(r)}
}

// What steps the version is what docs/protocol/lists.md#version says. The rest are changes that
// others cause and that their clients are not told by way of the lists: whether they allow the
// user, and the names of those off the forward list, who go by their own.
const (
	// The account $1 is let in or kept out by somebody's allow or block list.
	stepEpoch = `UPDATE account SET epoch = epoch + 1 WHERE id = $1`

	// The policy of $1 decides for those in whose rosters he is and who are on neither list.
	stepEpochsOfUndecided = `UPDATE account SET epoch = epoch + 1 WHERE id IN (` + undecided + `)`
	undecided             = `
		SELECT owner FROM contact WHERE peer = $1
		UNION SELECT peer FROM contact WHERE owner = $1 AND (lists & 1) <> 0
		EXCEPT SELECT peer FROM contact WHERE owner = $1 AND (lists & 6) <> 0`

	// The name of $1 is shown to those in whose rosters he is off the forward list.
	stepEpochsOfNamed = `UPDATE account SET epoch = epoch + 1 WHERE id IN (` + showingName + `)`
	showingName       = `
		SELECT owner FROM contact WHERE peer = $1
		UNION SELECT peer FROM contact WHERE owner = $1 AND (lists & 1) <> 0
		EXCEPT SELECT owner FROM contact WHERE peer = $1 AND (lists & 1) <> 0`
)

// recorded is an account with its record, if that is valid.
type recorded struct {
	user im.User
	body packed
}

// packed is a column that is text inside, so that what is unpacked needs no memory of its own.
type packed string

// Scan implements sql.Scanner.
func (p *packed) Scan(value any) error {
	switch value := value.(type) {
	case nil:
		*p = ""
	case []byte:
		*p = packed(value)
	default:
		return fmt.Errorf("a record is %T", value)
	}
	return nil
}

func scanRecorded(r row) (recorded, error) {
	var got recorded
	var err error
	got.user, err = scanUserAnd(r, &got.body)
	return got, err
}

// recordedRoster returns the roster of an account by its record. Without a valid one that can be
// read it reports false.
func (s *Store) recordedRoster(ctx context.Context, what string, id im.UserID) (im.Roster, bool, error) {
	got, err := load(ctx, s, what, scanRecorded, `
		SELECT `+userColumns+`, (
			SELECT body FROM roster_record r WHERE r.owner = account.id AND r.version = account.version AND r.epoch = account.epoch)
		FROM account WHERE id = $1`, id)
	if err != nil || got.body == "" {
		return im.Roster{}, false, err
	}
	r, ok := unpackRoster(string(got.body))
	r.User = got.user
	return r, ok, nil
}

// writeRecords stores records that are still valid.
func (s *Store) writeRecords(ctx context.Context, records []record) error {
	_, err := change(ctx, s, "write rosters", func(tx *transaction) (none struct{}, err error) {
		slices.SortFunc(records, func(a, b record) int { return cmp.Compare(a.owner, b.owner) }) // in one order for all nodes
		for _, r := range records {
			_, err = tx.ExecContext(ctx, `
				INSERT INTO roster_record (owner, version, epoch, body)
				SELECT id, version, epoch, $4 FROM account WHERE id = $1 AND version = $2 AND epoch = $3
				ON CONFLICT (owner) DO UPDATE
				SET version = excluded.version, epoch = excluded.epoch, body = excluded.body`,
				r.owner, r.version, r.epoch, r.body)
			if err != nil {
				return none, err
			}
		}
		return none, nil
	})
	return err
}

// recorder writes records in the background, so that nobody waits for what only saves work.
type recorder struct {
	stop    context.CancelFunc
	stopped chan struct{}
	wake    chan struct{} // holds an element while there may be something in the queue

	mu    sync.Mutex // leaf
	queue []record
	size  int // of their bodies
}

// The queue of a recorder takes so many bytes. What comes when it is full is not recorded: the
// next to ask for that roster computes it again. A recorder waits for others to come when it
// gets one, for a commit costs more than a record. One transaction takes mostRecords, as
// others wait for it.
const (
	mostQueued  = 4 << 20
	gathering   = 50 * time.Millisecond
	mostRecords = 64
)

func newRecorder(write func(ctx context.Context, records []record) error) *recorder {
	ctx, stop := context.WithCancel(context.Background())
	r := &recorder{stop: stop, stopped: make(chan struct{}), wake: make(chan struct{}, 1)}
	go func() {
		defer close(r.stopped)
		for {
			select {
			case <-ctx.Done():
				return
			case <-r.wake:
			}
			select {
			case <-ctx.Done():
				return
			case <-time.After(gathering):
			}
			for batch := r.take(); len(batch) > 0; batch = r.take() {
				// Who changes anything meets the same trouble, and is told. The end of ctx ends the rest.
				write(ctx, batch) //nolint:errcheck // for this reason
			}
		}
	}()
	return r
}

// close waits for what is being written. What is in the queue is dropped.
func (r *recorder) close() {
	r.stop()
	<-r.stopped
}

// offer takes a record to be written, unless there are too many.
func (r *recorder) offer(one record) {
	r.mu.Lock()
	fits := r.size+len(one.body) <= mostQueued
	if fits {
		r.queue = append(r.queue, one)
		r.size += len(one.body)
	}
	r.mu.Unlock()
	if fits {
		select {
		case r.wake <- struct{}{}:
		default:
		}
	}
}

func (r *recorder) take() []record {
	r.mu.Lock()
	defer r.mu.Unlock()
	n := min(len(r.queue), mostRecords)
	batch := r.queue[:n:n]
	for _, one := range batch {
		r.size -= len(one.body)
	}
	if r.queue = r.queue[n:]; len(r.queue) == 0 {
		r.queue = nil
	}
	return batch
}
