package web

import "testing"

func TestIndexGroups(t *testing.T) {
	for name, want := range map[string]string{
		"limits.idle": "limits", "monarch user add": "monarch", "monarch serve": "monarch",
		"GET /api/v1/accounts/{email}": "/api/v1", "DELETE /api/v1/nodes": "/api/v1", "GET /healthz": "",
	} {
		if got := groupOf(name); got != want {
			t.Errorf("%s is under %q, want %q", name, got, want)
		}
	}
}
