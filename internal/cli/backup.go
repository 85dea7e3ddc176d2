package cli

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"runtime"
	"runtime/debug"

	"monarch/internal/admin"
	"monarch/internal/audit"
	"monarch/internal/config"
	"monarch/internal/store"
)

type backupCmd struct {
	File string `arg:"" help:"The file to write; it must not exist."`
}

// Help gives the example.
func (*backupCmd) Help() string { return "monarch backup monarch-2026-01-31.db" }

// Run writes the copy.
func (c *backupCmd) Run(ctx context.Context, a *app) error {
	path, err := filepath.Abs(c.File) // the server may have been started elsewhere
	if err != nil {
		return fmt.Errorf("find the file's directory: %w", err)
	}
	cfg, err := a.load()
	if err != nil {
		return err
	}
	if store.IsPostgres(cfg.DatabaseURL()) {
		return store.ErrNotAFile
	}
	service, done, err := a.service(ctx, mustExist)
	if err != nil {
		return err
	}
	defer done()
	if err := service.Backup(ctx, path); err != nil {
		return err
	}
	fmt.Fprintf(a.stdout, "Wrote %s, a complete database with every account and list.\n"+
		"To go back to it: stop the server, then %s\n", c.File, a.command("restore "+shellWord(c.File)))
	return nil
}

type restoreCmd struct {
	File      string `arg:"" optional:"" help:"The backup. It is not changed."`
	PGRestore bool   `name:"after-pg-restore" help:"Of PostgreSQL: pg_restore has put the database back; make it the present one."`
}

// Help gives the example.
func (*restoreCmd) Help() string { return "monarch restore monarch-2026-01-31.db" }

// Run puts the backup in place of the database, while no server runs.
func (c *restoreCmd) Run(ctx context.Context, a *app) error {
	cfg, err := a.load()
	if err != nil {
		return err
	}
	switch postgres := store.IsPostgres(cfg.DatabaseURL()); {
	case postgres && !c.PGRestore:
		return store.ErrNotAFile
	case !postgres && (c.PGRestore || c.File == ""):
		return errors.New("name the file of a backup, as in: monarch restore monarch-2026-01-31.db")
	}
	if err := os.MkdirAll(cfg.Data.Dir, 0o700); err != nil {
		return fmt.Errorf("make data directory: %w", err)
	}
	release, err := admin.Occupy(cfg.Data.Dir, "a backup is being restored")
	if err != nil {
		return err
	}
	r, err := c.restore(ctx, cfg)
	if errors.Is(err, store.ErrLocked) {
		err = fmt.Errorf("%w\nStop the server or the command that uses it first", err)
	}
	if err == nil {
		a.record(ctx, cfg, audit.Event{What: audit.BackupRestored, Note: c.note()})
	}
	if err := errors.Join(err, release()); err != nil {
		return err
	}
	fmt.Fprintf(a.stdout, "Restored %s", plural(r.Users, "account", "accounts"))
	if !r.Last.IsZero() {
		fmt.Fprintf(a.stdout, ", of which the youngest was made %s", when(r.Last))
	}
	fmt.Fprintln(a.stdout, ".")
	if r.Kept != "" {
		fmt.Fprintf(a.stdout, "The database of before is now %s; remove it when you do not need it.\n", r.Kept)
	}
	fmt.Fprintf(a.stdout, "Start the server. To see whether all is well: %s\n", a.command("doctor"))
	return nil
}

// note is what the audit log calls the backup.
func (c *restoreCmd) note() string {
	if c.PGRestore {
		return "what pg_restore had put back"
	}
	return filepath.Base(c.File)
}

// restore makes the backup the database, or what pg_restore has put back the present one.
func (c *restoreCmd) restore(ctx context.Context, cfg config.Config) (store.Restored, error) {
	if !c.PGRestore {
		return store.Restore(ctx, c.File, cfg.DatabaseURL())
	}
	h, err := store.AfterRestore(ctx, cfg.DatabaseURL())
	return store.Restored{Health: h}, err
}

type versionCmd struct{}

// Help gives the example.
func (*versionCmd) Help() string { return "monarch version" }

// Run tells what was built, as the build noted it.
func (*versionCmd) Run(a *app) error {
	version, revision := "(unknown)", ""
	if info, ok := debug.ReadBuildInfo(); ok {
		version = info.Main.Version
		for _, s := range info.Settings {
			if s.Key == "vcs.revision" {
				revision = ", revision " + s.Value
			}
		}
	}
	fmt.Fprintf(a.stdout, "monarch %s%s, %s %s/%s\n", version, revision, runtime.Version(), runtime.GOOS, runtime.GOARCH)
	return nil
}
