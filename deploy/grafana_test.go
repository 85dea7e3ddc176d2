package deploy_test

import (
	"encoding/json"
	"slices"
	"strings"
	"testing"
)

// dashboard is what we look at in a dashboard of Grafana.
type dashboard struct {
	UID, Title    string
	SchemaVersion int
	Templating    struct {
		List []struct {
			Name, Type, Definition string
			Multi, IncludeAll      bool
			AllValue               string
			Datasource             source
		}
	}
	Annotations struct {
		List []struct {
			Expr       string
			Datasource source
		}
	}
	Panels []panel
}

type source struct{ Type, UID string }

type panel struct {
	ID                       int
	Type, Title, Description string
	Datasource               source
	GridPos                  struct{ H, W, X, Y int }
	FieldConfig              struct{ Defaults struct{ Unit string } }
	Targets                  []struct {
		RefID, Expr, LegendFormat string
		Datasource                source
	}
}

func ourDashboard(t *testing.T) dashboard {
	t.Helper()
	var d dashboard
	if err := json.Unmarshal([]byte(read(t, "grafana/monarch.json")), &d); err != nil {
		t.Fatal(err)
	}
	return d
}

// chosen is the data source that whoever looks at the dashboard has chosen.
var chosen = source{"prometheus", "${datasource}"}

// sections are the rows that an operator looks for.
var sections = []string{
	"Overview", "Sign-ins", "Conversations", "Messages and presence", "Limits and refusals", "Connections", "Queues", "Database",
	"Website and mail", "Cluster", "Process",
}

func TestDashboard(t *testing.T) {
	d := ourDashboard(t)
	if d.UID != "monarch" || d.Title == "" || d.SchemaVersion == 0 {
		t.Errorf("it is %q, %q, of schema %d", d.UID, d.Title, d.SchemaVersion)
	}
	var variables, rows []string
	for _, v := range d.Templating.List {
		variables = append(variables, v.Name)
		if v.Type == "query" && (v.Datasource != chosen || !strings.HasPrefix(v.Definition, "label_values(monarch_build_info")) {
			t.Errorf("the variable %s is not what nodes say of themselves", v.Name)
		}
		if v.Name == "node" && (!v.Multi || !v.IncludeAll || v.AllValue != ".*") {
			t.Error("not all nodes can be looked at together")
		}
	}
	if !slices.Equal(variables, []string{"datasource", "job", "node"}) {
		t.Errorf("its variables are %s", variables)
	}
	ids := make(map[int]bool)
	for i, p := range d.Panels {
		if ids[p.ID] {
			t.Errorf("%s has the number of another panel", p.Title)
		}
		ids[p.ID] = true
		for _, other := range d.Panels[:i] {
			if overlap(p, other) {
				t.Errorf("%s covers %s", p.Title, other.Title)
			}
		}
		if p.Type == "row" {
			rows = append(rows, p.Title)
			continue
		}
		complete(t, p)
	}
	if !slices.Equal(rows, sections) {
		t.Errorf("its rows are %q", rows)
	}
}

// complete reports what a panel lacks.
func complete(t *testing.T, p panel) {
	t.Helper()
	if p.Title == "" || p.Description == "" || p.FieldConfig.Defaults.Unit == "" || len(p.Targets) == 0 || p.Datasource != chosen {
		t.Errorf("the panel %q lacks something: %+v", p.Title, p)
	}
	refs := make(map[string]bool)
	for _, target := range p.Targets {
		if target.LegendFormat == "" || target.Datasource != chosen || refs[target.RefID] {
			t.Errorf("%s: %+v", p.Title, target)
		}
		refs[target.RefID] = true
		if !strings.HasPrefix(target.Expr, "count(ALERTS{") && (!strings.Contains(target.Expr, `job="$job"`) || !strings.Contains(target.Expr, `instance=~"$node"`)) {
			t.Errorf("%s does not go by the service and the nodes that were chosen: %s", p.Title, target.Expr)
		}
	}
}

func overlap(a, b panel) bool {
	p, q := a.GridPos, b.GridPos
	return p.X < q.X+q.W && q.X < p.X+p.W && p.Y < q.Y+q.H && q.Y < p.Y+p.H
}
