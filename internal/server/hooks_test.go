package server_test

import (
	"encoding/json"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"monarch/internal/admin"
	"monarch/internal/audit"
	"monarch/internal/msntest"
)

// TestWebhooksOfAService tells a webhook, added at one node, of what happens at another: of accounts,
// of somebody whose client answers a challenge wrong, and of what operators do about that.
func TestWebhooksOfAService(t *testing.T) {
	t.Parallel()
	type event struct {
		Type string
		Data struct{ Account, Network, Node, Note, By string }
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
	_, err := nodes[0].Server.Admin().AddWebhook(t.Context(), admin.NewWebhook{URL: receiver.URL, Events: []string{"account.*", "session.*", "network.*", "abuse.client_disconnected"}})
	if err != nil {
		t.Fatal(err)
	}
	told := func(kind, of, note string) {
		t.Helper()
		select {
		case e := <-events:
			if e.Type != kind || e.Data.Account+e.Data.Network != of || e.Data.Node != "node-2" || e.Data.Note != note {
				t.Errorf("it is told %+v, want %s of %s at node-2", e, kind, of)
			}
			if ban := e.Data.Network != ""; ban != strings.HasPrefix(kind, "network.") || ban && e.Data.By != "carol" {
				t.Errorf("it is told %+v, of a network: %v", e, ban)
			}
		case <-time.After(time.Minute):
			t.Fatalf("it is not told %s of %s", kind, of)
		}
	}
	p := msntest.NewPlayer(t, nodes[1])
	p.Play(`signin9 A
		operator kick alice
		A.ns< OUT SSD
		operator nick alice Al`)
	told("session.ended", "alice@example.com", "")
	told("account.renamed", "alice@example.com", "Al")
	p.Play(`signin9 B, loud
		B.ns> QRY 20 msmsgs@msnmsgr.com 32 + "8f2f5a91b72102cd28355e9fc9000d6e"
		B.ns< 540 20`)
	told("abuse.client_disconnected", "bob@example.com", "challenge answered wrong")

	bansAreTold(t, nodes[1].Server.Admin(), told)
}

// bansAreTold locks and unlocks bob, denies and allows a network, and takes that back.
func bansAreTold(t *testing.T, service *admin.Service, told func(kind, of, note string)) {
	t.Helper()
	carol := audit.WithActor(t.Context(), "carol")
	until := time.Now().Add(time.Hour).UTC().Truncate(time.Second)
	const network = "203.0.113.0/24"
	for _, err := range []error{
		service.Lock(carol, "bob@example.com", admin.Lock{Reason: "guesses passwords", Until: until}),
		service.SetDisabled(carol, "bob@example.com", false),
		ruled(service.AddNetwork(carol, admin.NetworkRule{Network: network, Rule: admin.RuleDeny, Reason: "spam", Expires: until})),
		ruled(service.AddNetwork(carol, admin.NetworkRule{Network: network, Rule: admin.RuleAllow})),
		service.RemoveNetwork(carol, network),
	} {
		if err != nil {
			t.Fatal(err)
		}
	}
	end := "until " + until.Format("2006-01-02 15:04 UTC")
	told("account.disabled", "bob@example.com", end+": guesses passwords")
	told("account.enabled", "bob@example.com", "")
	told("network.denied", network, end+": spam")
	told("network.allowed", network, "for good")
	told("network.removed", network, "")
	trail, err := service.AuditEntries(t.Context(), admin.AuditQuery{Event: string(audit.NetworkDenied)})
	if err != nil || len(trail.Items) != 1 || trail.Items[0].Note != network+", "+end+": spam" {
		t.Errorf("recorded is %+v, %v", trail.Items, err)
	}
}

func ruled(_ admin.NetworkRule, err error) error { return err }
