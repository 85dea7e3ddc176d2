package server_test

import (
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"monarch/internal/admin"
	"monarch/internal/config"
	"monarch/internal/msntest"
)

// token makes a token with scopes or, without any, with all.
func token(t *testing.T, f *msntest.Fixture, n admin.NewToken) string {
	t.Helper()
	if n.Scopes == nil {
		n.Role = "administrator"
	}
	made, err := admin.Local(f.Server.Admin()).CreateToken(t.Context(), n)
	if err != nil {
		t.Fatal(err)
	}
	return made.Secret
}

// unseen are the statuses that are described and that this test does not bring about, with why.
var unseen = map[int]string{
	429: "wrong tokens are held back: internal/admin tests that",
	500: "nothing goes wrong",
	503: "the database is not taken away: internal/torture does that",
	502: "no node falls silent: the tests of nodes do that",
}

// unseenAt are those of single operations.
var unseenAt = map[string]string{
	"DELETE /api/v1/nodes/{name}/drain 409": "no node falls silent",
	"GET /api/v1/audit 409":                 "there is an audit log: internal/admin does without",
}

// TestTheInterfaceIsWhatItsDescriptionSays has every operation succeed and fail, over real listeners, and
// compares everything that goes over them with openapi.json.
func TestTheInterfaceIsWhatItsDescriptionSays(t *testing.T) {
	t.Parallel()
	c := newContract(t)
	c.alone()
	c.together()
	for _, o := range c.operations() {
		key := o.method + " " + o.path
		for status := range o.Responses.Map() {
			n, err := strconv.Atoi(status)
			if err != nil || !slices.Contains(c.seen[key], n) && unseen[n] == "" && unseenAt[key+" "+status] == "" {
				t.Errorf("%s: status %s is described, and does not occur", key, status)
			}
		}
		if o.Summary == "" || o.Description == "" {
			t.Errorf("%s has no words", key)
		}
	}
}

// alone asks a node that is alone.
func (c *contract) alone() {
	f := msntest.Start(c.t, map[string]string{"protocol.alerts": "on", "networks.deny": "192.0.2.0/24"})
	p := msntest.NewPlayer(c.t, f)
	p.Play("signin9 A\nsignin9 B, until USR")
	all := token(c.t, f, admin.NewToken{Name: "all"})
	listeners := []string{"ops", "web"}
	n := 0
	ask := func(method, path, body string, status int, code string) []byte {
		c.t.Helper()
		n++
		return c.ask(f, listeners[n%2], request{method: method, path: admin.Root + path, body: body, token: all, status: status, code: code})
	}
	for _, path := range []string{"/accounts", "/accounts/alice@example.com/contacts", "/sessions", "/invites", "/nodes", "/keys", "/tokens", "/audit", "/networks", "/errors", "/webhooks"} {
		ask("GET", path, "", 200, "")
		ask("GET", path+"?limit=1000", "", 200, "")
		ask("GET", path+"?limit=0", "", 400, admin.CodeBadRequest)
	}
	c.accounts(ask)
	c.sessions(ask)
	c.networks(ask)
	c.service(f, ask)
	c.tokens(ask)
	c.status(ask)
	c.webhooks(ask)
	ask("GET", "/nothing", "", 404, admin.CodeNoPath)
	ask("TRACE", "/accounts", "", 405, admin.CodeBadMethod)
	for _, o := range c.operations() {
		path := filled(o.path)
		text := ask(o.method, strings.TrimPrefix(path, admin.Root)+"?unknown=1", "", 400, admin.CodeBadRequest)
		if p := new(admin.Problem); json.Unmarshal(text, p) != nil || p.Field != "unknown" {
			c.t.Errorf("%s %s?unknown=1: the field is %q", o.method, path, p.Field)
		}
		if o.RequestBody == nil {
			continue
		}
		for _, l := range listeners {
			c.ask(f, l, request{method: o.method, path: path, body: "a=b", kind: "application/x-www-form-urlencoded", token: all, status: 415, code: admin.CodeBadType})
			c.ask(f, l, request{method: o.method, path: path, body: `{"unknown":1}`, token: all, status: 400, code: admin.CodeBadRequest})
			c.ask(f, l, request{method: o.method, path: path, body: strings.Repeat(" ", 70_000) + `{}`, token: all, status: 413, code: admin.CodeTooLarge})
		}
	}
	c.admission(f, all)
}

