package hub

import (
	"hash/maphash"
	"iter"
	"slices"
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

	count    atomic.Int64 // of people who are signed in here
	farCount atomic.Int64 // of those who are elsewhere
	stripes  [stripes]stripe
	seed     maphash.Seed
	names    [stripes]names
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

	// With other nodes; nil without. Nobody is both far and present.
	far       farTable
	counted   map[uint64]int           // switchboard connections here of a sign-in elsewhere
	prior     map[uint64]whereabouts   // elsewhere, displaced by the sign-in here with this number
	departing map[im.UserID]*Entry     // here, displaced from elsewhere, until it has ended and that is told or not
	boards    map[uint64]map[*node]int // switchboard connections elsewhere of a sign-in here
}

func (d *directory) init() {
	d.seed = maphash.MakeSeed()
	d.pages.Store(new([]atomic.Pointer[page]))
	for i := range d.stripes {
		st := &d.stripes[i]
		st.lingering, st.more = make(map[im.UserID]*told), make(map[im.UserID]int)
		st.ends, st.awaits = make(map[uint64]chan struct{}), make(map[uint64]chan struct{})
		st.counted, st.departing = make(map[uint64]int), make(map[im.UserID]*Entry)
		st.prior, st.boards = make(map[uint64]whereabouts), make(map[uint64]map[*node]int)
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
	d.call(e.handle, e.user)
}

// remove takes the present sign-in out. The user's stripe is locked.
func (d *directory) remove(e *Entry) {
	d.place(e.User()).Store(nil)
	d.count.Add(-1)
	d.forget(e.handle, e.user)
}

// hash returns what a handle is found by, and the table in which it is.
func (d *directory) hash(handle string) (*names, uint64) {
	hash := maphash.String(d.seed, handle)
	return &d.names[hash>>32%stripes], hash
}

// call lets a user be found by his handle. The user's stripe is locked.
func (d *directory) call(handle string, user uint32) {
	n, hash := d.hash(handle)
	n.add(hash, user)
}

// forget ends that.
func (d *directory) forget(handle string, user uint32) {
	n, hash := d.hash(handle)
	n.remove(hash, user)
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

// named appends the users who may have this canonical handle: one, in nearly every case.
func (d *directory) named(ids []im.UserID, handle string) []im.UserID {
	n, hash := d.hash(handle)
	return n.find(ids, hash)
}

// all returns every present sign-in, by id.
func (d *directory) all() []*Entry {
	return slices.AppendSeq(make([]*Entry, 0, d.count.Load()), d.every(0, 1))
}

// every yields the present sign-ins from an id on, by id: those of its stripe, with a step of stripes, or
// all, with one of 1.
func (d *directory) every(first im.UserID, step int) iter.Seq[*Entry] {
	return func(yield func(*Entry) bool) {
		pages, k := *d.pages.Load(), int(first%pageSize)
		for i := int(first / pageSize); i < len(pages); i++ {
			p := pages[i].Load()
			for ; p != nil && k < pageSize; k += step {
				if e := p[k].Load(); e != nil && !yield(e) {
					return
				}
			}
			k = int(first) % step
		}
	}
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
	ended := false
	if d := st.departing[id]; d != nil {
		before, ended = &d.told, st.ends[d.number] == nil
		delete(st.departing, id)
	}
	if before != nil && !ended {
		st.more[id]++
	}
	return before
}

// ending returns what watchers were told of somebody by a sign-in here that is ending or was
// displaced from elsewhere, or nil. The stripe is locked.
func (st *stripe) ending(id im.UserID) *told {
	if e := st.departing[id]; e != nil {
		return &e.told
	}
	return st.lingering[id]
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
	delete(st.prior, e.number)
	delete(st.boards, e.number)
	if end := st.ends[e.number]; end != nil {
		close(end)
		delete(st.ends, e.number)
	}
	delete(st.awaits, e.number)
}
