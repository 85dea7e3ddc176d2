package webtest

import (
	"context"
	"fmt"
	"math"
	"testing"
	"time"

	"github.com/chromedp/chromedp"

	"monarch/internal/auth"
	"monarch/internal/clock"
	"monarch/internal/im"
	"monarch/internal/msntest"
	"monarch/internal/store"
	"monarch/msnclient"
)

// office is a server with an administrator, Dave, a moderator, Carol, and something to manage: an hour
// in which people came and went, codes and a rule.
func office(t *testing.T) *world {
	w := newWorldWith(t, officeSettings)
	w.staff(t)
	w.crowd(t, 24)
	return w
}

var officeSettings = map[string]string{
	"limits.rates": "off", "accounts.registration": "invite", "protocol.alerts": "on", "networks.deny": "198.51.100.0/24",
}

// offices are a service of three nodes with the same.
func offices(t *testing.T) *world {
	w := newWorldOf(t, officeSettings, func(all map[string]string) *msntest.Fixture {
		return msntest.StartNodes(t, all, map[string]string{"limits.rates": "off"}, map[string]string{"limits.rates": "off"})[0]
	})
	w.staff(t)
	return w
}

// staff gives two people roles, and makes what they look after.
func (w *world) staff(t *testing.T) {
	t.Helper()
	ctx := t.Context()
	for name, role := range map[string]im.Role{"dave": im.Administrator, "carol": im.Moderator} {
		if err := w.fix.Store.SetRole(ctx, w.p.User(name).ID, role); err != nil {
			t.Fatal(err)
		}
	}
	if err := w.fix.Store.SetDisabled(ctx, w.p.User("erin").ID, true); err != nil {
		t.Fatal(err)
	}
	now := time.Now()
	err := w.fix.Store.AddAPIToken(ctx, store.APIToken{
		ID: "3f9a1c04", Name: "deploy", Scopes: []string{"accounts:read", "service:read"}, Created: now.Unix(), MadeBy: daves, Expires: now.Add(90 * 24 * time.Hour).Unix(),
	}, "monarch_of_a_test")
	if err != nil {
		t.Fatal(err)
	}
	err = w.fix.Store.AddWebhook(ctx, store.Webhook{
		ID: "wh_4FQ7ZJ2KXM5A", URL: "https://example.com/hooks/monarch", Secret: "whsec_", Events: []string{"abuse.client_disconnected"}, Created: now.Unix(), MadeBy: daves,
	})
	if err != nil {
		t.Fatal(err)
	}
	for i, code := range []string{"MNRC-2003-ABCD", "KEEP-WARM-2468"} {
		err := w.fix.Store.AddInvite(ctx, store.InviteCode{
			Code: code, Uses: 5 - 4*i, Created: now.Unix() - int64(i), Expires: now.Add(time.Duration(1-i)*168*time.Hour).Unix() * int64(1-i), MadeBy: daves,
		})
		if err != nil {
			t.Fatal(err)
		}
	}
	w.p.Play(`nick bob Bob%20(gone%20fishing)
		group alice Friends
		list alice FL bob 1
		list alice FL carol 1
		list alice AL bob
		list alice BL dave
		list bob FL alice`)
}

// crowd makes accounts whose owners come and go over an hour, and stay for as many as are there at its end.
func (w *world) crowd(t *testing.T, most int) {
	t.Helper()
	hasher := auth.NewHasher(1, 100, auth.Params{Memory: 8, Time: 1})
	hash, err := hasher.Hash(t.Context(), "secret-guest")
	if err != nil {
		t.Fatal(err)
	}
	var here []*msnclient.Client
	alice := w.signIn("alice")
	w.signIn("bob")
	for minute := range 60 {
		want := int(float64(most) * (0.55 + 0.35*math.Sin(float64(minute)/9) + 0.1*math.Sin(float64(minute)/2)))
		for len(here) > max(want, 1) {
			here[0].Close()
			here = here[1:]
		}
		for joined := 0; len(here) < want && joined < 2; joined++ {
			handle := fmt.Sprintf("guest%02d%02d@example.com", minute, len(here))
			if _, err := w.fix.Store.CreateUser(t.Context(), handle, "Guest", hash); err != nil {
				t.Fatal(err)
			}
			c, err := w.signInAs(handle, "secret-guest")
			if err != nil {
				t.Fatal(err)
			}
			here = append(here, c)
		}
		if minute%7 == 3 {
			_, _ = w.signInAs("erin@example.com", "a guess") // is refused
		}
		for range 4 + minute%5 {
			within(t, func(ctx context.Context) error {
				_, err := alice.Send(ctx, "bob@example.com", msnclient.Text{Body: "Have you seen this?"})
				return err
			})
		}
		w.pass(t, time.Minute)
	}
}

// pass lets time go by for the server, in steps in which its history grows by a point each.
func (w *world) pass(t *testing.T, d time.Duration) {
	t.Helper()
	const step = 10 * time.Second
	for ; d > 0; d -= step {
		var timer clock.Timer
		gone := make(chan struct{})
		w.fix.Clock.Set(&timer, step, func() { close(gone) })
		w.fix.Clock.Advance(step)
		select {
		case <-gone:
		case <-time.After(patience):
			t.Fatal("the clock stands still")
		}
	}
}

// adminLooks are Dave's.
func adminLooks() []look {
	return []look{
		{name: "admin", path: "/admin", there: func(p *person) { p.live() }},
		{name: "admin-day", path: "/admin?span=day", plain: true},
		{name: "admin-people", path: "/admin/people"},
		{name: "admin-people-none", path: "/admin/people?find=nobody", plain: true},
		{name: "admin-new", path: "/admin/people/new"},
		{name: "admin-person", path: "/admin/people/alice@example.com", there: func(p *person) {
			p.do("open a form", chromedp.Click(chromedp.CSS(".deeds details:nth-of-type(5) summary")))
		}},
		{name: "admin-contacts", path: "/admin/people/alice@example.com/contacts", plain: true},
		{name: "admin-password", path: "/admin/people/bob@example.com", there: func(p *person) {
			p.leave("have a password made", `document.querySelector('form[action$="/password"]').submit()`)
		}},
		{name: "admin-sessions", path: "/admin/sessions"},
		{name: "admin-nodes", path: "/admin/nodes"},
		{name: "admin-networks", path: "/admin/networks"},
		{name: "admin-network-own", path: "/admin/networks", status: 422, there: func(p *person) {
			p.leave("deny oneself", `const form = document.querySelector('form[action$="/add"]'); form.network.value = "127.0.0.0/8"; form.submit()`)
		}, plain: true},
		{name: "admin-invites", path: "/admin/invites"},
		{name: "admin-notices", path: "/admin/notices"},
		{name: "admin-audit", path: "/admin/audit"},
		{name: "admin-tokens", path: "/admin/tokens"},
		{name: "admin-webhooks", path: "/admin/webhooks"},
	}
}

// live waits until the page has asked for what is new, and got it.
func (p *person) live() {
	p.t.Helper()
	p.do("count answers", chromedp.Evaluate[chromedp.Void](`window.answers = 0;
		document.body.addEventListener("htmx:afterRequest", (e) => { if (e.detail.xhr.getResponseHeader("Monarch-Live")) window.answers++; })`))
	p.until("what is new has come", "window.answers > 0")
}
