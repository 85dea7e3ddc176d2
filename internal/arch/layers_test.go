package arch

import (
	"fmt"
	"path"
	"slices"
	"strings"
	"testing"
)

// layers says what each package may import of ours, by directory; an arrow of the picture in
// ARCHITECTURE.md is an entry here. "cmd/*" is every command without an entry of its own.
var layers = map[string][]string{
	"msnp":      {},
	"msnclient": {"msnp"},

	"internal/clock":   {},
	"internal/metrics": {},
	"internal/config":  {},
	"internal/turns":   {},
	"internal/trace":   {},
	"internal/command": {"internal/roff"},
	"internal/ctt":     {},

	"docs":              {},
	"internal/handbook": {},

	"internal/audit":   {"internal/clock"},
	"internal/history": {"internal/clock"},

	"internal/im":    {"msnp"},
	"internal/patch": {},
	"internal/conn":  {"msnp", "internal/clock", "internal/metrics"},
	"internal/gate":  {"internal/metrics", "internal/turns"},
	"internal/auth":  {"internal/clock", "internal/metrics", "internal/turns"},

	"internal/cluster": {"internal/clock", "internal/metrics"},

	"internal/hub":   {"msnp", "internal/im", "internal/conn", "internal/auth", "internal/clock", "internal/metrics", "internal/cluster"},
	"internal/store": {"msnp", "internal/im", "internal/auth", "internal/clock", "internal/metrics"},

	"internal/account": {"msnp", "internal/im", "internal/auth", "internal/clock", "internal/audit", "internal/hub", "internal/store"},
	"internal/webhook": {"internal/clock", "internal/audit", "internal/store"},
	"internal/login":   {"internal/im", "internal/auth", "internal/clock", "internal/turns", "internal/audit", "internal/store"},

	"internal/ns":       front("internal/conn", "internal/trace"),
	"internal/sb":       front("internal/conn"),
	"internal/passport": front("internal/conn", "internal/gate", "internal/login", "internal/trace"),
	"internal/web": front("internal/conn", "internal/gate", "internal/login", "internal/account", "internal/admin", "internal/patch", "internal/ctt",
		"docs", "internal/handbook"),
	"internal/admin":         front("internal/account", "internal/cluster", "internal/nodes", "internal/webhook", "internal/history"),
	"internal/transfer":      {"msnp", "internal/im", "internal/auth", "internal/account", "internal/store"},
	"internal/foreign":       {"msnp", "internal/im", "internal/auth", "internal/store", "internal/transfer"},
	"internal/acme":          {"internal/clock", "internal/store"},
	"internal/acme/acmetest": nil,
	"internal/roff":          {},
	"internal/mail":          {"internal/im", "internal/clock"},
	"internal/natsbus":       {"internal/cluster", "internal/metrics"},
	"internal/nodes":         {"internal/clock", "internal/cluster"},

	"internal/server": front("internal/conn", "internal/gate", "internal/cluster", "internal/natsbus", "internal/nodes", "internal/history", "internal/config", "internal/ns", "internal/sb", "internal/passport",
		"internal/login", "internal/account", "internal/web", "internal/admin", "internal/webhook", "internal/mail", "internal/trace", "internal/acme"),
	"internal/doctor": {"internal/config", "internal/passport", "internal/store", "internal/clock", "internal/metrics"},
	"internal/bot":    {"msnp", "msnclient"},
	"internal/tui":    {"msnp", "msnclient"},
	"internal/cli": front("msnclient", "internal/command", "internal/doctor", "internal/bot", "internal/tui", "internal/config", "internal/account", "internal/admin", "internal/webhook",
		"internal/passport", "internal/patch", "internal/server", "internal/transfer", "internal/foreign", "internal/roff"),
	"cmd/*": {"internal/cli"},

	"deploy/package/signin": {"msnclient"}, // for testing packages

	// For measuring: the server does without them.
	"internal/bare":     {},
	"internal/process":  {},
	"internal/figures":  {},
	"internal/plots":    {"internal/figures"},
	"internal/loopback": {},                    // and for tests
	"internal/pgtest":   {"internal/loopback"}, // and for tests
	"internal/swarm":    {"msnp", "internal/im", "internal/auth", "internal/store", "internal/figures", "internal/loopback", "internal/process", "internal/pgtest"},
	"internal/fleet":    {"internal/clock", "internal/config", "internal/pgtest", "internal/process", "internal/server"},
	"internal/torture":  {"msnp", "msnclient", "internal/im", "internal/auth", "internal/store", "internal/admin", "internal/figures", "internal/process", "internal/fleet"},
	"cmd/torture":       {"internal/torture", "internal/command", "internal/process", "internal/fleet"},
	"cmd/swarm":         {"internal/swarm", "internal/command", "internal/process", "internal/bare", "internal/figures", "internal/plots"},

	// For tests only: they may use everything, and nothing may use them.
	"internal/msntest":             nil,
	"internal/model":               nil,
	"internal/arch":                nil,
	"internal/reference":           nil,
	"internal/web/jstest":          nil,
	"internal/webtest":             nil,
	"internal/cluster/clustertest": nil,
	"deploy":                       nil,
}

