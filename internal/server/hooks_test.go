package server_test

import (
	"encoding/json"
	"io"
	"net/http"
	"net/http/httptest"
	"testing"
	"time"

	"monarch/internal/admin"
	"monarch/internal/msntest"
)

// TestWebhooksOfAService tells a webhook, added at one node, of what happens at another: of accounts,
// and of somebody whose client answers a challenge wrong.
func TestWebhooksOfAService(t *testing.T) {
	t.Parallel()
	type event struct {
		Type string
		Data struct{ Account, Node, Note string }
	}
	events := make(chan event, 100)
	receiver := httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		var e event
		b, _ := io.ReadAll(r.Body)
		if err := json.Unmarshal(b, &e); err != nil || r.Header.Get("Webhook-Signature") == "" {
			t.Errorf("it is told %q, %v", b, err)
		}
		events <- e
	}))
	t.Cleanup(receiver.Close)

	nodes := msntest.StartNodes(t, nil, nil)
	_, err := nodes[0].Server.Admin().AddWebhook(t.Context(), admin.NewWebhook{URL: receiver.URL, Events: []string{"account.*", "session.*", "abuse.client_disconnected"}})
	if err != nil {
		t.Fatal(err)
	}
	told := func(kind, account, node, note string) {
		t.Helper()
		select {
		case e := <-events:
			if e.Type != kind || e.Data.Account != account || e.Data.Node != node || e.Data.Note != note {
				t.Errorf("it is told %+v, want %s of %s at %s", e, kind, account, node)
			}
		case <-time.After(time.Minute):
			t.Fatalf("it is not told %s of %s", kind, account)
		}
	}
	p := msntest.NewPlayer(t, nodes[1])
	p.Play(`signin9 A
		operator kick alice
		A.ns< OUT SSD
		operator nick alice Al`)
	told("session.ended", "alice@example.com", "node-2", "")
	told("account.renamed", "alice@example.com", "node-2", "Al")
	p.Play(`signin9 B, loud
		B.ns> QRY 20 msmsgs@msnmsgr.com 32 + "8f2f5a91b72102cd28355e9fc9000d6e"
		B.ns< 540 20`)
	told("abuse.client_disconnected", "bob@example.com", "node-2", "challenge answered wrong")
}
