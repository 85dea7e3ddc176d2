package web_test

import (
	"net/http"
	"strings"
	"testing"
	"time"

	"monarch/internal/fleet"
	"monarch/internal/im"
	"monarch/internal/msntest"
)

// TestPagesNameNodesThatDoNotAnswer cuts one of two nodes off: the pages of operators show the rest, and say what is
// missing.
func TestPagesNameNodesThatDoNotAnswer(t *testing.T) {
	t.Parallel()
	nodes := msntest.StartNodes(t, nil)
	cable, err := fleet.NewSlow("127.0.0.1:0", nodes[0].Server.Addr("cluster"), 0)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = cable.Close() }) // which it is by then
	other := nodes[0].Join(t, map[string]string{"cluster.node": "node-2", "cluster.peers": cable.Addr()})
	p := &place{nodes[0], msntest.NewPlayer(t, nodes[0]), t}
	p.At(other, "B.ns")
	p.promote("alice", im.Administrator)
	p.Play("signin9 B")
	b := p.browser("alice")
	for began := time.Now(); !strings.Contains(b.get("/admin/sessions").text, "bob@example.com"); <-time.After(50 * time.Millisecond) {
		if time.Since(began) > time.Minute {
			t.Fatal("the nodes do not meet")
		}
	}
	pages := []string{"/admin/sessions", "/admin/audit", "/admin/people/bob@example.com"}
	for _, page := range pages {
		if a := b.get(page); strings.Contains(a.text, "does not answer:") {
			t.Errorf("%s is not complete while both answer", page)
		}
	}
	_ = cable.Close() // some connections on it are closed already
	for language, want := range map[string]string{
		"en": "node-2 does not answer: what it has is missing here.", "de": "node-2 antwortet nicht: Was dort ist, fehlt hier.",
		"es": "node-2 no responde: falta aquí lo que tiene.",
	} {
		b.header.Set("Accept-Language", language)
		for _, page := range pages {
			b.header.Del("Hx-Request")
			b.get(page).wants(t, http.StatusOK, want)
		}
		b.header.Set("Hx-Request", "true")
		for _, page := range pages[:2] {
			b.get(page).wants(t, http.StatusOK, `<div id="unheard" hx-swap-oob="innerHTML"><p class="note warning">`+want)
		}
	}
}