// front returns what the packages that face the outside share, and more.
func front(more ...string) []string {
	return append(more, "msnp", "internal/im", "internal/auth", "internal/clock", "internal/metrics", "internal/turns",
		"internal/audit", "internal/hub", "internal/store")
}

// forbidden are the edges that tempt. They hold for test files too.
var forbidden = map[[2]string]string{
	{"internal/ns", "internal/sb"}:     "the two meet only through a signed cookie and an event of the hub",
	{"internal/sb", "internal/ns"}:     "the two meet only through a signed cookie and an event of the hub",
	{"internal/hub", "internal/store"}: "live state never waits for the database; the caller brings what it loaded",
}

// owners names, for each third-party module, the one package that imports it. The grammar of
// command lines is read by a test of cli too.
var owners = map[string]string{
	"modernc.org/sqlite":                  "internal/store",
	"github.com/jackc/pgx/v5":             "internal/store",
	"github.com/prometheus/client_golang": "internal/metrics",
	"github.com/prometheus/client_model":  "internal/metrics",
	"github.com/pelletier/go-toml/v2":     "internal/config",
	"github.com/alecthomas/kong":          "internal/command internal/cli",
	"golang.org/x/crypto":                 "internal/auth internal/acme",
	"github.com/DeRuina/timberjack":       "internal/audit",
	"github.com/wneessen/go-mail":         "internal/mail",
	"golang.org/x/term":                   "internal/cli",
	"charm.land/bubbletea/v2":             "internal/tui",
	"github.com/charmbracelet/x/ansi":     "internal/tui",
	"gonum.org/v1/plot":                   "internal/plots",
	"github.com/google/pprof":             "internal/swarm",
	"github.com/pires/go-proxyproto":      "internal/gate",
	"golang.org/x/text":                   "internal/web",
	"github.com/coder/websocket":          "internal/web",
	"github.com/yuin/goldmark":            "internal/handbook",
	"github.com/nats-io/nats.go":          "internal/natsbus",
	"github.com/nats-io/nats-server/v2":   "internal/natsbus internal/fleet", // a server to torture
	"github.com/fxamacker/cbor/v2":        "internal/hub",
	"go.opentelemetry.io/otel":            "internal/trace",
	"go.opentelemetry.io/proto/otlp":      testsOnly,
	"google.golang.org/protobuf":          testsOnly,
	"golang.org/x/time":                   anywhere,
	"golang.org/x/sync":                   anywhere,
	"github.com/chromedp/chromedp":        "internal/webtest",
	"github.com/chromedp/cdproto":         "internal/webtest",
	"github.com/google/go-cmp":            testsOnly,
	"go.uber.org/goleak":                  testsOnly,
	"pgregory.net/rapid":                  testsOnly,
	"go.yaml.in/yaml/v3":                  testsOnly,
	"github.com/getkin/kin-openapi":       testsOnly,
}

const (
	anywhere  = "anywhere"
	testsOnly = "tests only"
)

func TestImportsOnlyPointRight(t *testing.T) {
	eachSource(t, layering)
}

func TestThirdPartyModulesHaveOneOwner(t *testing.T) {
	eachSource(t, ownership)
}

// layering finds imports of ours that the table does not allow.
func layering(s *source) []string {
	var findings []string
	from := s.dir()
	allowed, known := layers[layerOf(from)]
	if !known {
		return []string{s.complain(1, "package %s is not in the table of internal/arch/layers_test.go; "+
			"add it with the packages it may import", from)}
	}
	for _, im := range imports(s) {
		to, ours := strings.CutPrefix(im.path, module+"/")
		if !ours || to == from {
			continue
		}
		why, tempts := forbidden[[2]string{from, to}]
		switch {
		case tempts:
			findings = append(findings, s.complain(im.line, "%s must not import %s: %s", from, to, why))
		case s.isTest() || isTestSupport(from):
		case isTestSupport(to):
			findings = append(findings, s.complain(im.line, "%s is for tests; only a _test.go file may import it", to))
		case !slices.Contains(allowed, to):
			findings = append(findings, s.complain(im.line, "%s may not import %s: imports only point right in the picture of "+
				"ARCHITECTURE.md; move the code to the side that may, or change the picture and the table of "+
				"internal/arch/layers_test.go together", from, to))
		}
	}
	return findings
}

