package hub

import (
	"encoding/binary"
	"slices"

	"monarch/internal/im"
	"monarch/msnp"
)

// farTable holds the people of one stripe who are at other nodes. There are as many as are signed in
// at all of these, so they are packed, without pointers for the garbage collector to follow. The
// stripe's mu guards it. The zero value is an empty one.
type farTable struct {
	slots   []uint32 // by id, in steps of stripes: a place in records and one, or 0
	records []farRecord
	text    []byte  // of each: the lengths of handle, name and object, and these
	waste   int     // bytes of text that are nobody's any more
	nodes   []*node // nil: nobody is there
}

type farRecord struct {
	number  uint64
	flags   uint64
	user    uint32
	text    uint32 // where it begins
	node    uint16 // a place in nodes
	version uint8
	state   uint8 // a status, and the bits below
}

// The bits of a state that are no status.
const (
	leftBit  = 1 << 7
	notedBit = 1 << 6 // mentioned since the last snapshot of the node began
)

func (r *farRecord) status() status { return status(r.state &^ (leftBit | notedBit)) }

// find returns somebody's record, which may be written to until the table changes, or nil.
func (t *farTable) find(id im.UserID) *farRecord {
	if i := uint64(id) / stripes; i < uint64(len(t.slots)) && t.slots[i] > 0 {
		return &t.records[t.slots[i]-1]
	}
	return nil
}

func (t *farTable) whereabouts(r *farRecord) whereabouts {
	return whereabouts{t.nodes[r.node], r.number, im.UserID(r.user), r.state&leftBit != 0}
}

// get returns a copy of what is known of somebody.
func (t *farTable) get(id im.UserID) (far, bool) {
	r := t.find(id)
	if r == nil {
		return far{}, false
	}
	lengths, begin, end := t.parts(r)
	all := string(t.text[begin:end])
	name, object := lengths[0], lengths[0]+lengths[1]
	return far{
		whereabouts: t.whereabouts(r), handle: all[:name], name: all[name:object], object: all[object:],
		flags: r.flags, version: msnp.Version(r.version), status: r.status(),
	}, true
}

// parts returns how long the texts of a record are, and where they begin and end.
func (t *farTable) parts(r *farRecord) (lengths [3]int, begin, end int) {
	begin = int(r.text)
	for i := range lengths {
		n, size := binary.Uvarint(t.text[begin:])
		begin += size
		end += int(n)
		lengths[i] = int(n)
	}
	return lengths, begin, begin + end
}

// put enters somebody as noted, in the place of what was known of him.
func (t *farTable) put(f far) {
	r := t.find(f.user)
	if r == nil {
		i := int(uint64(f.user) / stripes)
		if i >= len(t.slots) {
			t.slots = append(t.slots, make([]uint32, i+1-len(t.slots))...)
		}
		t.records = append(roomFor(t.records, 1), farRecord{user: f.user.Packed()})
		t.slots[i] = uint32(len(t.records))
		r = &t.records[len(t.records)-1]
	} else {
		t.waste += t.size(r)
	}
	*r = farRecord{
		number: f.number, flags: f.flags, user: r.user, text: t.write(f), node: t.place(f.node), version: uint8(f.version),
		state: uint8(f.status) | notedBit,
	}
	if f.left {
		r.state |= leftBit
	}
	t.tidy()
}

// write appends the texts of a record and returns where they begin.
func (t *farTable) write(f far) uint32 {
	at := len(t.text)
	t.text = roomFor(t.text, 3*binary.MaxVarintLen32+len(f.handle)+len(f.name)+len(f.object))
	for _, s := range []string{f.handle, f.name, f.object} {
		t.text = binary.AppendUvarint(t.text, uint64(len(s)))
	}
	t.text = append(append(append(t.text, f.handle...), f.name...), f.object...)
	return uint32(at)
}

// size returns how many bytes of text a record has.
func (t *farTable) size(r *farRecord) int {
	_, _, end := t.parts(r)
	return end - int(r.text)
}

// remove takes somebody out.
func (t *farTable) remove(id im.UserID) {
	r := t.find(id)
	if r == nil {
		return
	}
	t.waste += t.size(r)
	slot, last := &t.slots[uint64(id)/stripes], len(t.records)-1
	if *r = t.records[last]; int(*slot) != last+1 {
		t.slots[uint64(r.user)/stripes] = *slot
	}
	*slot = 0
	t.records = t.records[:last]
	t.tidy()
}

// tidy gives back what is not used, when that is a good part.
func (t *farTable) tidy() {
	const much = 1024
	if t.waste > much && t.waste > len(t.text)/8 {
		text := make([]byte, 0, len(t.text)-t.waste)
		for i := range t.records {
			r := &t.records[i]
			_, _, end := t.parts(r)
			begin := r.text
			r.text = uint32(len(text))
			text = append(text, t.text[begin:end]...)
		}
		t.text, t.waste = text, 0
	}
	if cap(t.records) > 2*len(t.records)+much {
		t.records = slices.Clone(t.records)
	}
}

// place returns the place of a node.
func (t *farTable) place(n *node) uint16 {
	i := slices.Index(t.nodes, n)
	if i < 0 {
		if i = slices.Index(t.nodes, nil); i < 0 {
			i = len(t.nodes)
			t.nodes = append(t.nodes, nil)
		}
		t.nodes[i] = n
	}
	return uint16(i)
}

// forget forgets a node at which nobody is any more.
func (t *farTable) forget(n *node) {
	if i := slices.Index(t.nodes, n); i >= 0 {
		t.nodes[i] = nil
	}
}

// each calls fn with the record of everybody at a node. fn may write to it.
func (t *farTable) each(n *node, fn func(*farRecord)) {
	place := slices.Index(t.nodes, n)
	for i := range t.records {
		if r := &t.records[i]; int(r.node) == place {
			fn(r)
		}
	}
}

// roomFor grows a slice by an eighth, where that is enough: there are many, and most grow slowly.
func roomFor[T any](s []T, n int) []T {
	if cap(s)-len(s) >= n {
		return s
	}
	return append(make([]T, 0, len(s)+max(n, len(s)/8)), s...)
}
