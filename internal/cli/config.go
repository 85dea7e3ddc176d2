package cli

import (
	"crypto/tls"
	"fmt"
	"io"
	"os"

	"monarch/internal/command"
	"monarch/internal/config"
)

// configCmds are the commands about the configuration.
type configCmds struct {
	Print configPrint `cmd:"" help:"Print the configuration in force, with every key explained."`
	Check configCheck `cmd:"" help:"Check a configuration without starting anything."`
}

type configPrint struct {
	File string `arg:"" optional:"" help:"Configuration file, in place of --config."`
}

// Help gives the example.
func (*configPrint) Help() string { return "monarch config print > monarch.toml" }

// Run prints a file that says what is in force.
func (c *configPrint) Run(a *app) error {
	cfg, err := a.loadFile(c.File)
	if err != nil {
		return err
	}
	_, err = io.WriteString(a.stdout, cfg.Encode())
	return err
}

type configCheck struct {
	File string `arg:"" optional:"" help:"Configuration file, in place of --config."`
}

// Help gives the example.
func (*configCheck) Help() string { return "monarch config check monarch.toml" }

// Run checks the values, and that the files they name can be used.
func (c *configCheck) Run(a *app) error {
	cfg, err := a.loadFile(c.File)
	if err != nil {
		return err
	}
	if cfg.Passport.Cert != "" {
		if _, err := tls.LoadX509KeyPair(cfg.Passport.Cert, cfg.Passport.Key); err != nil {
			return fmt.Errorf("passport.cert and passport.key cannot be used: %w", err)
		}
	}
	if dir := cfg.Passport.Templates; dir != "" {
		if _, err := os.ReadDir(dir); err != nil {
			return fmt.Errorf("passport.templates cannot be used: %w", err)
		}
	}
	if _, err := cfg.SMTP.Secret(); err != nil {
		return err
	}
	if cfg.Cluster.Mode == config.ClusterEmbedded && cfg.Cluster.CA == "" {
		if _, err := cfg.Cluster.TheSecret(); err != nil {
			return err
		}
	}
	what := "The configuration"
	if a.config != "" {
		what = a.config
	}
	fmt.Fprintf(a.stdout, "%s is right. Clients are told to connect to %s.\n", what, cfg.Service.Host)
	return nil
}

// loadFile is load with a file that may also be named as an argument.
func (a *app) loadFile(file string) (config.Config, error) {
	if file != "" {
		if a.config != "" {
			return config.Config{}, command.UsageError("name the file once, with --config or as an argument")
		}
		a.config = file
	}
	return a.load()
}
