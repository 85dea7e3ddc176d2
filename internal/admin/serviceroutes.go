package admin

import (
	"context"
	"net/http"
)

// Operations on the service as a whole, as the node that is asked.
const (
	pathBackups   = Root + "/backups"
	pathReloads   = Root + "/reloads"
	pathListeners = Root + "/listeners"
)

// backup is the body that asks for a copy of the database.
type backup struct {
	Path string `json:"path" doc:"The file, from the root of the server's machine. It must not be there yet." example:"/var/backups/monarch.db"`
}

func (s *Service) serviceRoutes() []route {
	return []route{
		{
			method: "POST", path: pathBackups, scope: ServiceWrite, summary: "Back the database up",
			notes: "The server that is asked writes the file, and answers when it is whole. Asked for twice, it is refused the second time, with file_exists.",
			body:  backup{}, refuses: []int{409}, handle: s.backUp,
		},
		{
			method: "POST", path: pathReloads, scope: ServiceWrite, summary: "Reload the configuration",
			notes: "The node that is asked reads its configuration again and puts in force what can be without a restart. " +
				"One that is wrong changes nothing: 422, with bad_configuration. Asked for again, there is nothing left to apply.",
			answer: Report{}, refuses: []int{409, 422}, handle: s.reload,
		},
		{
			method: "GET", path: pathListeners, scope: ServiceRead, summary: "Show the listeners",
			notes:  "The addresses that the node is bound to: of dispatch, notification, switchboard, https, http, ops and, if there is one, web.",
			answer: map[string]string{}, handle: s.showListeners,
		},
	}
}

func (s *Service) backUp(r *http.Request) (any, error) {
	body, err := read[backup](r)
	if err != nil {
		return nil, err
	}
	return nil, s.Backup(r.Context(), body.Path)
}

func (s *Service) reload(r *http.Request) (any, error) { return s.Reload(r.Context()) }

func (s *Service) showListeners(*http.Request) (any, error) {
	if s.Listeners == nil {
		return map[string]string{}, nil
	}
	return s.Listeners, nil
}

// Backup is [Service.Backup]: it is the server that writes the file.
func (c *Client) Backup(ctx context.Context, path string) error {
	return c.call(ctx, http.MethodPost, pathBackups, backup{Path: path}, nil)
}

// Listeners returns the addresses the running server is bound to: those of dispatch,
// notification, switchboard, https, http, ops and, if there is one, web. Without a server there are none.
func (c *Client) Listeners(ctx context.Context) (map[string]string, error) {
	return ask[map[string]string](ctx, c, http.MethodGet, pathListeners, nil)
}
