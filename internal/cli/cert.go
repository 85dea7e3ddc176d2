package cli

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"time"

	"monarch/internal/audit"
	"monarch/internal/command"
	"monarch/internal/config"
	"monarch/internal/passport"
)

type certCmd struct {
	Out   string `help:"Write the authority's certificate to this file; - is standard output." placeholder:"FILE" xor:"what"`
	DER   bool   `name:"der" help:"With --out: write the binary form that Windows imports, instead of PEM."`
	Renew bool   `help:"Issue the certificates anew. The authority keeps its key."`
	SHA1  bool   `name:"sha1" help:"With --renew: sign with SHA-1, for Windows before XP SP3."`
	JSON  bool   `name:"json" help:"Write JSON." xor:"what"`
}

// certificate is [passport.CertificateInfo] as programs read it.
type certificate struct {
	Path    string    `json:"file"`
	KeyPath string    `json:"key_file"`
	Subject string    `json:"name"`
	Names   []string  `json:"hosts,omitempty"`
	SHA1    string    `json:"sha1"`
	SHA256  string    `json:"sha256"`
	Hash    string    `json:"signed_with"`
	Expires time.Time `json:"expires"`
}

// Help gives the example.
func (*certCmd) Help() string {
	return "monarch cert\nmonarch cert --out monarch-ca.cer --der\nmonarch cert --renew --sha1"
}

// Run shows, exports or renews. Certificates that are not there yet are made.
func (c *certCmd) Run(ctx context.Context, a *app) error {
	switch {
	case c.SHA1 && !c.Renew:
		return command.UsageError("--sha1 says how to sign new certificates: add --renew")
	case c.DER && c.Out == "":
		return command.UsageError("--der says how to write a file: add --out FILE")
	}
	cfg, err := a.load()
	if err != nil {
		return err
	}
	if cfg.Passport.Cert != "" {
		return fmt.Errorf("the configuration names a certificate of yours, %s; it is not made here\n"+
			"Leave passport.cert and passport.key empty to have an authority of our own", cfg.Passport.Cert)
	}
	certs, err := c.certificates(cfg)
	if err != nil {
		return err
	}
	if c.Renew {
		a.record(ctx, cfg, audit.Event{What: audit.CertRenewed})
	}
	switch {
	case c.Out != "":
		return c.export(a, certs)
	case c.JSON:
		return encode(a.stdout, map[string]certificate{"authority": certificate(certs.CA), "server": certificate(certs.Server)})
	}
	if c.Renew {
		fmt.Fprintf(a.stdout, "The certificates are issued anew. A running server shows them after: %s\n\n", a.command("reload"))
	}
	return a.describe(certs)
}

// certificates returns what the data directory holds, as it is unless it is to be renewed.
func (c *certCmd) certificates(cfg config.Config) (passport.Certificates, error) {
	switch {
	case c.Renew && c.SHA1:
		return passport.RenewCertificate(cfg.Data.Dir, cfg.Hosts(), passport.SHA1)
	case c.Renew:
		return passport.RenewCertificate(cfg.Data.Dir, cfg.Hosts(), passport.SHA256)
	}
	return passport.EnsureCertificate(cfg.Data.Dir, cfg.Hosts())
}

// export writes the authority's certificate.
func (c *certCmd) export(a *app, certs passport.Certificates) error {
	text := certs.CAPEM()
	if c.DER {
		text = certs.CADER()
	}
	if c.Out == "-" {
		_, err := a.stdout.Write(text)
		return err
	}
	if err := os.WriteFile(c.Out, text, 0o644); err != nil { //nolint:gosec // a certificate is public
		return fmt.Errorf("export certificate: %w", err)
	}
	fmt.Fprintf(a.stdout, "Wrote %s.\n\n%s", c.Out, importSteps(c.Out, certs.CA.SHA1))
	return nil
}

// describe tells what the certificates are and what to do with them.
func (a *app) describe(certs passport.Certificates) error {
	for _, part := range []struct {
		title string
		passport.CertificateInfo
	}{{"Authority, which clients must trust", certs.CA}, {"Server, signed by the authority", certs.Server}} {
		fmt.Fprintf(a.stdout, "%s\n", part.title)
		lines := [][2]string{
			{"  Name", part.Subject},
			{"  File", part.Path},
			{"  Valid until", part.Expires.Format("2 January 2006")},
			{"  Signed with", part.Hash},
			{"  SHA-1", part.SHA1},
			{"  SHA-256", part.SHA256},
		}
		for i, n := range part.Names {
			title := ""
			if i == 0 {
				title = "  Hosts"
			}
			lines = append(lines, [2]string{title, n})
		}
		if err := pairs(a.stdout, lines); err != nil {
			return err
		}
		fmt.Fprintln(a.stdout)
	}
	fmt.Fprintf(a.stdout, "To make a Windows machine trust it, export the authority's certificate first:\n  %s\n\n%s",
		a.command("cert --out monarch-ca.cer --der"), importSteps("monarch-ca.cer", certs.CA.SHA1))
	return nil
}

// importSteps says what to do with an exported certificate.
func importSteps(file, sha1 string) string {
	return strings.Join([]string{
		"On Windows:",
		"  1. Copy " + filepath.Base(file) + " to the machine and open it.",
		"  2. Install Certificate, Place all certificates in the following store, Browse,",
		"     Trusted Root Certification Authorities.",
		"  3. Compare the thumbprint before you say yes:",
		"     " + sha1,
		"Windows before XP SP3 wants SHA-1 signatures: run cert --renew --sha1 first.",
		"Pidgin asks at the first sign-in: compare, and accept. Most other clients of the time do not check.",
		"",
	}, "\n")
}
