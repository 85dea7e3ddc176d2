package store

import (
	"context"
	"errors"
	"strings"
	"time"
)

// Webhook is an address that is told of events.
type Webhook struct {
	ID      string
	URL     string
	Secret  string   // signs what it is told
	Events  []string // patterns of the types of events
	Created int64    // Unix seconds
	MadeBy  string   // for people

	// How it goes. AddWebhook ignores these.
	Waiting   int    // deliveries
	Delivered int    // that were taken
	Lost      int    // that were given up
	Told      int64  // when the last one was taken, Unix seconds; 0: none was
	LastError string // of the last attempt; empty: it was taken
	Failures  int    // attempts in a row that have failed
	Retry     int64  // when to try again, Unix seconds
}

// Delivery is an event on its way to a webhook.
type Delivery struct {
	ID      string
	Webhook string // its id
	Made    int64  // Unix microseconds; deliveries go out in this order
	Body    string
	Refused int // attempts that the webhook refused, for this one
}

// MaxWaiting is how many deliveries may wait for one webhook.
const MaxWaiting = 10_000

// MaxWebhooks is how many there may be.
const MaxWebhooks = 16

var (
	// ErrNoWebhook says that there is no webhook with an id.
	ErrNoWebhook = errors.New("no such webhook")
	// ErrTooManyWebhooks says that there are MaxWebhooks.
	ErrTooManyWebhooks = errors.New("too many webhooks")
)

// AddWebhook keeps a webhook, or refuses with ErrTooManyWebhooks.
func (s *Store) AddWebhook(ctx context.Context, w Webhook) error {
	return act(ctx, s, "add a webhook", func(tx *transaction) error {
		if err := tx.holdRoom(ctx, "webhook", MaxWebhooks, ErrTooManyWebhooks); err != nil {
			return err
		}
		_, err := tx.ExecContext(ctx,
			`INSERT INTO webhook (id, url, secret, events, created, made_by) VALUES ($1, $2, $3, $4, $5, $6)`,
			w.ID, w.URL, w.Secret, strings.Join(w.Events, " "), w.Created, w.MadeBy)
		return err
	})
}

// Webhooks returns all webhooks in the order they were made in.
func (s *Store) Webhooks(ctx context.Context) ([]Webhook, error) {
	return view(ctx, s, "list webhooks", func(tx *transaction) ([]Webhook, error) {
		return collect(ctx, tx, scanWebhook, `
			SELECT id, url, secret, events, created, made_by,
				(SELECT COUNT(*) FROM webhook_delivery d WHERE d.webhook = webhook.id),
				delivered, lost, told, last_error, failures, retry
			FROM webhook ORDER BY created, id`)
	})
}

func scanWebhook(r row) (Webhook, error) {
	var w Webhook
	var events string
	err := r.Scan(&w.ID, &w.URL, &w.Secret, &events, &w.Created, &w.MadeBy,
		&w.Waiting, &w.Delivered, &w.Lost, &w.Told, &w.LastError, &w.Failures, &w.Retry)
	w.Events = strings.Fields(events)
	return w, err
}

// RemoveWebhook forgets a webhook and what it was still to be told, or refuses with ErrNoWebhook.
func (s *Store) RemoveWebhook(ctx context.Context, id string) error {
	return act(ctx, s, "remove a webhook", func(tx *transaction) error {
		res, err := tx.ExecContext(ctx, `DELETE FROM webhook WHERE id = $1`, id)
		return changedOne(res, err, ErrNoWebhook)
	})
}

// AddDeliveries keeps deliveries until they are taken. Those of a webhook that is gone are dropped,
// and those for which too many wait, which are counted as lost.
func (s *Store) AddDeliveries(ctx context.Context, all []Delivery) error {
	return act(ctx, s, "keep deliveries for webhooks", func(tx *transaction) error {
		room, err := roomOfWebhooks(ctx, tx)
		if err != nil {
			return err
		}
		for _, d := range all {
			left, there := room[d.Webhook]
			switch {
			case !there:
				continue
			case left > 0:
				_, err = tx.ExecContext(ctx,
					`INSERT INTO webhook_delivery (id, webhook, made, body) VALUES ($1, $2, $3, $4)`, d.ID, d.Webhook, d.Made, d.Body)
			default:
				_, err = tx.ExecContext(ctx, `UPDATE webhook SET lost = lost + 1 WHERE id = $1`, d.Webhook)
			}
			if err != nil {
				return err
			}
			room[d.Webhook]--
		}
		return nil
	})
}

