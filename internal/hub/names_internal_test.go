package hub

import (
	"slices"
	"testing"

	"pgregory.net/rapid"

	"monarch/internal/im"
)

// Whoever is in the table of names is found, and nobody else; many have hashes that are next to each
// other or the same.
func TestNamesAreFound(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		var n names
		want := make(map[uint64][]im.UserID)
		hashes := rapid.Map(rapid.IntRange(0, 60), func(i int) uint64 { return uint64(i) << 26 })
		users := rapid.Uint32Range(1, 3)
		t.Repeat(map[string]func(*rapid.T){
			"add": func(t *rapid.T) {
				hash, user := hashes.Draw(t, "hash"), users.Draw(t, "user")
				n.add(hash, user)
				if !slices.Contains(want[hash], im.UserID(user)) {
					want[hash] = append(want[hash], im.UserID(user))
				}
			},
			"remove": func(t *rapid.T) {
				hash, user := hashes.Draw(t, "hash"), users.Draw(t, "user")
				n.remove(hash, user)
				want[hash] = slices.DeleteFunc(want[hash], func(id im.UserID) bool { return id == im.UserID(user) })
			},
			"": func(t *rapid.T) {
				all := 0
				for hash, ids := range want {
					all += len(ids)
					got := n.find(nil, hash)
					slices.Sort(got)
					slices.Sort(ids)
					if !slices.Equal(got, ids) {
						t.Fatalf("with hash %x are %v, want %v", hash, got, ids)
					}
				}
				if n.used != all {
					t.Fatalf("%d are in use, want %d", n.used, all)
				}
			},
		})
	})
}
