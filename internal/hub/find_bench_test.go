package hub

import (
	"fmt"
	"testing"
	"time"

	"monarch/internal/clock"
	"monarch/internal/im"
)

// Looking people up, among a hundred thousand.
func BenchmarkFind(b *testing.B) {
	const people = 100_000
	clk := clock.New()
	defer clk.Close()
	h, handles := New(clk, time.Second), make([]string, people)
	for i := range people {
		handles[i] = fmt.Sprintf("user%05d@example.com", i)
		h.SignIn(Login{Person: im.Person{ID: im.UserID(i + 1), Handle: handles[i], Name: "User"}}, mute{})
	}
	b.Run("by id", func(b *testing.B) {
		b.ReportAllocs()
		for i := 0; b.Loop(); i += 7919 {
			if _, ok := h.ByID(im.UserID(i%people + 1)); !ok {
				b.Fatal(i)
			}
		}
	})
	b.Run("by handle", func(b *testing.B) {
		b.ReportAllocs()
		for i := 0; b.Loop(); i += 7919 {
			if _, ok := h.ByHandle(handles[i%people]); !ok {
				b.Fatal(i)
			}
		}
	})
	b.Run("present", func(b *testing.B) {
		for i := 0; b.Loop(); i += 7919 {
			if h.present(im.UserID(i%people+1)) == nil {
				b.Fatal(i)
			}
		}
	})
}