type asker func(method, path, body string, status int, code string) []byte

func (c *contract) accounts(ask asker) {
	ask("POST", "/accounts", `{"email":"zoe@example.com","password":"secret"}`, 201, "")
	ask("POST", "/accounts", `{"email":"zoe@example.com","password":"secret"}`, 409, admin.CodeEmailTaken)
	ask("POST", "/accounts", `{"email":"zoe","password":"secret"}`, 400, admin.CodeBadEmail)
	const zoe, nobody = "/accounts/zoe@example.com", "/accounts/nobody@example.com"
	ask("GET", zoe, "", 200, "")
	ask("GET", "/accounts/alice@example.com", "", 200, "")
	ask("PATCH", zoe, `{"nick":"Zoë","password":"other","disabled":true,"role":"moderator"}`, 204, "")
	ask("GET", zoe, "", 200, "")
	ask("PATCH", zoe, `{"nick":""}`, 400, admin.CodeBadNick)
	ask("PATCH", zoe, `{"role":"king"}`, 400, admin.CodeBadRequest)
	ask("POST", zoe+"/password", "", 200, "")
	ask("PUT", zoe+"/mailbox", `{"url":"https://mail.example.com/"}`, 204, "")
	ask("PUT", zoe+"/mailbox", `{"url":"nowhere"}`, 400, admin.CodeBadMail)
	ask("POST", "/mail", `{"to":"zoe@example.com","unread":3,"from":"bob@example.net","subject":"x"}`, 200, "")
	ask("POST", "/mail", `{"to":"zoe@example.com"}`, 400, admin.CodeBadMail)
	ask("POST", "/mail", `{"to":"nobody@example.com","unread":3}`, 404, admin.CodeNoAccount)
	ask("GET", zoe, "", 200, "")
	ask("DELETE", zoe+"/mailbox", "", 204, "")
	ask("DELETE", zoe+"/mailbox", "", 409, admin.CodeNoMailbox)
	ask("POST", "/mail", `{"to":"zoe@example.com","unread":3}`, 409, admin.CodeNoMailbox)
	ask("DELETE", zoe, "", 204, "")
	for _, q := range []struct{ method, path, body string }{
		{"GET", "", ""},
		{"PATCH", "", `{}`},
		{"DELETE", "", ""},
		{"GET", "/contacts", ""},
		{"POST", "/password", ""},
		{"PUT", "/mailbox", `{}`},
		{"DELETE", "/mailbox", ""},
		{"POST", "/alerts", `{"text":"x"}`},
	} {
		ask(q.method, nobody+q.path, q.body, 404, admin.CodeNoAccount)
	}
}

func (c *contract) sessions(ask asker) {
	ask("POST", "/accounts/alice@example.com/alerts", `{"text":"Hello","url":"https://example.com/"}`, 204, "")
	ask("POST", "/accounts/alice@example.com/alerts", `{"text":""}`, 400, admin.CodeBadAlert)
	ask("POST", "/accounts/bob@example.com/alerts", `{"text":"Hello"}`, 409, admin.CodeNoAlerts)
	ask("POST", "/accounts/carol@example.com/alerts", `{"text":"Hello"}`, 404, admin.CodeNoSession)
	ask("GET", "/sessions/alice@example.com", "", 200, "")
	ask("GET", "/sessions/carol@example.com", "", 404, admin.CodeNoSession)
	ask("DELETE", "/sessions/bob@example.com", "", 204, "")
	ask("DELETE", "/sessions/carol@example.com", "", 404, admin.CodeNoSession)
	ask("POST", "/notices", `{"shutdown_in_minutes":60}`, 200, "")
	ask("POST", "/notices", `{"shutdown_in_minutes":0}`, 400, admin.CodeBadRequest)
	ask("DELETE", "/notices", "", 204, "")
	ask("DELETE", "/notices", "", 404, admin.CodeNoNotice)
	var made admin.Invite
	c.read(ask("POST", "/invites", `{"uses":3,"expires_in":3600}`, 201, ""), &made)
	ask("POST", "/invites", `{"uses":0}`, 400, admin.CodeBadRequest)
	ask("GET", "/invites", "", 200, "")
	ask("DELETE", "/invites/"+made.Code, "", 204, "")
	ask("DELETE", "/invites/"+made.Code, "", 404, admin.CodeNoInvite)
}

