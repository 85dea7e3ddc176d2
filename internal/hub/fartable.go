package hub

import (
	"encoding/binary"
	"iter"
	"slices"
	"strings"

	"monarch/internal/im"
	"monarch/msnp"
)

// farTable holds the people of one stripe who are at other nodes. There are as many as are signed in
// at all of these, so each is packed into some bytes, without pointers for the garbage collector to
// follow. The stripe's mu guards it. The zero value is an empty one.
type farTable struct {
	slots   []uint32  // by id, in steps of stripes: where in records somebody is, and one; or 0
	first   im.UserID // the id of the first slot
	records []byte    // one farRecord after the other
	waste   int       // bytes of records that are nobody's any more

	nodes   []*node  // nil: nobody is there
	domains []string // of handles, with their @; some of those that were met first
}

// mostDomains is how many domains a table keeps; handles in others are stored whole.
const mostDomains = 64

// farRecord begins with what is known of somebody: the number of his sign-in in 8 bytes, his state and
// his version in one each, then the fields as varints, then his texts. Others' records follow.
type farRecord []byte

// fixed is how many bytes there are before the fields.
const fixed = 10

// The bits of a state that are no status.
const (
	leftBit  = 1 << 7
	notedBit = 1 << 6 // mentioned since the last snapshot of the node began
)

// The fields of a record.
const (
	nodeField   = iota // a place in nodes
	domainField        // a place in domains and one; 0: the text is the whole handle
	flagsField
	handleField // how long the handle is without its domain
	nameField   // how long the name is, and nameOwn
	objectField // how long the object is
	farFields
)

// What a name is. Most people have one of the first two, which take no text.
const (
	nameIsHandle = iota
	nameIsLocal  // the part before the domain
	nameOwn
)

func (r farRecord) number() uint64    { return binary.LittleEndian.Uint64(r) }
func (r farRecord) has(bit byte) bool { return r[8]&bit != 0 }
func (r farRecord) set(bit byte)      { r[8] |= bit }
func (r farRecord) clear(bit byte)    { r[8] &^= bit }
func (r farRecord) status() status    { return status(r[8] &^ (leftBit | notedBit)) }

// fields returns them, and where the texts begin.
func (r farRecord) fields() (f [farFields]uint64, texts int) {
	texts = fixed
	for i := range f {
		n, size := binary.Uvarint(r[texts:])
		f[i], texts = n, texts+size
	}
	return f, texts
}

// lengths returns how long the texts are: of the handle what is stored, of the name if it is.
func lengths(f [farFields]uint64) (handle, name, object int) {
	return int(f[handleField]), int(max(f[nameField], nameOwn) - nameOwn), int(f[objectField])
}

// size is how long the record is.
func (r farRecord) size() int {
	f, texts := r.fields()
	handle, name, object := lengths(f)
	return texts + handle + name + object
}

// find returns somebody's record, which is good until the table changes, or nil.
func (t *farTable) find(id im.UserID) farRecord {
	if i := uint64(id) / stripes; i < uint64(len(t.slots)) && t.slots[i] > 0 {
		return t.at(t.slots[i])
	}
	return nil
}

func (t *farTable) at(slot uint32) farRecord { return t.records[slot-1:] }

func (t *farTable) whereabouts(id im.UserID, r farRecord) whereabouts {
	f, _ := r.fields()
	return whereabouts{t.nodes[f[nodeField]], r.number(), id, r.has(leftBit)}
}

// get returns a copy of what is known of somebody.
func (t *farTable) get(id im.UserID) (far, bool) {
	r := t.find(id)
	if r == nil {
		return far{}, false
	}
	f, texts := r.fields()
	local, name, object := lengths(f)
	domain := ""
	if f[domainField] > 0 {
		domain = t.domains[f[domainField]-1]
	}
	var b strings.Builder
	b.Grow(local + len(domain) + name + object)
	b.Write(r[texts : texts+local])
	b.WriteString(domain)
	b.Write(r[texts+local : texts+local+name+object])
	handle, rest := b.String()[:local+len(domain)], b.String()[local+len(domain):]
	known := far{
		whereabouts: t.whereabouts(id, r), handle: handle, name: rest[:name], object: rest[name:],
		flags: f[flagsField], version: msnp.Version(r[9]), status: r.status(),
	}
	switch f[nameField] {
	case nameIsHandle:
		known.name = handle
	case nameIsLocal:
		known.name = handle[:local]
	}
	return known, true
}

