package web_test

import (
	"net/http"
	"net/url"
	"testing"
)

// The website is no way around the limits that an operator has set for clients.
func TestListsChangeNoFasterThanByAClient(t *testing.T) {
	t.Parallel()
	p := settle(t, map[string]string{"rates.lists": "3/1h", "rates.names": "2/1h"})
	p.User("bob")
	b := p.browser("alice")
	page := b.get(contacts)
	for i := range 4 {
		a := b.post("/account/contacts/block", url.Values{"_csrf": {page.field("_csrf")}, "who": {bobAt}})
		if limited := a.StatusCode == http.StatusTooManyRequests; limited != (i == 3) {
			t.Errorf("change %d: status %d", i+1, a.StatusCode)
		}
	}
	for i := range 3 {
		a := b.post("/account/name", url.Values{"_csrf": {page.field("_csrf")}, "name": {"Alice"}})
		if limited := a.StatusCode == http.StatusTooManyRequests; limited != (i == 2) {
			t.Errorf("name %d: status %d", i+1, a.StatusCode)
		}
	}
}