// roomOfWebhooks returns how many more deliveries may wait for each webhook.
func roomOfWebhooks(ctx context.Context, tx *transaction) (map[string]int, error) {
	rows, err := tx.QueryContext(ctx, `SELECT id, (SELECT COUNT(*) FROM webhook_delivery d WHERE d.webhook = webhook.id) FROM webhook`)
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	room := make(map[string]int)
	for rows.Next() {
		var id string
		var waiting int
		if err := rows.Scan(&id, &waiting); err != nil {
			return nil, err
		}
		room[id] = MaxWaiting - waiting
	}
	return room, rows.Err()
}

// LeaseWebhook makes holder the one node that tells a webhook, until a time, unless another one is
// now. Clocks of nodes may differ, so at times there may be two.
func (s *Store) LeaseWebhook(ctx context.Context, id, holder string, now, until time.Time) (bool, error) {
	return change(ctx, s, "lease a webhook", func(tx *transaction) (bool, error) {
		res, err := tx.ExecContext(ctx,
			`UPDATE webhook SET holder = $2, lease = $4 WHERE id = $1 AND (holder = $2 OR lease <= $3)`,
			id, holder, now.Unix(), until.Unix())
		if err = changedOne(res, err, ErrNoWebhook); errors.Is(err, ErrNoWebhook) {
			return false, nil
		}
		return err == nil, err
	})
}

// Deliveries returns the next ones of a webhook, in their order.
func (s *Store) Deliveries(ctx context.Context, webhook string, limit int) ([]Delivery, error) {
	return view(ctx, s, "load deliveries of a webhook", func(tx *transaction) ([]Delivery, error) {
		scan := func(r row) (d Delivery, err error) {
			err = r.Scan(&d.ID, &d.Webhook, &d.Made, &d.Body, &d.Refused)
			return d, err
		}
		return collect(ctx, tx, scan, `
			SELECT id, webhook, made, body, refused FROM webhook_delivery WHERE webhook = $1 ORDER BY made, id LIMIT $2`,
			webhook, limit)
	})
}

// Taken records that a webhook has taken a delivery.
func (s *Store) Taken(ctx context.Context, d Delivery, now time.Time) error {
	return act(ctx, s, "record a delivery", func(tx *transaction) error {
		return endDelivery(ctx, tx, d,
			`UPDATE webhook SET delivered = delivered + 1, told = $2, last_error = '', failures = 0, retry = 0 WHERE id = $1`,
			d.Webhook, now.Unix())
	})
}

// GivenUp records that a delivery will not be tried again, for a reason.
func (s *Store) GivenUp(ctx context.Context, d Delivery, why string) error {
	return act(ctx, s, "give up a delivery", func(tx *transaction) error {
		return endDelivery(ctx, tx, d, `UPDATE webhook SET lost = lost + 1, last_error = $2 WHERE id = $1`, d.Webhook, why)
	})
}

// errEnded says that a delivery is not there any more.
var errEnded = errors.New("that delivery has ended")

// endDelivery removes a delivery and, unless another node has done that, says so at the webhook.
func endDelivery(ctx context.Context, tx *transaction, d Delivery, update string, args ...any) error {
	res, err := tx.ExecContext(ctx, `DELETE FROM webhook_delivery WHERE id = $1`, d.ID)
	if err = changedOne(res, err, errEnded); errors.Is(err, errEnded) {
		return nil
	}
	if err != nil {
		return err
	}
	_, err = tx.ExecContext(ctx, update, args...)
	return err
}

// NotTaken records that an attempt has failed, which is when to try again. refused is whether it
// was for what the delivery says.
func (s *Store) NotTaken(ctx context.Context, d Delivery, why string, refused bool, retry time.Time) error {
	return act(ctx, s, "record a failed delivery", func(tx *transaction) error {
		_, err := tx.ExecContext(ctx,
			`UPDATE webhook SET failures = failures + 1, last_error = $2, retry = $3 WHERE id = $1`, d.Webhook, why, retry.Unix())
		if err == nil && refused {
			_, err = tx.ExecContext(ctx, `UPDATE webhook_delivery SET refused = refused + 1 WHERE id = $1`, d.ID)
		}
		return err
	})
}