func (c *contract) service(f *msntest.Fixture, ask asker) {
	ask("GET", "/listeners", "", 200, "")
	if !msntest.OnPostgres() {
		backup := fmt.Sprintf(`{"path":%q}`, filepath.Join(c.t.TempDir(), "copy.db"))
		ask("POST", "/backups", backup, 204, "")
		ask("POST", "/backups", backup, 409, admin.CodeFileExists)
	}
	ask("POST", "/backups", `{"path":"copy.db"}`, 400, admin.CodeBadRequest)
	ask("POST", "/reloads", "", 409, admin.CodeNotRunning)
	f.Server.Admin().Configure = func() (admin.Report, error) { return admin.Report{}, errors.New("line 1 is wrong") }
	ask("POST", "/reloads", "", 422, admin.CodeBadConfig)
	f.Server.Admin().Configure = func() (admin.Report, error) { return f.Server.Reload(config.Default()) }
	ask("POST", "/reloads", "", 200, "")
	ask("POST", "/keys", `{"rotation":"overlap"}`, 201, "")
	ask("POST", "/keys", `{"rotation":"never"}`, 400, admin.CodeBadRequest)
	for range 300 {
		if _, err := admin.Local(f.Server.Admin()).RotateKey(c.t.Context(), admin.Overlap); err != nil {
			break
		}
	}
	ask("POST", "/keys", `{"rotation":"overlap"}`, 409, admin.CodeTooManyKeys)
	ask("GET", "/keys?limit=2", "", 200, "")
	ask("PUT", "/nodes/elsewhere/drain", `{}`, 404, admin.CodeNoNode)
	ask("PUT", "/nodes/elsewhere/drain", `{"pace":-1}`, 400, admin.CodeBadRequest)
	ask("DELETE", "/nodes/elsewhere/drain", "", 404, admin.CodeNoNode)
	ask("GET", "/audit?user=alice@example.com&event=signed%20in&since=2026-03-01T12:00:00Z", "", 200, "")
	ask("GET", "/audit?since=yesterday", "", 400, admin.CodeBadRequest)
	ask("GET", "/openapi.json", "", 200, "")
}

func (c *contract) tokens(ask asker) {
	ask("GET", "/me", "", 200, "")
	var made admin.MadeToken
	c.read(ask("POST", "/tokens", `{"name":"one","role":"moderator","expires_in":3600}`, 201, ""), &made)
	ask("POST", "/tokens", `{"name":"one","role":"moderator"}`, 409, admin.CodeTokenName)
	ask("POST", "/tokens", `{"name":"two"}`, 400, admin.CodeBadRequest)
	ask("GET", "/tokens", "", 200, "")
	ask("DELETE", "/tokens/"+made.ID, "", 204, "")
	ask("DELETE", "/tokens/one", "", 404, admin.CodeNoToken)
}

func (c *contract) status(ask asker) {
	ask("GET", "/status", "", 200, "")
	ask("GET", "/history", "", 200, "")
	ask("GET", "/history?span=day", "", 200, "")
	ask("GET", "/history?span=year", "", 400, admin.CodeBadRequest)
	ask("GET", "/history?node=elsewhere", "", 404, admin.CodeNoNode)
}

