package cluster

import (
	"testing"
	"time"
)

// Many wait at the same time until another node has read something: one question is enough.
func TestTheOtherNodeIsAskedOnce(t *testing.T) {
	s := newStream("a/1")
	if _, ok := s.begin(1, 0); !ok {
		t.Fatal("a new stream needs no run")
	}
	send := func() mark {
		t.Helper()
		s.add(message{kind: dataMessage})
		m := s.mark()
		if s.curious(m, 0) {
			t.Error("asks whether the other node has read what was not sent")
		}
		batch, run := s.take()
		s.took(batch, run, true)
		return m
	}
	first := send()
	if !s.curious(first, 0) || s.curious(first, 0) || s.curious(first, answerTime-1) {
		t.Error("does not ask once")
	}
	if !s.curious(first, answerTime) {
		t.Error("does not ask again when there is no answer")
	}
	second := send()
	if s.curious(first, answerTime+1) {
		t.Error("asks again for what was asked")
	}
	if !s.curious(second, answerTime+1) || s.curious(second, answerTime+1) || s.curious(first, answerTime+1) {
		t.Error("does not ask once for what came later")
	}
	s.close("")
	if _, ok := s.begin(2, time.Minute); !ok {
		t.Fatal("a stream that was closed needs no run")
	}
	send()
	if !s.curious(second, time.Minute) || s.curious(second, time.Minute) {
		t.Error("does not ask once in the next run")
	}
}
