package msntest

import (
	"testing"

	"monarch/internal/config"
	"monarch/internal/pgtest"
)

// StartNodes starts as many nodes of one service as there are settings, which are as for [Start].
// Their names are node-1 and so on, and they share a PostgreSQL of their own unless the settings
// of the first name another.
func StartNodes(t testing.TB, settings ...map[string]string) []*Fixture {
	t.Helper()
	var nodes []*Fixture
	for i, own := range settings {
		all := map[string]string{"cluster.mode": "embedded", "cluster.secret": secret, "cluster.node": nodeName(i)}
		for key, value := range own {
			all[key] = value
		}
		if i == 0 {
			if all["database.url"] == "" {
				all["database.url"] = freshPostgres(t)
			}
			nodes = append(nodes, Start(t, all))
			continue
		}
		nodes = append(nodes, nodes[0].Join(t, all))
	}
	return nodes
}

// secret is what nodes of the tests share.
const secret = "a secret of the tests"

func nodeName(i int) string { return "node-" + string(rune('1'+i)) }

// Join starts one more node of f's service, with settings of its own. It ends with the test.
func (f *Fixture) Join(t testing.TB, settings map[string]string) *Fixture {
	t.Helper()
	all := map[string]string{
		"database.url":  f.config.Database.URL,
		"cluster.mode":  "embedded",
		"cluster.peers": f.Server.Addr("cluster"), "cluster.secret": secret,
	}
	for key, value := range settings {
		all[key] = value
	}
	cfg, err := config.Load("", environ(all))
	if err != nil {
		t.Fatal(err)
	}
	return run(t, cfg, 1)
}

// Ended waits until a node has stopped by itself.
func (f *Fixture) Ended(t testing.TB) {
	t.Helper()
	if err := f.await(); err != nil {
		t.Error(err)
	}
}

// Stop stops a node in order, before the test ends.
func (f *Fixture) Stop(t testing.TB) {
	t.Helper()
	if err := f.stop(); err != nil {
		t.Error(err)
	}
}

// freshPostgres returns the url of a database of PostgreSQL, which may be that of all tests.
func freshPostgres(t testing.TB) string {
	t.Helper()
	if OnPostgres() {
		return newDatabase(t)
	}
	db := pgtest.Start(t)
	name, err := db.Create("")
	if err != nil {
		t.Fatal(err)
	}
	return db.URL(name)
}
