package admin

import (
	"context"
	"net/http"
	"strings"

	"monarch/internal/audit"
)

// Codes of problems with a reload.
const (
	CodeBadConfig  = "bad_configuration"
	CodeNotRunning = "not_running"
)

// Report says what became of a configuration that was read again, by the names of settings.
// What did not change is in neither list.
type Report struct {
	Applied        []string `json:"applied" doc:"Settings that have changed and are in force." example:"[\"log.level\"]"`
	Restart        []string `json:"needs_restart" doc:"Settings that have changed and are in force after a restart." example:"[\"web.listen\"]"`
	NewCertificate bool     `json:"new_certificate" doc:"Whether clients are shown another certificate." example:"false"`
}

// Reload makes the server read its configuration again and put in force what can be without a
// restart. A configuration that is wrong changes nothing.
func (s *Service) Reload(ctx context.Context) (Report, error) {
	if s.Configure == nil {
		return Report{}, problem(http.StatusConflict, CodeNotRunning,
			"the server does not run; it reads its configuration when it starts")
	}
	report, err := s.Configure()
	if err != nil {
		s.Log.ErrorContext(ctx, "configuration not reloaded, what was in force stays so", "err", err)
		return Report{}, problem(http.StatusUnprocessableEntity, CodeBadConfig, "%v", err)
	}
	s.Log.InfoContext(ctx, "configuration reloaded", "applied", strings.Join(report.Applied, " "),
		"needs_restart", strings.Join(report.Restart, " "), "new_certificate", report.NewCertificate)
	s.Audit.Record(ctx, audit.Event{What: audit.Reloaded, Note: strings.Join(report.Applied, " ")})
	return report, nil
}

// Reload is [Service.Reload].
func (c *Client) Reload(ctx context.Context) (Report, error) {
	return ask[Report](ctx, c, http.MethodPost, pathReloads, nil)
}
