package hub

import (
	"fmt"
	"maps"
	"slices"
	"strings"
	"testing"

	"pgregory.net/rapid"

	"monarch/internal/im"
)

// Whatever is entered and taken out, the packed table knows what a map would.
func TestThePackedTableIsAMap(t *testing.T) {
	nodes := []*node{{id: "a/1"}, {id: "b/2"}, {id: "c/3"}}
	texts := rapid.Map(rapid.IntRange(0, 400), func(n int) string { return strings.Repeat("x", n) })
	domains := rapid.Map(rapid.IntRange(0, 2*mostDomains), func(n int) string { return fmt.Sprintf("@%d.example.com", n) })
	handles := rapid.OneOf(texts, rapid.Custom(func(t *rapid.T) string { return texts.Draw(t, "local") + domains.Draw(t, "domain") }))
	rapid.Check(t, func(t *rapid.T) {
		var table farTable
		want := make(map[im.UserID]far)
		ids := rapid.Map(rapid.IntRange(0, 20), func(n int) im.UserID { return im.UserID(n*stripes + 1) })
		t.Repeat(map[string]func(*rapid.T){
			"put": func(t *rapid.T) {
				f := far{
					whereabouts: whereabouts{rapid.SampledFrom(nodes).Draw(t, "node"), rapid.Uint64().Draw(t, "number"), ids.Draw(t, "id"), rapid.Bool().Draw(t, "left")},
					handle:      handles.Draw(t, "handle"), object: texts.Draw(t, "object"),
					flags: rapid.Uint64().Draw(t, "flags"), version: 9, status: status(rapid.IntRange(0, len(statuses)-1).Draw(t, "status")),
				}
				local, _, _ := strings.Cut(f.handle, "@")
				f.name = rapid.OneOf(rapid.SampledFrom([]string{f.handle, local}), texts).Draw(t, "name")
				table.put(f)
				want[f.user] = f
			},
			"remove": func(t *rapid.T) {
				id := ids.Draw(t, "id")
				table.remove(id)
				delete(want, id)
			},
			"forget": func(t *rapid.T) {
				n := rapid.SampledFrom(nodes).Draw(t, "node")
				if !slices.ContainsFunc(slices.Collect(maps.Values(want)), func(f far) bool { return f.node == n }) {
					table.forget(n)
				}
			},
			"": func(t *rapid.T) {
				at, records := make(map[*node]int), 0
				for id := range table.all() {
					if records++; want[id] == (far{}) {
						t.Fatalf("%d is nobody", id)
					}
				}
				if records != len(want) {
					t.Fatalf("%d records, want %d", records, len(want))
				}
				for id, f := range want {
					if got, ok := table.get(id); !ok || got != f {
						t.Fatalf("%d is %+v, want %+v", id, got, f)
					}
					at[f.node]++
				}
				for _, n := range nodes {
					for range table.of(n) {
						at[n]--
					}
					if at[n] != 0 {
						t.Fatalf("at %s there are %d more", n.id, at[n])
					}
				}
				if used := len(table.records) - table.waste; used < 0 || len(want) == 0 && used != 0 {
					t.Fatalf("%d bytes of %d are waste", table.waste, len(table.records))
				}
			},
		})
	})
}
