package doctor

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"net"
	"net/netip"
	"os"
	"path/filepath"
	"strings"

	"monarch/internal/config"
	"monarch/internal/store"
)

// settings looks at what is allowed and yet rarely meant. That the configuration is valid is
// known: it has been loaded.
func (e *examination) settings(context.Context) {
	const check = "settings"
	before := len(e.findings)
	if e.Config.Limits.Rates == config.RatesOff {
		e.complain(Warning, check, "limits.rates is off: nothing slows down who guesses passwords or floods the service.",
			`Set limits.rates to "on", unless this is a load test.`)
	}
	if host, _, err := net.SplitHostPort(e.Config.Ops.Listen); err == nil {
		if ip, err := netip.ParseAddr(host); host != "localhost" && (err != nil || !ip.IsLoopback()) {
			e.complain(Warning, check, fmt.Sprintf("ops.listen is %q, and asks nobody for a password.", e.Config.Ops.Listen),
				`Set ops.listen to "127.0.0.1:9090", or keep it behind a firewall.`)
		}
	}
	if dir := e.Config.Passport.Templates; dir != "" {
		if _, err := os.ReadDir(dir); err != nil {
			e.complain(Problem, check, fmt.Sprintf("passport.templates cannot be read: %v.", err),
				"Name the directory of the templates, or leave passport.templates empty for the built-in ones.")
		}
	}
	if len(e.findings) == before {
		e.ok(check, "The configuration is valid, and nothing in it is unusual.")
	}
}

// directory looks at the data directory: its owner alone may enter, and may write.
func (e *examination) directory(context.Context) {
	const check = "data directory"
	dir := e.Config.Data.Dir
	shown := dir
	if abs, err := filepath.Abs(dir); err == nil {
		shown = abs
	}
	info, err := os.Stat(dir)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		e.complain(Warning, check, fmt.Sprintf("%s is not there yet.", shown),
			"The first start makes it. If your service has another one, name it with --data or --config.")
		return
	case err != nil:
		e.complain(Problem, check, fmt.Sprintf("It cannot be looked at: %v.", err), "Give the user that runs the server rights to "+shown+".")
		return
	case !info.IsDir():
		e.complain(Problem, check, shown+" is a file.", "Name a directory in data.dir or with --data.")
		return
	}
	if mode := info.Mode().Perm(); mode&0o077 != 0 {
		e.complain(Warning, check, fmt.Sprintf("Others than its owner have rights to %s (mode %04o).", shown, mode), "chmod 700 "+shown)
	}
	if probe, err := os.CreateTemp(dir, "doctor-*.tmp"); err != nil {
		e.complain(Problem, check, fmt.Sprintf("It cannot be written: %v.", err),
			"Give "+shown+" to the user that runs the server (chown, chmod 700), on a file system that is not read-only.")
		return
	} else {
		probe.Close()
		os.Remove(probe.Name())
	}
	if odd := e.strangers(dir); len(odd) > 0 {
		e.complain(Warning, check, "Not of the directory's owner: "+strings.Join(odd, ", ")+". Perhaps a command ran as root.",
			"Give every file in "+shown+" to the user that runs the server (chown -R).")
		return
	}
	if info.Mode().Perm()&0o077 == 0 {
		e.ok(check, "%s can be written, and is private.", shown)
	}
}

// strangers returns the files of the directory that belong to somebody else than it does.
func (e *examination) strangers(dir string) []string {
	want, ok := owner(dir)
	if !ok {
		return nil
	}
	var odd []string
	entries, _ := os.ReadDir(dir) // that it can be read shows elsewhere
	for _, entry := range entries {
		if uid, ok := owner(filepath.Join(dir, entry.Name())); ok && uid != want {
			odd = append(odd, entry.Name())
		}
	}
	return odd
}

