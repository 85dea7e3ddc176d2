package transfer

import "hash/maphash"

// addresses remembers of each address that a source has what a check must know, in twelve bytes and the
// room to grow: a hash stands for the address. Two of a million that are the same are as likely as a
// fault of the memory itself.
type addresses struct {
	seed   maphash.Seed
	keys   []uint64 // 0: free
	values []known
	used   int
}

func newAddresses() *addresses {
	const few = 1 << 10
	return &addresses{seed: maphash.MakeSeed(), keys: make([]uint64, few), values: make([]known, few)}
}

// of returns what is known of an address; nil for one that was not added.
func (a *addresses) of(handle string) *known {
	key := a.key(handle)
	if at := a.place(key); a.keys[at] == key {
		return &a.values[at]
	}
	return nil
}

// add remembers an address that was not there.
func (a *addresses) add(handle string, v known) {
	if a.used*4 >= len(a.keys)*3 {
		a.grow()
	}
	key := a.key(handle)
	at := a.place(key)
	a.keys[at], a.values[at] = key, v
	a.used++
}

func (a *addresses) key(handle string) uint64 { return max(maphash.String(a.seed, handle), 1) }

// place returns where a key is, or else would be.
func (a *addresses) place(key uint64) int {
	at := int(key & uint64(len(a.keys)-1))
	for a.keys[at] != 0 && a.keys[at] != key {
		at = (at + 1) & (len(a.keys) - 1)
	}
	return at
}

func (a *addresses) grow() {
	old := *a
	a.keys, a.values = make([]uint64, 2*len(old.keys)), make([]known, 2*len(old.keys))
	for i, key := range old.keys {
		if key != 0 {
			at := a.place(key)
			a.keys[at], a.values[at] = key, old.values[i]
		}
	}
}
