package passport

import (
	"context"
	"net/http"
	"strings"
)

// configVersion never changes: clients ask the nexus again when it grows.
const configVersion = "ConfigVersion=11"

// nexus tells where the login is. Clients look for PassportURLs in exactly this case, and
// some fail unless another key follows DALogin. docs/protocol/passport.md#nexus
func (s *Server) nexus(_ context.Context, _ *request) *response {
	pages := "https://" + s.loginHost
	urls := strings.Join([]string{
		"DARealm=Passport.Net",
		"DALogin=" + s.cfg.LoginURL,
		"DAReg=" + pages + registerPath,
		"Properties=" + pages + profilePath,
		"Privacy=" + pages + privacyPath,
		"GeneralRedir=" + pages + redirPath,
		"Help=" + pages + helpPath,
		configVersion,
	}, ",")
	return &response{status: 200, fields: []field{
		{"Date", s.cfg.Clock.Now().UTC().Format(http.TimeFormat)},
		{"PassportURLs", urls},
		{"Cache-Control", "private"},
		{"Content-Type", "text/html"},
	}}
}