func (c *contract) networks(ask asker) {
	const network, path = `{"network":"203.0.113.0/24","rule":"deny","reason":"guesses","expires":"2100-01-01T00:00:00Z"}`, "/networks?network=203.0.113.0/24"
	ask("POST", "/networks", network, 400, admin.CodeBadRequest) // too late
	ask("POST", "/networks", strings.Replace(network, "2100", strconv.Itoa(time.Now().Year()+1), 1), 201, "")
	ask("POST", "/networks", `{"network":"0.0.0.0/0","rule":"deny"}`, 409, admin.CodeLocksOut)
	ask("POST", "/networks", `{"network":"127.0.0.0/8","rule":"deny"}`, 409, admin.CodeLocksOut) // the caller himself
	ask("POST", "/networks", `{"network":"everywhere","rule":"deny"}`, 400, admin.CodeBadNetwork)
	ask("GET", "/networks", "", 200, "")
	ask("DELETE", path, "", 204, "")
	ask("DELETE", path, "", 404, admin.CodeNoNetwork)
	ask("DELETE", "/networks", "", 400, admin.CodeBadNetwork)
	ask("DELETE", "/networks?network=192.0.2.0/24", "", 409, admin.CodeConfigured)
}

func (c *contract) webhooks(ask asker) {
	receiver := httptest.NewServer(http.NotFoundHandler())
	c.t.Cleanup(receiver.Close)
	var made admin.Webhook
	hook := fmt.Sprintf(`{"url":%q,"events":["session.*"]}`, receiver.URL)
	c.read(ask("POST", "/webhooks", hook, 201, ""), &made)
	ask("POST", "/webhooks", `{"url":"here","events":["*"]}`, 400, admin.CodeBadWebhook)
	ask("POST", "/webhooks/"+made.ID+"/tests", "", 502, admin.CodeWebhookFailed)
	receiver.Config.Handler = http.HandlerFunc(func(http.ResponseWriter, *http.Request) {})
	ask("POST", "/webhooks/"+made.ID+"/tests", "", 204, "")
	ask("POST", "/webhooks/none/tests", "", 404, admin.CodeNoWebhook)
	for range 15 {
		ask("POST", "/webhooks", hook, 201, "")
	}
	ask("POST", "/webhooks", hook, 409, admin.CodeTooManyWebhooks)
	ask("GET", "/webhooks", "", 200, "")
	ask("DELETE", "/webhooks/"+made.ID, "", 204, "")
	ask("DELETE", "/webhooks/"+made.ID, "", 404, admin.CodeNoWebhook)
}

// together asks one of two nodes.
func (c *contract) together() {
	nodes := msntest.StartNodes(c.t, nil, nil)
	all := token(c.t, nodes[0], admin.NewToken{Name: "all"})
	agree(c.t, nodes...)
	ask := func(method, path, body string, status int, code string) []byte {
		c.t.Helper()
		return c.ask(nodes[0], "web", request{method: method, path: admin.Root + path, body: body, token: all, status: status, code: code})
	}
	for _, path := range []string{"/nodes", "/status", "/history?span=day&node=node-2", "/errors"} {
		ask("GET", path, "", 200, "")
	}
	ask("PUT", "/nodes/node-2/drain", `{"pace":5}`, 204, "")
	ask("PUT", "/nodes/node-2/drain", `{}`, 204, "") // it drains already
	await(c.t, "a node does not hear that another drains", func() bool {
		list, err := nodes[0].Server.Admin().Nodes(c.t.Context())
		return err == nil && slices.ContainsFunc(list, func(n admin.Node) bool { return n.Name == "node-2" && n.Draining })
	})
	ask("PUT", "/nodes/node-1/drain", `{}`, 409, admin.CodeNoNode)
	ask("DELETE", "/nodes/node-2/drain", "", 204, "")
	ask("GET", "/audit", "", 200, "")
	ask("POST", "/tokens", `{"name":"one","role":"moderator"}`, 201, "")
	ask("POST", "/tokens", `{"name":"one","role":"moderator"}`, 409, admin.CodeTokenName)
	ask("DELETE", "/tokens/one", "", 204, "")
	// PostgreSQL takes no text like these.
	ask("GET", "/accounts/%00", "", 404, admin.CodeNoPath)
	ask("DELETE", "/tokens/%ff", "", 404, admin.CodeNoPath)
	ask("GET", "/accounts?after=%00", "", 400, admin.CodeBadRequest)
	ask("POST", "/mail", `{"to":"\u0000","unread":1}`, 404, admin.CodeNoAccount)
	ask("POST", "/accounts", `{"email":"\u0000@example.com","password":"x"}`, 400, admin.CodeBadEmail)
	ask("POST", "/accounts", `{"email":"nul@example.com","password":"x","nick":"\u0000"}`, 201, "")
}

