package config_test

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"monarch/internal/config"
)

func TestOnlyWhatChangedIsWritten(t *testing.T) {
	if text := config.Default().EncodeChanges(); text != "" {
		t.Errorf("of the defaults:\n%s", text)
	}
	c := config.Default()
	c.Service.Host, c.Service.Name = "im.example.com", `The "Butterfly"`
	c.Passport.HTTPListen = ":80"
	c.Limits.MaxContacts = 100
	c.Networks.Allow = []string{"192.0.2.0/24"}
	text := c.EncodeChanges()
	back, err := config.Parse("monarch.toml", []byte(text))
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(c, back); diff != "" {
		t.Errorf("%s\nin:\n%s", diff, text)
	}
	want := `
# What the service is called and where clients find it.
[service]

# The address clients are told to connect to: a host name or an IPv4 address that is right
# as seen from their machines. The default serves clients on this machine only.
host = "im.example.com"

# The name people read on pages, in certificates and in notices.
name = "The \"Butterfly\""

# Passwords are checked over HTTPS, as Microsoft's Passport did.
[passport]
`
	if !strings.HasPrefix(text, want) || strings.Contains(text, "[web]") || strings.Count(text, " = ") != 5 {
		t.Errorf("written:\n%s", text)
	}
}

func TestWhatIsSecret(t *testing.T) {
	for name, change := range map[string]func(*config.Config){
		"a password":     func(c *config.Config) { c.SMTP.Password = "sesame" },
		"in an address":  func(c *config.Config) { c.Database.URL = "postgres://monarch:sesame@db/monarch" },
		"in its query":   func(c *config.Config) { c.Database.URL = "postgres://monarch@db/monarch?password=sesame" },
		"of the cluster": func(c *config.Config) { c.Cluster.Secret = "sesame sesame sesame" },
	} {
		c := config.Default()
		if c.Database.URL = "postgres://monarch@db/monarch"; c.Secret() {
			t.Error("nothing is secret")
		}
		if change(&c); !c.Secret() {
			t.Errorf("%s is no secret", name)
		}
	}
}

func TestFaultsOfASetting(t *testing.T) {
	c := config.Default()
	c.Service.Host, c.Limits.MaxContacts = "", 0
	if got := c.Faults("service.host"); len(got) != 1 || !strings.HasPrefix(got[0], "service.host is empty") {
		t.Errorf("%q", got)
	}
	if got := c.Faults("service.name"); got != nil {
		t.Errorf("%q", got)
	}
}
