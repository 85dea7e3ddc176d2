package cli

import (
	"fmt"
	"io"
	"runtime/debug"
	"strconv"
	"strings"
	"time"

	"monarch/internal/command"
	"monarch/internal/config"
	"monarch/internal/roff"
)

type completionCmd struct {
	Shell string `arg:"" enum:"bash,fish,zsh" help:"The shell."`
}

// Help gives the example.
func (*completionCmd) Help() string {
	return "monarch completion zsh > \"${fpath[1]}/_monarch\"\n" +
		"monarch completion fish > ~/.config/fish/completions/monarch.fish\n" +
		"source <(monarch completion bash)"
}

// Run prints the shell's script.
func (c *completionCmd) Run(a *app) error {
	script, err := a.frame().Completion(c.Shell)
	if err != nil {
		return err
	}
	_, err = io.WriteString(a.stdout, script)
	return err
}

type manCmd struct {
	Page string `arg:"" optional:"" enum:"monarch,monarch.toml" default:"monarch" help:"The page: of the program, unless that of the configuration is asked for."`
}

// Help gives the example.
func (*manCmd) Help() string {
	return "monarch man | man -l -\nmonarch man monarch.toml > /usr/local/share/man/man5/monarch.toml.5"
}

// Run prints the page's source.
func (c *manCmd) Run(a *app) error {
	day, err := a.written()
	if err != nil {
		return err
	}
	page := roff.New("monarch", 1, day, "Monarch")
	if c.Page == "monarch.toml" {
		page = roff.New("monarch.toml", 5, day, "Monarch")
		aboutConfiguration(page)
	} else if err := a.aboutProgram(page); err != nil {
		return err
	}
	_, err = io.WriteString(a.stdout, page.String())
	return err
}

// written is the day that pages show: of SOURCE_DATE_EPOCH, as those who build packages set it, or
// of the revision this was built from. It is none if nobody knows.
func (a *app) written() (time.Time, error) {
	for _, variable := range a.environ {
		if text, ok := strings.CutPrefix(variable, "SOURCE_DATE_EPOCH="); ok {
			seconds, err := strconv.ParseInt(text, 10, 64)
			if err != nil {
				return time.Time{}, command.UsageError("SOURCE_DATE_EPOCH is not a number of seconds: " + text)
			}
			return time.Unix(seconds, 0), nil
		}
	}
	if info, ok := debug.ReadBuildInfo(); ok {
		for _, s := range info.Settings {
			if s.Key == "vcs.time" {
				return time.Parse(time.RFC3339, s.Value)
			}
		}
	}
	return time.Time{}, nil
}

// aboutProgram writes monarch(1).
func (a *app) aboutProgram(page *roff.Page) error {
	if err := a.frame().Manual(page); err != nil {
		return err
	}
	page.Section("ENVIRONMENT")
	page.Item("`MONARCH_SECTION_KEY`", "Sets a key of the configuration, and wins over its file: monarch.toml(5) names the variable of each.")
	page.Section("FILES")
	page.Item("/etc/monarch/monarch.toml", "The configuration, where a package or the handbook put it. Commands read it when `--config` names it.")
	page.Item("/var/lib/monarch", "The data directory there: the database, the certificates, and the socket that commands reach the server by.")
	page.Section("SEE ALSO")
	page.Text("monarch.toml(5)")
	return nil
}

// aboutConfiguration writes monarch.toml(5).
func aboutConfiguration(page *roff.Page) {
	page.Section("NAME")
	page.Plain("monarch.toml", "configuration of the MSN Messenger service monarch")
	page.Section("DESCRIPTION")
	page.Text("A file in TOML. It needs only what is to be unlike the defaults below; without any file everything is at its default. " +
		"Every key can also be set by an environment variable, which wins; a list is separated by commas there.")
	page.Text("Durations are written like \"60s\", \"5m\" or \"1h30m\", sizes like \"64KiB\" or \"64MiB\", rates like \"10/60s\". A key that does not exist " +
		"is a mistake, and so is a value that makes no sense: `monarch config check` tells which, and `monarch config print` what is in force. " +
		"`monarch reload` puts most of what was changed in force in a running server, and names what needs a restart.")
	for _, s := range config.Sections() {
		page.Section("[" + s.Name + "]")
		page.Text(s.Text)
		for _, k := range s.Keys {
			_, name, _ := strings.Cut(k.Name, ".")
			page.Item(fmt.Sprintf("`%s` = %s", name, k.Default), k.Text, k.Env)
		}
	}
	page.Section("FILES")
	page.Item("/etc/monarch/monarch.toml", "Where the service that a package installs has it.")
	page.Section("EXAMPLES")
	page.Example("[service]\nhost = \"im.example.com\"\n\n[data]\ndir = \"/var/lib/monarch\"\n\n[passport]\nhttps_listen = \":443\"\nhttp_listen = \":80\"\n")
	page.Section("SEE ALSO")
	page.Text("monarch(1)")
}
