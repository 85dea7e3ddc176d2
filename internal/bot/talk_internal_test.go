package bot

import (
	"testing"

	"golang.org/x/time/rate"

	"monarch/msnclient"
)

func TestAChatBeginsOnce(t *testing.T) {
	b := &bot{talks: make(map[*msnclient.Chat]*talk), all: rate.NewLimiter(20, 40)}
	chat := new(msnclient.Chat)
	b.begin(t.Context(), chat)
	first := b.talks[chat]
	b.begin(t.Context(), chat)
	if b.talks[chat] != first {
		t.Error("a second goroutine for the same chat, and nobody ends the first")
		close(first.jobs)
	}
	b.end(chat)
	b.work.Wait()
}
