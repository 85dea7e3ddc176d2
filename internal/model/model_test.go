package model

import (
	"flag"
	"os"
	"testing"

	"pgregory.net/rapid"

	"monarch/internal/msntest"
)

// checks is how many plays there are unless the command line says otherwise, as it does for a
// long run: go test ./internal/model -rapid.checks=10000 -timeout=0. A failure names the seed
// that plays it again.
const checks = "30"

func TestMain(m *testing.M) {
	flag.Parse()
	given := false
	flag.Visit(func(f *flag.Flag) { given = given || f.Name == "rapid.checks" })
	if !given {
		if err := flag.Set("rapid.checks", checks); err != nil {
			panic(err)
		}
	}
	os.Exit(msntest.Main(m))
}

func TestEverybodySeesWhatTheModelSays(t *testing.T) {
	f := msntest.Spread(t, settings)
	number := 0
	rapid.Check(t, func(t *rapid.T) {
		number++
		s := newStage(t, f, number)
		defer s.end()
		s.begin(t)
		t.Repeat(map[string]func(*rapid.T){
			"says something":       func(t *rapid.T) { s.do(s.notification(t, s.someone(t))) },
			"says more":            func(t *rapid.T) { s.do(s.notification(t, s.someone(t))) },
			"says even more":       func(t *rapid.T) { s.do(s.notification(t, s.someone(t))) },
			"signs in":             func(t *rapid.T) { s.signsIn(t) },
			"signs out":            s.signsOut,
			"opens a conversation": s.opens,
			"answers":              s.answers,
			"answers soon":         s.answers,
			"cheats":               s.cheats,
			"chats":                s.chats,
			"chats on":             s.chats,
			"meets":                s.meets,
			"meets again":          s.meets,
			"moves somebody":       s.moves,
			"collides":             s.collides,
			"collides again":       s.collides,
			"visits the website":   s.visits,
			"visits it again":      s.visits,
			"is in two places":     s.doubles,
			"time passes":          func(*rapid.T) { s.do(s.command(0, "tick")) },
		})
		s.finish()
	})
}
