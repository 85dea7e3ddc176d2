package hub

import (
	"hash/maphash"
	"sync"
	"sync/atomic"

	"monarch/internal/im"
)

// directory finds the present sign-in of a user, by id or by handle.
//
// Ids are dense, so it is an array by id, in pages that stay where they are: looking somebody
// up takes no lock, watchers' ids ascend through few pages, and a million people take eight
// megabytes. By handle it is a table of ids.
type directory struct {
	pages atomic.Pointer[[]atomic.Pointer[page]]
	grow  sync.Mutex // held while pages are added; leaf

	count   atomic.Int64 // of people who are signed in
	stripes [stripes]stripe
	seed    maphash.Seed
	names   [stripes]names
}

type page [pageSize]atomic.Pointer[Entry]

const (
	pageSize = 512
	stripes  = 256 // so many locks, that they are not contended
)

// stripe guards the places of some users in the pages, and what their entries say may change.
type stripe struct {
	mu sync.RWMutex // taken before that of names

	// Of users with a sign-in that is ending or was displaced: what watchers were told, when no
	// sign-in is present, and how many there are besides the first.
	lingering map[im.UserID]*told
	more      map[im.UserID]int

	// The ends of displaced sign-ins, by their own number and by that of those who wait.
	ends   map[uint64]chan struct{}
	awaits map[uint64]chan struct{}
}

// names finds ids by a hash of the handle, which is good for this process only. It has no
// pointers, so the garbage collector does not look into it. Whoever finds an id compares the
// handle; of two with one hash, which is one case in many million servers of a million
// people, the later is found.
type names struct {
	mu  sync.RWMutex // leaf
	ids map[uint64]uint32
}

func (d *directory) init() {
	d.seed = maphash.MakeSeed()
	d.pages.Store(new([]atomic.Pointer[page]))
	for i := range d.stripes {
		st := &d.stripes[i]
		st.lingering, st.more = make(map[im.UserID]*told), make(map[im.UserID]int)
		st.ends, st.awaits = make(map[uint64]chan struct{}), make(map[uint64]chan struct{})
	}
	for i := range d.names {
		d.names[i].ids = make(map[uint64]uint32)
	}
}

func (d *directory) stripe(id im.UserID) *stripe { return &d.stripes[uint64(id)%stripes] }

// present returns the present sign-in of a user, or nil.
func (d *directory) present(id im.UserID) *Entry {
	pages := *d.pages.Load()
	if uint64(id)/pageSize >= uint64(len(pages)) {
		return nil
	}
	p := pages[uint64(id)/pageSize].Load()
	if p == nil {
		return nil
	}
	return p[uint64(id)%pageSize].Load()
}

// add makes e the present sign-in of its user. The user's stripe is locked.
func (d *directory) add(e *Entry) {
	place := d.place(e.User())
	if place.Load() == nil {
		d.count.Add(1)
	}
	place.Store(e)
	hash := maphash.String(d.seed, e.handle)
	n := &d.names[hash%stripes]
	n.mu.Lock()
	n.ids[hash] = e.user
	n.mu.Unlock()
}

// remove takes the present sign-in out. The user's stripe is locked.
func (d *directory) remove(e *Entry) {
	d.place(e.User()).Store(nil)
	d.count.Add(-1)
	hash := maphash.String(d.seed, e.handle)
	n := &d.names[hash%stripes]
	n.mu.Lock()
	if n.ids[hash] == e.user {
		delete(n.ids, hash)
	}
	n.mu.Unlock()
}

// place returns where the sign-in of a user is entered.
func (d *directory) place(id im.UserID) *atomic.Pointer[Entry] {
	i := int(id / pageSize)
	pages := *d.pages.Load()
	if i >= len(pages) || pages[i].Load() == nil {
		pages = d.addPage(i)
	}
	return &pages[i].Load()[id%pageSize]
}

// addPage makes page i and returns all of them.
func (d *directory) addPage(i int) []atomic.Pointer[page] {
	d.grow.Lock()
	defer d.grow.Unlock()
	pages := *d.pages.Load()
	if i >= len(pages) {
		more := make([]atomic.Pointer[page], max(i+1, 2*len(pages)))
		for k := range pages {
			more[k].Store(pages[k].Load())
		}
		pages = more
		d.pages.Store(&more)
	}
	if pages[i].Load() == nil {
		pages[i].Store(new(page))
	}
	return pages
}

// named returns the present sign-in of the user with this canonical handle, or nil.
func (d *directory) named(handle string) *Entry {
	hash := maphash.String(d.seed, handle)
	n := &d.names[hash%stripes]
	n.mu.RLock()
	id, ok := n.ids[hash]
	n.mu.RUnlock()
	if !ok {
		return nil
	}
	if e := d.present(im.UserID(id)); e != nil && e.handle == handle {
		return e
	}
	return nil
}

// all returns every present sign-in, by id.
func (d *directory) all() []*Entry {
	entries := make([]*Entry, 0, d.count.Load())
	pages := *d.pages.Load()
	for i := range pages {
		p := pages[i].Load()
		if p == nil {
			continue
		}
		for k := range p {
			if e := p[k].Load(); e != nil {
				entries = append(entries, e)
			}
		}
	}
	return entries
}

// follow returns what watchers were told of the user of a new sign-in by the one before, or
// nil, and notes that there is one more. The stripe is locked.
func (st *stripe) follow(e, old *Entry) (before *told) {
	id := e.User()
	if old != nil {
		before = &old.told
		end := make(chan struct{})
		st.ends[old.number], st.awaits[e.number] = end, end
	} else {
		before = st.lingering[id]
		delete(st.lingering, id)
	}
	if before != nil {
		st.more[id]++
	}
	return before
}

// end forgets a sign-in that has ended. The stripe is locked.
func (st *stripe) end(e *Entry) {
	id := e.User()
	switch n := st.more[id]; n {
	case 0:
		delete(st.lingering, id)
	case 1:
		delete(st.more, id)
	default:
		st.more[id] = n - 1
	}
	if end := st.ends[e.number]; end != nil {
		close(end)
		delete(st.ends, e.number)
	}
	delete(st.awaits, e.number)
}
