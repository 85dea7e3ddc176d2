package admin

import (
	"context"
	"net/http"
)

// pathListeners tells programs on this machine where to connect.
const pathListeners = "/api/v1/listeners"

func (s *Service) showListeners(*http.Request) (any, error) {
	if s.Listeners == nil {
		return map[string]string{}, nil
	}
	return s.Listeners, nil
}

// Listeners returns the addresses the running server is bound to: those of dispatch,
// notification, switchboard, https, http, ops and, if there is one, web. Without a server there are none.
func (c *Client) Listeners(ctx context.Context) (addrs map[string]string, err error) {
	return addrs, c.call(ctx, http.MethodGet, pathListeners, nil, &addrs)
}
