package webhook

import (
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"time"

	"monarch/internal/audit"
)

// Test is the type of the event that only shows whether a webhook works.
const Test = "webhook.test"

// types are the events that webhooks may be told of, by what the audit log calls them.
var types = map[audit.What]string{
	audit.AccountAdded:    "account.created",
	audit.AccountRenamed:  "account.renamed",
	audit.AccountDisabled: "account.disabled",
	audit.AccountEnabled:  "account.enabled",
	audit.AccountDeleted:  "account.deleted",
	audit.PasswordChanged: "account.password_changed",
	audit.RoleChanged:     "account.role_changed",
	audit.DataExported:    "account.data_exported",
	audit.SessionEnded:    "session.ended",
	audit.NetworkDenied:   "network.denied",
	audit.NetworkAllowed:  "network.allowed",
	audit.NetworkRemoved:  "network.removed",
	audit.SignInRefused:   "abuse.sign_in_refused",
	audit.HeldBack:        "abuse.sign_ins_held_back",
	audit.Disconnected:    "abuse.client_disconnected",
}

// allTypes returns the types of events that webhooks may be told of.
func allTypes() []string {
	all := make([]string, 0, len(types))
	for _, t := range types {
		all = append(all, t)
	}
	slices.Sort(all)
	return all
}

// event is what a webhook is told, in the form of Standard Webhooks.
type event struct {
	Type      string    `json:"type"`
	Timestamp time.Time `json:"timestamp"`
	Data      data      `json:"data"`
}

// data says more about an event. What is not known is absent.
type data struct {
	Service string `json:"service"`           // its name
	Node    string `json:"node,omitempty"`    // where it happened, if there are several
	Account string `json:"account,omitempty"` // the one concerned
	Network string `json:"network,omitempty"` // the one concerned
	Address string `json:"address,omitempty"` // the client's
	By      string `json:"by,omitempty"`      // who did it, if not the account's owner
	Note    string `json:"note,omitempty"`    // more, for people
}

// body encodes an event.
func body(t string, at time.Time, d data) string {
	b, err := json.Marshal(event{t, at.UTC(), d})
	if err != nil {
		panic(err) // it is texts and a time
	}
	return string(b)
}

// matches reports whether one of some patterns is of a type.
func matches(patterns []string, t string) bool {
	return slices.ContainsFunc(patterns, func(p string) bool {
		prefix, several := strings.CutSuffix(p, "*")
		return p == t || several && strings.HasPrefix(t, prefix)
	})
}

// checkPatterns refuses patterns of which one is of no event. A pattern is a type, or the beginning
// of some with an asterisk: "account.*", "*".
func checkPatterns(patterns []string) error {
	if len(patterns) == 0 {
		return fmt.Errorf("name at least one event; there are %s", strings.Join(allTypes(), ", "))
	}
	for _, p := range patterns {
		if !slices.ContainsFunc(allTypes(), func(t string) bool { return matches([]string{p}, t) }) {
			return fmt.Errorf("there is no event %q; there are %s, and beginnings of these with an asterisk like \"account.*\"",
				p, strings.Join(allTypes(), ", "))
		}
	}
	return nil
}
