package swarm

import (
	"context"
	"errors"
	"fmt"
	"strconv"
	"strings"

	"monarch/internal/figures"
	"monarch/msnp"
)

const workRelay = "relay"

// RelayCase is a case of the relay: pairs of people, of whom one talks and the other listens.
type RelayCase struct {
	Pairs    int                  `json:"pairs"`
	InFlight int                  `json:"in_flight"` // messages of a pair that are under way
	Bytes    int                  `json:"bytes"`     // of a payload
	Ack      msnp.Acknowledgement `json:"ack"`
}

// DefaultRelay are the cases that have goals.
var DefaultRelay = []string{"pairs=100", "pairs=100,inflight=16", "pairs=1000", "pairs=1000,inflight=16", "pairs=100,ack=A"}

// ParseRelayCase reads a case such as "pairs=100,inflight=16,bytes=300,ack=A"; what is
// missing is 100, 1, 300 and U.
func ParseRelayCase(text string) (RelayCase, error) {
	c := RelayCase{Pairs: 100, InFlight: 1, Bytes: 300, Ack: msnp.AckNone}
	for part := range strings.SplitSeq(text, ",") {
		key, value, _ := strings.Cut(part, "=")
		var err error
		switch key {
		case "pairs":
			c.Pairs, err = strconv.Atoi(value)
		case "inflight":
			c.InFlight, err = strconv.Atoi(value)
		case "bytes":
			c.Bytes, err = strconv.Atoi(value)
		case "ack":
			if len(value) != 1 || !strings.Contains("UNAD", value) {
				err = errors.New("choose U, N, A or D")
				break
			}
			c.Ack = msnp.Acknowledgement(value[0])
		default:
			err = errors.New("a case is made of pairs, inflight, bytes and ack, like pairs=100,inflight=16")
		}
		if err != nil {
			return c, fmt.Errorf("%q in case %q: %w", part, text, err)
		}
	}
	switch {
	case c.Pairs < 1 || c.InFlight < 1:
		return c, fmt.Errorf("case %q: at least one pair and one message in flight", text)
	case c.Bytes < minTextBytes || c.Bytes > msnp.MaxMessage:
		return c, fmt.Errorf("case %q: choose %d to %d bytes", text, minTextBytes, msnp.MaxMessage)
	}
	return c, nil
}

func (c RelayCase) String() string {
	return fmt.Sprintf("%d pairs, %d in flight, %d bytes, type %s", c.Pairs, c.InFlight, c.Bytes, c.Ack)
}

// goal is the most that a message may cost, as a multiple of the baseline, which makes no
// acknowledgements; 0 where none is set.
func (c RelayCase) goal() float64 {
	switch {
	case c.Bytes != 300:
		return 0
	case c.Ack == msnp.AckAll:
		return 2
	case c.Ack != msnp.AckNone:
		return 0
	case c.Pairs == 100 && c.InFlight == 1:
		return 1.25
	}
	return 1.3
}

// scale is where the case stands on a curve, which those of one type make.
func (c RelayCase) scale() map[string]float64 {
	if c.Ack != msnp.AckNone {
		return nil
	}
	return map[string]float64{"pairs": float64(c.Pairs), "in flight": float64(c.InFlight), "bytes": float64(c.Bytes)}
}

// Relay measures what a message on a switchboard costs.
func Relay(ctx context.Context, c Config, cases []RelayCase) (figures.Report, error) {
	return measure(ctx, c, cases, func(r *run, ctx context.Context, each RelayCase) error {
		return r.bench(ctx, bench{
			result: figures.Result{
				Work: workRelay, Case: each.String(), Unit: "µs CPU/message", Scale: each.scale(), Goal: each.goal(),
			},
			plan:  plan{Shape: strangers, People: 2 * each.Pairs},
			job:   job{Work: workRelay, Relay: each},
			scale: 1e6,
			bare:  true,
		})
	})
}
