package config

import "path/filepath"

// AuditOff is what audit.file says to keep no audit log.
const AuditOff = "off"

// Audit is the record of sign-ins and of what operators did.
type Audit struct {
	File    string `toml:"file"`     // "" is audit.log in the data directory
	MaxSize int    `toml:"max_size"` // MiB
	Keep    int    `toml:"keep"`
}

// AuditFile returns where the audit log is, the default spelled out, or "" for none.
func (c Config) AuditFile() string {
	switch c.Audit.File {
	case AuditOff:
		return ""
	case "":
		return filepath.Join(c.Data.Dir, "audit.log")
	}
	return c.Audit.File
}

func (p *problems) audit(a Audit) {
	if a.MaxSize < 1 || a.MaxSize > 1024 {
		p.add("audit.max_size is %d; choose between 1 and 1024", a.MaxSize)
	}
	if a.Keep < 1 || a.Keep > 1000 {
		p.add("audit.keep is %d; choose between 1 and 1000", a.Keep)
	}
}