// admission tries every operation with tokens that do not open it.
func (c *contract) admission(f *msntest.Fixture, all string) {
	expired := token(c.t, f, admin.NewToken{Name: "expired", ExpiresIn: 60})
	revoked := token(c.t, f, admin.NewToken{Name: "revoked"})
	for _, q := range []request{{token: expired}, {token: revoked}} {
		q.method, q.path, q.status = "GET", admin.Root+"/me", 200
		c.ask(f, "ops", q) // which has it remembered
	}
	if err := admin.Local(f.Server.Admin()).RevokeToken(c.t.Context(), "revoked"); err != nil {
		c.t.Fatal(err)
	}
	f.Clock.Jump(2 * time.Minute)
	without := map[admin.Scope]string{}
	for _, scope := range admin.AllScopes() {
		others := slices.DeleteFunc(admin.AllScopes(), func(s admin.Scope) bool { return s == scope })
		without[scope] = token(c.t, f, admin.NewToken{Name: "no." + strings.ReplaceAll(string(scope), ":", "-"), Scopes: others})
	}
	for _, o := range c.operations() {
		q := request{method: o.method, path: filled(o.path), status: 401, code: admin.CodeUnauthorized}
		for _, wrong := range []string{expired, revoked, "monarch_guess", "guess"} {
			f.Clock.Advance(40 * time.Second) // or too many would have come
			q.token = wrong
			c.ask(f, "ops", q)
		}
		q.token = ""
		scope, scoped := o.Extensions["x-scope"].(string)
		if !scoped && o.Security == nil {
			q.status, q.code = 200, ""
		}
		c.ask(f, "web", q)
		if !scoped {
			continue
		}
		q.token, q.status, q.code = without[admin.Scope(scope)], 403, admin.CodeForbidden
		if body := c.ask(f, "web", q); !strings.Contains(string(body), scope) {
			c.t.Errorf("%s %s: what is missing is not told: %s", o.method, o.path, body)
		}
	}
	cfg := config.Default()
	cfg.Admin.Networks = []string{"192.0.2.0/24"}
	if _, err := f.Server.Reload(cfg); err != nil {
		c.t.Fatal(err)
	}
	for _, o := range c.operations() {
		c.ask(f, "web", request{method: o.method, path: filled(o.path), token: all, status: http.StatusForbidden, code: admin.CodeForbidden})
	}
	c.ask(f, "ops", request{method: "GET", path: admin.Root + "/me", token: all, status: http.StatusOK})
}

// filled is a path with names in it.
func filled(path string) string {
	return strings.NewReplacer("{email}", "alice@example.com", "{name}", "node-1", "{code}", "AAAA-BBBB-CCCC", "{token}", "none", "{id}", "none").Replace(path)
}

func (c *contract) read(body []byte, into any) {
	c.t.Helper()
	if err := json.Unmarshal(body, into); err != nil {
		c.t.Fatalf("%v in %s", err, body)
	}
}
