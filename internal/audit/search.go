package audit

import (
	"errors"
	"io"
	"io/fs"
	"os"
	"slices"
	"strings"
	"time"
)

// Search says which entries are wanted. The zero value of a field asks for nothing special.
type Search struct {
	User   string    // the account concerned
	Event  string    // what happened
	Since  time.Time // no earlier than this
	Before time.Time // and earlier than this
	Limit  int       // how many of them
}

// firstWindow is how much of the end of a file is read at first, and then four times as much each time.
const firstWindow = 256 << 10

// Latest returns the newest entries that are wanted, the newest first. There are more than the limit when
// several happened at the moment of the last: none of those is missing. A log that was not begun has none.
func (l *Log) Latest(q Search) ([]Entry, error) {
	path := l.file.path
	now, err := os.Open(path)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	defer now.Close()
	found, err := q.in(now, nil)
	aside := asideOf(path, now)
	slices.Reverse(aside)
	for _, name := range aside {
		if err != nil || len(found) >= q.Limit {
			break
		}
		found, err = q.inAside(name, found)
	}
	return found, err
}

// inAside does the same with a file that was put aside.
func (q Search) inAside(name string, found []Entry) ([]Entry, error) {
	f, err := os.Open(name)
	if errors.Is(err, fs.ErrNotExist) {
		return found, nil // deleted meanwhile, for its age
	}
	if err != nil {
		return nil, err
	}
	defer f.Close()
	if info, err := f.Stat(); err == nil && info.ModTime().Before(q.Since) {
		return found, nil
	}
	return q.in(f, found)
}

// in adds what is wanted of a file to what newer ones had.
func (q Search) in(f *os.File, newer []Entry) ([]Entry, error) {
	info, err := f.Stat()
	if err != nil {
		return nil, err
	}
	for window := int64(firstWindow); ; window *= 4 {
		from := max(info.Size()-window, 0)
		found := slices.Clone(newer)
		// What begins within a line is no entry, and left out.
		err := newLines(io.NewSectionReader(f, from, info.Size()-from)).each(q.Since, func(e Entry) error {
			if q.wants(e) {
				e.Line = nil
				found = append(found, e)
			}
			if len(found) > 4*(q.Limit+firstWindow/1024) {
				found = q.newest(found)
			}
			return nil
		})
		if err != nil {
			return nil, err
		}
		if found = q.newest(found); len(found) >= q.Limit || from == 0 {
			return found, nil
		}
	}
}

func (q Search) wants(e Entry) bool {
	return (q.User == "" || strings.EqualFold(q.User, e.User)) && (q.Event == "" || q.Event == e.Event) &&
		(q.Before.IsZero() || e.Time.Before(q.Before))
}

// newest keeps as many as are wanted.
func (q Search) newest(all []Entry) []Entry {
	slices.SortStableFunc(all, func(a, b Entry) int { return b.Time.Compare(a.Time) })
	end := min(q.Limit, len(all))
	for end > 0 && end < len(all) && all[end].Time.Equal(all[end-1].Time) {
		end++
	}
	return all[:end]
}