// database reads the whole database.
func (e *examination) database(ctx context.Context) {
	const check = "database"
	url := e.Config.DatabaseURL()
	if store.IsPostgres(url) {
		e.postgres(ctx, url)
		return
	}
	h, err := store.Check(ctx, url)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		e.skip(check, "There is none yet; the first start makes it.")
		return
	case errors.Is(err, store.ErrDamaged) || err == nil && len(h.Faults) > 0:
		found := strings.Join(h.Faults, "; ")
		if err != nil {
			found = err.Error()
		}
		e.complain(Problem, check, "It is damaged: "+found+".",
			"Stop the server, keep a copy of monarch.db, monarch.db-wal and monarch.db-shm, remove them, and put the last backup in their place as monarch.db.")
		return
	case err != nil:
		e.complain(Problem, check, err.Error()+".", "Run this command as the user that runs the server, and see about the data directory.")
		return
	}
	if !e.schema(check, "Sound", h, e.Command("backup FILE")) {
		return
	}
	path := strings.TrimPrefix(strings.TrimPrefix(url, "sqlite:"), "//")
	e.private(check, path)
}

// schema looks at the release that a database is of, and reports whether this one can read it. found says
// what is good about it so far.
func (e *examination) schema(check, found string, h store.Health, backup string) bool {
	switch {
	case h.Schema > h.Newest:
		e.complain(Problem, check, fmt.Sprintf("It has schema %d, of a newer release; this one knows %d.", h.Schema, h.Newest),
			"Run the newer release, or go back to a backup from before the upgrade.")
		return false
	case h.Schema < h.Newest:
		e.complain(Warning, check, fmt.Sprintf("%s, schema %d; this release has %d.", found, h.Schema, h.Newest),
			"Make a backup ("+backup+"), then restart the server with this release: the start brings the schema up to date.")
	default:
		e.ok(check, "%s, schema %d, %d %s.", found, h.Schema, h.Users, plural(h.Users, "account", "accounts"))
	}
	e.users, e.last = h.Users, h.Last
	return true
}

// postgres looks at a database of PostgreSQL. Whether its files are sound is for the programs of
// PostgreSQL to say.
func (e *examination) postgres(ctx context.Context, url string) {
	const check = "database"
	h, err := store.Check(ctx, url)
	switch {
	case errors.Is(err, fs.ErrNotExist) && !errors.Is(err, store.ErrUnavailable): // a socket may be missing, too
		e.skip(check, "PostgreSQL answers, and there is nothing in the database yet; the first start makes it.")
		return
	case err != nil:
		e.complain(Problem, check, err.Error()+".", "docs/postgresql.md tells how PostgreSQL is to be set up.")
		return
	}
	if !e.schema(check, "PostgreSQL answers", h, "pg_dump") {
		return
	}
	for _, risk := range h.Risks {
		e.complain(Problem, check, "In PostgreSQL, "+risk+".", "Set it to on in postgresql.conf, or wherever it was changed for this database or user.")
	}
}

// private complains of a file with secrets that others than its owner have rights to.
func (e *examination) private(check, path string) {
	if info, err := os.Stat(path); err == nil && info.Mode().Perm()&0o077 != 0 {
		e.complain(Problem, check, fmt.Sprintf("Others than its owner have rights to %s (mode %04o), and it holds secrets.", path, info.Mode().Perm()),
			"chmod 600 "+path)
	}
}

// The space below which the disk is a worry, in bytes.
const (
	littleSpace = 1 << 30
	noSpace     = 100 << 20
)

// disk looks at the space where the database grows.
func (e *examination) disk(context.Context) {
	const check = "disk space"
	free, ok := freeSpace(e.Config.Data.Dir)
	switch _, err := os.Stat(e.Config.Data.Dir); {
	case err != nil:
		e.skip(check, "Not looked at, because there is no data directory.")
	case !ok:
		e.skip(check, "Not looked at: this system does not tell.")
	case free < noSpace:
		e.complain(Problem, check, fmt.Sprintf("%d MiB left in the data directory.", free>>20), "Make room: without it, no list can be changed.")
	case free < littleSpace:
		e.complain(Warning, check, fmt.Sprintf("%d MiB left in the data directory.", free>>20), "Make room before it gets less than 100 MiB.")
	default:
		e.ok(check, "%.1f GiB left in the data directory.", float64(free)/(1<<30))
	}
}

func plural(n int, one, many string) string {
	if n == 1 {
		return one
	}
	return many
}
