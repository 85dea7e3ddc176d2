package admin

import (
	_ "embed"
	"encoding/json"
	"net/http"
)

// openAPI describes the HTTP interface, by OpenAPI 3. It is made of [Service.routes].
//
//go:generate go test -count=1 -run ^TestTheInterfaceIsDescribed$ -update .
//go:embed openapi.json
var openAPI []byte

// OpenAPI returns the description of the HTTP interface, in JSON.
func OpenAPI() []byte { return openAPI }

func (s *Service) documentRoutes() []route {
	return []route{{
		method: "GET", path: Root + "/openapi.json", scope: anybody, summary: "Get this description",
		notes: "By OpenAPI 3. It needs no token.", answer: json.RawMessage{},
		handle: func(*http.Request) (any, error) { return json.RawMessage(openAPI), nil },
	}}
}