// ownership finds third-party imports outside the package that owns the module.
func ownership(s *source) []string {
	var findings []string
	for _, im := range imports(s) {
		if !isThirdParty(im.path) {
			continue
		}
		owner, known := ownerOf(im.path)
		switch {
		case s.dir() == "msnp" && !s.isTest():
			findings = append(findings, s.complain(im.line, "msnp is public and imports the standard library only; "+
				"what needs %s belongs behind it", im.path))
		case !known:
			findings = append(findings, s.complain(im.line, "module of %s is new: write a decision record in docs/adr "+
				"and give it an owner in internal/arch/layers_test.go", im.path))
		case owner == anywhere, slices.Contains(strings.Fields(owner), s.dir()):
		case owner == testsOnly:
			if !s.isTest() && !isTestSupport(s.dir()) {
				findings = append(findings, s.complain(im.line, "%s is for tests only", im.path))
			}
		default:
			findings = append(findings, s.complain(im.line, "%s belongs to %s; call what that package offers", im.path, owner))
		}
	}
	return findings
}

type imported struct {
	path string
	line int
}

func imports(s *source) []imported {
	var all []imported
	for _, spec := range s.file.Imports {
		all = append(all, imported{strings.Trim(spec.Path.Value, "`\""), s.line(spec.Pos())})
	}
	return all
}

// layerOf returns the key of a directory in the table.
func layerOf(dir string) string {
	if _, own := layers[dir]; !own && path.Dir(dir) == "cmd" {
		return "cmd/*"
	}
	return dir
}

// isTestSupport reports whether a package exists for tests.
func isTestSupport(dir string) bool {
	allowed, known := layers[dir]
	return known && allowed == nil
}

// isThirdParty reports whether an import path has a host name in front, which neither the
// standard library nor we have.
func isThirdParty(importPath string) bool {
	first, _, _ := strings.Cut(importPath, "/")
	return strings.Contains(first, ".")
}

func ownerOf(importPath string) (string, bool) {
	for mod, owner := range owners {
		if importPath == mod || strings.HasPrefix(importPath, mod+"/") {
			return owner, true
		}
	}
	return "", false
}

func TestLayersBite(t *testing.T) {
	for _, c := range []struct {
		name, file, imports string
		findings            int
	}{
		{"a right pointing import", "internal/ns/a.go", "monarch/internal/hub", 0},
		{"a left pointing import", "internal/hub/a.go", "monarch/internal/ns", 1},
		{"a neighbour", "internal/ns/a.go", "monarch/internal/passport", 1},
		{"the switchboard from the notification server's test", "internal/ns/a_test.go", "monarch/internal/sb", 1},
		{"the store from the hub", "internal/hub/a.go", "monarch/internal/store", 1},
		{"any lower package from a test", "internal/passport/a_test.go", "monarch/internal/config", 0},
		{"test support outside tests", "internal/ns/a.go", "monarch/internal/msntest", 1},
		{"anything of ours from the wire", "msnp/a.go", "monarch/internal/im", 1},
		{"a package nobody announced", "internal/util/a.go", "fmt", 1},
		{"a module in another's package", "internal/ns/a.go", "github.com/prometheus/client_golang/prometheus", 1},
		{"a module in the second package that owns it", "internal/cli/a_test.go", "github.com/alecthomas/kong", 0},
		{"the load generator in the server's command", "cmd/monarch/a.go", "monarch/internal/swarm", 1},
		{"a module in its own package", "internal/metrics/a.go", "github.com/prometheus/client_golang/prometheus", 0},
		{"a test module outside tests", "internal/hub/a.go", "pgregory.net/rapid", 1},
		{"a test module in the wire's tests", "msnp/a_test.go", "pgregory.net/rapid", 0},
		{"any module in the wire", "msnp/a.go", "golang.org/x/time/rate", 1},
		{"a module nobody decided on", "internal/hub/a.go", "example.com/new/thing", 1},
	} {
		t.Run(c.name, func(t *testing.T) {
			s := snippet(t, c.file, fmt.Sprintf("package p\n\nimport _ %q\n", c.imports))
			findings := append(layering(s), ownership(s)...)
			if len(findings) != c.findings {
				t.Errorf("%d findings, want %d: %q", len(findings), c.findings, findings)
			}
		})
	}
}
