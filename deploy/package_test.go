package deploy_test

import (
	"os"
	"os/exec"
	"regexp"
	"strings"
	"testing"

	"monarch/internal/config"
)

// goreleaser is what we look at of how packages are made.
type goreleaser struct {
	Builds []struct {
		Flags, Ldflags, Targets []string
		ModTimestamp            string `yaml:"mod_timestamp"`
	}
	Archives []struct {
		Files []struct{ Src string }
	}
	Nfpms []struct {
		Contents []struct {
			Src, Dst, Type string
			FileInfo       struct{ Mode int } `yaml:"file_info"`
		}
		Scripts map[string]string
	}
}

// TestWhatIsPackagedIsThere looks for mistakes that only show when packages are built, and for what
// would make them differ from machine to machine.
func TestWhatIsPackagedIsThere(t *testing.T) {
	g := documents[goreleaser](t, "../.goreleaser.yaml")[0]
	targets := 0
	for _, b := range g.Builds {
		if strings.Join(b.Flags, " ") != "-trimpath -buildvcs=true" || strings.Join(b.Ldflags, " ") != "-s -w -buildid=" || b.ModTimestamp == "" {
			t.Errorf("a build is not reproducible: %+v", b)
		}
		targets += len(b.Targets)
	}
	if targets != 5 {
		t.Errorf("it is built for %d systems", targets)
	}
	packaged := make(map[string]string)
	for _, c := range g.Nfpms[0].Contents {
		packaged[c.Dst] = c.Src
		if c.FileInfo.Mode == 0 {
			t.Errorf("%s has the mode that it happens to have where it is built", c.Dst)
		}
		if !strings.HasPrefix(c.Src, "bin/package/") && !strings.Contains(c.Src, "*") {
			exists(t, c.Src)
		}
	}
	for _, path := range g.Nfpms[0].Scripts {
		exists(t, path)
		if out, err := exec.Command("sh", "-n", "../"+path).CombinedOutput(); err != nil {
			t.Errorf("%s: %v\n%s", path, err, out)
		}
	}
	for dst, src := range map[string]string{
		"/usr/lib/systemd/system/monarch.service":  "deploy/systemd/monarch.service",
		"/usr/lib/systemd/system/monarch@.service": "deploy/systemd/monarch@.service",
		"/etc/monarch/monarch.toml":                "deploy/package/monarch.toml",
		"/usr/lib/sysusers.d/monarch.conf":         "deploy/package/sysusers.conf",
	} {
		if packaged[dst] != src {
			t.Errorf("%s is %q", dst, packaged[dst])
		}
	}
}

func exists(t *testing.T, path string) {
	t.Helper()
	if _, err := os.Stat("../" + path); err != nil {
		t.Error(err)
	}
}

// TestPackagedConfigurationFitsTheUnit puts it to the server's own reader.
func TestPackagedConfigurationFitsTheUnit(t *testing.T) {
	unit := read(t, "systemd/monarch.service")
	c := load(t, "package/monarch.toml", nil)
	value := func(key string) string {
		return regexp.MustCompile(`(?m)^` + key + `=(.*)$`).FindStringSubmatch(unit)[1]
	}
	if c.Data.Dir != "/var/lib/"+value("StateDirectory") {
		t.Errorf("the data is in %s, where the unit lets nobody write", c.Data.Dir)
	}
	if c.Passport.HTTPSListen != ":443" || c.Passport.HTTPListen != ":80" || c.Service.Host != config.Default().Service.Host {
		t.Errorf("%+v, %+v", c.Passport, c.Service)
	}
	if got := value("ExecStart"); got != "/usr/bin/monarch serve --config /etc/monarch/monarch.toml" {
		t.Errorf("the unit starts %s", got)
	}
	user := `u ` + value("User") + ` - "Monarch messenger service" ` + c.Data.Dir + ` /usr/sbin/nologin`
	if !strings.Contains(read(t, "package/sysusers.conf"), user+"\n") {
		t.Errorf("sysusers.conf does not say %s", user)
	}
	for _, word := range []string{"useradd --system --gid monarch --home-dir " + c.Data.Dir, `--comment "Monarch messenger service" monarch`} {
		if !strings.Contains(read(t, "package/postinstall.sh"), word) {
			t.Errorf("where there is no sysusers, the user is another one: no %s", word)
		}
	}
}
