package swarm

// Tally counts what did not arrive once and in order.
type Tally struct {
	Lost       int64 `json:"lost"`
	Duplicated int64 `json:"duplicated"`
	Reordered  int64 `json:"reordered"`
}

func (t *Tally) add(o Tally) {
	t.Lost += o.Lost
	t.Duplicated += o.Duplicated
	t.Reordered += o.Reordered
}

// sequence follows the numbers 1, 2, 3 and so on that one receiver gets from one sender. The
// zero value expects the first.
type sequence struct {
	seen  uint64              // all up to this one have arrived
	early map[uint64]struct{} // arrived, though not all before them
	tally Tally               // without what is lost, which only the end shows
}

// take notes that a number arrived.
func (s *sequence) take(n uint64) {
	_, again := s.early[n]
	switch {
	case n <= s.seen || again:
		s.tally.Duplicated++
	case n > s.seen+1:
		if s.early == nil {
			s.early = make(map[uint64]struct{})
		}
		s.early[n] = struct{}{}
	default:
		if len(s.early) > 0 {
			s.tally.Reordered++ // it comes after one that was sent after it
		}
		for s.seen = n; ; s.seen++ {
			if _, ok := s.early[s.seen+1]; !ok {
				return
			}
			delete(s.early, s.seen+1)
		}
	}
}

// missing is how many of the numbers up to one have not arrived.
func (s *sequence) missing(upTo uint64) int64 {
	if upTo <= s.seen {
		return 0
	}
	n := upTo - s.seen
	for e := range s.early {
		if e <= upTo {
			n--
		}
	}
	return int64(n)
}
