package hub

import (
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
	rapid.Check(t, func(t *rapid.T) {
		var table farTable
		want := make(map[im.UserID]far)
		ids := rapid.Map(rapid.IntRange(0, 20), func(n int) im.UserID { return im.UserID(n*stripes + 1) })
		t.Repeat(map[string]func(*rapid.T){
			"put": func(t *rapid.T) {
				f := far{
					whereabouts: whereabouts{rapid.SampledFrom(nodes).Draw(t, "node"), rapid.Uint64().Draw(t, "number"), ids.Draw(t, "id"), rapid.Bool().Draw(t, "left")},
					handle:      texts.Draw(t, "handle"), name: texts.Draw(t, "name"), object: texts.Draw(t, "object"),
					flags: rapid.Uint64().Draw(t, "flags"), version: 9, status: status(rapid.IntRange(0, len(statuses)-1).Draw(t, "status")),
				}
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
				if len(table.records) != len(want) {
					t.Fatalf("%d records, want %d", len(table.records), len(want))
				}
				at := make(map[*node]int)
				for id, f := range want {
					if got, ok := table.get(id); !ok || got != f {
						t.Fatalf("%d is %+v, want %+v", id, got, f)
					}
					at[f.node]++
				}
				for _, n := range nodes {
					table.each(n, func(*farRecord) { at[n]-- })
					if at[n] != 0 {
						t.Fatalf("at %s there are %d more", n.id, at[n])
					}
				}
				if used := len(table.text) - table.waste; used < 0 || len(want) == 0 && used != 0 {
					t.Fatalf("%d bytes of text of %d are waste", table.waste, len(table.text))
				}
			},
		})
	})
}
