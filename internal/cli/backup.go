package cli

import (
	"context"
	"fmt"
	"path/filepath"
	"runtime"
	"runtime/debug"
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
	service, done, err := a.service(ctx, mustExist)
	if err != nil {
		return err
	}
	defer done()
	if err := service.Backup(ctx, path); err != nil {
		return err
	}
	fmt.Fprintf(a.stdout, "Wrote %s, a complete database with every account and list.\n"+
		"To go back to it: stop the server, remove monarch.db, monarch.db-wal and monarch.db-shm from\n"+
		"the data directory, and copy it there as monarch.db.\n", c.File)
	return nil
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
