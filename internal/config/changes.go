package config

import (
	"net/url"
	"strings"
)

// Parse reads the text of a file that is called path in errors, upon the defaults. The environment
// has no say, and whether the settings go together is not looked at.
func Parse(path string, text []byte) (Config, error) {
	c := Default()
	err := c.parse(path, text)
	return c, err
}

// EncodeChanges writes the settings that are not at their defaults as a file, each with its comment. It
// parses to the same configuration again.
func (c Config) EncodeChanges() string {
	changed := make(map[string]bool)
	for _, name := range c.Changes(Default()) {
		changed[name] = true
	}
	fields := c.fields()
	var b strings.Builder
	var section, heading string // of the lines that follow, and what is above its first key
	var comment strings.Builder
	for line := range strings.Lines(Annotated) {
		key, _, isKey := strings.Cut(line, " = ")
		switch {
		case strings.HasPrefix(line, "#"):
			comment.WriteString(line)
			continue
		case strings.HasPrefix(line, "["):
			section, heading = strings.Trim(line, "[]\n"), "\n"+comment.String()+line
		case isKey && changed[section+"."+key]:
			b.WriteString(heading + "\n" + comment.String() + key + " = " + format(fields[section+"."+key]) + "\n")
			heading = ""
		}
		comment.Reset()
	}
	return b.String()
}

// Secret reports whether something is in the configuration that is nobody else's business.
func (c Config) Secret() bool {
	holds := func(address string) bool {
		u, err := url.Parse(address)
		if err != nil || u.User == nil {
			return err != nil // who knows
		}
		_, has := u.User.Password()
		return has || u.Query().Has("password")
	}
	return c.SMTP.Password != "" || c.Mail.HookToken != "" || c.Cluster.Secret != "" || holds(c.Database.URL) || holds(c.Cluster.NATSURL)
}

// Faults returns what [Config.Validate] says of one setting.
func (c Config) Faults(key string) []string {
	var about []string
	err := c.Validate()
	if err == nil {
		return nil
	}
	for line := range strings.SplitSeq(err.Error(), "\n") {
		if strings.Contains(line, key) {
			about = append(about, line)
		}
	}
	return about
}