// put enters somebody as noted, in the place of what was known of him.
func (t *farTable) put(f far) {
	t.first = f.user % stripes
	if i := int(f.user / stripes); i >= len(t.slots) {
		t.slots = append(roomFor(t.slots, i+1-len(t.slots)), make([]uint32, i+1-len(t.slots))...)
	}
	slot := &t.slots[f.user/stripes]
	if most := fixed + farFields*binary.MaxVarintLen64 + len(f.handle) + len(f.name) + len(f.object); cap(t.records)-len(t.records) < most {
		t.pack(most)
	}
	at := len(t.records)
	t.records = t.append(t.records, f)
	if *slot > 0 {
		old := t.at(*slot)
		size := old.size()
		if size == len(t.records)-at { // as after most changes
			copy(old, t.records[at:])
			t.records = t.records[:at]
			return
		}
		t.waste += size
	}
	*slot = uint32(at) + 1
}

// append appends a record.
func (t *farTable) append(b []byte, f far) []byte {
	local, domain := t.split(f.handle)
	var v [farFields]uint64
	v[nodeField], v[domainField], v[flagsField] = t.place(f.node), domain, f.flags
	v[handleField], v[objectField] = uint64(len(local)), uint64(len(f.object))
	own := ""
	switch f.name {
	case f.handle:
		v[nameField] = nameIsHandle
	case local:
		v[nameField] = nameIsLocal
	default:
		own = f.name
		v[nameField] = uint64(len(own)) + nameOwn
	}
	state := byte(f.status) | notedBit
	if f.left {
		state |= leftBit
	}
	b = append(binary.LittleEndian.AppendUint64(b, f.number), state, byte(f.version))
	for _, n := range v {
		b = binary.AppendUvarint(b, n)
	}
	return append(append(append(b, local...), own...), f.object...)
}

// split returns what is stored of a handle, and the field for its domain.
func (t *farTable) split(handle string) (local string, domain uint64) {
	at := strings.LastIndexByte(handle, '@')
	if at < 0 {
		return handle, 0
	}
	i := slices.Index(t.domains, handle[at:])
	if i < 0 {
		if len(t.domains) == mostDomains {
			return handle, 0
		}
		i = len(t.domains)
		t.domains = append(t.domains, strings.Clone(handle[at:]))
	}
	return handle[:at], uint64(i) + 1
}

// remove takes somebody out.
func (t *farTable) remove(id im.UserID) {
	const much = 1024
	r := t.find(id)
	if r == nil {
		return
	}
	t.slots[id/stripes] = 0
	t.waste += r.size()
	if t.waste > much && t.waste > len(t.records)/8 {
		t.pack(0)
	}
}

// pack leaves out what is nobody's any more, and makes room for n more bytes and an eighth.
func (t *farTable) pack(n int) {
	used := len(t.records) - t.waste
	records := slices.Grow([]byte(nil), used+max(n, used/8))
	for i, slot := range t.slots {
		if slot > 0 {
			r := t.at(slot)
			t.slots[i] = uint32(len(records)) + 1
			records = append(records, r[:r.size()]...)
		}
	}
	t.records, t.waste = records, 0
}

// place returns the place of a node.
func (t *farTable) place(n *node) uint64 {
	i := slices.Index(t.nodes, n)
	if i < 0 {
		if i = slices.Index(t.nodes, nil); i < 0 {
			i = len(t.nodes)
			t.nodes = append(t.nodes, nil)
		}
		t.nodes[i] = n
	}
	return uint64(i)
}

// forget forgets a node at which nobody is any more.
func (t *farTable) forget(n *node) {
	if i := slices.Index(t.nodes, n); i >= 0 {
		t.nodes[i] = nil
	}
}

// all yields everybody.
func (t *farTable) all() iter.Seq2[im.UserID, farRecord] {
	return func(yield func(im.UserID, farRecord) bool) {
		for i, slot := range t.slots {
			if slot > 0 && !yield(im.UserID(i*stripes)+t.first, t.at(slot)) {
				return
			}
		}
	}
}

// of yields everybody at a node.
func (t *farTable) of(n *node) iter.Seq2[im.UserID, farRecord] {
	return func(yield func(im.UserID, farRecord) bool) {
		place := slices.Index(t.nodes, n)
		for id, r := range t.all() {
			if f, _ := r.fields(); int(f[nodeField]) == place && !yield(id, r) {
				return
			}
		}
	}
}

// roomFor grows a slice by an eighth, where that is enough: there are many, and most grow slowly.
func roomFor[T any](s []T, n int) []T {
	if cap(s)-len(s) >= n {
		return s
	}
	return append(slices.Grow([]T(nil), len(s)+max(n, len(s)/8)), s...)
}
