package webtest

import (
	"fmt"
	"net/http"
	"strings"
	"testing"

	"github.com/chromedp/chromedp"

	"monarch/internal/im"
)

func TestNodesAreDrained(t *testing.T) {
	w := offices(t)
	for _, nick := range []string{"alice", "bob", "carol"} {
		w.signIn(nick)
	}
	p := w.sit(chromium(t))
	p.signIn("dave", "/admin")
	p.tells("#figures div:first-child dd", "3")
	p.until("three nodes have a row", `document.querySelectorAll("#nodes tr").length === 3`)
	p.do("look at one of them", chromedp.Navigate(w.base+"/admin?node=node-2"))
	p.until("its history is chosen", `document.querySelector("#of").value === "node-2"`)
	p.do("go to the nodes", chromedp.Navigate(w.base+"/admin/nodes"))
	p.goes("drain one", chromedp.Click(chromedp.CSS(`#nodes button[value="node-3"]`)))
	p.tells("#notice", "node-3 is being drained")
	p.tells("#nodes section:nth-child(3)", "may be stopped")
	p.do("look for who is there", chromedp.Navigate(w.base+"/admin/sessions?node=node-3"))
	p.tells("#sessions", "Nobody fits")
	p.do("look at the others", chromedp.Navigate(w.base+"/admin/sessions"))
	p.until("all are somewhere", `document.querySelectorAll("#sessions tr").length === 3`)
	p.do("look at the service", chromedp.Navigate(w.base+"/admin"))
	p.tells("#concerns", "node-3 is being drained")
	p.do("go to the nodes", chromedp.Navigate(w.base+"/admin/nodes"))
	p.goes("let it have people again", chromedp.Click(chromedp.CSS(`#nodes button[value="node-3"]`)))
	p.tells("#notice", "node-3 takes people again")
}

// may asks the management interface for something with a token.
func (w *world) may(token, path string) int {
	w.t.Helper()
	q, err := http.NewRequestWithContext(w.t.Context(), http.MethodGet, w.base+path, nil)
	if err != nil {
		w.t.Fatal(err)
	}
	q.Header.Set("Authorization", "Bearer "+token)
	resp, err := http.DefaultClient.Do(q)
	if err != nil {
		w.t.Fatal(err)
	}
	resp.Body.Close()
	return resp.StatusCode
}

func TestTokensAreMadeAndRevoked(t *testing.T) {
	w := newWorld(t)
	p := w.serve("dave", im.Administrator, "/admin/tokens")
	p.tells("#tokens", "no token")
	p.do("fill in a name and a guess", chromedp.SendKeys(chromedp.CSS("#name"), "deploy"), chromedp.Click(chromedp.CSS(`input[value="accounts:read"]`)),
		chromedp.SendKeys(chromedp.CSS("#own-token"), "a guess"))
	p.goes("send it", chromedp.Click(chromedp.CSS("main .primary")))
	p.says("not your present password")
	p.until("what was chosen is chosen", `document.querySelector('input[value="accounts:read"]').checked && document.querySelector("#name").value === "deploy"`)
	p.do("give the password", chromedp.SendKeys(chromedp.CSS("#own-token"), "secret-dave"))
	p.goes("send it", chromedp.Click(chromedp.CSS("main .primary")))
	token := value[string](p, `document.querySelector("#secret").textContent`)
	for path, want := range map[string]int{"/api/v1/accounts": http.StatusOK, "/api/v1/audit": http.StatusForbidden} {
		if got := w.may(token, path); got != want {
			t.Errorf("%s: %d, want %d", path, got, want)
		}
	}
	p.do("go back", chromedp.Navigate(w.base+"/admin/tokens"))
	p.tells("#tokens", "deploy")
	p.goes("revoke it", chromedp.Click(chromedp.CSS("#tokens button")))
	p.tells("#tokens", "no token")
	if got := w.may(token, "/api/v1/accounts"); got != http.StatusUnauthorized {
		t.Errorf("a token that was revoked: %d", got)
	}
	p.do("look at what was recorded", chromedp.Navigate(w.base+"/admin/audit?event=token+made"))
	p.until("it is there", `document.querySelectorAll("#entries tr").length === 1 && document.querySelector("#entries").innerText.includes("dave@example.com")`)
}

func TestWebhooksAreMadeAndRemoved(t *testing.T) {
	w := newWorld(t)
	p := w.serve("dave", im.Administrator, "/admin/webhooks")
	p.do("fill it in", chromedp.SendKeys(chromedp.CSS("#url"), "http://127.0.0.1:9/hooks"), chromedp.Click(chromedp.CSS(`input[value="account.*"]`)),
		chromedp.SendKeys(chromedp.CSS("#own-webhook"), "secret-dave"))
	p.goes("send it", chromedp.Click(chromedp.CSS("main .primary")))
	if secret := value[string](p, `document.querySelector("#secret").textContent`); !strings.HasPrefix(secret, "whsec_") {
		t.Errorf("the secret is %s", secret)
	}
	p.do("go back", chromedp.Navigate(w.base+"/admin/webhooks"))
	p.tells("#webhooks", "127.0.0.1:9")
	p.goes("try it", chromedp.Click(chromedp.CSS("#webhooks button")))
	p.says("did not take it")
	p.goes("remove it", chromedp.Click(chromedp.CSS(`#webhooks button[formaction$="/remove"]`)))
	p.tells("#webhooks", "no webhook")
}

func TestTheAuditLogIsLive(t *testing.T) {
	w := newWorld(t)
	p := w.serve("carol", im.Moderator, "/admin/audit")
	p.tells("#entries", "carol@example.com")
	p.until("a long note leaves room for addresses", `(document.querySelector("#entries td:last-child").textContent = "word ".repeat(99)) &&
		[...document.querySelectorAll("#entries .who a")].every((a) => a.getClientRects().length === 1)`)
	if _, err := w.signInAs("bob@example.com", "a guess"); err == nil {
		t.Fatal("bob has another password")
	}
	p.tells("#entries tr", "sign-in refused")
	p.do("look for bob", chromedp.SendKeys(chromedp.CSS("#user"), "bob@example.com"))
	p.goes("send it", enter())
	p.until("only he is there", `[...document.querySelectorAll("#entries a")].every((a) => a.innerText === "bob@example.com")`)
	p.goes("lock him for a reason", chromedp.Navigate(w.base+"/admin/people/bob@example.com"))
	p.do("say why", chromedp.Click(chromedp.CSS(`details:has(form[action$="/lock"]) summary`)), chromedp.SendKeys(chromedp.CSS("#reason"), "he guesses"),
		chromedp.SetValue(chromedp.CSS("#hours"), "24"))
	p.goes("send it", chromedp.Click(chromedp.CSS(`form[action$="/lock"] .danger`)))
	p.says("he guesses")
	p.says("Locked until")
	for _, path := range []string{"/admin/tokens", "/admin/webhooks"} {
		p.do("go to "+path, chromedp.Navigate(w.base+path))
		p.tells("h1", "Not for your role")
		p.until("it is not in the list", fmt.Sprintf(`!document.querySelector('a[href=%q]')`, path))
	}
}
