package store_test

import (
	"context"
	"fmt"
	"sync"
	"testing"

	"monarch/internal/im"
	"monarch/internal/store"
)

func BenchmarkChanges(b *testing.B) {
	for _, writers := range []int{1, 8, 64} {
		b.Run(fmt.Sprint(writers, " at a time"), func(b *testing.B) {
			s := openNew(b)
			if err := s.ImportUsers(context.Background(), numbered(writers+1), nil); err != nil {
				b.Fatal(err)
			}
			b.ResetTimer()
			var all sync.WaitGroup
			for n := range writers {
				all.Go(func() {
					for i := range b.N/writers + 1 {
						if err := toggle(s, im.UserID(n+1), i); err != nil {
							b.Error(err)
							return
						}
					}
				})
			}
			all.Wait()
		})
	}
}

// toggle puts the person with the next id on the allow list of somebody, or takes him off.
func toggle(s *store.Store, owner im.UserID, i int) error {
	peer := fmt.Sprintf("user%05d@example.com", owner+1)
	if i%2 == 0 {
		_, err := s.Add(context.Background(), owner, store.Addition{List: al, Handle: peer})
		return err
	}
	_, err := s.Remove(context.Background(), owner, store.Removal{List: al, Handle: peer})
	return err
}
